//! How a check is written: straight down, awaiting nothing but its tape.
//!
//! A check is an `async fn` over a [`Tape`]. It asks the tape for exchanges, pauses and looks into inboxes, and the engine
//! answers: in a live run with what it has just done, in a replay with what is recorded. Whatever a check can see comes
//! through its tape and is in the log, so the code that runs live is the code that judges a bundle offline.
//!
//! ```text
//!   check ──ask──▶ tape ──▶ engine ──▶ gate ──▶ channel ──▶ target
//!     ▲                       │
//!     └──────── reply ◀── recorder ──▶ log          replay: reply ◀── log
//! ```
//!
//! What is independent of each other a check asks [side by side](crate::side_by_side()).
//!
//! A [`WriteTape`] is a tape that may also plant and change; a check says by the tape that it asks for what it needs.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use watertight_spec::{Moment, Spec, TenantIx, Who};

use crate::call::Call;
use crate::log::{AskIx, Exchange, Inbound, InboxIx, Source};
use crate::marker::{Canary, RunTag};
use crate::moment::mark;
use crate::planted::Planted;

/// An exchange that a check has seen.
pub type Seen = Rc<Exchange>;

/// What a check asks of the engine.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Do this.
    Call(Box<Call>),
    /// Let this much time pass.
    Wait(Duration),
    /// A look into an inbox.
    Look(Look),
    /// Quiet in some tenants until the guard is dropped.
    Quiet(Within),
}

/// Where a trial writes while it needs quiet.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    /// What no other one does there.
    pub(crate) of: QuietOf,
    /// Where it is quiet.
    pub(crate) quiet: Vec<TenantIx>,
    /// Where it writes as well, as others do.
    pub(crate) besides: Vec<TenantIx>,
}

/// What no other trial does where it is quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuietOf {
    /// It creates, changes and removes nothing.
    Writes,
    /// It creates nothing, and neither does the trial itself: so several have it in one tenant at a time.
    Creates,
}

/// Something that was asked of the engine.
#[derive(Debug)]
enum Question {
    /// Nothing is.
    None,
    /// The engine has not seen it.
    New(Ask),
    /// The engine is at it.
    UnderWay,
    /// The script has not seen the reply.
    Replied(Reply),
}

/// What the engine answers.
#[derive(Debug)]
pub(crate) enum Reply {
    /// What came of a call.
    Exchange(Seen),
    /// The time has passed.
    Waited,
    /// How far an inbox has got.
    Cut(Cut),
    /// What has arrived.
    Window(Window),
    /// It is quiet.
    Quiet,
}

/// A look into an inbox.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    /// How far it has got.
    Place(InboxIx),
    /// What has arrived since then.
    Since(Cut),
}

impl Look {
    pub(crate) fn inbox(self) -> InboxIx {
        match self {
            Self::Place(inbox) | Self::Since(Cut { inbox, .. }) => inbox,
        }
    }
}

/// How far an inbox had got at some moment of the run: where a window begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub(crate) inbox: InboxIx,
    /// The number of the first event of the log that comes after it.
    pub(crate) upto: u64,
}

impl Cut {
    /// Before anything has arrived.
    pub fn beginning(inbox: InboxIx) -> Self {
        Self { inbox, upto: 0 }
    }
}

/// What has arrived in an inbox between two cuts.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// In the order of arrival.
    pub events: Vec<Rc<Inbound>>,
    /// Whether more arrived than is here: what is not in it may have come all the same.
    pub is_cut_short: bool,
}

/// All that a check deals with: its questions, and what it may know.
pub struct Tape {
    /// The specification.
    pub spec: Arc<Spec>,
    /// What set-up planted and learned. While set-up itself runs, what earlier steps have.
    pub planted: Rc<Planted>,
    tag: RunTag,
    label: String,
    source: Source,
    access: Access,
    caller: Option<Who>,
    serial: Cell<usize>,
    /// By number.
    questions: RefCell<Vec<Question>>,
    /// By guard.
    quiet: RefCell<HashMap<usize, (QuietOf, Vec<TenantIx>)>>,
    guards: Cell<usize>,
    /// Milliseconds since the run's begin, as of what it was last replied.
    clock: Cell<u64>,
}

/// What a tape lets a check send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Nothing that could change data.
    Read,
    /// Requests that create, change and destroy as well.
    Write,
}

impl Tape {
    /// A tape for one source. `label` makes its markers its own.
    pub(crate) fn new(
        spec: Arc<Spec>,
        planted: Rc<Planted>,
        tag: RunTag,
        (source, label): (Source, String),
        access: Access,
    ) -> Self {
        Self {
            spec,
            planted,
            tag,
            label,
            source,
            access,
            caller: None,
            serial: Cell::new(0),
            questions: RefCell::default(),
            quiet: RefCell::default(),
            guards: Cell::new(0),
            clock: Cell::new(0),
        }
    }

