//! Secrets in JSON, by the names of their members.

use super::names::{ITSELF, NUMBERS, Telling, plain};
use super::random::is_random;
use super::{By, Found, Written};

/// JSON in a string of JSON, and in a string of that.
const DEEPEST: usize = 3;
/// Bytes of a string up to which it is looked through as a document.
const LONGEST_DOCUMENT: usize = 4 << 20;
/// Lists and objects within each other of which is known how they are named.
const MOST_OPEN: usize = 1_000;

/// A list or an object that is open.
#[derive(Clone, Copy)]
enum Open {
    /// Each of its elements is named as it is.
    List(Option<Telling>),
    /// What its name says: where it is named like a secret, a member of it holds the secret itself.
    Object(Option<Telling>),
}

/// Strings that a member with a telling name holds, alone, in a list or in an object. It needs no whole document: what is
/// cut off, or wrapped in something else, is looked through as well.
pub(super) fn by_member(text: &str) -> Vec<Found> {
    members(text, 0)
}

fn members(text: &str, level: usize) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut open: Vec<Open> = Vec::new();
    let mut deeper = 0_usize;
    // What the name before says of the value that comes next.
    let mut named: Option<Telling> = None;
    while let Some(next) = memchr_any(bytes, at) {
        at = next.saturating_add(1);
        let telling = match open.last() {
            Some(Open::List(telling)) => *telling,
            _ => named,
        };
        match bytes.get(next) {
            Some(b'"') => {
                let end = end_of_string(bytes, at);
                let inside = at..end.unwrap_or(bytes.len());
                at = inside.end.saturating_add(1);
                let raw = text.get(inside.clone()).unwrap_or_default();
                if let Some(value_at) = after_colon(bytes, at) {
                    let name = unescaped(raw);
                    found.extend(number(text, &name, value_at, level));
                    let is_itself = matches!(open.last(), Some(Open::Object(Some(Telling::Secret))))
                        && ITSELF.contains(&plain(&name).as_str());
                    named = Telling::of(&name).or(is_itself.then_some(Telling::Secret));
                    continue;
                }
                named = None;
                let value = telling.map(|telling| (telling, unescaped(raw)));
                match value.filter(|(telling, value)| telling.holds_of(value)) {
                    Some((telling, value)) => {
                        let is_telling = is_random(&value);
                        let by = if telling == Telling::Key { By::Key } else { By::NameOrForm };
                        found.push(Found { range: inside, is_telling, value, written: Written::Text, by });
                    }
                    None if level < DEEPEST => found.extend(within_string(raw, inside.start, level)),
                    None => {}
                }
            }
            Some(opening @ (b'[' | b'{')) => {
                named = None;
                match open.len() < MOST_OPEN {
                    true if *opening == b'[' => open.push(Open::List(telling)),
                    true => open.push(Open::Object(telling)),
                    false => deeper = deeper.saturating_add(1),
                }
            }
            _ => {
                named = None;
                match deeper {
                    0 => drop(open.pop()),
                    _ => deeper = deeper.saturating_sub(1),
                }
            }
        }
    }
    found
}

/// What is in a string that is a document itself: `"payload": "{\"api_key\": …}"`.
fn within_string(raw: &str, start: usize, level: usize) -> Vec<Found> {
    let has_quotes = raw.contains("\\\"") || raw.contains("\\u0022");
    if !has_quotes || raw.len() > LONGEST_DOCUMENT {
        return Vec::new();
    }
    let Some((inner, places)) = unescaped_with_places(raw) else { return Vec::new() };
    let place = |at: usize| places.get(at).map(|place| start.saturating_add(*place));
    let members = members(&inner, level.saturating_add(1)).into_iter();
    members.filter_map(|one| Some(Found { range: place(one.range.start)?..place(one.range.end)?, ..one })).collect()
}

/// A string without its escapes, and where each byte of it was written; the last place is its end.
fn unescaped_with_places(raw: &str) -> Option<(String, Vec<usize>)> {
    let (mut inner, mut places) = (String::with_capacity(raw.len()), Vec::with_capacity(raw.len()));
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let at = raw.len().saturating_sub(rest.len());
        let length = match (first, rest.as_bytes().get(1)) {
            ('\\', Some(b'u')) => 6,
            ('\\', _) => 2,
            _ => first.len_utf8(),
        };
        let (one, after) = rest.split_at_checked(length)?;
        let before = inner.len();
        match first {
            // Half of a pair, or no escape at all: nothing that could be part of a name or a value that is looked for.
            '\\' => {
                inner.push(unescaped(one).chars().next().filter(|c| *c != '\\' || one == "\\\\").unwrap_or('\u{fffd}'))
            }
            plain => inner.push(plain),
        }
        places.extend(std::iter::repeat_n(at, inner.len().saturating_sub(before)));
        rest = after;
    }
    places.push(raw.len());
    Some((inner, places))
}

/// A number that is a secret by its name. Few are: what is called `tokens` is mostly a count.
fn number(text: &str, name: &str, at: usize, level: usize) -> Option<Found> {
    let rest = text.get(at..)?;
    let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (value, after) = rest.split_at_checked(length)?;
    let is_whole = after.chars().next().is_none_or(|c| c.is_ascii_whitespace() || ",]}".contains(c));
    if length < 4 || !is_whole || !NUMBERS.contains(&plain(name).as_str()) {
        return None;
    }
    let range = at..at.saturating_add(length);
    Some(Found {
        range,
        value: value.to_owned(),
        is_telling: false,
        written: Written::Number(level),
        by: By::NameOrForm,
    })
}

/// The next of `"`, `[`, `]`, `{`, `}`.
fn memchr_any(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter().position(|byte| matches!(byte, b'"' | b'[' | b']' | b'{' | b'}')).map(|at| at.saturating_add(from))
}

fn end_of_string(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at = at.saturating_add(2),
            _ => at = at.saturating_add(1),
        }
    }
}

/// Where the value is, if what ended here was a name.
fn after_colon(bytes: &[u8], from: usize) -> Option<usize> {
    let next = |from: usize| {
        let rest = bytes.get(from..)?;
        Some(from.saturating_add(rest.iter().position(|byte| !byte.is_ascii_whitespace())?))
    };
    let colon = next(from).filter(|at| bytes.get(*at) == Some(&b':'))?.saturating_add(1);
    Some(next(colon).unwrap_or(colon))
}

fn unescaped(raw: &str) -> String {
    if !raw.contains('\\') {
        return raw.to_owned();
    }
    serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned())
}
