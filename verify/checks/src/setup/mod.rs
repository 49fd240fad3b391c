//! Set-up: each tenant plants a few objects of each kind in its own data and reads them back. Where nothing may be
//! created, it reads the object that the spec names, or one that its own list shows, and learns by what to recognise it.
//!
//! - here: the steps, and what they yield together.
//! - [`observe`]: objects that the run did not make, and what else tenants are shown before the first attack.
//! - [`witness`]: by what such an object is recognised.

mod observe;
mod witness;

use std::collections::BTreeSet;

use watertight_engine::log::Exchange;
use watertight_engine::marker::Canary;
use watertight_engine::planted::{Marker, Object, Planted, SetupFailure, Witness};
use watertight_engine::{Access, Tape, WriteTape};
use watertight_spec::{ObjectId, Operation, ResourceIx, Role, Spec, Supply, Symbol, TenantIx};

use crate::shared::{
    Place, Words, anew, failed, is_creatable, is_page, operation_of, owner, parents_for, plant_under, read, request,
    shows,
};
use crate::verdict::{NotApplicable, Reason, Stop, Unproven};
pub(crate) use observe::requests_to_look_around;
use observe::{Reading, list, look_around, observe, observe_listed};
pub(crate) use witness::says_something;

/// Objects planted of each kind in each tenant: more than fit on a page of two, so that lists have a second one.
pub(crate) const PLANTED: usize = 3;

/// One step of set-up, in one tenant. Steps run in order; parents come before their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// For people, and for the step's own markers.
    pub(crate) label: String,
    /// The tenant.
    pub(crate) tenant: TenantIx,
    /// Steps of the same depth need not wait for each other: how many kinds of object are above this one.
    pub(crate) depth: usize,
    /// What is done.
    pub(crate) kind: StepKind,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
    /// Plants objects. Where the run only reads, or the spec says so, it reads the first ones that the tenant's list shows.
    Plant(ResourceIx),
    /// Reads the object that the spec names, by its id.
    Observe(ResourceIx, ObjectId),
    /// Writes a marker into what a tenant has one of. Where the run only reads, it is read.
    Mark(ResourceIx, ObjectId),
    /// Sends what a tenant ordinarily may, for what other tenants' objects are not recognised by.
    LookAround,
}

/// What a step has yielded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Prepared {
    /// Objects that the run made.
    Planted(Vec<Object>),
    /// Objects that were there.
    Observed(Vec<(Object, Reading)>),
    /// What is no witness of another tenant's: it was shown to this one.
    Shown(BTreeSet<String>),
}

/// Every tenant × every kind of object, and then a look around where an object must be recognised that the run does not
/// make.
pub(crate) fn steps(spec: &Spec, access: Access) -> Vec<Step> {
    let of = |resource: ResourceIx, tenant: TenantIx| {
        let (described, name) = (&spec[resource], &spec[tenant].id);
        let kinds = match described.supply.known(name) {
            [] => vec![StepKind::Plant(resource)],
            known if marking(spec, resource).is_some() => {
                known.iter().map(|id| StepKind::Mark(resource, id.clone())).collect()
            }
            known => known.iter().map(|id| StepKind::Observe(resource, id.clone())).collect(),
        };
        let (label, depth) = (format!("{} of {name}", described.name), described.depth);
        kinds.into_iter().map(move |kind| Step { label: label.clone(), tenant, depth, kind })
    };
    let of = &of;
    let mut all: Vec<Step> = spec
        .resource_ixs()
        .flat_map(|resource| spec.tenant_ixs().flat_map(move |tenant| of(resource, tenant)))
        .collect();
    all.sort_by_key(|step| step.depth);
    let last = all.last().map_or(0, |step| step.depth);
    if access == Access::Read || spec.resources.iter().any(|resource| resource.supply != Supply::Made) {
        let look = |tenant: TenantIx| {
            let label = format!("what {} is shown", spec[tenant].id);
            Step { label, tenant, depth: last.saturating_add(1), kind: StepKind::LookAround }
        };
        all.extend(spec.tenant_ixs().map(look));
    }
    all
}

