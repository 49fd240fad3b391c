//! Objects: those that set-up left standing, and disposable ones.

use percent_encoding::percent_decode_str;
use watertight_spec::{Resource, Role, Spec, TargetEnvironment};

use super::render::{Place, Words, is_client_named, operation_of, request};
use super::{control, foreign, own};
use crate::judge::{self, Answer};
use crate::tape::{Halt, Tape, scalar};
use crate::trace::Exchange;
use crate::world::{Marker, Object};

/// Whether objects of a resource may be made here. Where the spec names existing ones, they are used instead.
pub(crate) fn is_creatable(spec: &Spec, resource: usize) -> bool {
    let is_described = spec.resources.get(resource).is_some_and(|r| r.create.is_some() && r.existing.is_empty());
    is_described
        && spec.target.environment != TargetEnvironment::Production
        && operation_of(spec, resource, Role::Create).is_some()
}

/// An object that set-up left standing. It must not be changed.
pub(crate) fn standing(t: &Tape<'_>, tenant: usize, resource: usize) -> Result<Object, Halt> {
    if let Some(object) = t.world.of(tenant, resource).next() {
        return Ok(object.clone());
    }
    Err(match t.world.failure(tenant, resource) {
        Some(why) => Halt::Unproven(format!("set-up failed: {why}")),
        None => Halt::NotApplicable("the tenant has no object of this kind".into()),
    })
}

/// Where new objects of a resource go: the ids of the first standing parent and its ancestors.
pub(crate) fn parents_for(t: &Tape<'_>, tenant: usize, resource: usize) -> Result<Vec<(usize, String)>, Halt> {
    match described(t, resource)?.parent {
        None => Ok(Vec::new()),
        Some(parent) => Ok(Place::of(&standing(t, tenant, parent)?).ids),
    }
}

/// A new disposable object with a canary, below the tenant's first standing parent.
pub(crate) fn plant(t: &Tape<'_>, tenant: usize, resource: usize) -> Result<Object, Halt> {
    plant_under(t, tenant, resource, &parents_for(t, tenant, resource)?)
}

/// A new disposable object with a canary, below these ancestors.
pub(crate) fn plant_under(
    t: &Tape<'_>,
    tenant: usize,
    resource: usize,
    parents: &[(usize, String)],
) -> Result<Object, Halt> {
    let described = described(t, resource)?;
    let op = operation_of(t.spec, resource, Role::Create)
        .filter(|_| is_creatable(t.spec, resource))
        .ok_or_else(|| Halt::NotApplicable(format!("nothing may be created as {}", described.name)))?;
    let canary = t.canary(tenant);
    let mut place = Place::within(tenant, parents);
    let chosen = is_client_named(described).then(|| t.unique());
    if let Some(id) = &chosen {
        place = place.and(resource, id);
    }
    let created = t.send(request(t, own(t, tenant)?, op, &place, &Words::canary(&canary))?)?;
    match judge::answer(created) {
        Answer::Success => {}
        Answer::NotOffered => return Err(Halt::NotApplicable(format!("not offered: {}", created.line()))),
        _ => return Err(Halt::Unproven(format!("the owner's own create failed: {}", created.line()))),
    }
    let id = chosen
        .or_else(|| id_in(described, created))
        .ok_or_else(|| Halt::Unproven(format!("the answer to a create names no id: {}", created.line())))?;
    Ok(Object { tenant, resource, id, parents: parents.to_vec(), marker: Marker::Planted(canary) })
}

/// The id that an answer gives to an object: where the spec says, else at the end of `Location` (RFC 9110 10.2.2).
pub(crate) fn id_in(resource: &Resource, exchange: &Exchange) -> Option<String> {
    let in_body = || scalar(resource.id.query(&exchange.json()?).first()?);
    let in_header = || {
        let (_, location) = exchange.response()?.headers.iter().find(|(name, _)| name == "location")?;
        let path = location.split(['?', '#']).next()?;
        let segment = path.trim_end_matches('/').rsplit('/').next().filter(|s| !s.is_empty())?;
        Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned())
    };
    in_body().or_else(in_header)
}

