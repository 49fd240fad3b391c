//! Whose data is in an answer, and the controls that must hold before anything is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use watertight_engine::call::{Address, Request};
use watertight_engine::log::Exchange;
use watertight_engine::marker::Encoding;
use watertight_engine::planted::{Marker, Object, Planted, Witness};
use watertight_engine::{Seen, Tape};
use watertight_spec::{Role, Spec, TenantIx};

use super::ids::has_unique_id;
use super::plant::words_of;
use super::{item_of, path_of_link, scalar, tenant_name};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, class_of, class_of_write};

/// What of a tenant's is in an answer, for people. Content alone is looked at, whatever the status.
pub(crate) fn foreign(t: &Tape, exchange: &Exchange, tenant: TenantIx) -> Option<String> {
    shown_of(&t.spec, &t.planted, exchange, tenant)
}

/// The same without a tape, for what is judged over a whole log.
pub(crate) fn shown_of(spec: &Spec, planted: &Planted, exchange: &Exchange, tenant: TenantIx) -> Option<String> {
    let name = spec[tenant].name.as_str();
    if let Some(hit) = exchange.hits.iter().find(|hit| hit.owner == tenant) {
        return Some(format!("{} of {} in the {}", hit.text, name, hit.place));
    }
    if let Some(shown) = planted.witnesses(tenant).find_map(|witness| witnessed(exchange, witness)) {
        return Some(format!("{shown}, which only {name} can read,"));
    }
    let object = listed(spec, planted, exchange, tenant)?;
    Some(format!("{} {} of {name}", spec[object.resource].name, object.id))
}

/// Which object of a tenant's a list shows, as far as its id alone tells: a list may show nothing else of an object by which it
/// is recognised.
fn listed<'p>(spec: &Spec, planted: &'p Planted, exchange: &Exchange, tenant: TenantIx) -> Option<&'p Object> {
    let op = exchange.operation.map(|operation| &spec[operation]).filter(|op| op.role == Role::List)?;
    planted.of(tenant, op.resource?).find(|object| is_listed(spec, planted, exchange, object))
}

/// Whether an answer lists an object that the run has made, by an id that no other object has.
pub(crate) fn is_listed(spec: &Spec, planted: &Planted, exchange: &Exchange, object: &Object) -> bool {
    matches!(object.marker, Marker::Planted(_))
        && has_unique_id(spec, planted, object)
        && item_of(&spec[object.resource], exchange, &object.id).is_some()
}

/// What of an existing object is in an answer, if that is enough to recognise it.
fn witnessed(exchange: &Exchange, witness: &Witness) -> Option<String> {
    let alone = witness.alone.iter().find(|value| contains(exchange, value));
    let together = || {
        let all = !witness.together.is_empty() && witness.together.iter().all(|value| contains(exchange, value));
        all.then(|| witness.together.join(" and "))
    };
    alone.cloned().or_else(together)
}

/// What shows a leak, if anything of `tenant`'s is in the answer.
pub(crate) fn leak(t: &Tape, exchange: &Exchange, tenant: TenantIx) -> Option<Evidence> {
    let what = foreign(t, exchange, tenant)?;
    Some(Evidence::of(Shows::ForeignData, format!("{} was given {what}", exchange.by), exchange))
}

/// Whether an answer shows this object's own marker.
pub(crate) fn shows(exchange: &Exchange, object: &Object) -> bool {
    match &object.marker {
        Marker::Planted(canary) => exchange.hits.iter().any(|hit| {
            hit.owner == object.tenant
                && (hit.encoding != Encoding::Plain || hit.text.to_lowercase().starts_with(&canary.secret))
        }),
        // What its owner has written into an object that may be changed is the run's own marker.
        Marker::Witnessed(witness) => {
            witnessed(exchange, witness).is_some() || exchange.hits.iter().any(|hit| hit.owner == object.tenant)
        }
    }
}

/// Headers that tell when something last changed, whoever's it was: the time of a tenant's own object is no content of it.
const CLOCKS: [&str; 4] = ["date", "etag", "expires", "last-modified"];

/// Whether a value is in an answer as a whole word, and was not in the request.
fn contains(exchange: &Exchange, value: &str) -> bool {
    let Some(received) = exchange.response() else { return false };
    let was_sent = exchange.request.target.contains(value)
        || exchange.request.body.as_deref().is_some_and(|body| body.contains(value));
    let mut telling = received.headers.iter().filter(|(name, _)| !CLOCKS.contains(&name.as_str()));
    !was_sent && (has_word(received.body.text(), value) || telling.any(|(_, text)| has_word(text, value)))
}

