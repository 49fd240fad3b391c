//! What the owner sees of an object: at rest, after its own operation, and after an attack.

use std::collections::{BTreeMap, BTreeSet};

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape};
use watertight_spec::{Operation, Role, TenantIx};

use crate::shared::{
    Listed, Nowhere, Place, Words, any_object, foreign, is_broken_json, is_turned_away, item_of, leaves, look_up,
    operation_of, own, poll, read, request, says_nothing, shows, succeed,
};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

/// What an object looks like while no one touches it.
pub(super) struct AtRest {
    members: BTreeMap<String, String>,
    /// Members that change by themselves.
    noise: BTreeSet<String>,
}

/// The owner reads each object twice. In between is the time within which a platform finishes by itself what a create
/// began, so that this is not taken for what the operation or the attacker does.
pub(super) async fn observe_at_rest<'o>(
    t: &Tape,
    objects: impl Iterator<Item = &'o Object>,
) -> Result<Vec<AtRest>, Stop> {
    let mut first = Vec::new();
    for object in objects {
        first.push((object, read(t, object).await?));
    }
    t.wait(t.spec.target.settle).await;
    let mut all = Vec::new();
    for (object, seen) in first {
        all.push(read_again(t, object, &seen).await?);
    }
    Ok(all)
}

async fn read_again(t: &Tape, object: &Object, first: &Exchange) -> Result<AtRest, Stop> {
    let before = members_of(t, object, first);
    match state(t, object).await? {
        State::There(_, members) => Ok(AtRest { noise: differing(&before, &members), members }),
        State::Gone(seen) | State::Unclear(seen) => {
            Err(Unproven::shown(Reason::ControlFailed, "the owner can't read its own object twice", &seen).into())
        }
    }
}

/// What an answer to its owner's reading says of an object: all of it, or its item of a list.
fn members_of(t: &Tape, object: &Object, seen: &Exchange) -> BTreeMap<String, String> {
    match operation_of(&t.spec, object.resource, Role::Read) {
        Some(_) => told(seen).unwrap_or_default(),
        None => item_of(&t.spec[object.resource], seen, &object.id).map(leaves).unwrap_or_default(),
    }
}

/// The members of an answer, or its text: a file is one.
fn told(seen: &Exchange) -> Option<BTreeMap<String, String>> {
    match (seen.json(), seen.response()) {
        (Some(json), _) => Some(leaves(json)),
        (None, Some(_)) if is_broken_json(seen) => None,
        (None, Some(received)) => Some(BTreeMap::from([("its text".to_owned(), received.body.text().to_owned())])),
        (None, None) => None,
    }
}

impl AtRest {
    /// Of an object that has just been made, as it was read: what changes by itself is known from another one.
    pub(super) fn like(&self, t: &Tape, object: &Object, seen: &Exchange) -> Self {
        Self { members: members_of(t, object, seen), noise: self.noise.clone() }
    }

    fn changed(&self, now: &BTreeMap<String, String>) -> BTreeSet<String> {
        differing(&self.members, now).into_iter().filter(|member| !self.noise.contains(member)).collect()
    }
}

fn differing(one: &BTreeMap<String, String>, two: &BTreeMap<String, String>) -> BTreeSet<String> {
    one.keys().chain(two.keys()).filter(|member| one.get(*member) != two.get(*member)).cloned().collect()
}

/// What an operation does to an object, as the owner sees it.
pub(super) enum SeenEffect {
    /// It is gone.
    Gone,
    /// These members change; none if nothing can be seen.
    Changes(BTreeSet<String>),
}

impl SeenEffect {
    /// Whether there is anything to be seen of it.
    pub(super) fn is_seen(&self) -> bool {
        match self {
            Self::Gone => true,
            Self::Changes(members) => !members.is_empty(),
        }
    }
}

/// The owner does it to an object of its own, at this place, and sees what it does.
pub(super) async fn rehearse(
    t: &Tape,
    op: &Operation,
    place: &Place,
    object: &Object,
    before: &AtRest,
) -> Result<SeenEffect, Stop> {
    let done = done_by_owner(t, op, place, object.tenant).await?;
    if op.role != Role::Delete {
        return effect_on(t, object, before).await;
    }
    let is_gone = poll(t, async || is_gone(t, object).await).await?;
    let unseen = || Unproven::shown(Reason::EffectUnseen, "the owner's own delete shows no effect", &done).into();
    is_gone.map(|()| SeenEffect::Gone).ok_or_else(unseen)
}

/// The same at a place that names this object besides the one that the operation concerns.
pub(super) async fn rehearse_at(
    t: &Tape,
    op: &Operation,
    place: &Place,
    object: &Object,
    before: &AtRest,
) -> Result<SeenEffect, Stop> {
    done_by_owner(t, op, place, object.tenant).await?;
    effect_on(t, object, before).await
}

async fn done_by_owner(t: &Tape, op: &Operation, place: &Place, owner: TenantIx) -> Result<Seen, Stop> {
    let words = Words::canary(&t.canary(owner));
    succeed(t, request(t, own(t, owner)?, op, place, &words)?, owner).await
}

