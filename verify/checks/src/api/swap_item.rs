//! `api.swap-item`

mod pair;

use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, ResourceIx, Role, Spec, Symbol};

use self::pair::Swap;
use super::same_id::{read_own, write_own};
use super::several::in_every_slot;
use super::writing::{Where, in_own_place, write_across};
use crate::check::{Check, Concluded, Phase, Target, Trial, plants, writes};
use crate::shared::{
    Aim, Place, SHARED, Slot, again, any_object, clear_below, each, ids_count, is_creatable, named_below,
    named_besides, parent_of, parents_for, plant, plant_below_of_both, plant_under, prepared_object, remove, tries,
};
use crate::verdict::{Reason, Stop, Unproven, Verdict};

pub(crate) static CHECK: Check = Check {
    id: "api.swap-item",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-639"],
    title: "The victim's object id in the attacker's own place",
    does: "Reads, replaces, changes, deletes and lists below the victim's objects by their ids, in the attacker's own \
           tenant, with the attacker's own credential; an object with a parent is tried below the attacker's \
           parent and below the victim's. What is read is also tried the other way round: the attacker's own object below \
           the victim's, or with one of the victim's named beside it. What a request names below the object (an album and \
           one of its photos) is the attacker's first, then the victim's too. Where clients name what is above an object, the \
           attacker has one of the same name as well. Where a list of the request names objects, the \
           victim's is tried in each place of it, beside others of the attacker's own; so it is in a list of one, if its \
           owner may name a second one there. Of ids that both have, where they count in each tenant or clients choose \
           them, the attacker reads, lists by and writes to its own, and the victim looks at what names the one of its own as well. Where they count, up to 96 \
           objects are made in search of such an id; where the tenants' ids are further apart, that is not tried, and the report says so under \
           what was left out.",
    judges: "Leak: the victim's marker, or a third tenant's, is in the answer, or the answer is the victim's word for \
             word where nothing marks it, or a list or a number without the marker tells of the victim's what it does not tell \
             of an id that never existed, or the victim finds its object changed or gone, be it by a write to the attacker's own of the same id. Isolated: denied, whatever the \
             status (the answer says what it says of an id that never existed), or the target made an object of the \
             attacker's own at that id (an upsert), and the victim's is untouched. Unproven: a control fails, or \
             shows its owner nothing that is not told of an id that never existed, or the answer is no denial. An error \
             that nothing explains is a denial only where something is written whose effect would have been seen.",
    origin: "isolation 17, 18.1: loading a record by its id alone. CVE-2026-94215.",
    fix: "Load by tenant and id together; let the database refuse what lacks the tenant.",
    requests: 40,
};

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    each(
        spec,
        &CHECK,
        Phase::Main,
        |op| targets(spec, op),
        |aim| {
            let op = &spec[aim.operation];
            match op.effect {
                Effect::Create | Effect::Change | Effect::Destroy if !is_many(op) => {
                    writes(move |w| again(w.tape(), async move || of_others(&w, aim, write(w, aim).await)))
                }
                _ => plants(move |t| again(t, async move || read(t, aim).await)),
            }
        },
    )
}

/// What of a request is the victim's, one after the other.
fn targets(spec: &Spec, op: &Operation) -> Vec<Target> {
    match op.role {
        Role::Read | Role::Replace | Role::Patch | Role::Delete | Role::Custom => {
            let Some(resource) = op.resource.filter(|r| op.request.mentions(&Symbol::Object(*r))) else {
                return Vec::new();
            };
            let above = parent_of(spec, op).filter(|_| is_nested(spec, op));
            let above = above.filter(|parent| is_creatable(spec, *parent) && is_creatable(spec, resource));
            let besides = if op.effect == Effect::Read { beside_own(spec, op) } else { Vec::new() };
            let can_be_two = op.effect == Effect::Read || is_creatable(spec, resource);
            let second = Some(Target::Second(resource)).filter(|_| can_be_two && op.request.slots(resource).can_grow());
            let objects = std::iter::once(resource).chain(besides).map(Target::Object);
            objects.chain(second).chain(above.map(Target::Above)).collect()
        }
        Role::List | Role::Search | Role::Count | Role::View => {
            named_besides(spec, op).into_iter().map(Target::Object).collect()
        }
        Role::Create => Vec::new(),
    }
}

/// The kinds of objects that it names besides the one that it concerns and the one above that.
fn beside_own(spec: &Spec, op: &Operation) -> Vec<ResourceIx> {
    let parent = parent_of(spec, op);
    named_besides(spec, op).into_iter().filter(|kind| Some(*kind) != parent).collect()
}

/// Whether it answers for many objects, not for one.
fn is_many(op: &Operation) -> bool {
    matches!(op.role, Role::List | Role::Search | Role::Count | Role::View)
}

