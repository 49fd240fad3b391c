//! Which operations of the spec were covered. One that nothing decides leaves the run in doubt, unless it is excused.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use watertight_checks::catalog::COVERAGE;
use watertight_checks::check::Subject;
use watertight_checks::plan::{Options, Plan, names_only_its_own};
use watertight_checks::run::TrialResult;
use watertight_checks::verdict::{Cause, Verdict};
use watertight_engine::Access;
use watertight_model::Surface;
use watertight_spec::{Exclude, Operation, OperationIx, Origin, Spec};

/// Which operations were covered: decided by at least one trial.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Operations of the spec.
    pub operations: usize,
    /// Those that a trial decided.
    pub probed: usize,
    /// The others.
    pub not_probed: Vec<String>,
    /// Those of the others that leave no doubt, and why; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excused: Vec<Uncovered>,
    /// What an `[[exclude]]` with `check = "coverage"` names, though it is covered without: an operation, or all of them;
    /// absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needless: Vec<String>,
}

/// An operation that no trial decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncovered {
    /// The operation.
    pub operation: String,
    /// Why, for people.
    pub why: String,
}

/// What was covered, and what nothing says anything about: no trial decided it, none is undecided, nothing excuses it.
pub(super) fn coverage(
    spec: &Spec,
    plan: &Plan,
    options: &Options,
    results: &[TrialResult],
) -> (Coverage, Vec<Uncovered>) {
    let concluded = |is: &dyn Fn(&TrialResult) -> bool| -> BTreeSet<OperationIx> {
        results.iter().filter(|result| is(result)).filter_map(|result| result.subject.operation()).collect()
    };
    let decides =
        |result: &TrialResult| matches!(result.verdict, Verdict::Isolated(_) | Verdict::Leak(_) | Verdict::Advisory(_));
    let shared = concluded(&|result| match &result.verdict {
        Verdict::NotApplicable(nothing) => nothing.cause == Cause::Shared,
        _ => false,
    });
    // That no cache gives it away says nothing of what two tenants are told alike.
    let is_of_cache = |result: &TrialResult| {
        let is_shared = result.subject.operation().is_some_and(|operation| shared.contains(&operation));
        result.check.surface == Surface::Cache && is_shared
    };
    let decided = concluded(&|result| decides(result) && !is_of_cache(result));
    let in_doubt = concluded(&|result| matches!(result.verdict, Verdict::Unproven(_)));
    let mut coverage = Coverage { operations: spec.operations.len(), probed: decided.len(), ..Coverage::default() };
    let mut vanished = Vec::new();
    for ix in spec.operation_ixs().filter(|ix| !decided.contains(ix)) {
        let operation = spec[ix].label();
        coverage.not_probed.push(operation.clone());
        let excused = excused(spec, plan, options, results, ix);
        if let Some(why) = excused.or_else(|| tried_by_others(spec, &decided, ix)) {
            coverage.excused.push(Uncovered { operation, why });
        } else if !in_doubt.contains(&ix) {
            vanished.push(Uncovered { operation, why: why(results, ix) });
        }
    }
    coverage.needless = needless(spec, &decided);
    (coverage, vanished)
}

/// What exclusions name that a trial decided all the same.
fn needless(spec: &Spec, decided: &BTreeSet<OperationIx>) -> Vec<String> {
    let excludes = spec.excludes.iter().filter(|one| one.check == COVERAGE);
    let named = |one: &Exclude| -> Option<String> {
        let mut all = spec.operation_ixs().filter(|ix| names(one, &spec[*ix])).peekable();
        let first = *all.peek()?;
        let is_covered = all.all(|ix| decided.contains(&ix));
        let what = if one.operation.is_some() { spec[first].label() } else { "all operations".to_owned() };
        is_covered.then_some(what)
    };
    excludes.filter_map(named).collect()
}

/// Whether an exclusion is about this operation.
fn names(one: &Exclude, operation: &Operation) -> bool {
    let is_it = |name: &String| *name == operation.name || *name == operation.label();
    one.operation.as_ref().is_none_or(is_it)
}

/// Why it is no doubt that nothing decides an operation.
fn excused(spec: &Spec, plan: &Plan, options: &Options, results: &[TrialResult], ix: OperationIx) -> Option<String> {
    let operation = &spec[ix];
    let mut excludes = spec.excludes.iter().filter(|one| one.check == COVERAGE);
    if let Some(one) = excludes.find(|one| names(one, operation)) {
        return Some(format!("excluded until {}: {}", one.expires, one.reason));
    }
    if let Some(only) = &options.only {
        return Some(format!("only {only} was asked for"));
    }
    let left_out = plan.left_out.iter().find(|left| left.subject == Subject::Operation(ix));
    let is_planned = plan.trials.iter().any(|trial| trial.subject == Subject::Operation(ix));
    if let Some(left) = left_out.filter(|_| !is_planned || plan.access == Access::Read) {
        return Some(left.why.clone());
    }
    // What the spec only implies, the target need not have.
    let of_this = results.iter().filter(|result| result.subject == Subject::Operation(ix));
    let mut not_offered = of_this.filter_map(|result| match &result.verdict {
        Verdict::NotApplicable(nothing) if nothing.cause == Cause::NotOffered => Some(nothing.why.clone()),
        _ => None,
    });
    if operation.origin == Origin::Convention { not_offered.next() } else { None }
}

/// A create that names nothing that might be another tenant's has nothing to attack: what it makes is tried by the other
/// operations of its kind.
fn tried_by_others(spec: &Spec, decided: &BTreeSet<OperationIx>, ix: OperationIx) -> Option<String> {
    let resource = spec[ix].resource;
    let is_tried = decided.iter().any(|other| spec[*other].resource == resource && resource.is_some());
    (names_only_its_own(spec, ix) && is_tried).then(|| {
        "it names nothing of another tenant's; what it makes or changes was tried by the other operations".to_owned()
    })
}

/// What trials said that found nothing to try there.
fn why(results: &[TrialResult], ix: OperationIx) -> String {
    let of_this = results.iter().filter(|result| result.subject == Subject::Operation(ix));
    let mut said: Vec<&str> = Vec::new();
    for result in of_this {
        if let Verdict::NotApplicable(nothing) = &result.verdict
            && !said.contains(&nothing.why.as_str())
        {
            said.push(&nothing.why);
        }
    }
    match said.is_empty() {
        true => "no check fits it: it names neither a tenant nor an object, or only reads are sent".to_owned(),
        false => said.join("; "),
    }
}
