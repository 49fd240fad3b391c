//! One call, from its token to its record: sent again for as long as the target limits the rate, and never twice where it
//! may have been carried out.

use std::time::Instant;

use watertight_spec::{Credential, Effect, Spec, TenantIx, Totp, Who};

use super::refusals::{Refusals, pause};
use super::secrets::Known;
use super::unsent::unrendered;
use super::{Live, millis};
use crate::call::{ActCall, Call, Caller, Mark, Request, TokenCall};
use crate::channel::http::{Answered, Bounds, Outgoing, Reuse, Unfinished};
use crate::credentials::{is_fetched, requests_before};
use crate::gate::{Refused, Throttle, Turn};
use crate::journal::{Entry, after, before};
use crate::log::{Asker, Event, Exchange, Failure, Outcome, Purpose, Sender, Source, What};
use crate::quiet::Touched;
use crate::recorder::Told;
use crate::render::{Rendered, Unrendered, render};
use crate::tape::{Access, Seen};

/// How often a token is fetched anew because it would expire while its request waits.
const MOST_RENEWALS: usize = 5;

/// What came of sending a call once.
struct Attempt {
    exchange: Exchange,
    told: Told,
    throttle: Option<Throttle>,
}

impl Live {
    /// Performs a call for a script.
    pub(crate) async fn perform(&self, call: &Call, asker: Asker, access: Access) -> Seen {
        if matches!(call, Call::Api(Request { caller: Caller::Forged(_), .. })) {
            self.ensure_forge().await;
        }
        let bearer = self.bearer(call).filter(|who| is_fetched(&self.spec, *who));
        let mut refusals = Refusals::new(self.answered.get());
        for _ in 0..MOST_RENEWALS {
            let must_last = match bearer {
                Some(who) => self.ensure_token(who, asker.source).await,
                None => None,
            };
            if let Some(seen) = self.exchange(call, asker, access, must_last, &mut refusals).await {
                return seen;
            }
        }
        let why = Unrendered::NoToken("its token expires before the request can be sent".to_owned());
        let unsent = unrendered(call, &self.spec, millis(self.begun.elapsed()), &why);
        self.keep(asker, unsent, Told::default())
    }

    /// Whose token a call needs.
    fn bearer(&self, call: &Call) -> Option<Who> {
        match call {
            Call::Api(Request { caller, .. }) | Call::Act(ActCall { caller, .. }) => caller.who(),
            Call::Token(ask) => maker(&self.spec, ask),
            Call::Discovery { .. } | Call::Keys { .. } => None,
        }
    }

    /// Fetches a principal's token unless it has one that will last, for a source that needs it. Whoever else needs it
    /// meanwhile waits. Returns the principal if its token lasts.
    async fn ensure_token(&self, who: Who, needed_by: Source) -> Option<Who> {
        let lasts = || self.tokens.is_fresh(who).then_some(who);
        if lasts().is_none() {
            // Before the lock: else this one may wait, with the lock, for a trial that has quiet, and that trial for the lock.
            let _entered = match self.spec[who].credential.makes_account() {
                true => Some(self.quiets.enter_for_log_in(needed_by, who.tenant).await),
                false => None,
            };
            let fetching = self.tokens.fetching(who);
            let _guard = fetching.lock().await;
            if lasts().is_none()
                && let Credential::Command(command) = &self.spec[who].credential
            {
                self.run_command(who, command).await;
            } else if lasts().is_none() {
                let unique = self.tag.unique(&format!("log-in {:x}", rand::random::<u64>()));
                for step in 0..requests_before(&self.spec, who) {
                    let ask = TokenCall { step, unique: unique.clone(), ..TokenCall::plain(who) };
                    if let Some(maker) = maker(&self.spec, &ask) {
                        // No log-in of a maker needs another one: a spec in which it would is refused.
                        Box::pin(self.ensure_token(maker, needed_by)).await;
                    }
                    let mut refusals = Refusals::new(self.answered.get());
                    self.exchange(&Call::Token(ask), Source::Engine.into(), Access::Write, None, &mut refusals).await;
                }
            }
        }
        lasts()
    }

