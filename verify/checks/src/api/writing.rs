//! The bracket of a write. The owner shows on a double that the operation works and what it does; the attacker sends it
//! for another object; the owner looks at that object until `settle` has passed, and must still be able to read it.

mod attacked;

use watertight_engine::call::Mark;
use watertight_engine::planted::Object;
use watertight_engine::{QuietOf, Tape, WriteTape, both, side_by_side};
use watertight_spec::{Effect, Operation, Pair, ResourceIx, Role, TenantIx, Way};

use self::attacked::{Attacked, AttackedObject, Chosen};
use super::effect::{AtRest, SeenEffect, observe_at_rest, observe_one, rehearse};
use super::restoring::{purge_across, purges, restore_across, restores};
use super::several::{ONE_AT_A_TIME, is_of_one};
use crate::check::Concluded;
use crate::shared::{
    Furnished, Named, Place, Slot, Words, any_object, is_creatable, is_taken, operation_of, own, parents_for, plant,
    prepare, quiet_for, read, remove, request,
};
use crate::verdict::{Reason, Stop, Unproven, Verdict};

/// Where the attacker sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// In the victim's place.
    Theirs,
    /// In its own, but for one part of the request, which names the victim.
    Between(Way),
    /// In its own, with the victim's id, below a parent of its own.
    Own,
    /// The same with the ids of the victim's objects below it, where it names some.
    WithBelow,
    /// In its own, with the ids of the victim's object and of the victim's object above it.
    BelowTheirs,
    /// The same, where the attacker has an object above that is called the same.
    BelowOfBoth,
}

impl Where {
    /// The place of the attack on an object; `own` has its ids in the attacker's.
    pub(super) fn place(self, attacker: TenantIx, object: &Object, own: &Place) -> Place {
        match self {
            Self::Theirs => Place::of(object),
            Self::Between(way) => Place::of(object).named_in(Named::In(way, attacker)),
            Self::Own | Self::WithBelow | Self::BelowTheirs | Self::BelowOfBoth => own.clone(),
        }
    }

    /// Whether all that is named with the object is the victim's.
    fn is_all_theirs(self) -> bool {
        match self {
            Self::Theirs | Self::Between(_) | Self::WithBelow | Self::BelowTheirs | Self::BelowOfBoth => true,
            Self::Own => false,
        }
    }
}

/// The victim's id in the attacker's own place, below the attacker's own parent where it has one.
pub(crate) fn in_own_place(t: &Tape, attacker: TenantIx, object: &Object) -> Place {
    let parents = parents_for(t, attacker, object.resource).unwrap_or_else(|_| object.parents.clone());
    Place::within(attacker, &parents).and(object.resource, &object.id)
}

/// What the journal must know of an object that may be made at a place (an upsert): what a create there would tell it.
pub(crate) fn mark_of_create(t: &Tape, resource: ResourceIx, place: &Place) -> Result<Mark, Stop> {
    let Some(op) = operation_of(&t.spec, resource, Role::Create) else { return Ok(Mark::Nothing) };
    Ok(request(t, own(t, place.tenant)?, op, place, &Words::nonce(""))?.mark)
}

/// A place with all that a request names there: of what it leaves open, what set-up has planted first.
pub(super) fn with_all(t: &Tape, op: &Operation, place: Place) -> Place {
    op.request.objects().into_iter().fold(place, |place, kind| {
        let known = t.planted.of(place.tenant, kind).next().filter(|_| place.id(kind).is_none());
        match known {
            Some(object) => place.and(kind, &object.id),
            None => place,
        }
    })
}

/// How many objects of the victim are tried while other trials go on.
const TRIED_BESIDE_OTHERS: usize = 3;

