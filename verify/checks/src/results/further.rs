//! What the further principals of a tenant add to what is concluded with its first.

use std::collections::{HashMap, HashSet};

use watertight_spec::{OperationIx, Pair, Spec, Who};

use super::{AlsoSeen, TrialResult};
use crate::check::Subject;
use crate::verdict::{NotApplicable, Reason, Verdict};

/// One cause is one finding: what a tenant's first principal shows is not told again of the others. And a principal that
/// may not do with its tenant's own what is tried has nothing to show by a refusal; it is in doubt only where that is so of
/// all that was tried with it.
pub(super) fn settle(spec: &Spec, results: &mut [TrialResult]) {
    let useful = useful(results);
    let firsts: HashMap<Tried, usize> = results.iter().enumerate().filter_map(of_caller).collect();
    for index in 0..results.len() {
        let Some(result) = results.get(index) else { continue };
        let Some(who) = result.subject.instead() else { continue };
        let first = tried(result).and_then(|tried| firsts.get(&tried)).copied();
        let of_first = first.and_then(|first| results.get(first)).map(|first| &first.verdict);
        let nothing = match (&result.verdict, of_first) {
            (Verdict::Leak(_), Some(Verdict::Leak(_))) => "the tenant's first principal is shown it as well".to_owned(),
            (Verdict::Advisory(_), Some(Verdict::Advisory(_))) => "it is so of the tenant's first principal".to_owned(),
            (Verdict::Unproven(one), Some(Verdict::Unproven(other))) if one.reason == other.reason => {
                "it is undecided with the tenant's first principal, for the same reason".to_owned()
            }
            (Verdict::Unproven(one), _) if is_of_rights(one.reason) && useful.contains(&who) => {
                format!("{} is not shown its tenant's own there: {}", spec.name_of(who), one.detail)
            }
            _ => continue,
        };
        let Some(result) = results.get_mut(index) else { continue };
        let (check, told) = (result.check, std::mem::replace(&mut result.verdict, not_applicable(nothing)));
        if let (Verdict::Leak(evidence), Some(first)) = (told, first.and_then(|first| results.get_mut(first))) {
            first.also_seen.push(AlsoSeen { check, evidence });
        }
    }
}

/// What is tried, by whomever.
type Tried = (&'static str, Pair, OperationIx);

fn tried(result: &TrialResult) -> Option<Tried> {
    Some((result.check.id, result.pair, result.subject.operation()?))
}

/// Where a result is, if it is of the principal that calls for the attacker by default.
fn of_caller((index, result): (usize, &TrialResult)) -> Option<(Tried, usize)> {
    matches!(result.subject, Subject::Operation(_)).then(|| tried(result))?.map(|tried| (tried, index))
}

pub(super) fn not_applicable(why: String) -> Verdict {
    Verdict::NotApplicable(NotApplicable::because(why))
}

/// Principals with which something was decided.
fn useful(results: &[TrialResult]) -> HashSet<Who> {
    let is_decided =
        |one: &&TrialResult| matches!(one.verdict, Verdict::Isolated(_) | Verdict::Leak(_) | Verdict::Advisory(_));
    results.iter().filter(is_decided).filter_map(|one| one.subject.instead()).collect()
}

/// Whether it is a doubt because the principal's own request failed, or showed nothing of its tenant's.
fn is_of_rights(reason: Reason) -> bool {
    matches!(reason, Reason::ControlFailed | Reason::MarkerNotSeen)
}
