//! Replay: the same scripts over a recorded log. Every request that was sent must be the one that the script would send,
//! and what it concludes is what it concludes from the log alone.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use watertight_spec::{Spec, Variable};

use crate::call::Call;
use crate::channel::inbox::Inboxes;
use crate::credentials::Jar;
use crate::live::unrendered;
use crate::log::{AskIx, Event, Exchange, Purpose, Source, What};
use crate::marker::RunTag;
use crate::moment::Moments;
use crate::render::{Placeholders, render};
use crate::script::{Job, Progress, Running};
use crate::tape::{Ask, Reply};

/// A place where the log is not what the scripts would have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The event.
    pub seq: u64,
    /// What differs, for people.
    pub what: String,
}

/// Scripts that are fed from a log.
pub struct Player<T> {
    spec: Arc<Spec>,
    tag: RunTag,
    moments: Moments,
    secrets: Placeholders,
    inboxes: Inboxes,
    running: HashMap<Source, Playing<T>>,
}

/// A script under way, and what it awaits.
struct Playing<T> {
    running: Running<T>,
    asked: BTreeMap<AskIx, Ask>,
}

/// What feeding an event, or beginning a script, came to.
pub enum Fed<T> {
    /// It goes on.
    GoesOn,
    /// The script is done.
    Done(Option<T>),
    /// The event is nothing that the script would have done.
    Diverges(Divergence),
}