/// Whether it names an object above the one that it concerns.
fn is_nested(spec: &Spec, op: &Operation) -> bool {
    parent_of(spec, op).is_some_and(|parent| op.request.mentions(&Symbol::Object(parent)))
}

async fn read(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let resource = concerned(op)?;
    let swapped = read_theirs(t, op, aim, resource).await;
    or_at_the_same_id(swapped, read_own(t, op, aim.pair())).await
}

async fn write(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let op = aim.op(w.tape());
    let resource = concerned(op)?;
    let swapped = write_theirs(w, op, aim, resource).await;
    or_at_the_same_id(swapped, write_own(w, op, aim.pair(), resource)).await
}

/// What an object of the attacker's own is tried for that has the id of one of the victim's, once the victim's id alone
/// opens nothing.
async fn or_at_the_same_id(swapped: Concluded, own: impl Future<Output = Concluded>) -> Concluded {
    let is_taken = matches!(&swapped, Err(Stop::Unproven(doubt)) if doubt.reason == Reason::IdTaken);
    if !is_taken && !matches!(&swapped, Ok(Verdict::Isolated(_))) {
        return swapped;
    }
    match own.await {
        Ok(Verdict::Leak(evidence)) => Ok(Verdict::Leak(evidence)),
        Err(Stop::NotApplicable(nothing)) => swapped.map(|verdict| verdict.beside(&nothing)),
        _ if is_taken => swapped,
        told => told,
    }
}

async fn read_theirs(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    if is_many(op) {
        return below_foreign(t, op, aim).await;
    }
    let in_slot = async |slot| read_foreign(t, op, aim, resource, slot).await;
    let below_own = in_every_slot(op, resource, in_slot(Slot::All).await, in_slot).await?;
    if !is_isolated(&below_own) {
        return Ok(below_own);
    }
    let mut concluded = below_own;
    if is_nested(&t.spec, op) {
        // A target may find the object by its parent alone: so also with both ids of the victim's.
        concluded = or_else(read_below_theirs(t, op, aim, resource).await, concluded)?;
        if is_isolated(&concluded) {
            concluded = or_else(read_below_of_both(t, op, aim, resource).await, concluded)?;
        }
    }
    for kind in beside_own(&t.spec, op) {
        if is_isolated(&concluded) {
            let in_slot = async |slot| read_beside_own(t, op, aim, kind, slot).await;
            concluded = in_every_slot(op, kind, in_slot(Slot::All).await, in_slot).await?;
        }
    }
    if is_isolated(&concluded) && named_below(&t.spec, op).next().is_some() {
        concluded = or_else(read_with_below(t, op, aim, resource).await, concluded)?;
    }
    Ok(concluded)
}

/// Where ids count in each tenant, another trial's write to an object of its own may have reached the one that is tried here:
/// then it is tried while no other writes.
fn of_others(t: &Tape, aim: Aim, concluded: Concluded) -> Concluded {
    let counts = |tenant| aim.op(t).resource.is_some_and(|resource| ids_count(t, tenant, resource));
    let may_be_others = !t.is_quiet(t.spec.tenant_ixs()) && counts(aim.attacker) && counts(aim.victim);
    match concluded {
        Err(Stop::Unproven(doubt)) if doubt.reason == Reason::ControlFailed && may_be_others => {
            Err(doubt.because(Reason::Disturbed).into())
        }
        told => told,
    }
}

async fn write_theirs(w: WriteTape<'_>, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    let in_slot = async |slot| write_across(w, op, aim.pair(), resource, Where::Own, slot).await;
    let mut concluded = in_every_slot(op, resource, in_slot(Slot::All).await, in_slot).await;
    if named_below(&w.spec, op).next().is_some() || op.after.is_some() {
        // What it names below the object may have to be of it, and what is undone must have been done.
        let in_slot = async |slot| write_across(w, op, aim.pair(), resource, Where::WithBelow, slot).await;
        let with_below = async || in_every_slot(op, resource, in_slot(Slot::All).await, in_slot).await;
        concluded = unless_decided(concluded, with_below).await;
    }
    let below_own = concluded?;
    if !is_nested(&w.spec, op) || !is_isolated(&below_own) {
        return Ok(below_own);
    }
    let in_slot = async |slot| write_across(w, op, aim.pair(), resource, Where::BelowTheirs, slot).await;
    let below_theirs = or_else(in_every_slot(op, resource, in_slot(Slot::All).await, in_slot).await, below_own)?;
    if !is_isolated(&below_theirs) {
        return Ok(below_theirs);
    }
    or_else(write_across(w, op, aim.pair(), resource, Where::BelowOfBoth, Slot::All).await, below_theirs)
}

