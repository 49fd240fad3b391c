//! Redaction at capture: a secret becomes a placeholder before it reaches the trace.
//!
//! Every secret of the spec and every token of the run is known to the redactor in all its usual encodings, and is
//! replaced by the same placeholder in each. What merely looks like a token (a JWS, a cookie) is replaced as well:
//! a target may hand out secrets that nobody named.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Secrets shorter than this would be found everywhere; the spec can't forbid them, so they are only replaced whole.
const SHORTEST: usize = 4;

/// Replaces secrets.
///
/// A run learns a secret with every token that it fetches, so automata are kept in generations that merge when they are
/// of like size: each secret is built into an automaton a few times in a run, not once for every later one.
pub(crate) struct Redactor {
    key: [u8; 32],
    seen: BTreeSet<Vec<u8>>,
    fresh: Vec<(Vec<u8>, String)>,
    generations: Vec<Generation>,
}

/// Some of the known secrets, encoded, with their placeholders.
struct Generation {
    known: Vec<(Vec<u8>, String)>,
    /// None where it would not build: then nothing can be vouched for.
    automaton: Option<(AhoCorasick, Vec<String>)>,
}

impl Generation {
    fn new(known: Vec<(Vec<u8>, String)>) -> Self {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(known.iter().map(|(text, _)| text))
            .ok()
            .map(|automaton| (automaton, known.iter().map(|(_, placeholder)| placeholder.clone()).collect()));
        Self { known, automaton }
    }

    fn text(&self, text: &str) -> String {
        match &self.automaton {
            Some((automaton, placeholders)) => automaton.replace_all(text, placeholders),
            None => "[withheld: redaction is not available]".to_owned(),
        }
    }
}

impl Redactor {
    /// With a key of the run, so that placeholders of two runs can't be compared.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key, seen: BTreeSet::new(), fresh: Vec::new(), generations: Vec::new() }
    }

    /// Makes a secret known, and returns what stands in its place.
    pub(crate) fn learn(&mut self, secret: &str) -> String {
        let placeholder = self.placeholder(secret);
        for encoded in encodings(secret) {
            if encoded.len() >= SHORTEST && self.seen.insert(encoded.clone()) {
                self.fresh.push((encoded, placeholder.clone()));
            }
        }
        placeholder
    }

    /// What stands in a secret's place.
    pub(crate) fn placeholder(&self, secret: &str) -> String {
        let code: String = match Hmac::<Sha256>::new_from_slice(&self.key) {
            Ok(mut mac) => {
                mac.update(secret.as_bytes());
                mac.finalize().into_bytes().iter().take(6).map(|b| format!("{b:02x}")).collect()
            }
            Err(_) => String::new(),
        };
        format!("[redacted:{code}]")
    }

    /// Text with every secret replaced.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let text = self.known_secrets(text);
        self.tokens(&text)
    }

    fn known_secrets(&mut self, text: &str) -> String {
        if !self.fresh.is_empty() {
            let mut known = std::mem::take(&mut self.fresh);
            while let Some(last) = self.generations.pop_if(|last| last.known.len() <= known.len() * 2) {
                known.extend(last.known);
            }
            self.generations.push(Generation::new(known));
        }
        self.generations.iter().fold(text.to_owned(), |text, generation| generation.text(&text))
    }

    /// Replaces what has the form of a JWS or JWE: `eyJ…`, a dot, and more.
    fn tokens(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("eyJ") {
            let (before, candidate) = rest.split_at(start);
            let end =
                candidate.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(candidate.len());
            let (token, after) = candidate.split_at(end);
            result.push_str(before);
            if token.contains('.') {
                result.push_str(&self.placeholder(token));
            } else {
                result.push_str(token);
            }
            rest = after;
        }
        result.push_str(rest);
        result
    }
}

/// A secret as it may be written: plain, in JSON, in a URL, base64 (whole), hex.
fn encodings(secret: &str) -> BTreeSet<Vec<u8>> {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let percent = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut all = BTreeSet::from([
        secret.as_bytes().to_vec(),
        json.trim_matches('"').as_bytes().to_vec(),
        percent.to_lowercase().into_bytes(),
        percent.into_bytes(),
        form.into_bytes(),
        secret.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes(),
        secret.bytes().map(|b| format!("{b:02X}")).collect::<String>().into_bytes(),
        STANDARD.encode(secret).into_bytes(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
    ]);
    // Inside a longer base64 text, as in `user:secret`: the part that does not depend on the neighbours.
    for (lead, cut) in [(0, 0), (1, 2), (2, 3)] {
        let padded = [vec![0; lead], secret.as_bytes().to_vec()].concat();
        let whole = padded.len() / 3 * 3;
        let encoded = STANDARD.encode(padded.get(..whole).unwrap_or_default());
        if let Some(stable) = encoded.get(cut..).filter(|s| s.len() >= 8) {
            all.insert(stable.as_bytes().to_vec());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_replaced_by_the_same_placeholder_in_every_encoding() {
        let mut redactor = Redactor::new([7; 32]);
        let secret = "s3cr\"t/ü+value";
        let placeholder = redactor.learn(secret);
        let json = serde_json::json!({ "echo": secret }).to_string();
        let base64 = STANDARD.encode(secret);
        let basic = STANDARD.encode(format!("user:{secret}"));
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for text in [secret.to_owned(), json, base64, form, format!("x{secret}y")] {
            let redacted = redactor.text(&text);
            assert!(redacted.contains(&placeholder), "{text} → {redacted}");
            assert!(!redacted.contains("value"), "{redacted}");
        }
        assert!(redactor.text(&basic).contains(&placeholder));
    }

    #[test]
    fn what_looks_like_a_token_is_replaced_though_nobody_named_it() {
        let mut redactor = Redactor::new([7; 32]);
        let redacted = redactor.text("{\"t\":\"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln\",\"n\":1}");
        assert!(!redacted.contains("eyJ") && redacted.ends_with("\",\"n\":1}"), "{redacted}");
        assert_eq!(redactor.text("an eyJ alone stays"), "an eyJ alone stays");
    }

    #[test]
    fn placeholders_of_two_runs_differ() {
        assert_ne!(Redactor::new([1; 32]).placeholder("x"), Redactor::new([2; 32]).placeholder("x"));
    }
}
