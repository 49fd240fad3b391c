//! Clean-up: removes what the journal says was created, then sweeps every list for what still carries the run's tag.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use watertight_engine::WriteTape;
use watertight_engine::call::{ObjectName, Request};
use watertight_engine::journal::{Item, Name, SaidBy};
use watertight_engine::log::Exchange;
use watertight_engine::marker::RunTag;
use watertight_spec::{ObjectId, ResourceIx, Role, Spec, TenantIx};

use crate::plan::{NO_REMOVAL, is_removable};
use crate::shared::{
    Features, Place, Words, are_alike, follow, ids_at, is_page, is_turned_away, operation_of, own, request, similar,
};
use crate::verdict::{ResponseClass, class_of};

/// Whether the lists are searched for what the journal does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// A request may have created something of which no answer told.
    Needed,
    /// Every object is in the journal.
    NotNeeded,
}

/// What a clean-up did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// How many objects were there and are gone.
    pub removed: usize,
    /// What was gone before: the engine, which notes removals by itself, does not know of it.
    pub gone: Vec<Item>,
    /// What could not be removed, for people.
    pub left_behind: Vec<String>,
    /// How many objects there are of each kind for which the spec has no request that removes one.
    pub stay: BTreeMap<String, usize>,
}

impl Cleaned {
    /// With what another clean-up did.
    pub(crate) fn add(&mut self, other: Self) {
        self.removed = self.removed.saturating_add(other.removed);
        self.gone.extend(other.gone);
        self.left_behind.extend(other.left_behind);
        for (kind, count) in other.stay {
            let known = self.stay.entry(kind).or_default();
            *known = known.saturating_add(count);
        }
    }
}

impl Cleaned {
    /// What stays because nothing can be done about it, for people.
    pub fn staying(&self) -> Vec<String> {
        let line = |(kind, count): (&String, &usize)| match count {
            1 => format!("1 {kind} stays: {NO_REMOVAL}"),
            count => format!("{count} of {kind} stay: {NO_REMOVAL}"),
        };
        self.stay.iter().map(line).collect()
    }
}

/// Removes everything of a run, each object as its owner: `remaining` as the journal gives it, the newest first.
pub async fn clean(w: WriteTape<'_>, run_tag: &str, remaining: Vec<Item>, sweep: Sweep) -> Cleaned {
    let mut cleanup =
        Cleanup { w, tag: run_tag, cleaned: Cleaned::default(), done: BTreeSet::new(), left: BTreeMap::new() };
    for item in remaining {
        cleanup.remove(item).await;
    }
    // Without a tag everything would be the run's.
    if sweep == Sweep::Needed && !run_tag.is_empty() {
        cleanup.sweep().await;
    }
    Cleaned { left_behind: cleanup.left.into_values().collect(), ..cleanup.cleaned }
}

struct Cleanup<'t> {
    w: WriteTape<'t>,
    tag: &'t str,
    cleaned: Cleaned,
    /// What needs no further attempt: a journal, or a list, may name it twice.
    done: BTreeSet<Name>,
    /// Why something is still there.
    left: BTreeMap<Left, String>,
}

/// What is left.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    /// An object.
    Object(Name),
    /// Whatever may be in a list that could not be read.
    List { tenant: String, resource: String },
}

/// Ids that a list shows of what carries the tag.
struct Listing {
    ids: Vec<ObjectId>,
    end: End,
}

/// How far a list was read.
#[derive(PartialEq, Eq)]
enum End {
    /// To its end.
    Read,
    /// There is no such list, or it is not the tenant's to read: what the journal says is all that can be known.
    NoList,
    /// Not to its end, and why.
    Unread(String),
}

impl Listing {
    fn unread(ids: Vec<ObjectId>, why: String) -> Self {
        Self { ids, end: End::Unread(why) }
    }
}

/// What came of an attempt to remove an object.
enum Removal {
    /// It was there, and is gone.
    Removed,
    /// It was gone already.
    Gone,
    /// It is not the run's.
    Spared,
    /// The spec has no request that removes it.
    Stays,
    /// It is still there, and why.
    Left(String),
}

