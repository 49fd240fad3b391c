//! Secrets that are known by how they begin, whatever they are called.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{By, Found, Written};

/// What begins as tokens of known kinds do.
pub(super) fn by_form(text: &str) -> Vec<Found> {
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
