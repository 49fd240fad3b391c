//! Text from a target, escaped: what could move a cursor, ring a bell, hide or reorder other text is spelled out.
//!
//! A target is hostile: an answer may carry terminal escapes (CWE-150), or characters that make a line read as something
//! else (CVE-2021-42574).

use std::fmt::Write as _;

/// One line of text in which every control or invisible formatting character is spelled out (`\u{1b}`, `\n`).
pub fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if acts(c) => {
                // Writing to a string can't fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// As [`line`], at most so many characters; what was cut off is counted.
pub fn short(text: &str, most: usize) -> String {
    let cut: String = text.chars().take(most).collect();
    match text.chars().count().saturating_sub(most) {
        0 => line(&cut),
        more => format!("{}… ({more} more characters)", line(&cut)),
    }
}

/// JSON text that is safe on a terminal: inside its strings, the only place where they may be, such characters are written as
/// `\uXXXX`, which means the same to every reader.
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a character does something besides being seen.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Arabic letter mark, zero-width and directional marks, line and paragraph separators, directional
            // embeddings and isolates, byte order mark, interlinear annotation, tags.
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        // No characters at all, and not allowed in XML.
        || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[2J\u{9b}31mb\u{7}\u{202e}c\u{200b}\r\nd\u{0}\u{fffe}";

    #[test]
    fn terminal_escapes_and_direction_marks_are_spelled_out() {
        let shown = line(HOSTILE);
        assert_eq!(shown, "a\\u{1b}[2J\\u{9b}31mb\\u{7}\\u{202e}c\\u{200b}\\r\\nd\\u{0}\\u{fffe}");
        assert!(!shown.chars().any(acts));
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in ["agency-north → agency-south", "Zürich 東京 é", "{\"a\": \"b\"}"] {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_says_how_much_is_missing() {
        assert_eq!(short("äöü", 3), "äöü");
        assert_eq!(short("äöüß!", 3), "äöü… (2 more characters)");
    }

    #[test]
    fn json_says_the_same_without_a_character_that_acts() {
        let text = serde_json::to_string_pretty(&serde_json::json!({ "a": HOSTILE, "𝄞": "\u{e0041}" })).unwrap();
        let shown = json(&text);
        assert!(!shown.chars().any(|c| c != '\n' && acts(c)), "{shown}");
        let before: serde_json::Value = serde_json::from_str(&text).unwrap();
        let after: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(before, after);
    }
}
