//! Which other objects a resource's requests name, and in which order all of them can be planted.

use std::ops::Range;

use crate::ix::ResourceIx;
use crate::reader::Reader;
use crate::spec::{Operation, Resource, Role};

/// Fills in parents, needs and depths. Resources that need each other can't be planted.
pub(super) fn relate(
    reader: &mut Reader<'_, '_>,
    resources: &mut [Resource],
    operations: &[Operation],
    spans: &[Range<usize>],
) {
    let of = |own: ResourceIx| operations.iter().filter(move |operation| operation.resource == Some(own));
    for (place, resource) in resources.iter_mut().enumerate() {
        let own = ResourceIx::new(place);
        resource.parent = resource.parent.or_else(|| {
            let of_role = |role| of(own).find(|operation| operation.role == role);
            let in_path =
                |operation: &Operation| operation.request.path.objects().into_iter().rfind(|object| *object != own);
            [Role::Create, Role::List, Role::Read].into_iter().filter_map(of_role).find_map(in_path)
        });
    }
    let parents: Vec<Option<ResourceIx>> = resources.iter().map(|resource| resource.parent).collect();
    for (place, resource) in resources.iter_mut().enumerate() {
        let own = ResourceIx::new(place);
        let named =
            of(own).flat_map(|operation| operation.request.objects().into_iter().map(move |kind| (operation, kind)));
        // An update may name what is below the object itself: the cover of an album. It is made when that is there.
        let before = named.filter(|(operation, kind)| {
            *kind != own && (operation.role == Role::Create || !is_below(&parents, *kind, own))
        });
        for need in before.map(|(_, kind)| kind).chain(resource.parent) {
            if !resource.needs.contains(&need) {
                resource.needs.push(need);
            }
        }
    }
    let depths = depths(resources);
    let names: Vec<&str> =
        resources.iter().zip(&depths).filter(|(_, depth)| depth.is_none()).map(|(r, _)| r.name.as_str()).collect();
    if let Some(place) = depths.iter().position(Option::is_none) {
        let message = format!("these need each other: {}", names.join(", "));
        let help = "one of them must be made without naming another: leave its symbol out there";
        reader.report.note(spans.get(place).cloned().unwrap_or_default(), message, help);
    }
    for (resource, depth) in resources.iter_mut().zip(depths) {
        resource.depth = depth.unwrap_or_default();
    }
}

fn is_below(parents: &[Option<ResourceIx>], kind: ResourceIx, other: ResourceIx) -> bool {
    let parent = |kind: &ResourceIx| parents.get(kind.number()).copied().flatten();
    // A circle of parents is told as such.
    std::iter::successors(parent(&kind), parent).take(parents.len()).any(|above| above == other)
}

/// How many resources come before each, in a row; none for those that need each other, or one that does.
fn depths(resources: &[Resource]) -> Vec<Option<usize>> {
    let mut depths: Vec<Option<usize>> = vec![None; resources.len()];
    // Each round settles those of one depth at least.
    for _ in 0..resources.len() {
        for (place, resource) in resources.iter().enumerate() {
            let above = resource.needs.iter().map(|need| depths.get(need.number()).copied().flatten());
            let deepest =
                above.map(|depth| Some(depth?.saturating_add(1))).try_fold(0, |most, depth| Some(most.max(depth?)));
            if let Some(place) = depths.get_mut(place) {
                *place = deepest;
            }
        }
    }
    depths
}
