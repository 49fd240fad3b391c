//! A run: set-up, trials, clean-up, with everything on disk as it happens.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use watertight_engine::journal::{Entry, Item, Journal};
use watertight_engine::log::{Event, Failure, Header, LogError, LogWriter, Outcome, Source, TRACE_SCHEMA, What};
use watertight_engine::marker::RunTag;
use watertight_engine::planted::Planted;
use watertight_engine::{Access, Ended, Engine, Job, Player, Script, Setting, SettingError, Width};
use watertight_spec::Spec;

use crate::check::{Concluded, Phase};
use crate::clean::{Cleaned, Sweep, clean};
use crate::judge::{Past, replay_past};
use crate::plan::{Options, Plan};
pub use crate::results::TrialResult;
use crate::results::{Course, results, verdict};
use crate::setup;
use crate::verdict::{Reason, Verdict};
use crate::watchers;

/// What the run created and has not yet removed.
pub const JOURNAL: &str = "journal.jsonl";
/// So many trials with the same kind of doubt, and it is said at once.
const DOUBTS: usize = 10;

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

/// Told how far a run has come.
pub trait Watch {
    /// So many of so many trials are done; this one was last.
    fn progress(&mut self, done: usize, total: usize, last: &str);
    /// The same kind of doubt, again and again: said once, early.
    fn doubt(&mut self, doubt: &Doubt) {
        let _ = doubt;
    }
}

/// Watches and says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Watch for Silent {
    fn progress(&mut self, _: usize, _: usize, _: &str) {}
}

/// A kind of doubt that many trials have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Which.
    pub reason: Reason,
    /// In how many trials so far.
    pub count: usize,
    /// One of them, for people.
    pub example: String,
}

