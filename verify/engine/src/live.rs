//! A live run's way to its target: what a call needs is made ready, the gate lets it out, a channel carries it, and the
//! recorder writes down what came back.
//!
//! ```text
//!   call ──▶ token, forge ──▶ render ──▶ gate ──▶ channel ──▶ target
//!                                                    │
//!   check ◀── exchange ◀── log ◀── recorder ◀── answer
//! ```
//!
//! Calls of several trials are under way at once, in one task: nothing is borrowed across an await.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use tokio::sync::{Semaphore, mpsc};
use watertight_spec::{Effect, Spec, TenantIx, Variable, Who};

use crate::call::{Call, Caller, Forged, Mark, Request, TokenCall};
use crate::channel::callbacks::{Arrived, Listener};
use crate::channel::http::{Answered, Bounds, Http, Outgoing};
use crate::channel::inbox::Inboxes;
use crate::credentials::forge::Forge;
use crate::credentials::{Tokens, uses_tokens};
use crate::gate::{Gate, Refused, Throttle};
use crate::journal::{Entry, Journal};
use crate::log::{Event, Exchange, Failure, InboxIx, LogWriter, Outcome, Part, Sender, Sent, Source, What};
use crate::marker::{RunTag, Scanner};
use crate::quiet::Quiets;
use crate::recorder::{Recorder, Told};
use crate::redact::{Goes, Redactor};
use crate::render::{Rendered, Secrets, Text, Unrendered, forged_label, render};
use crate::tape::{Access, Seen, Window, topic};

/// How often a request that was refused because of the rate is tried again.
const TRIES: u32 = 12;
/// The first pause before that, where the target does not say how long; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Requests that others get answered between two refusals, after which the refusal is not because of the rate.
const ANSWERED_MEANWHILE: u64 = 40;
/// Tries after which that counts.
const LEAST_TRIES: u32 = 5;
/// How often a token is fetched anew because it would expire while its request waits.
const MOST_RENEWALS: usize = 5;

/// Is told of every event when it has been recorded.
pub type Observer = Box<dyn FnMut(&Event)>;

/// What a run needs before it can send anything.
pub struct Setting {
    /// What is verified.
    pub spec: Arc<Spec>,
    /// Whose markers are this run's.
    pub tag: RunTag,
    /// Where everything is recorded.
    pub log: LogWriter,
    /// Where is written what was created.
    pub journal: Journal,
    /// Which part of the run this is, from 1.
    pub part: u32,
    /// Sees every event when it has been recorded.
    pub observer: Observer,
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The marker automaton would not build.
    #[error("the scanner for {tenants} tenants could not be built")]
    Scanner {
        /// How many.
        tenants: usize,
    },
    /// The log can't be written to.
    #[error("the log can't be written to: {0}")]
    Log(#[from] std::io::Error),
}

/// A live run's connection to its target.
pub(crate) struct Live {
    pub(crate) spec: Arc<Spec>,
    pub(crate) tag: RunTag,
    scanner: Scanner,
    http: Http,
    pub(crate) gate: Gate,
    redactor: RefCell<Redactor>,
    tokens: Tokens,
    forge: RefCell<Option<Rc<Forgery>>>,
    forging: tokio::sync::Mutex<()>,
    log: RefCell<LogWriter>,
    journal: RefCell<Journal>,
    inboxes: RefCell<Inboxes>,
    observer: RefCell<Observer>,
    pub(crate) quiets: Quiets,
    /// Requests that may be under way at once.
    slots: Semaphore,
    begun: Instant,
    answered: Cell<u64>,
    failed: RefCell<Option<std::io::Error>>,
}

/// What forged tokens are made with.
struct Forgery {
    forge: Forge,
    listener: Listener,
    calls: RefCell<mpsc::Receiver<Arrived>>,
}

impl Live {
    /// For one part of a run. Nothing is sent yet.
    pub(crate) fn new(setting: Setting) -> Result<Self, SettingError> {
        let Setting { spec, tag, log, journal, part, observer } = setting;
        let tenants = spec.tenants.len();
        let scanner = Scanner::new(&tag, spec.tenant_ixs()).map_err(|_| SettingError::Scanner { tenants })?;
        let mut redactor = Redactor::new(rand::random());
        for variable in spec.variables.values() {
            if let Variable::Secret(secret) = variable {
                redactor.learn(secret.expose_secret());
            }
        }
        let begun = Instant::now();
        let slots = spec.limits.concurrency;
        let live = Self {
            gate: Gate::new(&spec, begun),
            spec,
            tag,
            scanner,
            http: Http::new(),
            redactor: RefCell::new(redactor),
            tokens: Tokens::default(),
            forge: RefCell::new(None),
            forging: tokio::sync::Mutex::new(()),
            log: RefCell::new(log),
            journal: RefCell::new(journal),
            inboxes: RefCell::default(),
            observer: RefCell::new(observer),
            quiets: Quiets::default(),
            slots: Semaphore::new(slots),
            begun,
            answered: Cell::new(0),
            failed: RefCell::new(None),
        };
        let began = Part { number: part, started: now(), variables: live.placeholders() };
        live.record(Source::Engine, What::Began(began));
        live.flush();
        live.failed.take().map_or(Ok(live), |error| Err(error.into()))
    }

