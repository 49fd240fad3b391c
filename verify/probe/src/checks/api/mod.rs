//! Checks of the API's operations.
//!
//! The shapes that they share: [`reading`], [`writing`] and [`creating`] across tenants, each a bracketed pair.

use super::Kind;

mod creating;
mod own_list;
mod own_view;
mod reading;
mod swap_item;
mod swap_path;
mod writing;

pub(crate) use own_view::{about as own_view_about, own_view};

/// In the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        Kind { about: &swap_path::ABOUT, instances: swap_path::instances },
        Kind { about: &swap_item::ABOUT, instances: swap_item::instances },
        Kind { about: &own_list::LIST, instances: own_list::lists },
        Kind { about: &own_list::SEARCH, instances: own_list::searches },
    ]
}
