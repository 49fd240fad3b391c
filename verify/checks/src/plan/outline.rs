//! What a run would do to each operation of a spec, for people who look at it before: which places of its request are
//! attacked, by which checks, and what is not tried, and why. It follows from the trials of the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use watertight_engine::Access;
use watertight_spec::{Operation, OperationIx, ResourceIx, Role, Spec, Spot, Symbol, Way};

use super::acts::{Acted, acts};
use super::gaps::{Gap, gaps};
use super::stays::{Stays, stays};
use super::{LeftOut, Plan, silent};
use crate::check::{Target, Trial};

/// What a run would attack, and what it would not.
#[derive(Debug)]
pub struct Outline {
    /// For each trial of the plan, whether it sends something.
    sends: Vec<bool>,
    /// Operations that are attacked, in the order of the spec.
    pub attacked: Vec<Attacked>,
    /// The others.
    pub untried: Vec<Untried>,
    /// Trials that send nothing, besides those that [the plan leaves out](Plan::left_out).
    pub silent: Vec<LeftOut>,
    /// What is done to sessions, members and tenants, after all else.
    pub acts: Vec<Acted>,
    /// What is there after the run and was not before.
    pub stays: Vec<Stays>,
    /// What the spec says nothing of.
    pub gaps: Vec<Gap>,
}

/// An operation, and what is attacked in it.
#[derive(Debug, Serialize)]
pub struct Attacked {
    /// Its name.
    pub operation: String,
    /// Method and path.
    pub request: String,
    /// How many trials there are of it, over all pairs of tenants.
    pub trials: usize,
    /// With whose credentials besides those of each tenant's first principal.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub also_as: BTreeSet<String>,
    /// What of it is attacked.
    pub places: Vec<Place>,
}

/// A place in a request, and the checks that attack it there.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// What part of a request.
    #[serde(flatten)]
    pub part: Part,
    /// What stands there in the request of an owner.
    #[serde(flatten)]
    pub stands: Stands,
    /// Ids of the checks.
    pub checks: BTreeSet<&'static str>,
}

/// A part of a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Part {
    /// What kind of part: `path`, `query`, `header`, `body`, `form`, `part`, `text`, `host`, `credential`; `added-header`,
    /// `added-parameter`, `added-element` and `added-member` are not there in the request of an owner; `answer` is what it is told.
    #[serde(rename = "in")]
    pub kind: &'static str,
    /// Which of its kind: a segment as it is written, a name, a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// What stands in a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "stands", content = "of")]
pub enum Stands {
    /// What names the tenant.
    Tenant,
    /// The id of the object that the operation concerns.
    OwnObject(String),
    /// A reference to another object.
    OtherObject(String),
    /// A name that the sender chooses.
    Name,
    /// Words that are searched for.
    Words,
    /// What its sender proves itself with.
    Credential,
    /// Nothing that is attacked: what is answered is looked through.
    Nothing,
}

/// An operation that nothing tries.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Untried {
    /// Its name.
    pub operation: String,
    /// Method and path.
    pub request: String,
    /// Why, for people.
    pub why: String,
}

impl Outline {
    /// Of a plan of this spec.
    pub fn new(spec: &Arc<Spec>, plan: &Plan) -> Self {
        let silent = silent::trials(spec, plan);
        let sends =
            |(trial, why): (&Trial, &Option<String>)| why.is_none().then(|| trial.subject.operation()).flatten();
        let by_index = || plan.trials.iter().zip(&silent);
        let tried: BTreeSet<OperationIx> = by_index().filter_map(sends).collect();
        let silent_ones: Vec<LeftOut> = by_index()
            .filter_map(|(trial, why)| {
                let (subject, operation) = (trial.subject, trial.subject.label(spec));
                Some(LeftOut { check: trial.check.id, subject, operation, why: why.clone()? })
            })
            .collect();
        let trials: Vec<&Trial> = by_index().filter(|(_, why)| why.is_none()).map(|(trial, _)| trial).collect();
        let mut of_each: BTreeMap<OperationIx, Vec<&Trial>> = BTreeMap::new();
        for trial in &trials {
            if let Some(operation) = trial.subject.operation() {
                of_each.entry(operation).or_default().push(trial);
            }
        }
        let attacked = of_each.iter().map(|(ix, trials)| attacked(spec, plan.access, &spec[*ix], trials));
        let untried = spec.operation_ixs().filter(|ix| !tried.contains(ix)).map(|ix| Untried {
            operation: spec[ix].name.clone(),
            request: spec[ix].request.to_string(),
            why: why(spec, plan, &silent_ones, ix),
        });
        Self {
            sends: silent.iter().map(Option::is_none).collect(),
            attacked: attacked.collect(),
            untried: untried.collect(),
            stays: stays(spec, plan, &tried),
            acts: acts(plan).into_iter().map(|act| Acted::of(spec, act)).collect(),
            gaps: gaps(spec, plan),
            silent: silent_ones,
        }
    }

    /// The trials of that plan that send something.
    pub fn sending<'p>(&self, plan: &'p Plan) -> impl Iterator<Item = &'p Trial> {
        plan.trials.iter().zip(&self.sends).filter(|(_, sends)| **sends).map(|(trial, _)| trial)
    }
}

