//! The scan for markers, beside a plain automaton over as many markers.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use watertight_engine::marker::{RunTag, Scanner};
use watertight_spec::{Spec, TenantIx};

use crate::{Outcome, spec};

const MARKERS: usize = 10_000;
const TENANTS: usize = 20;
/// Bytes that each measurement looks through.
const BYTES: usize = 512 << 20;

pub(crate) fn measure() -> Outcome {
    let spec = parsed()?;
    let tenants: Vec<TenantIx> = spec.tenant_ixs().collect();
    let tag = RunTag::new(1, 2);
    let owners = tenants.iter().cycle().take(MARKERS);
    let secrets: Vec<String> = owners.enumerate().map(|(n, owner)| tag.canary(*owner, &n.to_string()).secret).collect();
    let scanner = Scanner::new(&tag, tenants.iter().copied())?;
    // Every marker of a run begins as its owner's do, so a few patterns find them all; a plain automaton knows each.
    let plain = AhoCorasick::new(&secrets)?;
    println!("{MARKERS} markers of {TENANTS} tenants, bodies of 4 KiB, one core\n");
    println!("{:<24} {:>16} {:>22}", "text", "scan, GB/s", "plain automaton, GB/s");
    for (name, text) in texts() {
        let own = speed(&text, |bytes| scanner.scan("body", bytes).len());
        let other = speed(&text, |bytes| plain.find_iter(bytes).count());
        println!("{name:<24} {own:>16.2} {other:>22.2}");
    }
    println!("\nthe scan also finds what is escaped, percent-encoded, base64 at any alignment, hex, and UTF-16;");
    println!("the plain automaton finds plain text alone");
    for (name, encode) in encodings() {
        let found = secrets.iter().filter(|secret| !scanner.scan("body", &encode(secret)).is_empty()).count();
        println!("  {name:<20} {found} of {MARKERS} found");
    }
    Ok(())
}

fn speed(text: &[u8], look: impl Fn(&[u8]) -> usize) -> f64 {
    let rounds = BYTES / text.len();
    let begun = Instant::now();
    for _ in 0..rounds {
        black_box(look(black_box(text)));
    }
    let bytes = f64::from(u32::try_from(rounds * text.len()).unwrap_or(u32::MAX));
    bytes / begun.elapsed().as_secs_f64() / 1e9
}

fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let object = |n: usize| {
        serde_json::json!({ "id": n, "title": format!("case {n}"), "status": "open", "tenantId": "agency-north",
            "createdAt": "2026-01-01T00:00:00Z", "note": "whatever people write about the water works" })
    };
    let json = serde_json::json!({ "items": (0..24).map(object).collect::<Vec<_>>() }).to_string();
    let base64 = STANDARD.encode(&json);
    vec![("JSON", json.into_bytes()), ("base64", base64.into_bytes()), ("one letter", vec![b'w'; 4096])]
}

type Encode = fn(&str) -> Vec<u8>;

fn encodings() -> [(&'static str, Encode); 6] {
    [
        ("plain", |text| text.as_bytes().to_vec()),
        ("JSON escapes", |text| text.bytes().flat_map(|b| format!("\\u{b:04x}").into_bytes()).collect()),
        ("percent", |text| text.bytes().flat_map(|b| format!("%{b:02X}").into_bytes()).collect()),
        ("base64, shifted", |text| STANDARD.encode(format!("x{text}yz")).into_bytes()),
        ("hex", |text| text.bytes().flat_map(|b| format!("{b:02X}").into_bytes()).collect()),
        ("UTF-16", |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ]
}

fn parsed() -> Result<Spec, Box<dyn std::error::Error>> {
    let text = spec::text("http://127.0.0.1:1", TENANTS, 1, 8);
    let env: BTreeMap<String, String> = (0..TENANTS).map(|n| (format!("KEY{n}"), format!("key-{n}-012345"))).collect();
    let today = time::OffsetDateTime::now_utc().date();
    watertight_spec::parse(Path::new("bench.toml"), &text, &env, today).map_err(|problems| problems.to_string().into())
}
