//! What a request tells of whether an object exists is told once: a lookup that gives it away does so in many requests.

use watertight_model::Surface;
use watertight_spec::{Operation, OperationIx, Role, Spec};

use super::TrialResult;
use super::leaks::{Leaks, tell_together};
use crate::oracle::EXISTENCE;
use crate::verdict::Verdict;

/// A leak of the same request that shows or changes something says more than that it tells what exists; and where the reading
/// of an object tells, so may whatever else names it.
pub(super) fn settle(spec: &Spec, results: &mut [TrialResult]) {
    let of_api = Leaks::of(results, |result| result.check.surface == Surface::Api);
    let of_existence = Leaks::of(results, is_existence);
    let first_of = |result: &TrialResult| {
        let (pair, operation) = (result.pair, result.subject.operation().filter(|_| is_existence(result))?);
        let of_reading = |reading| of_api.at(pair, reading).or_else(|| of_existence.at(pair, reading));
        match &result.verdict {
            // What a leak has changed meanwhile is no control any more.
            Verdict::Unproven(_) => of_api.of_pair(pair, operation),
            Verdict::Leak(_) => {
                of_api.at(pair, operation).or_else(|| readings(spec, &spec[operation]).find_map(of_reading))
            }
            _ => None,
        }
    };
    tell_together(results, first_of);
}

/// How what a request names is read, where it is none of these readings itself.
fn readings(spec: &Spec, op: &Operation) -> impl Iterator<Item = OperationIx> {
    let named = if op.role == Role::Read { Vec::new() } else { op.request.objects() };
    named.into_iter().filter_map(|kind| spec.operation_of(kind, Role::Read))
}

fn is_existence(result: &TrialResult) -> bool {
    result.check.id == EXISTENCE.id
}
