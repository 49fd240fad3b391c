//! Ids that no one else has: where they count in each tenant, the attacker, or a third tenant, may have an object of its own at
//! the victim's, and what is tried there would show nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Quiet, QuietOf, Tape, WriteTape, side_by_side};
use watertight_spec::{ObjectId, Operation, Pair, ResourceIx, Role, TenantIx};

use super::{
    Nowhere, Place, Words, foreign, holds_nothing, ids_count, is_error, is_turned_away, look_up, operation_of, own,
    owner, plant, plant_under, remove, remove_all, request, says_nothing,
};
use crate::verdict::{Reason, ResponseClass, Stop, Unproven, class_of};

/// Whether the attacker has an object of its own at the id of the victim's: then nothing can be tried with that id in
/// the attacker's own place. Ids may count per tenant.
pub(crate) async fn is_taken(t: &Tape, attacker: TenantIx, place: &Place, object: &Object) -> Result<bool, Stop> {
    // Of what each tenant has one no request has an id.
    if t.spec[object.resource].is_singleton {
        return Ok(false);
    }
    let Some(op) = operation_of(&t.spec, object.resource, Role::Read) else {
        return is_listed_as_own(t, attacker, place, object).await;
    };
    // By itself, whatever it is named beside.
    let place = &place.clone().beside(None);
    // Own place, foreign id: where that shows the victim's object it is the attack itself that leaks.
    let seen = t.send(request(t, own(t, attacker)?, op, place, &Words::default())?.crossing()).await;
    match class_of(&seen) {
        ResponseClass::Denied => Ok(false),
        ResponseClass::Success if foreign(t, &seen, object.tenant).is_some() => Ok(false),
        ResponseClass::Success if foreign(t, &seen, attacker).is_some() => Ok(true),
        // Null is no object of anyone's, and neither is an error.
        ResponseClass::Success if holds_nothing(&seen, &[]) || seen.json().is_some_and(is_error) => Ok(false),
        ResponseClass::Success => {
            let ask = |place: &Place| Ok(request(t, own(t, attacker)?, op, place, &Words::default())?.crossing());
            let nowhere = Nowhere::instead_of(t, place, (object.resource, &object.id));
            if says_nothing(t, op, ask, place, nowhere, &seen).await? {
                return Ok(false);
            }
            // Where nothing marks it, what its owner is told word for word is its owner's.
            let by_owner = request(t, owner(t, object.tenant)?, op, &Place::of(object), &Words::default())?;
            let theirs = t.send(by_owner.crossing()).await;
            Ok(!object.marker.is_empty() || !is_word_for_word(&seen, &theirs))
        }
        ResponseClass::Undecided if is_turned_away(&seen) => Ok(false),
        // What is written at an id of which nothing is known might change what the attacker's tenant really has.
        ResponseClass::NotOffered | ResponseClass::Undecided => Err(Unproven::undecided(&seen).into()),
    }
}

/// Whether two answers are the same text, and say something.
fn is_word_for_word(one: &Exchange, other: &Exchange) -> bool {
    let text = |seen: &Exchange| seen.response().map(|received| received.body.text().to_owned());
    one.succeeded() && other.succeeded() && text(one) == text(other) && text(one).is_some_and(|text| !text.is_empty())
}

/// Whether the attacker's own list has an object at that id.
pub(crate) async fn is_listed_as_own(
    t: &Tape,
    attacker: TenantIx,
    place: &Place,
    object: &Object,
) -> Result<bool, Stop> {
    let parents = place.ids.iter().filter(|(other, _)| *other != object.resource);
    let mine = Object { tenant: attacker, parents: parents.cloned().collect(), ..object.clone() };
    if t.planted.of(attacker, object.resource).any(|known| known.id == object.id) {
        return Ok(true);
    }
    match operation_of(&t.spec, object.resource, Role::List) {
        Some(_) => Ok(look_up(t, &mine).await?.item.is_some()),
        None => Ok(false),
    }
}

/// Whether the attacker is told there what it is told at an id that never existed: the target goes by the credential alone,
/// and what it shows of the attacker's own says nothing about that id.
pub(crate) async fn is_told_anywhere(
    t: &Tape,
    attacker: TenantIx,
    place: &Place,
    object: &Object,
) -> Result<bool, Stop> {
    let Some(op) = operation_of(&t.spec, object.resource, Role::Read) else { return Ok(false) };
    let ask = |place: &Place| Ok(request(t, own(t, attacker)?, op, place, &Words::default())?.crossing());
    let seen = t.send(ask(place)?).await;
    says_nothing(t, op, ask, place, Nowhere::instead_of(t, place, (object.resource, &object.id)), &seen).await
}