impl Step {
    /// The kind of object that it is about, if it is about one.
    pub(crate) fn resource(&self) -> Option<ResourceIx> {
        match &self.kind {
            StepKind::Plant(resource) | StepKind::Observe(resource, _) | StepKind::Mark(resource, _) => Some(*resource),
            StepKind::LookAround => None,
        }
    }
}

/// Carries out a step. What earlier steps have yielded is what the tape says is planted.
pub(crate) async fn run(t: &Tape, step: &Step) -> Result<Prepared, Stop> {
    let observed = |one| Prepared::Observed(vec![one]);
    match (&step.kind, t.writing()) {
        (StepKind::Mark(resource, id), Some(w)) => {
            // Before another tenant writes there, it is seen whom the change has reached.
            let _quiet = t.quiet(t.spec.tenant_ixs()).await;
            let canary = mark(w, step.tenant, *resource, id).await?;
            look_at_others(t, step.tenant, *resource).await?;
            let (object, mut reading) = observe(t, step.tenant, *resource, id).await?;
            // Other trials will write there again.
            reading.owner.retain(|value| !value.contains(&canary.public));
            Ok(Prepared::Observed(vec![(object, reading)]))
        }
        (StepKind::Observe(resource, id), _) | (StepKind::Mark(resource, id), None) => {
            observe(t, step.tenant, *resource, id).await.map(observed)
        }
        (StepKind::Plant(resource), Some(w)) if is_creatable(&t.spec, *resource) => {
            plant_all(w, step.tenant, *resource).await.map(Prepared::Planted)
        }
        (StepKind::Plant(resource), Some(_)) if t.spec[*resource].supply == Supply::Listed => {
            observe_listed(t, step.tenant, *resource, PLANTED).await.map(Prepared::Observed)
        }
        (StepKind::Plant(_), Some(_)) => {
            Err(Stop::not_applicable("the spec gives neither `create` nor an `existing` object here"))
        }
        (StepKind::Plant(resource), None) => observe_listed(t, step.tenant, *resource, 1).await.map(Prepared::Observed),
        (StepKind::LookAround, _) => look_around(t, step.tenant).await.map(Prepared::Shown),
    }
}

/// The operation that writes a marker into what a tenant has one of, if that may be changed.
fn marking(spec: &Spec, resource: ResourceIx) -> Option<&Operation> {
    let described = &spec[resource];
    let is_own = described.is_singleton && described.is_disposable;
    let mut writing = [Role::Patch, Role::Replace].into_iter().filter_map(|role| operation_of(spec, resource, role));
    writing.find(|op| is_own && op.request.mentions(&Symbol::Canary))
}

/// Writes a marker into what a tenant has one of: none of the others may ever be shown it.
async fn mark(w: WriteTape<'_>, tenant: TenantIx, resource: ResourceIx, id: &ObjectId) -> Result<Canary, Stop> {
    let canary = w.canary(tenant);
    let Some(op) = marking(&w.spec, resource) else { return Ok(canary) };
    let place = Place::within(tenant, &parents_for(&w, tenant, resource)?).and(resource, id);
    let written = w.send(request(&w, owner(&w, tenant)?, op, &place, &Words::canary(&canary))?).await;
    match failed(&written).filter(|_| !written.leads_on()) {
        Some(Stop::Unproven(doubt)) => Err(doubt.about(&format!("{} of its owner", op.label())).into()),
        Some(Stop::NotApplicable(_)) | None if !written.leads_on() => Ok(canary),
        // Where one is led elsewhere, it is not said that it was done.
        Some(Stop::NotApplicable(_)) | None => {
            let Some(read) = operation_of(&w.spec, resource, Role::Read) else { return Ok(canary) };
            let shown = w.send(request(&w, owner(&w, tenant)?, read, &place, &Words::default())?).await;
            match shown.mentions(&canary.public) {
                true => Ok(canary),
                false => Err(Unproven::shown(Reason::MarkerNotSeen, STRIPPED, &shown).into()),
            }
        }
    }
}

