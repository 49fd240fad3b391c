//! By what an object that the run did not make is recognised: texts that its owner is shown, and that no one else is shown
//! before the first attack, neither of an object of its own nor in any other ordinary answer.
//!
//! What two tenants may have in common by chance is no evidence: times, places, types, addresses that anyone may know,
//! words. A text of which that can't be said counts only together with another one of the same object.

use serde_json::Value;
use watertight_engine::is_placeholder_in;
use watertight_engine::planted::Witness;

use crate::shared::{has_word, is_time, items, leaves, scalar};

/// Characters of a text that says anything of one object.
const SHORTEST: usize = 6;
/// Characters of texts that are only evidence together.
const SHORTEST_TOGETHER: usize = 16;
/// Characters of a text in words that no two tenants write by chance.
const SENTENCE: usize = 40;
/// Letters and digits of a key, an account, a serial number.
const KEY: usize = 6;
/// The same within a text of several words.
const KEY_IN_WORDS: usize = 10;
/// Digits of a number that is not shared by chance.
const NUMBER: usize = 8;
/// Digits of it before the zeros at its end.
const NOT_ROUND: usize = 6;
/// Texts that must be in one answer together, at most: the longest ones.
const MOST_TOGETHER: usize = 3;

/// What recognises an object of which its owner alone was shown these values.
pub(super) fn witness<'v>(values: impl IntoIterator<Item = &'v String>) -> Witness {
    let telling = values.into_iter().filter(|value| says_something(value));
    let (alone, mut together): (Vec<String>, Vec<String>) = telling.cloned().partition(|value| is_enough(value));
    together.sort_by_key(|value| std::cmp::Reverse(value.chars().count()));
    together.truncate(MOST_TOGETHER);
    let length: usize = together.iter().map(|value| value.chars().count()).sum();
    if together.len() < 2 || length < SHORTEST_TOGETHER {
        together.clear();
    }
    Witness { alone, together }
}

/// Whether a value may be evidence at all. What the engine has put in place of a secret is no value of the target's.
pub(crate) fn says_something(value: &str) -> bool {
    let is_long = value.chars().count() >= SHORTEST && value.chars().any(char::is_alphanumeric);
    is_long && !is_placeholder_in(value) && !is_time(value) && !is_public(value)
}

/// Whether a value is evidence by itself.
fn is_enough(value: &str) -> bool {
    if value.parse::<f64>().is_ok() {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
        // Zeros at its end are a matter of units.
        return digits(value) >= NUMBER && digits(value.trim_end_matches(['0', '.'])) >= NOT_ROUND;
    }
    let is_sentence = value.contains(char::is_whitespace) && value.chars().count() >= SENTENCE;
    is_sentence || is_address_of_a_person(value) || has_key(value)
}

/// A mail address.
fn is_address_of_a_person(value: &str) -> bool {
    let parts = value.split_once('@').filter(|_| !value.contains(char::is_whitespace));
    parts.is_some_and(|(who, host)| !who.is_empty() && host.contains('.'))
}

/// Whether a part of a long text is no word: many digits, or letters and digits in turn. Between spaces a short one may be
/// a number of anything.
fn has_key(value: &str) -> bool {
    let least = if value.contains(char::is_whitespace) { KEY_IN_WORDS } else { KEY };
    let is_long = value.chars().count() >= SHORTEST_TOGETHER;
    is_long && value.split(|c: char| !c.is_alphanumeric()).any(|part| part.chars().count() >= least && is_key(part))
}

fn is_key(part: &str) -> bool {
    let kinds: Vec<bool> = part.chars().map(|c| c.is_ascii_digit()).collect();
    let digits = kinds.iter().filter(|is_digit| **is_digit).count();
    let changes = kinds.windows(2).filter(|pair| pair.first() != pair.last()).count();
    digits >= 4 || changes >= 4
}

/// Areas of the time zone database.
const AREAS: [&str; 11] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Etc",
    "Europe",
    "Indian",
    "Pacific",
];
/// Media types (RFC 6838 4.2.7).
const MEDIA: [&str; 10] =
    ["application", "audio", "example", "font", "haptics", "image", "message", "model", "multipart", "text"];

