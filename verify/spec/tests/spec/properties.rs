//! Any text is parsed or refused.

use proptest::prelude::*;
use watertight_spec::{Color, INIT_TEMPLATE};

use crate::examples::{FULL, read};

/// Parses and, where that fails, renders: neither may panic, and every mistake lies within the text.
fn survives(text: &str) {
    let Err(problems) = read(text) else { return };
    assert!(problems.count() > 0 && !problems.render(Color::Always).is_empty());
    let lines = text.split('\n').count();
    for problem in problems.iter() {
        assert!((1..=lines).contains(&problem.line), "{problem:?}");
        assert!(problem.span.start <= problem.span.end && problem.span.end <= text.len(), "{problem:?}");
    }
}

/// A text with some of its characters replaced, and some stretch of it repeated or cut.
fn mutated(original: &'static str) -> impl Strategy<Value = String> {
    let chars: Vec<char> = original.chars().collect();
    let count = chars.len();
    let edits =
        prop::collection::vec((0..count, prop_oneof![any::<char>(), prop::sample::select(SPECIAL.to_vec())]), 0..4);
    (edits, 0..count, 0..200_usize, 0..3_usize).prop_map(move |(edits, at, length, times)| {
        let mut chars = chars.clone();
        for (at, c) in edits {
            chars[at] = c;
        }
        let end = (at + length).min(count);
        chars[..at].iter().chain(chars[at..end].repeat(times).iter()).chain(&chars[end..]).collect()
    })
}

const SPECIAL: [char; 14] = ['"', '\'', '{', '}', '[', ']', '=', '\n', '\r', '$', '.', '#', '\\', '\u{feff}'];

#[test]
fn depth_is_bounded() {
    let deep = 200_000;
    let dotted = vec!["a"; deep].join(".");
    for text in [
        format!("a = {}", "[".repeat(deep)),
        format!("a = {}", "{a=".repeat(deep)),
        format!("a = {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("{dotted} = 1"),
        format!("[{dotted}]"),
        format!("[[{dotted}]]"),
        format!("[[resource]]\nname = \"r\"\ncreate.{dotted} = 1"),
        format!("[[tenant]]\npassword.{dotted} = 1"),
    ] {
        assert!(read(&text).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn arbitrary_toml_of_known_keys_never_panics(text in "(\\[{1,2}(target|tenant|tenant\\.principal|resource|exclude)\\]{1,2}\n|(name|id|url|parent|path|create|expires) = (\"[ -!#-~]{0,12}\"|[0-9]{1,9}|\\{ ?\\}|\\[ ?\\]|2026-01-0[1-9])\n){0,12}") {
        survives(&text);
    }

    #[test]
    fn a_damaged_template_never_panics(text in mutated(INIT_TEMPLATE)) {
        survives(&text);
    }

    #[test]
    fn a_damaged_spec_never_panics(text in mutated(FULL)) {
        survives(&text);
    }
}
