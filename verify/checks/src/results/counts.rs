//! What shows another tenant's objects counts them as well: that is told once.

use super::TrialResult;
use super::leaks::{Leaks, tell_together};
use crate::api::{COUNT_OWN, LIST_OWN, SEARCH_OWN};
use crate::verdict::Verdict;

/// A count is told with what its own answer shows: where a list's first page is full, only its total tells.
pub(super) fn settle(results: &mut [TrialResult]) {
    let shown = Leaks::of(results, |result| [LIST_OWN.id, SEARCH_OWN.id].contains(&result.check.id));
    tell_together(results, |result| {
        let is_counted = is_count(result) && matches!(result.verdict, Verdict::Leak(_));
        result.subject.operation().filter(|_| is_counted).and_then(|operation| shown.of_pair(result.pair, operation))
    });
}

fn is_count(result: &TrialResult) -> bool {
    result.check.id == COUNT_OWN.id
}