fn attacked(spec: &Spec, access: Access, op: &Operation, trials: &[&Trial]) -> Attacked {
    let mut places: BTreeMap<(Part, Stands), BTreeSet<&'static str>> = BTreeMap::new();
    for trial in trials {
        // What is made for it is not there in a run that only reads.
        let targets =
            trial.targets.iter().filter(|target| !(access == Access::Read && matches!(target, Target::Above(_))));
        for place in targets.flat_map(|target| places_of(spec, op, *target)) {
            places.entry(place).or_default().insert(trial.check.id);
        }
    }
    let mut places: Vec<Place> =
        places.into_iter().map(|((part, stands), checks)| Place { part, stands, checks }).collect();
    places.sort_by_key(|place| rank(place.part.kind));
    let further = trials.iter().filter_map(|trial| trial.subject.instead());
    Attacked {
        operation: op.name.clone(),
        request: op.request.to_string(),
        trials: trials.len(),
        also_as: further.map(|who| spec.name_of(who)).collect(),
        places,
    }
}

/// In the order of a request; then what is added to it, and what comes of it.
fn rank(kind: &str) -> Option<usize> {
    const ORDER: [&str; 14] = [
        HOST,
        "path",
        "query",
        "header",
        "body",
        "form",
        "part",
        "text",
        CREDENTIAL,
        ADDED_HEADER,
        ADDED_PARAMETER,
        ADDED_ELEMENT,
        ADDED_MEMBER,
        ANSWER,
    ];
    ORDER.iter().position(|known| *known == kind)
}

const HOST: &str = "host";
const CREDENTIAL: &str = "credential";
const ADDED_HEADER: &str = "added-header";
const ADDED_PARAMETER: &str = "added-parameter";
const ADDED_ELEMENT: &str = "added-element";
const ADDED_MEMBER: &str = "added-member";
const ANSWER: &str = "answer";

/// Where a target is in a request.
fn places_of(spec: &Spec, op: &Operation, target: Target) -> Vec<(Part, Stands)> {
    let holding = |is: &dyn Fn(&Symbol) -> bool, stands: &Stands| -> Vec<(Part, Stands)> {
        let spots = op.request.spots().into_iter().filter(|(_, symbol)| is(symbol));
        spots.map(|(spot, _)| (Part::of(&spot), stands.clone())).collect()
    };
    let alone = |kind: &'static str, stands: Stands| vec![(Part { kind, at: None }, stands)];
    match target {
        Target::Tenant => {
            let mut places = holding(&Symbol::names_tenant, &Stands::Tenant);
            places.extend(
                spec.ways(op.ix).contains(&Way::Url).then_some((Part { kind: HOST, at: None }, Stands::Tenant)),
            );
            places
        }
        Target::TenantId => holding(&|symbol| *symbol == Symbol::Tenant, &Stands::Tenant),
        Target::Object(kind) | Target::Above(kind) => {
            holding(&|symbol| *symbol == Symbol::Object(kind), &object(spec, op, kind))
        }
        Target::Second(kind) => {
            let spots = op.request.second_spots(kind).into_iter();
            let added = |spot: Spot| Part { kind: ADDED_ELEMENT, at: spot.name().map(str::to_owned) };
            spots.map(|spot| (added(spot), object(spec, op, kind))).collect()
        }
        Target::Name => holding(&Symbol::is_unique, &Stands::Name),
        Target::Words => holding(&|symbol| *symbol == Symbol::CanaryPublic, &Stands::Words),
        Target::Members => {
            let fields = spec.tenancy.fields.iter();
            fields.map(|field| (Part { kind: ADDED_MEMBER, at: Some(field.clone()) }, Stands::Tenant)).collect()
        }
        Target::Headers => alone(ADDED_HEADER, Stands::Tenant),
        Target::Parameters => alone(ADDED_PARAMETER, Stands::Tenant),
        Target::Credential => alone(CREDENTIAL, Stands::Credential),
        Target::Answer => alone(ANSWER, Stands::Nothing),
    }
}

impl Part {
    fn of(spot: &Spot) -> Self {
        Self { kind: spot.kind(), at: spot.name().map(str::to_owned) }
    }
}

fn object(spec: &Spec, op: &Operation, kind: ResourceIx) -> Stands {
    let name = spec[kind].name.clone();
    if op.resource == Some(kind) { Stands::OwnObject(name) } else { Stands::OtherObject(name) }
}

fn why(spec: &Spec, plan: &Plan, silent: &[LeftOut], ix: OperationIx) -> String {
    let of_this = plan.left_out.iter().chain(silent).filter(|left| left.subject.operation() == Some(ix));
    let whys: BTreeSet<&str> = of_this.map(|left| left.why.as_str()).collect();
    if !whys.is_empty() {
        return whys.into_iter().collect::<Vec<_>>().join("; ");
    }
    match &plan.only {
        Some(only) => format!("only {only} was asked for"),
        None if names_only_its_own(spec, ix) => {
            "it names nothing of another tenant's; what it makes or changes is tried by the other operations".to_owned()
        }
        None => "no check fits it: it names neither a tenant nor an object; if it changes many, say of what kinds with `changes`"
            .to_owned(),
    }
}

/// Whether there is nothing to attack in an operation that makes an object, or changes what a tenant has one of: what it makes
/// is tried by the other operations of its kind.
pub fn names_only_its_own(spec: &Spec, ix: OperationIx) -> bool {
    let Operation { role, resource, request, .. } = &spec[ix];
    let is_own = |symbol: &&Symbol| match symbol {
        Symbol::Canary | Symbol::CanaryPublic | Symbol::Moment(_) => true,
        Symbol::Object(object) => Some(*object) == *resource,
        Symbol::Tenant | Symbol::TenantName | Symbol::Value(_) => false,
        Symbol::Unique | Symbol::Generated(_) => false,
    };
    let is_of_one = resource.is_some_and(|resource| spec[resource].is_singleton);
    (*role == Role::Create || is_of_one) && request.symbols().iter().all(is_own)
}
