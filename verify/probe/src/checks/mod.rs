//! The checks: one file a probe, grouped by surface. To add one: a file with an [`About`] and a function that
//! gives its instances for a spec, and a line in its folder's `kinds`; then a fault that trips it.

use watertight_spec::Spec;

use crate::check::{About, Check};

mod api;
mod cache;
mod kit;
mod oracle;
pub(crate) mod setup;
#[cfg(test)]
mod testbed;
mod token;

pub(crate) use api::{own_view, own_view_about};
pub(crate) use kit::next_page;

/// A kind of check: its description, and its instances for a spec.
pub(crate) struct Kind {
    pub(crate) about: &'static About,
    pub(crate) instances: fn(&Spec) -> Vec<Check>,
}

/// Every kind of check, in the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    [token::kinds(), api::kinds(), cache::kinds(), oracle::kinds()].into_iter().flatten().collect()
}
