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

mod arrivals;
mod commands;
mod exchange;
mod forgery;
mod refusals;
mod secrets;
mod unsent;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use watertight_spec::{Credential, Spec, Variable};

use crate::channel::arrivals::Arriving;
use crate::channel::http::{CertificateError, Http};
use crate::channel::inbox::Inboxes;
use crate::clock::Clock;
use crate::credentials::command::Failures;
use crate::credentials::{Codes, Owners, Token, Tokens, totp};
use crate::gate::{Gate, Slots};
use crate::journal::Journal;
use crate::log::{Asker, CleanUp, Event, InboxIx, LogWriter, Part, Source, What};
use crate::marker::{RunTag, Scanner};
use crate::moment::Moments;
use crate::quiet::Quiets;
use crate::recorder::Recorder;
use crate::redact::Redactor;
use forgery::Forgery;
pub(crate) use unsent::unrendered;

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
    /// By which one-time codes are made, and waited for.
    pub clock: Box<dyn Clock>,
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
    /// A certificate of the spec, or its key.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
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
    owners: Owners,
    tokens: Tokens,
    codes: Codes,
    failed_commands: RefCell<Failures>,
    forge: RefCell<Option<Rc<Forgery>>>,
    forging: tokio::sync::Mutex<()>,
    log: RefCell<LogWriter>,
    journal: RefCell<Journal>,
    arriving: RefCell<Vec<(InboxIx, Arriving)>>,
    inboxes: RefCell<Inboxes>,
    observer: RefCell<Observer>,
    pub(crate) quiets: Quiets,
    slots: Slots,
    begun: Instant,
    /// By which moments are told.
    moments: Moments,
    answered: Cell<u64>,
    /// Why the log can't be written to, from then on.
    failed: RefCell<Option<Arc<std::io::Error>>>,
}

impl Live {
    /// For one part of a run. Nothing is sent yet.
    pub(crate) fn new(setting: Setting) -> Result<Self, SettingError> {
        let Setting { spec, tag, log, journal, part, observer, clock } = setting;
        let tenants = spec.tenants.len();
        let scanner = Scanner::new(&tag, spec.tenant_ixs()).map_err(|_| SettingError::Scanner { tenants })?;
        let mut redactor = Redactor::new(rand::random());
        for variable in spec.variables.values() {
            if let Variable::Secret(secret) = variable {
                redactor.learn(secret.expose_secret());
            }
        }
        // A target shows each cookie of a line by itself, and a seed perhaps in another way than the spec's user.
        for (_, principal) in spec.tenant_ixs().flat_map(|tenant| spec.principals(tenant)) {
            if let Credential::Cookies { stored: Some(stored), .. } = &principal.credential {
                stored.values.iter().for_each(|value| redactor.learn(value.expose_secret()));
            }
            let seed = principal.credential.totp().map(|totp| totp::normal(totp.seed.expose_secret()));
            seed.iter().for_each(|seed| redactor.learn(seed));
        }
        let known = spec.resources.iter().flat_map(|one| spec.tenants.iter().flat_map(|of| one.supply.known(&of.id)));
        known.for_each(|id| redactor.spare(id));
        let owners = Owners::new(&spec, &redactor);
        let (begun, started) = (Instant::now(), now());
        let moments = Moments::new(&tag, started);
        let slots = spec.limits.concurrency;
        let live = Self {
            gate: Gate::new(&spec, begun),
            http: Http::of(&spec)?,
            spec,
            tag,
            scanner,
            owners,
            redactor: RefCell::new(redactor),
            tokens: Tokens::default(),
            codes: Codes::new(clock),
            failed_commands: RefCell::default(),
            forge: RefCell::new(None),
            forging: tokio::sync::Mutex::new(()),
            log: RefCell::new(log),
            journal: RefCell::new(journal),
            arriving: RefCell::default(),
            inboxes: RefCell::default(),
            observer: RefCell::new(observer),
            quiets: Quiets::default(),
            slots: Slots::new(slots),
            begun,
            moments,
            answered: Cell::new(0),
            failed: RefCell::new(None),
        };
        let began = Part { number: part, started, variables: live.placeholders() };
        live.record(Source::Engine, What::Began(began));
        live.flush();
        live.failure().map_or(Ok(live), |error| Err(error.into()))
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

    /// Why the log can't be written to any more, if it can't: then nothing more is sent.
    pub(crate) fn failure(&self) -> Option<std::io::Error> {
        let failed = self.failed.borrow();
        failed.as_ref().map(|error| std::io::Error::new(error.kind(), Arc::clone(error)))
    }

    /// A source is done: what was kept for it is dropped.
    pub(crate) fn forget(&self, source: Source) {
        self.release(self.tokens.forget(source));
    }

    /// Tokens that nobody can name any more: as other secrets of the target's, they are still replaced where they are seen.
    fn release(&self, dropped: Vec<Token>) {
        let mut redactor = self.redactor.borrow_mut();
        dropped.iter().for_each(|token| redactor.release(token.secret()));
    }

    /// Records that time has passed for who asked for it.
    pub(crate) fn waited(&self, asker: Asker, time: Duration) {
        self.record(asker, What::Waited { ms: millis(time) });
    }

    pub(crate) fn note_clean_up(&self, stage: CleanUp) {
        self.record(Source::Cleanup, What::CleanUp(stage));
    }

    fn recorder(&self) -> Recorder<'_> {
        Recorder {
            spec: &self.spec,
            tag: &self.tag,
            scanner: &self.scanner,
            redactor: &self.redactor,
            owners: &self.owners,
            tokens: &self.tokens,
        }
    }

    /// Hands the log to the system: called before anything is waited for, so that a run that is killed has lost nothing of
    /// what happened before.
    pub(crate) fn flush(&self) {
        if let Err(error) = self.log.borrow_mut().flush() {
            self.failed.borrow_mut().get_or_insert(Arc::new(error));
        }
    }

    /// Appends to the log. Where that fails the run can't go on: what is not recorded shows nothing.
    fn record(&self, asker: impl Into<Asker>, what: What) -> Option<Event> {
        if self.failed.borrow().is_some() {
            // A part of an event may be there: what came after it would be at the wrong place.
            return None;
        }
        let appended = self.log.borrow_mut().append(asker, what);
        match appended {
            Ok(event) => {
                self.inboxes.borrow_mut().note(&event);
                (self.observer.borrow_mut())(&event);
                Some(event)
            }
            Err(error) => {
                self.failed.borrow_mut().get_or_insert(Arc::new(error));
                None
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
