//! Clean-up: removes what the journal says was created, then sweeps every list for what still carries the run's tag.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use watertight_engine::WriteTape;
use watertight_engine::call::{Address, Mark, Request};
use watertight_engine::journal::{Item, SaidBy};
use watertight_engine::marker::RunTag;
use watertight_spec::{Effect, ResourceIx, Symbol, TenantIx};

use crate::shared::{Features, address, are_alike, id_member, locate, next_page, own, scalar, similar, tenant_name};
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
}

impl Cleaned {
    /// With what another clean-up did.
    pub(crate) fn add(&mut self, other: Self) {
        self.removed = self.removed.saturating_add(other.removed);
        self.gone.extend(other.gone);
        self.left_behind.extend(other.left_behind);
    }
}

/// Removes everything of a run, each object as its owner: `remaining` as the journal gives it, the newest first.
pub async fn clean(w: WriteTape<'_>, run_tag: &str, remaining: Vec<Item>, sweep: Sweep) -> Cleaned {
    let mut cleanup =
        Cleanup { w, tag: run_tag, removed: 0, gone: Vec::new(), done: BTreeSet::new(), left: BTreeMap::new() };
    for item in remaining {
        let address = Address::from(item.path.as_str());
        cleanup.remove(item, address).await;
    }
    // Without a tag everything would be the run's.
    if sweep == Sweep::Needed && !run_tag.is_empty() {
        cleanup.sweep().await;
    }
    Cleaned { removed: cleanup.removed, gone: cleanup.gone, left_behind: cleanup.left.into_values().collect() }
}

/// A tenant's id and a path of its own: a path alone names no tenant where a header does.
type Key = (String, String);

struct Cleanup<'t> {
    w: WriteTape<'t>,
    tag: &'t str,
    removed: usize,
    gone: Vec<Item>,
    /// What is no longer there: a journal, or a list, may name it twice.
    done: BTreeSet<Key>,
    /// Why something is still there.
    left: BTreeMap<Key, String>,
}

/// What a list shows that carries the tag.
struct Listing {
    items: Vec<Address>,
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
    fn unread(items: Vec<Address>, why: String) -> Self {
        Self { items, end: End::Unread(why) }
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
    /// It is still there, and why.
    Left(String),
}

impl Cleanup<'_> {
    async fn remove(&mut self, item: Item, address: Address) {
        let key = (item.tenant.clone(), item.path.clone());
        if self.done.contains(&key) {
            return;
        }
        match self.attempt(&item, address).await {
            Removal::Removed => self.removed = self.removed.saturating_add(1),
            Removal::Gone => self.gone.push(item),
            Removal::Spared => return,
            Removal::Left(why) => {
                self.left.insert(key, why);
                return;
            }
        }
        self.left.remove(&key);
        self.done.insert(key);
    }

    async fn attempt(&mut self, item: &Item, address: Address) -> Removal {
        let spec = &self.w.tape().spec;
        let Some(tenant) = spec.tenant_ixs().find(|tenant| tenant_name(spec, *tenant) == item.tenant) else {
            return Removal::Left(format!("{}: the spec has no tenant {}", item.path, item.tenant));
        };
        if item.said_by == SaidBy::Attack
            && let Some(removal) = self.spare(item, tenant, &address).await
        {
            return removal;
        }
        let mark = Mark::Removes { item: address.clone() };
        let asked = self.as_owner(tenant, "DELETE", address).map(|r| r.effect(Effect::Destroy).mark(mark));
        let Some(asked) = asked else { return Removal::Left(no_caller(&item.path, &item.tenant)) };
        let answer = self.w.send(asked).await;
        match answer.status() {
            Some(200..=299) => Removal::Removed,
            Some(404 | 410) => Removal::Gone,
            _ if self.is_gone(item, tenant).await => Removal::Gone,
            _ => {
                let Item { path, tenant, .. } = item;
                Removal::Left(format!("{path} of tenant {tenant} could not be removed: {}", answer.line()))
            }
        }
    }

    /// Whether an object that can't be removed is not there: its owner's list, read to its end, does not show it, and of the
    /// object the owner is told what it is told of an id that never existed. Some targets answer 403 to both.
    async fn is_gone(&self, item: &Item, tenant: TenantIx) -> bool {
        let spec = &self.w.tape().spec;
        let resource = spec.resource_ixs().find(|resource| spec[*resource].name == item.resource);
        let (path, end) = item.path.strip_suffix('/').map_or((item.path.as_str(), ""), |path| (path, "/"));
        let (Some(resource), Some((above, id))) = (resource, path.rsplit_once('/')) else { return false };
        let collection = Address::from(format!("{above}{end}"));
        let listing = self.list_tagged(tenant, resource, &collection).await;
        let is_listed = listing.items.iter().any(|address| address.shown() == item.path);
        if listing.end != End::Read || is_listed {
            return false;
        }
        let none = similar(id, &self.w.unique(), 1);
        let mut told = Vec::new();
        for id in [id, &none] {
            let address = Address::from(format!("{above}/{id}{end}"));
            let Some(asked) = self.as_owner(tenant, "GET", address) else { return false };
            let seen = self.w.send(asked).await;
            if class_of(&seen) != ResponseClass::Denied {
                return false;
            }
            told.push(Features::of(&seen, &[id.to_owned()]));
        }
        told.split_first().is_some_and(|(of_item, of_none)| are_alike(std::slice::from_ref(of_item), of_none))
    }

