use std::io::Write as _;

use proptest::prelude::*;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zip archive whose members are stored as they are.
fn stored(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, content) in members {
        let (mut entry, config) = archive.new_file(name).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(content).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap()
}

fn failure(body: &[u8], limit: usize) -> Option<Failure> {
    unpack(body, limit).unwrap().shortfall.map(|(kind, _)| kind)
}

#[test]
fn what_is_not_packed_is_left_alone() {
    for body in [b"".as_slice(), b"PK", b"{\"a\":1}", b"\x1f\x8b", b"PK\x01\x02"] {
        assert!(unpack(body, 100).is_none());
    }
}

#[test]
fn members_follow_each_other_with_their_names() {
    let packed = stored(&[("a.txt", b"one"), ("b/c.txt.gz", &gzip(b"two"))]);
    let text = String::from_utf8(unpack(&packed, 1000).unwrap().bytes).unwrap();
    assert_eq!(text, "--- member: a.txt\none\n--- member: b/c.txt.gz\ntwo\n");
    assert_eq!(unpack(&gzip(b"alone"), 1000).unwrap().bytes, b"alone");
    let padded = [gzip(b"one "), gzip(b"two"), vec![0; 9]].concat();
    assert_eq!(unpack(&padded, 1000).unwrap().bytes, b"one two");
}

/// Each member may be small: it is all of them that count, and their names, and what was unpacked on the way.
#[test]
fn bounds_are_of_a_whole_body() {
    let content = [b'x'; 40];
    let two = stored(&[("a", &content), ("b", &content)]);
    assert_eq!(failure(&two, 82), None);
    assert_eq!(failure(&two, 81), Some(Failure::TooLarge));
    assert_eq!(failure(&gzip(&gzip(&content)), 41), Some(Failure::TooLarge));
    let empty = vec![gzip(b""); MOST_MEMBERS + 1].concat();
    assert_eq!(failure(&empty, 1000), Some(Failure::TooLarge));
    let names: Vec<String> = (0..=MOST_MEMBERS).map(|number| number.to_string()).collect();
    let names: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_eq!(failure(&stored(&names), 1 << 20), Some(Failure::TooLarge));
    let unpacked = unpack(&stored(&names), 1 << 20).unwrap();
    assert!(unpacked.bytes.len() < 1 << 20);
}

#[test]
fn a_member_that_can_not_be_read_hides_no_other() {
    let mut packed = stored(&[("a", b"one"), ("b", b"two")]);
    // Another method than those that are known, for the first.
    for (signature, at) in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)] {
        let begin = packed.windows(4).position(|four| four == signature).unwrap();
        packed[begin + at] = 98;
    }
    let unpacked = unpack(&packed, 1000).unwrap();
    assert_eq!(unpacked.bytes, b"--- member: a\n--- member: b\ntwo\n");
    let (kind, why) = unpacked.shortfall.unwrap();
    assert_eq!(kind, Failure::Unreadable);
    assert!(why.contains("98"), "{why}");
}

proptest! {
    #[test]
    fn whatever_is_broken_is_unpacked_within_the_bound(
        at in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400, limit in 0_usize..300,
    ) {
        let packed = stored(&[("a.txt", b"one"), ("b.gz", &gzip(&[b'x'; 200])), ("c", &stored(&[("d", b"two")]))]);
        let mut broken = packed;
        let place = at % broken.len();
        broken[place] = byte;
        broken.truncate(broken.len().saturating_sub(cut % 50));
        if let Some(unpacked) = unpack(&broken, limit) {
            prop_assert!(unpacked.bytes.len() <= limit + broken.len() + 200);
        }
    }
}
