//! Objects of its caller's own that a request names beside one: `{ ids = ["{case}", "{case}"] }`.

use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_spec::{ObjectId, Operation, ResourceIx, Symbol};

use super::below::ancestors;
use super::{Place, is_creatable, plant, plant_under};
use crate::verdict::Stop;

/// In which slot of a request the object of its place is, and which others are in the remaining ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Company {
    pub(crate) resource: ResourceIx,
    /// In the order of the other slots.
    pub(crate) others: Vec<ObjectId>,
    slot: usize,
    /// Slots that name the same object as another one, each with that one.
    repeats: Vec<(usize, usize)>,
}

impl Company {
    /// The object of the place in the first slot, and this one in all others.
    pub(crate) fn of(op: &Operation, resource: ResourceIx, id: &ObjectId) -> Self {
        let slots = op.request.slots(resource);
        let others = vec![id.clone(); slots.count().saturating_sub(1)];
        Self { resource, others, slot: 0, repeats: slots.repeats().to_vec() }
    }

    /// Another's object in one slot, and the object of the place, the caller's own, in all others. Its own slot is the first one
    /// that is given.
    pub(crate) fn with_one(
        op: &Operation,
        resource: ResourceIx,
        (slot, own): (usize, &ObjectId),
        (other, theirs): (usize, &ObjectId),
    ) -> Self {
        let others = (0..op.request.slots(resource).count()).filter(|one| *one != slot);
        let others = others.map(|one| if one == other { theirs.clone() } else { own.clone() }).collect();
        Self { resource, others, slot, repeats: Vec::new() }
    }

    /// What is in a slot, where the object of the place has this id.
    pub(crate) fn id<'c>(&'c self, id: &'c ObjectId, slot: usize) -> &'c ObjectId {
        let slot = self.repeats.iter().find(|(repeat, _)| *repeat == slot).map_or(slot, |(_, first)| *first);
        let others_before = if slot > self.slot { slot.saturating_sub(1) } else { slot };
        if slot == self.slot { id } else { self.others.get(others_before).unwrap_or(id) }
    }
}

/// In which slot of a request the object stands that is another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Wherever it names one: alone, or first of several.
    All,
    /// In this one, beside others of the caller's own.
    Nth(usize),
    /// The same where it was decided alone: the target need not take several at a time.
    Further(usize),
    /// In this one of two that name the same object: the other one then names the caller's own.
    Alone(usize),
}

/// Whether a request names different objects of a kind as it is written. Of the kind that it concerns, what is called
/// otherwise may be the same nevertheless.
fn names_several(op: &Operation, kind: ResourceIx) -> bool {
    let slots = op.request.slots(kind);
    slots.is_of_several() || (slots.is_apart() && op.resource != Some(kind))
}

/// The slots that do not name again what another one names.
fn different(op: &Operation, kind: ResourceIx) -> Vec<usize> {
    let slots = op.request.slots(kind);
    (0..slots.count()).filter(|slot| !slots.repeats().iter().any(|(repeat, _)| repeat == slot)).collect()
}

impl Slot {
    /// Every slot in which one of a kind may be beside others, but for the first of several: there it is as it is written.
    pub(crate) fn further(op: &Operation, kind: ResourceIx) -> Vec<Self> {
        let different = different(op, kind);
        let all: Vec<Self> = match names_several(op, kind) {
            true => different.into_iter().skip(1).map(Self::Nth).collect(),
            false if different.len() > 1 => different.into_iter().map(Self::Further).collect(),
            false => Vec::new(),
        };
        all.into_iter().chain(Self::alone(op, kind)).collect()
    }

    /// Every slot beside others, where one object in all of them may be no request that anyone sends.
    pub(crate) fn beside_others(op: &Operation, kind: ResourceIx) -> Vec<Self> {
        let different = Some(different(op, kind)).filter(|slots| slots.len() > 1).unwrap_or_default();
        different.into_iter().map(Self::Nth).chain(Self::alone(op, kind)).collect()
    }