    /// With another principal that calls for its tenant than the one that does by default.
    pub(crate) fn called_by(self, caller: Option<Who>) -> Self {
        Self { caller, ..self }
    }

    /// Who calls for a tenant: the principal that this script was given, else the one that does by default.
    pub fn caller(&self, tenant: TenantIx) -> Option<Who> {
        self.caller.filter(|who| who.tenant == tenant).or_else(|| self.spec.caller(tenant))
    }

    /// Does it, and returns what came of it.
    pub async fn call(&self, call: Call) -> Seen {
        match self.ask(Ask::Call(Box::new(call))).await {
            Reply::Exchange(exchange) => exchange,
            other => self.mismatched(&other),
        }
    }

    /// Lets time pass.
    pub async fn wait(&self, time: Duration) {
        let until = self.clock().saturating_add(time);
        self.ask(Ask::Wait(time)).await;
        self.clock.set(self.clock.get().max(u64::try_from(until.as_millis()).unwrap_or(u64::MAX)));
    }

    /// How much of the run's time had passed at the end of the last exchange or pause: so that what is recorded says how long
    /// something took, in a replay as well.
    pub fn clock(&self) -> Duration {
        Duration::from_millis(self.clock.get())
    }

    /// How far an inbox has got. Taken before an attack, it is where the window of what the attack brought begins.
    pub async fn cut(&self, inbox: InboxIx) -> Cut {
        match self.ask(Ask::Look(Look::Place(inbox))).await {
            Reply::Cut(cut) => cut,
            _ => Cut::beginning(inbox),
        }
    }

    /// Everything that has arrived in an inbox since then.
    pub async fn arrived_since(&self, cut: Cut) -> Window {
        match self.ask(Ask::Look(Look::Since(cut))).await {
            Reply::Window(window) => window,
            _ => Window::default(),
        }
    }

