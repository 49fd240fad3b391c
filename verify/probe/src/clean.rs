//! Clean-up: removes what the journal says was created, then sweeps every list for what still carries the run's tag.

use serde_json::Value;
use watertight_spec::{Locator, Names, Resource, Spec, Symbol};

use crate::journal::{Entry, Item, Journal, SaidBy};
use crate::marker::RunTag;
use crate::plan::PATH_SEGMENT;
use crate::request::{Call, Caller, Mark, Request, Who};
use crate::session::{Session, SessionError};
use crate::tape::scalar;
use crate::trace::{Exchange, Owner, Trace};

/// What a clean-up did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// How many objects were removed.
    pub removed: usize,
    /// What could not be, for people.
    pub left_behind: Vec<String>,
}

/// Cleans up after a run that was killed, from its journal.
pub async fn clean_journal(spec: &Spec, journal: Journal) -> Result<Cleaned, SessionError> {
    let tag_text = journal.tag().unwrap_or_default().to_owned();
    // The session's own markers are of no use here; only the killed run's tag is looked for.
    let tag = RunTag::new(0, rand::random());
    let mut session = Session::new(spec, &tag, journal)?;
    let mut trace = Trace::default();
    let left_behind = clean(spec, &tag_text, &mut session, &mut trace).await;
    let is_removal = |x: &Exchange| x.request.method == "DELETE" && x.succeeded();
    let removed = trace.events().iter().filter(|e| trace.exchange(e.seq).is_some_and(is_removal)).count();
    Ok(Cleaned { removed, left_behind })
}

/// Removes everything of a run; returns what is left, for people.
pub(crate) async fn clean(spec: &Spec, tag: &str, session: &mut Session<'_>, trace: &mut Trace) -> Vec<String> {
    let mut left = Vec::new();
    for item in session.journal().remaining() {
        left.extend(remove(spec, &item, tag, session, trace).await);
    }
    if !session.journal().is_clean() && !tag.is_empty() {
        left.extend(sweep(spec, tag, session, trace).await);
    }
    if left.is_empty() {
        // Should this line not reach the disk, a later `clean` finds nothing to remove.
        let _ = session.journal().write(Entry::Cleaned);
    }
    left
}

/// Removes one object as its owner; an object that is gone already is fine.
async fn remove(spec: &Spec, item: &Item, tag: &str, session: &mut Session<'_>, trace: &mut Trace) -> Option<String> {
    let Some(tenant) = spec.tenants.iter().position(|t| t.id.as_str() == item.tenant) else {
        return Some(format!("{}: the spec has no tenant {}", item.path, item.tenant));
    };
    if item.said_by == SaidBy::Attack {
        // Perhaps an object of the tenant's own, with an id that an attack was told. If it is the run's all the same and
        // can't be told by reading it, the sweep finds it in its list.
        let seen = perform(own(spec, tenant, "GET", &item.path)?, session, trace).await?;
        match seen.status() {
            Some(200..=299) if seen.json().is_some_and(|json| carries(&json, tag)) => {}
            Some(200..=299 | 401 | 403 | 404 | 405 | 410) => return None,
            _ => return Some(format!("{} could not be looked at: {}", item.path, seen.line())),
        }
    }
    let request = own(spec, tenant, "DELETE", &item.path)?.mark(Mark::Removes { item: item.path.clone() });
    let exchange = perform(request, session, trace).await?;
    match exchange.status() {
        Some(200..=299) => None,
        Some(404 | 410) => {
            let removed = Entry::Removed { tenant: item.tenant.clone(), path: item.path.clone() };
            let _ = session.journal().write(removed);
            None
        }
        _ => Some(format!("{} of tenant {} could not be removed: {}", item.path, item.tenant, exchange.line())),
    }
}