/// Tenants besides attacker and victim that are asked whether they have an object at an id.
const MOST_ASKED: usize = 6;

/// Whether, where ids count, a third tenant has an object at the id of the victim's: a target that goes by the id alone might
/// hit that one, and the victim would see nothing of it.
pub(crate) async fn is_held_by_a_third(
    t: &Tape,
    pair: Pair,
    object: &Object,
    place_of: impl Fn(TenantIx) -> Place,
) -> Result<bool, Stop> {
    if !ids_count(t, pair.victim, object.resource) {
        return Ok(false);
    }
    let is_third = |tenant: &TenantIx| *tenant != pair.attacker && *tenant != pair.victim;
    // A tenant whose set-up failed can't be asked. All of its own pairs are unproven for that.
    let can_be_asked =
        |tenant: &TenantIx| t.spec.caller(*tenant).is_some() && t.planted.failure(*tenant, object.resource).is_none();
    for third in t.spec.tenant_ixs().filter(is_third).filter(can_be_asked).take(MOST_ASKED) {
        if is_taken(t, third, &place_of(third), object).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where ids count, no other trial gives the attacker an object while this is held: so at an id of the victim's of which the
/// attacker has nothing, there will be nothing of its own.
pub(crate) async fn quiet_at_ids(t: &Tape, pair: Pair, resource: ResourceIx, of: QuietOf) -> Option<Quiet<'_>> {
    let Pair { attacker, victim } = pair;
    match ids_count(t, victim, resource) && !t.is_quiet_of_creates([attacker]) {
        true => Some(t.quiet_of(of, [attacker], [victim]).await),
        false => None,
    }
}

/// What no other trial may do in the attacker's tenant while the attacker sends an operation at an id of the victim's. What may
/// make an object there itself has the tenant alone.
pub(crate) fn quiet_for(op: &Operation) -> QuietOf {
    // What replaces an object in its sender's own place may make it.
    match op.may_make() || op.role == Role::Replace {
        true => QuietOf::Writes,
        false => QuietOf::Creates,
    }
}

/// How long it is waited, one time after the other, until what another trial has made at an id is gone: most trials remove
/// what they make within seconds.
const UNTIL_GONE: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// How long one of two trials waits of which each has made what is in the other's way.
const SHORT: Duration = Duration::from_millis(500);

/// Waits until a tenant is shown nothing any more at the id of an object of another's, or has waited as often as it may,
/// `waited` times so far. Whether anything may be tried there then, is looked at anew.
async fn wait_until_gone(t: &Tape, holder: TenantIx, object: &Object, waited: &mut usize) -> Result<bool, Stop> {
    let read = operation_of(&t.spec, object.resource, Role::Read);
    let place = Place::of(object).in_tenant(holder);
    for pause in until_gone(t, holder, object).skip(*waited) {
        *waited = waited.saturating_add(1);
        t.wait(pause).await;
        let Some(op) = read else { return Ok(true) };
        let seen = t.send(request(t, own(t, holder)?, op, &place, &Words::default())?.crossing()).await;
        let is_nothing = holds_nothing(&seen, &[]) || seen.json().is_some_and(is_error);
        if class_of(&seen) != ResponseClass::Success || is_nothing {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The times for which it is waited until a tenant has nothing any more at the id of an object of another's. None where it will
/// stay: set-up has made it, or no other trial goes on there. Of two that wait for each other one soon gives up.
fn until_gone(t: &Tape, holder: TenantIx, object: &Object) -> impl Iterator<Item = Duration> + use<> {
    let stays = t.is_quiet([holder])
        || !ids_count(t, object.tenant, object.resource)
        || t.planted.of(holder, object.resource).any(|known| known.id == object.id);
    pauses(holder, object.tenant).filter(move |_| !stays)
}

fn pauses(holder: TenantIx, owner: TenantIx) -> impl Iterator<Item = Duration> + use<> {
    UNTIL_GONE.into_iter().filter(move |pause| holder > owner || *pause <= SHORT)
}

/// Sends it once the attacker has no object of its own at the id of the victim's, and gets none meanwhile. None where it always
/// has one.
pub(crate) async fn once_clear<T>(
    t: &Tape,
    pair: Pair,
    (object, of): (&Object, QuietOf),
    is_taken: impl AsyncFn() -> Result<bool, Stop>,
    send: impl AsyncFn() -> Result<T, Stop>,
) -> Result<Option<T>, Stop> {
    let mut waited = 0;
    loop {
        let quiet = quiet_at_ids(t, pair, object.resource, of).await;
        if !is_taken().await? {
            return send().await.map(Some);
        }
        drop(quiet);
        if !wait_until_gone(t, pair.attacker, object, &mut waited).await? {
            return Ok(None);
        }
    }
}

/// How many objects of the victim are tried until one has an id that the attacker has not. Where no other trial gives the
/// attacker any meanwhile, an id beyond its last is found sooner or later: what was made in search of an id of both may come first.
pub(crate) fn tries(t: &Tape, pair: Pair) -> usize {
    match t.is_quiet([pair.attacker]) {
        true => 128,
        false => 9,
    }
}

/// How many are made at a time where the first one's id was not clear.
const AT_A_TIME: usize = 4;

/// A disposable object of the victim whose id no one else has in `place_of` it.
pub(crate) async fn clear_object(
    w: WriteTape<'_>,
    pair: Pair,
    resource: ResourceIx,
    place_of: impl Fn(TenantIx, &Object) -> Place,
) -> Result<Object, Stop> {
    let tries = tries(&w, pair);
    // The first is mostly clear.
    let (mut tried, mut count, mut at_a_time) = (0_usize, 1, AT_A_TIME);
    let mut failure = None;
    while tried < tries {
        tried = tried.saturating_add(count);
        let made = side_by_side((0..count).map(|_| made_if_clear(w, pair, resource, &place_of))).await;
        let (clear, failed): (Vec<_>, Vec<_>) = made.into_iter().filter_map(Result::transpose).partition(Result::is_ok);
        let clear: Vec<Object> = clear.into_iter().flatten().collect();
        let ids: BTreeSet<&ObjectId> = clear.iter().map(|object| &object.id).collect();
        if let [object, further @ ..] = clear.as_slice()
            && ids.len() == clear.len()
        {
            remove_all(w, further).await?;
            return Ok(object.clone());
        }
        remove_all(w, &clear).await?;
        failure = failed.into_iter().find_map(Result::err);
        if failure.is_some() && count == 1 {
            break;
        }
        if failure.is_some() || !clear.is_empty() {
            // Not every target can count where several are made at a time.
            at_a_time = 1;
        }
        count = at_a_time.min(tries.saturating_sub(tried));
    }
    if let Some(stop) = failure {
        return Err(stop);
    }
    let detail = format!("every one of {tries} ids of the victim is also an id of another tenant's");
    Err(Unproven::new(Reason::IdTaken, detail).into())
}

/// A disposable object of the victim; removed again if someone else has its id.
async fn made_if_clear(
    w: WriteTape<'_>,
    pair: Pair,
    resource: ResourceIx,
    place_of: impl Fn(TenantIx, &Object) -> Place,
) -> Result<Option<Object>, Stop> {
    let object = plant(w, pair.victim, resource).await?;
    let place_of = |tenant| place_of(tenant, &object);
    if !is_taken(&w, pair.attacker, &place_of(pair.attacker), &object).await?
        && !is_held_by_a_third(&w, pair, &object, place_of).await?
    {
        return Ok(Some(object));
    }
    remove(w, &object).await?;
    Ok(None)
}

/// A disposable parent of the victim's whose id no one else has, and a disposable object below it.
pub(crate) async fn clear_below(w: WriteTape<'_>, pair: Pair, resource: ResourceIx) -> Result<(Object, Object), Stop> {
    let parent = w.spec[resource].parent.ok_or_else(|| Stop::not_applicable("it has no parent"))?;
    let above = clear_object(w, pair, parent, |tenant, above| Place::of(above).in_tenant(tenant)).await?;
    let object = plant_under(w, pair.victim, resource, &Place::of(&above).ids).await?;
    Ok((above, object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_trials_that_wait_for_each_others_objects_one_goes_on_before_the_other_gives_up() {
        let [one, other] = [0, 1].map(|number: u32| serde_json::from_value(number.into()).unwrap());
        let total = |holder, owner| pauses(holder, owner).sum::<Duration>();
        assert!(total(one, other) > Duration::ZERO);
        assert!(total(other, one) > 4 * total(one, other));
    }
}
