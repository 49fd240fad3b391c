//! What an answer has packed, as a zip archive or with gzip, is looked through, redacted and recorded unpacked.

use std::io::Write as _;

use base64::Engine as _;
use watertight_engine::call::Caller;
use watertight_engine::log::Failure;
use watertight_engine::marker::RunTag;
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, SECRET, failure, spec};
use crate::hostile::gzip;

/// How a member of an archive is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Sound,
    /// Marked as encrypted.
    Encrypted,
}

/// A zip archive of these members.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_of(members, Member::Sound)
}

fn zip_of(members: &[(&str, &[u8])], kind: Member) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, content) in members {
        let file = archive.new_file(name).compression_method(rawzip::CompressionMethod::DEFLATE);
        let (mut entry, config) = file.start().unwrap();
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::best());
        let mut writer = config.wrap(encoder);
        writer.write_all(content).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    let mut bytes = archive.finish().unwrap();
    if kind == Member::Encrypted {
        for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
            let at = bytes.windows(4).position(|four| four == signature).unwrap();
            if let Some(byte) = bytes.get_mut(at + flags) {
                *byte |= 1;
            }
        }
    }
    bytes
}

/// What is answered at each path, and a bed for it.
async fn answering(answers: Vec<(&'static str, Vec<u8>)>) -> Bed {
    let (url, _) = serve(move |stream, head| {
        let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let body = answers.iter().find(|(at, _)| *at == path).map(|(_, body)| body.clone()).unwrap_or_default();
        async move { reply(stream, "content-type: application/octet-stream\r\n", &body).await }
    })
    .await;
    Bed::new(spec(&url, "test", ""))
}

fn souths_canary() -> String {
    let bed = Bed::new(spec("http://127.0.0.1:1", "test", ""));
    RunTag::new(1, 2).canary(bed.tenant(1), "x").to_string()
}

#[tokio::test]
async fn a_canary_is_found_in_whatever_an_answer_has_packed() {
    let csv = format!("id,name\n1,{}\n", souths_canary()).into_bytes();
    let wide: Vec<u8> = String::from_utf8(csv.clone()).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let in_base64 = base64::engine::general_purpose::STANDARD.encode(&csv).into_bytes();
    let answers = vec![
        ("/plain.csv.gz", gzip(&csv)),
        ("/several.gz", [gzip(b"first\n"), gzip(&csv), vec![0; 512]].concat()),
        ("/twice.gz", gzip(&gzip(&csv))),
        ("/export.zip", zip(&[("readme.txt", b"hello"), ("data/contacts.csv", &csv)])),
        ("/wide.zip", zip(&[("contacts.csv", &wide)])),
        ("/encoded.zip", zip(&[("contacts.b64", &in_base64)])),
        ("/nested.zip", zip(&[("inner.zip", &zip(&[("contacts.csv.gz", &gzip(&csv))]))])),
        ("/name.zip", zip(&[(&format!("{}.txt", souths_canary()), b"hello")])),
    ];
    let paths: Vec<_> = answers.iter().map(|(path, _)| *path).collect();
    let bed = answering(answers).await;
    for path in paths {
        let exchange = bed.one(bed.get(Caller::Anonymous, path)).await;
        assert!(exchange.shows(bed.tenant(1)), "{path}: {exchange:?}");
        assert!(exchange.response().is_some(), "{path}");
    }
}

#[tokio::test]
async fn an_answer_that_was_packed_is_recorded_unpacked_and_without_secrets() {
    let note = format!("north says {SECRET}, api_key=Handed-Out-0123456789\n");
    let json = serde_json::json!({ "id": "case-7", "api_key": "Handed-Out-0123456789" }).to_string();
    let answers = vec![
        ("/x.zip", zip(&[("notes/a.txt", note.as_bytes()), ("b.json", json.as_bytes())])),
        ("/x.json.gz", gzip(json.as_bytes())),
    ];
    let packed: Vec<Vec<u8>> = answers.iter().map(|(_, body)| body.clone()).collect();
    let bed = answering(answers).await;
    let zipped = bed.one(bed.get(Caller::Anonymous, "/x.zip")).await;
    let text = zipped.response().unwrap().body.text();
    assert!(text.contains("notes/a.txt") && text.contains("north says redacted-"), "{text}");
    assert!(text.contains("b.json") && text.contains("case-7"), "{text}");
    // One document that is packed is that document.
    let one = bed.one(bed.get(Caller::Anonymous, "/x.json.gz")).await;
    assert_eq!(one.json().map(|json| &json["id"]), Some(&serde_json::json!("case-7")));
    assert_eq!(one.response().unwrap().length, packed[1].len());
    let recorded = bed.recorded();
    for packed in packed {
        let head = String::from_utf8_lossy(&packed[..24]).into_owned();
        assert!(!recorded.contains(&head), "nothing of what was packed is kept");
    }
    for secret in [SECRET, "Handed-Out-0123456789"] {
        assert!(!recorded.contains(secret), "{secret}");
    }
}

/// What could not be looked through whole proves no absence; what was found before that counts.
#[tokio::test]
async fn what_can_not_be_looked_through_whole_is_no_response() {
    let csv = format!("id,name\n1,{}\n", souths_canary()).into_bytes();
    let zeros = vec![0; 10_000_000];
    let deep = (0..40).fold(csv.clone(), |inner, _| gzip(&inner));
    let whole = zip(&[("contacts.csv", csv.as_slice())]);
    let answers = vec![
        ("/bomb.gz", gzip(&zeros)),
        ("/bomb.zip", zip(&[("contacts.csv", &csv), ("zeros", &zeros)])),
        ("/deep.gz", deep),
        ("/encrypted.zip", zip_of(&[("contacts.csv", &csv)], Member::Encrypted)),
        ("/cut.zip", whole[..whole.len() - 30].to_vec()),
        ("/cut.gz", gzip(&csv)[..40].to_vec()),
        (
            "/sum.gz",
            gzip(&csv).into_iter().rev().enumerate().map(|(at, b)| if at == 5 { !b } else { b }).rev().collect(),
        ),
    ];
    let bed = answering(answers).await;
    for (path, expected, is_found) in [
        ("/bomb.gz", Failure::TooLarge, false),
        ("/bomb.zip", Failure::TooLarge, true),
        ("/deep.gz", Failure::TooLarge, false),
        ("/encrypted.zip", Failure::Unreadable, false),
        ("/cut.zip", Failure::Unreadable, false),
        ("/cut.gz", Failure::Unreadable, false),
        ("/sum.gz", Failure::Unreadable, true),
    ] {
        let exchange = bed.one(bed.get(Caller::Anonymous, path)).await;
        assert_eq!(failure(&exchange), Some(expected), "{path}: status {:?}", exchange.status());
        assert_eq!(exchange.shows(bed.tenant(1)), is_found, "{path}");
    }
}
