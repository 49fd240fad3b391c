//! Set-up: each tenant plants a few objects of each kind in its own data and reads them back. Where nothing may be
//! created, it reads the object that the spec names, and learns by what to recognise it.

use std::collections::BTreeSet;

use serde_json::Value;
use watertight_spec::{Role, Spec};

use super::kit::{
    Place, Words, is_creatable, leaves, operation_of, own, parents_for, plant_under, read, request, succeed,
    tenant_name, walk,
};
use crate::request::{Caller, Request};
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::{Marker, Object, SetupFailure, World};

/// Objects planted of each kind in each tenant: more than fit on a page of two, so that lists have a second one.
const PLANTED: usize = 3;

/// One step of set-up: a tenant and a kind of object. Steps run in order; parents come before their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// For people, and for the step's own markers.
    pub label: String,
    /// Index of the tenant.
    pub tenant: usize,
    /// Index of the resource.
    pub resource: usize,
}

/// What a step left standing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Planted {
    objects: Vec<Object>,
    reading: Option<Reading>,
}

/// What can be read of an object that the spec names.
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
    let step = |resource: usize, name: &str, tenant: usize, id: &str| Step {
        label: format!("{name} of {id}"),
        tenant,
        resource,
    };
    spec.resources
        .iter()
        .enumerate()
        .flat_map(|(resource, described)| {
            let tenants = spec.tenants.iter().enumerate();
            tenants.map(move |(tenant, t)| step(resource, &described.name, tenant, t.id.as_str()))
        })
        .collect()
}

/// Carries out a step. What earlier steps planted is in the tape's world.
pub(crate) fn run(t: &Tape<'_>, step: &Step) -> Result<Planted, Halt> {
    let existing = t.spec.resources.get(step.resource).and_then(|described| {
        let tenant = t.spec.tenants.get(step.tenant)?;
        described.existing.get(&tenant.id)
    });
    match existing {
        Some(id) => observe(t, step, id),
        None if is_creatable(t.spec, step.resource) => sow(t, step),
        None => Err(Halt::NotApplicable("the spec gives neither `create` nor an `existing` object here".into())),
    }
}

fn sow(t: &Tape<'_>, step: &Step) -> Result<Planted, Halt> {
    let parents = parents_for(t, step.tenant, step.resource)?;
    let mut objects = Vec::new();
    for _ in 0..PLANTED {
        let object = plant_under(t, step.tenant, step.resource, &parents)?;
        read_back(t, &object)?;
        objects.push(object);
    }
    Ok(Planted { objects, reading: None })
}

/// The owner must find the marker again, by reading the object or else in the list.
fn read_back(t: &Tape<'_>, object: &Object) -> Result<(), Halt> {
    let stripped = |halt| match halt {
        Halt::Unproven(why) if why.contains("does not see its own marker") => {
            Halt::Unproven(format!("the target strips or changes the marker: {why}"))
        }
        other => other,
    };
    if operation_of(t.spec, object.resource, Role::Read).is_some() {
        return read(t, object).map(drop).map_err(stripped);
    }
    let Some(list) = operation_of(t.spec, object.resource, Role::List) else { return Ok(()) };
    let place = Place::within(object.tenant, &object.parents);
    let first = request(t, own(t, object.tenant)?, list, &place, &Words::default())?;
    let pages = walk(t, list, first, |page| super::kit::shows(page, object))?;
    match pages.last() {
        Some(page) if super::kit::shows(page, object) => Ok(()),
        Some(page) => Err(Halt::Unproven(format!("the target strips or changes the marker: {}", page.line()))),
        None => Ok(()),
    }
}

