//! What is a secret though nobody named it: by the name of its member, parameter or header, or by its form.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it is written.
    pub(crate) range: Range<usize>,
    /// What is written there, without escapes.
    pub(crate) value: String,
    /// Whether it is long and random enough to be looked for elsewhere as well.
    pub(crate) is_telling: bool,
    /// How it is written.
    pub(crate) written: Written,
    /// By what it was recognised.
    pub(crate) by: By,
}

/// By what a secret is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Its form, or a name that only secrets have.
    NameOrForm,
    /// It is random, in a member that is called `key`, as ids are as well.
    Key,
}

/// How a secret is written where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Within a text: a placeholder can be in its place.
    Text,
    /// As a number of JSON, in so many strings of JSON: what is in its place must be a string.
    Number(usize),
}

/// Parts of the names of secrets, without punctuation and in lower case.
const NAMES: [&str; 22] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "authkey",
    "webhookkey",
    "encryptionkey",
    "token",
    "credential",
    "authorization",
    "signature",
    "jwt",
    "bearer",
    "sessionid",
    "sessionkey",
    "recoverycode",
    "csrf",
    "xsrf",
];
/// Whole names of secrets.
const WHOLE: [&str; 8] = ["sid", "sig", "pwd", "otp", "totp", "pin", "session", "assertion"];
/// Names of secrets that may be numbers.
const NUMBERS: [&str; 6] = ["otp", "totp", "pin", "passcode", "securitycode", "recoverycode"];
/// Members that hold the secret itself, in an object that is named like one.
const ITSELF: [&str; 8] = ["value", "raw", "plain", "plaintext", "text", "string", "content", "key"];
/// Ends of names that tell something about a secret, and are none.
const ABOUT: [&str; 31] = [
    "url",
    "uri",
    "type",
    "expiresin",
    "expiresat",
    "expires",
    "expiry",
    "expiration",
    "ttl",
    "count",
    "name",
    "length",
    "limit",
    "policy",
    "required",
    "enabled",
    "status",
    "endpoint",
    "method",
    "alg",
    "algorithm",
    "lifetime",
    "label",
    "description",
    "title",
    "path",
    "scopes",
    "scope",
    "hint",
    "at",
    "version",
];

/// Whether a member, parameter or header with this name holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let plain = plain(name);
    if WHOLE.contains(&plain.as_str()) {
        return true;
    }
    // What a browser may do with credentials is none: Access-Control-Allow-Credentials.
    if plain.starts_with("accesscontrol") {
        return false;
    }
    let is_about = ABOUT.iter().any(|end| plain.ends_with(end)) && !plain.ends_with("secret");
    // `tokenId` names a token; `sessionId` is one.
    let is_id = plain.ends_with("id") && !plain.ends_with("sessionid");
    !is_about && !is_id && NAMES.iter().any(|part| plain.contains(part))
}

/// A name without punctuation, in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Every secret of a text, in the order of their beginnings, none within another.
pub(crate) fn secrets_in(text: &str) -> Vec<Found> {
    let mut found = by_form(text);
    found.extend(by_member(text));
    found.extend(by_parameter(text));
    found.extend(by_element(text));
    found.sort_by_key(|one| (one.range.start, std::cmp::Reverse(one.range.end)));
    let mut apart: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match apart.last_mut() {
            // It begins within the one before, and may go on after it.
            Some(last) if one.range.start < last.range.end => last.range.end = last.range.end.max(one.range.end),
            _ => apart.push(one),
        }
    }
    apart
}

/// What begins as tokens of known kinds do.
fn by_form(text: &str) -> Vec<Found> {
    const FORMS: [&str; 19] = [
        "eyJ",
        "sk_live_",
        "sk_test_",
        "rk_live_",
        "whsec_",
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "xapp-",
        "AIza",
        "ya29.",
        "npm_",
        "pypi-",
        "shpat_",
        "-----BEGIN ",
    ];
    static AUTOMATON: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(FORMS).ok());
    let Some(automaton) = AUTOMATON.as_ref() else { return Vec::new() };
    let mut all: Vec<Found> = Vec::new();
    // Where what was looked through already ends, so that no text is looked through again and again.
    let mut seen = 0;
    for start in automaton.find_iter(text) {
        if start.start() < seen {
            continue;
        }
        let Some(rest) = text.get(start.start()..) else { continue };
        let length = match start.pattern().as_usize() {
            18 => private_key(rest),
            // A JWS or JWE: a dot, and more.
            0 => {
                let run = run_of(rest, "-_.");
                seen = start.start().saturating_add(run);
                Some(run).filter(|_| rest.get(..run).is_some_and(|token| token.contains('.')))
            }
            _ => Some(run_of(rest, "-_.=")).filter(|length| *length >= 16),
        };
        if let Some(value) = length.and_then(|length| rest.get(..length)) {
            let range = start.start()..start.start().saturating_add(value.len());
            seen = seen.max(range.end);
            let is_telling = !value.starts_with("eyJ");
            all.push(Found { range, value: value.to_owned(), is_telling, written: Written::Text, by: By::NameOrForm });
        }
    }
    all
}

fn run_of(text: &str, also: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || also.contains(c))).unwrap_or(text.len())
}

/// The length of a PEM block that holds a private key.
fn private_key(text: &str) -> Option<usize> {
    let (title, _) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    title.contains("PRIVATE KEY").then_some(())?;
    let end = format!("-----END {title}-----");
    Some(text.find(&end).map_or(text.len(), |at| at.saturating_add(end.len())))
}