/// Carries out a plan.
///
/// # Errors
/// It could not begin, or what it does can't be recorded.
pub async fn run(order: &Order, watch: &mut dyn Watch, stop: watch::Receiver<bool>) -> Result<Run, RunError> {
    let begun = Instant::now();
    let Order { spec, plan, options, folder, .. } = order;
    std::fs::create_dir_all(folder)?;
    let begin = match order.resume {
        Resume::Fresh => Beginning::fresh(order)?,
        Resume::Continue => Beginning::resumed(order)?,
    };
    let Beginning { header, log, journal, past } = begin;
    let tag = RunTag::new(options.seed, header.salt);
    let Past { part, mut decided, watchers } = past;
    let watchers = Rc::new(RefCell::new(watchers));
    let reach = Rc::new(RefCell::new(Reach::default()));
    let observer = {
        let (watchers, reach) = (Rc::clone(&watchers), Rc::clone(&reach));
        Box::new(move |event: &Event| {
            reach.borrow_mut().see(event);
            watchers.borrow_mut().iter_mut().for_each(|watcher| watcher.see(event));
        })
    };
    let part = part.saturating_add(1);
    let setting = Setting { spec: Arc::clone(spec), tag: tag.clone(), log, journal, part, observer };
    let engine = Engine::new(setting, stop)?;
    let mut course = Course::new(plan, part);
    if (order.resume, order.afterwards) == (Resume::Continue, Afterwards::CleanUp) {
        // What an earlier part planted serves no one, and makes every list longer. What stays is tried again at the end.
        clean_up(&engine, tag.text(), &course.planted).await;
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
    let left_behind = match order.afterwards {
        Afterwards::CleanUp => clean_up(&engine, tag.text(), &course.planted).await.left_behind,
        Afterwards::Leave => vec![],
    };
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(Run {
        header,
        results,
        planted: Rc::clone(&course.planted),
        ending,
        left_behind,
        requests: engine.requests(),
        took: begun.elapsed(),
        started: started.saturating_sub(begun.elapsed()).as_secs(),
    })
}

/// Where a run begins.
struct Beginning {
    header: Header,
    log: LogWriter,
    journal: Journal,
    past: Past,
}

impl Beginning {
    fn fresh(order: &Order) -> Result<Self, RunError> {
        let header = Header {
            schema: TRACE_SCHEMA.into(),
            tool: env!("CARGO_PKG_VERSION").into(),
            salt: rand::random(),
            options: serde_json::to_value(&order.options).unwrap_or_default(),
        };
        let log = LogWriter::create(&order.folder, &header)?;
        let journal = Journal::create(&order.folder.join(JOURNAL))?;
        let past = Past {
            part: 0,
            decided: order.plan.trials.iter().map(|_| None).collect(),
            watchers: watchers::all(&order.spec, order.plan.access),
        };
        Ok(Self { header, log, journal, past })
    }

    fn resumed(order: &Order) -> Result<Self, RunError> {
        let (header, past, tip) = replay_past(&order.spec, &order.plan, &order.folder)?;
        let asked = serde_json::to_value(&order.options).unwrap_or_default();
        if header.options != asked {
            return Err(RunError::Other(format!("it was run with {}", header.options)));
        }
        let log = LogWriter::resume(&order.folder, &tip)?;
        let journal = Journal::resume(&order.folder.join(JOURNAL))?;
        Ok(Self { header, log, journal, past })
    }
}

/// Plants, parents before their children; steps of one depth side by side.
async fn set_up(engine: &Engine, plan: &Plan, course: &mut Course) -> Ended {
    loop {
        let group = course.next_group(plan);
        if group.is_empty() {
            return Ended::All;
        }
        let jobs: Vec<_> = group.iter().filter_map(|index| course.step(plan, *index)).collect();
        let mut grown = Vec::new();
        let ended = engine
            .run(jobs, Width::Limits, |source, output| {
                if let Source::Setup(index) = source {
                    grown.push((index, output));
                }
            })
            .await;
        grown.into_iter().for_each(|(index, output)| course.set(index, output));
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
            if place.is_none() && (trial.phase == Phase::Last) == is_last {
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

/// Removes what the run created: children before their parents, those of one depth side by side; then, if something may be
/// there that no answer told of, whatever still carries the run's tag.
async fn clean_up(engine: &Engine, tag: &str, planted: &Rc<Planted>) -> Cleaned {
    let (remaining, may_be_more) = engine.left();
    let spec = engine.spec();
    let depth = |item: &Item| {
        let resource = spec.resource_ixs().find(|resource| spec[*resource].name == item.resource);
        resource.map_or(0, |resource| setup::depth(spec, resource))
    };
    let mut by_depth: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
    remaining.into_iter().for_each(|item| by_depth.entry(depth(&item)).or_default().push(item));
    let mut all = Cleaned::default();
    for items in by_depth.into_values().rev() {
        let width = spec.limits.concurrency.min(items.len()).max(1);
        let mut shares: Vec<Vec<Item>> = (0..width).map(|_| Vec::new()).collect();
        for (number, item) in items.into_iter().enumerate() {
            if let Some(share) = shares.get_mut(number % width) {
                share.push(item);
            }
        }
        let jobs: Vec<_> = shares.into_iter().map(|share| removal(tag, share, Sweep::NotNeeded, planted)).collect();
        engine.run(jobs, Width::Limits, |_, cleaned| all.add(cleaned.unwrap_or_default())).await;
    }
    note_gone(engine, &mut all);
    if may_be_more {
        // What could not be removed is tried once more.
        all.left_behind.clear();
        let job = removal(tag, engine.left().0, Sweep::Needed, planted);
        engine.run([job], Width::One, |_, cleaned| all.add(cleaned.unwrap_or_default())).await;
        note_gone(engine, &mut all);
    }
    if all.left_behind.is_empty() {
        engine.journal(&Entry::Cleaned);
    }
    all
}

/// What was gone before is not there any more for the journal either.
fn note_gone(engine: &Engine, cleaned: &mut Cleaned) {
    for item in cleaned.gone.drain(..) {
        engine.journal(&Entry::Removed { tenant: item.tenant, path: item.path });
    }
}

fn removal(tag: &str, items: Vec<Item>, sweep: Sweep, planted: &Rc<Planted>) -> Job<Cleaned> {
    let tag: Rc<str> = tag.into();
    let script = Script::Write(Rc::new(move |w| {
        let (tag, items) = (Rc::clone(&tag), items.clone());
        Box::pin(async move { clean(w, &tag, items, sweep).await })
    }));
    Job {
        source: Source::Cleanup,
        label: "clean-up".to_owned(),
        planted: Rc::clone(planted),
        script,
        access: Access::Write,
        tenants: Vec::new(),
    }
}

/// Cleans up after a run that was killed, from its journal. What is sent is recorded in `folder`.
///
/// # Errors
/// It could not begin.
pub async fn clean_journal(
    spec: &Arc<Spec>,
    journal: Journal,
    folder: &std::path::Path,
    stop: watch::Receiver<bool>,
) -> Result<Cleaned, RunError> {
    let tag = journal.tag().unwrap_or_default().to_owned();
    let header = Header {
        schema: TRACE_SCHEMA.into(),
        tool: env!("CARGO_PKG_VERSION").into(),
        salt: rand::random(),
        options: serde_json::Value::Null,
    };
    let log = LogWriter::create(folder, &header)?;
    // The engine's own markers are of no use here; only the killed run's tag is looked for.
    let own = RunTag::new(0, header.salt);
    let setting = Setting { spec: Arc::clone(spec), tag: own, log, journal, part: 1, observer: Box::new(|_| {}) };
    let engine = Engine::new(setting, stop)?;
    Ok(clean_up(&engine, &tag, &Rc::default()).await)
}

/// Whether anyone was reached at all.
#[derive(Debug, Default)]
struct Reach {
    first: Option<String>,
    was_reached: bool,
}

impl Reach {
    fn see(&mut self, event: &Event) {
        let What::Exchange(exchange) = &event.what else { return };
        match &exchange.outcome {
            Outcome::Failed { kind: Failure::Connect, text } => drop(self.first.get_or_insert_with(|| text.clone())),
            Outcome::Failed { kind: Failure::Refused | Failure::NoToken, .. } => {}
            _ => self.was_reached = true,
        }
    }

    fn unreachable(&self) -> Option<String> {
        let first = self.first.as_ref().filter(|_| !self.was_reached)?;
        Some(format!("the target is unreachable: {first}"))
    }
}

/// Kinds of doubt so far.
#[derive(Debug, Default)]
struct Doubts {
    counts: BTreeMap<Reason, usize>,
}

impl Doubts {
    /// A doubt that has become frequent just now: in ten trials, and in half of all that are done.
    fn note(&mut self, concluded: &Verdict, done: usize) -> Option<Doubt> {
        let Verdict::Unproven(unproven) = concluded else { return None };
        let count = self.counts.entry(unproven.reason).or_default();
        *count = count.saturating_add(1);
        let is_frequent = *count == DOUBTS && count.saturating_mul(2) >= done;
        // Counted once more only if it was said: else it may become frequent later.
        if *count == DOUBTS && !is_frequent {
            *count = DOUBTS.saturating_sub(1);
        }
        is_frequent.then(|| Doubt { reason: unproven.reason, count: *count, example: unproven.detail.clone() })
    }
}