fn observe(t: &Tape<'_>, step: &Step, id: &str) -> Result<Planted, Halt> {
    let parents = parents_for(t, step.tenant, step.resource)?;
    let marker = Marker::Witnessed(Vec::new());
    let object = Object { tenant: step.tenant, resource: step.resource, id: id.to_owned(), parents, marker };
    let op = operation_of(t.spec, step.resource, Role::Read)
        .ok_or_else(|| Halt::NotApplicable("an existing object can't be read here".into()))?;
    let asked = request(t, own(t, step.tenant)?, op, &Place::of(&object), &Words::default())?;
    let by_owner = succeed(t, asked.clone(), step.tenant)?;
    let by_anyone = t.send(Request { caller: Caller::Anonymous, ..asked })?;
    let told = |exchange: &Exchange| exchange.json().map(|json| values(&json)).unwrap_or_default();
    let listed = listed(t, &object)?;
    let reading = Reading { owner: told(by_owner), anonymous: told(by_anyone), listed };
    Ok(Planted { objects: vec![object], reading: Some(reading) })
}

/// What the owner's list shows of each object of this kind, where it can be read.
fn listed(t: &Tape<'_>, object: &Object) -> Result<Vec<BTreeSet<String>>, Halt> {
    let Some(list) = operation_of(t.spec, object.resource, Role::List) else { return Ok(Vec::new()) };
    let first = request(t, own(t, object.tenant)?, list, &Place::of(object), &Words::default())?;
    let walked = walk(t, list, first, |_| false)?;
    let pages = walked.pages.iter().filter(|page| page.succeeded()).filter_map(|page| page.json());
    Ok(pages.flat_map(|page| items(&page).into_iter().map(values).collect::<Vec<_>>()).collect())
}

/// The members of the outermost arrays.
fn items(json: &Value) -> Vec<&Value> {
    match json {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) => members.values().flat_map(items).collect(),
        _ => Vec::new(),
    }
}

fn values(json: &Value) -> BTreeSet<String> {
    leaves(json).into_values().collect()
}

/// Whether a value is long enough that it is not shared by chance: text from 16 characters, numbers from 8 digits.
fn is_telling(value: &str) -> bool {
    let digits = || value.chars().filter(char::is_ascii_digit).count();
    if value.parse::<f64>().is_ok() { digits() >= 8 } else { value.chars().count() >= 16 }
}

/// What all steps so far left standing, and which of them failed.
pub(crate) fn world(spec: &Spec, steps: &[Step], results: &[Result<Planted, String>]) -> World {
    let mut world = World::default();
    let done: Vec<(&Step, &Planted)> =
        steps.iter().zip(results).filter_map(|(step, result)| Some((step, result.as_ref().ok()?))).collect();
    for (step, result) in steps.iter().zip(results) {
        let mut fail = |why: String| {
            let why = format!("{}: {why}", step.label);
            world.failures.push(SetupFailure { tenant: step.tenant, resource: step.resource, why });
        };
        match result {
            Err(why) => fail(why.clone()),
            Ok(Planted { objects, reading: None }) => world.objects.extend(objects.iter().cloned()),
            Ok(Planted { objects, reading: Some(reading) }) => {
                let others: Vec<&Reading> = done
                    .iter()
                    .filter(|(other, _)| other.resource == step.resource && other.tenant != step.tenant)
                    .filter_map(|(_, planted)| planted.reading.as_ref())
                    .collect();
                let values = witnesses(spec, objects, reading, &others);
                if others.is_empty() && results.len() >= steps.len() {
                    fail("no other tenant has an object of this kind to compare it with".into());
                } else if values.is_empty() {
                    fail("its owner's reading shows nothing that others' do not".into());
                }
                world
                    .objects
                    .extend(objects.iter().cloned().map(|o| Object { marker: Marker::Witnessed(values.clone()), ..o }));
            }
        }
    }
    world
}

/// Values that only the owner's reading shows. What attackers send (ids, names of tenants) is no evidence.
fn witnesses(spec: &Spec, objects: &[Object], reading: &Reading, others: &[&Reading]) -> Vec<String> {
    if others.is_empty() {
        return Vec::new();
    }
    let is_sent = |value: &str| {
        objects.iter().any(|o| o.id == value || o.parents.iter().any(|(_, id)| id == value))
            || (0..spec.tenants.len()).any(|n| tenant_name(spec, n).is_ok_and(|name| name == value))
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