/// What the owner sees of an object from then on, until something of it has changed or `settle` has passed.
async fn effect_on(t: &Tape, object: &Object, before: &AtRest) -> Result<SeenEffect, Stop> {
    let seen = poll(t, async || {
        Ok(match state(t, object).await? {
            State::Gone(_) => still_gone(t, object).await?.map(|_| SeenEffect::Gone),
            State::There(_, now) => {
                let changed = before.changed(&now);
                (!changed.is_empty()).then_some(SeenEffect::Changes(changed))
            }
            State::Unclear(_) => None,
        })
    })
    .await?;
    Ok(seen.unwrap_or(SeenEffect::Changes(BTreeSet::new())))
}

async fn is_gone(t: &Tape, object: &Object) -> Result<Option<()>, Stop> {
    Ok(match state(t, object).await? {
        State::Gone(_) => still_gone(t, object).await?.map(drop),
        State::There(..) | State::Unclear(_) => None,
    })
}

/// What an attack has done to the victim's object, if anything: the owner looks at it until `settle` has passed.
pub(super) async fn poll_effect(
    t: &Tape,
    object: &Object,
    before: &AtRest,
    effect: &SeenEffect,
    attack: &Exchange,
    nonce: &str,
) -> Result<Option<Evidence>, Stop> {
    let mut is_gone = false;
    let changed = poll(t, async || {
        let now = state(t, object).await?;
        is_gone = matches!(now, State::Gone(_)) || (is_gone && matches!(now, State::Unclear(_)));
        let State::There(seen, members) = now else { return Ok(None) };
        if seen.mentions(nonce) {
            return Ok(Some(written(attack, nonce, &seen)));
        }
        let changed = before.changed(&members);
        let is_known = matches!(effect, SeenEffect::Changes(members) if !members.is_disjoint(&changed));
        Ok(is_known.then(|| altered(attack, &changed, &seen)))
    })
    .await?;
    match changed {
        None if is_gone => destroyed(t, object, attack).await,
        changed => Ok(changed),
    }
}

fn written(attack: &Exchange, nonce: &str, seen: &Exchange) -> Evidence {
    Evidence::of(Shows::ForeignWrite, "the attacker wrote into the victim's object", attack)
        .with(format!("the victim reads {nonce}, which the attacker sent"), seen)
}

fn altered(attack: &Exchange, changed: &BTreeSet<String>, seen: &Exchange) -> Evidence {
    let members = changed.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    Evidence::of(Shows::ForeignChange, "the attacker changed the victim's object", attack)
        .with(format!("the victim reads it with {members} changed"), seen)
}

/// Gone at a second look as well, and for this object alone: the victim's other object is still to be read.
async fn destroyed(t: &Tape, object: &Object, attack: &Exchange) -> Result<Option<Evidence>, Stop> {
    let Some(seen) = still_gone(t, object).await? else { return Ok(None) };
    let other = read(t, &any_object(t, object.tenant, object.resource)?).await?;
    let found = match is_anothers(t, &seen, object) {
        true => "the victim is shown another tenant's in its place",
        false => "the victim finds it gone",
    };
    Ok(Some(
        Evidence::of(Shows::ForeignDestruction, "the attacker destroyed the victim's object", attack)
            .with(found, &seen)
            .with("and reads another of its own as before", &other),
    ))
}

/// What the owner reads of an object.
enum State {
    There(Seen, BTreeMap<String, String>),
    Gone(Seen),
    Unclear(Seen),
}

async fn state(t: &Tape, object: &Object) -> Result<State, Stop> {
    let Some(op) = operation_of(&t.spec, object.resource, Role::Read) else { return listed_state(t, object).await };
    let place = Place::of(object);
    let ask = |place: &Place| request(t, own(t, object.tenant)?, op, place, &Words::default());
    let seen = t.send(ask(&place)?).await;
    let members = told(&seen);
    let is_anothers = is_anothers(t, &seen, object);
    let may_be_nothing = seen.succeeded() && !is_anothers && !shows(&seen, object);
    if may_be_nothing || is_turned_away(&seen) {
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
        Some(item) => State::There(page, leaves(&item)),
        None if is_complete && page.succeeded() => State::Gone(page),
        None => State::Unclear(page),
    })
}

/// Whether an answer shows another tenant's object, and not this one.
fn is_anothers(t: &Tape, seen: &Exchange, object: &Object) -> bool {
    let mut others = t.spec.tenant_ixs().filter(|tenant| *tenant != object.tenant);
    !shows(seen, object) && others.any(|tenant| foreign(t, seen, tenant).is_some())
}

/// A second look at an object that was gone: a replica may lag behind, so one answer destroys nothing.
async fn still_gone(t: &Tape, object: &Object) -> Result<Option<Seen>, Stop> {
    Ok(match state(t, object).await? {
        State::Gone(seen) => Some(seen),
        State::There(..) | State::Unclear(_) => None,
    })
}
