//! Objects that the run did not make: read by their owners, and compared with what else tenants are shown.

use std::collections::BTreeSet;

use serde_json::Value;
use watertight_engine::Tape;
use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::planted::{Marker, Object, Witness};
use watertight_spec::{Effect, ObjectId, Operation, ResourceIx, Role, Spec, TenantIx};

use super::witness::is_shown_apart;
use crate::shared::{
    Pages, Place, Words, failed, first_page, follow, has_word, id_of, items, leaves, look_up, operation_of, own,
    parents_for, request, succeed, told_to_anyone,
};
use crate::verdict::{Reason, Stop, Unproven};

/// What can be read of an object that the run did not make.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// Values that its owner sees, each time that it looks.
    pub(super) owner: BTreeSet<String>,
    /// Values that anyone sees.
    pub(super) anonymous: BTreeSet<String>,
    /// Values of each object in its owner's list.
    pub(super) listed: Vec<BTreeSet<String>>,
}

impl Reading {
    /// Whether its owner is shown this text.
    pub(super) fn shows(&self, text: &str) -> bool {
        self.owner.iter().any(|value| has_word(value, text))
    }
}

/// Reads an object as its owner, and as anyone.
pub(super) async fn observe(
    t: &Tape,
    tenant: TenantIx,
    resource: ResourceIx,
    id: &ObjectId,
) -> Result<(Object, Reading), Stop> {
    let parents = parents_for(t, tenant, resource)?;
    let marker = Marker::Witnessed(Witness::default());
    let object = Object { tenant, resource, id: id.clone(), parents, marker };
    let Some(op) = operation_of(&t.spec, resource, Role::Read) else {
        return observe_in_list(t, object).await;
    };
    let asked = request(t, own(t, tenant)?, op, &Place::of(&object), &Words::default())?;
    let first = succeed(t, asked.clone(), tenant).await?;
    let by_anyone = told_to_anyone(t, &asked).await;
    let listed = listed(t, &object).await?;
    // What changes by itself is no witness.
    let second = succeed(t, asked, tenant).await?;
    let owner = shown(&first).intersection(&shown(&second)).cloned().collect();
    Ok((object, Reading { owner, anonymous: shown(&by_anyone), listed }))
}

/// What an answer shows: the values of a document, or the lines of a text.
fn shown(exchange: &Exchange) -> BTreeSet<String> {
    match (exchange.json(), exchange.response()) {
        (Some(json), _) => values(json),
        (None, Some(received)) => {
            let lines = received.body.text().lines().map(str::trim).filter(|line| !line.is_empty());
            lines.take(MOST_LINES).map(str::to_owned).collect()
        }
        (None, None) => BTreeSet::new(),
    }
}

/// Lines of a text that are looked at.
const MOST_LINES: usize = 1000;

/// An object that can't be read by itself, as its owner's list and anyone's show it.
async fn observe_in_list(t: &Tape, object: Object) -> Result<(Object, Reading), Stop> {
    let item = async || -> Result<Value, Stop> {
        let found = look_up(t, &object).await?;
        if let Some(stop) = failed(&found.page) {
            return Err(stop);
        }
        let unlisted = || Unproven::shown(Reason::ControlFailed, "the owner's own list does not show it", &found.page);
        found.item.ok_or_else(|| unlisted().into())
    };
    let first = values(&item().await?);
    let by_anyone = match operation_of(&t.spec, object.resource, Role::List) {
        Some(op) => {
            let place = Place::within(object.tenant, &object.parents);
            let asked = request(t, own(t, object.tenant)?, op, &place, &Words::default())?;
            shown(&*told_to_anyone(t, &asked).await)
        }
        None => BTreeSet::new(),
    };
    let listed = listed(t, &object).await?;
    let owner = values(&item().await?).intersection(&first).cloned().collect();
    Ok((object, Reading { owner, anonymous: by_anyone, listed }))
}

/// The first objects that the tenant's own list shows.
pub(super) async fn observe_listed(
    t: &Tape,
    tenant: TenantIx,
    resource: ResourceIx,
    most: usize,
) -> Result<Vec<(Object, Reading)>, Stop> {
    let mut observed = Vec::new();
    for id in first_listed(t, tenant, resource, most).await? {
        observed.push(observe(t, tenant, resource, &id).await?);
    }
    Ok(observed)
}

