//! Markers: what is planted in one tenant's data, and looked for in everything that another tenant receives.
//!
//! A canary has two halves. The public half may be searched for, so an attacker may send it. The secret half is sent by
//! its owner alone, once, when it is planted; where it shows up in an answer to another tenant, that answer holds the
//! owner's data. A nonce is the reverse: sent by an attacker in a write, and looked for in what the victim reads.
//!
//! All of them carry the run's tag and their owner's code in a fixed prefix, so a few patterns (tenant × encoding)
//! in two automata, one that folds case and one for base64, find every canary of a run, however many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// What one run calls its own: from the seed and a salt, so that two runs never take each other's objects for theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTag {
    key: [u8; 16],
    tag: String,
}

impl RunTag {
    /// The tag of the run with this seed and salt.
    pub fn new(seed: u64, salt: u64) -> Self {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&seed.to_be_bytes());
        key[8..].copy_from_slice(&salt.to_be_bytes());
        let tag = spell(&digest(&key, "run tag"), 6);
        Self { key, tag }
    }

    /// The text that every marker of this run contains.
    pub fn text(&self) -> &str {
        &self.tag
    }

    /// Whether a marker of the run with this tag stands in a text: not the tag alone, which six letters of any long
    /// text may spell by chance.
    pub fn marks(tag: &str, text: &str) -> bool {
        text.match_indices(tag).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            let kind = |length: usize| before.len().checked_sub(length).and_then(|from| before.get(from..));
            kind(3) == Some("wtu") || kind(5).is_some_and(|k| ["wtp", "wts", "wta"].iter().any(|p| k.starts_with(p)))
        })
    }

    /// A canary of `owner`, the same for the same `label`.
    pub fn canary(&self, owner: usize, label: &str) -> Canary {
        let half = |kind: &str| self.spell(kind, owner, &format!("{kind} {label}"));
        Canary { owner, public: half("wtp"), secret: half("wts") }
    }

    /// A value that an attacker of tenant `sender` writes, the same for the same `label`.
    pub fn nonce(&self, sender: usize, label: &str) -> String {
        self.spell("wta", sender, &format!("wta {label}"))
    }

    /// A value that nothing else has and that names no tenant: for unique fields and ids that never existed.
    pub fn unique(&self, label: &str) -> String {
        format!("wtu{}{}", self.tag, spell(&digest(&self.key, &format!("wtu {label}")), 8))
    }

    fn spell(&self, kind: &str, owner: usize, label: &str) -> String {
        format!("{}{}", self.prefix(kind, owner), spell(&digest(&self.key, label), 6))
    }

    fn prefix(&self, kind: &str, owner: usize) -> String {
        let digit = |n: usize| char::from(ALPHABET.get(n % 32).copied().unwrap_or(b'a'));
        // The owner comes first: base64 at some alignments loses the last two characters of a pattern.
        format!("{kind}{}{}{}", digit(owner / 32), digit(owner), self.tag)
    }
}

/// A planted value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// Index of the tenant in whose data it is planted.
    pub owner: usize,
    /// The searchable half.
    pub public: String,
    /// The half that no attacker ever sends.
    pub secret: String,
}

impl fmt::Display for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.public, self.secret)
    }
}

/// The secret half of a canary, seen in something received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Index of the tenant whose canary it is.
    pub owner: usize,
    /// Where it stood: `body`, or `header NAME`.
    pub place: String,
    /// How it was written there.
    pub encoding: Encoding,
    /// Byte offset of the match in the place as received, before redaction.
    pub at: usize,
    /// The marker as matched: whole where it is written plainly, else its prefix.
    pub text: String,
}

/// How a marker may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// As planted, in either case.
    Plain,
    /// Base64 at any alignment, standard or URL-safe alphabet.
    Base64,
    /// Hexadecimal digits.
    Hex,
    /// UTF-16 code units, or JSON `\u` escapes.
    Wide,
    /// Every byte percent-encoded.
    Percent,
}

/// Finds the secret halves of all canaries of a run in one pass an automaton.
#[derive(Clone, Debug)]
pub struct Scanner {
    /// Encodings in which upper and lower case say the same.
    folded: Automaton,
    /// Base64, in which they do not.
    exact: Automaton,
}

#[derive(Clone, Debug)]
struct Automaton {
    automaton: AhoCorasick,
    patterns: Vec<(usize, Encoding)>,
}

impl Scanner {
    /// For a run with this many tenants.
    pub fn new(tag: &RunTag, tenants: usize) -> Result<Self, aho_corasick::BuildError> {
        let all = (0..tenants).flat_map(|owner| {
            spellings(&tag.prefix("wts", owner)).into_iter().map(move |(text, encoding)| (text, (owner, encoding)))
        });
        let (exact, folded): (Vec<_>, Vec<_>) = all.partition(|(_, (_, encoding))| *encoding == Encoding::Base64);
        Ok(Self { folded: Automaton::new(folded, Case::Folded)?, exact: Automaton::new(exact, Case::Exact)? })
    }

    /// Every canary in `bytes`, each once in each encoding, and at most a hundred of one owner: a list that is full of
    /// the caller's own must not hide another's at its end.
    pub fn scan(&self, place: &str, bytes: &[u8]) -> Vec<Hit> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        [&self.folded, &self.exact]
            .into_iter()
            .flat_map(|automaton| automaton.scan(place, bytes))
            .filter(|hit| {
                let count = counts.entry(hit.owner).or_default();
                let is_new = *count < MAX_HITS && seen.insert((hit.owner, hit.encoding, hit.text.clone()));
                *count += usize::from(is_new);
                is_new
            })
            .collect()
    }
}

