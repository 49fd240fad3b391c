//! Files that are no text and hold one: each is what any reader of its kind opens, and as small as that may be. The text
//! is in it as it is, so that whoever is shown the file is shown the text.

use std::io::Write as _;

use rawzip::{ZipArchiveWriter, crc32};
use watertight_spec::FileForm;

/// The bytes of a file with this text in it.
pub(super) fn file_of(form: FileForm, text: &[u8]) -> Vec<u8> {
    match form {
        FileForm::Text => text.to_vec(),
        FileForm::Png => png(text),
        FileForm::Jpeg => jpeg(text),
        FileForm::Gif => gif(text),
        FileForm::Zip => zip(text),
    }
}

/// One black dot, and a comment (PNG, third edition: 5.3, 11.2, 11.3.3.2).
fn png(text: &[u8]) -> Vec<u8> {
    // Width, height, bits of a sample; shades of grey, deflate, usual filters, not interlaced.
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0];
    // zlib around two bytes as they are: no filter, black.
    let dot = [0x78, 0x01, 0x01, 2, 0, 0xfd, 0xff, 0, 0, 0, 2, 0, 1];
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"tEXt", &[b"Comment\0", text].concat()),
        chunk(b"IDAT", &dot),
        chunk(b"IEND", b""),
    ]
    .concat()
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [kind.as_slice(), content].concat();
    [&u32_of(content.len()).to_be_bytes(), named.as_slice(), &crc32(&named).to_be_bytes()].concat()
}

/// One grey dot, and a comment (ITU-T T.81, annex B; JFIF 1.02).
fn jpeg(text: &[u8]) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| {
        let length = u16_of(content.len().saturating_add(2));
        [&[0xff, marker], length.to_be_bytes().as_slice(), content].concat()
    };
    // A code of one bit that stands for 0: no difference, and no more of this block.
    let code = |table: u8| [&[table, 1][..], &[0; 15], &[0]].concat();
    [
        b"\xff\xd8".to_vec(),
        segment(0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0"),
        segment(0xfe, text),
        // Nothing is divided.
        segment(0xdb, &[&[0][..], &[1; 64]].concat()),
        // Eight bits a sample, height, width, one component.
        segment(0xc0, &[8, 0, 1, 0, 1, 1, 1, 0x11, 0]),
        segment(0xc4, &code(0x00)),
        segment(0xc4, &code(0x10)),
        // One component, the whole of it at once; then the two bits, filled up with ones.
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        b"\x3f\xff\xd9".to_vec(),
    ]
    .concat()
}

/// One black dot, and a comment (GIF89a, 17 to 27).
fn gif(text: &[u8]) -> Vec<u8> {
    let blocks = text.chunks(255).flat_map(|block| [&[u8::try_from(block.len()).unwrap_or(255)], block].concat());
    [
        // Width, height, two colours: black and white.
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec(),
        b"\x21\xfe".iter().copied().chain(blocks).chain([0]).collect(),
        // The whole picture; codes of three bits: begin anew, the first colour, the end.
        b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b".to_vec(),
    ]
    .concat()
}

/// One member, stored as it is.
fn zip(text: &[u8]) -> Vec<u8> {
    let archive = || {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        let (mut member, config) = archive.new_file("notes.txt").start()?;
        let mut writer = config.wrap(&mut member);
        writer.write_all(text)?;
        let (_, described) = writer.finish()?;
        member.finish(described)?;
        archive.finish()
    };
    // Nothing fails that is written into memory.
    archive().unwrap_or_default()
}

/// A length: what a spec writes into a file is a few hundred bytes.
fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The same.
fn u16_of(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unpack::unpack;

    #[test]
    fn every_file_begins_and_ends_as_its_kind_does_and_holds_its_text() {
        let kinds: [(_, &[u8], &[u8]); 4] = [
            (FileForm::Png, b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
            (FileForm::Jpeg, b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"\xff\xd9"),
            (FileForm::Gif, b"GIF89a", b"\x3b"),
            (FileForm::Zip, b"PK\x03\x04", b"\0\0"),
        ];
        for (form, begins, ends) in kinds {
            let file = file_of(form, b"a canary");
            assert!(file.starts_with(begins) && file.ends_with(ends), "{form:?}");
            assert!(file.windows(8).any(|part| part == b"a canary"), "{form:?}");
        }
    }

    #[test]
    fn an_archive_is_one_that_is_unpacked_whole() {
        let unpacked = unpack(&file_of(FileForm::Zip, b"a canary"), 1000).unwrap();
        assert_eq!(String::from_utf8(unpacked.bytes).unwrap(), "--- member: notes.txt\na canary\n");
        assert_eq!(unpacked.shortfall, None);
    }
}
