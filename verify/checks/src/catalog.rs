//! Every kind of check, for `explain`, for the documents, and for the tests that hold each of them to a fault.

use crate::check::Check;
use crate::{api, kinds};

/// Every kind of check, in the order of the documents; last, what a watcher judges over the whole log.
pub fn all() -> Vec<&'static Check> {
    kinds().iter().map(|kind| kind.check).chain([&api::OWN_VIEW]).collect()
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().into_iter().find(|check| check.id == id)
}

/// What an `[[exclude]]` names besides a check: that no check decides an operation.
pub const COVERAGE: &str = "coverage";

/// Everything that an `[[exclude]]` may name.
pub fn excludable() -> impl Iterator<Item = &'static str> {
    all().into_iter().map(|check| check.id).chain([COVERAGE])
}
