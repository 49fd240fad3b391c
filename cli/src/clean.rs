//! `watertight clean DIR`: removes what an interrupted run had created.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::sync::watch;
use watertight_checks::clean::Cleaned;
use watertight_checks::run::clean_journal;
use watertight_engine::journal::Journal;
use watertight_evidence::escape::{line, short};
use watertight_evidence::{BundleError, bundle};
use watertight_spec::{Environment, Spec, parse};

use crate::exit::Exit;
use crate::folder::{today, unwritable};
use crate::printer::Printer;

/// What is left, named one by one.
const LISTED: usize = 50;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder of the interrupted run
    #[arg(value_name = "DIR", default_value = "watertight-report")]
    report: PathBuf,
}

pub(crate) async fn run(arguments: &Arguments, printer: Printer) -> Exit {
    match clean(&arguments.report, printer).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn clean(dir: &Path, printer: Printer) -> Result<Exit, Exit> {
    let Some(journal) = journal(dir, printer)? else {
        printer.say("nothing to remove: that run ended before it sent anything");
        return Ok(Exit::Success);
    };
    if journal.is_clean() {
        printer.say("nothing to remove: that run cleaned up after itself");
        return Ok(Exit::Success);
    }
    let spec = Arc::new(spec(dir, printer)?);
    let cleaned = remove(dir, &spec, journal, printer).await?;
    for stays in cleaned.staying() {
        printer.note(&short(&stays, 300));
    }
    let Cleaned { removed, left_behind, .. } = cleaned;
    printer.say(&format!("{removed} {} removed", if removed == 1 { "object" } else { "objects" }));
    if left_behind.is_empty() {
        return Ok(Exit::Success);
    }
    for left in left_behind.iter().take(LISTED) {
        printer.note(&format!("left: {}", short(left, 300)));
    }
    let more = left_behind.len().saturating_sub(LISTED);
    if more > 0 {
        printer.note(&format!("… and {more} more"));
    }
    printer.complain(
        "not all that the run created could be removed",
        "fix what is in the way and run this again, or remove the rest by hand",
    );
    Ok(Exit::Unreachable)
}

/// What is sent is recorded in a folder of its own, which is thrown away.
async fn remove(dir: &Path, spec: &Arc<Spec>, journal: Journal, printer: Printer) -> Result<Cleaned, Exit> {
    let scratch = dir.join(format!(".clean-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).map_err(|error| unwritable(dir, &error, printer))?;
    // A clean-up is not stopped half-way: a signal ends the process, and the journal says what is still to be done.
    let (_stop, receiver) = watch::channel(false);
    let cleaned = clean_journal(spec, journal, &scratch, receiver).await;
    // A folder that stays is of no harm.
    let _ = std::fs::remove_dir_all(&scratch);
    cleaned.map_err(|error| {
        printer.complain(&format!("the clean-up could not begin: {error}"), "this is a bug; please report it");
        Exit::Internal
    })
}

/// None where the run was killed before it could have sent anything.
fn journal(dir: &Path, printer: Printer) -> Result<Option<Journal>, Exit> {
    let path = dir.join(bundle::JOURNAL);
    let error = match Journal::resume(&path) {
        Ok(journal) => return Ok(Some(journal)),
        Err(error) => error,
    };
    let path = line(&path.to_string_lossy());
    let what = match error.kind() {
        ErrorKind::NotFound if matches!(bundle::read(dir), Err(BundleError::NotBegun)) => return Ok(None),
        ErrorKind::NotFound => format!("{path} is missing: no run was recorded there"),
        _ => format!("{path} can't be read: {error}"),
    };
    printer.complain(&what, "name the folder that the run was given with --report");
    Err(Exit::Usage)
}

/// The spec as it was when the run began, with the secrets of today's environment.
fn spec(dir: &Path, printer: Printer) -> Result<Spec, Exit> {
    let (path, text) = bundle::recorded_spec(dir).map_err(|error| {
        printer.complain(&error.to_string(), "name the folder that the run was given with --report");
        Exit::Usage
    })?;
    parse(&path, &text, &Environment, today()).map_err(|problems| {
        printer.problems(&problems);
        Exit::Usage
    })
}
