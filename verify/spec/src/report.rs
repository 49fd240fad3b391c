//! Collects mistakes while a spec is read, and hides the secrets that should not have been in it.

use std::ops::Range;
use std::path::Path;

use crate::diagnostic::{Problem, Problems};

/// The mistakes found so far in one text.
pub(crate) struct Report<'t> {
    text: &'t str,
    noted: Vec<Noted>,
    secrets: Vec<Range<usize>>,
}

#[derive(PartialEq, Eq)]
struct Noted {
    span: Range<usize>,
    message: String,
    help: String,
}

impl<'t> Report<'t> {
    /// Of a text without its byte order mark.
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, noted: Vec::new(), secrets: Vec::new() }
    }

    /// The text that spans point into.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// Notes a mistake, once; reading goes on. What stands for several tenants is read for each of them.
    pub(crate) fn note(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let noted = Noted { span, message: message.into(), help: help.into() };
        if !self.noted.contains(&noted) {
            self.noted.push(noted);
        }
    }

    /// From now on these bytes are shown as asterisks, in every mistake.
    pub(crate) fn hide(&mut self, span: Range<usize>) {
        self.secrets.push(span);
    }

    /// What was noted; nothing when the text is sound.
    pub(crate) fn finish(self, path: &Path) -> Option<Problems> {
        let shown = mask(self.text, &self.secrets);
        let lines: Vec<usize> =
            std::iter::once(0).chain(shown.match_indices('\n').map(|(at, _)| at.saturating_add(1))).collect();
        let problems = self.noted.into_iter().map(|noted| place(noted, &shown, &lines)).collect();
        Problems::new(path, shown, problems)
    }
}

/// Every byte of every span becomes an asterisk, line ends excepted; lengths stay.
fn mask(text: &str, spans: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        for byte in bytes.get_mut(span.clone()).into_iter().flatten() {
            if !matches!(*byte, b'\n' | b'\r' | b'"' | b'\'') {
                *byte = b'*';
            }
        }
    }
    // Spans lie on character boundaries, so this is UTF-8; were it not, nothing would be shown.
    String::from_utf8(bytes).unwrap_or_default()
}

fn place(noted: Noted, shown: &str, lines: &[usize]) -> Problem {
    let Noted { span, message, help } = noted;
    let line = lines.partition_point(|start| *start <= span.start).max(1);
    let start = lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
    let column = shown.get(start..span.start).map_or(0, |before| before.chars().count()).saturating_add(1);
    let text = shown.get(span.clone()).and_then(|text| text.lines().next()).unwrap_or_default().to_owned();
    Problem { line, column, span, text, message, help }
}
