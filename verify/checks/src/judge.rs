//! Judging a recorded run again: the same scripts go over its log, and conclude what they conclude.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use watertight_engine::log::{Event, Header, LogError, LogReader, Source, Tip, What};
use watertight_engine::marker::RunTag;
use watertight_engine::planted::Planted;
use watertight_engine::{Divergence, Fed, Player};
use watertight_spec::Spec;

use crate::check::Concluded;
use crate::plan::{Options, Plan};
use crate::results::{Course, TrialResult, results, verdict};
use crate::run::conclude_without_events;
use crate::setup::Prepared;
use crate::verdict::{Stop, Verdict};
use crate::watchers::{self, Watcher};

/// What a replay finds.
#[derive(Debug)]
pub struct Replayed {
    /// What every trial and watcher concludes from the log.
    pub results: Vec<TrialResult>,
    /// Where the log is not what the scripts would have done.
    pub divergences: Vec<Divergence>,
    /// What set-up planted, in the last part.
    pub planted: Rc<Planted>,
    /// Where the log ends.
    pub tip: Tip,
    /// How many trials the log decides.
    pub decided: usize,
    /// Seconds since 1970 at the start of the first part.
    pub started: u64,
}

/// What an unfinished run has come to.
pub(crate) struct Past {
    /// How many parts it had.
    pub(crate) part: u32,
    pub(crate) decided: Vec<Option<Verdict>>,
    pub(crate) watchers: Vec<Box<dyn Watcher>>,
}

/// The log of a run that is to go on.
pub(crate) struct Unfinished {
    pub(crate) header: Header,
    pub(crate) past: Past,
    /// The first place where what was sent is not what would be sent now.
    pub(crate) divergence: Option<Divergence>,
    pub(crate) tip: Tip,
}

/// Replays the log of a folder. `plan` must be the plan of the recorded spec and options.
///
/// # Errors
/// The log can't be read, or was changed: the first line that is wrong.
pub fn replay(spec: &Arc<Spec>, plan: &Plan, folder: &Path) -> Result<Replayed, LogError> {
    let (mut judge, _, tip) = play(spec, plan, folder)?;
    let decided = judge.decided.iter().flatten().count();
    judge.end();
    conclude_without_events(spec, &judge.tag, plan, &judge.course, &mut judge.decided);
    let Judge { course, divergences, watchers, decided: verdicts, started, .. } = judge;
    let results = results(spec, plan, verdicts, &watchers);
    Ok(Replayed { results, divergences, planted: course.planted, tip, decided, started })
}

/// What a run that is to go on has come to.
pub(crate) fn replay_past(spec: &Arc<Spec>, plan: &Plan, folder: &Path) -> Result<Unfinished, LogError> {
    let (judge, header, tip) = play(spec, plan, folder)?;
    let Judge { course, decided, watchers, divergences, .. } = judge;
    let past = Past { part: course.part, decided, watchers };
    Ok(Unfinished { header, past, divergence: divergences.into_iter().next(), tip })
}

fn play<'p>(spec: &Arc<Spec>, plan: &'p Plan, folder: &Path) -> Result<(Judge<'p>, Header, Tip), LogError> {
    let mut reader = LogReader::open(folder)?;
    let header = reader.header().clone();
    if !header.is_of(spec) {
        return Err(LogError::OtherSpec);
    }
    let options: Options = serde_json::from_value(header.options.clone()).unwrap_or_default();
    let mut judge = Judge::new(spec, plan, RunTag::new(options.seed, header.salt));
    while let Some(event) = reader.next_of(spec) {
        judge.see(event?);
    }
    Ok((judge, header, reader.tip().clone()))
}

/// Goes through a log, event by event. Memory does not grow with it: only what is under way is kept.
struct Judge<'p> {
    spec: Arc<Spec>,
    tag: RunTag,
    plan: &'p Plan,
    course: Course,
    is_set_up: bool,
    setup: Player<Result<Prepared, Stop>>,
    trials: Player<Concluded>,
    decided: Vec<Option<Verdict>>,
    diverged: Vec<bool>,
    divergences: Vec<Divergence>,
    watchers: Vec<Box<dyn Watcher>>,
    started: u64,
}

/// Divergences that are told; a log that is another's has as many as events.
const TOLD: usize = 1_000;

impl<'p> Judge<'p> {
    fn new(spec: &Arc<Spec>, plan: &'p Plan, tag: RunTag) -> Self {
        Self {
            spec: Arc::clone(spec),
            setup: Player::new(Arc::clone(spec), tag.clone()),
            trials: Player::new(Arc::clone(spec), tag.clone()),
            watchers: watchers::all(spec, &tag, plan.access),
            tag,
            plan,
            course: Course::new(plan, 0),
            is_set_up: false,
            decided: plan.trials.iter().map(|_| None).collect(),
            diverged: plan.trials.iter().map(|_| false).collect(),
            divergences: Vec::new(),
            started: 0,
        }
    }

