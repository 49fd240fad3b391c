//! What a run comes to: the verdict over all checks, coverage, findings, and the matrix of tenants and surfaces. The
//! JSON form (`watertight.run/1`) is a stable interface.

mod coverage;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use watertight_checks::plan::{Options, Plan};
use watertight_checks::run::{Ending, Run, TrialResult};
use watertight_checks::verdict::Verdict;
use watertight_engine::log::{LogError, Lookup};
use watertight_model::Surface;
use watertight_spec::{Pair, Spec};

pub use coverage::{Coverage, Uncovered};
pub use rows::{AccessEnded, Cause, Finding, FindingKind, Omitted, Sighting, Undecided, Whole};

/// The schema of a report.
pub const RUN_SCHEMA: &str = "watertight.run/1";

/// The verdict over a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// No leak observed over this surface, with these controls.
    Isolated,
    /// Foreign data or effect demonstrated.
    Leak,
    /// No leak, but some trial could not be decided.
    Unproven,
}

impl Overall {
    /// As reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Isolated => "isolated",
            Self::Leak => "leak",
            Self::Unproven => "unproven",
        }
    }
}

/// Whether an advisory counts as a leak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Advisories {
    /// They are reported and change nothing.
    #[default]
    Reported,
    /// `--deny advisory`
    Denied,
}

/// One run, as `--format json` prints it and `run.json` holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `watertight.run/1`
    pub schema: String,
    /// The target's name.
    pub target: String,
    /// Over all trials.
    pub verdict: Overall,
    /// How many trials concluded what.
    pub summary: Summary,
    /// Which operations were covered.
    pub coverage: Coverage,
    /// Leaks first, the most severe first.
    pub findings: Vec<Finding>,
    /// What could not be decided.
    pub unproven: Vec<Undecided>,
    /// How long access lasted that an act was to end, where it did end in time; absent where no act was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_ended: Vec<AccessEnded>,
    /// Checks that were not tried, or not in all that they try, and why; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Omitted>,
    /// Requests sent.
    pub requests: u64,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// The seed.
    pub seed: u64,
}

/// How many trials concluded what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// All of them.
    pub checks: usize,
    /// Nothing crossed, every control held.
    pub isolated: usize,
    /// Something crossed.
    pub leak: usize,
    /// A weakness.
    pub advisory: usize,
    /// Undecided.
    pub unproven: usize,
    /// Nothing to try.
    pub not_applicable: usize,
}

impl Summary {
    fn count(&mut self, verdict: &Verdict) {
        self.checks += 1;
        match verdict {
            Verdict::Isolated(_) => self.isolated += 1,
            Verdict::Leak(_) => self.leak += 1,
            Verdict::Advisory(_) => self.advisory += 1,
            Verdict::Unproven(_) => self.unproven += 1,
            Verdict::NotApplicable(_) => self.not_applicable += 1,
        }
    }
}

/// What one ordered pair of tenants showed on one surface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many trials concluded what.
    pub summary: Summary,
}

impl Cell {
    /// What the cell comes to; nothing where nothing was planned.
    pub fn overall(self) -> Option<Overall> {
        let Summary { isolated, leak, unproven, advisory, .. } = self.summary;
        match (leak, unproven, isolated) {
            (1.., _, _) => Some(Overall::Leak),
            (0, 0, 1..) => Some(Overall::Isolated),
            (0, 0, 0) if advisory == 0 => None,
            _ => Some(Overall::Unproven),
        }
    }
}

/// Surface × ordered pair of tenants.
pub type Matrix = BTreeMap<(Surface, Pair), Cell>;

/// The matrix over surfaces in scope: those on which at least one check had something to try.
pub fn matrix(spec: &Spec, results: &[TrialResult]) -> Matrix {
    let applicable = |result: &&TrialResult| !matches!(result.verdict, Verdict::NotApplicable(_));
    let surfaces: BTreeSet<Surface> = results.iter().filter(applicable).map(|r| r.check.surface).collect();
    let pairs = spec.pairs();
    let mut matrix: Matrix = surfaces
        .iter()
        .flat_map(|surface| pairs.iter().map(move |pair| ((*surface, *pair), Cell::default())))
        .collect();
    for result in results {
        if let Some(cell) = matrix.get_mut(&(result.check.surface, result.pair)) {
            cell.summary.count(&result.verdict);
        }
    }
    matrix
}

