//! Markers: what is planted in one tenant's data, and looked for in everything that another tenant receives.
//!
//! A canary has two halves. The public half may be searched for, so an attacker may send it. The secret half is sent by
//! its owner alone, once, when it is planted; where it shows up in an answer to another tenant, that answer holds the
//! owner's data. A nonce is the reverse: sent by an attacker in a write, and looked for in what the victim reads.
//!
//! All of them carry the run's tag and their owner's code in a fixed prefix, so a few patterns (tenant × encoding)
//! in two automata, one that folds case and one for base64, find every canary of a run, however many there are.

mod scan;

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use watertight_spec::TenantIx;

pub use scan::{Encoding, Hit, Scanner};

/// Characters of a whole marker: its kind, its owner, the run's tag, and what makes it one of many.
const MARKER: usize = 3 + 2 + CODE + CODE;
/// Characters of a tag, and of what makes a marker one of many.
const CODE: usize = 6;
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
        let tag = spell(&digest(&key, "run tag"), CODE);
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

    /// The secret halves of canaries of the run with this tag that stand in a text.
    pub fn secrets<'t>(tag: &'t str, text: &'t str) -> impl Iterator<Item = &'t str> {
        text.match_indices(tag).filter_map(move |(at, _)| {
            let rest = text.get(at.checked_sub("wts".len().saturating_add(2))?..)?;
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            rest.get(..end).filter(|marker| marker.starts_with("wts"))
        })
    }

    /// A canary of `owner`, the same for the same `label`.
    pub fn canary(&self, owner: TenantIx, label: &str) -> Canary {
        let half = |kind: &str| self.spell(kind, owner, &format!("{kind} {label}"));
        Canary { owner, public: half("wtp"), secret: half("wts") }
    }

    /// A value that an attacker of tenant `sender` writes, the same for the same `label`.
    pub fn nonce(&self, sender: TenantIx, label: &str) -> String {
        self.spell("wta", sender, &format!("wta {label}"))
    }

    /// A value that nothing else has and that names no tenant: for unique fields and ids that never existed.
    pub fn unique(&self, label: &str) -> String {
        format!("wtu{}{}", self.tag, spell(&digest(&self.key, &format!("wtu {label}")), 8))
    }

    fn spell(&self, kind: &str, owner: TenantIx, label: &str) -> String {
        format!("{}{}", self.prefix(kind, owner), spell(&digest(&self.key, label), CODE))
    }

    fn prefix(&self, kind: &str, owner: TenantIx) -> String {
        let digit = |n: usize| char::from(ALPHABET.get(n % 32).copied().unwrap_or(b'a'));
        let owner = owner.number();
        // The owner comes first: base64 at some alignments loses the last two characters of a pattern.
        format!("{kind}{}{}{}", digit(owner / 32), digit(owner), self.tag)
    }
}

/// A planted value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The tenant in whose data it is planted.
    pub owner: TenantIx,
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
mod tests;