/// Every other tenant reads its own: `api.own-view` judges what it is shown.
async fn look_at_others(t: &Tape, tenant: TenantIx, resource: ResourceIx) -> Result<(), Stop> {
    let Some(op) = operation_of(&t.spec, resource, Role::Read) else { return Ok(()) };
    for other in t.spec.tenant_ixs().filter(|other| *other != tenant) {
        for id in t.spec[resource].supply.known(&t.spec[other].id) {
            let place = Place::within(other, &parents_for(t, other, resource)?).and(resource, id);
            t.send(request(t, owner(t, other)?, op, &place, &Words::default())?).await;
        }
    }
    Ok(())
}

async fn plant_all(w: WriteTape<'_>, tenant: TenantIx, resource: ResourceIx) -> Result<Vec<Object>, Stop> {
    let parents = parents_for(&w, tenant, resource)?;
    let mut objects = Vec::new();
    for _ in 0..PLANTED {
        let object = plant_another(w, tenant, resource, &parents, &objects).await?;
        read_back(&w, &object).await?;
        objects.push(object);
    }
    Ok(objects)
}

/// One more: made of new others, where only one can be made of these.
async fn plant_another(
    w: WriteTape<'_>,
    tenant: TenantIx,
    resource: ResourceIx,
    parents: &[(ResourceIx, ObjectId)],
    before: &[Object],
) -> Result<Object, Stop> {
    let is_new = |object: &Object| !before.iter().any(|known| known.id == object.id);
    let planted = plant_under(w, tenant, resource, parents).await;
    if before.is_empty() || planted.as_ref().is_ok_and(is_new) || matches!(planted, Err(Stop::NotApplicable(_))) {
        return planted;
    }
    let Ok(others) = anew(w, tenant, resource, parents).await else { return planted };
    match plant_under(w, tenant, resource, &others).await {
        Ok(object) if is_new(&object) => Ok(object),
        _ => planted,
    }
}

const STRIPPED: &str = "the target strips or changes the marker";
const PAGE: &str = "an HTML page is answered, without the marker: a log-in page, or one for people";

/// Why an answer to the owner lacks the marker.
fn unmarked(answer: &Exchange) -> &'static str {
    if is_page(answer) { PAGE } else { STRIPPED }
}

/// The owner must find the marker again, by reading the object or else in the list.
async fn read_back(t: &Tape, object: &Object) -> Result<(), Stop> {
    if let Some(op) = operation_of(&t.spec, object.resource, Role::Read) {
        return match read(t, object).await {
            Err(Stop::Unproven(doubt)) if doubt.reason == Reason::MarkerNotSeen => {
                // Once more, for what it is that lacks the marker.
                let asked = request(t, owner(t, object.tenant)?, op, &Place::of(object), &Words::default())?;
                let answer = t.send(asked).await;
                Err(doubt.about(unmarked(&answer)).into())
            }
            read => read.map(drop),
        };
    }
    // What nothing marks is not looked for.
    if object.marker.is_empty() {
        return Ok(());
    }
    let Some(pages) = list(t, object, |page| shows(page, object)).await? else { return Ok(()) };
    let Some(page) = pages.last().filter(|page| !shows(page, object)) else { return Ok(()) };
    match failed(page) {
        Some(stop) => Err(stop),
        None if pages.breaks_off() => {
            Err(Unproven::shown(Reason::NotReadToEnd, "the owner's own list goes on", page).into())
        }
        None => Err(Unproven::shown(Reason::MarkerNotSeen, unmarked(page), page).into()),
    }
}

