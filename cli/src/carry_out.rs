//! Carries out a plan and tells what came of it: what `verify` and `demo` share.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::watch;
use watertight_checks::plan::{Options, Outline, plan};
use watertight_checks::run::{self, Afterwards, Ending, Resume, Run, RunError};
use watertight_evidence::escape::line;
use watertight_evidence::report::{Advisories, Overall, Report, report};
use watertight_evidence::{Account, bundle, text};
use watertight_spec::Spec;

use crate::exit::Exit;
use crate::folder;
use crate::options::{Format, Uncovered};
use crate::plan::beyond;
use crate::printer::Printer;
use crate::progress::Progress;

/// A run that is to be carried out.
pub(crate) struct Order<'a> {
    pub(crate) spec: Arc<Spec>,
    pub(crate) options: Options,
    pub(crate) afterwards: Afterwards,
    pub(crate) resume: Resume,
    pub(crate) advisories: Advisories,
    pub(crate) uncovered: Uncovered,
    pub(crate) format: Format,
    pub(crate) dir: &'a Path,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Runs, writes the evidence, prints the account.
pub(crate) async fn carry_out(order: Order<'_>, printer: Printer) -> Result<Exit, Exit> {
    let Order { spec, options, afterwards, resume, advisories, uncovered, format, dir, stop } = order;
    let plan = Rc::new(plan(&spec, &options));
    if plan.total(&spec) == 0 {
        let help = "`watertight plan` lists what would run for a spec; token checks need [tokens]";
        printer.complain("there is nothing to try: none of the selected checks applies to this spec", help);
        return Err(Exit::Usage);
    }
    if let Some(beyond) = beyond(plan.cost(&spec, Outline::new(&spec, &plan).sending(&plan))) {
        printer.note(&format!("note: {beyond}"));
    }
    if resume == Resume::Fresh {
        folder::begin(dir, &spec, printer)?;
    }
    let order = run::Order {
        spec: Arc::clone(&spec),
        plan: Rc::clone(&plan),
        options,
        folder: dir.to_owned(),
        afterwards,
        resume,
    };
    let begun = order.begin().map_err(|error| failed(&error, dir, printer))?;
    // Only now: what can't go on keeps its report.
    if resume == Resume::Continue {
        bundle::reopen(dir).map_err(|error| folder::unwritable(dir, &error, printer))?;
    }
    let finished = {
        let mut progress = Progress::new(printer);
        begun.carry_out(&mut progress, stop).await
    };
    let run = finished.map_err(|error| failed(&error, dir, printer))?;
    let report = report(&spec, &plan, &run, dir, advisories).map_err(|error| failed(&error.into(), dir, printer))?;
    let account = Account { spec: &spec, run: &run, report: &report, advisories };
    match format {
        Format::Human => printer.say(&text::render(&account, dir, printer.palette())),
        Format::Json => printer.json(&report),
    }
    if !run.left_behind.is_empty() {
        let folder = line(&dir.to_string_lossy());
        printer
            .note(&format!("not all that the run created could be removed: `watertight clean {folder}` tries again"));
    }
    bundle::write(dir, &account).map_err(|error| folder::unwritable(dir, &error, printer))?;
    Ok(judged(&run, &report, uncovered))
}

/// Why there is no run, and what to do about it.
fn failed(error: &RunError, dir: &Path, printer: Printer) -> Exit {
    let folder = line(&dir.to_string_lossy());
    match error {
        RunError::Setting(_) => {
            printer.complain(&error.to_string(), "this is a bug; please report it");
            Exit::Internal
        }
        RunError::Folder(error) => folder::unwritable(dir, error, printer),
        RunError::Log(_) | RunError::Other(_) => {
            let help = format!("`watertight clean {folder}` removes what that run created; then begin a new one");
            printer.complain(&error.to_string(), &help);
            Exit::Usage
        }
    }
}

/// The exit code of a run.
fn judged(run: &Run, report: &Report, uncovered: Uncovered) -> Exit {
    let covered = match uncovered {
        Uncovered::Unproven if !report.coverage.not_probed.is_empty() => Exit::Unproven,
        _ => Exit::Success,
    };
    ended(&run.ending, verdict(report.verdict), covered)
}

fn ended(ending: &Ending, verdict: Exit, covered: Exit) -> Exit {
    match (ending, verdict) {
        (Ending::Complete | Ending::OutOfTime, verdict) => verdict.or(covered),
        (Ending::SetupFailed(_) | Ending::Unreachable(_), verdict) => verdict.or(Exit::Unreachable),
        // What was not tried for being interrupted is not the target's doing; a leak stays one.
        (Ending::Interrupted, Exit::Leak) => Exit::Leak,
        (Ending::Interrupted, _) => Exit::Interrupted,
    }
}

/// The exit code of a verdict.
pub(crate) fn verdict(verdict: Overall) -> Exit {
    match verdict {
        Overall::Isolated => Exit::Success,
        Overall::Leak => Exit::Leak,
        Overall::Unproven => Exit::Unproven,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_comes_before_every_ending_and_each_ending_has_its_code() {
        let why = String::new;
        for (ending, expected) in [
            (Ending::Complete, Exit::Unproven),
            (Ending::OutOfTime, Exit::Unproven),
            (Ending::SetupFailed(why()), Exit::Unreachable),
            (Ending::Unreachable(why()), Exit::Unreachable),
            (Ending::Interrupted, Exit::Interrupted),
        ] {
            assert_eq!(ended(&ending, Exit::Unproven, Exit::Success), expected, "{ending:?}");
            assert_eq!(ended(&ending, Exit::Leak, Exit::Success), Exit::Leak, "{ending:?}");
        }
        assert_eq!(ended(&Ending::Complete, Exit::Success, Exit::Success), Exit::Success);
        assert_eq!(ended(&Ending::Complete, Exit::Success, Exit::Unproven), Exit::Unproven, "not all is covered");
    }
}
