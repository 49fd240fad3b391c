//! Creating across tenants: an attacker writes a nonce, and the victim looks for it in its own.

use watertight_spec::{Operation, Role};

use super::reading::{looking_for, sees};
use crate::checks::kit::{
    Place, Words, attack, id_in, leak, operation_of, own, parents_for, plant_under, remove, remove_if_written, request,
    walk,
};
use crate::judge::{self, Answer, Evidence, Verdict};
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::Object;

/// The attacker creates in the victim's own collection.
pub(super) fn pair(
    t: &Tape<'_>,
    op: &Operation,
    (attacker, victim): (usize, usize),
    resource: usize,
) -> Result<Verdict, Halt> {
    let parents = parents_for(t, victim, resource)?;
    let object = plant_under(t, victim, resource, &parents)?;
    can_list(t, &object)?;
    let nonce = t.nonce(attacker);
    let place = Place::within(victim, &parents).and(resource, &t.unique());
    let by_attacker = request(t, own(t, attacker)?, op, &place, &Words::nonce(&nonce))?;
    let answer = t.send(attack(t, &by_attacker, attacker)?)?;
    if let Some(verdict) = leak(t, answer, victim) {
        return Ok(verdict);
    }
    if let Some(verdict) = arrives(t, &object, answer, &nonce, None)? {
        return Ok(verdict);
    }
    can_list(t, &object)?;
    remove(t, &object)?;
    Ok(match judge::answer(answer) {
        Answer::Denied => Verdict::Isolated,
        Answer::Success if went_home(t, &object, attacker, answer, &nonce)? => Verdict::Isolated,
        Answer::Success => Verdict::Unproven(format!("succeeded, and left no trace: {}", answer.line())),
        Answer::NotOffered | Answer::Undecided => Verdict::Unproven(judge::why_undecided(answer)),
    })
}

/// The victim's list shows its object, so that it would show another; without a list, reading must do.
pub(super) fn can_list(t: &Tape<'_>, object: &Object) -> Result<(), Halt> {
    let role = match operation_of(t.spec, object.resource, Role::List) {
        Some(list) => list,
        None => operation_of(t.spec, object.resource, Role::Read)
            .ok_or_else(|| Halt::NotApplicable("the victim can neither list nor read".into()))?,
    };
    let asked = request(t, own(t, object.tenant)?, role, &Place::of(object), &looking_for(object))?;
    sees(t, role, asked, object).map(drop)
}

/// Whether what the attacker wrote turns up with the victim: beside `object` in the list, or under the id that the
/// attacker was told. Looks at once, and again after `settle`.
pub(super) fn arrives(
    t: &Tape<'_>,
    object: &Object,
    attack: &Exchange,
    nonce: &str,
    known_id: Option<&str>,
) -> Result<Option<Verdict>, Halt> {
    if let Some(verdict) = look_for(t, object, attack, nonce, known_id)? {
        return Ok(Some(verdict));
    }
    let settle = t.spec.target.settle;
    if settle.is_zero() {
        return Ok(None);
    }
    t.wait(settle)?;
    look_for(t, object, attack, nonce, known_id)
}

fn look_for(
    t: &Tape<'_>,
    object: &Object,
    attack: &Exchange,
    nonce: &str,
    known_id: Option<&str>,
) -> Result<Option<Verdict>, Halt> {
    let (victim, resource) = (object.tenant, object.resource);
    let told = t.spec.resources.get(resource).filter(|_| attack.succeeded()).and_then(|r| id_in(r, attack));
    let id = known_id.map(str::to_owned).or(told);
    let parents = Place::within(victim, &object.parents);
    let found = |seen: &Exchange| {
        Verdict::Leak(
            Evidence::of("the attacker wrote into the victim's data", attack)
                .with(format!("the victim reads {nonce}, which the attacker sent"), seen),
        )
    };
    if let Some(list) = operation_of(t.spec, resource, Role::List) {
        let asked = request(t, own(t, victim)?, list, &parents, &Words::default())?;
        let walked = walk(t, list, asked, |page| page.mentions(nonce))?;
        if let Some(page) = walked.pages.iter().find(|page| page.mentions(nonce)) {
            clean(t, object, id.as_deref(), nonce)?;
            return Ok(Some(found(page)));
        }
        // What the victim could read by an id alone need not have come into its data: its list decides.
        return Ok(None);
    }
    if let (Some(id), Some(op)) = (id.as_deref(), operation_of(t.spec, resource, Role::Read)) {
        let caller = own(t, victim)?;
        // An id that the attacker was told, so no ordinary request of the victim's.
        let asked = request(t, caller.clone(), op, &parents.and(resource, id), &Words::default())?.across(caller);
        let seen = t.send(asked)?;
        if seen.mentions(nonce) {
            clean(t, object, Some(id), nonce)?;
            return Ok(Some(found(seen)));
        }
    }
    Ok(None)
}

/// The victim removes what the attacker made.
fn clean(t: &Tape<'_>, object: &Object, id: Option<&str>, nonce: &str) -> Result<(), Halt> {
    match id {
        Some(id) => remove_if_written(t, &Object { id: id.to_owned(), ..object.clone() }, nonce),
        None => Ok(()),
    }
}

/// Whether a target that goes by the credential alone has put it with the attacker; then it is removed there.
fn went_home(t: &Tape<'_>, object: &Object, attacker: usize, answer: &Exchange, nonce: &str) -> Result<bool, Halt> {
    let told = t.spec.resources.get(object.resource).and_then(|r| id_in(r, answer));
    let (Some(id), Some(op)) = (told, operation_of(t.spec, object.resource, Role::Read)) else { return Ok(false) };
    let parents = parents_for(t, attacker, object.resource)?;
    let place = Place::within(attacker, &parents).and(object.resource, &id);
    let seen = t.send(request(t, own(t, attacker)?, op, &place, &Words::default())?)?;
    if !seen.mentions(nonce) {
        return Ok(false);
    }
    remove(t, &Object { tenant: attacker, id, parents, ..object.clone() })?;
    Ok(true)
}