    /// Each of two slots that name the same object.
    fn alone(op: &Operation, kind: ResourceIx) -> Vec<Self> {
        let slots = op.request.slots(kind);
        slots.repeats().iter().flat_map(|(repeat, first)| [Self::Alone(*first), Self::Alone(*repeat)]).collect()
    }

    /// Whether its owner is asked first whether it may name different ones there.
    pub(crate) fn is_asked_first(self) -> bool {
        matches!(self, Self::Further(_) | Self::Alone(_))
    }

    /// The slot, if others are beside it.
    fn number(self, op: &Operation, kind: ResourceIx) -> Option<usize> {
        match self {
            Self::Nth(slot) | Self::Further(slot) | Self::Alone(slot) => Some(slot),
            Self::All => names_several(op, kind).then_some(0),
        }
    }

    /// The slots that name the same object as another one, where this one is tried.
    fn repeats(self, op: &Operation, kind: ResourceIx) -> Vec<(usize, usize)> {
        let slots = op.request.slots(kind);
        let is_kept = |(repeat, first): &&(usize, usize)| match self {
            Self::Alone(slot) => slot != *repeat && slot != *first,
            Self::All | Self::Nth(_) | Self::Further(_) => true,
        };
        slots.repeats().iter().filter(is_kept).copied().collect()
    }

    /// Beside objects that are made for it, below what the place names, and may be changed. What is there already stays as it
    /// is: then it is alone.
    ///
    /// Where it names several of a kind that the object of the place is below, or was made with, as where it moves from one to
    /// another, the first of them is that one.
    pub(crate) async fn beside_new(
        self,
        w: WriteTape<'_>,
        op: &Operation,
        place: &Place,
        kind: ResourceIx,
    ) -> Result<Option<Company>, Stop> {
        let Some(slot) = self.number(op, kind).filter(|_| is_creatable(&w.spec, kind)) else { return Ok(None) };
        let own = place.id(kind).filter(|_| slot > 0 && op.resource != Some(kind));
        let mut others: Vec<ObjectId> = own.cloned().into_iter().collect();
        while others.len().saturating_add(1) < op.request.slots(kind).count() {
            others.push(plant_beside(w, place, kind).await?.id);
        }
        Ok(Some(Company { resource: kind, others, slot, repeats: self.repeats(op, kind) }))
    }

    /// Beside objects that set-up has made or found below what the request names, but not this one: nothing is done to them.
    pub(crate) fn beside_known(
        self,
        t: &Tape,
        op: &Operation,
        place: &Place,
        (kind, id): (ResourceIx, &ObjectId),
    ) -> Option<Company> {
        let slot = self.number(op, kind)?;
        let is_below = |object: &&Object| {
            let is_named = |other: ResourceIx| op.request.mentions(&Symbol::Object(other));
            let is_above = |other: ResourceIx| ancestors(&t.spec, kind).any(|one| one == other) && is_named(other);
            let mut above = object.parents.iter().filter(|(other, _)| is_above(*other));
            above.all(|(other, parent)| place.id(*other).is_none_or(|named| named == parent))
        };
        let known = t.planted.of(place.tenant, kind).filter(is_below).map(|object| object.id.clone());
        let others = known.filter(|other| other != id).collect();
        Some(Company { resource: kind, others, slot, repeats: self.repeats(op, kind) })
    }
}

/// A new one of a kind, below what the place names above it; below another one, where that takes one alone.
async fn plant_beside(w: WriteTape<'_>, place: &Place, kind: ResourceIx) -> Result<Object, Stop> {
    let is_above = |(other, _): &&(ResourceIx, ObjectId)| ancestors(&w.spec, kind).any(|one| one == *other);
    let above: Vec<(ResourceIx, ObjectId)> = place.ids.iter().filter(is_above).cloned().collect();
    if above.is_empty() {
        return plant(w, place.tenant, kind).await;
    }
    match plant_under(w, place.tenant, kind, &above).await {
        Ok(object) if place.id(kind) != Some(&object.id) => Ok(object),
        _ => plant(w, place.tenant, kind).await,
    }
}
