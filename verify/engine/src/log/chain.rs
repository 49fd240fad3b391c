//! The lines of a trace, each with the hash of all that came before it.

use aws_lc_rs::digest::{Context, SHA256};

/// The end of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tail {
    /// Events in it.
    pub events: u64,
    /// The last line's hash.
    pub hash: String,
}

/// What a line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Header,
    Event,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Event => "event",
        }
    }
}

/// Length of a hash in hex.
const HASH: usize = 64;

/// Appends a line to `line`, and the chain grows by it.
pub(crate) fn link(tail: &mut Tail, kind: Kind, text: &str, line: &mut Vec<u8>) {
    tail.hash = next(&tail.hash, text);
    for part in ["{\"hash\":\"", &tail.hash, "\",\"", kind.name(), "\":", text, "}\n"] {
        line.extend_from_slice(part.as_bytes());
    }
    if kind == Kind::Event {
        tail.events = tail.events.saturating_add(1);
    }
}

/// The text that a line carries, once its hash is right.
pub(crate) fn unlink<'l>(tail: &mut Tail, kind: Kind, line: &'l str) -> Result<&'l str, String> {
    let form = || format!("the line is not {{\"hash\":\"…\",\"{}\":…}}", kind.name());
    let rest = line.strip_prefix("{\"hash\":\"").ok_or_else(form)?;
    let (hash, rest) = rest.split_at_checked(HASH).ok_or_else(form)?;
    let rest = rest.strip_prefix("\",\"").and_then(|rest| rest.strip_prefix(kind.name()));
    let text = rest.and_then(|rest| rest.strip_prefix("\":")?.strip_suffix('}')).ok_or_else(form)?;
    let due = next(&tail.hash, text);
    if due != hash {
        return Err("the line does not match its hash, or lines before it are missing".to_owned());
    }
    tail.hash = due;
    if kind == Kind::Event {
        tail.events = tail.events.saturating_add(1);
    }
    Ok(text)
}

fn next(previous: &str, text: &str) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(previous.as_bytes());
    hash.update(text.as_bytes());
    hex(hash.finish().as_ref())
}

/// SHA-256 in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref())
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value & 15)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}