/// The report of a run whose log is in `folder`: what a later judgement of the same folder compares with.
///
/// # Errors
/// The log can't be opened.
pub fn report(spec: &Spec, plan: &Plan, run: &Run, folder: &Path, advisories: Advisories) -> Result<Report, LogError> {
    let mut summary = Summary::default();
    run.results.iter().for_each(|result| summary.count(&result.verdict));
    let matrix = matrix(spec, &run.results);
    let (coverage, vanished) = coverage::coverage(spec, plan, &options(run), &run.results);
    let unproven = unproven(spec, run, &matrix, &vanished);
    let denied = advisories == Advisories::Denied && summary.advisory > 0;
    let verdict = if summary.leak > 0 || denied {
        Overall::Leak
    } else if !unproven.is_empty() || matrix.is_empty() {
        Overall::Unproven
    } else {
        Overall::Isolated
    };
    let mut left_out: Vec<Omitted> = Vec::new();
    let in_part = run.results.iter().filter_map(|result| Omitted::of_trial(spec, result));
    for row in plan.left_out.iter().map(Omitted::of).chain(in_part) {
        if !left_out.contains(&row) {
            left_out.push(row);
        }
    }
    Ok(Report {
        schema: RUN_SCHEMA.into(),
        target: spec.target.name.clone(),
        verdict,
        summary,
        coverage,
        findings: rows::findings(spec, &run.results, &mut Lookup::open(folder)?),
        unproven,
        access_ended: run.results.iter().filter_map(|result| AccessEnded::of(spec, result)).collect(),
        left_out,
        requests: run.requests,
        duration_ms: u64::try_from(run.took.as_millis()).unwrap_or(u64::MAX),
        seed: options(run).seed,
    })
}

/// What was asked of a run.
pub(crate) fn options(run: &Run) -> Options {
    // A header of another's making has none that can be read; then nothing was asked.
    serde_json::from_value(run.header.options.clone()).unwrap_or_default()
}

/// What is undecided: first of the run as a whole, then trial by trial, then operations that nothing decided, then surfaces
/// on which nothing shows isolation.
fn unproven(spec: &Spec, run: &Run, matrix: &Matrix, vanished: &[Uncovered]) -> Vec<Undecided> {
    let of_the_run = match &run.ending {
        Ending::Complete => None,
        Ending::SetupFailed(why) => Some((Whole::NothingSetUp, why.as_str())),
        Ending::Unreachable(why) => Some((Whole::Unreachable, why.as_str())),
        Ending::Interrupted => Some((Whole::Interrupted, Whole::Interrupted.says())),
        Ending::OutOfTime => Some((Whole::OutOfTime, Whole::OutOfTime.says())),
    };
    let of_the_run = of_the_run.map(|(cause, why)| Undecided::of_run(cause, why));
    let of_trials = run.results.iter().filter_map(|result| Undecided::of_trial(spec, result));
    let bare = matrix.iter().filter(|((surface, _), cell)| {
        let Summary { checks, isolated, leak, unproven, .. } = cell.summary;
        // An act is about one tenant, and is tried beside one other.
        let is_of_one = *surface == Surface::Life && checks == 0;
        isolated == 0 && leak == 0 && unproven == 0 && !is_of_one
    });
    let of_surfaces = bare.map(|((surface, pair), _)| Undecided::of_surface(spec, *surface, *pair));
    // Where the run did not end as planned, that is why.
    let is_whole = run.ending == Ending::Complete;
    let of_operations = vanished.iter().filter(|_| is_whole).map(Undecided::of_operation);
    of_the_run.into_iter().chain(of_trials).chain(of_operations).chain(of_surfaces).collect()
}
