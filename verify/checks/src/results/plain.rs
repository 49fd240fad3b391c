//! What the plain request opens is told once: a header, a cache or a spelling is not tried beside it.

use std::collections::HashMap;

use watertight_model::Surface;
use watertight_spec::{OperationIx, Pair};

use super::TrialResult;
use super::further::not_applicable;
use crate::verdict::{Reason, Verdict};

/// A doubt that is there because a simpler request leaks, where another trial has found that leak: nothing is left in doubt
/// that fixing it would not bring to light again.
pub(super) fn settle(results: &mut [TrialResult]) {
    let found: HashMap<(Pair, OperationIx), &'static str> = results.iter().filter_map(leak).collect();
    for result in results {
        let Verdict::Unproven(doubt) = &result.verdict else { continue };
        let tried = result.subject.operation().map(|operation| (result.pair, operation));
        if doubt.reason == Reason::PlainRequestLeaks
            && let Some(check) = tried.and_then(|tried| found.get(&tried))
        {
            let why = format!("not tried beside the leak that {check} has found there: fix that, then run again");
            result.verdict = not_applicable(why);
        }
    }
}

fn leak(result: &TrialResult) -> Option<((Pair, OperationIx), &'static str)> {
    let operation = result.subject.operation()?;
    // What only a cache gives away leaves the operation itself in doubt.
    let is_plain = matches!(result.verdict, Verdict::Leak(_)) && result.check.surface == Surface::Api;
    is_plain.then_some(((result.pair, operation), result.check.id))
}
