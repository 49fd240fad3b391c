//! Redaction at capture: a secret becomes a placeholder before it reaches the log, the same in every encoding.
//!
//! - What is a secret: those of the spec, every token of the run, and whatever a target hands out that is one by its
//!   member's name or by its form ([`recognise`]).
//! - A placeholder, `redacted-` and twelve hex digits, is made of characters that no encoding changes. It is keyed for the
//!   run, so that nobody can guess a secret and compare.
//! - What came from the target and goes back to it (a page cursor, a link, an id) is sent as it was: [`Redactor::as_it_was`]
//!   puts the secret back where a placeholder is.

mod recognise;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use recognise::{By, Found, Written, secrets_in};
pub(crate) use recognise::{is_random, is_secret_name};

/// Secrets shorter than this would be found everywhere; the spec can't forbid them, so they are only replaced whole.
const SHORTEST: usize = 4;
/// Of a longer secret so many bytes are looked for; the rest is compared where they are found.
const LOOKED_FOR: usize = 24;
/// Secrets that a target handed out, and that are remembered; the oldest are forgotten.
const REMEMBERED: usize = 20_000;
/// Bytes of these. Each is kept in some fifteen encodings.
const REMEMBERED_BYTES: usize = 4 << 20;
/// Bytes of a secret up to which it is looked for elsewhere; a longer one is replaced where it is recognised.
const LONGEST_LOOKED_FOR: usize = 64 << 10;
/// Bytes of an id that is spared, or that a secret may begin with.
const LONGEST_ID: usize = 512;
/// Bytes of a secret that stay secret, where an id is its beginning.
const LEFT_SECRET: usize = 16;
/// What every placeholder begins with.
const PREFIX: &str = "redacted-";
/// Hex digits of a placeholder.
const DIGITS: usize = 12;

/// Whether a placeholder is in a text: what it was is not known any more.
pub fn is_placeholder_in(text: &str) -> bool {
    next_placeholder(text).is_some()
}

/// Whether a text is one placeholder and nothing else.
pub(crate) fn is_placeholder(text: &str) -> bool {
    text.len() == PREFIX.len().saturating_add(DIGITS) && next_placeholder(text).is_some_and(|(at, _)| at == 0)
}

/// Every placeholder in a text, and where it is.
pub(crate) fn placeholders(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0_usize;
    std::iter::from_fn(move || {
        let (at, _) = next_placeholder(text.get(from..)?)?;
        let begin = from.saturating_add(at);
        from = begin.saturating_add(PREFIX.len()).saturating_add(DIGITS);
        Some((begin, text.get(begin..from)?))
    })
}

/// Where a placeholder goes back to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goes {
    /// Within text that was copied, as from a link: as it was written there.
    AsWritten,
    /// As the bare value.
    Bare,
}

/// Replaces secrets.
///
/// A run learns a secret with every token that it fetches, so automata are kept in generations that merge when they are
/// of like size: each secret is built into an automaton a few times in a run, not once for every later one.
pub(crate) struct Redactor {
    key: [u8; 32],
    /// By the digits of the placeholder.
    known: HashMap<String, Known>,
    /// How many need a secret to be known, by its code: the spec, and tokens in use. It is not forgotten meanwhile.
    needed: HashMap<String, usize>,
    /// Ids of objects: none is a secret, whatever its member is called.
    ids: BTreeSet<String>,
    /// Those that the target handed out, with their length in bytes, the oldest first.
    handed_out: VecDeque<(String, usize)>,
    /// Bytes of these.
    handed_out_bytes: usize,
    fresh: Vec<Pattern>,
    generations: Vec<Generation>,
}

/// A secret, in memory alone.
struct Known {
    plain: String,
    /// As it was last written in an answer, where that was fit for a URL.
    written: Option<String>,
    scope: Scope,
}

/// Where a secret is replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Wherever it is written.
    Everywhere,
    /// Where it is recognised by its name or form.
    Recognised,
}

/// One way in which a secret may be written.
#[derive(Clone)]
struct Pattern {
    text: Vec<u8>,
    code: String,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Plain,
    Percent,
    Other,
}

/// Some of the known secrets, encoded.
struct Generation {
    /// In the order of their texts.
    patterns: Vec<Pattern>,
    /// By the number of a head: where the patterns are that begin with it. Secrets of one maker often begin alike.
    sharing: Vec<Range<usize>>,
    /// Finds heads. None where it would not build: then nothing can be vouched for.
    automaton: Option<AhoCorasick>,
}

/// A secret in a text, or as much of its beginning as is there.
struct Place<'p> {
    range: Range<usize>,
    pattern: &'p Pattern,
}

