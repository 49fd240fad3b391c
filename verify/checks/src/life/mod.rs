//! Acts on the life of a session, a member, a key or a tenant, and what becomes of access after them.
//!
//! [`access_ends`]: the check. [`held`]: credentials of those whom an act is about. [`places`]: where they are presented.
//! [`until`]: for how long. [`others`]: those who go on.

mod access_ends;
mod held;
mod others;
mod places;
mod until;

use crate::{Kind, TriedBy};

pub(crate) use access_ends::undo;

/// In the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![Kind { check: &access_ends::CHECK, trials: access_ends::trials, tried_by: TriedBy::Caller }]
}
