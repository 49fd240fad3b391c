//! The dispatcher: runs scripts side by side, as far as they do not disturb each other.

mod lanes;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use watertight_spec::{Spec, TenantIx};

use crate::channel::arrivals::Arrivals;
use crate::journal::{ActName, Entry, Item};
use crate::live::{Live, Setting, SettingError};
use crate::log::{AskIx, Asker, CleanUp, InboxIx, Source, Tail};
use crate::script::{Job, Progress, Running};
use crate::tape::{Access, Ask, Reply};
use lanes::Lanes;

/// How many scripts that are begun may wait for time or for quiet: so many for each request that may be under way, and at least
/// as many as the second says. Each has objects in the tenants: the more there are, the more often a trial finds one at an id
/// of which the tenant must have nothing.
const WAITING_A_REQUEST: usize = 6;
const WAITING_AT_LEAST: usize = 24;
/// How often it is looked whether the listener was called, while nothing else happens.
const LISTENING: Duration = Duration::from_millis(20);

/// One part of a run: everything that it sends goes through here.
pub struct Engine {
    live: Live,
    stop: watch::Receiver<bool>,
}

/// How the jobs of a stage ended.
#[derive(Debug)]
pub enum Ended {
    /// Each of them is done.
    All,
    /// Someone stopped the run.
    Stopped,
    /// The run's time is over.
    OutOfTime,
    /// The log can't be written to any more.
    Log(std::io::Error),
}

/// How many run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As many as the spec lets.
    Limits,
    /// One after the other, also where one waits.
    One,
}

impl Engine {
    /// Ready to send. The log says that this part of the run began.
    ///
    /// # Errors
    /// The log can't be written to.
    pub fn new(setting: Setting, stop: watch::Receiver<bool>) -> Result<Self, SettingError> {
        let live = Live::new(setting)?;
        // A run that goes on, or is cleaned up after, has said so already, and its tag is the one to look for.
        if live.journal().borrow().tag().is_none() {
            // A journal that can't be written is reported by the first request that would create something.
            let began = Entry::Began { tag: live.tag.text().to_owned() };
            let _ = live.journal().borrow_mut().write(&began);
        }
        Ok(Self { live, stop })
    }

    /// What is verified.
    pub fn spec(&self) -> &Arc<Spec> {
        &self.live.spec
    }

    /// Requests sent so far in this part of the run.
    pub fn requests(&self) -> u64 {
        self.live.gate.spent()
    }

    /// The end of the log.
    pub fn tail(&self) -> Tail {
        self.live.tail()
    }

    /// What exists still of what the run created, the newest first; and whether something may exist that it was not told of.
    pub fn left(&self) -> (Vec<Item>, bool) {
        let journal = self.live.journal().borrow();
        (journal.remaining(), !journal.is_clean())
    }

    /// Acts that were done, or may have been, and not taken back.
    pub fn done(&self) -> Vec<ActName> {
        self.live.journal().borrow().done()
    }

    /// The end of a channel whose arrivals go to this inbox, for a channel that is not of this room.
    pub fn connect(&self, inbox: InboxIx) -> Arrivals {
        self.live.connect(inbox)
    }

    /// Notes in the log where a clean-up is.
    pub fn cleans_up(&self, stage: CleanUp) {
        self.live.note_clean_up(stage);
    }

    /// Writes into the journal.
    pub fn journal(&self, entry: &Entry) {
        // Should a line not reach the disk, a later clean-up looks for what is not there.
        let _ = self.live.journal().borrow_mut().write(entry);
    }