impl Cleanup<'_> {
    async fn remove(&mut self, item: Item) {
        if self.done.contains(&item.name) {
            return;
        }
        match self.attempt(&item).await {
            Removal::Removed => self.cleaned.removed = self.cleaned.removed.saturating_add(1),
            Removal::Gone => self.cleaned.gone.push(item.clone()),
            Removal::Stays => {
                let count = self.cleaned.stay.entry(item.name.resource.clone()).or_default();
                *count = count.saturating_add(1);
            }
            Removal::Spared => return,
            Removal::Left(why) => {
                self.left.insert(Left::Object(item.name), why);
                return;
            }
        }
        self.left.remove(&Left::Object(item.name.clone()));
        self.done.insert(item.name);
    }

    async fn attempt(&mut self, item: &Item) -> Removal {
        let name = &item.name;
        let Some(object) = name.meant(&self.w.spec) else {
            return Removal::Left(format!("{name}: the spec has no such tenant or resource"));
        };
        if item.said_by == SaidBy::Attack
            && let Some(removal) = self.spare(name, &object).await
        {
            return removal;
        }
        if !is_removable(&self.w.spec, object.resource) {
            return Removal::Stays;
        }
        let Some(asked) = self.of_object(Role::Delete, &object) else { return Removal::Left(no_caller(name)) };
        let answer = self.w.send(asked).await;
        match answer.status() {
            Some(200..=299) => Removal::Removed,
            Some(404 | 410) => Removal::Gone,
            _ if answer.leads_on() && self.is_seen_gone(&object).await => Removal::Removed,
            _ if self.is_gone(&object).await => Removal::Gone,
            _ => Removal::Left(format!("{name} could not be removed: {}", answer.line())),
        }
    }

    /// Whether an object that can't be removed is not there: its owner's list, read to its end, does not show it, and of the
    /// object the owner is told what it is told of an id that never existed. Some targets answer 403 to both.
    async fn is_gone(&self, object: &ObjectName) -> bool {
        let listing = self.list_tagged(object.tenant, object.resource, &object.above).await;
        listing.end == End::Read && !listing.ids.contains(&object.id) && self.is_told_of_nothing(object).await
    }

    /// The same after a delete that leads on. Where there is no list, a list of another kind must show that its owner is let
    /// in at all.
    async fn is_seen_gone(&self, object: &ObjectName) -> bool {
        match operation_of(&self.w.spec, object.resource, Role::List) {
            Some(_) => self.is_gone(object).await,
            None => self.is_let_in(object.tenant).await && self.is_told_of_nothing(object).await,
        }
    }

    /// Whether a list that names no object is shown to a tenant.
    async fn is_let_in(&self, tenant: TenantIx) -> bool {
        let spec = &self.w.tape().spec;
        let is_plain = |resource: &ResourceIx| {
            operation_of(spec, *resource, Role::List).is_some_and(|list| list.request.objects().is_empty())
        };
        let plain = spec.resource_ixs().find(is_plain);
        let place = Place::within(tenant, &[]);
        let Some(asked) = plain.and_then(|resource| self.as_owner(resource, Role::List, &place)) else { return false };
        class_of(&*self.w.send(asked).await) == ResponseClass::Success
    }

    /// Whether its owner is told of an object what it is told of an id that never existed.
    async fn is_told_of_nothing(&self, object: &ObjectName) -> bool {
        let none = object.id.like(similar(&object.id, &self.w.unique(), 1));
        let mut told = Vec::new();
        for id in [&object.id, &none] {
            let Some(asked) = self.of_object(Role::Read, &ObjectName { id: id.clone(), ..object.clone() }) else {
                return false;
            };
            let seen = self.w.send(asked).await;
            if class_of(&seen) != ResponseClass::Denied && !is_turned_away(&seen) {
                return false;
            }
            told.push(Features::of(&seen, &[id.to_string()]));
        }
        told.split_first().is_some_and(|(of_item, of_none)| are_alike(std::slice::from_ref(of_item), of_none))
    }

    /// Why an object is not removed of which no create of its owner's told: it may be one of the tenant's own, with an id
    /// that an attack was told, and is the run's only if its reading says so. If it is all the same and can't be read, the
    /// sweep finds it in its list.
    async fn spare(&self, name: &Name, object: &ObjectName) -> Option<Removal> {
        if operation_of(&self.w.spec, object.resource, Role::Read).is_none() {
            return Some(Removal::Spared);
        }
        let Some(asked) = self.of_object(Role::Read, object) else { return Some(Removal::Left(no_caller(name))) };
        let seen = self.w.send(asked).await;
        match seen.status() {
            Some(200..=299) if is_tagged(&seen, self.tag) => None,
            Some(200..=299 | 401 | 403 | 404 | 405 | 410) => Some(Removal::Spared),
            _ => Some(Removal::Left(format!("{name} could not be looked at: {}", seen.line()))),
        }
    }

    /// Lists every collection of every tenant and removes what carries the tag, children before their parents.
    async fn sweep(&mut self) {
        let spec = &self.w.tape().spec;
        let is_made = |resource: &ResourceIx| operation_of(spec, *resource, Role::Create).is_some();
        let mut resources: Vec<ResourceIx> = spec.resource_ixs().filter(is_made).collect();
        resources.sort_by_key(|resource| std::cmp::Reverse(spec[*resource].depth));
        for tenant in spec.tenant_ixs() {
            for resource in &resources {
                // Below what the run itself made nothing needs to be looked for: children go with their parents.
                let Some(above) = existing_above(spec, tenant, *resource) else { continue };
                let listing = self.list_tagged(tenant, *resource, &above).await;
                if let End::Unread(why) = listing.end {
                    let (tenant, resource) = (spec[tenant].id.to_string(), spec[*resource].name.clone());
                    self.left.insert(Left::List { tenant, resource }, why);
                }
                for id in listing.ids {
                    let object = ObjectName { tenant, resource: *resource, above: above.clone(), id };
                    // Not told by a create of the owner's: it is read, and must carry the tag, before it is removed.
                    self.remove(Item { name: Name::of(spec, &object), said_by: SaidBy::Attack }).await;
                }
            }
        }
    }

    /// Ids of what carries the tag in a tenant's list.
    async fn list_tagged(&self, tenant: TenantIx, resource: ResourceIx, above: &[(ResourceIx, ObjectId)]) -> Listing {
        let spec = &self.w.tape().spec;
        let described = &spec[resource];
        let mut ids = Vec::new();
        let place = Place::within(tenant, above);
        let no_list = |ids| Listing { ids, end: End::NoList };
        let Some(op) = operation_of(spec, resource, Role::List) else { return no_list(ids) };
        let Some(first) = self.as_owner(resource, Role::List, &place) else { return no_list(ids) };
        let pages = follow(&self.w, op, first, |_| false).await;
        for page in &pages.pages {
            match page.status() {
                Some(200..=299) => {}
                Some(401 | 403 | 404 | 405 | 410 | 501) => return no_list(ids),
                _ => return Listing::unread(ids, format!("{} could not be listed: {}", described.name, page.line())),
            }
            if is_page(page) {
                match tagged_on(spec, resource, page, self.tag) {
                    Some(shown) => ids.extend(shown),
                    None => {
                        let why = "shows something of the run, and no link beside it says what";
                        return Listing::unread(ids, format!("{} {why}: {}", described.name, page.line()));
                    }
                }
                continue;
            }
            let Some(json) = page.json() else {
                let why = format!("{} is listed in a form that can't be read: {}", described.name, page.line());
                return Listing::unread(ids, why);
            };
            ids.extend(tagged(json, self.tag, &described.id_member()));
        }
        match pages.is_complete {
            true => Listing { ids, end: End::Read },
            false => {
                let why = "has more pages than are read (limits.pages, or how to go on is not said under `page`)";
                Listing::unread(ids, format!("{} {why}", described.name))
            }
        }
    }

    fn of_object(&self, role: Role, object: &ObjectName) -> Option<Request> {
        self.as_owner(object.resource, role, &Place::named(object))
    }

    /// A request of a tenant in its own; none if nothing calls for the tenant, or there is no such request.
    fn as_owner(&self, resource: ResourceIx, role: Role, place: &Place) -> Option<Request> {
        let op = operation_of(&self.w.spec, resource, role)?;
        request(&self.w, own(&self.w, place.tenant).ok()?, op, place, &Words::default()).ok()
    }
}