    /// What stands for each variable of the spec in the log, so that a replay renders the same.
    fn placeholders(&self) -> std::collections::BTreeMap<String, String> {
        let redactor = self.redactor.borrow();
        let shown = |variable: &Variable| match variable {
            Variable::Plain(text) => text.clone(),
            Variable::Secret(secret) => redactor.placeholder(secret.expose_secret()),
        };
        self.spec.variables.iter().map(|(name, variable)| (name.clone(), shown(variable))).collect()
    }

    /// What was created.
    pub(crate) fn journal(&self) -> &RefCell<Journal> {
        &self.journal
    }

    /// The end of the log.
    pub(crate) fn tail(&self) -> crate::log::Tail {
        self.log.borrow().tail().clone()
    }

    /// Why the log can't be written to any more, if it can't: then the run ends.
    pub(crate) fn failure(&self) -> Option<std::io::Error> {
        self.failed.take()
    }

    /// A source is done: what was kept for it is dropped.
    pub(crate) fn forget(&self, source: Source) {
        self.tokens.forget(source);
    }

    /// Nothing is under way: tokens that were replaced are dropped.
    pub(crate) fn forget_replaced(&self) {
        self.tokens.forget_replaced();
    }

    /// Records that time has passed for a source.
    pub(crate) fn waited(&self, source: Source, time: Duration) {
        self.record(source, What::Waited { ms: millis(time) });
    }

    /// What an inbox has so far; how far that is goes to the log.
    pub(crate) fn look(&self, source: Source, inbox: InboxIx) -> Window {
        self.receive_callbacks();
        let upto = self.log.borrow().next_seq();
        self.record(source, What::Cut { inbox, upto });
        self.inboxes.borrow().window(inbox, upto)
    }

    /// Performs a call for a source.
    pub(crate) async fn perform(&self, call: &Call, source: Source, access: Access) -> Seen {
        if matches!(call, Call::Api(Request { caller: Caller::Forged(_), .. })) {
            self.ensure_forge().await;
        }
        let bearer = match call {
            Call::Api(Request { caller: Caller::Own(who) | Caller::Forged(Forged { who, .. }), .. }) => Some(*who),
            _ => None,
        };
        let bearer = bearer.filter(|who| uses_tokens(&self.spec, *who));
        let mut refusals = Refusals::new(self.answered.get());
        for _ in 0..MOST_RENEWALS {
            let must_last = match bearer {
                Some(who) => self.ensure_token(who).await,
                None => None,
            };
            if let Some(seen) = self.exchange(call, source, access, must_last, &mut refusals).await {
                return seen;
            }
        }
        let why = Unrendered::NoToken("its token expires before the request can be sent".to_owned());
        let unsent = unrendered(call, &self.spec, millis(self.begun.elapsed()), &why);
        self.keep(source, unsent, Told::default())
    }

