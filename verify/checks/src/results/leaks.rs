//! Where results tell of leaks, and which of them is told with another one.

use std::collections::HashMap;

use watertight_spec::{OperationIx, Pair};

use super::further::not_applicable;
use super::{AlsoSeen, TrialResult};
use crate::verdict::Verdict;

/// Where leaks are among the results.
pub(super) struct Leaks {
    of_pair: HashMap<(Pair, OperationIx), usize>,
    of_any: HashMap<OperationIx, usize>,
}

impl Leaks {
    pub(super) fn of(results: &[TrialResult], is_one: impl Fn(&TrialResult) -> bool) -> Self {
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

    /// Of this very pair.
    pub(super) fn of_pair(&self, pair: Pair, operation: OperationIx) -> Option<usize> {
        self.of_pair.get(&(pair, operation)).copied()
    }

    /// Of this pair, else of another one: it is one and the same cause.
    pub(super) fn at(&self, pair: Pair, operation: OperationIx) -> Option<usize> {
        self.of_pair(pair, operation).or_else(|| self.of_any.get(&operation).copied())
    }
}

/// What one result tells is told with another one, which `first_of` names, and is no finding of its own.
pub(super) fn tell_together(results: &mut [TrialResult], first_of: impl Fn(&TrialResult) -> Option<usize>) {
    for index in 0..results.len() {
        let Some(result) = results.get_mut(index) else { continue };
        let Some(first) = first_of(result) else { continue };
        let elsewhere = "what another finding tells is told there as well: fix that, then run again".to_owned();
        let (check, told) = (result.check, std::mem::replace(&mut result.verdict, not_applicable(elsewhere)));
        let seen = std::mem::take(&mut result.also_seen);
        if let (Verdict::Leak(evidence), Some(first)) = (told, results.get_mut(first)) {
            first.also_seen.push(AlsoSeen { check, evidence });
            first.also_seen.extend(seen);
        }
    }
}
