//! `watertight clean DIR`: removes what an interrupted run had created.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use watertight_evidence::bundle;
use watertight_evidence::neutral::{line, short};
use watertight_probe::clean::clean_journal;
use watertight_probe::journal::Journal;
use watertight_spec::{Environment, Spec, parse};

use crate::exit::Exit;
use crate::folder::today;
use crate::printer::Printer;

/// Objects named one by one.
const LISTED: usize = 50;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder of the interrupted run
    #[arg(value_name = "DIR", default_value = "watertight-report")]
    report: PathBuf,
}

pub(crate) async fn run(arguments: &Arguments, printer: Printer) -> Exit {
    match clean(arguments, printer).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn clean(arguments: &Arguments, printer: Printer) -> Result<Exit, Exit> {
    let journal = journal(arguments, printer)?;
    if journal.is_clean() {
        printer.say("nothing to remove: that run cleaned up after itself");
        return Ok(Exit::Success);
    }
    let spec = spec(arguments, printer)?;
    let cleaned = clean_journal(&spec, journal).await.map_err(|error| {
        printer.complain(&format!("the clean-up could not begin: {error}"), "this is a bug; please report it");
        Exit::Internal
    })?;
    let objects = if cleaned.removed == 1 { "object" } else { "objects" };
    printer.say(&format!("{} {objects} removed", cleaned.removed));
    if cleaned.left_behind.is_empty() {
        return Ok(Exit::Success);
    }
    for left in cleaned.left_behind.iter().take(LISTED) {
        printer.note(&format!("left: {}", short(left, 300)));
    }
    let what = format!("{} objects could not be removed", cleaned.left_behind.len());
    printer.complain(&what, "mend what stands in the way and run this again, or remove them by hand");
    Ok(Exit::Unreachable)
}

fn journal(arguments: &Arguments, printer: Printer) -> Result<Journal, Exit> {
    let path = arguments.report.join(bundle::JOURNAL);
    Journal::resume(&path).map_err(|error| {
        let path = line(&path.to_string_lossy());
        let what = match error.kind() {
            ErrorKind::NotFound => format!("{path} is missing: no run was recorded there"),
            _ => format!("{path} can't be read: {error}"),
        };
        printer.complain(&what, "name the folder that the run was given with --report");
        Exit::Usage
    })
}

/// The spec as it was when the run began, with the secrets of today's environment.
fn spec(arguments: &Arguments, printer: Printer) -> Result<Spec, Exit> {
    let (path, text) = bundle::recorded_spec(&arguments.report).map_err(|error| {
        printer.complain(&error.to_string(), "name the folder that the run was given with --report");
        Exit::Usage
    })?;
    parse(&path, &text, &Environment, today()).map_err(|problems| {
        printer.problems(&problems);
        Exit::Usage
    })
}
