//! What of a plan would send nothing. The scripts themselves say so: each is begun after a set-up in which all went well, and
//! what is done before it has sent anything will send nothing in a run either.

use std::rc::Rc;
use std::sync::Arc;

use watertight_engine::marker::RunTag;
use watertight_engine::planted::{Marker, Object, Planted, Witness};
use watertight_engine::{Access, Fed, Job, Player};
use watertight_spec::{ObjectId, ResourceIx, Role, Spec, Symbol, TenantIx};

use super::Plan;
use crate::results::{Course, said};
use crate::setup::{PLANTED, StepKind};
use crate::shared::{Place, is_creatable, operation_of};
use crate::verdict::{Stop, Verdict};

/// For each trial, why it sends nothing, if it does not.
pub(super) fn trials(spec: &Arc<Spec>, plan: &Plan) -> Vec<Option<String>> {
    let course = prepared(spec, plan);
    let mut player = Player::new(Arc::clone(spec), tag());
    let whys = (0..plan.trials.len()).map(|index| match course.trial(plan, index) {
        Err(concluded) => why(Ok(concluded)),
        Ok(job) => begun(&mut player, job).and_then(why),
    });
    whys.collect()
}

/// For each step of set-up, whether it sends nothing.
pub(super) fn steps(spec: &Arc<Spec>, plan: &Plan) -> Vec<bool> {
    let course = prepared(spec, plan);
    let mut player = Player::new(Arc::clone(spec), tag());
    let jobs = (0..plan.steps.len()).map(|index| course.step(plan, index));
    jobs.map(|job| job.is_none_or(|job| begun(&mut player, job).is_some())).collect()
}

fn prepared(spec: &Spec, plan: &Plan) -> Course {
    let mut course = Course::new(plan, 1);
    course.planted = Rc::new(planted(spec, plan));
    course
}

/// What a script comes to that sends nothing.
fn begun<T: 'static>(player: &mut Player<T>, job: Job<T>) -> Option<T> {
    let done = match player.begin(job) {
        Fed::Done(output) => output,
        Fed::GoesOn | Fed::Diverges(_) => None,
    };
    player.interrupt();
    done
}

fn why(concluded: Result<Verdict, Stop>) -> Option<String> {
    match concluded {
        Ok(Verdict::NotApplicable(nothing)) => Some(nothing.why),
        Ok(Verdict::Unproven(unproven)) => Some(unproven.detail),
        // Decided by what the spec says alone.
        Ok(Verdict::Isolated(_) | Verdict::Leak(_) | Verdict::Advisory(_)) => None,
        Err(stop) => Some(said(&stop)),
    }
}

fn tag() -> RunTag {
    RunTag::new(0, 0)
}

/// As if all of set-up had gone well.
fn planted(spec: &Spec, plan: &Plan) -> Planted {
    let mut planted = Planted::default();
    for step in &plan.steps {
        let ids: Vec<(ResourceIx, ObjectId)> = match &step.kind {
            StepKind::Plant(resource) => (0..PLANTED)
                .map(|number| {
                    let made_up = tag().canary(step.tenant, &format!("{} {number}", step.label));
                    (*resource, ObjectId::text(made_up.public))
                })
                .collect(),
            StepKind::Observe(resource, id) | StepKind::Mark(resource, id) => vec![(*resource, id.clone())],
            StepKind::LookAround => Vec::new(),
        };
        for (resource, id) in ids {
            let parents = above(spec, &planted, step.tenant, resource);
            let marker = marker(spec, plan.access, step.tenant, resource, &id);
            planted.add(Object { tenant: step.tenant, resource, id, parents, marker });
        }
    }
    planted
}

fn above(spec: &Spec, planted: &Planted, tenant: TenantIx, resource: ResourceIx) -> Vec<(ResourceIx, ObjectId)> {
    let mut ids: Vec<(ResourceIx, ObjectId)> = Vec::new();
    for object in spec[resource].needs.iter().filter_map(|need| planted.of(tenant, *need).next()) {
        let new = Place::of(object).ids.into_iter();
        ids.extend(new.filter(|(kind, _)| *kind != resource).collect::<Vec<_>>());
    }
    ids
}

/// What is made without a marker has none; any other object is taken to be recognised.
fn marker(spec: &Spec, access: Access, tenant: TenantIx, resource: ResourceIx, id: &ObjectId) -> Marker {
    let create = operation_of(spec, resource, Role::Create);
    let is_made = access == Access::Write && is_creatable(spec, resource);
    match create.filter(|_| is_made) {
        Some(create) if create.request.mentions(&Symbol::Canary) => Marker::Planted(tag().canary(tenant, id)),
        Some(_) => Marker::Witnessed(Witness::default()),
        None => Marker::Witnessed(Witness { alone: vec![format!("shown with {id}")], together: Vec::new() }),
    }
}