    /// Why an object is not removed of which no create of its owner's told: it may be one of the tenant's own, with an id
    /// that an attack was told, and is the run's only if its reading says so. If it is all the same and can't be read, the
    /// sweep finds it in its list.
    async fn spare(&self, item: &Item, tenant: TenantIx, address: &Address) -> Option<Removal> {
        let Some(asked) = self.as_owner(tenant, "GET", address.clone()) else {
            return Some(Removal::Left(no_caller(&item.path, &item.tenant)));
        };
        let seen = self.w.send(asked).await;
        match seen.status() {
            Some(200..=299) if seen.json().is_some_and(|json| carries(json, self.tag)) => None,
            Some(200..=299 | 401 | 403 | 404 | 405 | 410) => Some(Removal::Spared),
            _ => Some(Removal::Left(format!("{} could not be looked at: {}", item.path, seen.line()))),
        }
    }

    /// Lists every collection of every tenant and removes what carries the tag, children before their parents.
    async fn sweep(&mut self) {
        let spec = &self.w.tape().spec;
        let mut resources: Vec<ResourceIx> =
            spec.resource_ixs().filter(|resource| spec[*resource].create.is_some()).collect();
        resources.reverse();
        for tenant in spec.tenant_ixs() {
            for resource in &resources {
                let Some(collection) = self.collection(tenant, *resource) else { continue };
                let listing = self.list_tagged(tenant, *resource, &collection).await;
                if let End::Unread(why) = listing.end {
                    self.left.insert((tenant_name(spec, tenant).to_owned(), collection.shown()), why);
                }
                for address in listing.items {
                    let item = Item {
                        tenant: tenant_name(spec, tenant).to_owned(),
                        resource: spec[*resource].name.clone(),
                        path: address.shown(),
                        // Not told by a create of the owner's: it is read, and must carry the tag, before it is removed.
                        said_by: SaidBy::Attack,
                    };
                    self.remove(item, address).await;
                }
            }
        }
    }

    /// The collection's path, if it is below nothing that the run itself made: children go with their parents.
    fn collection(&self, tenant: TenantIx, resource: ResourceIx) -> Option<Address> {
        let spec = &self.w.spec;
        let name = &spec[tenant].id;
        address(&spec[resource].collection, |address, symbol| match symbol {
            Symbol::Tenant => Some(address.value(name.as_str())),
            Symbol::Object(parent) => Some(address.value(spec[*parent].existing.get(name)?.as_str())),
            Symbol::Canary | Symbol::CanaryPublic | Symbol::Unique => None,
        })
    }

    /// Where the items are that carry the tag.
    async fn list_tagged(&self, tenant: TenantIx, resource: ResourceIx, collection: &Address) -> Listing {
        let spec = &self.w.tape().spec;
        let described = &spec[resource];
        let mut items = Vec::new();
        let mut next = Some(collection.clone());
        for _ in 0..spec.limits.pages {
            let Some(asked) = next.take().and_then(|address| self.as_owner(tenant, "GET", address)) else { break };
            let page = self.w.send(asked).await;
            match page.status() {
                Some(200..=299) => {}
                Some(401 | 403 | 404 | 405 | 410 | 501) => return Listing { items, end: End::NoList },
                _ => return Listing::unread(items, format!("{collection} could not be listed: {}", page.line())),
            }
            let Some(json) = page.json() else {
                let why = format!("{collection} is listed in a form that can't be read: {}", page.line());
                return Listing::unread(items, why);
            };
            let ids = tagged(json, self.tag, &id_member(described));
            items.extend(ids.into_iter().map(|id| collection.clone().item(id)));
            next = next_page(spec, described, &page);
        }
        match next {
            Some(_) => Listing::unread(items, format!("{collection} has more pages than are read (limits.pages)")),
            None => Listing { items, end: End::Read },
        }
    }

    /// A request of a tenant in its own; none if nothing calls for the tenant.
    fn as_owner(&self, tenant: TenantIx, method: &str, address: Address) -> Option<Request> {
        let caller = own(&self.w, tenant).ok()?;
        let spec = &self.w.spec;
        Some(locate(spec, Request::read(caller, tenant, method, address), tenant_name(spec, tenant)))
    }
}

fn no_caller(path: &str, tenant: &str) -> String {
    format!("{path}: tenant {tenant} has no principal that names it")
}

/// Ids of the items of a list that carry the tag in themselves, not in another object that they embed.
fn tagged(json: &Value, tag: &str, id: &str) -> Vec<String> {
    match json {
        Value::Array(items) => items.iter().filter_map(|item| item_id(item, tag, id)).collect(),
        Value::Object(members) => members.values().flat_map(|value| tagged(value, tag, id)).collect(),
        _ => Vec::new(),
    }
}

fn item_id(item: &Value, tag: &str, id: &str) -> Option<String> {
    let members = item.as_object()?;
    // An item may be wrapped: `{ "case": { "id": … } }`.
    let Some(named) = members.get(id).and_then(scalar) else {
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
        assert_eq!(tagged(&json, "abcdef", "id"), ["1", "3", "7"]);
    }
}
