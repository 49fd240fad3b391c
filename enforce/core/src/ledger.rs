//! What a scope still owes: the terms that can only be proven where the data is.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::decision::Term;

/// The terms of the isolation equation that a scope was opened without.
///
/// They are paid through [`payment`], by what reads and writes tenant data. A handler that touches none says so with
/// [`Ledger::waive`]. An answer that succeeds with a term still owed is a bug, and is turned into an error by the guard.
#[derive(Debug)]
pub struct Ledger(Mutex<Entries>);

#[derive(Debug)]
struct Entries {
    owed: Vec<Term>,
    waived: Option<&'static str>,
}

impl Ledger {
    pub(crate) fn owing(owed: &[Term]) -> Self {
        Self(Mutex::new(Entries { owed: owed.to_vec(), waived: None }))
    }

    /// The terms that are still owed.
    pub fn owed(&self) -> Vec<Term> {
        self.with(|entries| entries.owed.clone())
    }

    /// Cancels what is owed, for a handler that holds no tenant data. `reason` says why, in the source and in the log.
    pub fn waive(&self, reason: &'static str) {
        self.with(|entries| {
            entries.owed.clear();
            entries.waived = Some(reason);
        });
    }

    /// Why nothing had to be paid, if somebody said so.
    pub fn waived(&self) -> Option<&'static str> {
        self.with(|entries| entries.waived)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        // A panic elsewhere can't leave the ledger half written, so a poisoned lock tells nothing.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Paying what a scope owes. For `enforce/scoped` alone, which writes the tenant into every statement: whoever calls this
/// vouches that the data access was constrained. A test (`cli/tests/house/`) checks that nothing else mentions it,
/// but the ports of the reference platform that are faulty on purpose.
pub mod payment {
    use super::{Ledger, Term};

    /// Marks a term as proven by a data access. Terms that aren't owed stay as they are.
    pub fn settle(ledger: &Ledger, term: Term) {
        ledger.with(|entries| entries.owed.retain(|&owed| owed != term));
    }

    /// Marks both terms that a scope can owe as proven by a data access.
    pub fn settle_all(ledger: &Ledger) {
        settle(ledger, Term::ResourceBelongsToTenant);
        settle(ledger, Term::DataAccessConstrained);
    }
}