/// The objects that a resource's list names, where they exist already; none if the run would have to make one.
fn existing_above(spec: &Spec, tenant: TenantIx, resource: ResourceIx) -> Option<Vec<(ResourceIx, ObjectId)>> {
    let of = |need: &ResourceIx| Some((*need, spec[*need].supply.known(&spec[tenant].id).first()?.clone()));
    operation_of(spec, resource, Role::List)?.request.objects().iter().map(of).collect()
}

fn no_caller(name: &Name) -> String {
    format!(
        "{name}: no request can be made for it: its tenant has no principal that names it, or another object is not known"
    )
}

/// Whether an answer holds what was written by the run with this tag.
fn is_tagged(seen: &Exchange, tag: &str) -> bool {
    let text = || seen.response().map(|received| received.body.text()).unwrap_or_default();
    seen.json().map_or_else(|| RunTag::marks(tag, text()), |json| carries(json, tag))
}

/// Ids of what carries the tag on a page for people. None where it is not clear of which object something is.
fn tagged_on(spec: &Spec, resource: ResourceIx, page: &Exchange, tag: &str) -> Option<BTreeSet<ObjectId>> {
    let text = page.response().map(|received| received.body.text()).unwrap_or_default();
    let is_marker = |at: usize| {
        let end = at.saturating_add(tag.len());
        let mut begins = BEFORE_TAG.iter().filter_map(|length| at.checked_sub(*length));
        begins.any(|begin| text.get(begin..end).is_some_and(|text| RunTag::marks(tag, text)))
    };
    let places = text.match_indices(tag).map(|(at, _)| at).filter(|at| is_marker(*at));
    ids_at(spec, resource, page, places).into_iter().collect()
}