/// The whole pair, for an operation that replaces, changes or destroys an object.
pub(super) async fn write_across(
    w: WriteTape<'_>,
    op: &Operation,
    pair: Pair,
    resource: ResourceIx,
    whose: Where,
    slot: Slot,
) -> Concluded {
    let t = w.tape();
    if t.spec[resource].is_disposable && !is_creatable(&t.spec, resource) {
        return write_disposable(w, op, pair, resource, whose, slot).await;
    }
    if purges(&t.spec, op) || restores(t, op) {
        if whose == Where::BelowOfBoth {
            return Err(Stop::not_applicable("what is removed is tried below what its owner alone has"));
        }
        let told = match purges(&t.spec, op) {
            true => purge_across(w, op, pair, resource, whose, slot).await,
            false => restore_across(w, op, pair, resource, whose, slot).await,
        };
        match told {
            Err(Stop::NotApplicable(_)) => {}
            told => return told,
        }
    }
    // Prepare, and let the owner show on a double what the operation does.
    let choose = |chosen, quiet_of| AttackedObject::choose(w, op, pair, (resource, chosen, quiet_of), whose, slot);
    let target = choose(Chosen::Next, quiet_for(op)).await?;
    let double = plant(w, pair.victim, resource).await?;
    let place = Place::of(&double);
    let company = slot.beside_new(w, op, &place, resource).await?;
    let place = place.beside(company);
    let furnished = Furnished::at(w, op, place).await?;
    // The double last: whatever changes in both, the others are known to change as well.
    let observed = observe_at_rest(t, [&target.object, &double].into_iter()).await?;
    let [at_rest, of_double] = observed.as_slice() else { return Err(Unproven::nothing_sent().into()) };
    let mut effect = match slot {
        Slot::Further(_) => rehearse_further(t, op, &furnished.place, &double, of_double).await?,
        Slot::Alone(_) => rehearse_alone(t, op, &furnished.place, &double, of_double).await?,
        Slot::All | Slot::Nth(_) => rehearse(t, op, &furnished.place, &double, of_double).await?,
    };
    // Attack, watch and close.
    let is_hidden = !effect.is_seen() && of_double.moves();
    let mut attacked = if is_hidden { Attacked::Unclear } else { target.attack(w, at_rest, &effect).await? };
    let mut objects_attacked = vec![target];
    // Another trial has given someone an object of its own at that id: then it is tried with another one.
    while let Attacked::Held(of_last) = &attacked
        && objects_attacked.len() < TRIED_BESIDE_OTHERS
    {
        let target = match choose(Chosen::Clear, quiet_for(op)).await {
            Err(stop) if is_of_taken_id(&stop) => break,
            target => target?,
        };
        let at_rest = observe_one(t, &target.object).await?.and_noise_of(of_last);
        attacked = target.attack(w, &at_rest, &effect).await?;
        objects_attacked.push(target);
    }
    // Someone still has one there; or it may have been done to an object of another trial's; or what it does is seen on the
    // victim's other objects too. Now no other trial makes or changes any.
    if !matches!(attacked, Attacked::Told(_)) {
        let _quiet = t.quiet([pair.attacker, pair.victim]).await;
        if is_hidden {
            prepare(t, op, &furnished.place).await?;
            effect = rehearse(t, op, &furnished.place, &double, &observe_one(t, &double).await?).await?;
        }
        let target = choose(Chosen::Clear, QuietOf::Writes).await?;
        attacked = target.attack(w, &observe_one(t, &target.object).await?, &effect).await?;
        objects_attacked.push(target);
    }
    let Attacked::Told(verdict) = attacked else {
        let detail = "the attacker always has an object of its own at the victim's id";
        return Err(Unproven::new(Reason::IdTaken, detail).into());
    };
    if !matches!(verdict, Verdict::Leak(_)) {
        let (of_attacked, of_double) = both(discard(w, &objects_attacked), async {
            if !matches!(effect, SeenEffect::Gone) {
                furnished.discard(w).await?;
                remove(w, &double).await?;
            }
            Ok::<(), Stop>(())
        })
        .await;
        of_attacked.and(of_double)?;
    }
    Ok(verdict)
}

