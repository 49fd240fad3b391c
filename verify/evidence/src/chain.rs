//! `trace.jsonl`: the header, then one event a line, each with the hash of all that came before it.
//!
//! ```text
//! {"hash":"h0","header":{…}}      h0 = SHA-256(header's text)
//! {"hash":"h1","event":{…}}       h1 = SHA-256(h0 in hex, event's text)
//! ```
//!
//! The text is hashed exactly as it stands between the delimiters, so one changed byte is named by its line.

use std::io::{self, BufRead, Read, Write};

use sha2::{Digest, Sha256};
use watertight_probe::run::{Header, TRACE_SCHEMA};
use watertight_probe::trace::{Event, Trace};

use crate::bundle::BundleError;
use crate::files::hex;

/// Bytes of one line. The kept part of a body is 256 KiB, and JSON escapes may make six bytes of one.
const LONGEST_LINE: u64 = 16 << 20;
/// Length of a hash in hex.
const HASH: usize = 64;
/// The file's name, for errors.
const FILE: &str = "trace.jsonl";

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tail {
    /// Events in it.
    pub(crate) events: u64,
    /// The last line's hash.
    pub(crate) hash: String,
}

/// Writes the chain.
pub(crate) fn write(out: &mut dyn Write, header: &Header, trace: &Trace) -> io::Result<Tail> {
    let mut tail = Tail { events: 0, hash: String::new() };
    link(out, &mut tail, "header", &serde_json::to_string(header)?)?;
    for event in trace.events() {
        link(out, &mut tail, "event", &serde_json::to_string(event)?)?;
        tail.events = tail.events.saturating_add(1);
    }
    Ok(tail)
}

fn link(out: &mut dyn Write, tail: &mut Tail, kind: &str, text: &str) -> io::Result<()> {
    tail.hash = next(&tail.hash, text);
    writeln!(out, "{{\"hash\":\"{}\",\"{kind}\":{text}}}", tail.hash)
}

fn next(previous: &str, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(text.as_bytes());
    hex(&hash.finalize())
}

/// Reads a chain, and holds every line against its hash.
pub(crate) fn read(mut input: impl BufRead) -> Result<(Header, Trace, Tail), BundleError> {
    let mut tail = Tail { events: 0, hash: String::new() };
    let first = line(&mut input, 1)?.ok_or_else(|| broken(1, None, "it is empty"))?;
    let header: Header = parse(unlink(&first, "header", 1, None, &mut tail)?, 1, None)?;
    if header.schema != TRACE_SCHEMA {
        return Err(BundleError::Schema { file: FILE, found: header.schema, expected: TRACE_SCHEMA });
    }
    let mut trace = Trace::default();
    let mut number = 2;
    while let Some(text) = line(&mut input, number)? {
        let seq = trace.next_seq();
        let event: Event = parse(unlink(&text, "event", number, Some(seq), &mut tail)?, number, Some(seq))?;
        if event.seq != seq {
            return Err(broken(number, Some(seq), &format!("its event is numbered {}", event.seq)));
        }
        trace.push(event);
        tail.events = tail.events.saturating_add(1);
        number = number.saturating_add(1);
    }
    Ok((header, trace, tail))
}

fn line(input: &mut impl BufRead, number: u64) -> Result<Option<String>, BundleError> {
    let mut bytes = Vec::new();
    let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
    read.map_err(|source| BundleError::Io { file: FILE.to_owned(), source })?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(broken(number, None, "the line is cut off, or too long"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| broken(number, None, "the line is not UTF-8"))
}

/// The text that a line carries, once its hash is right.
fn unlink<'l>(
    line: &'l str,
    kind: &str,
    number: u64,
    seq: Option<u64>,
    tail: &mut Tail,
) -> Result<&'l str, BundleError> {
    let form = || broken(number, seq, &format!("the line is not {{\"hash\":\"…\",\"{kind}\":…}}"));
    let rest = line.strip_prefix("{\"hash\":\"").ok_or_else(form)?;
    let (hash, rest) = rest.split_at_checked(HASH).ok_or_else(form)?;
    let rest = rest.strip_prefix("\",\"").and_then(|rest| rest.strip_prefix(kind));
    let text = rest.and_then(|rest| rest.strip_prefix("\":")?.strip_suffix('}')).ok_or_else(form)?;
    let due = next(&tail.hash, text);
    if due != hash {
        return Err(broken(number, seq, "the line does not match its hash, or lines before it are missing"));
    }
    tail.hash = due;
    Ok(text)
}

fn parse<T: serde::de::DeserializeOwned>(text: &str, number: u64, seq: Option<u64>) -> Result<T, BundleError> {
    serde_json::from_str(text).map_err(|error| broken(number, seq, &format!("it can't be understood: {error}")))
}

fn broken(line: u64, seq: Option<u64>, what: &str) -> BundleError {
    BundleError::Trace { line, seq, what: what.to_owned() }
}
