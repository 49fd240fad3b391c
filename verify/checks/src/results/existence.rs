//! What a request tells of whether an object exists is told once: a lookup that gives it away does so in many requests.

use std::collections::HashMap;

use watertight_model::Surface;
use watertight_spec::{Operation, OperationIx, Pair, Role, Spec};

use super::further::not_applicable;
use super::{AlsoSeen, TrialResult};
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
            Verdict::Unproven(_) => of_api.of_pair.get(&(pair, operation)).copied(),
            Verdict::Leak(_) => {
                of_api.at(pair, operation).or_else(|| readings(spec, &spec[operation]).find_map(of_reading))
            }
            _ => None,
        }
    };
    for index in 0..results.len() {
        let Some(result) = results.get_mut(index) else { continue };
        let Some(first) = first_of(result) else { continue };
        let elsewhere = "what another finding tells is told there as well: fix that, then run again".to_owned();
        let (check, told) = (result.check, std::mem::replace(&mut result.verdict, not_applicable(elsewhere)));
        if let (Verdict::Leak(evidence), Some(first)) = (told, results.get_mut(first)) {
            first.also_seen.push(AlsoSeen { check, evidence });
        }
    }
}

/// How what a request names is read, where it is none of these readings itself.
fn readings(spec: &Spec, op: &Operation) -> impl Iterator<Item = OperationIx> {
    let named = if op.role == Role::Read { Vec::new() } else { op.request.objects() };
    named.into_iter().filter_map(|kind| spec.operation_of(kind, Role::Read))
}

fn is_existence(result: &TrialResult) -> bool {
    result.check.id == EXISTENCE.id
}

/// Where leaks are among the results.
struct Leaks {
    of_pair: HashMap<(Pair, OperationIx), usize>,
    of_any: HashMap<OperationIx, usize>,
}

impl Leaks {
    fn of(results: &[TrialResult], is_one: impl Fn(&TrialResult) -> bool) -> Self {
        let (mut of_pair, mut of_any) = (HashMap::new(), HashMap::new());
        let leaks =
            results.iter().enumerate().filter(|(_, one)| matches!(one.verdict, Verdict::Leak(_)) && is_one(one));
        for (index, one) in leaks {
            if let Some(operation) = one.subject.operation() {
                of_pair.entry((one.pair, operation)).or_insert(index);
                of_any.entry(operation).or_insert(index);
            }
        }
        Self { of_pair, of_any }
    }

    /// Of this pair, else of another one: it is one and the same cause.
    fn at(&self, pair: Pair, operation: OperationIx) -> Option<usize> {
        self.of_pair.get(&(pair, operation)).or_else(|| self.of_any.get(&operation)).copied()
    }
}
