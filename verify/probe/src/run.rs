//! The dispatcher: performs what the machines ask for, one request at a time, and lets their pauses overlap.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use watertight_spec::Spec;

use crate::check::Phase;
use crate::clean;
use crate::journal::{Entry, Journal};
use crate::machines::{CheckResult, Machines, SetupStep};
use crate::marker::RunTag;
use crate::plan::{Options, Plan};
use crate::session::{Session, SessionError};
use crate::tape::Step;
use crate::trace::{Event, Failure, Outcome, Owner, Trace, What};
use crate::world::World;

/// What a replay must know besides the events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    /// `watertight.trace/1`
    pub schema: String,
    /// Version of the tool that ran.
    pub tool: String,
    /// What was asked.
    pub options: Options,
    /// Makes this run's markers its own, with the seed.
    pub salt: u64,
    /// Seconds since 1970 at the start.
    pub started: u64,
    /// Every variable of the spec: its value, or a placeholder where it is a secret.
    pub variables: BTreeMap<String, String>,
}

/// The schema of a trace.
pub const TRACE_SCHEMA: &str = "watertight.trace/1";

/// A finished run.
#[derive(Debug)]
pub struct Run {
    /// For the bundle.
    pub header: Header,
    /// Everything sent and received.
    pub trace: Trace,
    /// What every check concluded.
    pub results: Vec<CheckResult>,
    /// What set-up planted.
    pub world: World,
    /// How it ended.
    pub ending: Ending,
    /// What could not be removed, for people.
    pub left_behind: Vec<String>,
    /// Requests sent.
    pub requests: u64,
    /// How long it took.
    pub took: Duration,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every check was carried out.
    Complete,
    /// Nothing could be set up, so nothing was tried.
    SetupFailed(String),
    /// Someone stopped it.
    Interrupted,
}

/// Told how far a run has come.
pub trait Watch: Send {
    /// So many of so many checks are done; this one was last.
    fn progress(&mut self, done: usize, total: usize, last: &str);
}

/// What becomes of the planted objects in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// They are removed.
    CleanUp,
    /// They stay, so that a printed reproduction finds them: for a target that is thrown away.
    Leave,
}

/// Carries out a plan.
pub async fn run(
    spec: &Spec,
    plan: &Plan,
    options: &Options,
    journal: Journal,
    afterwards: Afterwards,
    watch: &mut dyn Watch,
    stop: watch::Receiver<bool>,
) -> Result<Run, SessionError> {
    let begun = Instant::now();
    let salt = rand::random();
    let tag = RunTag::new(options.seed, salt);
    let session = Session::new(spec, &tag, journal)?;
    let header = Header {
        schema: TRACE_SCHEMA.into(),
        tool: env!("CARGO_PKG_VERSION").into(),
        options: options.clone(),
        salt,
        started: std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        variables: session.placeholders(),
    };
    let mut dispatcher =
        Dispatcher { machines: Machines::new(spec, plan, &tag), session, trace: Trace::default(), stop };
    // A journal that can't be written is reported by the first request that would create something.
    let _ = dispatcher.session.journal().write(Entry::Began { tag: tag.text().to_owned() });
    let ending = dispatcher.carry_out(watch).await;
    let Dispatcher { mut machines, mut session, mut trace, .. } = dispatcher;
    // An interrupt may have come between a step's last exchange and its end.
    machines.settle_setup(&trace, usize::MAX);
    let results = machines.conclude(&trace);
    let left_behind = match afterwards {
        Afterwards::CleanUp => clean::clean(spec, tag.text(), &mut session, &mut trace).await,
        Afterwards::Leave => vec![],
    };
    Ok(Run {
        header,
        results,
        world: machines.world,
        ending,
        left_behind,
        requests: session.requests(),
        trace,
        took: begun.elapsed(),
    })
}