    /// Until the guard is dropped, no other trial writes in these tenants. For counts, and for a write at an id of which the
    /// tenant must have nothing. As long as it is there, this trial writes in these tenants alone: else two trials might wait
    /// for each other.
    pub async fn quiet(&self, tenants: impl IntoIterator<Item = TenantIx>) -> Quiet<'_> {
        self.quiet_of(QuietOf::Writes, tenants, []).await
    }

    /// The same of writes or of creates, for what writes in other tenants besides, where others may write too: it gets all at
    /// once, so that no two wait for each other. Where it is quiet of creates, this trial creates nothing either, nor in those
    /// other tenants.
    pub async fn quiet_of(
        &self,
        of: QuietOf,
        tenants: impl IntoIterator<Item = TenantIx>,
        besides: impl IntoIterator<Item = TenantIx>,
    ) -> Quiet<'_> {
        let quiet: Vec<TenantIx> = tenants.into_iter().collect();
        let within = Within { of, quiet: quiet.clone(), besides: besides.into_iter().collect() };
        // Two that each have what the other one asks for would wait for ever.
        let has = |tenant: &TenantIx| self.is_quiet([*tenant]);
        debug_assert!(!self.holds_quiet() || quiet.iter().all(has), "what has quiet asks for no more");
        self.ask(Ask::Quiet(within)).await;
        let guard = self.guards.get();
        self.guards.set(guard.saturating_add(1));
        self.quiet.borrow_mut().insert(guard, (of, quiet));
        Quiet { tape: self, guard }
    }

    /// Whether no other trial writes in these tenants while this check goes on.
    pub fn is_quiet(&self, tenants: impl IntoIterator<Item = TenantIx>) -> bool {
        self.has(tenants, |of| of == QuietOf::Writes)
    }

    /// Whether no other trial creates anything in these tenants while this check goes on.
    pub fn is_quiet_of_creates(&self, tenants: impl IntoIterator<Item = TenantIx>) -> bool {
        self.has(tenants, |_| true)
    }

    fn has(&self, tenants: impl IntoIterator<Item = TenantIx>, is_enough: impl Fn(QuietOf) -> bool) -> bool {
        let quiet = self.quiet.borrow();
        let is_had = |tenant| quiet.values().any(|(of, held)| is_enough(*of) && held.contains(&tenant));
        tenants.into_iter().all(is_had)
    }

    /// The same tape for writing, if this is one.
    pub fn writing(&self) -> Option<WriteTape<'_>> {
        (self.access == Access::Write).then_some(WriteTape(self))
    }

    /// A new canary of `owner`: the same one in every replay.
    pub fn canary(&self, owner: TenantIx) -> Canary {
        self.tag.canary(owner, &self.fresh())
    }

    /// A new value for a tenant to write where it must not.
    pub fn nonce(&self, sender: TenantIx) -> String {
        self.tag.nonce(sender, &self.fresh())
    }

    /// A new value that nothing else has.
    pub fn unique(&self) -> String {
        self.tag.unique(&self.fresh())
    }

    /// What is written in a request for a moment: the time is put in its place when the request is sent.
    pub fn moment(&self, moment: Moment) -> String {
        mark(&self.tag, moment)
    }

    /// The path segment by which the verifier's listener knows this trial.
    pub fn topic(&self) -> String {
        topic(self.source)
    }

    fn fresh(&self) -> String {
        let serial = self.serial.get();
        self.serial.set(serial.saturating_add(1));
        format!("{} {serial}", self.label)
    }

    /// Answers arrive in the order of the questions, so this cannot be; a check that sees it is unproven.
    fn mismatched(&self, reply: &Reply) -> Seen {
        debug_assert!(false, "{reply:?} answers no call");
        Rc::new(Exchange::unanswered())
    }

    async fn ask(&self, ask: Ask) -> Reply {
        let number = self.put(ask);
        poll_fn(|_| match self.questions.borrow_mut().get_mut(number) {
            Some(question @ Question::Replied(_)) => match std::mem::replace(question, Question::None) {
                Question::Replied(reply) => Poll::Ready(reply),
                Question::None | Question::New(_) | Question::UnderWay => Poll::Pending,
            },
            _ => Poll::Pending,
        })
        .await
    }

    /// The number of a new question.
    fn put(&self, ask: Ask) -> usize {
        let mut questions = self.questions.borrow_mut();
        let number = questions.iter().position(|question| matches!(question, Question::None));
        let number = number.unwrap_or_else(|| {
            questions.push(Question::None);
            questions.len().saturating_sub(1)
        });
        if let Some(place) = questions.get_mut(number) {
            *place = Question::New(ask);
        }
        number
    }

    /// What the check asked for since it was last polled.
    pub(crate) fn new_questions(&self) -> Vec<(AskIx, Ask)> {
        let mut new = Vec::new();
        for (number, question) in self.questions.borrow_mut().iter_mut().enumerate() {
            if matches!(question, Question::New(_))
                && let Question::New(ask) = std::mem::replace(question, Question::UnderWay)
            {
                new.push((AskIx(number), ask));
            }
        }
        // A replay need not wait for it: were something else under way, it would go on in another order there.
        let is_quiet = |(_, ask): &(AskIx, Ask)| matches!(ask, Ask::Quiet(_));
        let open = self.questions.borrow().iter().filter(|question| matches!(question, Question::UnderWay)).count();
        debug_assert!(!new.iter().any(is_quiet) || open == 1, "quiet is asked for by itself");
        new
    }

    /// Whether there are questions that were not replied to.
    pub(crate) fn awaits(&self) -> bool {
        self.questions.borrow().iter().any(|question| matches!(question, Question::UnderWay))
    }

    pub(crate) fn reply(&self, AskIx(number): AskIx, reply: Reply) {
        if let Reply::Exchange(exchange) = &reply {
            self.clock.set(self.clock.get().max(exchange.at.saturating_add(exchange.took)));
        }
        if let Some(question @ Question::UnderWay) = self.questions.borrow_mut().get_mut(number) {
            *question = Question::Replied(reply);
        }
    }

    pub(crate) fn source(&self) -> Source {
        self.source
    }

    /// Whether it is quiet anywhere for this check.
    pub(crate) fn holds_quiet(&self) -> bool {
        !self.quiet.borrow().is_empty()
    }
}

/// The path segment by which the verifier's listener knows a source.
pub(crate) fn topic(source: Source) -> String {
    match source {
        Source::Trial(index) => format!("check-{index}"),
        _ => "run".to_owned(),
    }
}

/// A tape that may also plant and change. It is only to be had where the run may write.
#[derive(Clone, Copy)]
pub struct WriteTape<'t>(&'t Tape);

impl<'t> WriteTape<'t> {
    /// The tape, for what only reads.
    pub fn tape(self) -> &'t Tape {
        self.0
    }
}

impl Deref for WriteTape<'_> {
    type Target = Tape;
    fn deref(&self) -> &Tape {
        self.0
    }
}

/// As long as it is there, it is quiet in some tenants.
#[must_use = "dropped at once, it keeps nothing quiet"]
pub struct Quiet<'t> {
    tape: &'t Tape,
    guard: usize,
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.tape.quiet.borrow_mut().remove(&self.guard);
    }
}