/// Bytes of a marker before the tag in it: its kind, with or without its owner.
const BEFORE_TAG: [usize; 2] = [3, 5];

/// Ids of the items of a list that carry the tag in themselves, not in another object that they embed.
fn tagged(json: &Value, tag: &str, id: &str) -> Vec<ObjectId> {
    match json {
        Value::Array(items) => items.iter().filter_map(|item| item_id(item, tag, id)).collect(),
        Value::Object(members) => members.values().flat_map(|value| tagged(value, tag, id)).collect(),
        _ => Vec::new(),
    }
}

fn item_id(item: &Value, tag: &str, id: &str) -> Option<ObjectId> {
    let members = item.as_object()?;
    // An item may be wrapped: `{ "case": { "id": … } }`.
    let Some(named) = members.get(id).and_then(ObjectId::of) else {
        return members.values().find_map(|value| item_id(value, tag, id));
    };
    members.values().any(|value| carries_itself(value, tag, id)).then_some(named)
}

fn carries_itself(value: &Value, tag: &str, id: &str) -> bool {
    match value {
        Value::String(text) => RunTag::marks(tag, text),
        Value::Object(members) if !members.contains_key(id) => {
            members.values().any(|value| carries_itself(value, tag, id))
        }
        _ => false,
    }
}

/// Whether anything in a document was written by the run with this tag.
fn carries(json: &Value, tag: &str) -> bool {
    match json {
        Value::Array(items) => items.iter().any(|item| carries(item, tag)),
        Value::Object(members) => members.values().any(|value| carries(value, tag)),
        Value::String(text) => RunTag::marks(tag, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_takes_items_that_carry_the_tag_themselves_not_in_what_they_embed() {
        let json = serde_json::json!({ "id": "page", "items": [
            { "id": "1", "title": "wtpaaabcdef-x" }, { "id": "2", "title": "other" },
            { "id": 3, "attributes": { "label": "x wtuabcdefxyz" } },
            { "id": "4", "blob": "a text in which abcdef is there by chance" },
            { "id": "5", "case": { "id": "17", "title": "wtpaaabcdef-x" } },
            { "id": "6", "comments": [{ "id": "9", "text": "wtaaaabcdefxyz" }] },
            { "ticket": { "id": "7", "title": "wtpaaabcdef-x" } },
        ]});
        assert_eq!(tagged(&json, "abcdef", "id"), ["1", "3", "7"].map(ObjectId::text));
    }
}