/// What a further attempt comes to, where this is isolated; where it is undecided, only a leak says more than that, or what was
/// let in and is not seen.
async fn unless_decided(concluded: Concluded, further: impl AsyncFnOnce() -> Concluded) -> Concluded {
    match concluded {
        Ok(Verdict::Isolated(_)) => further().await,
        Ok(Verdict::Unproven(_)) | Err(Stop::Unproven(_)) => match further().await {
            Ok(Verdict::Leak(evidence)) => Ok(Verdict::Leak(evidence)),
            Ok(Verdict::Unproven(doubt)) if doubt.reason == Reason::EffectUnseen => Ok(Verdict::Unproven(doubt)),
            _ => concluded,
        },
        decided => decided,
    }
}

fn concerned(op: &Operation) -> Result<ResourceIx, Stop> {
    op.resource.ok_or_else(|| Stop::not_applicable("it concerns no object"))
}

fn is_isolated(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Isolated(_))
}

/// Where no parent may be made, there is none whose id is sure to be the victim's alone: what was found before holds.
fn or_else(below_theirs: Concluded, below_own: Verdict) -> Concluded {
    match below_theirs {
        Err(Stop::NotApplicable(_)) => Ok(below_own),
        decided => decided,
    }
}

async fn read_foreign(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx, slot: Slot) -> Concluded {
    // At least one, or why there is none. What nothing marks is compared word for word.
    let first = any_object(t, aim.victim, resource)?;
    let beside = |place: Place, object: &Object| {
        let company = slot.beside_known(t, op, &place, (resource, &object.id));
        place.beside(company)
    };
    let swap = |object: &Object| Swap {
        op,
        aim,
        shown: object.clone(),
        theirs: beside(Place::of(object), object),
        place: beside(in_own_place(t, aim.attacker, object), object),
        kind: resource,
    };
    if slot.is_asked_first() {
        swap(&first).takes_several(t, slot).await?;
    }
    for object in t.planted.of(aim.victim, resource) {
        if let Some(verdict) = swap(object).pair(t).await? {
            return Ok(verdict);
        }
    }
    if let Some(w) = t.writing().filter(|_| is_creatable(&t.spec, resource)) {
        for _ in 0..tries(t, aim.pair()) {
            let object = plant(w, aim.victim, resource).await?;
            let verdict = swap(&object).pair(t).await?;
            remove(w, &object).await?;
            if let Some(verdict) = verdict {
                return Ok(verdict);
            }
        }
    }
    let mut known = t.planted.of(aim.victim, resource);
    let is_everyones = !is_creatable(&t.spec, resource) && known.all(|object| object.marker.is_empty());
    Err(if is_everyones { Stop::not_applicable(SHARED) } else { taken() })
}

/// With both ids of the victim's, then with that of the parent alone.
async fn read_below_theirs(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    let Some(w) = t.writing() else { return Err(Stop::not_applicable("no parent may be made")) };
    let (above, object) = clear_below(w, aim.pair(), resource).await?;
    let theirs = Place::of(&object);
    let swap = |place, kind| Swap { op, aim, shown: object.clone(), theirs: theirs.clone(), place, kind };
    let mut verdict = swap(theirs.clone().in_tenant(aim.attacker), resource).pair(t).await?;
    if verdict.as_ref().is_some_and(is_isolated)
        && let Ok(mine) = prepared_object(t, aim.attacker, resource)
    {
        verdict = swap(Place::of(&mine).and(above.resource, &above.id), above.resource).pair(t).await?;
    }
    remove(w, &object).await?;
    remove(w, &above).await?;
    verdict.ok_or_else(taken)
}

/// The same, where the attacker has an object above that is called the same.
async fn read_below_of_both(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    let w = t.writing().ok_or_else(|| Stop::not_applicable("no parent may be made"))?;
    let (object, of_both) = plant_below_of_both(w, aim.pair(), resource).await?;
    let theirs = Place::of(&object);
    let place = theirs.clone().in_tenant(aim.attacker);
    let verdict = Swap { op, aim, shown: object.clone(), theirs, place, kind: resource }.pair(t).await?;
    remove(w, &object).await?;
    // The victim's first, as it is in the list.
    for above in &of_both {
        remove(w, above).await?;
    }
    verdict.ok_or_else(|| Unproven::new(Reason::IdTaken, Reason::IdTaken.says()).into())
}

