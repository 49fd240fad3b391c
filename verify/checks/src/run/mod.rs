//! A run: set-up, trials, clean-up, with everything on disk as it happens.
//!
//! - here: what is ordered, and how it is carried out. [`begin`]: what must be there before.
//! - [`cleanup`]: removal of what was created. [`told`]: who is told how far it has come. [`reach`]: whether anyone was
//!   reached.

mod begin;
mod cleanup;
mod reach;
mod told;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use watertight_engine::log::{Event, Header, LogError, Source, What};
use watertight_engine::marker::RunTag;
use watertight_engine::planted::Planted;
use watertight_engine::{Ended, Engine, MachineClock, Player, Setting, SettingError, Width};
use watertight_spec::Spec;

use crate::check::Concluded;
use crate::clean::Cleaned;
use crate::judge::Past;
use crate::plan::{Options, Plan, accounts};
pub use crate::results::{AlsoSeen, TrialResult};
use crate::results::{Course, results, verdict};
use crate::verdict::Verdict;
pub use begin::Begun;
pub use cleanup::clean_journal;
use cleanup::clean_up;
use reach::Reach;
use told::Doubts;
pub use told::{Doubt, Pauses, Silent, Watch};

/// What the run created and has not yet removed.
pub const JOURNAL: &str = "journal.jsonl";
/// A run that is to be carried out.
pub struct Order {
    /// What is verified.
    pub spec: Arc<Spec>,
    /// What is tried.
    pub plan: Rc<Plan>,
    /// What was asked.
    pub options: Options,
    /// Where the log and the journal are written.
    pub folder: PathBuf,
    /// What becomes of what the run created.
    pub afterwards: Afterwards,
    /// Whether the folder has a run that goes on.
    pub resume: Resume,
}

/// What becomes of the planted objects in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// They are removed.
    CleanUp,
    /// They stay, so that a printed reproduction finds them: for a target that is thrown away.
    Leave,
}

/// Whether a run begins, or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// It begins.
    Fresh,
    /// It goes on after what the folder holds; what is decided there stays decided.
    Continue,
}