/// What anyone may know: an address, a type, a time zone, a name in words of some program.
fn is_public(value: &str) -> bool {
    let is_address = ["http://", "https://", "//", "/", "urn:", "data:", "ws://", "wss://"];
    let head = value.split('/').next().unwrap_or_default();
    let is_kind = value.contains('/') && (AREAS.contains(&head) || MEDIA.contains(&head) || head == "video");
    let is_identifier = !value.contains(char::is_whitespace)
        && !value.contains('@')
        && value.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '.' | ':' | '/'));
    is_address.iter().any(|start| value.starts_with(start))
        || is_kind
        || (is_identifier && !value.contains(char::is_uppercase))
}

/// Whether an ordinary answer shows a value apart from the object that it was learned from: an answer that shows this very
/// object, with its id, to another tenant is a leak already, and what it shows remains a witness.
pub(super) fn is_shown_apart(json: &Value, value: &str, id: &str) -> bool {
    let is_apart =
        |texts: &[String]| !texts.iter().any(|text| text == id) && texts.iter().any(|text| has_word(text, value));
    let mut besides = Vec::new();
    outside_lists(json, &mut besides);
    let in_lists = items(json).into_iter().map(|item| leaves(item).into_values().collect::<Vec<_>>());
    std::iter::once(besides).chain(in_lists).any(|texts| is_apart(&texts))
}

/// The scalars of a document that are in no list.
fn outside_lists(json: &Value, into: &mut Vec<String>) {
    match json {
        Value::Array(_) => {}
        Value::Object(members) => members.values().for_each(|member| outside_lists(member, into)),
        other => into.extend(scalar(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(values: &[&str]) -> Witness {
        witness(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    }

    /// Each of these was once taken for something that only its owner can know, or could be.
    #[test]
    fn what_two_tenants_may_have_in_common_is_no_witness() {
        let common = [
            "Europe/Amsterdam",
            "America/Argentina/Buenos_Aires",
            "2026-08-14T09:30:00Z",
            "2026-08-14 09:30:00.000000+00:00",
            "Fri, 14 Aug 2026 09:30:00 GMT",
            "14 August 2026, 9:30 pm",
            "1786700000",
            "1786700000000",
            "20260814093000",
            "100000000",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "text/plain; charset=utf-8",
            "https://cdn.example.com/assets/8f14e45fceea167a5a36dedd4bea2543.png",
            "/static/default-avatar-0001.png",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "application_administrator",
            "business_premium_yearly",
            "Business Premium",
            "Waiting for customer",
            "United States of America",
            "127.0.0.1",
            "2.31.0-beta.4",
            "en_US.UTF-8",
            "Release 20260814 of it",
            "true",
        ];
        for value in common {
            assert_eq!(of(&[value]), Witness::default(), "{value}");
        }
    }

    #[test]
    fn what_no_two_tenants_have_by_chance_is_a_witness() {
        for value in [
            "secret-of-a-271828",
            "0b9a3e4c-52d1-4f6e-9a77-1c2d3e4f5a6b",
            "90009090",
            "NL91ABNA0417164300",
            "nora@harbour.example",
            "Please ship the harbour cranes before the ice comes.",
            "xoxb-17653672481-19874698323",
            "north 3f2a9c7e1b5d8f6a0c4e2b1d",
        ] {
            assert_eq!(of(&[value]).alone, [value], "{value}");
        }
    }

    #[test]
    fn names_count_together_alone() {
        let witness = of(&["Office of Harbour and Customs", "Sol Sundgren-Solberg", "open", "nl"]);
        assert_eq!(witness.alone, Vec::<String>::new());
        assert_eq!(witness.together, ["Office of Harbour and Customs", "Sol Sundgren-Solberg"]);
    }

    #[test]
    fn a_value_beside_the_objects_own_id_is_not_apart_from_it() {
        let apart = |json| is_shown_apart(&json, "Harbour Office", "user-90");
        assert!(apart(json!(["Customs", "Harbour Office"])));
        assert!(apart(json!({ "text": "in Harbour Office, on the quay" })));
        assert!(!apart(json!({ "items": [{ "id": "user-90", "of": { "office": "Harbour Office" } }] })));
        assert!(apart(json!({ "items": [{ "id": "user-91", "office": "Harbour Office" }] })));
        assert!(!apart(json!({ "text": "NewHarbour Offices" })));
    }
}
