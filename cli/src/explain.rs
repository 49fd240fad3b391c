//! `watertight explain [CHECK]`: what a check does, how it judges, the bug it comes from, how to mend it.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;
use watertight_evidence::neutral::short;
use watertight_evidence::style::{Ink, Palette};
use watertight_probe::catalog;
use watertight_probe::check::About;

use crate::exit::Exit;
use crate::printer::Printer;
use crate::suggest;

/// Columns of a paragraph.
const WIDTH: usize = 100;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The check; all of them when absent
    check: Option<String>,
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: Shape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Text.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// The page of the documents.
    #[value(hide = true)]
    Markdown,
}

/// What `--format json` prints of a check.
#[derive(Serialize)]
struct Explained {
    check: &'static str,
    surface: &'static str,
    severity: &'static str,
    cwe: &'static [&'static str],
    title: &'static str,
    does: &'static str,
    judges: &'static str,
    origin: &'static str,
    mend: &'static str,
}

impl From<&About> for Explained {
    fn from(about: &About) -> Self {
        let About { id, surface, severity, cwe, title, does, judges, origin, mend } = *about;
        Self { check: id, surface: surface.name(), severity: severity.name(), cwe, title, does, judges, origin, mend }
    }
}

pub(crate) fn run(arguments: &Arguments, printer: Printer) -> Exit {
    match &arguments.check {
        None => all(arguments.format, printer),
        Some(id) => match catalog::find(id) {
            Some(about) => one(about, arguments.format, printer),
            None => {
                let ids = catalog::all();
                let help = suggest::help(id, ids.iter().map(|about| about.id), "watertight explain");
                printer.complain(&format!("there is no check {}", short(id, 80)), &help);
                return Exit::Usage;
            }
        },
    }
    Exit::Success
}

fn one(about: &About, shape: Shape, printer: Printer) {
    match shape {
        Shape::Human => printer.say(&text(about, printer.palette())),
        Shape::Json => printer.json(&Explained::from(about)),
        Shape::Markdown => printer.say(&section(about)),
    }
}

fn all(shape: Shape, printer: Printer) {
    let checks = catalog::all();
    match shape {
        Shape::Human => {
            let longest = checks.iter().map(|about| about.id.len()).max().unwrap_or(0);
            let lines: Vec<String> = checks
                .iter()
                .map(|about| {
                    let gap = " ".repeat(longest.saturating_sub(about.id.len()));
                    format!("{}{gap}  {}", printer.palette().paint(Ink::Strong, about.id), about.title)
                })
                .collect();
            printer.say(&lines.join("\n"));
        }
        Shape::Json => printer.json(&checks.into_iter().map(Explained::from).collect::<Vec<_>>()),
        Shape::Markdown => printer.say(&markdown(&checks)),
    }
}

fn text(about: &About, palette: Palette) -> String {
    let mut text = format!("{}: {}\n", palette.paint(Ink::Strong, about.id), about.title);
    let facts = format!("surface {}, severity {}", about.surface, about.severity);
    let _ = writeln!(text, "{facts}{}{}", if about.cwe.is_empty() { "" } else { ", " }, about.cwe.join(", "));
    for (title, paragraph) in parts(about) {
        let _ = write!(text, "\n{}\n{}", palette.paint(Ink::Strong, title), wrapped(paragraph));
    }
    text
}

fn parts(about: &About) -> [(&'static str, &'static str); 4] {
    [
        ("What it does", about.does),
        ("How it judges", about.judges),
        ("Where it comes from", about.origin),
        ("How to mend it", about.mend),
    ]
}

/// A paragraph in lines of at most [`WIDTH`] columns, indented.
fn wrapped(paragraph: &str) -> String {
    let mut text = String::new();
    let mut column = 0_usize;
    for word in paragraph.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column.saturating_add(width) < WIDTH {
            text.push(' ');
            column = column.saturating_add(width).saturating_add(1);
        } else {
            text.push_str(if column > 0 { "\n  " } else { "  " });
            column = width.saturating_add(2);
        }
        text.push_str(word);
    }
    text.push('\n');
    text
}

/// `docs/checks.md`
fn markdown(checks: &[&'static About]) -> String {
    let mut page = String::from(
        "# The checks\n\nEvery check tries the boundary for each ordered pair of tenants (attacker → victim), at each operation that it\n\
         fits. How their findings read is told in [reading-a-report.md](reading-a-report.md); `watertight explain CHECK` shows\n\
         the same as here. This page is made from the catalogue: `UPDATE_DOCS=1 cargo nextest run -p watertight-cli docs` writes\n\
         it anew.\n\n| Check | Surface | Severity | What it shows |\n|---|---|---|---|\n",
    );
    for about in checks {
        let anchor: String = about.id.chars().filter(|c| *c != '.').collect();
        let (surface, severity) = (about.surface, about.severity);
        let _ = writeln!(page, "| [`{}`](#{anchor}) | {surface} | {severity} | {} |", about.id, cell(about.title));
    }
    for about in checks {
        page.push('\n');
        page.push_str(&section(about));
    }
    page
}

fn section(about: &About) -> String {
    let mut text = format!("## {}\n\n{}.", about.id, escaped(about.title.trim_end_matches('.')));
    if !about.cwe.is_empty() {
        let _ = write!(text, " ({})", about.cwe.join(", "));
    }
    text.push('\n');
    for (title, paragraph) in parts(about) {
        let _ = writeln!(text, "\n**{title}.** {}", escaped(paragraph));
    }
    text
}

fn cell(text: &str) -> String {
    escaped(text).replace('|', "\\|")
}

/// Braces and angle brackets of paths and placeholders stay as they are; only HTML is kept from being one.
fn escaped(text: &str) -> String {
    text.replace('<', "\\<")
}