/// JSON in a string of JSON, and in a string of that.
const DEEPEST: usize = 3;
/// Bytes of a string up to which it is looked through as a document.
const LONGEST_DOCUMENT: usize = 4 << 20;
/// Bytes of the name of an element.
const LONGEST_NAME: usize = 200;
/// Lists and objects within each other of which is known how they are named.
const MOST_OPEN: usize = 1_000;

/// What the name of a member says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// It is a secret.
    Secret,
    /// `key` alone is the name of many things: there the value must be random.
    Key,
}

impl Telling {
    fn of(name: &str) -> Option<Self> {
        match name {
            _ if is_secret_name(name) => Some(Self::Secret),
            _ if name.eq_ignore_ascii_case("key") => Some(Self::Key),
            _ => None,
        }
    }

    fn holds_of(self, value: &str) -> bool {
        let is_masked = value.chars().all(|c| c == '*' || c == '•' || c == 'x');
        let is_key = || value.len() >= 24 && is_random(value) && !is_uuid(value) && !is_speaking(value);
        !is_masked && (self == Self::Secret || is_key())
    }
}

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
fn by_member(text: &str) -> Vec<Found> {
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

/// Parameters of URLs and forms: `…?token=abc&…`.
fn by_parameter(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (at, _) in text.match_indices('=') {
        if found.last().is_some_and(|last| at < last.range.end) {
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let from = before.rfind(|c: char| !is_name(c)).map_or(0, |last| last.saturating_add(1));
        let from = if before.is_char_boundary(from) { from } else { continue };
        let delimiter = before.get(..from).and_then(|text| text.chars().next_back());
        let Some(name) = before.get(from..).filter(|name| !name.is_empty()) else { continue };
        // A writer of JSON may escape what separates them: `\u0026`.
        let escaped = ["u0026", "u003b", "u003B", "u003f", "u003F", "u0023"].iter().find_map(|e| name.strip_prefix(e));
        let name = match (delimiter, escaped) {
            (Some('\\'), Some(name)) => name,
            (None | Some('?' | '&' | ';' | '#' | '"' | '\''), _) => name,
            _ => continue,
        };
        if !is_secret_name(name) {
            continue;
        }
        let start = at.saturating_add(1);
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.find(|c: char| "&;#\"'<>\\ \n\r,)".contains(c)).unwrap_or(rest.len());
        let Some(raw) = rest.get(..length).filter(|raw| raw.len() >= 8) else { continue };
        let value = percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned();
        found.push(Found {
            range: start..start.saturating_add(length),
            is_telling: is_random(&value),
            value,
            written: Written::Text,
            by: By::NameOrForm,
        });
    }
    found
}

/// Texts of elements: `<token>abc</token>`.
fn by_element(text: &str) -> Vec<Found> {
    let ends = text.match_indices("</").filter_map(|(at, _)| {
        let name_at = at.saturating_add(2);
        let length = text.bytes().skip(name_at).take(LONGEST_NAME).position(|byte| byte == b'>')?;
        let name = text.get(name_at..name_at.saturating_add(length))?;
        // Not `key`: that is how a store of files calls the name of one.
        is_secret_name(name.rsplit(':').next()?.trim_end()).then_some(())?;
        let start = text.get(..at)?.rfind('>')?.saturating_add(1);
        let value = text.get(start..at).filter(|value| !value.trim().is_empty() && Telling::Secret.holds_of(value))?;
        let value = quick_xml::escape::unescape(value).map_or_else(|_| value.to_owned(), Cow::into_owned);
        Some(Found {
            range: start..at,
            is_telling: is_random(&value),
            value,
            written: Written::Text,
            by: By::NameOrForm,
        })
    });
    ends.collect()
}

/// Whether a value is long and random enough that it is not a word of something else: then it is looked for everywhere.
pub(crate) fn is_random(value: &str) -> bool {
    let has = |kind: fn(&char) -> bool| value.chars().any(|c| kind(&c));
    let kinds = [has(char::is_ascii_digit), has(char::is_ascii_lowercase), has(char::is_ascii_uppercase)];
    let is_word = value.contains(' ') || value.contains("://");
    value.len() >= 12 && !is_word && (value.len() >= 32 || kinds.into_iter().filter(|kind| *kind).count() >= 2)
}

/// Whether a value is made of words, as a name in an address is (`website-redesign-phase-2`), or is the path of a file.
fn is_speaking(value: &str) -> bool {
    const VOWELS: [char; 6] = ['a', 'e', 'i', 'o', 'u', 'y'];
    let is_file = || {
        let end = value.rsplit_once('.').map(|(_, end)| end).unwrap_or_default();
        value.contains('/') && (1..=5).contains(&end.len()) && end.chars().all(|c| c.is_ascii_alphanumeric())
    };
    // No random letters: some of those would be without a vowel.
    let is_word = |part: &str| {
        let lower = part.strip_prefix(|c: char| c.is_ascii_uppercase()).unwrap_or(part);
        let is_plain = part.len() <= 20 && lower.chars().all(|c| c.is_ascii_lowercase());
        is_plain && (part.len() < 3 || part.to_ascii_lowercase().contains(VOWELS))
    };
    let is_count = |part: &str| part.len() <= 4 && part.chars().all(|c| c.is_ascii_digit());
    let parts = || value.split(|c: char| !c.is_ascii_alphanumeric());
    let is_of_words = || {
        parts().filter(|part| part.len() >= 4 && is_word(part)).count() >= 2
            && parts().all(|part| is_word(part) || is_count(part))
    };
    is_of_words() || is_file()
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36 && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
