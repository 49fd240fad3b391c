//! The object that an operation concerns, of whoever sends it.

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_spec::{ObjectId, Operation, ResourceIx, Role, TenantIx};

use crate::shared::{
    Place, Words, any_object, has_word, is_creatable, leaves, operation_of, own, plant, plant_under, prepared_object,
    remove, request,
};
use crate::verdict::Stop;

/// One that is made for it, or one that was there before and may be changed.
pub(super) struct Subject {
    object: Object,
    is_made: bool,
}

impl Subject {
    /// A tenant's own.
    pub(super) async fn choose(w: WriteTape<'_>, tenant: TenantIx, resource: ResourceIx) -> Result<Self, Stop> {
        let is_made = is_creatable(&w.spec, resource);
        let object = match (is_made, w.spec[resource].is_disposable) {
            (true, _) => plant(w, tenant, resource).await?,
            (false, true) => any_object(&w, tenant, resource)?,
            (false, false) => {
                return Err(Stop::not_applicable("what it concerns is neither created nor `disposable`"));
            }
        };
        Ok(Self { object, is_made })
    }

    /// A new one that names this object from the beginning.
    pub(super) async fn beside(w: WriteTape<'_>, resource: ResourceIx, other: &Object) -> Result<Self, Stop> {
        let object = plant_under(w, other.tenant, resource, &Place::of(other).ids).await?;
        Ok(Self { object, is_made: true })
    }

    /// Where a request goes that names another object besides.
    pub(super) fn naming(&self, kind: ResourceIx, id: &ObjectId) -> Place {
        Place::of(&self.object).and(kind, id)
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
            let place = self.naming(kind, &prepared_object(&w, tenant, kind)?.id);
            w.send(request(&w, own(&w, tenant)?, op, &place, &Words::canary(&w.canary(tenant)))?).await;
        }
        Ok(())
    }

    /// Removes what was made.
    pub(super) async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        if self.is_made { remove(w, &self.object).await } else { Ok(()) }
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