    /// One exchange, sent again for as long as the target limits the rate. None where the token of `must_last` would
    /// expire before it is sent: a refusal of that would show nothing.
    async fn exchange(
        &self,
        call: &Call,
        asker: Asker,
        access: Access,
        must_last: Option<Who>,
        refusals: &mut Refusals,
    ) -> Option<Seen> {
        let source = asker.source;
        let touched = match (source, call) {
            // Whoever needs the token has been let in.
            (Source::Engine, Call::Token(_)) => Touched::default(),
            _ => touched(call, &self.spec),
        };
        let code = self.code_of(call);
        loop {
            // Not with the turn of a code: a trial that has quiet may need one of the same seed. Nor with a slot.
            self.quiets.until_open(source, &touched).await;
            let of_seed = code.map(|(_, totp)| self.codes.of_seed(totp));
            let turn = match &of_seed {
                Some(of_seed) => Some(of_seed.turn.lock().await),
                None => None,
            };
            if let Some((who, totp)) = code {
                self.await_code(who, totp).await;
            }
            // Others wait until a trial that has quiet is done, and for a log-in.
            let is_waited_for = source == Source::Engine || self.quiets.has_quiet(source);
            let slot = self.slots.acquire(if is_waited_for { Turn::First } else { Turn::InOrder }).await;
            if !self.quiets.is_open(source, &touched) {
                continue;
            }
            self.gate.rate.turn().await;
            // All that may have taken its time.
            if must_last.is_some_and(|who| !self.tokens.is_fresh(who)) {
                return None;
            }
            let Some(entered) = self.quiets.enter(source, &touched) else { continue };
            let Attempt { exchange, told, throttle } = self.attempt(call, source, access).await;
            drop((entered, slot, turn));
            if let Some(throttle) = throttle {
                self.gate.rate.slow(throttle);
                // Only 429 says that nothing was done: no write is sent twice.
                let may_be_sent_again = throttle.kind == Refused::TooMany || touched.tenants.is_empty();
                let is_about_rate = may_be_sent_again && refusals.are_about_rate(throttle, self.answered.get());
                if is_about_rate && !self.gate.is_out_of_time(source) {
                    self.record(asker, What::Throttled(Box::new(exchange)));
                    // Where the whole run is held, it has its turn among the first after that.
                    if throttle.wait.is_none() && !self.gate.rate.is_held() {
                        tokio::time::sleep(pause(refusals)).await;
                    }
                    continue;
                }
                self.gate.rate.gave_up();
            } else {
                self.gate.rate.recover();
                if refusals.were_there() {
                    self.gate.rate.waiting_helped();
                }
                self.answered.set(self.answered.get().saturating_add(1));
            }
            self.note(call, &exchange);
            return Some(self.keep(asker, exchange, told));
        }
    }

    /// From what the one-time code is made that a call sends, if it sends one, and whose it is.
    fn code_of(&self, call: &Call) -> Option<(Who, &Totp)> {
        let Call::Token(ask) = call else { return None };
        self.spec[ask.who].credential.code_of(ask.step).map(|totp| (ask.who, totp))
    }

    /// Until there is a code that was not sent. Told before it is waited for: it may take most of a minute.
    async fn await_code(&self, who: Who, totp: &Totp) {
        let wait = self.codes.wait(totp);
        if !wait.is_zero() {
            self.record(Source::Engine, What::AwaitsCode { who, ms: millis(wait) });
            self.flush();
            self.codes.sleep(wait).await;
        }
    }

    /// Sends it once.
    async fn attempt(&self, call: &Call, source: Source, access: Access) -> Attempt {
        let begun = Instant::now();
        let at = millis(begun.duration_since(self.begun));
        let rendered = match render(call, &self.spec, &Known::of(self, source)) {
            Ok(rendered) => rendered.sent_at(&self.moments, at),
            Err(why) => {
                let exchange = unrendered(call, &self.spec, at, &self.explained(call, why));
                return Attempt { exchange, told: Told::default(), throttle: None };
            }
        };
        if let Some(token) = rendered.sender.token() {
            self.tokens.is_named_by(source, token);
        }
        let Rendered { sender, by, .. } = &rendered;
        let mut exchange = Exchange::new(at, sender.clone(), by.clone(), Purpose::of(call), rendered.sent());
        let mut told = Told::default();
        let mut throttle = None;
        match self.send(call, &rendered, source, access).await {
            Ok(incoming) => {
                throttle = Throttle::of(&incoming);
                told = self.recorder().receive(call, incoming, &mut exchange);
                // What shows another tenant's data is for the check to see, whatever its status.
                if exchange.hits.iter().any(|hit| Some(hit.owner) != exchange.tenant()) {
                    throttle = None;
                }
            }
            Err(Unfinished { error: (kind, text), came }) => {
                if let Some(came) = came {
                    self.recorder().receive_part(came, &mut exchange);
                }
                let text = self.redactor.borrow_mut().text(&text, |_| false);
                exchange.outcome = Outcome::Failed { kind, text };
            }
        }
        exchange.took = millis(begun.elapsed());
        Attempt { exchange, told, throttle }
    }