impl Redactor {
    /// With a key of the run, so that placeholders of two runs can't be compared.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            known: HashMap::new(),
            needed: HashMap::new(),
            ids: BTreeSet::new(),
            handed_out: VecDeque::new(),
            handed_out_bytes: 0,
            fresh: Vec::new(),
            generations: Vec::new(),
        }
    }

    /// Makes a secret known that is in use until it is [released](Self::release): one of the spec, a token.
    pub(crate) fn learn(&mut self, secret: &str) {
        let code = self.code(secret);
        let needed = self.needed.entry(code.clone()).or_default();
        *needed = needed.saturating_add(1);
        self.look_for(secret, &code);
    }

    /// Makes the id of an object known: it stays in a member that is called `key`.
    pub(crate) fn spare(&mut self, id: &str) {
        if self.ids.len() < REMEMBERED && id.len() <= LONGEST_ID {
            self.ids.insert(id.to_owned());
        }
    }

    /// A secret is not in use any more. It is still replaced, until it is one of too many.
    pub(crate) fn release(&mut self, secret: &str) {
        let code = self.code(secret);
        let Some(needed) = self.needed.get_mut(&code) else { return };
        *needed = needed.saturating_sub(1);
        if *needed == 0 {
            self.needed.remove(&code);
            self.hand_out(code, secret.len());
        }
    }

    /// Makes a secret known that the target handed out. The oldest of these are forgotten when there are too many.
    pub(crate) fn learn_received(&mut self, secret: &str) -> String {
        if secret.len() > LONGEST_LOOKED_FOR {
            return self.remember(secret);
        }
        let code = self.code(secret);
        let is_new = !self.known.contains_key(&code);
        self.look_for(secret, &code);
        if is_new {
            self.hand_out(code.clone(), secret.len());
        }
        format!("{PREFIX}{code}")
    }

    /// What is in a secret's place.
    pub(crate) fn placeholder(&self, secret: &str) -> String {
        format!("{PREFIX}{}", self.code(secret))
    }

    /// Text with every secret replaced. `is_public` says of a value whether it must stay: a marker, a tenant's id.
    pub(crate) fn text(&mut self, text: &str, is_public: impl Fn(&str) -> bool) -> String {
        let found = secrets_in(text);
        let text = if found.is_empty() { text.to_owned() } else { self.replace_found(text, &found, is_public) };
        self.replace_known(text)
    }

    /// Text in which the secrets that placeholders stand for are put back. What is not known any more stays.
    pub(crate) fn as_it_was(&self, text: &str, goes: Goes) -> String {
        let mut result = String::new();
        let mut rest = text;
        while let Some((at, code)) = next_placeholder(rest) {
            let (before, after) = rest.split_at(at);
            let (placeholder, after) = after.split_at(PREFIX.len().saturating_add(DIGITS));
            result.push_str(before);
            match (self.known.get(code), goes) {
                (Some(known), Goes::AsWritten) => result.push_str(known.written.as_deref().unwrap_or(&known.plain)),
                (Some(known), Goes::Bare) => result.push_str(&known.plain),
                (None, _) => result.push_str(placeholder),
            }
            rest = after;
        }
        result.push_str(rest);
        result
    }

    fn code(&self, secret: &str) -> String {
        match Hmac::<Sha256>::new_from_slice(&self.key) {
            Ok(mut mac) => {
                mac.update(secret.as_bytes());
                crate::log::hex(mac.finalize().into_bytes().get(..DIGITS / 2).unwrap_or_default())
            }
            // HMAC takes a key of any length.
            Err(_) => "0".repeat(DIGITS),
        }
    }

    /// Replaces what is a secret by its name or form. What is long enough is known from now on, wherever it turns up.
    fn replace_found(&mut self, text: &str, found: &[Found], is_public: impl Fn(&str) -> bool) -> String {
        let mut result = String::with_capacity(text.len());
        let mut done = 0;
        for Found { range, value, is_telling, written: how, by } in found {
            let Some(before) = text.get(done..range.start).filter(|_| range.start >= done) else { continue };
            if is_public(value) || (*by == By::Key && self.ids.contains(value)) || is_placeholder_in(value) {
                continue;
            }
            result.push_str(before);
            let written = text.get(range.clone()).unwrap_or_default();
            let placeholder = if *is_telling { self.learn_received(value) } else { self.remember(value) };
            if let Some(known) = placeholder.strip_prefix(PREFIX).and_then(|code| self.known.get_mut(code)) {
                known.written = Some(if written.contains('\\') { value.clone() } else { written.to_owned() });
            }
            match how {
                Written::Text => result.push_str(&placeholder),
                Written::Number(level) => {
                    let quote = format!("{}\"", "\\".repeat((1 << level) - 1));
                    result.push_str(&format!("{quote}{placeholder}{quote}"));
                }
            }
            done = range.end;
        }
        result.push_str(text.get(done..).unwrap_or_default());
        result
    }

    /// A value that is replaced here and nowhere else, and that may have to go back.
    fn remember(&mut self, value: &str) -> String {
        let code = self.code(value);
        if !self.known.contains_key(&code) {
            self.known.insert(code.clone(), Known::new(value, Scope::Recognised));
            self.hand_out(code.clone(), value.len());
        }
        format!("{PREFIX}{code}")
    }

    fn look_for(&mut self, secret: &str, code: &str) {
        let known = self.known.entry(code.to_owned()).or_insert_with(|| Known::new(secret, Scope::Recognised));
        if known.scope == Scope::Recognised {
            known.scope = Scope::Everywhere;
            self.fresh.extend(patterns(secret, code));
        }
    }

    /// One more that the target handed out.
    fn hand_out(&mut self, code: String, length: usize) {
        self.handed_out.push_back((code, length));
        self.handed_out_bytes = self.handed_out_bytes.saturating_add(length);
        if self.handed_out.len() > REMEMBERED || self.handed_out_bytes > REMEMBERED_BYTES {
            self.forget();
        }
    }

    fn replace_known(&mut self, text: String) -> String {
        if !self.fresh.is_empty() {
            let mut patterns = std::mem::take(&mut self.fresh);
            while let Some(last) = self.generations.pop_if(|last| last.patterns.len() <= patterns.len() * 2) {
                patterns.extend(last.patterns);
            }
            self.generations.push(Generation::new(patterns));
        }
        let mut places = Vec::new();
        for generation in &self.generations {
            let Some(found) = generation.find(&text) else {
                return "[withheld: redaction is not available]".to_owned();
            };
            places.extend(found);
        }
        if places.is_empty() {
            return text;
        }
        // Of what begins at one place, the one of which most is there.
        places.sort_by_key(|place| (place.range.start, Reverse(place.range.end)));
        let mut result = String::with_capacity(text.len());
        let mut done = 0;
        for Place { range, pattern } in places {
            if range.start < done {
                // It begins within the one before, and may go on after it.
                done = done.max(range.end);
                continue;
            }
            result.push_str(text.get(done..range.start).unwrap_or_default());
            result.push_str(PREFIX);
            result.push_str(&pattern.code);
            if let Some(known) = self.known.get_mut(&pattern.code)
                && range.len() == pattern.text.len()
                && pattern.form != Form::Other
            {
                known.written = text.get(range.clone()).map(str::to_owned);
            }
            done = range.end;
        }
        result.push_str(text.get(done..).unwrap_or_default());
        result
    }

    /// Forgets the older half of what the target handed out, but for what is in use.
    fn forget(&mut self) {
        let mut old = BTreeSet::new();
        while self.handed_out.len() > REMEMBERED / 2 || self.handed_out_bytes > REMEMBERED_BYTES / 2 {
            let Some((code, length)) = self.handed_out.pop_front() else { break };
            self.handed_out_bytes = self.handed_out_bytes.saturating_sub(length);
            old.extend((!self.needed.contains_key(&code)).then_some(code));
        }
        self.known.retain(|code, _| !old.contains(code));
        let mut patterns: Vec<Pattern> = std::mem::take(&mut self.fresh);
        patterns.extend(self.generations.drain(..).flat_map(|generation| generation.patterns));
        patterns.retain(|pattern| !old.contains(&pattern.code));
        self.fresh = patterns;
    }
}

