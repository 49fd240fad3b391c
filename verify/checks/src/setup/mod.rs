//! Set-up: each tenant plants a few objects of each kind in its own data and reads them back. Where nothing may be
//! created, it reads the object that the spec names, or one that its own list shows, and learns by what to recognise it.

use std::collections::BTreeSet;

use serde_json::Value;
use watertight_engine::call::{Caller, Request};
use watertight_engine::log::Exchange;
use watertight_engine::planted::{Marker, Object, Planted, SetupFailure};
use watertight_engine::{Tape, WriteTape, is_placeholder_in};
use watertight_spec::{ResourceIx, Role, Spec, TenantIx};

use crate::shared::{
    Pages, Place, Words, failed, first_page, follow, id_of, is_creatable, items, leaves, operation_of, own,
    parents_for, plant_under, read, request, shows, succeed, tenant_name,
};
use crate::verdict::{Reason, Stop, Unproven};

/// Objects planted of each kind in each tenant: more than fit on a page of two, so that lists have a second one.
const PLANTED: usize = 3;

/// One step of set-up: a tenant and a kind of object. Steps run in order; parents come before their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// For people, and for the step's own markers.
    pub(crate) label: String,
    /// The tenant.
    pub(crate) tenant: TenantIx,
    /// The kind of object.
    pub(crate) resource: ResourceIx,
    /// How many kinds of object are above it: those of the same depth need not wait for each other.
    pub(crate) depth: usize,
    /// What is done.
    pub(crate) act: Act,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Plants objects. Where the run only reads, it reads the first one that the tenant's list shows.
    Plant,
    /// Reads the object that the spec names, by its id.
    Observe(String),
}

/// What a step has yielded.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Prepared {
    objects: Vec<Object>,
    reading: Option<Reading>,
}

/// What can be read of an object that the run did not make.
#[derive(Clone, Debug, Default, PartialEq)]
struct Reading {
    /// Values that its owner sees.
    owner: BTreeSet<String>,
    /// Values that anyone sees.
    anonymous: BTreeSet<String>,
    /// Values of each object in its owner's list.
    listed: Vec<BTreeSet<String>>,
}

/// Every tenant × every kind of object.
pub(crate) fn steps(spec: &Spec) -> Vec<Step> {
    let of = |resource: ResourceIx, tenant: TenantIx| {
        let (described, name) = (&spec[resource], &spec[tenant].id);
        let act = described.existing.get(name).map_or(Act::Plant, |id| Act::Observe(id.clone()));
        Step { label: format!("{} of {name}", described.name), tenant, resource, depth: depth(spec, resource), act }
    };
    let of = &of;
    let mut all: Vec<Step> =
        spec.resource_ixs().flat_map(|resource| spec.tenant_ixs().map(move |tenant| of(resource, tenant))).collect();
    all.sort_by_key(|step| step.depth);
    all
}

/// How many resources a resource is below.
pub(crate) fn depth(spec: &Spec, resource: ResourceIx) -> usize {
    std::iter::successors(spec[resource].parent, |above| spec[*above].parent).count()
}

/// Carries out a step. What earlier steps have yielded is what the tape says is planted.
pub(crate) async fn run(t: &Tape, step: &Step) -> Result<Prepared, Stop> {
    match (&step.act, t.writing()) {
        (Act::Observe(id), _) => observe(t, step, id).await,
        (Act::Plant, Some(w)) if is_creatable(&t.spec, step.resource) => plant_all(w, step).await,
        (Act::Plant, Some(_)) => {
            Err(Stop::not_applicable("the spec gives neither `create` nor an `existing` object here"))
        }
        (Act::Plant, None) => observe(t, step, &first_listed(t, step).await?).await,
    }
}