/// Why nothing was reached, if no request found anyone to talk to.
fn unreachable(trace: &Trace) -> Option<String> {
    let mut failures = trace.events().iter().filter_map(|event| match &event.what {
        What::Exchange(exchange) => Some(&exchange.outcome),
        What::Waited { .. } => None,
    });
    let connect = |outcome: &Outcome| match outcome {
        Outcome::Failed { kind: Failure::Connect, text } => Some(text.clone()),
        _ => None,
    };
    let first = connect(failures.next()?)?;
    let refused =
        |outcome: &Outcome| matches!(outcome, Outcome::Failed { kind: Failure::Connect | Failure::Refused, .. });
    failures.all(refused).then(|| format!("the target is unreachable: {first}"))
}

struct Dispatcher<'a> {
    machines: Machines<'a>,
    session: Session<'a>,
    trace: Trace,
    stop: watch::Receiver<bool>,
}

impl Dispatcher<'_> {
    async fn carry_out(&mut self, watch: &mut dyn Watch) -> Ending {
        while let Some(index) = self.machines.pending_setup() {
            if *self.stop.borrow() {
                return Ending::Interrupted;
            }
            if let SetupStep::Continue(step) = self.machines.step_setup(index, &self.trace) {
                self.perform(step, Owner::Setup(index)).await;
            }
        }
        if let Some(why) = self.machines.setup_failed() {
            return Ending::SetupFailed(unreachable(&self.trace).unwrap_or_else(|| why.to_owned()));
        }
        self.checks(watch).await
    }

    /// Each check goes on until it wants to wait; then the next one, so that pauses overlap and requests do not.
    async fn checks(&mut self, watch: &mut dyn Watch) -> Ending {
        let checks = &self.machines.plan.checks;
        let total = checks.len();
        let (last, others): (VecDeque<usize>, VecDeque<usize>) =
            (0..total).partition(|i| checks.get(*i).is_some_and(|c| c.phase == Phase::Last));
        let mut done = 0;
        for mut ready in [others, last] {
            let mut waiting: Vec<(Instant, Duration, usize)> = Vec::new();
            while let Some(index) = self.next(&mut ready, &mut waiting).await {
                if *self.stop.borrow() {
                    return Ending::Interrupted;
                }
                match self.until_it_waits(index).await {
                    Some(time) => waiting.push((Instant::now() + time, time, index)),
                    None => {
                        done += 1;
                        let last = self.machines.plan.checks.get(index).map_or("", |c| c.about.id);
                        watch.progress(done, total, last);
                    }
                }
            }
        }
        Ending::Complete
    }

    /// Carries on with a check until it wants to wait, for so long, or is done. Nothing else is sent meanwhile: what it
    /// just saw of a tenant is still so when it acts on it.
    async fn until_it_waits(&mut self, index: usize) -> Option<Duration> {
        loop {
            match self.machines.step_check(index, &self.trace) {
                Step::Done(_) => return None,
                Step::Wait(time) => return Some(time),
                step @ Step::Send(_) => self.perform(step, Owner::Check(index)).await,
            }
        }
    }

    /// The check whose pause is over, else the next that has not begun, else the one whose pause ends first.
    async fn next(
        &mut self,
        ready: &mut VecDeque<usize>,
        waiting: &mut Vec<(Instant, Duration, usize)>,
    ) -> Option<usize> {
        waiting.sort_by_key(|(due, ..)| *due);
        let due = waiting.first().is_some_and(|(due, ..)| *due <= Instant::now());
        if !due && let Some(index) = ready.pop_front() {
            return Some(index);
        }
        if waiting.is_empty() {
            return None;
        }
        let (due, time, index) = waiting.remove(0);
        tokio::select! {
            () = tokio::time::sleep_until(due.into()) => {}
            _ = self.stop.wait_for(|stopped| *stopped) => {}
        }
        self.waited(time, Owner::Check(index));
        Some(index)
    }

    async fn perform(&mut self, step: Step, owner: Owner) {
        match step {
            Step::Send(call) => self.session.perform(&call, owner, &mut self.trace).await,
            Step::Wait(time) => {
                tokio::time::sleep(time).await;
                self.waited(time, owner);
            }
            Step::Done(_) => {}
        }
    }

    fn waited(&mut self, time: Duration, owner: Owner) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.trace.push(Event { seq: self.trace.next_seq(), owner, what: What::Waited { ms } });
    }
}
