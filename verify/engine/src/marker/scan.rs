//! Finds canaries in what was received: one pass an automaton, however many canaries there are.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use watertight_spec::TenantIx;

use super::{MARKER, RunTag};

/// The secret half of a canary, or another tenant's credential, seen in something received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The tenant whose it is.
    pub owner: TenantIx,
    /// Where it stood: `body`, `body, unpacked`, or `header NAME`.
    pub place: String,
    /// How it was written there.
    pub encoding: Encoding,
    /// Byte offset of the match in the place: of a marker as received, of a credential as recorded.
    pub at: usize,
    /// The marker as matched: whole where it is written plainly, else its prefix. Of a credential, which principal's.
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
    patterns: Vec<(TenantIx, Encoding)>,
}

impl Scanner {
    /// For a run over these tenants.
    ///
    /// # Errors
    /// The automaton would not build.
    pub fn new(tag: &RunTag, tenants: impl IntoIterator<Item = TenantIx>) -> Result<Self, aho_corasick::BuildError> {
        let all = tenants.into_iter().flat_map(|owner| {
            spellings(&tag.prefix("wts", owner)).into_iter().map(move |(text, encoding)| (text, (owner, encoding)))
        });
        let (exact, folded): (Vec<_>, Vec<_>) = all.partition(|(_, (_, encoding))| *encoding == Encoding::Base64);
        Ok(Self { folded: Automaton::new(folded, Case::Folded)?, exact: Automaton::new(exact, Case::Exact)? })
    }

    /// Every canary in `bytes`, each once in each encoding, and at most a hundred of one owner: a list that is full of
    /// the caller's own must not hide another's at its end.
    pub fn scan(&self, place: &str, bytes: &[u8]) -> Vec<Hit> {
        let mut counts: BTreeMap<TenantIx, usize> = BTreeMap::new();
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

/// Bytes of an encoded hit that are kept.
const LONGEST_HIT: usize = 64;

/// Patterns up to which the automaton is written out as tables.
const MOST_IN_TABLES: usize = 400;
/// Hits of one owner that one place gives.
const MAX_HITS: usize = 100;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Exact,
    Folded,
}

impl Automaton {
    fn new(spelled: Vec<(Vec<u8>, (TenantIx, Encoding))>, case: Case) -> Result<Self, aho_corasick::BuildError> {
        let (texts, patterns): (Vec<_>, Vec<_>) = spelled.into_iter().unzip();
        // The fastest, for as long as its tables fit into a cache.
        let kind = (texts.len() <= MOST_IN_TABLES).then_some(AhoCorasickKind::DFA);
        let automaton = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .kind(kind)
            .ascii_case_insensitive(case == Case::Folded)
            .build(texts)?;
        Ok(Self { automaton, patterns })
    }

    fn scan<'a>(&'a self, place: &'a str, bytes: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        self.automaton.find_iter(bytes).filter_map(move |found| {
            let (owner, encoding) = *self.patterns.get(found.pattern().as_usize())?;
            let rest = bytes.get(found.start()..)?;
            let end = match encoding {
                Encoding::Plain => {
                    // What follows a whole marker is none of it, and may be a secret.
                    let marker = rest.get(..rest.len().min(MARKER))?;
                    marker.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(marker.len())
                }
                _ => found.len().min(LONGEST_HIT),
            };
            let text = String::from_utf8_lossy(rest.get(..end)?).into_owned();
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
