//! Who is told how far a run has come, and of what many of its trials could not be decided.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::verdict::{Reason, Verdict};

/// So many trials with the same kind of doubt, and it is said at once.
const DOUBTS: usize = 10;

/// Told how far a run has come.
pub trait Watch {
    /// So many of so many trials are done; this one was last.
    fn progress(&mut self, done: usize, total: usize, last: &str);
    /// The same kind of doubt, again and again: said once, early.
    fn doubt(&mut self, doubt: &Doubt) {
        let _ = doubt;
    }
    /// What is told of pauses, with what for and how long.
    fn pauses(&self) -> Pauses {
        Box::new(|_, _| {})
    }
}

/// Is told of pauses as they begin.
pub type Pauses = Box<dyn FnMut(&str, Duration)>;

/// Watches and says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Watch for Silent {
    fn progress(&mut self, _: usize, _: usize, _: &str) {}
}

/// A kind of doubt that many trials have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Which.
    pub reason: Reason,
    /// In how many trials so far.
    pub count: usize,
    /// One of them, for people.
    pub example: String,
}

/// Kinds of doubt so far.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    counts: BTreeMap<Reason, usize>,
}

impl Doubts {
    /// A doubt that has become frequent just now: in ten trials, and in half of all that are done.
    pub(super) fn note(&mut self, concluded: &Verdict, done: usize) -> Option<Doubt> {
        let Verdict::Unproven(unproven) = concluded else { return None };
        let count = self.counts.entry(unproven.reason).or_default();
        *count = count.saturating_add(1);
        let is_frequent = *count == DOUBTS && count.saturating_mul(2) >= done;
        // Counted once more only if it was said: else it may become frequent later.
        if *count == DOUBTS && !is_frequent {
            *count = DOUBTS.saturating_sub(1);
        }
        is_frequent.then(|| Doubt { reason: unproven.reason, count: *count, example: unproven.detail.clone() })
    }
}
