//! The checks: one file a check, grouped by surface. This room knows what to try and what an answer means; how requests
//! travel, are recorded and are played again is the engine's.
//!
//! ```text
//!   Spec ──plan──▶ Trials ──run──▶ Log ──judge──▶ Verdicts
//!                    │              ▲               │
//!                    └── scripts ───┘               └── replay: the same scripts over what is recorded
//! ```
//!
//! - A [check](check::Check) is a kind of attempt: its texts, and a function that gives its trials for a spec.
//! - A [trial](check::Trial) is one instance of it: an attacker, a victim, what is tried, and the script that tries it. A
//!   script is an `async fn` over a tape. It awaits nothing but the tape, and says by the tape that it takes whether it
//!   reads, plants or writes.
//! - A [bracket] is the shape of a trial: a control, the attack, the control again. Only a bracket that was closed makes
//!   [`Verdict::Isolated`](verdict::Verdict::Isolated).
//! - A watcher sends nothing: it looks through all that a run has recorded. It may report, and proves no isolation of an
//!   operation.
//!
//! To add a check: a file in the folder of its surface with a static `CHECK` and a function `trials`, a line in the
//! folder's `kinds`, and a fault that trips it. To add a watcher: a file beside `api/own_view.rs` and a line in
//! `watchers.rs`. What checks have in common is in `shared`: places and requests, objects, controls, lists.

mod api;
pub mod bracket;
mod cache;
pub mod catalog;
pub mod check;
pub mod clean;
pub mod judge;
mod life;
mod oracle;
pub mod plan;
mod results;
pub mod run;
mod setup;
mod shared;
mod token;
pub mod verdict;
mod watchers;

use watertight_spec::Spec;

use crate::check::{Check, Trial};

/// A kind of check: its description, and its trials for a spec.
pub(crate) struct Kind {
    pub(crate) check: &'static Check,
    pub(crate) trials: fn(&Spec) -> Vec<Trial>,
    pub(crate) tried_by: TriedBy,
}

/// With whose credentials a check is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TriedBy {
    /// Those of the principal that calls for a tenant by default.
    Caller,
    /// Those of every principal that names the tenant: rights may differ by role, and ways in by credential.
    Everyone,
}

/// Every kind of check, in the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    [token::kinds(), api::kinds(), cache::kinds(), oracle::kinds(), life::kinds()].into_iter().flatten().collect()
}