/// What all steps so far have yielded, and which of them failed.
pub(crate) fn planted(spec: &Spec, steps: &[Step], results: &[Result<Prepared, Stop>]) -> Planted {
    let mut planted = Planted::default();
    let all = Results { spec, steps, results };
    for (step, result) in steps.iter().zip(results) {
        let failure = |why: &str| {
            let why = format!("{}: {why}", step.label);
            step.resource().map(|resource| SetupFailure { tenant: step.tenant, resource, why })
        };
        match result {
            Err(Stop::Unproven(Unproven { detail: why, .. }) | Stop::NotApplicable(NotApplicable { why, .. })) => {
                planted.failures.extend(failure(why))
            }
            Ok(Prepared::Planted(objects)) => objects.iter().cloned().for_each(|object| planted.add(object)),
            Ok(Prepared::Observed(observed)) => {
                for (object, reading) in observed {
                    let witness = all.witness(object, reading).unwrap_or_else(|why| {
                        planted.failures.extend(failure(why));
                        Witness::default()
                    });
                    planted.add(Object { marker: Marker::Witnessed(witness), ..object.clone() });
                }
            }
            Ok(Prepared::Shown(_)) => {}
        }
    }
    planted
}

/// What the steps so far have yielded.
struct Results<'s> {
    spec: &'s Spec,
    steps: &'s [Step],
    results: &'s [Result<Prepared, Stop>],
}

impl Results<'_> {
    /// By what an object is recognised, or why by nothing.
    fn witness(&self, object: &Object, reading: &Reading) -> Result<Witness, &'static str> {
        let named = self.spec[object.resource].shows.get(&self.spec[object.tenant].id);
        let mut witness = match named {
            Some(text) if reading.shows(text) => Witness { alone: vec![text.clone()], together: Vec::new() },
            Some(_) => return Err("its owner is not shown the text that `shows` names"),
            None => self.learned(object, reading),
        };
        let is_shown = |value: &String| self.shown_to_others(object.tenant).any(|shown| shown.contains(value));
        witness.alone.retain(|value| !is_shown(value));
        if witness.together.iter().any(is_shown) {
            witness.together.clear();
        }
        match (witness.is_empty(), named) {
            (false, _) => Ok(witness),
            (true, Some(_)) => Err("another tenant is shown the text that `shows` names"),
            // Its answers are compared word for word.
            (true, None) if self.is_compared(object) => Ok(witness),
            // Steps that are still to come may yield one.
            (true, None) if self.results.len() < self.steps.len() => Ok(witness),
            (true, None) => Err("no other tenant has an object of this kind to compare it with"),
        }
    }

    /// What its owner's reading alone shows. What attackers send (ids, names of tenants) is no evidence.
    fn learned(&self, object: &Object, reading: &Reading) -> Witness {
        if !self.is_compared(object) {
            return Witness::default();
        }
        let is_sent = |value: &String| {
            object.id.as_str() == value
                || object.parents.iter().any(|(_, id)| id.as_str() == value)
                || self.spec.tenants.iter().any(|tenant| tenant.id.as_str() == value || tenant.name == *value)
        };
        // This very object in another tenant's list is a leak already: what it shows there remains a witness.
        let is_another = |item: &&BTreeSet<String>| !item.contains(object.id.as_str());
        let is_shared = |value: &String| {
            reading.anonymous.contains(value)
                || self.readings(object.tenant).any(|(_, other)| {
                    let mut listed = other.listed.iter().filter(is_another);
                    other.owner.contains(value) || other.anonymous.contains(value) || listed.any(|i| i.contains(value))
                })
        };
        witness::witness(reading.owner.iter().filter(|value| !is_sent(value) && !is_shared(value)))
    }

    /// Whether another tenant has an object of this kind: what they have in common is no evidence.
    fn is_compared(&self, object: &Object) -> bool {
        self.readings(object.tenant).any(|(other, _)| other.resource == object.resource)
    }

    /// Objects of other tenants that the run did not make.
    fn readings(&self, but: TenantIx) -> impl Iterator<Item = &(Object, Reading)> {
        let observed = self.results.iter().filter_map(|result| match result {
            Ok(Prepared::Observed(observed)) => Some(observed),
            _ => None,
        });
        observed.flatten().filter(move |(object, _)| object.tenant != but)
    }

    fn shown_to_others(&self, but: TenantIx) -> impl Iterator<Item = &BTreeSet<String>> {
        self.steps.iter().zip(self.results).filter_map(move |(step, result)| match result {
            Ok(Prepared::Shown(shown)) if step.tenant != but => Some(shown),
            _ => None,
        })
    }
}