impl Known {
    fn new(plain: &str, scope: Scope) -> Self {
        Self { plain: plain.to_owned(), written: None, scope }
    }
}

impl Generation {
    fn new(mut patterns: Vec<Pattern>) -> Self {
        patterns.sort_by(|one, other| one.text.cmp(&other.text));
        let mut at = 0;
        let groups = patterns.chunk_by(|one, other| head(&one.text) == head(&other.text));
        let sharing: Vec<Range<usize>> = groups
            .map(|group| {
                let from = at;
                at += group.len();
                from..at
            })
            .collect();
        let heads = sharing.iter().filter_map(|group| patterns.get(group.start)).map(|pattern| head(&pattern.text));
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(heads).ok();
        Self { patterns, sharing, automaton }
    }

    /// Every place where one of them is in a text; none where that can't be said.
    fn find<'g>(&'g self, text: &'g str) -> Option<impl Iterator<Item = Place<'g>>> {
        // What the place before goes over: nothing within it is looked at again.
        let mut over = 0..0;
        let places = self.automaton.as_ref()?.find_overlapping_iter(text).filter_map(move |found| {
            if over.contains(&found.start()) && found.end() <= over.end {
                return None;
            }
            let there = text.as_bytes().get(found.start()..)?;
            let group = self.sharing.get(found.pattern().as_usize())?;
            let (pattern, mut length) = most_of(self.patterns.get(group.clone())?, there)?;
            while !text.is_char_boundary(found.start().saturating_add(length)) {
                length = length.saturating_sub(1);
            }
            if is_another_word(pattern, there, length) {
                return None;
            }
            let range = found.start()..found.start().saturating_add(length);
            if range.end >= over.end {
                over = range.clone();
            }
            Some(Place { range, pattern })
        });
        Some(places)
    }
}

