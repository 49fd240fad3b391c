//! The victim's next page in a list of the attacker's own: a cursor or a link that carries the tenant opens it to whoever has
//! it.

use std::cell::Cell;

use watertight_engine::Tape;
use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_spec::Operation;

use super::own_list::{crosses, own_prefix};
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{
    Aim, Fresh, asked_afresh, first_page, follow, foreign, is_invalid, is_turned_away, only_cached, reason, succeed,
};
use crate::verdict::{Reason, ResponseClass, Stop, Unproven, class_of};

/// With the ordinary request of each for its own list.
pub(super) async fn by_theirs(
    t: &Tape,
    op: &Operation,
    aim: Aim,
    by_owner: &Request,
    by_attacker: &Request,
) -> Concluded {
    let (first, mine) = (first_page(&t.spec, op, by_owner.clone()), first_page(&t.spec, op, by_attacker.clone()));
    let shows_theirs = |page: &Exchange| foreign(t, page, aim.victim).is_some();
    // The first page is not one that a cursor leads to.
    let begun = Cell::new(false);
    let pages = follow(t, op, first, |page| begun.replace(true) && shows_theirs(page)).await;
    let page = pages.pages.len().saturating_sub(1);
    let (Some(last), true) = (pages.last().filter(|page| shows_theirs(page)), page > 0) else { return Err(none()) };
    let Some(handed) = pages.handed_to(t, op, page, &mine) else { return Err(none()) };
    let Some(again) = pages.request_of(last).cloned() else { return Err(none()) };
    let control = async || {
        let seen = succeed(t, again.clone(), aim.victim).await?;
        match shows_theirs(&seen) {
            true => Ok(()),
            false => {
                let detail = "the owner's own page does not show the same again";
                Err(Stop::from(Unproven::shown(Reason::MarkerNotSeen, detail, &seen)))
            }
        }
    };
    // What leads on once only can't be handed on.
    let Ok(open) = bracket::open(control).await else { return Err(none()) };
    let across = handed.crossing();
    let seen = t.send(across.clone()).await;
    // A cursor may be made of what is listed: then the run itself keeps it from being handed on.
    if reason(&seen) == Reason::Refused {
        return Err(none());
    }
    let prefix = own_prefix(t, aim.attacker);
    let outcome = match crosses(t, &seen, aim, &prefix) {
        Some(evidence) => match asked_afresh(t, &across, &again, |seen| crosses(t, seen, aim, &prefix).is_some()).await
        {
            Fresh::Same => {
                Attack::Leaked(evidence.further("it asked for its own list with what leads to the victim's next page"))
            }
            Fresh::Nothing(seen) => Attack::Undecided(only_cached(&seen)),
        },
        None if is_invalid(&seen) || is_turned_away(&seen) => Attack::Withstood,
        None => match class_of(&seen) {
            ResponseClass::Success | ResponseClass::Denied => Attack::Withstood,
            ResponseClass::NotOffered | ResponseClass::Undecided => Attack::Undecided(Unproven::undecided(&seen)),
        },
    };
    open.attack(outcome).close().await
}

fn none() -> Stop {
    Stop::not_applicable("nothing leads to a page of the victim's that another could ask for")
}