    async fn send(
        &self,
        call: &Call,
        rendered: &Rendered,
        source: Source,
        access: Access,
    ) -> Result<Answered, Unfinished> {
        let creates = match call {
            Call::Api(request) if access == Access::Read && request.effect != Effect::Read => {
                let why = format!("{} is not sent by a script that only reads", request.method);
                return Err(Unfinished::from((Failure::Refused, why)));
            }
            Call::Act(_) if access == Access::Read => {
                let why = "no act is done by a script that only reads".to_owned();
                return Err(Unfinished::from((Failure::Refused, why)));
            }
            Call::Api(Request { mark: Mark::Creates { resource, .. }, .. }) => Some(self.spec[*resource].name.clone()),
            _ => None,
        };
        self.gate.permit(call, rendered, source, &self.scanner)?;
        let acts = match call {
            Call::Act(ask) => before(&self.spec, ask),
            _ => None,
        };
        let intends = creates.as_ref().map(|resource| Entry::Intends { resource: resource.clone() });
        if let Some(entry) = acts.or(intends) {
            let written = self.journal.borrow_mut().write(&entry);
            written.map_err(|error| (Failure::Refused, format!("the journal can't be written: {error}")))?;
        }
        let out = Outgoing {
            origin: rendered.origin.clone(),
            method: rendered.method.clone(),
            target: rendered.target.real().to_owned(),
            headers: rendered.headers.iter().map(|(name, value)| (name.clone(), value.real().to_owned())).collect(),
            body: rendered.body.as_ref().map(|body| rendered.written.bytes(body.real())),
            certificate: rendered.sender.who(),
            reuse: match &rendered.sender {
                Sender::Anonymous => Reuse::OfAnonymous,
                Sender::Principal { who, .. } => Reuse::Of(*who),
                Sender::Issued { .. } | Sender::Forged { .. } => Reuse::Never,
            },
        };
        let bounds = Bounds { timeout: self.spec.limits.timeout, body: self.spec.limits.body };
        let answered = self.http.exchange(&out, bounds).await;
        if let (Some(resource), Err(Unfinished { error: (Failure::Connect, _), .. })) = (creates, &answered) {
            // Should this line not reach the disk, clean-up looks for what is not there.
            let _ = self.journal.borrow_mut().write(&Entry::Unsent { resource });
        }
        answered
    }

    /// Writes down what a request created or removed.
    fn note(&self, call: &Call, exchange: &Exchange) {
        if let Call::Act(ask) = call {
            self.tokens.renew(&self.spec[ask.act].of);
            if let Some(entry) = after(&self.spec, ask, exchange) {
                // Should this line not reach the disk, it is taken back once more.
                let _ = self.journal.borrow_mut().write(&entry);
            }
        }
        let Call::Api(request) = call else { return };
        let Some(entry) = crate::journal::entry(&self.spec, request, exchange) else { return };
        // The request that made it was let through only because the journal could be written; if it can't be now, the
        // intent is on disk and the sweep finds the object by its tag.
        let _ = self.journal.borrow_mut().write(&entry);
    }

    fn keep(&self, asker: Asker, exchange: Exchange, told: Told) -> Seen {
        self.receive();
        let of_token = exchange.token.as_ref().map(|token| token.who);
        let token = told.token.zip(of_token.or(exchange.session.as_ref().map(|session| session.who)));
        match self.record(asker, What::Exchange(Box::new(exchange))) {
            Some(Event { seq, what: What::Exchange(exchange), .. }) => {
                if let Some((token, who)) = token {
                    let dropped = self.tokens.keep(seq, asker.source, who, token);
                    self.release(dropped);
                }
                std::rc::Rc::from(exchange)
            }
            _ => std::rc::Rc::new(Exchange::unanswered()),
        }
    }
}

/// Which other principal sends a step of a log-in, if one does.
fn maker(spec: &Spec, ask: &TokenCall) -> Option<Who> {
    let Credential::Session { steps, .. } = &spec[ask.who].credential else { return None };
    let principal = steps.get(ask.step)?.by?;
    Some(Who { tenant: ask.who.tenant, principal })
}

/// Where a call may create, change or remove something.
fn touched(call: &Call, spec: &Spec) -> Touched {
    let request = match call {
        Call::Api(request) if request.effect != Effect::Read => request,
        Call::Act(ask) => return Touched { tenants: vec![spec[ask.act].tenant], creates: true },
        // It makes an account.
        Call::Token(ask) if maker(spec, ask).is_some() => {
            return Touched { tenants: vec![ask.who.tenant], creates: true };
        }
        Call::Api(_) | Call::Token(_) | Call::Discovery { .. } | Call::Keys { .. } => return Touched::default(),
    };
    let sender = request.caller.who().map(|who| who.tenant);
    let mut tenants: Vec<TenantIx> = sender.into_iter().chain([request.at]).chain(request.reaches).collect();
    tenants.dedup();
    let creates = match request.operation {
        // What is moved into another tenant is new there.
        Some(op) => spec[op].may_make() || matches!(request.mark, Mark::Creates { .. }) || request.reaches.is_some(),
        None => true,
    };
    Touched { tenants, creates }
}