    /// Runs jobs until each is done. `done` is told of each as soon as it is; with `None` where a script never ends.
    pub async fn run<T: 'static>(
        &self,
        jobs: impl IntoIterator<Item = Job<T>>,
        width: Width,
        done: impl FnMut(Source, Option<T>),
    ) -> Ended {
        let ended = self.dispatch(Pending::new(jobs), width, done).await;
        self.live.flush();
        self.live.failure().map_or(ended, Ended::Log)
    }

    async fn dispatch<T: 'static>(
        &self,
        mut pending: Pending<T, impl Iterator<Item = Job<T>>>,
        width: Width,
        mut done: impl FnMut(Source, Option<T>),
    ) -> Ended {
        let (most, most_waiting) = match width {
            Width::Limits => {
                let most = self.live.spec.limits.concurrency;
                (most, most.saturating_mul(WAITING_A_REQUEST).max(WAITING_AT_LEAST))
            }
            Width::One => (1, 1),
        };
        let mut stage = Stage { live: &self.live, lanes: Lanes::default(), slots: Vec::new(), free: Vec::new() };
        let mut under_way = FuturesUnordered::new();
        let mut busy = Busy::default();
        let mut stop = self.stop.clone();
        let is_cleanup = pending.ahead().front().is_some_and(|job| job.source == Source::Cleanup);
        loop {
            if let Some(error) = self.live.failure() {
                return Ended::Log(error);
            }
            if !is_cleanup && *stop.borrow() {
                return Ended::Stopped;
            }
            if !is_cleanup && self.live.gate.is_out_of_time(Source::Engine) {
                return Ended::OutOfTime;
            }
            // Begin what may begin. How many requests are under way at once, `Live` sees to.
            while busy.has_room(most, most_waiting, self.live.quiets.held_up()) {
                let Some(slot) = stage.begin(&mut pending) else { break };
                match stage.step(slot, None) {
                    Next::Done(source, output) => done(source, output),
                    Next::Asks(asks) => under_way.extend(stage.carry_out(slot, asks, &mut busy)),
                }
            }
            // While more is done already, the log is not handed over for each event.
            let at_once = under_way.next().now_or_never();
            if at_once.is_none() {
                self.live.flush();
            }
            let finished = match at_once {
                Some(finished) => finished,
                None => tokio::select! {
                    biased;
                    finished = under_way.next() => finished,
                    stopped = stop.wait_for(|stopped| *stopped), if !is_cleanup => {
                        // Whoever could stop it is gone: then nobody will.
                        if stopped.is_err() { under_way.next().await } else { return Ended::Stopped }
                    }
                    // Others may begin in its place.
                    () = self.live.quiets.until_held_up() => continue,
                    () = tokio::time::sleep(LISTENING), if self.live.listens() => {
                        self.live.receive();
                        continue;
                    }
                },
            };
            let Some((slot, kind, reply)) = finished else {
                match pending.ahead().is_empty() {
                    true => return Ended::All,
                    // Nothing is under way, so nothing can be in the way.
                    false => continue,
                }
            };
            busy.end(kind);
            match stage.step(slot, Some(reply)) {
                Next::Done(source, output) => done(source, output),
                Next::Asks(asks) => under_way.extend(stage.carry_out(slot, asks, &mut busy)),
            }
        }
    }
}

/// Whether a script keeps the target busy, or lets time pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Working,
    Waiting,
}

impl Kind {
    fn of(ask: &Ask) -> Self {
        match ask {
            Ask::Wait(_) | Ask::Quiet(_) => Self::Waiting,
            Ask::Call(_) | Ask::Look(_) => Self::Working,
        }
    }
}

/// How many questions are under way.
#[derive(Debug, Default)]
struct Busy {
    working: usize,
    waiting: usize,
}

impl Busy {
    /// Whether another script may begin. Writes that are held up where it is quiet keep the target no busier than what waits.
    fn has_room(&self, most: usize, most_waiting: usize, held_up: usize) -> bool {
        let held_up = held_up.min(self.working);
        self.working.saturating_sub(held_up) < most && self.waiting.saturating_add(held_up) < most_waiting
    }

    fn begin(&mut self, kind: Kind) {
        let count = self.of(kind);
        *count = count.saturating_add(1);
    }

    fn end(&mut self, kind: Kind) {
        let count = self.of(kind);
        *count = count.saturating_sub(1);
    }

    fn of(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Working => &mut self.working,
            Kind::Waiting => &mut self.waiting,
        }
    }
}

enum Next<T> {
    /// These are to be carried out; others may be under way.
    Asks(Vec<(AskIx, Ask)>),
    Done(Source, Option<T>),
}

/// Jobs that are not begun yet.
struct Pending<T, J> {
    ahead: VecDeque<Job<T>>,
    rest: J,
}

impl<T, J: Iterator<Item = Job<T>>> Pending<T, J> {
    fn new(jobs: impl IntoIterator<IntoIter = J>) -> Self {
        Self { ahead: VecDeque::new(), rest: jobs.into_iter() }
    }

    /// Those among which the next may be chosen.
    fn ahead(&mut self) -> &mut VecDeque<Job<T>> {
        let room = lanes::AHEAD.saturating_sub(self.ahead.len());
        self.ahead.extend(self.rest.by_ref().take(room));
        &mut self.ahead
    }
}

