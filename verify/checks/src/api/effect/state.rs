//! What the owner reads of an object.

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape};
use watertight_spec::Role;

use super::super::members::Members;
use crate::shared::{
    Listed, Nowhere, Place, Words, foreign, is_invalid, is_turned_away, leaves, look_up, operation_of, own, request,
    says_nothing, shows,
};
use crate::verdict::{Reason, ResponseClass, Stop, Unproven, class_of};

/// What that is.
pub(super) enum State {
    There(Seen, Members),
    Gone(Seen),
    Unclear(Seen),
}

pub(super) async fn state(t: &Tape, object: &Object) -> Result<State, Stop> {
    let Some(op) = operation_of(&t.spec, object.resource, Role::Read) else { return listed_state(t, object).await };
    let place = Place::of(object);
    let ask = |place: &Place| request(t, own(t, object.tenant)?, op, place, &Words::default());
    let seen = t.send(ask(&place)?).await;
    let members = Members::told(&seen);
    let is_anothers = is_anothers(t, &seen, object);
    let may_be_nothing = seen.succeeded() && !is_anothers && !shows(&seen, object);
    let is_fault = seen.status() == Some(500) && is_invalid(&seen);
    if may_be_nothing || is_turned_away(&seen) || is_fault {
        // Some answer with a success, and nothing in it, for whatever does not exist, or lead elsewhere.
        let nowhere = Nowhere::instead_of(t, &place, (object.resource, &object.id));
        if says_nothing(t, op, ask, &place, nowhere, &seen).await? {
            return Ok(State::Gone(seen));
        }
    }
    Ok(match (seen.status(), members) {
        // Another tenant's object is in its place: what that means besides is for `api.own-view`.
        (Some(200..=299), _) if is_anothers => State::Gone(seen),
        (Some(200..=299), Some(members)) => State::There(seen, members),
        // 403 too: some answer so for whatever does not exist.
        (Some(403 | 404 | 410), _) => State::Gone(seen),
        // A fault of SOAP that says so.
        (Some(500), _) if class_of(&seen) == ResponseClass::Denied => State::Gone(seen),
        _ => State::Unclear(seen),
    })
}

/// The same where only its owner's list shows it.
async fn listed_state(t: &Tape, object: &Object) -> Result<State, Stop> {
    let Listed { page, item, is_complete } = look_up(t, object).await.map_err(|stop| match stop {
        Stop::NotApplicable(nothing) => Unproven::new(Reason::EffectUnseen, nothing.why).into(),
        unproven => unproven,
    })?;
    Ok(match item {
        Some(item) => State::There(page, Members::data(leaves(&item))),
        None if is_complete && class_of(&page) == ResponseClass::Success => State::Gone(page),
        None => State::Unclear(page),
    })
}

/// Whether an answer shows another tenant's object, and not this one.
pub(super) fn is_anothers(t: &Tape, seen: &Exchange, object: &Object) -> bool {
    let mut others = t.spec.tenant_ixs().filter(|tenant| *tenant != object.tenant);
    !shows(seen, object) && others.any(|tenant| foreign(t, seen, tenant).is_some())
}

/// A second look at an object that was gone: a replica may lag behind, so one answer destroys nothing.
pub(super) async fn still_gone(t: &Tape, object: &Object) -> Result<Option<Seen>, Stop> {
    Ok(match state(t, object).await? {
        State::Gone(seen) => Some(seen),
        State::There(..) | State::Unclear(_) => None,
    })
}
