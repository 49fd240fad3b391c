//! Every kind of check, for `explain`, for the documents, and for the tests that hold each of them to a fault.

use crate::check::About;
use crate::checks;

/// Every kind of check, in the order of the documents.
pub fn all() -> Vec<&'static About> {
    checks::kinds().iter().map(|kind| kind.about).chain([checks::own_view_about()]).collect()
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static About> {
    all().into_iter().find(|about| about.id == id)
}