/// Removes a disposable object, by its owner. What fails here is left to the journal.
pub(crate) fn remove(t: &Tape<'_>, object: &Object) -> Result<(), Halt> {
    if let Some(op) = operation_of(t.spec, object.resource, Role::Delete) {
        t.send(request(t, own(t, object.tenant)?, op, &Place::of(object), &Words::default())?)?;
    }
    Ok(())
}

/// Removes an object that an attack may have left with a tenant, by that tenant, once its reading shows what the attacker
/// wrote: an id that was told by someone else may be that of an object of the tenant's own.
pub(crate) fn remove_if_written(t: &Tape<'_>, object: &Object, nonce: &str) -> Result<(), Halt> {
    let Some(op) = operation_of(t.spec, object.resource, Role::Read) else { return Ok(()) };
    let caller = own(t, object.tenant)?;
    let asked = request(t, caller.clone(), op, &Place::of(object), &Words::default())?;
    // Not the tenant's own id, perhaps, so no ordinary request.
    match t.send(asked.across(caller))?.mentions(nonce) {
        true => remove(t, object),
        false => Ok(()),
    }
}

/// The owner reads an object: it must succeed and show its marker.
pub(crate) fn read<'t>(t: &Tape<'t>, object: &Object) -> Result<&'t Exchange, Halt> {
    let op = operation_of(t.spec, object.resource, Role::Read)
        .ok_or_else(|| Halt::NotApplicable("the owner has no way to read the object back".into()))?;
    control(t, request(t, own(t, object.tenant)?, op, &Place::of(object), &Words::default())?, object)
}

fn described<'t>(t: &Tape<'t>, resource: usize) -> Result<&'t Resource, Halt> {
    let spec: &'t Spec = t.spec;
    spec.resources.get(resource).ok_or_else(|| Halt::Unproven("the spec has no such resource".into()))
}

/// Whether the attacker has an object of its own at the id of the victim's: then nothing can be tried with that id in
/// the attacker's own place. Ids may count per tenant.
pub(crate) fn is_taken(t: &Tape<'_>, attacker: usize, place: &Place, object: &Object) -> Result<bool, Halt> {
    let Some(op) = operation_of(t.spec, object.resource, Role::Read) else { return Ok(false) };
    // Own place, foreign id: where that shows the victim's object it is the attack itself that leaks.
    let caller = own(t, attacker)?;
    let answer = t.send(request(t, caller.clone(), op, place, &Words::default())?.across(caller))?;
    match judge::answer(answer) {
        Answer::Denied => Ok(false),
        Answer::Success => Ok(foreign(t, answer, object.tenant).is_none()),
        // What is written at an id of which nothing is known might change what the attacker's tenant really has.
        Answer::NotOffered | Answer::Undecided => Err(Halt::Unproven(judge::why_undecided(answer))),
    }
}

/// How many objects of the victim are tried until one has an id that the attacker has not.
const TRIES: usize = 8;

/// A disposable object of the victim whose id the attacker does not have in `place_of` it.
pub(crate) fn clear_object(
    t: &Tape<'_>,
    attacker: usize,
    victim: usize,
    resource: usize,
    place_of: impl Fn(&Object) -> Place,
) -> Result<Object, Halt> {
    for _ in 0..TRIES {
        let object = plant(t, victim, resource)?;
        if !is_taken(t, attacker, &place_of(&object), &object)? {
            return Ok(object);
        }
        remove(t, &object)?;
    }
    Err(Halt::Unproven(format!("every one of {TRIES} ids of the victim is also an id of the attacker's")))
}

/// A disposable parent of the victim's whose id the attacker does not have, and a disposable object below it.
pub(crate) fn clear_below(
    t: &Tape<'_>,
    attacker: usize,
    victim: usize,
    resource: usize,
) -> Result<(Object, Object), Halt> {
    let parent = described(t, resource)?.parent.ok_or_else(|| Halt::NotApplicable("it has no parent".into()))?;
    let above = clear_object(t, attacker, victim, parent, |above| Place::of(above).in_tenant(attacker))?;
    let object = plant_under(t, victim, resource, &Place::of(&above).ids)?;
    Ok((above, object))
}