/// Whether a value is in a text as a whole word.
pub(crate) fn has_word(text: &str, value: &str) -> bool {
    text.match_indices(value).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at.saturating_add(value.len())..).and_then(|t| t.chars().next());
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// A control: the owner's own request succeeds, and shows the object's marker, if it has one, within `settle`.
pub(crate) async fn control(t: &Tape, request: &Request, object: &Object) -> Result<Seen, Stop> {
    let unseen = Reason::MarkerNotSeen;
    let mut doubt = Unproven::new(unseen, unseen.says());
    let found = poll(t, async || {
        match succeed(t, request.clone(), object.tenant).await {
            Ok(exchange) if object.marker.is_empty() || shows(&exchange, object) => return Ok(Some(exchange)),
            Ok(exchange) => doubt = Unproven::shown(unseen, unseen.says(), &exchange),
            Err(Stop::Unproven(unproven)) => doubt = unproven,
            Err(stop) => return Err(stop),
        }
        Ok(None)
    })
    .await?;
    found.ok_or(Stop::Unproven(doubt))
}

/// A control without a marker: it must succeed, and show nothing of other tenants.
pub(crate) async fn succeed(t: &Tape, request: Request, owner: TenantIx) -> Result<Seen, Stop> {
    let exchange = t.send(request).await;
    match failed(&exchange) {
        Some(stop) => Err(stop),
        None => shows_no_other(t, exchange, owner),
    }
}

/// The same for a write, where leading on to an object of the kind is a success.
pub(crate) async fn succeed_writing(t: &Tape, request: Request, owner: TenantIx) -> Result<Seen, Stop> {
    let exchange = t.send(request).await;
    match failed(&exchange).filter(|_| class_of_write(&t.spec, &exchange) != ResponseClass::Success) {
        Some(stop) => Err(stop),
        None => shows_no_other(t, exchange, owner),
    }
}

/// The same where leading on anywhere will do: whoever asks must then look at what was done.
pub(crate) async fn succeed_or_lead_on(t: &Tape, request: Request, owner: TenantIx) -> Result<Seen, Stop> {
    let exchange = t.send(request).await;
    match failed(&exchange).filter(|_| !exchange.leads_on()) {
        Some(stop) => Err(stop),
        None => shows_no_other(t, exchange, owner),
    }
}

fn shows_no_other(t: &Tape, exchange: Seen, owner: TenantIx) -> Result<Seen, Stop> {
    let mut strangers = t.spec.tenant_ixs().filter(|tenant| *tenant != owner);
    match strangers.find_map(|tenant| foreign(t, &exchange, tenant)) {
        None => Ok(exchange),
        Some(what) => {
            let detail = format!("a control shows {what} (see api.own-view)");
            Err(Unproven::shown(Reason::ControlShowsForeign, detail, &exchange).into())
        }
    }
}

/// Why a tenant's own request did not succeed, if it did not.
pub(crate) fn failed(exchange: &Exchange) -> Option<Stop> {
    match class_of(exchange) {
        ResponseClass::Success => None,
        ResponseClass::NotOffered => Some(Stop::not_offered(exchange)),
        ResponseClass::Denied => {
            let detail = format!("the owner itself was denied{}", said_in_success(exchange));
            Some(Unproven::shown(reason(exchange), detail, exchange).into())
        }
        ResponseClass::Undecided => {
            let about = format!("control{}", said_in_success(exchange));
            Some(Unproven::undecided(exchange).about(&about).into())
        }
    }
}

/// What a refusal says whose status is that of a success.
fn said_in_success(exchange: &Exchange) -> String {
    if exchange.succeeded() { words_of(exchange) } else { String::new() }
}

/// The kind of doubt when a tenant's own request did not succeed.
pub(crate) fn reason(exchange: &Exchange) -> Reason {
    match class_of(exchange) {
        ResponseClass::Denied => Reason::ControlFailed,
        _ => Reason::of(exchange),
    }
}

/// Tries until it succeeds or `settle` has passed; the last attempt is after that.
pub(crate) async fn poll<T>(
    t: &Tape,
    mut attempt: impl AsyncFnMut() -> Result<Option<T>, Stop>,
) -> Result<Option<T>, Stop> {
    let begun = t.clock();
    loop {
        // What an answer takes is time too.
        let passed = t.clock().saturating_sub(begun);
        if let Some(found) = attempt().await? {
            return Ok(Some(found));
        }
        if passed >= t.spec.target.settle {
            return Ok(None);
        }
        t.wait(pause(t)).await;
    }
}