    /// Fetches a principal's token unless it has one that will last. Whoever else needs it meanwhile waits. Returns the
    /// principal if its token lasts.
    async fn ensure_token(&self, who: Who) -> Option<Who> {
        let lasts = || self.tokens.is_fresh(who).then_some(who);
        if lasts().is_none() {
            let fetching = self.tokens.fetching(who);
            let _guard = fetching.lock().await;
            if lasts().is_none() {
                let call = Call::Token(TokenCall::plain(who));
                let mut refusals = Refusals::new(self.answered.get());
                self.exchange(&call, Source::Engine, Access::Write, None, &mut refusals).await;
            }
        }
        lasts()
    }

    async fn ensure_forge(&self) {
        let _guard = self.forging.lock().await;
        if self.forge.borrow().is_some() {
            return;
        }
        // Where either can't be had, rendering the forged token says so and the trial is unproven.
        if let Ok(forge) = Forge::new(self.tag.unique("kid"))
            && let Ok((listener, calls)) = Listener::start(forge.key_set().to_string()).await
        {
            let forgery = Forgery { forge, listener, calls: RefCell::new(calls) };
            self.forge.replace(Some(Rc::new(forgery)));
        }
    }

    /// One exchange, sent again for as long as the target limits the rate. None where the token of `must_last` would
    /// expire before it is sent: a refusal of that would show nothing.
    async fn exchange(
        &self,
        call: &Call,
        source: Source,
        access: Access,
        must_last: Option<Who>,
        refusals: &mut Refusals,
    ) -> Option<Seen> {
        let touched = touched(call);
        loop {
            let entered = match touched.as_slice() {
                [] => None,
                tenants => Some(self.quiets.enter(source, tenants).await),
            };
            let slot = self.slots.acquire().await;
            self.gate.rate.turn().await;
            // All that may have taken its time.
            if must_last.is_some_and(|who| !self.tokens.is_fresh(who)) {
                return None;
            }
            let secrets = Known { live: self, topic: topic(source) };
            let rendered = render(call, &self.spec, &secrets);
            let begun = Instant::now();
            let at = millis(begun.duration_since(self.begun));
            let mut exchange = match &rendered {
                Ok(rendered) => {
                    Exchange::new(at, rendered.sender.clone(), rendered.by.clone(), rendered.intent, rendered.sent())
                }
                Err(why) => unrendered(call, &self.spec, at, why),
            };
            let mut told = Told::default();
            let mut throttle = None;
            if let Ok(rendered) = &rendered {
                match self.send(call, rendered, source, access).await {
                    Ok(incoming) => {
                        throttle = Throttle::of(&incoming);
                        told = self.recorder().receive(call, incoming, &mut exchange);
                        // What shows another tenant's data is for the check to see, whatever its status.
                        if exchange.hits.iter().any(|hit| Some(hit.owner) != exchange.tenant()) {
                            throttle = None;
                        }
                    }
                    Err((kind, text)) => {
                        let text = self.redactor.borrow_mut().text(&text, |_| false);
                        exchange.outcome = Outcome::Failed { kind, text };
                    }
                }
            }
            drop((slot, entered));
            exchange.took = millis(begun.elapsed());
            if let Some(throttle) = throttle {
                self.gate.rate.slow(throttle);
                // Only 429 says that nothing was done: no write is sent twice.
                let may_be_sent_again = throttle.kind == Refused::TooMany || touched.is_empty();
                let is_about_rate = may_be_sent_again && refusals.are_about_rate(throttle, self.answered.get());
                if is_about_rate && !self.gate.is_out_of_time(source) {
                    self.record(source, What::Throttled(Box::new(exchange)));
                    tokio::time::sleep(throttle.wait.unwrap_or_else(|| pause(refusals.tries))).await;
                    continue;
                }
            } else {
                self.gate.rate.recover();
                self.answered.set(self.answered.get().saturating_add(1));
            }
            self.note(call, &exchange);
            return Some(self.keep(source, exchange, told));
        }
    }

