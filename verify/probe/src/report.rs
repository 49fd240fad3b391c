//! What a run comes to: the verdict over all checks, coverage, findings, and the matrix of tenants and surfaces. The
//! JSON form (`watertight.run/1`) is a stable interface.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use watertight_model::Surface;
use watertight_spec::Spec;

use crate::judge::{Evidence, Verdict};
use crate::machines::{CheckResult, pairs};
use crate::plan::Plan;
use crate::reproduce::reproduce;
use crate::run::{Ending, Run};
use crate::trace::Trace;

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
    /// No leak, but some check could not be decided.
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
    /// Over all checks.
    pub verdict: Overall,
    /// How many checks concluded what.
    pub summary: Summary,
    /// Which operations were probed.
    pub coverage: Coverage,
    /// Leaks first, the most severe first.
    pub findings: Vec<Finding>,
    /// What could not be decided.
    pub unproven: Vec<Undecided>,
    /// Checks that were not tried, and why; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Omitted>,
    /// Requests sent.
    pub requests: u64,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// The seed.
    pub seed: u64,
}

/// How many checks concluded what.
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

/// Which operations were probed: decided by at least one check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Operations of the spec.
    pub operations: usize,
    /// Those that a check decided.
    pub probed: usize,
    /// The others.
    pub not_probed: Vec<String>,
}

/// A leak or an advisory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Id of the check.
    pub check: String,
    /// `leak` or `advisory`.
    pub kind: String,
    /// Name of the surface.
    pub surface: String,
    /// Tenant whose credentials were used.
    pub attacker: String,
    /// Tenant whose boundary did not hold.
    pub victim: String,
    /// The operation.
    pub operation: String,
    /// `critical`, `high`, `medium` or `low`.
    pub severity: String,
    /// CWE ids.
    pub cwe: Vec<String>,
    /// Sentences, the most telling first.
    pub evidence: Vec<String>,
    /// A command that does it again, with tokens from the environment.
    pub reproduce: String,
}

/// A check that could not be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecided {
    /// Id of the check; `surface.*` where a pair of tenants has no isolated check on a surface.
    pub check: String,
    /// Tenant whose credentials were used.
    pub attacker: String,
    /// Tenant whose data was tried.
    pub victim: String,
    /// The operation.
    pub operation: String,
    /// Which control failed, or which answer decided nothing.
    pub why: String,
}

/// A check that was not tried on an operation, for any pair of tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omitted {
    /// Id of the check.
    pub check: String,
    /// The operation.
    pub operation: String,
    /// Excluded, with its reason; or only reads are sent.
    pub why: String,
}

/// What one ordered pair of tenants showed on one surface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many checks concluded what.
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

/// Surface × ordered pair of tenants (attacker, victim).
pub type Matrix = BTreeMap<(Surface, usize, usize), Cell>;

/// The matrix over surfaces in scope: those on which at least one check had something to try.
pub fn matrix(spec: &Spec, results: &[CheckResult]) -> Matrix {
    let applicable = |result: &&CheckResult| !matches!(result.verdict, Verdict::NotApplicable(_));
    let surfaces: BTreeSet<Surface> = results.iter().filter(applicable).map(|r| r.about.surface).collect();
    let mut matrix: Matrix = surfaces
        .iter()
        .flat_map(|surface| pairs(spec).into_iter().map(move |(a, v)| ((*surface, a, v), Cell::default())))
        .collect();
    for result in results {
        if let Some(cell) = matrix.get_mut(&(result.about.surface, result.attacker, result.victim)) {
            count(&mut cell.summary, &result.verdict);
        }
    }
    matrix
}

/// The report of a run.
pub fn report(spec: &Spec, plan: &Plan, run: &Run, advisories: Advisories) -> Report {
    let mut report = judge(spec, &run.results, &run.trace, advisories);
    for left in &plan.left_out {
        let row = Omitted { check: left.check.to_owned(), operation: left.operation.clone(), why: left.why.clone() };
        if !report.left_out.contains(&row) {
            report.left_out.push(row);
        }
    }
    report.requests = run.requests;
    report.duration_ms = u64::try_from(run.took.as_millis()).unwrap_or(u64::MAX);
    report.seed = run.header.options.seed;
    match &run.ending {
        Ending::Complete => {}
        Ending::SetupFailed(why) => undecided(&mut report, why),
        Ending::Interrupted => undecided(&mut report, "the run was interrupted"),
    }
    report
}