/// The ids of the first objects that the tenant's own list shows: at least one.
async fn first_listed(t: &Tape, tenant: TenantIx, resource: ResourceIx, most: usize) -> Result<Vec<ObjectId>, Stop> {
    let none = || Stop::not_applicable("nothing is created here, and the tenant's list shows no object to read");
    let described = &t.spec[resource];
    let Some(list) = operation_of(&t.spec, resource, Role::List) else { return Err(none()) };
    let place = Place::within(tenant, &parents_for(t, tenant, resource)?);
    let first = first_page(&t.spec, list, request(t, own(t, tenant)?, list, &place, &Words::default())?);
    let ids = |page: &Exchange| -> Vec<ObjectId> {
        let json = page.json().filter(|_| page.succeeded());
        json.map(items).unwrap_or_default().into_iter().filter_map(|item| id_of(described, item)).collect()
    };
    let pages = follow(t, list, first, |page| !ids(page).is_empty()).await;
    let found: Vec<ObjectId> = pages.pages.iter().flat_map(|page| ids(page)).take(most).collect();
    match found.is_empty() {
        true => Err(pages.last().and_then(|page| failed(page)).unwrap_or_else(none)),
        false => Ok(found),
    }
}

/// What the owner's list shows of each object of this kind, where it can be read.
async fn listed(t: &Tape, object: &Object) -> Result<Vec<BTreeSet<String>>, Stop> {
    let Some(pages) = list(t, object, |_| false).await? else { return Ok(Vec::new()) };
    let shown = pages.pages.iter().filter(|page| page.succeeded()).filter_map(|page| page.json());
    Ok(shown.flat_map(|page| items(page).into_iter().map(values)).collect())
}

/// The owner's list of objects of this kind; none where there is no such operation.
pub(super) async fn list(t: &Tape, object: &Object, enough: impl Fn(&Exchange) -> bool) -> Result<Option<Pages>, Stop> {
    let Some(op) = operation_of(&t.spec, object.resource, Role::List) else { return Ok(None) };
    let place = Place::within(object.tenant, &object.parents);
    let first = request(t, own(t, object.tenant)?, op, &place, &Words::default())?;
    Ok(Some(follow(t, op, first, enough).await))
}

fn values(json: &Value) -> BTreeSet<String> {
    leaves(json).into_values().collect()
}

/// Operations that a look around sends, at most.
const MOST_LOOKED_AT: usize = 40;
/// How often: what is shown now and then is shown.
const LOOKS: usize = 2;

/// What a tenant, and anyone, is shown of what other tenants' objects would be recognised by: apart from those objects
/// themselves, for that is a leak.
pub(super) async fn look_around(t: &Tape, tenant: TenantIx) -> Result<BTreeSet<String>, Stop> {
    let sought: Vec<(&String, &str)> = sought(t, tenant);
    let mut shown = BTreeSet::new();
    if sought.is_empty() {
        return Ok(shown);
    }
    for asked in ordinary_requests(t, tenant)? {
        let mut looks = vec![told_to_anyone(t, &asked).await];
        for asked in std::iter::repeat_n(asked, LOOKS) {
            looks.push(t.send(asked).await);
        }
        for seen in looks {
            let found = sought.iter().filter(|(value, id)| !shown.contains(*value) && is_in(&seen, value, id));
            let found: Vec<String> = found.map(|(value, _)| (*value).clone()).collect();
            shown.extend(found);
        }
    }
    Ok(shown)
}

/// By what other tenants' objects would be recognised, each with its object's id.
fn sought(t: &Tape, tenant: TenantIx) -> Vec<(&String, &str)> {
    let others = t.planted.objects().iter().filter(|object| object.tenant != tenant);
    let witnesses = others.filter_map(|object| match &object.marker {
        Marker::Witnessed(witness) => Some((witness, object.id.as_str())),
        Marker::Planted(_) => None,
    });
    witnesses
        .flat_map(|(witness, id)| witness.alone.iter().chain(&witness.together).map(move |value| (value, id)))
        .collect()
}

/// Everything that a tenant reads in its own place.
fn ordinary_requests(t: &Tape, tenant: TenantIx) -> Result<Vec<Request>, Stop> {
    let caller = own(t, tenant)?;
    let asked = |op: &Operation| {
        let own_object = op.resource.and_then(|resource| t.planted.of(tenant, resource).next());
        let place = own_object.map_or_else(|| Place::within(tenant, &[]), Place::of);
        // One that names an object of which the tenant has none can't be sent.
        request(t, caller.clone(), op, &place, &Words::default()).ok()
    };
    Ok(ordinary(&t.spec).filter_map(asked).collect())
}

/// Reads that need no words to search for.
fn ordinary(spec: &Spec) -> impl Iterator<Item = &Operation> {
    let reads = |op: &&Operation| op.effect == Effect::Read && op.role != Role::Search;
    spec.operations.iter().filter(reads).take(MOST_LOOKED_AT)
}

/// About how many requests a look around is.
pub(crate) fn requests_to_look_around(spec: &Spec) -> u64 {
    ordinary(spec).map(|_| 4).sum()
}

fn is_in(seen: &Exchange, value: &str, id: &str) -> bool {
    match (seen.json(), seen.response()) {
        (Some(json), _) => is_shown_apart(json, value, id),
        (None, Some(received)) => has_word(received.body.text(), value) && !has_word(received.body.text(), id),
        (None, None) => false,
    }
}
