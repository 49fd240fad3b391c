//! The bracketed pair of a write. The owner shows on a twin that the operation works and what it does; the attacker
//! sends it for another object; the owner looks at that object until `settle` has passed.

use std::collections::{BTreeMap, BTreeSet};

use watertight_spec::{Operation, Role};

use crate::checks::kit::{
    Place, Words, attack, clear_below, clear_object, is_taken, leak, leaves, operation_of, own, parents_for, plant,
    poll, read, remove, remove_if_written, request, standing, succeed,
};
use crate::judge::{self, Answer, Evidence, Verdict};
use crate::request::Mark;
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::Object;

/// Where the attacker sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// In the victim's place.
    Theirs,
    /// In its own, with the victim's id, below a parent of its own.
    Own,
    /// In its own, with the ids of the victim's object and of the victim's object above it.
    BelowTheirs,
}

/// What an operation does to an object, as the owner sees it.
enum Effect {
    /// It is gone.
    Gone,
    /// These members change; none if nothing can be seen.
    Changes(BTreeSet<String>),
}

/// The victim's id in the attacker's own place, below the attacker's own parent where it has one.
pub(crate) fn in_own_place(t: &Tape<'_>, attacker: usize, object: &Object) -> Place {
    let parents = parents_for(t, attacker, object.resource).unwrap_or_else(|_| object.parents.clone());
    Place::within(attacker, &parents).and(object.resource, &object.id)
}

/// The whole pair, for an operation that replaces, changes or destroys an object.
pub(super) fn strike(
    t: &Tape<'_>,
    op: &Operation,
    (attacker, victim): (usize, usize),
    resource: usize,
    whose: Where,
) -> Result<Verdict, Halt> {
    let twin = plant(t, victim, resource)?;
    let mut target = Target::choose(t, (attacker, victim), resource, whose)?;
    let (twin_before, mut before) = calm(t, &twin, &target.object)?;
    let effect = rehearse(t, op, &twin, &twin_before)?;
    // All that took its time: the attacker may have got an object of its own at that id meanwhile.
    let mut tries = TRIES;
    while is_taken(t, attacker, &target.own, &target.object)? {
        target.discard(t)?;
        tries -= 1;
        if tries == 0 {
            return Err(Halt::Unproven("the attacker always has an object of its own at the victim's id".into()));
        }
        target = Target::choose(t, (attacker, victim), resource, whose)?;
        (_, before) = calm(t, &target.object, &target.object)?;
    }
    let Target { object, place, .. } = &target;
    let nonce = t.nonce(attacker);
    let mut across = attack(t, &request(t, own(t, attacker)?, op, place, &Words::nonce(&nonce))?, attacker)?;
    if whose != Where::Theirs && op.role == Role::Replace {
        across = across.mark(may_create(t, attacker, resource, place)?);
    }
    let answer = t.send(across)?;
    let found = match leak(t, answer, victim) {
        Some(verdict) => Some(verdict),
        None => poll_effect(t, object, &before, &effect, answer, &nonce)?,
    };
    if whose != Where::Theirs && op.role == Role::Replace && answer.succeeded() && found.is_none() {
        let made = Object { tenant: attacker, parents: without(place, resource), ..object.clone() };
        remove_if_written(t, &made, &nonce)?;
    }
    if let Some(verdict) = found {
        return Ok(verdict);
    }
    read(t, object)?;
    target.discard(t)?;
    if !matches!(effect, Effect::Gone) {
        remove(t, &twin)?;
    }
    Ok(match (judge::answer(answer), effect) {
        (Answer::Denied, _) => Verdict::Isolated,
        (Answer::Success, Effect::Gone) => Verdict::Isolated,
        (Answer::Success, Effect::Changes(members)) if !members.is_empty() => Verdict::Isolated,
        (Answer::Success, Effect::Changes(_)) => {
            Verdict::Unproven(format!("succeeded, and what it does can't be seen: {}", answer.line()))
        }
        (Answer::NotOffered | Answer::Undecided, _) => Verdict::Unproven(judge::why_undecided(answer)),
    })
}

/// How many objects of the victim are tried until the attacker has none at the same id.
const TRIES: usize = 4;