/// The report that follows from results alone: what a replay compares with the recorded one.
pub fn judge(spec: &Spec, results: &[CheckResult], trace: &Trace, advisories: Advisories) -> Report {
    let mut summary = Summary::default();
    results.iter().for_each(|result| count(&mut summary, &result.verdict));
    let mut unproven: Vec<Undecided> = results.iter().filter_map(|result| unproven_row(spec, result)).collect();
    let matrix = matrix(spec, results);
    for ((surface, attacker, victim), cell) in &matrix {
        if cell.summary.isolated == 0 && cell.summary.leak == 0 && cell.summary.unproven == 0 {
            unproven.push(Undecided {
                check: format!("{}.*", surface.name()),
                attacker: tenant(spec, *attacker),
                victim: tenant(spec, *victim),
                operation: String::new(),
                why: "no check could show isolation on this surface for this pair".into(),
            });
        }
    }
    let denied = advisories == Advisories::Denied && summary.advisory > 0;
    let verdict = if summary.leak > 0 || denied {
        Overall::Leak
    } else if !unproven.is_empty() || matrix.is_empty() {
        Overall::Unproven
    } else {
        Overall::Isolated
    };
    Report {
        schema: RUN_SCHEMA.into(),
        target: spec.target.name.clone(),
        verdict,
        summary,
        coverage: coverage(spec, results),
        findings: findings(spec, results, trace),
        unproven,
        left_out: Vec::new(),
        requests: 0,
        duration_ms: 0,
        seed: 0,
    }
}

fn undecided(report: &mut Report, why: &str) {
    if report.verdict != Overall::Leak {
        report.verdict = Overall::Unproven;
    }
    report.unproven.insert(
        0,
        Undecided {
            check: "run".into(),
            attacker: String::new(),
            victim: String::new(),
            operation: String::new(),
            why: why.to_owned(),
        },
    );
}

fn count(summary: &mut Summary, verdict: &Verdict) {
    summary.checks += 1;
    match verdict {
        Verdict::Isolated => summary.isolated += 1,
        Verdict::Leak(_) => summary.leak += 1,
        Verdict::Advisory(_) => summary.advisory += 1,
        Verdict::Unproven(_) => summary.unproven += 1,
        Verdict::NotApplicable(_) => summary.not_applicable += 1,
    }
}

fn tenant(spec: &Spec, index: usize) -> String {
    spec.tenants.get(index).map(|t| t.id.to_string()).unwrap_or_default()
}

fn unproven_row(spec: &Spec, result: &CheckResult) -> Option<Undecided> {
    let Verdict::Unproven(why) = &result.verdict else { return None };
    Some(Undecided {
        check: result.about.id.into(),
        attacker: tenant(spec, result.attacker),
        victim: tenant(spec, result.victim),
        operation: result.operation.clone(),
        why: why.clone(),
    })
}

fn coverage(spec: &Spec, results: &[CheckResult]) -> Coverage {
    let decided: BTreeSet<&str> = results
        .iter()
        .filter(|r| matches!(r.verdict, Verdict::Isolated | Verdict::Leak(_) | Verdict::Advisory(_)))
        .map(|r| r.operation.as_str())
        .collect();
    let (probed, not_probed): (Vec<String>, Vec<String>) =
        spec.operations.iter().map(|o| o.label()).partition(|label| decided.contains(label.as_str()));
    Coverage { operations: spec.operations.len(), probed: probed.len(), not_probed }
}

fn findings(spec: &Spec, results: &[CheckResult], trace: &Trace) -> Vec<Finding> {
    let mut found: Vec<_> = results
        .iter()
        .filter_map(|result| match &result.verdict {
            Verdict::Leak(evidence) => Some((0, result, "leak", evidence)),
            Verdict::Advisory(evidence) => Some((1, result, "advisory", evidence)),
            _ => None,
        })
        .collect();
    found.sort_by_key(|(rank, result, ..)| {
        (
            *rank,
            std::cmp::Reverse(result.about.severity),
            result.about.id,
            result.operation.clone(),
            result.attacker,
            result.victim,
        )
    });
    found.into_iter().map(|(_, result, kind, evidence)| finding(spec, result, kind, evidence, trace)).collect()
}

fn finding(spec: &Spec, result: &CheckResult, kind: &str, evidence: &Evidence, trace: &Trace) -> Finding {
    let shown = evidence.exchanges.first().and_then(|seq| trace.exchange(*seq));
    Finding {
        check: result.about.id.into(),
        kind: kind.into(),
        surface: result.about.surface.name().into(),
        attacker: tenant(spec, result.attacker),
        victim: tenant(spec, result.victim),
        operation: result.operation.clone(),
        severity: result.about.severity.name().into(),
        cwe: result.about.cwe.iter().map(|cwe| (*cwe).to_owned()).collect(),
        evidence: evidence.lines.clone(),
        // What shows without a request shows again in a run of that check alone.
        reproduce: shown.map_or_else(
            || format!("watertight verify --only {}", result.about.id),
            |exchange| reproduce(spec, exchange),
        ),
    }
}
