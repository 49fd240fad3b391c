//! Checks of the API's operations.
//!
//! The shapes that they share, each a [bracket](crate::bracket):
//!
//! - [`reading`]: the attacker sends what the owner sends, and reads.
//! - [`writing`]: it replaces, changes or destroys; [`effect`] is what the owner sees of that.
//! - [`creating`]: it creates, and the victim looks for it.
//! - [`beside`]: it names an object of the victim's beside one of its own.
//! - [`attempts`]: it names a tenant in many ways, one after the other.

use crate::Kind;

mod absent;
mod attempts;
mod bare;
mod beside;
mod body_tenant;
mod child;
mod count;
mod creating;
mod effect;
mod named_tenant;
mod names;
mod own_list;
mod own_view;
mod reading;
mod spelling;
mod swap_item;
mod swap_path;
mod writing;

pub(crate) use own_list::{crosses, is_view, own_prefix, tells_of, view_place};
pub(crate) use own_view::{CHECK as OWN_VIEW, OwnView};
pub(crate) use reading::{is_marked, looking_for};
pub(crate) use writing::in_own_place;

/// In the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        Kind { check: &swap_path::CHECK, trials: swap_path::trials },
        Kind { check: &swap_item::CHECK, trials: swap_item::trials },
        Kind { check: &own_list::LIST, trials: own_list::lists },
        Kind { check: &own_list::SEARCH, trials: own_list::searches },
        Kind { check: &count::CHECK, trials: count::trials },
        Kind { check: &body_tenant::CREATE, trials: body_tenant::creates },
        Kind { check: &body_tenant::UPDATE, trials: body_tenant::updates },
        Kind { check: &named_tenant::HEADER, trials: named_tenant::headers },
        Kind { check: &named_tenant::PARAMETER, trials: named_tenant::queries },
        Kind { check: &absent::NONE, trials: absent::none },
        Kind { check: &absent::UNKNOWN, trials: absent::unknown },
        Kind { check: &spelling::CHECK, trials: spelling::trials },
        Kind { check: &child::CHECK, trials: child::trials },
    ]
}
