//! Zip archives (APPNOTE): what the central directory names.

use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::Unpacking;
use crate::log::Failure;

impl Unpacking {
    pub(super) fn zip(&mut self, bytes: &[u8], depth: usize) {
        let Ok(archive) = ZipArchive::from_slice(bytes) else {
            return self
                .falls_short(Failure::Unreadable, "the answer has packed a zip archive that is broken".to_owned());
        };
        self.note("comment", archive.comment().as_bytes());
        let mut entries = archive.entries();
        loop {
            match entries.next_entry() {
                Ok(None) => return,
                Ok(Some(_)) if !self.may_go_on() => return,
                Ok(Some(member)) => self.member(&archive, &member, depth),
                Err(_) => {
                    return self
                        .falls_short(Failure::Unreadable, "the directory of a zip archive is broken".to_owned());
                }
            }
        }
    }

    fn member(&mut self, archive: &ZipSliceArchive<&[u8]>, member: &ZipFileHeaderRecord<'_>, depth: usize) {
        self.note("member", member.file_path().as_bytes());
        self.note("comment", member.comment().as_bytes());
        let Ok(entry) = archive.get_entry(member.wayfinder()) else {
            return self.falls_short(Failure::Unreadable, "a member of a zip archive is cut off".to_owned());
        };
        if member.flags().is_encrypted() {
            return self.falls_short(Failure::Unreadable, "a member of a zip archive is encrypted".to_owned());
        }
        let content = match member.compression_method() {
            CompressionMethod::STORE => self.inflated(entry.verifying_reader(entry.data())),
            CompressionMethod::DEFLATE => {
                self.inflated(entry.verifying_reader(flate2::bufread::DeflateDecoder::new(entry.data())))
            }
            other => {
                let why = format!("a member of a zip archive is packed in a way that is not read here: {other}");
                return self.falls_short(Failure::Unreadable, why);
            }
        };
        self.through(&content, depth.saturating_add(1));
        self.bytes.push(b'\n');
    }

    /// What an archive says of itself, in a line of its own.
    fn note(&mut self, what: &str, text: &[u8]) {
        let kept = self.spent(text.len());
        if let Some(text) = text.get(..kept).filter(|text| !text.is_empty()) {
            self.bytes.extend([b"--- ", what.as_bytes(), b": ", text, b"\n"].concat());
        }
    }
}
