//! `watertight verify [SPEC]`: the main job. `--resume DIR` goes on with a run that was interrupted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use watertight_checks::plan::Options;
use watertight_checks::run::{Afterwards, Ending, Resume};
use watertight_evidence::escape::line;
use watertight_evidence::report::Advisories;
use watertight_evidence::{BundleError, bundle};
use watertight_spec::{Environment, Spec, TargetEnvironment, parse};

use crate::carry_out::{Order, carry_out};
use crate::exit::Exit;
use crate::options::{Reporting, Selection};
use crate::printer::Printer;
use crate::{folder, signals};

#[derive(Args)]
pub(crate) struct Arguments {
    /// What to verify, and with what
    #[arg(default_value = "watertight.toml")]
    spec: PathBuf,
    /// Go on with the interrupted run in this folder, with its own spec and options
    #[arg(long, value_name = "DIR", conflicts_with_all = ["spec", "seed", "only", "quick", "report"])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reporting: Reporting,
    /// Verify a target whose environment is "production"; only reads are sent
    #[arg(long)]
    allow_production: bool,
}

/// What is to be run, and where.
struct Task<'a> {
    spec: Spec,
    options: Options,
    resume: Resume,
    advisories: Advisories,
    dir: &'a Path,
}

pub(crate) async fn run(arguments: Arguments, printer: Printer) -> Exit {
    match verify(&arguments, printer).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn verify(arguments: &Arguments, printer: Printer) -> Result<Exit, Exit> {
    let reporting = &arguments.reporting;
    let task = match &arguments.resume {
        None => fresh(arguments, printer)?,
        Some(dir) => resumed(dir, reporting, printer)?,
    };
    let Task { spec, options, resume, advisories, dir } = task;
    if spec.target.environment == TargetEnvironment::Production && !arguments.allow_production {
        let what = format!("{} is a production system", line(&spec.target.name));
        printer.complain(&what, "with --allow-production it is verified, and only reads are sent");
        return Err(Exit::Usage);
    }
    let stop = signals::stop(printer).map_err(|error| {
        printer.complain(&format!("signals can't be listened for: {error}"), "");
        Exit::Internal
    })?;
    let order = Order {
        spec: Arc::new(spec),
        options,
        afterwards: Afterwards::CleanUp,
        resume,
        advisories,
        uncovered: reporting.uncovered(),
        format: reporting.format,
        dir,
        stop,
    };
    carry_out(order, printer).await
}

fn fresh(arguments: &Arguments, printer: Printer) -> Result<Task<'_>, Exit> {
    let Arguments { spec, selection, reporting, .. } = arguments;
    Ok(Task {
        options: selection.options(printer)?,
        spec: folder::spec(spec, &Environment, printer)?,
        resume: Resume::Fresh,
        advisories: reporting.advisories(),
        dir: &reporting.report,
    })
}

/// The run that a folder holds, with the secrets of today's environment.
fn resumed<'a>(dir: &'a Path, reporting: &Reporting, printer: Printer) -> Result<Task<'a>, Exit> {
    let unsound = |error: BundleError| {
        let help = match error {
            BundleError::NotBegun => "there is nothing to go on with: without --resume, a new one begins",
            _ => "name the folder that the run was given with --report",
        };
        printer.complain(&error.to_string(), help);
        Exit::Usage
    };
    let held = bundle::read(dir).map_err(unsound)?;
    let recorded = held.finished.as_ref();
    if recorded.is_some_and(|finished| finished.ending == Ending::Complete) {
        printer.complain("that run is finished: nothing is left to do", "without --resume, a new one begins");
        return Err(Exit::Usage);
    }
    let (path, text) = bundle::recorded_spec(dir).map_err(unsound)?;
    let spec = parse(&path, &text, &Environment, held.day().map_err(unsound)?).map_err(|problems| {
        printer.problems(&problems);
        Exit::Usage
    })?;
    let denied = recorded.is_some_and(|finished| finished.advisories == Advisories::Denied);
    let advisories = if denied { Advisories::Denied } else { reporting.advisories() };
    Ok(Task { spec, options: held.options().map_err(unsound)?, resume: Resume::Continue, advisories, dir })
}
