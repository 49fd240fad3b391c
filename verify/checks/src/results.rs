//! What trials and watchers concluded, and what set-up came to: the same bookkeeping for a live run and for a replay.

mod counts;
mod existence;
mod further;
mod leaks;
mod plain;

use std::collections::HashMap;
use std::rc::Rc;

use watertight_engine::log::Source;
use watertight_engine::planted::Planted;
use watertight_engine::{Access, Job, Reading, Script};
use watertight_model::Severity;
use watertight_spec::{Pair, Spec, TenantIx};

use crate::check::{Check, Concluded, Phase, Subject, Trial};
use crate::plan::Plan;
use crate::setup::{self, Prepared, Step, StepKind};
use crate::verdict::{Evidence, Reason, Stop, Unproven, Verdict};
use crate::watchers::{Sight, Watcher};

/// What one trial concluded.
#[derive(Clone, Debug)]
pub struct TrialResult {
    /// What kind of check.
    pub check: &'static Check,
    /// Whose credentials attacked, whose data was tried.
    pub pair: Pair,
    /// What was tried.
    pub subject: Subject,
    /// What it concluded.
    pub verdict: Verdict,
    /// Its index in the plan; none for what is judged over the whole log.
    pub trial: Option<usize>,
    /// What was seen of the same leak elsewhere, by watchers or by other trials: no findings of their own.
    pub also_seen: Vec<AlsoSeen>,
}

/// What was seen of a leak that a trial had found.
#[derive(Clone, Debug)]
pub struct AlsoSeen {
    /// What kind of check saw it.
    pub check: &'static Check,
    /// What shows it.
    pub evidence: Evidence,
}

/// How far set-up has come: steps of one depth run side by side, parents before their children.
pub(crate) struct Course {
    pub(crate) part: u32,
    prepared: Vec<Option<Result<Prepared, Stop>>>,
    pub(crate) planted: Rc<Planted>,
    /// Tenants in which nothing could be set up with their own credentials, and why.
    shut_out: HashMap<TenantIx, Unproven>,
}

impl Course {
    /// At the beginning of a part of a run.
    pub(crate) fn new(plan: &Plan, part: u32) -> Self {
        let prepared = plan.steps.iter().map(|_| None).collect();
        Self { part, prepared, planted: Rc::default(), shut_out: HashMap::new() }
    }

    /// The steps that come next: all of one depth. None when set-up is over.
    pub(crate) fn next_group(&self, plan: &Plan) -> Vec<usize> {
        let open = |index: &usize| self.prepared.get(*index).is_some_and(Option::is_none);
        let first = (0..plan.steps.len()).find(open).and_then(|index| plan.steps.get(index));
        let same = |index: &usize| plan.steps.get(*index).map(|s| s.depth) == first.map(|s| s.depth);
        (0..plan.steps.len()).filter(open).filter(same).collect()
    }

    /// A step as a job.
    pub(crate) fn step(&self, plan: &Plan, index: usize) -> Option<Job<Result<Prepared, Stop>>> {
        let step = plan.steps.get(index)?;
        let script = script_of(step);
        let access = script.access(plan.access)?;
        let label = format!("part {} setup {index} {}", self.part, step.label);
        let planted = Rc::clone(&self.planted);
        Some(Job { source: Source::Setup(index), label, planted, script, access, caller: None, tenants: Vec::new() })
    }

    /// What a step came to.
    pub(crate) fn set(&mut self, index: usize, prepared: Option<Result<Prepared, Stop>>) {
        if let Some(place) = self.prepared.get_mut(index) {
            *place = Some(prepared.unwrap_or_else(|| Err(unfinished().into())));
        }
    }

    /// When all steps of a group are done, or the run has ended: what is planted so far.
    pub(crate) fn settle(&mut self, spec: &Spec, plan: &Plan) {
        let results: Vec<Result<Prepared, Stop>> = self.prepared.iter().map_while(Clone::clone).collect();
        self.planted = Rc::new(setup::planted(spec, &plan.steps, &results));
        let shut_out = spec.tenant_ixs().filter_map(|tenant| Some((tenant, self.shuts_out(plan, tenant)?.clone())));
        self.shut_out = shut_out.collect();
    }