    async fn send(
        &self,
        call: &Call,
        rendered: &Rendered,
        source: Source,
        access: Access,
    ) -> Result<Answered, (Failure, String)> {
        let creates = match call {
            Call::Api(request) if access == Access::Read && request.effect != Effect::Read => {
                return Err((Failure::Refused, format!("{} is not sent by a script that only reads", request.method)));
            }
            Call::Api(Request { mark: Mark::Creates { collection, .. }, .. }) => Some(collection.shown()),
            _ => None,
        };
        self.gate.permit(call, rendered, source, &self.scanner)?;
        if let Some(collection) = &creates {
            let entry = Entry::Intends { collection: collection.clone() };
            let written = self.journal.borrow_mut().write(&entry);
            written.map_err(|error| (Failure::Refused, format!("the journal can't be written: {error}")))?;
        }
        let out = Outgoing {
            origin: rendered.origin.clone(),
            method: rendered.method.clone(),
            target: rendered.target.real().to_owned(),
            headers: rendered.headers.iter().map(|(name, value)| (name.clone(), value.real().to_owned())).collect(),
            body: rendered.body.as_ref().map(|body| body.real().as_bytes().to_vec()),
            sender: rendered.sender.who(),
        };
        let bounds = Bounds { timeout: self.spec.limits.timeout, body: self.spec.limits.body };
        let answered = self.http.exchange(&out, bounds).await;
        if let (Some(collection), Err((Failure::Connect, _))) = (creates, &answered) {
            // Should this line not reach the disk, clean-up looks for what is not there.
            let _ = self.journal.borrow_mut().write(&Entry::Unsent { collection });
        }
        answered
    }

    fn recorder(&self) -> Recorder<'_> {
        Recorder {
            spec: &self.spec,
            tag: &self.tag,
            scanner: &self.scanner,
            redactor: &self.redactor,
            tokens: &self.tokens,
        }
    }

    /// Writes down what a request created or removed.
    fn note(&self, call: &Call, exchange: &Exchange) {
        let Call::Api(request) = call else { return };
        let Some(entry) = crate::journal::entry(&self.spec, request, exchange) else { return };
        // The request that made it was let through only because the journal could be written; if it can't be now, the
        // intent is on disk and the sweep finds the object by its tag.
        let _ = self.journal.borrow_mut().write(&entry);
    }

    fn keep(&self, source: Source, exchange: Exchange, told: Told) -> Seen {
        self.receive_callbacks();
        let token = told.token.zip(exchange.token.as_ref().map(|token| token.who));
        match self.record(source, What::Exchange(Box::new(exchange))) {
            Some(Event { seq, what: What::Exchange(exchange), .. }) => {
                if let Some((token, who)) = token {
                    self.tokens.keep(seq, source, who, token);
                }
                Rc::from(exchange)
            }
            _ => Rc::new(Exchange::unanswered()),
        }
    }

    /// Whether anyone may call the verifier's own listener.
    pub(crate) fn listens(&self) -> bool {
        self.forge.borrow().is_some()
    }

    /// Calls to the listener go to the log when they arrive: at the latest before what is recorded next.
    pub(crate) fn receive_callbacks(&self) {
        let Some(forgery) = self.forge.borrow().clone() else { return };
        loop {
            let Ok(arrived) = forgery.calls.borrow_mut().try_recv() else { return };
            let at = millis(self.begun.elapsed());
            let inbound = self.recorder().callback(at, &arrived);
            self.record(Source::Inbox(crate::CALLBACKS), What::Inbound(Box::new(inbound)));
        }
    }

    /// Hands the log to the system: called before anything is waited for, so that a run that is killed has lost nothing of
    /// what happened before.
    pub(crate) fn flush(&self) {
        if let Err(error) = self.log.borrow_mut().flush() {
            self.failed.borrow_mut().get_or_insert(error);
        }
    }