/// What is struck, and where.
struct Target {
    /// The disposable parent of the victim's, if the object is below one.
    above: Option<Object>,
    /// The victim's.
    object: Object,
    /// Where the attacker sends it.
    place: Place,
    /// The same ids in the attacker's own place, where it must have nothing: a target that goes by the credential alone
    /// would do it there.
    own: Place,
}

impl Target {
    fn choose(t: &Tape<'_>, (attacker, victim): (usize, usize), resource: usize, whose: Where) -> Result<Self, Halt> {
        let (above, object) = match whose {
            Where::BelowTheirs => {
                let (above, object) = clear_below(t, attacker, victim, resource)?;
                (Some(above), object)
            }
            Where::Theirs | Where::Own => {
                (None, clear_object(t, attacker, victim, resource, |object| in_own_place(t, attacker, object))?)
            }
        };
        let own = match whose {
            Where::BelowTheirs => Place::of(&object).in_tenant(attacker),
            Where::Theirs | Where::Own => in_own_place(t, attacker, &object),
        };
        let place = if whose == Where::Theirs { Place::of(&object) } else { own.clone() };
        Ok(Self { above, object, place, own })
    }

    fn discard(&self, t: &Tape<'_>) -> Result<(), Halt> {
        remove(t, &self.object)?;
        self.above.iter().try_for_each(|above| remove(t, above))
    }
}

/// An upsert creates in the attacker's own place: the journal must know.
fn may_create(t: &Tape<'_>, owner: usize, resource: usize, place: &Place) -> Result<Mark, Halt> {
    let Some(op) = operation_of(t.spec, resource, Role::Create) else { return Ok(Mark::Nothing) };
    Ok(request(t, own(t, owner)?, op, place, &Words::nonce(""))?.mark)
}

fn without(place: &Place, resource: usize) -> Vec<(usize, String)> {
    place.ids.iter().filter(|(r, _)| *r != resource).cloned().collect()
}

/// The owner does it to its own twin, and sees what it does.
fn rehearse(t: &Tape<'_>, op: &Operation, twin: &Object, before: &Calm) -> Result<Effect, Halt> {
    let victim = twin.tenant;
    let words = Words::canary(&t.canary(victim));
    let done = succeed(t, request(t, own(t, victim)?, op, &Place::of(twin), &words)?, victim)?;
    let seen = poll(t, || {
        Ok(match state(t, twin)? {
            State::Gone(_) => still_gone(t, twin)?.map(|_| Effect::Gone),
            State::There(_, now) if op.role != Role::Delete => {
                let changed = before.changed(&now);
                (!changed.is_empty()).then_some(Effect::Changes(changed))
            }
            State::There(..) | State::Unclear(_) => None,
        })
    })?;
    match seen {
        Some(effect) => Ok(effect),
        None if op.role == Role::Delete => {
            Err(Halt::Unproven(format!("the owner's own delete shows no effect: {}", done.line())))
        }
        None => Ok(Effect::Changes(BTreeSet::new())),
    }
}

/// What the owner reads of an object.
enum State<'t> {
    There(&'t Exchange, BTreeMap<String, String>),
    Gone(&'t Exchange),
    Unclear(&'t Exchange),
}

fn state<'t>(t: &Tape<'t>, object: &Object) -> Result<State<'t>, Halt> {
    let op = operation_of(t.spec, object.resource, Role::Read)
        .ok_or_else(|| Halt::Unproven("the owner has no way to read the object back".into()))?;
    let exchange = t.send(request(t, own(t, object.tenant)?, op, &Place::of(object), &Words::default())?)?;
    Ok(match (exchange.status(), exchange.json()) {
        (Some(200..=299), Some(json)) => State::There(exchange, leaves(&json)),
        // 403 too: some answer so for whatever does not exist.
        (Some(403 | 404 | 410), _) => State::Gone(exchange),
        _ => State::Unclear(exchange),
    })
}

/// A second look at an object that was gone: a replica may lag behind, so one answer destroys nothing.
fn still_gone<'t>(t: &Tape<'t>, object: &Object) -> Result<Option<&'t Exchange>, Halt> {
    Ok(match state(t, object)? {
        State::Gone(seen) => Some(seen),
        State::There(..) | State::Unclear(_) => None,
    })
}

/// What an object looks like while nobody touches it.
struct Calm {
    members: BTreeMap<String, String>,
    /// Members that change by themselves.
    noise: BTreeSet<String>,
}

