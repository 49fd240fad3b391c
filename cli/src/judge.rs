//! `watertight judge DIR`: a recorded run, judged again from its folder alone. How is told in [`watertight_evidence`].

use std::path::PathBuf;

use clap::Args;
use watertight_evidence::escape::{line, short};
use watertight_evidence::judge::Difference;
use watertight_evidence::style::Ink;
use watertight_evidence::{Judgement, judge};

use crate::carry_out::verdict;
use crate::exit::Exit;
use crate::options::Format;
use crate::printer::Printer;

/// Differences named one by one.
const LISTED: usize = 20;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder of a run; of one that was killed, what there is of it is judged
    #[arg(value_name = "DIR", default_value = "watertight-report")]
    report: PathBuf,
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments, printer: Printer) -> Exit {
    let judgement = judge(&arguments.report).unwrap_or_else(Judgement::from);
    match arguments.format {
        Format::Human => printer.say(&told(&judgement, printer)),
        Format::Json => printer.json(&judgement),
    }
    match judgement.verdict.filter(|_| judgement.same) {
        Some(overall) => verdict(overall),
        None => Exit::Usage,
    }
}

fn told(judgement: &Judgement, printer: Printer) -> String {
    let palette = printer.palette();
    let mut lines = Vec::new();
    if judgement.same {
        let verdict = judgement.verdict.map_or("nothing", |verdict| verdict.name());
        lines.push(format!("{}: judged again, the verdict is {verdict}", palette.paint(Ink::Good, "same")));
    } else {
        let different = palette.paint(Ink::Bad, "different");
        lines.push(format!("{different}: judging the log again gives another result than the recorded one"));
        let differences = judgement.differences.iter();
        lines.extend(differences.take(LISTED).map(|d| format!("  {}: {}", line(&place(d)), short(&d.what, 1000))));
        let more = judgement.differences.len().saturating_sub(LISTED);
        if more > 0 {
            lines.push(format!("  … and {more} more"));
        }
    }
    lines.extend(judgement.note.clone());
    lines.join("\n")
}

fn place(difference: &Difference) -> String {
    match (difference.line, difference.seq) {
        (Some(line), _) => format!("{} line {line}", difference.file),
        (None, Some(seq)) => format!("{} event {seq}", difference.file),
        (None, None) => difference.file.clone(),
    }
}