/// Lists every collection of every tenant and removes what carries the tag.
async fn sweep(spec: &Spec, tag: &str, session: &mut Session<'_>, trace: &mut Trace) -> Vec<String> {
    let mut left = Vec::new();
    for (tenant, details) in spec.tenants.iter().enumerate() {
        for resource in spec.resources.iter().rev().filter(|resource| resource.create.is_some()) {
            let Some(collection) = collection(spec, tenant, resource) else { continue };
            let (paths, unseen) = tagged_items(spec, tenant, resource, &collection, tag, session, trace).await;
            left.extend(unseen);
            for path in paths {
                let (tenant, resource) = (details.id.to_string(), resource.name.clone());
                // Not told by a create of the owner's: it is read, and must carry the tag, before it is removed.
                let item = Item { tenant, resource, path, said_by: SaidBy::Attack };
                left.extend(remove(spec, &item, tag, session, trace).await);
            }
        }
    }
    left
}

/// The collection's path, if it hangs on nothing that the run itself made: children go with their parents.
fn collection(spec: &Spec, tenant: usize, resource: &Resource) -> Option<String> {
    let name = &spec.tenants.get(tenant)?.id;
    resource.collection.render(|symbol| match symbol {
        Symbol::Tenant => Some(encode(name.as_str())),
        Symbol::Object(parent) => spec.resources.get(*parent)?.existing.get(name).map(|id| encode(id)),
        Symbol::Canary | Symbol::CanaryPublic | Symbol::Unique => None,
    })
}

/// Paths of the items that carry the tag; and what could not be listed, for people.
async fn tagged_items(
    spec: &Spec,
    tenant: usize,
    resource: &Resource,
    collection: &str,
    tag: &str,
    session: &mut Session<'_>,
    trace: &mut Trace,
) -> (Vec<String>, Option<String>) {
    let mut found = Vec::new();
    let mut next = Some(collection.to_owned());
    for _ in 0..spec.limits.pages {
        let Some(path) = next.take() else { break };
        let Some(request) = own(spec, tenant, "GET", &path) else { break };
        let Some(page) = perform(request, session, trace).await else { break };
        match page.status() {
            Some(200..=299) => {}
            // No such list: what the journal says is all that can be known.
            Some(401 | 403 | 404 | 405 | 410 | 501) => break,
            _ => return (found, Some(format!("{collection} could not be listed: {}", page.line()))),
        }
        let Some(json) = page.json() else { break };
        let ids = tagged(&json, tag, &id_member(resource));
        found.extend(ids.iter().map(|id| format!("{collection}/{}", encode(id))));
        next = crate::checks::next_page(spec, resource, &page);
    }
    (found, None)
}

/// The member of an item that holds its id: the last one of the path to it in the answer to a create.
fn id_member(resource: &Resource) -> String {
    let path = resource.id.to_string();
    let end = path.trim_end_matches(['\'', '"', ']']);
    end.rsplit(['.', '[', '\'', '"']).next().unwrap_or("id").to_owned()
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

fn own(spec: &Spec, tenant: usize, method: &str, path: &str) -> Option<Request> {
    let details = spec.tenants.get(tenant)?;
    let principal = details.principals.iter().position(|p| p.names == Names::Own)?;
    let request = Request::new(Caller::Own(Who { tenant, principal }), tenant, method, path);
    Some(match &spec.tenancy.locator {
        Locator::Header(name) => request.header(name, details.id.as_str()),
        Locator::Path | Locator::Token => request,
    })
}

async fn perform(request: Request, session: &mut Session<'_>, trace: &mut Trace) -> Option<Exchange> {
    session.perform(&Call::Api(request), Owner::Cleanup, trace).await;
    trace.exchange(trace.next_seq().checked_sub(1)?).cloned()
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, PATH_SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_takes_items_that_carry_the_tag_themselves_not_in_what_they_embed() {
        let json = serde_json::json!({ "id": "page", "items": [
            { "id": "1", "title": "wtpaaabcdef-x" }, { "id": "2", "title": "other" },
            { "id": 3, "attributes": { "label": "x wtuabcdefxyz" } },
            { "id": "4", "blob": "a text in which abcdef stands by chance" },
            { "id": "5", "case": { "id": "17", "title": "wtpaaabcdef-x" } },
            { "id": "6", "comments": [{ "id": "9", "text": "wtaaaabcdefxyz" }] },
            { "ticket": { "id": "7", "title": "wtpaaabcdef-x" } },
        ]});
        assert_eq!(tagged(&json, "abcdef", "id"), ["1", "3", "7"]);
    }
}
