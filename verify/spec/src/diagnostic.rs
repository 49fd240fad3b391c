//! Mistakes in a spec, shown as a compiler shows them: file, line, the offending text underlined, what to write instead.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

/// Mistakes shown in one rendering; the rest is counted.
const SHOWN: usize = 100;
/// Longer lines (bytes) are named by position alone, not shown.
const LONGEST_LINE: usize = 4096;

/// One mistake in a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes that are wrong, counted after a byte order mark; empty where something is absent.
    pub span: Range<usize>,
    /// The text of `span`, first line only. A secret written into the file appears as asterisks.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// Every mistake in a spec, at least one, in the order of the file.
///
/// Its `Display` is [`render`](Self::render) without colour.
#[derive(Clone, Debug)]
pub struct Problems {
    path: PathBuf,
    /// The text of the file, secrets masked byte for byte, so that spans still fit.
    shown: String,
    first: Box<Problem>,
    rest: Vec<Problem>,
}

/// Whether a rendering holds colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Text alone.
    Never,
    /// ANSI escape sequences, for a terminal.
    Always,
}

impl Problems {
    /// `shown` must be masked already. Nothing when there are no problems.
    pub(crate) fn new(path: &Path, shown: String, mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by(|a, b| (a.line, a.column, &a.message).cmp(&(b.line, b.column, &b.message)));
        problems.dedup();
        let mut problems = problems.into_iter();
        let first = Box::new(problems.next()?);
        Some(Self { path: path.to_owned(), shown, first, rest: problems.collect() })
    }

    /// A mistake of the file as a whole: it cannot be read.
    pub(crate) fn of_file(path: &Path, message: String, help: String) -> Self {
        let first = Box::new(Problem { line: 1, column: 1, span: 0..0, text: String::new(), message, help });
        Self { path: path.to_owned(), shown: String::new(), first, rest: Vec::new() }
    }

    /// In the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(self.first.as_ref()).chain(&self.rest)
    }

    /// How many; never 0.
    pub fn count(&self) -> usize {
        self.rest.len().saturating_add(1)
    }

    /// The file that is wrong, as the user gave it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All mistakes, one after the other, and their number.
    pub fn render(&self, color: Color) -> String {
        let renderer = match color {
            Color::Never => Renderer::plain(),
            Color::Always => Renderer::styled(),
        };
        let mut out = String::new();
        for problem in self.iter().take(SHOWN) {
            out.push_str(&self.render_one(&renderer, problem));
            out.push_str("\n\n");
        }
        let path = printable(&self.path.to_string_lossy());
        let mistakes = if self.rest.is_empty() { "mistake" } else { "mistakes" };
        out.push_str(&format!("{path}: {} {mistakes}", self.count()));
        if self.count() > SHOWN {
            out.push_str(&format!(", the first {SHOWN} of them shown"));
        }
        out
    }

    fn render_one(&self, renderer: &Renderer, problem: &Problem) -> String {
        let path = printable(&self.path.to_string_lossy());
        let title = Level::ERROR.primary_title(problem.message.as_str());
        let help = Level::HELP.message(problem.help.as_str());
        let report = match self.line_around(&problem.span) {
            Some((line, span)) => title.element(
                Snippet::source(line)
                    .line_start(problem.line)
                    .path(path)
                    .annotation(AnnotationKind::Primary.span(span)),
            ),
            None => title.element(Origin::path(path).line(problem.line).char_column(problem.column)),
        };
        renderer.render(&[report.element(help)])
    }

    /// The line on which a span starts, and what of the span is on it; nothing when there is no such line to show.
    fn line_around(&self, span: &Range<usize>) -> Option<(&str, Range<usize>)> {
        let before = self.shown.get(..span.start)?;
        let start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
        let line = self.shown.get(start..)?.lines().next()?;
        let from = span.start.saturating_sub(start).min(line.len());
        let to = span.end.saturating_sub(start).clamp(from, line.len());
        (line.len() <= LONGEST_LINE).then_some((line, from..to))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Color::Never))
    }
}

impl std::error::Error for Problems {}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::iter::Chain<std::iter::Once<Problem>, std::vec::IntoIter<Problem>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(*self.first).chain(self.rest)
    }
}

/// Text of the user's for a message: bounded, and with nothing in it that a terminal would act on.
pub(crate) fn printable(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut out = String::new();
    for c in text.chars().take(LONGEST) {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}