async fn plant_all(w: WriteTape<'_>, step: &Step) -> Result<Prepared, Stop> {
    let parents = parents_for(&w, step.tenant, step.resource)?;
    let mut objects = Vec::new();
    for _ in 0..PLANTED {
        let object = plant_under(w, step.tenant, step.resource, &parents).await?;
        read_back(&w, &object).await?;
        objects.push(object);
    }
    Ok(Prepared { objects, reading: None })
}

const STRIPPED: &str = "the target strips or changes the marker";

/// The owner must find the marker again, by reading the object or else in the list.
async fn read_back(t: &Tape, object: &Object) -> Result<(), Stop> {
    if operation_of(&t.spec, object.resource, Role::Read).is_some() {
        return read(t, object).await.map(drop).map_err(|stop| match stop {
            Stop::Unproven(doubt) if doubt.reason == Reason::MarkerNotSeen => doubt.about(STRIPPED).into(),
            other => other,
        });
    }
    let Some(pages) = list(t, object, |page| shows(page, object)).await? else { return Ok(()) };
    let Some(page) = pages.last().filter(|page| !shows(page, object)) else { return Ok(()) };
    match failed(page) {
        Some(stop) => Err(stop),
        None if pages.breaks_off() => {
            Err(Unproven::shown(Reason::NotReadToEnd, "the owner's own list goes on", page).into())
        }
        None => Err(Unproven::shown(Reason::MarkerNotSeen, STRIPPED, page).into()),
    }
}

async fn observe(t: &Tape, step: &Step, id: &str) -> Result<Prepared, Stop> {
    let parents = parents_for(t, step.tenant, step.resource)?;
    let marker = Marker::Witnessed(Vec::new());
    let object = Object { tenant: step.tenant, resource: step.resource, id: id.to_owned(), parents, marker };
    let op = operation_of(&t.spec, step.resource, Role::Read)
        .ok_or_else(|| Stop::not_applicable("an existing object can't be read here"))?;
    let asked = request(t, own(t, step.tenant)?, op, &Place::of(&object), &Words::default())?;
    let by_owner = succeed(t, asked.clone(), step.tenant).await?;
    let by_anyone = t.send(Request { caller: Caller::Anonymous, ..asked }).await;
    let reading = Reading {
        owner: by_owner.json().map(values).unwrap_or_default(),
        anonymous: by_anyone.json().map(values).unwrap_or_default(),
        listed: listed(t, &object).await?,
    };
    Ok(Prepared { objects: vec![object], reading: Some(reading) })
}

/// The id of the first object that the tenant's own list shows, for a run that only reads.
async fn first_listed(t: &Tape, step: &Step) -> Result<String, Stop> {
    let none = || Stop::not_applicable("the run only reads, and the tenant's list shows no object to read");
    let described = &t.spec[step.resource];
    let Some(list) = operation_of(&t.spec, step.resource, Role::List) else { return Err(none()) };
    let place = Place::within(step.tenant, &parents_for(t, step.tenant, step.resource)?);
    let first = first_page(&t.spec, list, request(t, own(t, step.tenant)?, list, &place, &Words::default())?);
    let id = |json: &Value| items(json).into_iter().find_map(|item| id_of(described, item));
    let pages = follow(t, list, first, |page| page.json().and_then(id).is_some()).await;
    let found = pages.pages.iter().filter(|page| page.succeeded()).find_map(|page| page.json().and_then(id));
    found.ok_or_else(|| pages.last().and_then(|page| failed(page)).unwrap_or_else(none))
}

/// What the owner's list shows of each object of this kind, where it can be read.
async fn listed(t: &Tape, object: &Object) -> Result<Vec<BTreeSet<String>>, Stop> {
    let Some(pages) = list(t, object, |_| false).await? else { return Ok(Vec::new()) };
    let shown = pages.pages.iter().filter(|page| page.succeeded()).filter_map(|page| page.json());
    Ok(shown.flat_map(|page| items(page).into_iter().map(values)).collect())
}