impl Calm {
    fn changed(&self, now: &BTreeMap<String, String>) -> BTreeSet<String> {
        differing(&self.members, now).into_iter().filter(|member| !self.noise.contains(member)).collect()
    }
}

fn differing(one: &BTreeMap<String, String>, two: &BTreeMap<String, String>) -> BTreeSet<String> {
    one.keys().chain(two.keys()).filter(|member| one.get(*member) != two.get(*member)).cloned().collect()
}

/// The opening control: the owner reads both objects twice. In between lies the time within which a platform finishes
/// by itself what a create began, so that this is not taken for what the operation or the attacker does.
fn calm(t: &Tape<'_>, twin: &Object, object: &Object) -> Result<(Calm, Calm), Halt> {
    let first = (read(t, twin)?, read(t, object)?);
    t.wait(t.spec.target.settle)?;
    Ok((read_again(t, twin, first.0)?, read_again(t, object, first.1)?))
}

fn read_again(t: &Tape<'_>, object: &Object, first: &Exchange) -> Result<Calm, Halt> {
    let before = first.json().map(|json| leaves(&json)).unwrap_or_default();
    match state(t, object)? {
        State::There(_, members) => Ok(Calm { noise: differing(&before, &members), members }),
        State::Gone(exchange) | State::Unclear(exchange) => {
            Err(Halt::Unproven(format!("the owner can't read its own object twice: {}", exchange.line())))
        }
    }
}

/// Looks at the object until `settle` has passed since the attack.
fn poll_effect(
    t: &Tape<'_>,
    object: &Object,
    before: &Calm,
    effect: &Effect,
    attack: &Exchange,
    nonce: &str,
) -> Result<Option<Verdict>, Halt> {
    let mut is_gone = false;
    let written = poll(t, || match state(t, object)? {
        State::There(seen, _) if seen.mentions(nonce) => Ok(Some(Verdict::Leak(
            Evidence::of("the attacker wrote into the victim's object", attack)
                .with(format!("the victim reads {nonce}, which the attacker sent"), seen),
        ))),
        State::There(seen, now) => {
            is_gone = false;
            let changed = before.changed(&now);
            let is_known = matches!(effect, Effect::Changes(members) if !members.is_disjoint(&changed));
            Ok(is_known.then(|| {
                let members = changed.iter().cloned().collect::<Vec<_>>().join(", ");
                Verdict::Leak(
                    Evidence::of("the attacker changed the victim's object", attack)
                        .with(format!("the victim reads it with {members} changed"), seen),
                )
            }))
        }
        State::Gone(_) => {
            is_gone = true;
            Ok(None)
        }
        State::Unclear(_) => Ok(None),
    })?;
    if written.is_some() || !is_gone {
        return Ok(written);
    }
    let Some(seen) = still_gone(t, object)? else { return Ok(None) };
    // Gone for this object alone: the victim's other object is still to be read.
    let control = read(t, &standing(t, object.tenant, object.resource)?)?;
    Ok(Some(Verdict::Leak(
        Evidence::of("the attacker destroyed the victim's object", attack)
            .with("the victim finds it gone", seen)
            .with("and reads another of its own as before", control),
    )))
}

#[cfg(test)]
mod tests {
    use crate::checks::api;
    use crate::checks::testbed::{Switch, Testbed};
    use crate::judge::Verdict;

    fn writes(switch: Switch) {
        let concluded = Testbed::new(&[switch]).run(api::kinds(), |check| {
            let is_write = ["PATCH", "DELETE", "POST"].iter().any(|method| check.operation.starts_with(method));
            let is_pair = matches!(check.about.id, "api.swap-path-tenant" | "api.swap-item");
            is_pair && is_write && check.operation.contains("/cases/{case}") && (check.attacker, check.victim) == (1, 0)
        });
        assert!(concluded.len() > 4, "{concluded:?}");
        for one in concluded {
            assert_eq!(one.verdict, Verdict::Isolated, "{} {}", one.check, one.operation);
        }
    }

    #[test]
    fn a_status_that_the_platform_itself_changes_after_create_is_not_the_attackers_change() {
        writes(Switch::ActivatesLater);
    }

    #[test]
    fn one_404_from_a_replica_that_lags_is_not_a_destroyed_object() {
        writes(Switch::ReplicaLags);
    }
}