/// Another object that it names is the victim's, the one that it concerns the attacker's own.
async fn read_beside_own(t: &Tape, op: &Operation, aim: Aim, kind: ResourceIx, slot: Slot) -> Concluded {
    let resource = concerned(op)?;
    let (mine, theirs) = (prepared_object(t, aim.attacker, resource)?, prepared_object(t, aim.victim, resource)?);
    prepared_object(t, aim.victim, kind)?;
    for (number, other) in t.planted.of(aim.victim, kind).enumerate() {
        let naming = |object: &Object| {
            let company = slot.beside_known(t, op, &Place::of(object), (kind, &other.id));
            Place::of(object).and(kind, &other.id).beside(company)
        };
        let (by_owner, place) = (naming(&theirs), naming(&mine));
        let swap = Swap { op, aim, shown: theirs.clone(), theirs: by_owner, place, kind };
        if number == 0 && slot.is_asked_first() {
            swap.takes_several(t, slot).await?;
        }
        if let Some(verdict) = swap.pair(t).await? {
            return Ok(verdict);
        }
    }
    Err(taken())
}

/// The victim's object, with what it names below that.
async fn read_with_below(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    let theirs = prepared_object(t, aim.victim, resource)?;
    let is_of_theirs = |object: &&Object| object.parents.contains(&(resource, theirs.id.clone()));
    let mut place = Place::of(&theirs);
    for kind in named_below(&t.spec, op) {
        let below = t.planted.of(aim.victim, kind).find(is_of_theirs);
        let below = below.ok_or_else(|| Stop::not_applicable("the victim has none below it"))?;
        place = place.and(kind, &below.id);
    }
    let across = place.clone().in_tenant(aim.attacker);
    let swap = Swap { op, aim, shown: theirs.clone(), theirs: place, place: across, kind: resource };
    swap.pair(t).await?.ok_or_else(taken)
}

/// A list below an object, or one that names some to filter by: with all ids of the victim's, then each by itself.
async fn below_foreign(t: &Tape, op: &Operation, aim: Aim) -> Concluded {
    let kinds = named_besides(&t.spec, op);
    let Some(last) = kinds.last() else { return Err(Stop::not_applicable("it names no object")) };
    let mut concluded = below_theirs(t, op, aim, (*last, Slot::All), Rest::Theirs).await?;
    let is_alone = op.request.objects().len() == 1;
    for kind in kinds {
        if !is_isolated(&concluded) {
            break;
        }
        let plain = match is_alone {
            true => Ok(concluded),
            false => below_theirs(t, op, aim, (kind, Slot::All), Rest::Own).await,
        };
        let in_slot = async |slot| below_theirs(t, op, aim, (kind, slot), Rest::Own).await;
        concluded = in_every_slot(op, kind, plain, in_slot).await?;
    }
    Ok(concluded)
}

/// Whose the other objects are that a request names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Theirs,
    Own,
}

async fn below_theirs(t: &Tape, op: &Operation, aim: Aim, (kind, slot): (ResourceIx, Slot), rest: Rest) -> Concluded {
    let resource = concerned(op)?;
    let own_ids = match rest {
        Rest::Theirs => Vec::new(),
        Rest::Own => parents_for(t, aim.attacker, resource)?,
    };
    let swap = |child: &Object| {
        let named = child.parents.iter().find(|(one, _)| *one == kind).map(|(_, id)| id);
        let place = match (rest, named) {
            (Rest::Own, Some(id)) => Place::within(aim.attacker, &own_ids).and(kind, id),
            _ => Place::within(aim.attacker, &child.parents),
        };
        let beside = |place: Place| {
            let company = named.and_then(|id| slot.beside_known(t, op, &place, (kind, id)));
            place.beside(company)
        };
        let (place, theirs) = (beside(place), beside(Place::of(child)));
        Swap { op, aim, shown: child.clone(), theirs, place, kind }
    };
    // What the run has made need not be recognised: the list has its id, and what is told there is compared.
    let child = match is_creatable(&t.spec, resource) {
        true => any_object(t, aim.victim, resource)?,
        false => prepared_object(t, aim.victim, resource)?,
    };
    if slot.is_asked_first() {
        swap(&child).takes_several(t, slot).await?;
    }
    if let Some(verdict) = swap(&child).pair(t).await? {
        return Ok(verdict);
    }
    let can_make = is_creatable(&t.spec, kind) && is_creatable(&t.spec, resource);
    if let Some(w) = t.writing().filter(|_| can_make) {
        for _ in 0..tries(t, aim.pair()) {
            let above = plant(w, aim.victim, kind).await?;
            let child = plant_under(w, aim.victim, resource, &Place::of(&above).ids).await?;
            let verdict = swap(&child).pair(t).await?;
            remove(w, &child).await?;
            remove(w, &above).await?;
            if let Some(verdict) = verdict {
                return Ok(verdict);
            }
        }
    }
    Err(taken())
}

fn taken() -> Stop {
    Unproven::new(Reason::IdTaken, "every id of the victim that was tried is also an id of the attacker's").into()
}
