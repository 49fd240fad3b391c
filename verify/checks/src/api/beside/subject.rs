//! The object that an operation concerns, of whoever sends it.

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_spec::{ObjectId, Operation, ResourceIx, Role, TenantIx};

use super::super::several::slot_taken;
use crate::shared::{
    Company, Furnished, Place, Slot, Words, any_object, has_word, is_creatable, leaves, operation_of, own, plant,
    plant_under, prepared_object, remove, request,
};
use crate::verdict::Stop;

/// One that is made for it, or one that was there before and may be changed.
pub(super) struct Subject {
    object: Object,
    /// Where its owner's request goes, with what is named below it.
    at: Furnished,
    /// Others of its owner's own, beside which one of another kind is named in one slot of several.
    company: Option<Company>,
    is_made: bool,
}

impl Subject {
    /// A tenant's own, for a request that names another object besides, in this slot.
    pub(super) async fn choose(
        w: WriteTape<'_>,
        op: &Operation,
        tenant: TenantIx,
        resource: ResourceIx,
        named: (ResourceIx, Slot),
    ) -> Result<Self, Stop> {
        match (is_creatable(&w.spec, resource), w.spec[resource].is_disposable) {
            (true, _) => Self::made(w, op, plant(w, tenant, resource).await?, named).await,
            (false, true) => {
                let object = any_object(&w, tenant, resource)?;
                let at = Furnished::bare(Place::of(&object));
                let company = company(w, op, &object, named).await?;
                Ok(Self { object, at, company, is_made: false })
            }
            (false, false) => Err(Stop::not_applicable("what it concerns is neither created nor `disposable`")),
        }
    }

    /// A new one that names this object from the beginning.
    pub(super) async fn beside(
        w: WriteTape<'_>,
        op: &Operation,
        resource: ResourceIx,
        other: &Object,
        named: (ResourceIx, Slot),
    ) -> Result<Self, Stop> {
        Self::made(w, op, plant_under(w, other.tenant, resource, &Place::of(other).ids).await?, named).await
    }

    async fn made(w: WriteTape<'_>, op: &Operation, object: Object, named: (ResourceIx, Slot)) -> Result<Self, Stop> {
        let at = Furnished::at(w, op, Place::of(&object)).await?;
        let company = company(w, op, &object, named).await?;
        Ok(Self { object, at, company, is_made: true })
    }

    /// What was made below it of a kind.
    pub(super) fn below(&self, kind: ResourceIx) -> Option<&Object> {
        self.at.object(kind)
    }

    /// Where a request goes that names another object besides: one of its own kind wherever it is not named itself.
    pub(super) fn naming(&self, op: &Operation, kind: ResourceIx, id: &ObjectId) -> Place {
        if kind != self.object.resource {
            return self.at.place.clone().and(kind, id).beside(self.company.clone());
        }
        self.at.place.clone().beside(Some(Company::of(op, kind, id)))
    }

    /// What its owner is shown of it; none where nothing shows it by itself.
    pub(super) async fn look(&self, t: &Tape) -> Result<Option<Seen>, Stop> {
        let Some(op) = operation_of(&t.spec, self.object.resource, Role::Read) else { return Ok(None) };
        let asked = request(t, own(t, self.object.tenant)?, op, &Place::of(&self.object), &Words::default())?;
        // What it names now may be another's, so it is no ordinary request.
        Ok(Some(t.send(asked.crossing()).await))
    }

    /// Whether an answer has the id of the other object that it named when it was made.
    pub(super) fn names_as_made(&self, shown: &Exchange, kind: ResourceIx) -> bool {
        let mut others = self.object.parents.iter().filter(|(other, _)| *other == kind);
        others.any(|(_, id)| names(shown, id))
    }

    /// Whether it named this one when it was made.
    pub(super) fn is_made_with(&self, kind: ResourceIx, id: &ObjectId) -> bool {
        self.object.parents.iter().any(|(other, named)| *other == kind && named == id)
    }

    /// What was there before, and is changed, names one of its owner's own again.
    pub(super) async fn restore(&self, w: WriteTape<'_>, op: &Operation, kind: ResourceIx) -> Result<(), Stop> {
        if !self.is_made {
            let tenant = self.object.tenant;
            let place = self.naming(op, kind, &prepared_object(&w, tenant, kind)?.id);
            w.send(request(&w, own(&w, tenant)?, op, &place, &Words::canary(&w.canary(tenant)))?).await;
        }
        Ok(())
    }

    /// Removes what was made.
    pub(super) async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        self.at.discard(w).await?;
        if self.is_made { remove(w, &self.object).await } else { Ok(()) }
    }
}

/// What is beside an object that is named in one slot of several. Of the kind of the object that it concerns, that one is.
async fn company(
    w: WriteTape<'_>,
    op: &Operation,
    object: &Object,
    (kind, slot): (ResourceIx, Slot),
) -> Result<Option<Company>, Stop> {
    match slot {
        Slot::Nth(_) | Slot::Further(_) | Slot::Alone(_) if kind != object.resource => {
            slot.beside_new(w, op, &Place::of(object), kind).await
        }
        Slot::All if kind != object.resource && is_creatable(&w.spec, object.resource) => {
            // Two of its own kind may have to be different ones.
            let taken = slot_taken(w, op, object.tenant, object.resource).await?;
            taken.beside_new(w, op, &Place::of(object), object.resource).await
        }
        Slot::All | Slot::Nth(_) | Slot::Further(_) | Slot::Alone(_) => Ok(None),
    }
}

/// Whether an answer names an id: as a value or the end of a link where it is JSON, else as a word.
pub(super) fn names(shown: &Exchange, id: &ObjectId) -> bool {
    let is_id = |value: &String| value.rsplit('/').next() == Some(id.as_str());
    match (shown.json(), shown.response()) {
        (Some(json), _) => leaves(json).values().any(is_id),
        (None, Some(received)) => has_word(received.body.text(), id.as_str()),
        (None, None) => false,
    }
}
