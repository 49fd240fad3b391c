//! Objects that a request names besides the one that it concerns, and that belong to that or to the same: an album and one of
//! its photos, a flag and a segment of its project.

use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_spec::{Operation, ResourceIx, Spec, Symbol};

use super::{Place, Words, is_creatable, owner, plant_under, remove, request, succeed_or_lead_on};
use crate::verdict::Stop;

/// The kinds of those that are below the one that it concerns.
pub(crate) fn named_below<'s>(spec: &'s Spec, op: &'s Operation) -> impl Iterator<Item = ResourceIx> + 's {
    let concerned = op.resource;
    op.request.objects().into_iter().filter(move |kind| ancestors(spec, *kind).any(|above| Some(above) == concerned))
}

/// What a kind is below, the nearest first.
pub(super) fn ancestors(spec: &Spec, kind: ResourceIx) -> impl Iterator<Item = ResourceIx> {
    std::iter::successors(spec[kind].parent, |above| spec[*above].parent)
}

/// The tenant of a place does there what comes before an operation: who is taken off a list is put on it.
pub(crate) async fn prepare(t: &Tape, op: &Operation, place: &Place) -> Result<(), Stop> {
    let Some(before) = op.after.map(|before| &t.spec[before]) else { return Ok(()) };
    // It may name one of several at a time.
    let one_by_one = place.company.iter().filter(|company| {
        let kind = company.resource;
        before.request.mentions(&Symbol::Object(kind)) && before.request.slots(kind).count() == 1
    });
    let of_others = one_by_one
        .flat_map(|company| company.others.iter().map(|other| place.clone().beside(None).and(company.resource, other)));
    for place in std::iter::once(place.clone()).chain(of_others) {
        let words = Words::canary(&t.canary(place.tenant));
        let asked = request(t, owner(t, place.tenant)?, before, &place, &words)?;
        if let Err(stop) = succeed_or_lead_on(t, asked, place.tenant).await {
            return Err(match stop {
                Stop::Unproven(doubt) => doubt.about(&format!("{} (sent before)", before.label())).into(),
                nothing => nothing,
            });
        }
    }
    Ok(())
}

/// A place with such objects, which were made for it below what it names.
pub(crate) struct Furnished {
    pub(crate) place: Place,
    made: Vec<Object>,
}

impl Furnished {
    /// With nothing made for it.
    pub(crate) fn bare(place: Place) -> Self {
        Self { place, made: Vec::new() }
    }

    /// By the tenant of the place, whose own object it names. What its owner does before is done.
    pub(crate) async fn at(w: WriteTape<'_>, op: &Operation, place: Place) -> Result<Self, Stop> {
        let furnished = Self::made_at(w, op, place).await?;
        prepare(&w, op, &furnished.place).await?;
        Ok(furnished)
    }

    async fn made_at(w: WriteTape<'_>, op: &Operation, place: Place) -> Result<Self, Stop> {
        let mut furnished = Self::bare(place);
        for kind in op.request.objects() {
            let is_below = |place: &Place| ancestors(&w.spec, kind).any(|above| place.id(above).is_some());
            if is_below(&furnished.place) && !furnished.is_there(&w, kind) {
                furnished.make(w, kind).await?;
            }
        }
        Ok(furnished)
    }

    /// Whether set-up has made one of a kind below what the place names.
    fn is_there(&self, t: &Tape, kind: ResourceIx) -> bool {
        t.planted.of(self.place.tenant, kind).any(|object| self.place.has_above(object))
    }

    /// What was made of a kind.
    pub(crate) fn object(&self, kind: ResourceIx) -> Option<&Object> {
        self.made.iter().find(|object| object.resource == kind)
    }

    /// One of a kind, below one of each kind above it.
    async fn make(&mut self, w: WriteTape<'_>, kind: ResourceIx) -> Result<(), Stop> {
        if self.place.id(kind).is_some() || !is_creatable(&w.spec, kind) {
            return Ok(());
        }
        if let Some(above) = w.spec[kind].parent {
            Box::pin(self.make(w, above)).await?;
        }
        let above: Vec<_> = self
            .place
            .ids
            .iter()
            .filter(|(other, _)| ancestors(&w.spec, kind).any(|one| one == *other))
            .cloned()
            .collect();
        let object = plant_under(w, self.place.tenant, kind, &above).await?;
        self.place = self.place.clone().and(kind, &object.id);
        self.made.push(object);
        Ok(())
    }

    /// Another place with the ids of what was made.
    pub(crate) fn named_in(&self, place: Place) -> Place {
        self.made.iter().fold(place, |place, object| place.and(object.resource, &object.id))
    }

    /// Removes what was made for it.
    pub(crate) async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        for object in self.made.iter().rev() {
            remove(w, object).await?;
        }
        Ok(())
    }
}
