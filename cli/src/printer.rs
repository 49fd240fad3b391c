//! The only place that prints. Results go to standard output, everything else to standard error.

use std::io::{self, IsTerminal as _};

use serde::Serialize;
use watertight_evidence::escape;
use watertight_evidence::style::{Ink, Palette};
use watertight_spec::{Color, Problems};

/// Prints for people and for programs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    out: Palette,
    err: Palette,
    /// Whether progress may be drawn.
    pub(crate) draws: Draws,
}

/// Whether progress may be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draws {
    /// Standard error is a terminal.
    Progress,
    /// It is not: nothing moves.
    Nothing,
}

impl Printer {
    /// For this process's streams and its `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let palette = |terminal: bool| if terminal && !plain { Palette::Ansi } else { Palette::Plain };
        let err = io::stderr().is_terminal();
        Self {
            out: palette(io::stdout().is_terminal()),
            err: palette(err),
            draws: if err { Draws::Progress } else { Draws::Nothing },
        }
    }

    /// How standard output may be coloured.
    pub(crate) fn palette(self) -> Palette {
        self.out
    }

    /// How standard error may be coloured.
    pub(crate) fn err_palette(self) -> Palette {
        self.err
    }

    /// A result for people.
    pub(crate) fn say(self, text: &str) {
        write(io::stdout().lock(), text);
    }

    /// A result for programs: one document.
    pub(crate) fn json(self, document: &impl Serialize) {
        match serde_json::to_string_pretty(document) {
            Ok(text) => write(io::stdout().lock(), &escape::json(&text)),
            // Every type that is printed has string keys.
            Err(error) => self.complain(&format!("the document can't be written: {error}"), ""),
        }
    }

    /// Something that a person at the terminal should know.
    pub(crate) fn note(self, text: &str) {
        write(io::stderr().lock(), text);
    }

    /// What is wrong, and what to do about it.
    pub(crate) fn complain(self, what: &str, help: &str) {
        let mut text = format!("{}: {what}", self.err.paint(Ink::Bad, "error"));
        if !help.is_empty() {
            text.push_str(&format!("\n  {}: {help}", self.err.paint(Ink::Strong, "help")));
        }
        self.note(&text);
    }

    /// All mistakes of a spec.
    pub(crate) fn problems(self, problems: &Problems) {
        let color = match self.err {
            Palette::Ansi => Color::Always,
            Palette::Plain => Color::Never,
        };
        self.note(&problems.render(color));
    }
}

/// Whoever reads may have gone (`watertight … | head`): then the rest is not missed.
fn write(mut out: impl io::Write, text: &str) {
    let _ = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
}