/// How long to wait between two looks.
fn pause(t: &Tape) -> Duration {
    (t.spec.target.settle / 4).max(Duration::from_millis(1))
}

/// Where a redirect leads, if it leads to a path of the same target.
pub(crate) fn redirected(spec: &Spec, exchange: &Exchange) -> Option<Address> {
    exchange.response().filter(|received| matches!(received.status, 301 | 302 | 303 | 307 | 308))?;
    path_of_link(spec, exchange, exchange.header("location")?)
}

/// A member of `tenancy.fields` that names another tenant, in an object that the caller did not write itself.
///
/// A tenant may have stored any text in its own object: one that holds a nonce of its own proves nothing.
pub(crate) fn foreign_field(t: &Tape, exchange: &Exchange, own: TenantIx, nonce_prefix: &str) -> Option<String> {
    let mut others = t.spec.tenant_ixs().filter(|tenant| *tenant != own);
    others.find_map(|tenant| field_naming(&t.spec, exchange, tenant, |object| object.contains(nonce_prefix)))
}

/// A member of `tenancy.fields` that names this tenant, in an object whose text is not `excused`.
pub(crate) fn field_naming(
    spec: &Spec,
    exchange: &Exchange,
    tenant: TenantIx,
    excused: impl Fn(&str) -> bool,
) -> Option<String> {
    let fields = &spec.tenancy.fields;
    let called = BTreeSet::from([tenant_name(spec, tenant), spec[tenant].name.as_str()]);
    let mut named = called.into_iter().filter(|_| !fields.is_empty());
    named.find_map(|name| match exchange.response()?.body.text().contains(name) {
        true => find_field(exchange.json()?, fields, name, &excused),
        false => None,
    })
}

fn find_field(json: &Value, fields: &[String], tenant: &str, excused: &dyn Fn(&str) -> bool) -> Option<String> {
    match json {
        Value::Array(items) => items.iter().find_map(|item| find_field(item, fields, tenant, excused)),
        Value::Object(members) => {
            let here = fields.iter().find(|field| members.get(*field).and_then(Value::as_str) == Some(tenant));
            let told = here.filter(|_| !excused(&json.to_string())).map(|field| format!("{field} = {tenant}"));
            told.or_else(|| members.values().find_map(|value| find_field(value, fields, tenant, excused)))
        }
        _ => None,
    }
}

/// The longest place of a scalar that is kept, in bytes.
const LONGEST_PLACE: usize = 512;
/// How many scalars of a document are kept.
const MOST_LEAVES: usize = 20_000;

/// Every scalar of a document, by its place; within bounds, since a target may answer anything.
pub(crate) fn leaves(json: &Value) -> BTreeMap<String, String> {
    fn gather(json: &Value, path: &str, into: &mut BTreeMap<String, String>) {
        if path.len() > LONGEST_PLACE || into.len() >= MOST_LEAVES {
            return;
        }
        match json {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| gather(value, &format!("{path}.{name}"), into));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, value)| gather(value, &format!("{path}[{n}]"), into));
            }
            Value::Bool(flag) => drop(into.insert(path.to_owned(), flag.to_string())),
            other => drop(into.insert(path.to_owned(), scalar(other).unwrap_or_default())),
        }
    }
    let mut all = BTreeMap::new();
    gather(json, "$", &mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_names_another_tenant_counts_unless_its_object_is_excused() {
        let named = |json: Value| {
            find_field(&json, &["tenantId".to_owned()], "south", &|object| object.contains("written by the run"))
        };
        let south = || serde_json::json!({ "title": "old", "tenantId": "south" });
        let own_doing = || serde_json::json!({ "title": "written by the run", "tenantId": "south" });
        assert_eq!(named(serde_json::json!({ "items": [own_doing(), south()] })).as_deref(), Some("tenantId = south"));
        assert_eq!(named(serde_json::json!({ "items": [own_doing()], "tenantId": "north" })), None);
        assert_eq!(named(serde_json::json!({ "tenantId": "south-east", "tenant": "south" })), None);
    }

    #[test]
    fn a_long_name_before_many_values_takes_no_more_than_a_bounded_space() {
        let hostile = serde_json::json!({ "k".repeat(100_000): vec![0; 20_000], "few": vec![1; 50_000] });
        let all = leaves(&hostile);
        assert!(all.len() <= 20_000, "{}", all.len());
        assert!(all.keys().map(String::len).sum::<usize>() < 11_000_000);
        assert_eq!(all.get("$.few[0]").map(String::as_str), Some("1"));
    }
}
