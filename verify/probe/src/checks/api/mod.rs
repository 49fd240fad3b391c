//! Checks of the API's operations.
//!
//! The shapes that they share: [`reading`], [`writing`] and [`creating`] across tenants, each a bracketed pair.

use super::Kind;

mod absent;
mod body_tenant;
mod child;
mod count;
mod creating;
mod knock;
mod named_tenant;
mod names;
mod own_list;
mod own_view;
mod reading;
mod spelling;
mod swap_item;
mod swap_path;
mod writing;

pub(crate) use own_view::{about as own_view_about, own_view};
pub(crate) use reading::{is_marked, looking_for};
pub(crate) use writing::in_own_place;

/// In the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        Kind { about: &swap_path::ABOUT, instances: swap_path::instances },
        Kind { about: &swap_item::ABOUT, instances: swap_item::instances },
        Kind { about: &own_list::LIST, instances: own_list::lists },
        Kind { about: &own_list::SEARCH, instances: own_list::searches },
        Kind { about: &count::ABOUT, instances: count::instances },
        Kind { about: &body_tenant::CREATE, instances: body_tenant::creates },
        Kind { about: &body_tenant::UPDATE, instances: body_tenant::updates },
        Kind { about: &named_tenant::HEADER, instances: named_tenant::headers },
        Kind { about: &named_tenant::PARAMETER, instances: named_tenant::queries },
        Kind { about: &absent::NONE, instances: absent::none },
        Kind { about: &absent::UNKNOWN, instances: absent::unknown },
        Kind { about: &spelling::ABOUT, instances: spelling::instances },
        Kind { about: &child::ABOUT, instances: child::instances },
    ]
}