    /// The run ends before set-up has: what is not done is not there.
    pub(crate) fn cut_short(&mut self, spec: &Spec, plan: &Plan) {
        for prepared in self.prepared.iter_mut().filter(|prepared| prepared.is_none()) {
            *prepared = Some(Err(unfinished().into()));
        }
        self.settle(spec, plan);
    }

    /// Why no step succeeded, if none did.
    pub(crate) fn failure(&self) -> Option<String> {
        // A look around finds nothing where there is nothing to look for.
        let mut tried = self.prepared.iter().flatten().filter(|one| !matches!(one, Ok(Prepared::Shown(_)))).peekable();
        let all_failed = tried.peek().is_some() && tried.all(Result::is_err);
        let mut failures = self.prepared.iter().flatten().filter_map(|prepared| prepared.as_ref().err());
        let first = failures.clone().find(|stop| matches!(stop, Stop::Unproven(_))).or_else(|| failures.next());
        first.filter(|_| all_failed).map(said)
    }

    /// Why nothing could be set up in a tenant with its own credentials, if nothing could.
    fn shuts_out(&self, plan: &Plan, tenant: TenantIx) -> Option<&Unproven> {
        let is_own = |step: &Step| step.tenant == tenant && step.kind != StepKind::LookAround;
        let own = || plan.steps.iter().zip(&self.prepared).filter(|(step, _)| is_own(step));
        let failed = |prepared: &Option<Result<Prepared, Stop>>| match prepared {
            Some(Err(Stop::Unproven(_))) => Some(true),
            Some(Err(Stop::NotApplicable(_))) => None,
            _ => Some(false),
        };
        let tried: Vec<bool> = own().filter_map(|(_, prepared)| failed(prepared)).collect();
        let is_shut_out = !tried.is_empty() && tried.iter().all(|failed| *failed);
        let first = own().find_map(|(_, prepared)| match prepared {
            Some(Err(Stop::Unproven(unproven))) => Some(unproven),
            _ => None,
        });
        first.filter(|_| is_shut_out)
    }

    /// What a trial may send, or what it concludes without being begun.
    pub(crate) fn access(&self, plan: &Plan, trial: &Trial) -> Result<Access, Verdict> {
        if let Some(unproven) = self.shut_out.get(&trial.pair.attacker) {
            let unproven = unproven.clone().because(Reason::AttackerShutOut);
            return Err(Verdict::Unproven(unproven.about(Reason::AttackerShutOut.says())));
        }
        let access = trial.script.access(plan.access);
        access.ok_or_else(|| Stop::not_applicable("only reads are sent").into())
    }

    /// A trial as a job, or what it concludes without being begun.
    pub(crate) fn trial(&self, plan: &Plan, index: usize) -> Result<Job<Concluded>, Verdict> {
        let Some(trial) = plan.trials.get(index) else { return Err(Verdict::Unproven(unfinished())) };
        let access = self.access(plan, trial)?;
        let Pair { attacker, victim } = trial.pair;
        let caller = trial.subject.instead();
        // No two trials share a label, so none takes another's markers for its own.
        let label =
            format!("part {} trial {index} {} {} {}", self.part, trial.check.id, attacker.number(), victim.number());
        Ok(Job {
            source: Source::Trial(index),
            label,
            planted: Rc::clone(&self.planted),
            script: trial.script.clone(),
            access,
            caller,
            tenants: lane(trial),
        })
    }
}

/// In whose data a trial must not be disturbed. What waits for a token's death looks at single objects alone.
fn lane(trial: &Trial) -> Vec<TenantIx> {
    match trial.phase {
        Phase::Early => Vec::new(),
        Phase::Main | Phase::Last | Phase::Final => vec![trial.pair.attacker, trial.pair.victim],
    }
}

fn script_of(step: &Step) -> Script<Result<Prepared, Stop>> {
    let own = Rc::new(step.clone());
    let run: Reading<Result<Prepared, Stop>> = Rc::new(move |t| {
        let step = Rc::clone(&own);
        Box::pin(async move { setup::run(t, &step).await })
    });
    match step.kind {
        StepKind::Observe(..) | StepKind::LookAround => Script::Read(run),
        StepKind::Plant(_) | StepKind::Mark(..) => Script::Plant(run),
    }
}

