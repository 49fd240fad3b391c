//! The plan: what a run of a spec would send, before anything is sent.
//!
//! - here: what is planned, and what it costs.
//! - [`outline`]: which places of each operation's request are attacked, and what is not tried. [`silent`]: which trials and
//!   steps send nothing. [`gaps`]: what the spec says nothing of. [`acts`]: what is done in the end. [`stays`]: what is there
//!   afterwards. [`person`]: what is no boundary for a member of both tenants.

mod acts;
mod gaps;
mod outline;
mod person;
mod silent;
mod stays;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use watertight_engine::Access;
use watertight_spec::{Limits, ResourceIx, Spec, Supply, TargetEnvironment};

use crate::check::{Check, Subject, Trial};
use crate::setup::{self, Step, StepKind};
use crate::{Kind, TriedBy};
pub use acts::Acted;
pub use gaps::Gap;
pub use outline::{Attacked, Outline, Part, Place, Stands, Untried, names_only_its_own};
pub use stays::Stays;
pub(crate) use stays::{NO_REMOVAL, accounts, is_removable};

/// Requests of one step of set-up that plants: three objects, each read back.
const REQUESTS_TO_PLANT: u64 = 6;
/// Of one that looks at what is there.
const REQUESTS_TO_OBSERVE: u64 = 4;

/// What is asked of a run.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Options {
    /// The order of checks and the markers follow from it.
    pub seed: u64,
    /// Only checks with this id, or whose id begins with it and a dot (`api`).
    pub only: Option<String>,
    /// How much is tried.
    pub depth: Depth,
}

/// How much is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Everything.
    #[default]
    Full,
    /// `--quick`, and always in production: nothing is sent but reads.
    ReadsOnly,
}

/// What a run would do.
#[derive(Debug)]
pub struct Plan {
    pub(crate) steps: Vec<Step>,
    /// In the order of sending, as far as they do not disturb each other.
    pub trials: Vec<Trial>,
    /// Checks left out: id, operation, and why.
    pub left_out: Vec<LeftOut>,
    /// What the run may send.
    pub access: Access,
    only: Option<String>,
}

/// A check that the plan leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The check's id.
    pub check: &'static str,
    /// What is not tried with it.
    pub subject: Subject,
    /// What that is called.
    pub operation: String,
    /// Why, for people.
    pub why: String,
}

/// Into how many parts a run is divided, over which the trials of a check are spread.
const PARTS: u64 = 1 << 20;

/// Names of tenants in one line.
const LISTED: usize = 6;

fn listed(names: &[&str]) -> String {
    let first = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// What a run would cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// About how many requests.
    pub requests: u64,
    /// What it may cost.
    pub limits: Limits,
}

/// A bound of `[limits]` that ends a run before all of its trials are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// `requests`: the most requests of a run.
    Requests(u64),
    /// `time`: of the whole run, which it exceeds by the rate alone.
    Time(Duration),
}

impl Cost {
    /// The first of its bounds that the run would come to.
    pub fn exceeds(self) -> Option<Exceeded> {
        if self.requests > self.limits.requests {
            return Some(Exceeded::Requests(self.limits.requests));
        }
        (self.time_at(Duration::ZERO) > self.limits.time).then_some(Exceeded::Time(self.limits.time))
    }

    /// About how long it takes where an answer takes this long.
    pub fn time_at(self, latency: Duration) -> Duration {
        let count = u32::try_from(self.requests).unwrap_or(u32::MAX);
        let side_by_side = u32::try_from(self.limits.concurrency).unwrap_or(u32::MAX).max(1);
        let by_latency = latency.saturating_mul(count) / side_by_side;
        let by_rate = Duration::from_secs(1).saturating_mul(count) / self.limits.rate.max(1);
        by_latency.max(by_rate)
    }
}

impl Plan {
    /// How many verdicts there will be: of trials, and of what is judged over the whole log.
    pub fn total(&self, spec: &Spec) -> usize {
        self.trials.len().saturating_add(self.watched().count().saturating_mul(spec.pairs().len()))
    }

    /// Checks that are judged over the whole log: each has a verdict for every pair, and no trial.
    pub fn watched(&self) -> impl Iterator<Item = &'static Check> {
        crate::watchers::checks().into_iter().filter(|check| self.watches(check))
    }

    /// Whether a watcher's verdicts are asked for.
    pub(crate) fn watches(&self, check: &Check) -> bool {
        is_wanted(check.id, self.only.as_deref())
    }

    /// For each trial, why it would send nothing, if it would not: a report says `not applicable` of it.
    pub fn silent(&self, spec: &Arc<Spec>) -> Vec<Option<String>> {
        silent::trials(spec, self)
    }

    /// What set-up would send, for people: what is done alike in several tenants in one line.
    pub fn setup(&self, spec: &Arc<Spec>) -> Vec<String> {
        let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
        for (step, is_silent) in self.steps.iter().zip(silent::steps(spec, self)) {
            let does = self.does(spec, step);
            let tenant = spec[step.tenant].name.as_str();
            match lines.iter_mut().find(|(known, _)| *known == does) {
                _ if is_silent => {}
                Some((_, tenants)) => tenants.push(tenant),
                None => lines.push((does, vec![tenant])),
            }
        }
        lines.into_iter().map(|(does, tenants)| format!("{does} {}", listed(&tenants))).collect()
    }

    /// What a step does, up to the names of tenants.
    fn does(&self, spec: &Spec, step: &Step) -> String {
        let name = |resource: &ResourceIx| &spec[*resource].name;
        match &step.kind {
            StepKind::Mark(resource, _) if self.access == Access::Write => {
                format!("write into the {} of", name(resource))
            }
            StepKind::Observe(resource, _) | StepKind::Mark(resource, _) if spec[*resource].is_singleton => {
                format!("look up the {} of", name(resource))
            }
            StepKind::Observe(resource, id) | StepKind::Mark(resource, id) => {
                format!("look up {} {id} of", name(resource))
            }
            StepKind::Plant(resource) if spec[*resource].supply == Supply::Made && self.access == Access::Write => {
                format!("plant {} in", name(resource))
            }
            StepKind::Plant(resource) => format!("look in the list for {} of", name(resource)),
            StepKind::LookAround => "look, before the first attack, at what is shown to".to_owned(),
        }
    }

    /// What it would cost to send these of its trials.
    pub fn cost<'p>(&self, spec: &Spec, sending: impl Iterator<Item = &'p Trial>) -> Cost {
        let steps = self.steps.iter().map(|step| match (&step.kind, self.access) {
            (StepKind::Plant(_), Access::Write) => REQUESTS_TO_PLANT,
            (StepKind::Plant(_), Access::Read) | (StepKind::Observe(..) | StepKind::Mark(..), _) => REQUESTS_TO_OBSERVE,
            (StepKind::LookAround, _) => setup::requests_to_look_around(spec),
        });
        let trials = sending.map(|trial| u64::from(trial.check.requests));
        Cost { requests: steps.chain(trials).sum(), limits: spec.limits }
    }
}

