//! Drives the machines of a plan over a trace: the same code for a live run and for a replay.

use watertight_spec::Spec;

use crate::check::{About, Check};
use crate::checks::{self, setup};
use crate::judge::Verdict;
use crate::marker::RunTag;
use crate::plan::{OwnView, Plan};
use crate::tape::{Halt, Step, Tape};
use crate::trace::{Owner, Trace};
use crate::world::World;

/// The machines of a plan, and what their set-up has planted so far.
pub(crate) struct Machines<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) plan: &'a Plan,
    tag: &'a RunTag,
    pub(crate) world: World,
    planted: Vec<Result<setup::Planted, String>>,
}

/// What a step of set-up yields.
pub(crate) enum SetupStep {
    Continue(Step),
    Done,
}

impl<'a> Machines<'a> {
    pub(crate) fn new(spec: &'a Spec, plan: &'a Plan, tag: &'a RunTag) -> Self {
        Self { spec, plan, tag, world: World::default(), planted: Vec::new() }
    }

    /// Which set-up step comes next, if any is left.
    pub(crate) fn pending_setup(&self) -> Option<usize> {
        (self.planted.len() < self.plan.setup.len()).then_some(self.planted.len())
    }

    /// Whether every step of set-up failed, with the first reason.
    pub(crate) fn setup_failed(&self) -> Option<&str> {
        let all = !self.planted.is_empty() && self.planted.iter().all(Result::is_err);
        self.planted.iter().find_map(|p| p.as_ref().err()).filter(|_| all).map(String::as_str)
    }

    /// The next step of a set-up step; when it is done, the world has what it planted.
    pub(crate) fn step_setup(&mut self, index: usize, trace: &Trace) -> SetupStep {
        let Some(step) = self.plan.setup.get(index) else { return SetupStep::Done };
        let tape =
            Tape::new(self.spec, &self.world, self.tag, format!("setup {}", step.label), trace.of(Owner::Setup(index)));
        let planted = match setup::run(&tape, step) {
            Err(Halt::Send(call)) => return SetupStep::Continue(Step::Send(call)),
            Err(Halt::Wait(time)) => return SetupStep::Continue(Step::Wait(time)),
            Err(Halt::Unproven(why) | Halt::NotApplicable(why)) => Err(why),
            Ok(planted) => Ok(planted),
        };
        self.planted.push(planted);
        self.world = setup::world(self.spec, &self.plan.setup, &self.planted);
        SetupStep::Done
    }

    /// Steps that send nothing more leave no event: done by the time a later step, a check or the end comes.
    pub(crate) fn settle_setup(&mut self, trace: &Trace, before: usize) {
        while let Some(index) = self.pending_setup().filter(|index| *index < before) {
            if let SetupStep::Continue(_) = self.step_setup(index, trace) {
                break;
            }
        }
    }

    /// The next step of a check.
    pub(crate) fn step_check(&self, index: usize, trace: &Trace) -> Step {
        let Some(check) = self.plan.checks.get(index) else { return Step::Done(unfinished()) };
        if let Some(why) = self.is_shut_out(check.attacker) {
            let why = format!("the attacker's own credentials open nothing, so a denial shows nothing: {why}");
            return Step::Done(Verdict::Unproven(why));
        }
        // No two checks share a label, so none takes another's markers for its own.
        let label = format!("check {index} {} {} {}", check.about.id, check.attacker, check.victim);
        let tape = Tape::new(self.spec, &self.world, self.tag, label, trace.of(Owner::Check(index)));
        match (check.machine)(&tape) {
            Err(Halt::Send(call)) => Step::Send(call),
            Err(Halt::Wait(time)) => Step::Wait(time),
            Err(Halt::Unproven(why)) => Step::Done(Verdict::Unproven(why)),
            Err(Halt::NotApplicable(why)) => Step::Done(Verdict::NotApplicable(why)),
            Ok(verdict) if tape.is_spent() => Step::Done(verdict),
            Ok(_) => Step::Done(Verdict::Unproven("the trace holds more than this check would send".into())),
        }
    }

    /// Why nothing could be set up in a tenant, if nothing could.
    fn is_shut_out(&self, tenant: usize) -> Option<&str> {
        let own = || self.plan.setup.iter().zip(&self.planted).filter(|(step, _)| step.tenant == tenant);
        let all = own().next().is_some() && own().all(|(_, planted)| planted.is_err());
        own().find_map(|(_, planted)| planted.as_ref().err()).filter(|_| all).map(String::as_str)
    }

    /// What every check concludes from the trace, in the order of the plan; then what tenants' own requests showed.
    pub(crate) fn conclude(&self, trace: &Trace) -> Vec<CheckResult> {
        let mut results: Vec<CheckResult> = self
            .plan
            .checks
            .iter()
            .enumerate()
            .map(|(index, check)| CheckResult::of(check, index, self.verdict(index, trace)))
            .collect();
        if self.plan.own_view == OwnView::Judged {
            for (attacker, victim) in pairs(self.spec) {
                let verdict = checks::own_view(self.spec, &self.world, trace.events(), attacker, victim);
                results.push(CheckResult {
                    about: checks::own_view_about(),
                    attacker,
                    victim,
                    operation: "every ordinary request".into(),
                    verdict,
                    owner: None,
                });
            }
        }
        results
    }

    fn verdict(&self, index: usize, trace: &Trace) -> Verdict {
        match self.step_check(index, trace) {
            Step::Done(verdict) => verdict,
            Step::Send(_) | Step::Wait(_) => unfinished(),
        }
    }
}

/// Every ordered pair of tenants: attacker, victim.
pub fn pairs(spec: &Spec) -> Vec<(usize, usize)> {
    let tenants = 0..spec.tenants.len();
    tenants.clone().flat_map(|a| tenants.clone().filter(move |v| *v != a).map(move |v| (a, v))).collect()
}

fn unfinished() -> Verdict {
    Verdict::Unproven("the run ended before this check did".into())
}

/// What one instance of a check concluded.
#[derive(Clone, Debug)]
pub struct CheckResult {
    /// What kind of check.
    pub about: &'static About,
    /// Index of the tenant whose credentials attacked.
    pub attacker: usize,
    /// Index of the tenant whose data was tried.
    pub victim: usize,
    /// The operation.
    pub operation: String,
    /// What it concluded.
    pub verdict: Verdict,
    /// Its index in the plan; none for what is judged over the whole trace.
    pub owner: Option<usize>,
}

impl CheckResult {
    fn of(check: &Check, index: usize, verdict: Verdict) -> Self {
        Self {
            about: check.about,
            attacker: check.attacker,
            victim: check.victim,
            operation: check.operation.clone(),
            verdict,
            owner: Some(index),
        }
    }
}
