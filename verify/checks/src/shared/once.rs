//! What joins others is often there once: a member of a team, a certificate of a pupil. Made of the same others a second time it
//! is the first one again, or is refused. So each is made of new others.

use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_spec::{ObjectId, ResourceIx, TenantIx};

use super::below::ancestors;
use super::{is_creatable, parents_for, plant_under};
use crate::verdict::Stop;

/// The ids that a new object of a resource is made of: those of set-up, or new ones, where only one can be made of them.
pub(crate) async fn fresh_parents(
    w: WriteTape<'_>,
    tenant: TenantIx,
    resource: ResourceIx,
) -> Result<Vec<(ResourceIx, ObjectId)>, Stop> {
    let known = parents_for(&w, tenant, resource)?;
    match is_once(&w, tenant, resource) {
        true => anew(w, tenant, resource, &known).await,
        false => Ok(known),
    }
}

/// Whether set-up has found a kind to be so: then it has made each of other ids.
pub(super) fn is_once(t: &Tape, tenant: TenantIx, resource: ResourceIx) -> bool {
    let mut made = t.planted.of(tenant, resource).map(|object| &object.parents);
    let first = made.next();
    is_creatable(&t.spec, resource) && made.any(|parents| Some(parents) != first)
}

/// These ids, with those of new objects in the place of those of set-up: of all that the kind names beside its parent, or of
/// its parent, where it names no other.
pub(crate) async fn anew(
    w: WriteTape<'_>,
    tenant: TenantIx,
    resource: ResourceIx,
    ids: &[(ResourceIx, ObjectId)],
) -> Result<Vec<(ResourceIx, ObjectId)>, Stop> {
    let mut ids = ids.to_vec();
    for kind in renewable(w.tape(), resource) {
        let is_of_setup = |id: &ObjectId| w.planted.of(tenant, kind).any(|object| object.id == *id);
        let Some(at) = ids.iter().position(|(known, id)| *known == kind && is_of_setup(id)) else { continue };
        let mut below = parents_for(&w, tenant, kind)?;
        for (above, id) in &mut below {
            if let Some((_, other)) = ids.iter().find(|(known, _)| known == above) {
                id.clone_from(other);
            }
        }
        let Object { id, .. } = Box::pin(plant_under(w, tenant, kind, &below)).await?;
        if let Some((_, known)) = ids.get_mut(at) {
            *known = id;
        }
    }
    Ok(ids)
}

/// Of which kinds new ones are made.
fn renewable(t: &Tape, resource: ResourceIx) -> Vec<ResourceIx> {
    let described = &t.spec[resource];
    let above: Vec<ResourceIx> = ancestors(&t.spec, resource).collect();
    let others = described.needs.iter().copied().filter(|need| !above.contains(need));
    let others: Vec<ResourceIx> = others.filter(|need| is_creatable(&t.spec, *need)).collect();
    match others.is_empty() {
        true => described.parent.into_iter().filter(|parent| is_creatable(&t.spec, *parent)).collect(),
        false => others,
    }
}