    fn see(&mut self, event: Event) {
        self.watchers.iter_mut().for_each(|watcher| watcher.see(&event));
        match event.source {
            Source::Setup(index) => {
                self.teach(&event, Teach::Trials);
                self.feed_setup(index, event);
            }
            Source::Trial(index) => {
                self.teach(&event, Teach::Setup);
                self.feed_trial(index, event);
            }
            Source::Engine | Source::Inbox(_) | Source::Cleanup => {
                if let What::Began(part) = &event.what {
                    self.begin_part(part.number);
                    if part.number <= 1 {
                        self.started = part.started;
                    }
                }
                self.setup.feed(event.clone());
                self.trials.feed(event);
                if self.course.part > 0 && !self.is_set_up {
                    self.go_on_with_setup();
                }
            }
        }
    }

    /// Tokens that one player's event brought may be used by the other's.
    fn teach(&mut self, event: &Event, whom: Teach) {
        let brings = event.exchange().is_some_and(|exchange| exchange.token.is_some());
        if brings {
            match whom {
                Teach::Setup => drop(self.setup.feed(event.clone())),
                Teach::Trials => drop(self.trials.feed(event.clone())),
            }
        }
    }

    fn begin_part(&mut self, number: u32) {
        self.setup.interrupt();
        self.trials.interrupt();
        self.course = Course::new(self.plan, number);
        self.is_set_up = false;
    }

    /// Begins what comes next, as the run did: as soon as all that came before is done.
    fn go_on_with_setup(&mut self) {
        loop {
            let group = self.course.next_group(self.plan);
            if group.is_empty() {
                self.is_set_up = true;
                self.watchers.iter_mut().for_each(|watcher| watcher.planted(&self.course.planted));
                return;
            }
            if !self.setup.is_idle() {
                return;
            }
            for index in group {
                let Some(job) = self.course.step(self.plan, index) else { continue };
                if let Fed::Done(prepared) = self.setup.begin(job) {
                    self.course.set(index, prepared);
                }
            }
            let is_open = !self.course.next_group(self.plan).is_empty();
            if is_open && !self.setup.is_idle() {
                return;
            }
            self.course.settle(&self.spec, self.plan);
        }
    }

    fn feed_setup(&mut self, index: usize, event: Event) {
        match self.setup.feed(event) {
            Fed::GoesOn => {}
            Fed::Diverges(divergence) => {
                self.tell(divergence);
                self.course.set(index, None);
                self.after_step();
            }
            Fed::Done(prepared) => {
                self.course.set(index, prepared);
                self.after_step();
            }
        }
    }

    /// When the last step of a group is done, the next group begins.
    fn after_step(&mut self) {
        if self.setup.is_idle() {
            self.course.settle(&self.spec, self.plan);
            self.go_on_with_setup();
        }
    }

    fn feed_trial(&mut self, index: usize, event: Event) {
        if !self.is_set_up {
            self.end_setup();
        }
        if self.diverged.get(index) == Some(&true) {
            return;
        }
        if self.decided.get(index).is_some_and(Option::is_some) {
            self.tell(Divergence { seq: event.seq, what: "the log continues after the trial ended".into() });
            return;
        }
        if !self.trials.is_under_way(Source::Trial(index)) {
            match self.course.trial(self.plan, index).map(|job| self.trials.begin(job)) {
                Ok(Fed::GoesOn) => {}
                Ok(Fed::Done(_)) | Err(_) => {
                    self.tell(Divergence {
                        seq: event.seq,
                        what: "the log has a request where none was expected".into(),
                    });
                    return;
                }
                Ok(Fed::Diverges(divergence)) => return self.tell(divergence),
            }
        }
        match self.trials.feed(event) {
            Fed::GoesOn => {}
            Fed::Done(concluded) => self.decide(index, verdict(concluded)),
            Fed::Diverges(divergence) => {
                self.tell(divergence);
                if let Some(diverged) = self.diverged.get_mut(index) {
                    *diverged = true;
                }
            }
        }
    }

    fn decide(&mut self, index: usize, concluded: Verdict) {
        if let Some(place) = self.decided.get_mut(index) {
            *place = Some(concluded);
        }
    }

    fn tell(&mut self, divergence: Divergence) {
        if self.divergences.len() < TOLD {
            self.divergences.push(divergence);
        }
    }

    /// The run was interrupted before set-up was over.
    fn end_setup(&mut self) {
        self.course.cut_short(&self.spec, self.plan);
        self.is_set_up = true;
        self.watchers.iter_mut().for_each(|watcher| watcher.planted(&self.course.planted));
    }

    fn end(&mut self) {
        if !self.is_set_up {
            self.end_setup();
        }
    }
}

#[derive(Clone, Copy)]
enum Teach {
    Setup,
    Trials,
}