/// The owner's list of objects of this kind; none where there is no such operation.
async fn list(t: &Tape, object: &Object, enough: impl Fn(&Exchange) -> bool) -> Result<Option<Pages>, Stop> {
    let Some(op) = operation_of(&t.spec, object.resource, Role::List) else { return Ok(None) };
    let place = Place::within(object.tenant, &object.parents);
    let first = request(t, own(t, object.tenant)?, op, &place, &Words::default())?;
    Ok(Some(follow(t, op, first, enough).await))
}

fn values(json: &Value) -> BTreeSet<String> {
    leaves(json).into_values().collect()
}

/// What all steps so far have yielded, and which of them failed.
pub(crate) fn planted(spec: &Spec, steps: &[Step], results: &[Result<Prepared, Stop>]) -> Planted {
    let mut planted = Planted::default();
    let done: Vec<(&Step, &Reading)> = steps
        .iter()
        .zip(results)
        .filter_map(|(step, result)| Some((step, result.as_ref().ok()?.reading.as_ref()?)))
        .collect();
    for (step, result) in steps.iter().zip(results) {
        let mut fail = |why: &str| {
            let why = format!("{}: {why}", step.label);
            planted.failures.push(SetupFailure { tenant: step.tenant, resource: step.resource, why });
        };
        match result {
            Err(Stop::Unproven(Unproven { detail: why, .. }) | Stop::NotApplicable(why)) => fail(why),
            Ok(Prepared { objects, reading: None }) => {
                objects.iter().cloned().for_each(|object| planted.add(object));
            }
            Ok(Prepared { objects, reading: Some(reading) }) => {
                let others: Vec<&Reading> = done
                    .iter()
                    .filter(|(other, _)| other.resource == step.resource && other.tenant != step.tenant)
                    .map(|(_, reading)| *reading)
                    .collect();
                let values = witnesses(spec, objects, reading, &others);
                if others.is_empty() && results.len() >= steps.len() {
                    fail("no other tenant has an object of this kind to compare it with");
                } else if values.is_empty() {
                    fail("its owner's reading shows nothing that others' do not");
                }
                let witnessed = |object: &Object| {
                    let marker = Marker::Witnessed(values.clone());
                    Object { marker, ..object.clone() }
                };
                objects.iter().map(witnessed).for_each(|object| planted.add(object));
            }
        }
    }
    planted
}

/// Values that only the owner's reading shows. What attackers send (ids, names of tenants) is no evidence.
fn witnesses(spec: &Spec, objects: &[Object], reading: &Reading, others: &[&Reading]) -> Vec<String> {
    if others.is_empty() {
        return Vec::new();
    }
    let is_sent = |value: &str| {
        objects.iter().any(|o| o.id == value || o.parents.iter().any(|(_, id)| id == value))
            || spec.tenant_ixs().any(|tenant| tenant_name(spec, tenant) == value)
    };
    // This very object in another tenant's list is a leak already: what it shows there remains a witness.
    let is_another = |item: &&BTreeSet<String>| !objects.iter().any(|object| item.contains(&object.id));
    let is_shared = |value: &String| {
        reading.anonymous.contains(value)
            || others.iter().any(|other| {
                let mut listed = other.listed.iter().filter(is_another);
                other.owner.contains(value) || other.anonymous.contains(value) || listed.any(|i| i.contains(value))
            })
    };
    let is_witness = |value: &&String| is_telling(value) && !is_shared(value) && !is_sent(value);
    reading.owner.iter().filter(is_witness).cloned().collect()
}

/// Whether a value is long enough that it is not shared by chance: text from 16 characters, numbers from 8 digits. What
/// the engine has put in place of a secret is no value of the target's.
fn is_telling(value: &str) -> bool {
    let digits = || value.chars().filter(char::is_ascii_digit).count();
    let is_long = if value.parse::<f64>().is_ok() { digits() >= 8 } else { value.chars().count() >= 16 };
    is_long && !is_placeholder_in(value)
}