/// A reason, for people.
pub(crate) fn said(stop: &Stop) -> String {
    match stop {
        Stop::Unproven(unproven) => unproven.detail.clone(),
        Stop::NotApplicable(nothing) => nothing.why.clone(),
    }
}

pub(crate) fn unfinished() -> Unproven {
    Unproven::new(Reason::Unfinished, Reason::Unfinished.says())
}

/// What a script that was run concluded.
pub(crate) fn verdict(concluded: Option<Concluded>) -> Verdict {
    match concluded {
        Some(Ok(verdict)) => verdict,
        Some(Err(stop)) => stop.into(),
        None => Verdict::Unproven(unfinished()),
    }
}

/// Every result of a run, in the order of the plan; then what the watchers saw beside what trials have found. What an
/// ordinary request happens to show of a leak depends on what came before it; what is concluded must not.
pub(crate) fn results(
    spec: &Spec,
    plan: &Plan,
    decided: Vec<Option<Verdict>>,
    watchers: &[Box<dyn Watcher>],
) -> Vec<TrialResult> {
    let of_trials = plan.trials.iter().zip(decided).enumerate().map(|(index, (trial, verdict))| TrialResult {
        check: trial.check,
        pair: trial.pair,
        subject: trial.subject,
        verdict: verdict.unwrap_or_else(|| Verdict::Unproven(unfinished())),
        trial: Some(index),
        also_seen: Vec::new(),
    });
    let mut results: Vec<TrialResult> = of_trials.collect();
    further::settle(spec, &mut results);
    counts::settle(&mut results);
    plain::settle(&mut results);
    existence::settle(spec, &mut results);
    let is_leak = |index: &usize| results.get(*index).is_some_and(|one| matches!(one.verdict, Verdict::Leak(_)));
    let found: Vec<usize> = (0..results.len()).filter(is_leak).collect();
    let planned = || watchers.iter().filter(|watcher| plan.watches(watcher.check()));
    let watched = planned().flat_map(|watcher| spec.pairs().into_iter().map(move |pair| (watcher, pair)));
    for (watcher, pair) in watched {
        let others = beside_trials(&mut results, &found, watcher.check(), pair, watcher.leaks(pair));
        let leaks = others.into_iter().map(|sight| (sight.subject, Verdict::Leak(sight.evidence)));
        let mut concluded: Vec<(Subject, Verdict)> = leaks.collect();
        if concluded.is_empty() {
            concluded.push((Subject::Everything, verdict(Some(watcher.nothing_else(pair)))));
        }
        let check = watcher.check();
        let of_watcher =
            |(subject, verdict)| TrialResult { check, pair, subject, verdict, trial: None, also_seen: vec![] };
        results.extend(concluded.into_iter().map(of_watcher));
    }
    results
}

/// What no trial has found. The rest is noted with the first trial that has.
fn beside_trials(
    results: &mut [TrialResult],
    found: &[usize],
    check: &'static Check,
    pair: Pair,
    sights: Vec<Sight>,
) -> Vec<Sight> {
    let mut others = Vec::new();
    for sight in sights {
        let same = |index: &&usize| results.get(**index).is_some_and(|result| result.tells_of(pair, &sight));
        match found.iter().find(same).and_then(|index| results.get_mut(*index)) {
            Some(result) => result.also_seen.push(AlsoSeen { check, evidence: sight.evidence }),
            None => others.push(sight),
        }
    }
    others
}

impl TrialResult {
    /// Whether what was seen is the leak that this has found: what its operation shows, or what its operation has put where it
    /// is seen.
    fn tells_of(&self, pair: Pair, sight: &Sight) -> bool {
        let operation = self.subject.operation();
        let is_shown = operation == sight.subject.operation() && self.pair == pair;
        let is_of_both = self.pair == pair || self.pair == Pair { attacker: pair.victim, victim: pair.attacker };
        // What is shown weighs more than a hint, which would hide it.
        let is_grave = matches!(self.check.severity, Severity::Critical | Severity::High);
        let is_written = is_grave && operation.is_some_and(|operation| sight.by.contains(&operation)) && is_of_both;
        matches!(self.verdict, Verdict::Leak(_)) && (is_shown || is_written)
    }
}
