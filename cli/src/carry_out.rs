//! Carries out a plan and tells what came of it: what `verify` and `demo` share.

use std::path::Path;

use tokio::sync::watch;
use watertight_evidence::{Account, bundle, text};
use watertight_probe::journal::Journal;
use watertight_probe::plan::{Options, Plan, plan};
use watertight_probe::report::{Advisories, Overall, Report, report};
use watertight_probe::run::{Afterwards, Ending, Run, run};
use watertight_spec::Spec;

use crate::exit::Exit;
use crate::folder;
use crate::options::{Format, Uncovered};
use crate::printer::Printer;
use crate::progress::Progress;

/// A run that is to be carried out.
pub(crate) struct Order<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) options: &'a Options,
    pub(crate) journal: Journal,
    pub(crate) afterwards: Afterwards,
    pub(crate) advisories: Advisories,
    pub(crate) uncovered: Uncovered,
    pub(crate) format: Format,
    pub(crate) dir: &'a Path,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Runs, writes the evidence, prints the account.
pub(crate) async fn carry_out(order: Order<'_>, printer: Printer) -> Exit {
    let Order { spec, options, journal, afterwards, advisories, uncovered, format, dir, stop } = order;
    let plan: Plan = plan(spec, options);
    if plan.total(spec) == 0 {
        let help = "`watertight plan` lists what a spec gives rise to; checks of tokens need [tokens]";
        printer.complain("there is nothing to try: the spec gives rise to none of the checks asked for", help);
        return Exit::Usage;
    }
    let finished = {
        let mut progress = Progress::new(printer);
        run(spec, &plan, options, journal, afterwards, &mut progress, stop).await
    };
    let run = match finished {
        Ok(run) => run,
        Err(error) => {
            printer.complain(&format!("the run could not begin: {error}"), "this is a bug; please report it");
            return Exit::Internal;
        }
    };
    let report = report(spec, &plan, &run, advisories);
    let account = Account { spec, plan: &plan, run: &run, report: &report, advisories };
    match format {
        Format::Human => printer.say(&text::render(&account, dir, printer.palette())),
        Format::Json => printer.json(&report),
    }
    if !run.left_behind.is_empty() {
        let left = run.left_behind.len();
        let folder = watertight_evidence::neutral::line(&dir.to_string_lossy());
        printer.note(&format!("{left} created objects could not be removed: `watertight clean {folder}` tries again"));
    }
    if let Err(error) = bundle::write(dir, &account) {
        return folder::unwritable(dir, &error, printer);
    }
    judged(&run, &report, uncovered)
}

/// The exit code of a run.
fn judged(run: &Run, report: &Report, uncovered: Uncovered) -> Exit {
    let verdict = verdict(report.verdict);
    let covered = match uncovered {
        Uncovered::Unproven if !report.coverage.not_probed.is_empty() => Exit::Unproven,
        _ => Exit::Success,
    };
    match (&run.ending, verdict) {
        (Ending::Complete, verdict) => verdict.or(covered),
        (Ending::SetupFailed(_), verdict) => verdict.or(Exit::Unreachable),
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