/// The pattern of which most is at the beginning of a text, and how much: a long secret may be cut off. Patterns are in
/// order, so that it is one of the two between which the text would be, or the one that ends there.
fn most_of<'p>(patterns: &'p [Pattern], there: &[u8]) -> Option<(&'p Pattern, usize)> {
    let shared = |pattern: &Pattern| there.iter().zip(&pattern.text).take_while(|(a, b)| a == b).count();
    let at = patterns.partition_point(|pattern| pattern.text.as_slice() < there);
    let neighbours = patterns.get(at.saturating_sub(1)..patterns.len().min(at.saturating_add(1)))?;
    let (near, length) =
        neighbours.iter().map(|pattern| (pattern, shared(pattern))).max_by_key(|(_, length)| *length)?;
    let whole = patterns.binary_search_by(|pattern| pattern.text.as_slice().cmp(there.get(..length).unwrap_or(there)));
    Some((whole.ok().and_then(|at| patterns.get(at)).unwrap_or(near), length))
}

/// Whether what a text has in common with the beginning of a secret is a word of its own there: the id `pi_4f2a`, where the
/// secret is `pi_4f2a_secret_9c1e`. What is left of the secret must be long enough to be one by itself.
fn is_another_word(pattern: &Pattern, there: &[u8], length: usize) -> bool {
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.~+/=%".contains(&byte);
    let rest = pattern.text.get(length..).unwrap_or_default();
    let is_part = rest.first().is_some_and(|next| b"_.:".contains(next)) && rest.len() >= LEFT_SECRET;
    length <= LONGEST_ID && is_part && !there.get(length).copied().is_some_and(goes_on)
}

fn head(text: &[u8]) -> &[u8] {
    text.get(..LOOKED_FOR).unwrap_or(text)
}

/// The first placeholder of a text: where it begins, and its digits.
fn next_placeholder(text: &str) -> Option<(usize, &str)> {
    text.match_indices(PREFIX).find_map(|(at, _)| {
        let from = at.saturating_add(PREFIX.len());
        let code = text.get(from..from.saturating_add(DIGITS))?;
        code.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some((at, code))
    })
}

/// A secret as it may be written: plain, in JSON, in a URL, base64 (whole, and inside a longer text), hex.
fn patterns(secret: &str, code: &str) -> Vec<Pattern> {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let percent = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let hex = crate::log::hex(secret.as_bytes());
    let mut all = vec![
        (secret.as_bytes().to_vec(), Form::Plain),
        (crate::call::encode(secret).into_bytes(), Form::Percent),
        (percent.to_lowercase().into_bytes(), Form::Percent),
        (percent.into_bytes(), Form::Percent),
        (form.into_bytes(), Form::Percent),
        (json.trim_matches('"').as_bytes().to_vec(), Form::Other),
        // As other writers of JSON escape them.
        (json.trim_matches('"').replace('/', "\\/").into_bytes(), Form::Other),
        (json.trim_matches('"').replace('+', "\\u002B").into_bytes(), Form::Other),
        (json.trim_matches('"').replace('+', "\\u002b").into_bytes(), Form::Other),
        (hex.to_uppercase().into_bytes(), Form::Other),
        (hex.into_bytes(), Form::Other),
        (STANDARD.encode(secret).into_bytes(), Form::Other),
        (URL_SAFE_NO_PAD.encode(secret).into_bytes(), Form::Other),
    ];
    // Inside a longer base64 text, as in `user:secret`: the part that does not depend on the neighbours.
    for (lead, cut) in [(0, 0), (1, 2), (2, 3)] {
        let padded = [vec![0; lead], secret.as_bytes().to_vec()].concat();
        let whole = padded.len() / 3 * 3;
        let encoded = STANDARD.encode(padded.get(..whole).unwrap_or_default());
        if let Some(stable) = encoded.get(cut..).filter(|s| s.len() >= 8) {
            all.push((stable.as_bytes().to_vec(), Form::Other));
        }
    }
    let mut seen = BTreeSet::new();
    all.retain(|(text, _)| text.len() >= SHORTEST && seen.insert(text.clone()));
    all.into_iter().map(|(text, form)| Pattern { text, code: code.to_owned(), form }).collect()
}

#[cfg(test)]
mod tests;