/// The whole pair on objects that exist already, and may be changed. Nothing else changes any in the two tenants meanwhile.
async fn write_disposable(
    w: WriteTape<'_>,
    op: &Operation,
    pair: Pair,
    resource: ResourceIx,
    whose: Where,
    slot: Slot,
) -> Concluded {
    let t = w.tape();
    if matches!(whose, Where::BelowTheirs | Where::BelowOfBoth) {
        return Err(Stop::not_applicable("no parent may be made"));
    }
    if slot != Slot::All {
        return Err(Stop::not_applicable("none may be made to be named beside it"));
    }
    let _quiet = t.quiet([pair.attacker, pair.victim]).await;
    any_object(t, pair.victim, resource)?;
    // Earlier trials may have destroyed some. The first one stays as it is: others go by it.
    let known: Vec<Object> = t.planted.of(pair.victim, resource).cloned().collect();
    let mut there = Vec::new();
    for object in known.iter().rev() {
        if read(t, object).await.is_ok() {
            there.push(object);
        }
    }
    let too_few = || {
        let detail = "too few disposable objects are left to show what it does: name further ones under `existing`";
        Stop::from(Unproven::new(Reason::EffectUnseen, detail))
    };
    let mut left = there.into_iter();
    let mut double = left.next().ok_or_else(too_few)?;
    let (object, effect) = loop {
        let of_double = observe_one(t, double).await?;
        if op.effect == Effect::Destroy && left.len() == 0 {
            return Err(too_few());
        }
        let effect = rehearse(t, op, &Place::of(double), double, &of_double).await?;
        let has_none = matches!(&effect, SeenEffect::Changes(members) if members.is_empty());
        match left.next() {
            // An earlier trial may have done to this one what can be done once.
            Some(next) if has_none && left.len() > 0 => double = next,
            Some(next) => break (next, effect),
            None => break (double, effect),
        }
    };
    let is_seen = matches!(&effect, SeenEffect::Changes(members) if !members.is_empty());
    let own = in_own_place(t, pair.attacker, object);
    if is_taken(t, pair.attacker, &own, object).await? {
        let detail = "the attacker has an object of its own at the victim's id";
        return Err(Unproven::new(Reason::IdTaken, detail).into());
    }
    let before = observe_one(t, object).await?;
    let place = whose.place(pair.attacker, object, &own);
    let quiet_of = QuietOf::Writes;
    let attacked = AttackedObject {
        op,
        pair,
        whose,
        quiet_of,
        above: None,
        of_both: Vec::new(),
        object: object.clone(),
        below: None,
        place,
        own,
    };
    let Attacked::Told(verdict) = attacked.attack(w, &before, &effect).await? else {
        return Err(Unproven::new(Reason::IdTaken, Reason::IdTaken.says()).into());
    };
    match verdict {
        Verdict::Isolated(_) if is_seen && !can_still_be_done(t, op, object).await? => {
            let detail = "what it does had been done to that object before: name further ones under `existing`";
            Err(Unproven::new(Reason::EffectUnseen, detail).into())
        }
        verdict => Ok(verdict),
    }
}

/// Whether the owner can still do to an object what the attacker has tried: else nothing could have been seen of it.
async fn can_still_be_done(t: &Tape, op: &Operation, object: &Object) -> Result<bool, Stop> {
    let at_rest = observe_one(t, object).await?;
    Ok(match rehearse(t, op, &Place::of(object), object, &at_rest).await? {
        SeenEffect::Gone => true,
        SeenEffect::Changes(members) => !members.is_empty(),
    })
}

/// What the owner sees of it where its request names several, and need not: what is refused, or done to the other one alone,
/// is tried alone.
async fn rehearse_further(
    t: &Tape,
    op: &Operation,
    place: &Place,
    double: &Object,
    of_double: &AtRest,
) -> Result<SeenEffect, Stop> {
    match rehearse(t, op, place, double, of_double).await {
        Err(stop) if is_of_one(&stop) => Err(Stop::not_applicable(ONE_AT_A_TIME)),
        Ok(effect) if !effect.is_seen() => Err(Stop::not_applicable(ONE_AT_A_TIME)),
        told => told,
    }
}

/// The same for two places in which its owner always names one object: no one sends different ones, so that a failure says
/// nothing.
async fn rehearse_alone(
    t: &Tape,
    op: &Operation,
    place: &Place,
    double: &Object,
    of_double: &AtRest,
) -> Result<SeenEffect, Stop> {
    match rehearse_further(t, op, place, double, of_double).await {
        Err(Stop::Unproven(_)) => Err(Stop::not_applicable(ONE_AT_A_TIME)),
        told => told,
    }
}

fn is_of_taken_id(stop: &Stop) -> bool {
    matches!(stop, Stop::Unproven(doubt) if doubt.reason == Reason::IdTaken)
}

async fn discard(w: WriteTape<'_>, objects_attacked: &[AttackedObject<'_>]) -> Result<(), Stop> {
    side_by_side(objects_attacked.iter().map(|target| target.discard(w))).await.into_iter().collect()
}