    /// Appends to the log. Where that fails the run can't go on: what is not recorded shows nothing.
    fn record(&self, source: Source, what: What) -> Option<Event> {
        let appended = self.log.borrow_mut().append(source, what);
        match appended {
            Ok(event) => {
                self.inboxes.borrow_mut().note(&event);
                (self.observer.borrow_mut())(&event);
                Some(event)
            }
            Err(error) => {
                self.failed.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}

/// How often one request was refused because of the rate.
struct Refusals {
    tries: u32,
    /// How many requests of the run had been answered when that began to count.
    answered_before: u64,
}

impl Refusals {
    fn new(answered: u64) -> Self {
        Self { tries: 0, answered_before: answered }
    }

    /// One more refusal: whether the rate is still a good explanation.
    fn are_about_rate(&mut self, throttle: Throttle, answered: u64) -> bool {
        self.tries = self.tries.saturating_add(1);
        let meanwhile = answered.saturating_sub(self.answered_before);
        self.answered_before = self.answered_before.max(answered.saturating_sub(ANSWERED_MEANWHILE));
        let is_plausible = self.tries < LEAST_TRIES || meanwhile < ANSWERED_MEANWHILE || throttle.wait.is_some();
        self.tries < TRIES && is_plausible
    }
}

/// The secrets of a live run, for one source.
struct Known<'l> {
    live: &'l Live,
    topic: String,
}

impl Secrets for Known<'_> {
    fn shown(&self, secret: &str) -> String {
        self.live.redactor.borrow().placeholder(secret)
    }
    fn current(&self, who: Who) -> Option<(u64, Text)> {
        self.live.tokens.current(who)
    }
    fn issued(&self, seq: u64) -> Option<(Who, Text)> {
        self.live.tokens.issued(seq)
    }
    fn forge(&self, genuine: &Text, what: &Forged) -> Result<Text, String> {
        let forgery = self.live.forge.borrow().clone().ok_or("no key or listener for forging could be had")?;
        let made = forgery.forge.make(genuine.real(), what, &forgery.listener.url(&self.topic))?;
        Ok(Text::secret(made, forged_label(genuine.shown(), what)))
    }
    fn as_it_was(&self, text: &str, goes: Goes) -> String {
        self.live.redactor.borrow().as_it_was(text, goes)
    }
}

/// The tenants in which a call may create, change or remove something.
fn touched(call: &Call) -> Vec<TenantIx> {
    let Call::Api(request) = call else { return Vec::new() };
    if request.effect == Effect::Read {
        return Vec::new();
    }
    let sender = match &request.caller {
        Caller::Own(who) | Caller::Forged(Forged { who, .. }) => Some(who.tenant),
        Caller::Anonymous | Caller::Issued(_) => None,
    };
    let mut tenants: Vec<TenantIx> = sender.into_iter().chain([request.at]).collect();
    tenants.dedup();
    tenants
}

fn pause(tries: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE)
}

/// The record of a call that could not even be rendered, as when no token was to be had.
pub(crate) fn unrendered(call: &Call, spec: &Spec, at: u64, why: &Unrendered) -> Exchange {
    let (method, target, who) = match call {
        Call::Api(request) => {
            let who = match &request.caller {
                Caller::Own(who) | Caller::Forged(Forged { who, .. }) => Some(*who),
                Caller::Anonymous | Caller::Issued(_) => None,
            };
            (request.method.clone(), request.address.shown(), who)
        }
        Call::Token(ask) => ("POST".into(), String::new(), Some(ask.who)),
        Call::Discovery { issuer } => ("GET".into(), issuer.clone(), None),
        Call::Keys { url, .. } => ("GET".into(), url.clone(), None),
    };
    let sender = who.map_or(Sender::Anonymous, |who| Sender::Principal { who, token: None });
    let by = who.map_or_else(|| "anonymous".into(), |who| spec.name_of(who));
    let intent = match call {
        Call::Api(request) => request.intent,
        _ => crate::call::Intent::Own,
    };
    let sent = Sent { method, origin: String::new(), target, headers: vec![], body: None };
    let mut exchange = Exchange::new(at, sender, by, intent, sent);
    let (kind, text) = match why {
        Unrendered::NoToken(text) => (Failure::NoToken, text),
        Unrendered::Other(text) => (Failure::Refused, text),
    };
    exchange.outcome = Outcome::Failed { kind, text: text.clone() };
    exchange
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
