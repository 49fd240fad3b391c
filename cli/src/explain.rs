//! `watertight explain [CHECK]`: what a check does, how it judges, the bug it comes from, how to fix it.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;
use watertight_checks::catalog;
use watertight_checks::check::Check;
use watertight_evidence::escape::short;
use watertight_evidence::style::{Ink, Palette};

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
    /// The name is an interface, and stays.
    #[serde(rename = "mend")]
    fix: &'static str,
}

impl From<&Check> for Explained {
    fn from(check: &Check) -> Self {
        let Check { id, surface, severity, cwe, title, does, judges, origin, fix, .. } = *check;
        Self { check: id, surface: surface.name(), severity: severity.name(), cwe, title, does, judges, origin, fix }
    }
}

pub(crate) fn run(arguments: &Arguments, printer: Printer) -> Exit {
    match &arguments.check {
        None => all(arguments.format, printer),
        Some(id) => match catalog::find(id) {
            Some(check) => one(check, arguments.format, printer),
            None => {
                let ids = catalog::all();
                let help = suggest::help(id, ids.iter().map(|check| check.id), "watertight explain");
                printer.complain(&format!("there is no check {}", short(id, 80)), &help);
                return Exit::Usage;
            }
        },
    }
    Exit::Success
}

fn one(check: &Check, shape: Shape, printer: Printer) {
    match shape {
        Shape::Human => printer.say(&text(check, printer.palette())),
        Shape::Json => printer.json(&Explained::from(check)),
        Shape::Markdown => printer.say(&section(check)),
    }
}

fn all(shape: Shape, printer: Printer) {
    let checks = catalog::all();
    match shape {
        Shape::Human => {
            let longest = checks.iter().map(|check| check.id.len()).max().unwrap_or(0);
            let lines: Vec<String> = checks
                .iter()
                .map(|check| {
                    let gap = " ".repeat(longest.saturating_sub(check.id.len()));
                    format!("{}{gap}  {}", printer.palette().paint(Ink::Strong, check.id), check.title)
                })
                .collect();
            printer.say(&lines.join("\n"));
        }
        Shape::Json => printer.json(&checks.into_iter().map(Explained::from).collect::<Vec<_>>()),
        Shape::Markdown => printer.say(&markdown(&checks)),
    }
}

fn text(check: &Check, palette: Palette) -> String {
    let mut text = format!("{}: {}\n", palette.paint(Ink::Strong, check.id), check.title);
    let facts = format!("surface {}, severity {}", check.surface, check.severity);
    let _ = writeln!(text, "{facts}{}{}", if check.cwe.is_empty() { "" } else { ", " }, check.cwe.join(", "));
    for (title, paragraph) in parts(check) {
        let _ = write!(text, "\n{}\n{}", palette.paint(Ink::Strong, title), wrapped(paragraph));
    }
    text
}

fn parts(check: &Check) -> [(&'static str, &'static str); 4] {
    [
        ("What it does", check.does),
        ("How it judges", check.judges),
        ("Where it comes from", check.origin),
        ("How to fix it", check.fix),
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
fn markdown(checks: &[&'static Check]) -> String {
    let mut page = String::from(
        "# The checks\n\nEvery check tries the boundary for each ordered pair of tenants (attacker → victim), at each operation that it\n\
         fits. How their findings read is told in [reading-a-report.md](reading-a-report.md); `watertight explain CHECK` shows\n\
         the same as here. This page is made from the catalogue: `UPDATE_DOCS=1 cargo nextest run -p watertight-cli docs` writes\n\
         it anew.\n\n| Check | Surface | Severity | What it shows |\n|---|---|---|---|\n",
    );
    for check in checks {
        let anchor: String = check.id.chars().filter(|c| *c != '.').collect();
        let (surface, severity) = (check.surface, check.severity);
        let _ = writeln!(page, "| [`{}`](#{anchor}) | {surface} | {severity} | {} |", check.id, cell(check.title));
    }
    for check in checks {
        page.push('\n');
        page.push_str(&section(check));
    }
    page
}

fn section(check: &Check) -> String {
    let mut text = format!("## {}\n\n{}.", check.id, escaped(check.title.trim_end_matches('.')));
    if !check.cwe.is_empty() {
        let _ = write!(text, " ({})", check.cwe.join(", "));
    }
    text.push('\n');
    for (title, paragraph) in parts(check) {
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