/// Jobs that are under way.
struct Stage<'e, T> {
    live: &'e Live,
    lanes: Lanes,
    slots: Vec<Option<(Running<T>, Vec<TenantIx>)>>,
    free: Vec<usize>,
}

impl<'e, T: 'static> Stage<'e, T> {
    /// Begins the next job that disturbs no other.
    fn begin(&mut self, pending: &mut Pending<T, impl Iterator<Item = Job<T>>>) -> Option<usize> {
        let ahead = pending.ahead();
        let at = self.lanes.next(ahead.iter().map(|job| (job.access, job.tenants.as_slice())))?;
        let job = ahead.remove(at)?;
        self.lanes.enter(job.access, &job.tenants);
        let tenants = job.tenants.clone();
        let running = Running::begin(job, &self.live.spec, &self.live.tag);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len().saturating_sub(1)
        });
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some((running, tenants));
        }
        Some(slot)
    }

    /// Goes on with a job; what needs no time is replied at once.
    fn step(&mut self, slot: usize, mut reply: Option<(AskIx, Reply)>) -> Next<T> {
        let (mut asks, mut at_once) = (Vec::new(), VecDeque::new());
        loop {
            // What has ended awaits no reply.
            let Some(Some((running, _))) = self.slots.get_mut(slot) else { return Next::Asks(Vec::new()) };
            let source = running.tape.source();
            // What it is given now it may give back at once.
            let held = running.tape.holds_quiet() || matches!(reply, Some((_, Reply::Quiet)));
            let step = running.advance(reply.take());
            if held && !running.tape.holds_quiet() {
                self.live.quiets.release(source);
            }
            match step {
                Progress::Asks(new) => {
                    for (ask, asked) in new {
                        match asked {
                            Ask::Look(look) => at_once.push_back((ask, self.live.look(Asker { source, ask }, look))),
                            Ask::Call(_) | Ask::Wait(_) | Ask::Quiet(_) => asks.push((ask, asked)),
                        }
                    }
                }
                Progress::Done(output) => return self.end(slot, source, Some(output)),
                Progress::Stuck => return self.end(slot, source, None),
            }
            match at_once.pop_front() {
                Some(next) => reply = Some(next),
                None => return Next::Asks(asks),
            }
        }
    }

    fn end(&mut self, slot: usize, source: Source, output: Option<T>) -> Next<T> {
        if let Some(Some((running, tenants))) = self.slots.get_mut(slot).map(Option::take) {
            self.lanes.leave(running.access, &tenants);
            // Where something is still under way for it, no other script gets the reply.
            if !running.tape.awaits() {
                self.free.push(slot);
            }
        }
        self.live.quiets.release(source);
        self.live.forget(source);
        Next::Done(source, output)
    }

    /// What takes time.
    fn carry_out(
        &self,
        slot: usize,
        asks: Vec<(AskIx, Ask)>,
        busy: &mut Busy,
    ) -> Vec<impl Future<Output = (usize, Kind, (AskIx, Reply))> + use<'e, T>> {
        asks.iter().for_each(|(_, asked)| busy.begin(Kind::of(asked)));
        asks.into_iter().map(|(ask, asked)| self.answer(slot, ask, asked)).collect()
    }

    fn answer(
        &self,
        slot: usize,
        ask: AskIx,
        asked: Ask,
    ) -> impl Future<Output = (usize, Kind, (AskIx, Reply))> + use<'e, T> {
        let live = self.live;
        let known = self.slots.get(slot).and_then(Option::as_ref);
        let (source, access) =
            known.map_or((Source::Engine, Access::Read), |(running, _)| (running.tape.source(), running.access));
        let asker = Asker { source, ask };
        async move {
            let kind = Kind::of(&asked);
            let reply = match asked {
                Ask::Call(call) => Reply::Exchange(live.perform(&call, asker, access).await),
                Ask::Quiet(within) => {
                    live.quiets.acquire(source, &within).await;
                    Reply::Quiet
                }
                Ask::Wait(time) => {
                    tokio::time::sleep(time).await;
                    live.waited(asker, time);
                    Reply::Waited
                }
                Ask::Look(look) => live.look(asker, look),
            };
            (slot, kind, (ask, reply))
        }
    }
}

impl<T> Drop for Stage<'_, T> {
    /// A stage that was stopped leaves nothing quiet.
    fn drop(&mut self) {
        for (running, _) in self.slots.iter().flatten() {
            self.live.quiets.release(running.tape.source());
        }
    }
}
