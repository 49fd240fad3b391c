use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// The tenant with this number.
fn tenant(number: usize) -> TenantIx {
    serde_json::from_value(number.into()).unwrap()
}

fn scanner() -> (RunTag, Scanner) {
    let tag = RunTag::new(7, 11);
    let scanner = Scanner::new(&tag, (0..40).map(tenant)).unwrap();
    (tag, scanner)
}

#[test]
fn a_secret_half_is_found_in_every_encoding_and_at_every_alignment() {
    let (tag, scanner) = scanner();
    for (lead, owner) in ["", "a", "ab", "abc", "{\"k\":\""].into_iter().flat_map(|l| (0..40).map(move |o| (l, o))) {
        let secret = tag.canary(tenant(owner), "x").secret;
        let text = format!("{lead}{secret} and more");
        let variants: Vec<Vec<u8>> = vec![
            text.clone().into_bytes(),
            text.to_uppercase().into_bytes(),
            STANDARD.encode(&text).into_bytes(),
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&text).into_bytes(),
            text.bytes().map(|b| format!("{b:02X}")).collect::<String>().into_bytes(),
            text.bytes().map(|b| format!("%{b:02X}")).collect::<String>().into_bytes(),
            text.bytes().map(|b| format!("\\u{b:04x}")).collect::<String>().into_bytes(),
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ];
        for bytes in variants {
            let hits = scanner.scan("body", &bytes);
            assert_eq!(
                hits.iter().map(|h| h.owner).collect::<Vec<_>>(),
                [tenant(owner)],
                "{}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}

#[test]
fn public_halves_nonces_and_other_runs_are_no_evidence() {
    let (tag, scanner) = scanner();
    let other = RunTag::new(7, 12);
    for text in [
        tag.canary(tenant(1), "x").public,
        tag.nonce(tenant(1), "x"),
        tag.unique("x"),
        other.canary(tenant(1), "x").to_string(),
    ] {
        assert!(scanner.scan("body", text.as_bytes()).is_empty(), "{text}");
    }
}

#[test]
fn a_run_knows_its_own_marks_from_its_tag_in_other_text() {
    let tag = RunTag::new(7, 11);
    for text in [tag.canary(tenant(3), "x").to_string(), tag.nonce(tenant(33), "x"), format!("ref {}", tag.unique("x"))]
    {
        assert!(RunTag::marks(tag.text(), &text), "{text}");
    }
    assert!(!RunTag::marks(tag.text(), &format!("some {} text", tag.text())));
    assert!(!RunTag::marks(RunTag::new(7, 12).text(), &tag.unique("x")));
}

#[test]
fn a_long_list_of_ones_own_hides_no_foreign_marker_at_its_end() {
    let (tag, scanner) = scanner();
    let mut text: String = (0..500).map(|n| format!("{} {0} ", tag.canary(tenant(0), &format!("own {n}")))).collect();
    text.push_str(&tag.canary(tenant(1), "foreign").to_string());
    let hits = scanner.scan("body", text.as_bytes());
    assert!(hits.iter().any(|hit| hit.owner == tenant(1)));
    assert_eq!(hits.iter().filter(|hit| hit.owner == tenant(0)).count(), 100);
}

#[test]
fn a_plain_hit_gives_the_whole_marker_and_its_place() {
    let (tag, scanner) = scanner();
    let canary = tag.canary(tenant(0), "case/1");
    let hits = scanner.scan("header location", format!("/x/{canary}?y").as_bytes());
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].text, canary.secret);
    assert_eq!(hits[0].place, "header location");
}

/// What follows a marker may be a secret, and may be as long as the answer.
#[test]
fn a_hit_is_no_longer_than_a_marker() {
    let tag = RunTag::new(1, 2);
    let secret = tag.canary(tenant(0), "x").secret;
    let scanner = Scanner::new(&tag, [tenant(0)]).unwrap();
    let hits = scanner.scan("body", format!("{secret}Secret0123456789").as_bytes());
    assert_eq!(hits.iter().map(|hit| hit.text.as_str()).collect::<Vec<_>>(), [secret.as_str()]);
}