/// Plans a run.
pub fn plan(spec: &Spec, options: &Options) -> Plan {
    let reads_only = options.depth == Depth::ReadsOnly || spec.target.environment == TargetEnvironment::Production;
    let access = if reads_only { Access::Read } else { Access::Write };
    let mut left_out = Vec::new();
    let kinds = crate::kinds();
    let wanted = kinds.iter().filter(|kind| is_wanted(kind.check.id, options.only.as_deref()));
    let may_be_sent = |trial: &Trial| {
        let why = match excluded(spec, trial) {
            Some(why) => Some(why),
            None if trial.script.access(access).is_none() => Some("only reads are sent".to_owned()),
            None => None,
        };
        let Some(why) = why else { return true };
        let (subject, operation) = (trial.subject, trial.subject.label(spec));
        left_out.push(LeftOut { check: trial.check.id, subject, operation, why });
        false
    };
    let mut trials: Vec<Trial> = wanted.flat_map(|kind| trials_of(spec, kind)).filter(may_be_sent).collect();
    trials.shuffle(&mut StdRng::seed_from_u64(options.seed));
    let trials = in_order(trials, access);
    Plan { steps: setup::steps(spec, access), trials, left_out, access, only: options.only.clone() }
}

/// The trials of a kind, by everyone who is to try it.
fn trials_of(spec: &Spec, kind: &Kind) -> Vec<Trial> {
    let by_caller = (kind.trials)(spec);
    if kind.tried_by == TriedBy::Caller {
        return by_caller;
    }
    let by_others = by_caller.iter().flat_map(|trial| {
        let others = spec.further_attackers(trial.pair.attacker);
        let others = others.filter(|who| person::crosses(spec, *who, trial));
        others.filter_map(|who| Some(trial.with(Subject::OperationAs(trial.subject.operation()?, who))))
    });
    let by_others: Vec<Trial> = by_others.collect();
    by_caller.into_iter().chain(by_others).collect()
}

/// Those that only read come first, so that they need not wait for those that write: the longest first, so that none of
/// these is left over when all others are done. Those that write may need it to be quiet, which few can have at a
/// time: the trials of each check are spread over the whole run, so that others go on meanwhile.
fn in_order(trials: Vec<Trial>, access: Access) -> Vec<Trial> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    trials.iter().for_each(|trial| *counts.entry(trial.check.id).or_default() += 1);
    let mut so_far: HashMap<&str, u64> = HashMap::new();
    let mut in_order: Vec<_> = Vec::with_capacity(trials.len());
    for trial in trials {
        let is_write = trial.script.access(access) == Some(Access::Write);
        let before = so_far.entry(trial.check.id).or_default();
        let count = counts.get(trial.check.id).copied().unwrap_or(1).max(1);
        let share = if is_write { before.saturating_mul(PARTS) / count } else { 0 };
        *before = before.saturating_add(1);
        in_order.push(((trial.phase, is_write, share, Reverse(trial.check.requests)), trial));
    }
    in_order.sort_by_key(|(key, _)| *key);
    in_order.into_iter().map(|(_, trial)| trial).collect()
}

fn is_wanted(id: &str, only: Option<&str>) -> bool {
    only.is_none_or(|only| id == only || id.strip_prefix(only).is_some_and(|rest| rest.starts_with('.')))
}

fn excluded(spec: &Spec, trial: &Trial) -> Option<String> {
    let names = |name: &String| match trial.subject {
        Subject::Operation(operation) | Subject::OperationAs(operation, _) => {
            spec[operation].name == *name || spec[operation].label() == *name
        }
        Subject::Act(act) => spec[act].name == *name || trial.subject.label(spec) == *name,
        Subject::Token(_) | Subject::Everything => trial.subject.label(spec) == *name,
    };
    let mut excludes = spec.excludes.iter().filter(|exclude| exclude.check == trial.check.id);
    let exclude = excludes.find(|exclude| exclude.operation.as_ref().is_none_or(names))?;
    Some(format!("excluded until {}: {}", exclude.expires, exclude.reason))
}