impl<T: 'static> Player<T> {
    /// Nothing is under way.
    pub fn new(spec: Arc<Spec>, tag: RunTag) -> Self {
        Self {
            moments: Moments::new(&tag, 0),
            spec,
            tag,
            secrets: Placeholders::default(),
            inboxes: Inboxes::default(),
            running: HashMap::new(),
        }
    }

    /// Begins a script. One that sends nothing is done at once.
    pub fn begin(&mut self, job: Job<T>) -> Fed<T> {
        let source = job.source;
        let running = Running::begin(job, &self.spec, &self.tag);
        self.go_on(source, Playing { running, asked: BTreeMap::new() }, None)
    }

    /// Whether a script is under way for this source.
    pub fn is_under_way(&self, source: Source) -> bool {
        self.running.contains_key(&source)
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Drops what is under way: the run was interrupted here.
    pub fn interrupt(&mut self) {
        self.running.clear();
        // What arrived in that part of the run, the next one has not seen.
        self.inboxes = Inboxes::default();
    }

    /// Goes on with the script to which an event belongs. Events of the engine itself are taken note of.
    pub fn feed(&mut self, event: Event) -> Fed<T> {
        self.inboxes.note(&event);
        let jar = event.exchange().and_then(|exchange| exchange.jar.clone());
        self.learn(&event);
        let fed = self.compare(event);
        // It tells what the next request may name, not this one.
        if let Some(jar) = jar {
            self.secrets.jars.insert(jar.who, Jar::recorded(&jar));
        }
        fed
    }

    /// Whether an event is what its script would have done.
    fn compare(&mut self, event: Event) -> Fed<T> {
        let Event { seq, source, ask, what } = event;
        let Some(mut playing) = self.running.remove(&source) else { return Fed::GoesOn };
        let diverges = |what: String| Fed::Diverges(Divergence { seq, what });
        let Some(asked) = playing.asked.remove(&ask) else {
            return diverges("the log answers what the script has not asked".into());
        };
        let reply = match (&asked, what) {
            (Ask::Call(call), What::Exchange(exchange)) => match self.differs(call, &exchange) {
                None => Reply::Exchange(Rc::from(exchange)),
                Some(what) => return diverges(what),
            },
            (Ask::Call(call), What::Throttled(exchange)) => {
                return match self.differs(call, &exchange) {
                    None => {
                        playing.asked.insert(ask, asked);
                        self.running.insert(source, playing);
                        Fed::GoesOn
                    }
                    Some(what) => diverges(what),
                };
            }
            (Ask::Wait(time), What::Waited { ms }) if time.as_millis() == u128::from(ms) => Reply::Waited,
            (Ask::Look(look), What::Cut { inbox, upto }) if look.inbox() == inbox => self.inboxes.look(*look, upto),
            (Ask::Call(_), _) => return diverges("the log has something else where a request was expected".into()),
            (Ask::Wait(_), _) => return diverges("the log has something else where a pause was expected".into()),
            (Ask::Look(_), _) => {
                return diverges("the log has something else where a look into an inbox was expected".into());
            }
            (Ask::Quiet(_), _) => return diverges("the log continues where the script was still waiting".into()),
        };
        self.go_on(source, playing, Some((ask, reply)))
    }

    /// Until the script asks for what the log must have.
    fn go_on(&mut self, source: Source, mut playing: Playing<T>, mut reply: Option<(AskIx, Reply)>) -> Fed<T> {
        loop {
            match playing.running.advance(reply.take()) {
                Progress::Asks(new) => {
                    for (ask, asked) in new {
                        match asked {
                            // Nobody else is there. It is asked for by itself.
                            Ask::Quiet(_) => reply = Some((ask, Reply::Quiet)),
                            Ask::Call(_) | Ask::Wait(_) | Ask::Look(_) => drop(playing.asked.insert(ask, asked)),
                        }
                    }
                    if reply.is_none() {
                        self.running.insert(source, playing);
                        return Fed::GoesOn;
                    }
                }
                Progress::Done(output) => return Fed::Done(Some(output)),
                Progress::Stuck => return Fed::Done(None),
            }
        }
    }

    fn learn(&mut self, event: &Event) {
        match &event.what {
            What::Began(part) => {
                self.moments = Moments::new(&self.tag, part.started);
                // What the spec has for a secret is a placeholder of the first part where a bundle is judged, and the secret
                // itself where a run goes on.
                let shown = part.variables.iter().filter_map(|(name, now)| match self.spec.variables.get(name)? {
                    Variable::Secret(secret) => Some((secret.expose_secret().to_owned(), now.clone())),
                    Variable::Plain(_) => None,
                });
                self.secrets.variables = shown.collect();
            }
            What::Printed(token) => {
                self.secrets.issued.insert(event.seq, (token.who, token.placeholder.clone()));
            }
            What::Exchange(exchange) => {
                if let Some(token) = &exchange.token {
                    self.secrets.issued.insert(event.seq, (token.who, token.placeholder.clone()));
                }
                if let Some(session) = &exchange.session {
                    self.secrets.sessions.insert(event.seq, session.clone());
                }
            }
            What::Throttled(_)
            | What::Waited { .. }
            | What::AwaitsCode { .. }
            | What::Inbound(_)
            | What::Cut { .. }
            | What::CleanUp(_) => {}
        }
    }

    fn differs(&mut self, call: &Call, exchange: &Exchange) -> Option<String> {
        self.secrets.used = exchange.sender.token();
        let (expected, sender) = match render(call, &self.spec, &self.secrets) {
            Ok(rendered) => {
                let rendered = rendered.sent_at(&self.moments, exchange.at);
                (rendered.sent(), rendered.sender)
            }
            Err(why) => {
                let exchange = unrendered(call, &self.spec, exchange.at, &why);
                (exchange.request, exchange.sender)
            }
        };
        // What could not even be rendered in the run, as for want of a key, was recorded without headers.
        let unsent = exchange.request.origin.is_empty() && exchange.response().is_none();
        let is_for_the_same = Purpose::of(call) == exchange.purpose();
        if is_for_the_same && (unsent || (expected == exchange.request && sender == exchange.sender)) {
            return None;
        }
        Some(format!(
            "the log sends {} {} where {} {} was expected",
            exchange.request.method, exchange.request.target, expected.method, expected.target
        ))
    }
}