/// Hits of one owner that one place gives.
const MAX_HITS: usize = 100;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Exact,
    Folded,
}

impl Automaton {
    fn new(spelled: Vec<(Vec<u8>, (usize, Encoding))>, case: Case) -> Result<Self, aho_corasick::BuildError> {
        let (texts, patterns): (Vec<_>, Vec<_>) = spelled.into_iter().unzip();
        let automaton = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(case == Case::Folded)
            .build(texts)?;
        Ok(Self { automaton, patterns })
    }

    fn scan<'a>(&'a self, place: &'a str, bytes: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        self.automaton.find_iter(bytes).filter_map(move |found| {
            let (owner, encoding) = *self.patterns.get(found.pattern().as_usize())?;
            let rest = bytes.get(found.start()..)?;
            let end = match encoding {
                Encoding::Plain => rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len()),
                _ => found.len(),
            };
            let text = String::from_utf8_lossy(rest.get(..end.min(64))?).into_owned();
            Some(Hit { owner, place: place.to_owned(), encoding, at: found.start(), text })
        })
    }
}

/// Every way in which a text may be written in something received.
fn spellings(text: &str) -> Vec<(Vec<u8>, Encoding)> {
    let bytes = text.as_bytes();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let percent: String = bytes.iter().map(|b| format!("%{b:02x}")).collect();
    let escaped: String = bytes.iter().map(|b| format!("\\u{b:04x}")).collect();
    let wide: Vec<u8> = bytes.iter().flat_map(|b| [0, *b]).collect();
    let mut all = vec![
        (bytes.to_vec(), Encoding::Plain),
        (hex.into_bytes(), Encoding::Hex),
        (percent.into_bytes(), Encoding::Percent),
        (escaped.into_bytes(), Encoding::Wide),
        // From the first byte that both byte orders share.
        (wide.get(1..).unwrap_or_default().to_vec(), Encoding::Wide),
    ];
    // The base64 of a text depends on its offset modulo 3: the characters that mix with a neighbour's bits are cut.
    for (lead, cut) in [(0, 0), (1, 2), (2, 3)] {
        let padded = [vec![0; lead], bytes.to_vec()].concat();
        let whole = padded.len() / 3 * 3;
        let encoded = STANDARD.encode(padded.get(..whole).unwrap_or_default());
        if let Some(stable) = encoded.get(cut..) {
            all.push((stable.as_bytes().to_vec(), Encoding::Base64));
        }
    }
    all
}

fn digest(key: &[u8], label: &str) -> [u8; 32] {
    // HMAC takes a key of any length, so this cannot fail; the fallback keeps the function total.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(label.as_bytes());
    mac.finalize().into_bytes().into()
}

fn spell(bytes: &[u8], length: usize) -> String {
    bytes.iter().take(length).filter_map(|b| ALPHABET.get(usize::from(b % 32))).map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanner() -> (RunTag, Scanner) {
        let tag = RunTag::new(7, 11);
        let scanner = Scanner::new(&tag, 40).unwrap();
        (tag, scanner)
    }

    #[test]
    fn a_secret_half_is_found_in_every_encoding_and_at_every_alignment() {
        let (tag, scanner) = scanner();
        for (lead, owner) in ["", "a", "ab", "abc", "{\"k\":\""].into_iter().flat_map(|l| (0..40).map(move |o| (l, o)))
        {
            let secret = tag.canary(owner, "x").secret;
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
                    [owner],
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
        for text in [tag.canary(1, "x").public, tag.nonce(1, "x"), tag.unique("x"), other.canary(1, "x").to_string()] {
            assert!(scanner.scan("body", text.as_bytes()).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_run_knows_its_own_marks_from_its_tag_in_other_text() {
        let tag = RunTag::new(7, 11);
        for text in [tag.canary(3, "x").to_string(), tag.nonce(33, "x"), format!("ref {}", tag.unique("x"))] {
            assert!(RunTag::marks(tag.text(), &text), "{text}");
        }
        assert!(!RunTag::marks(tag.text(), &format!("some {} text", tag.text())));
        assert!(!RunTag::marks(RunTag::new(7, 12).text(), &tag.unique("x")));
    }

    #[test]
    fn a_long_list_of_ones_own_hides_no_foreign_marker_at_its_end() {
        let (tag, scanner) = scanner();
        let mut text: String = (0..500).map(|n| format!("{} {0} ", tag.canary(0, &format!("own {n}")))).collect();
        text.push_str(&tag.canary(1, "foreign").to_string());
        let hits = scanner.scan("body", text.as_bytes());
        assert!(hits.iter().any(|hit| hit.owner == 1));
        assert_eq!(hits.iter().filter(|hit| hit.owner == 0).count(), 100);
    }

    #[test]
    fn a_plain_hit_gives_the_whole_marker_and_its_place() {
        let (tag, scanner) = scanner();
        let canary = tag.canary(0, "case/1");
        let hits = scanner.scan("header location", format!("/x/{canary}?y").as_bytes());
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].text, canary.secret);
        assert_eq!(hits[0].place, "header location");
    }
}