/// A finished run.
#[derive(Debug)]
pub struct Run {
    /// For the bundle.
    pub header: Header,
    /// What every trial and watcher concluded.
    pub results: Vec<TrialResult>,
    /// What set-up planted.
    pub planted: Rc<Planted>,
    /// How it ended.
    pub ending: Ending,
    /// What could not be removed, for people.
    pub left_behind: Vec<String>,
    /// What it created and the spec has no request to remove.
    pub staying: Vec<String>,
    /// Requests sent in this part of the run.
    pub requests: u64,
    /// How long it took.
    pub took: Duration,
    /// Seconds since 1970 at the start.
    pub started: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Every trial was carried out.
    Complete,
    /// Nothing could be set up, so nothing was tried.
    SetupFailed(String),
    /// Nobody could be reached.
    Unreachable(String),
    /// Someone stopped it.
    Interrupted,
    /// Its time was over (`limits.time`).
    OutOfTime,
}

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not begin.
    #[error("the run could not begin: {0}")]
    Setting(#[from] SettingError),
    /// The folder can't be written to.
    #[error("the report's folder can't be written to: {0}")]
    Folder(#[from] std::io::Error),
    /// The log of the run that should go on can't be read.
    #[error("the run can't go on: {0}")]
    Log(#[from] LogError),
    /// The folder's run asked for something else.
    #[error("the run in this folder is not the one that the spec and the options describe: {0}")]
    Other(String),
}

impl Begun {
    /// Sets up, tries everything, cleans up.
    ///
    /// # Errors
    /// What it does can't be recorded.
    pub async fn carry_out(self, watch: &mut dyn Watch, stop: watch::Receiver<bool>) -> Result<Run, RunError> {
        let begun = Instant::now();
        let Self { order, header, log, journal, past } = self;
        let Order { spec, plan, options, .. } = &order;
        let tag = RunTag::new(options.seed, header.salt);
        let Past { part, mut decided, watchers } = past;
        let watchers = Rc::new(RefCell::new(watchers));
        let reach = Rc::new(RefCell::new(Reach::default()));
        let observer = {
            let (watchers, reach) = (Rc::clone(&watchers), Rc::clone(&reach));
            let (mut pauses, spec) = (watch.pauses(), Arc::clone(spec));
            Box::new(move |event: &Event| {
                if let What::AwaitsCode { who, ms } = event.what {
                    pauses(
                        &format!("{} logs in with the next one-time code", spec.name_of(who)),
                        Duration::from_millis(ms),
                    );
                }
                reach.borrow_mut().see(event);
                watchers.borrow_mut().iter_mut().for_each(|watcher| watcher.see(event));
            })
        };
        let part = part.saturating_add(1);
        let clock = Box::new(MachineClock);
        let setting = Setting { spec: Arc::clone(spec), tag: tag.clone(), log, journal, part, observer, clock };
        let engine = Engine::new(setting, stop)?;
        let mut course = Course::new(plan, part);
        if (order.resume, order.afterwards) == (Resume::Continue, Afterwards::CleanUp) {
            // What an earlier part planted serves no one, and makes every list longer. What stays is tried again at the end.
            clean_up(&engine, tag.text(), &course.planted).await?;
        }

        let mut ended = set_up(&engine, plan, &mut course).await;
        let failure = course.failure().filter(|_| matches!(ended, Ended::All));
        if !matches!(ended, Ended::All) {
            course.cut_short(spec, plan);
        }
        watchers.borrow_mut().iter_mut().for_each(|watcher| watcher.planted(&course.planted));
        if matches!(ended, Ended::All) && failure.is_none() {
            ended = try_all(&engine, plan, &course, &mut decided, watch).await;
        }
        conclude_without_events(spec, &tag, plan, &course, &mut decided);
        let results = results(spec, plan, decided, &watchers.borrow());
        let ending = match (ended, failure) {
            (Ended::Log(error), _) => return Err(error.into()),
            (Ended::Stopped, _) => Ending::Interrupted,
            (Ended::OutOfTime, _) => Ending::OutOfTime,
            (Ended::All, None) => Ending::Complete,
            (Ended::All, Some(why)) => match reach.borrow().unreachable() {
                Some(why) => Ending::Unreachable(why),
                None => Ending::SetupFailed(why),
            },
        };
        let (left_behind, staying) = match order.afterwards {
            Afterwards::CleanUp => match clean_up(&engine, tag.text(), &course.planted).await {
                Ok(cleaned) => (cleaned.left_behind.clone(), staying(spec, plan, &cleaned)),
                // What was found stands all the same, and the journal has what was created.
                Err(error) => {
                    (vec![format!("nothing more was removed, since it can't be recorded: {error}")], Vec::new())
                }
            },
            Afterwards::Leave => (Vec::new(), Vec::new()),
        };
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(Run {
            header,
            results,
            planted: Rc::clone(&course.planted),
            ending,
            left_behind,
            staying,
            requests: engine.requests(),
            took: begun.elapsed(),
            started: started.saturating_sub(begun.elapsed()).as_secs(),
        })
    }
}

/// What stays, in lines for people.
fn staying(spec: &Spec, plan: &Plan, cleaned: &Cleaned) -> Vec<String> {
    let accounts = accounts(spec, plan).into_iter().map(|stays| format!("of {}: {}", stays.of, stays.why));
    cleaned.staying().into_iter().chain(accounts).collect()
}

/// Plants, parents before their children; steps of one depth side by side.
async fn set_up(engine: &Engine, plan: &Plan, course: &mut Course) -> Ended {
    loop {
        let group = course.next_group(plan);
        if group.is_empty() {
            return Ended::All;
        }
        let jobs: Vec<_> = group.iter().filter_map(|index| course.step(plan, *index)).collect();
        let mut prepared = Vec::new();
        let ended = engine
            .run(jobs, Width::Limits, |source, output| {
                if let Source::Setup(index) = source {
                    prepared.push((index, output));
                }
            })
            .await;
        prepared.into_iter().for_each(|(index, output)| course.set(index, output));
        if !matches!(ended, Ended::All) {
            return ended;
        }
        course.settle(engine.spec(), plan);
    }
}

/// Every trial that is not decided: those that may lock a client at the end, one after the other.
async fn try_all(
    engine: &Engine,
    plan: &Plan,
    course: &Course,
    decided: &mut [Option<Verdict>],
    watch: &mut dyn Watch,
) -> Ended {
    let total = plan.trials.len();
    let mut done = decided.iter().flatten().count();
    let mut doubts = Doubts::default();
    for (is_last, width) in [(false, Width::Limits), (true, Width::One)] {
        let mut open = Vec::new();
        for (index, (trial, place)) in plan.trials.iter().zip(decided.iter_mut()).enumerate() {
            if place.is_none() && trial.phase.is_by_itself() == is_last {
                *place = course.access(plan, trial).err();
                open.extend(place.is_none().then_some(index));
            }
        }
        // Made when they are due: a plan may have a hundred thousand.
        let jobs = open.into_iter().filter_map(|index| course.trial(plan, index).ok());
        let ended = engine
            .run(jobs, width, |source, output| {
                let Source::Trial(index) = source else { return };
                let concluded = verdict(output);
                done = done.saturating_add(1);
                if let Some(doubt) = doubts.note(&concluded, done) {
                    watch.doubt(&doubt);
                }
                watch.progress(done, total, plan.trials.get(index).map_or("", |trial| trial.check.id));
                if let Some(place) = decided.get_mut(index) {
                    *place = Some(concluded);
                }
            })
            .await;
        if !matches!(ended, Ended::All) {
            return ended;
        }
    }
    Ended::All
}

/// What needs nothing to be sent is decided even where the run ended before.
pub(crate) fn conclude_without_events(
    spec: &Arc<Spec>,
    tag: &RunTag,
    plan: &Plan,
    course: &Course,
    decided: &mut [Option<Verdict>],
) {
    let mut player: Player<Concluded> = Player::new(Arc::clone(spec), tag.clone());
    for (index, place) in decided.iter_mut().enumerate().filter(|(_, place)| place.is_none()) {
        match course.trial(plan, index) {
            Err(concluded) => *place = Some(concluded),
            Ok(job) => {
                if let watertight_engine::Fed::Done(output) = player.begin(job) {
                    *place = Some(verdict(output));
                }
                player.interrupt();
            }
        }
    }
}
