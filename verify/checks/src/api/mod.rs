//! Checks of the API's operations.
//!
//! The shapes that they share, each a [bracket](crate::bracket):
//!
//! - [`reading`]: the attacker sends what the owner sends, and reads.
//! - [`writing`]: it replaces, changes or destroys; [`effect`] is what the owner sees of that.
//! - [`restoring`]: it brings back what was removed.
//! - [`creating`]: it creates, and the victim looks for it.
//! - [`beside`]: it names an object of the victim's beside one of its own.
//! - [`several`]: where a request names several objects of a kind, the victim's is tried in each place.
//! - [`change_own`]: it changes many that it does not name.
//! - [`same_id`]: it writes to an object of its own that has the id of one of the victim's.
//! - [`attempts`]: it names a tenant in many ways, one after the other.

use crate::{Kind, TriedBy};

mod absent;
mod attempts;
mod bare;
mod beside;
mod body_tenant;
mod change_own;
mod child;
mod count;
mod creating;
mod cursor;
mod effect;
mod members;
mod named_tenant;
mod names;
mod own_list;
mod own_view;
mod reading;
mod restoring;
mod same_id;
mod several;
mod spelling;
mod swap_item;
mod swap_path;
mod writing;

pub(crate) use absent::tenantless;
pub(crate) use count::CHECK as COUNT_OWN;
pub(crate) use effect::does;
pub(crate) use own_list::{LIST as LIST_OWN, SEARCH as SEARCH_OWN, crosses, is_view, own_prefix, tells_of, view_place};
pub(crate) use own_view::{CHECK as OWN_VIEW, OwnView};
pub(crate) use reading::{is_marked, looking_for};
pub(crate) use several::slot_taken;
pub(crate) use writing::{in_own_place, mark_of_create};

/// In the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    let by_caller = |check, trials| Kind { check, trials, tried_by: TriedBy::Caller };
    let by_everyone = |check, trials| Kind { check, trials, tried_by: TriedBy::Everyone };
    vec![
        by_everyone(&swap_path::CHECK, swap_path::trials),
        by_everyone(&swap_item::CHECK, swap_item::trials),
        by_everyone(&own_list::LIST, own_list::lists),
        by_everyone(&own_list::SEARCH, own_list::searches),
        by_caller(&count::CHECK, count::trials),
        by_caller(&body_tenant::CREATE, body_tenant::creates),
        by_caller(&body_tenant::UPDATE, body_tenant::updates),
        by_caller(&named_tenant::HEADER, named_tenant::headers),
        by_caller(&named_tenant::PARAMETER, named_tenant::queries),
        by_caller(&absent::NONE, absent::none),
        by_caller(&absent::UNKNOWN, absent::unknown),
        by_caller(&spelling::CHECK, spelling::trials),
        by_caller(&child::CHECK, child::trials),
        by_caller(&change_own::CHECK, change_own::trials),
    ]
}
