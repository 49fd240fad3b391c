//! The session: the only door to the network. Host allowlist, request budget, rate limit, time-outs, credentials, and
//! the record of everything in the trace.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use watertight_spec::{Credential, Spec, TargetEnvironment, Variable};

use crate::forge::{Forge, object};
use crate::journal::{Entry, Item, Journal, SaidBy};
use crate::listener::Listener;
use crate::marker::{Hit, RunTag, Scanner};
use crate::pace::Pace;
use crate::redact::Redactor;
use crate::request::{Call, Caller, Forged, Intent, Mark, Request, TokenCall, Who};
use crate::signature::signed_by;
use crate::tape::scalar;
use crate::trace::{Event, Exchange, Failure, IssuedToken, Outcome, Owner, Received, SignatureState, Trace, What};
use crate::vault::{Rendered, Secrets, Text, forged_label, label, render};
use crate::wire::{Answered, Bounds, Outgoing, Wire};

/// Bytes of all bodies that a trace keeps; what comes after decides nothing.
const MAX_TRACE: usize = 256 * 1024 * 1024;
/// Requests that clean-up may send beyond the budget: a run that has spent it must still remove what it made.
const CLEANUP_RESERVE: u64 = 2_000;

/// A live run's connection to its target.
pub struct Session<'s> {
    spec: &'s Spec,
    tag: &'s RunTag,
    scanner: Scanner,
    wire: Wire,
    hosts: BTreeSet<(String, u16)>,
    start: Instant,
    pace: Pace,
    spent: u64,
    /// Bytes of bodies in the trace.
    kept: usize,
    redactor: Redactor,
    tokens: BTreeMap<Who, Token>,
    issued: BTreeMap<u64, (Who, Token)>,
    forge: Option<(Forge, Listener)>,
    keys: Option<Value>,
    journal: Journal,
    topic: String,
}

#[derive(Clone)]
struct Token {
    value: SecretString,
    placeholder: String,
    /// When to fetch another, well before it expires.
    renew: Option<Instant>,
}

/// Why a session could not begin.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The marker automaton would not build.
    #[error("the scanner for {tenants} tenants could not be built")]
    Scanner {
        /// How many.
        tenants: usize,
    },
}

impl<'s> Session<'s> {
    /// For one run. Nothing is sent yet.
    pub fn new(spec: &'s Spec, tag: &'s RunTag, journal: Journal) -> Result<Self, SessionError> {
        let tenants = spec.tenants.len();
        let mut redactor = Redactor::new(rand::random());
        for variable in spec.variables.values() {
            if let Variable::Secret(secret) = variable {
                redactor.learn(secret.expose_secret());
            }
        }
        Ok(Self {
            spec,
            tag,
            scanner: Scanner::new(tag, tenants).map_err(|_| SessionError::Scanner { tenants })?,
            wire: Wire::new(),
            hosts: spec.hosts(),
            start: Instant::now(),
            pace: Pace::new(spec.limits.rate),
            spent: 0,
            kept: 0,
            redactor,
            tokens: BTreeMap::new(),
            issued: BTreeMap::new(),
            forge: None,
            keys: None,
            journal,
            topic: String::new(),
        })
    }

    /// What stands for each secret of the spec, by variable: a bundle carries it, so that a replay renders alike.
    pub fn placeholders(&self) -> BTreeMap<String, String> {
        let secret = |variable: &Variable| match variable {
            Variable::Plain(text) => text.clone(),
            Variable::Secret(secret) => self.redactor.placeholder(secret.expose_secret()),
        };
        self.spec.variables.iter().map(|(name, variable)| (name.clone(), secret(variable))).collect()
    }

    /// What was created.
    pub fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.spent
    }

    /// Performs a call for `owner`; the trace gets it, and any token that had to be fetched first.
    pub async fn perform(&mut self, call: &Call, owner: Owner, trace: &mut Trace) {
        if let Some(who) = bearer(call) {
            self.ensure_token(who, trace).await;
        }
        self.topic = match owner {
            Owner::Check(index) => format!("check-{index}"),
            _ => "run".to_owned(),
        };
        if let Call::Api(request) = call
            && matches!(&request.caller, Caller::Forged(_))
        {
            self.ensure_forge().await;
        }
        self.exchange(call, owner, trace).await;
    }

    /// Fetches a principal's token unless it has one that will last.
    async fn ensure_token(&mut self, who: Who, trace: &mut Trace) {
        let fresh = self.tokens.get(&who).is_some_and(|t| t.renew.is_none_or(|at| Instant::now() < at));
        if fresh || !uses_tokens(self.spec, who) {
            return;
        }
        self.tokens.remove(&who);
        let seq = self.exchange(&Call::Token(TokenCall::plain(who)), Owner::Session, trace).await;
        if let Some((_, token)) = self.issued.get(&seq) {
            self.tokens.insert(who, token.clone());
        }
    }

    async fn ensure_forge(&mut self) {
        if self.forge.is_some() {
            return;
        }
        // Where either can't be had, rendering the forged token says so and the check is unproven.
        if let Ok(forge) = Forge::new(self.tag.unique("kid"))
            && let Ok(listener) = Listener::start(forge.key_set().to_string()).await
        {
            self.forge = Some((forge, listener));
        }
    }

    async fn exchange(&mut self, call: &Call, owner: Owner, trace: &mut Trace) -> u64 {
        let seq = trace.next_seq();
        let rendered = render(call, self.spec, &*self);
        self.pace.turn().await;
        let begun = Instant::now();
        let at = millis(begun.duration_since(self.start));
        let mut exchange = match &rendered {
            Ok(rendered) => Exchange {
                seq,
                at,
                took: 0,
                tenant: rendered.tenant,
                by: rendered.by.clone(),
                intent: rendered.intent,
                request: rendered.sent(),
                outcome: Outcome::Failed { kind: Failure::Refused, text: String::new() },
                hits: vec![],
                token: None,
                signature: None,
                callbacks: vec![],
            },
            Err(why) => unrendered(call, self.spec, seq, at, why),
        };
        if let Ok(rendered) = &rendered {
            match self.send(call, rendered, owner).await {
                Ok(incoming) => self.receive(call, incoming, &mut exchange),
                Err((kind, text)) => exchange.outcome = Outcome::Failed { kind, text: self.redactor.text(&text) },
            }
        }
        exchange.took = millis(begun.elapsed());
        if let Some((_, listener)) = &self.forge {
            let calls = listener.calls(&self.topic);
            exchange.callbacks = calls.iter().map(|call| self.redactor.text(call)).collect();
        }
        trace.push(Event { seq, owner, what: What::Exchange(Box::new(exchange)) });
        seq
    }

    async fn send(&mut self, call: &Call, rendered: &Rendered, owner: Owner) -> Result<Answered, (Failure, String)> {
        self.permit(call, rendered, owner).map_err(|why| (Failure::Refused, why))?;
        let creates = match call {
            Call::Api(Request { mark: Mark::Creates { collection, .. }, .. }) => Some(collection),
            _ => None,
        };
        if let Some(collection) = creates {
            let entry = Entry::Intends { collection: collection.clone() };
            self.journal.write(entry).map_err(|e| (Failure::Refused, format!("the journal can't be written: {e}")))?;
        }
        self.spent += 1;
        let headers: Vec<_> =
            rendered.headers.iter().map(|(name, value)| (name.clone(), value.real().to_owned())).collect();
        let out = Outgoing {
            origin: &rendered.origin,
            method: &rendered.method,
            target: &rendered.target,
            headers: &headers,
            body: rendered.body.as_ref().map(|body| body.real().as_bytes().to_vec()),
        };
        let bounds = Bounds { timeout: self.spec.limits.timeout, body: self.spec.limits.body };
        let answered = self.wire.exchange(out, bounds).await;
        if let (Some(collection), Err((Failure::Connect, _))) = (creates, &answered) {
            // Should this line not reach the disk, clean-up looks for what is not there.
            let _ = self.journal.write(Entry::Unsent { collection: collection.clone() });
        }
        answered
    }

    /// What a run may never send.
    fn permit(&self, call: &Call, rendered: &Rendered, owner: Owner) -> Result<(), String> {
        let host = rendered.origin.host_str().unwrap_or_default().to_owned();
        let port = rendered.origin.port_or_known_default().unwrap_or_default();
        if !self.hosts.contains(&(host.clone(), port)) {
            return Err(format!("{host}:{port} is not named by the spec, so nothing is sent there"));
        }
        let reserve = if owner == Owner::Cleanup { CLEANUP_RESERVE } else { 0 };
        if self.spent >= self.spec.limits.requests.saturating_add(reserve) {
            return Err(format!("the budget of {} requests is spent (limits.requests)", self.spec.limits.requests));
        }
        let reads = matches!(rendered.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        if matches!(call, Call::Api(_)) && !reads && self.spec.target.environment == TargetEnvironment::Production {
            return Err(format!("{} is not sent to production", rendered.method));
        }
        // Whatever an attacker sends is no evidence when it comes back: so no other tenant's secret half may be in it.
        let mut sent = format!("{} {}", rendered.target, rendered.body.as_ref().map_or("", |b| b.shown()));
        rendered.headers.iter().for_each(|(_, value)| sent.push_str(value.shown()));
        match self.scanner.scan("request", sent.as_bytes()).iter().find(|hit| Some(hit.owner) != rendered.tenant) {
            Some(hit) => Err(format!("the request would carry {}, another tenant's marker", hit.text)),
            None => Ok(()),
        }
    }

    fn receive(&mut self, call: &Call, incoming: Answered, exchange: &mut Exchange) {
        let mut hits: Vec<Hit> = self.scanner.scan("body", &incoming.body);
        for (name, value) in &incoming.headers {
            hits.extend(self.scanner.scan(&format!("header {name}"), value));
        }
        exchange.hits = hits;
        let body = String::from_utf8_lossy(&incoming.body).into_owned();
        let success = (200..300).contains(&incoming.status);
        match call {
            Call::Token(ask) => {
                self.learn_secrets(&serde_json::from_str(&body).unwrap_or_default());
                if success {
                    exchange.token = self.learn_token(ask.who, &body, exchange.seq);
                }
            }
            Call::Keys { token, .. } if success => {
                let keys: Option<Value> = serde_json::from_str(&body).ok();
                exchange.signature = Some(self.check_signature(*token, keys.as_ref()));
                self.keys = keys;
            }
            Call::Api(request) if success => self.note(request, &body),
            _ => {}
        }
        self.kept = self.kept.saturating_add(incoming.body.len());
        if self.kept > MAX_TRACE {
            let text = format!("the trace is full: all answers together go beyond {MAX_TRACE} bytes");
            exchange.outcome = Outcome::Failed { kind: Failure::TooLarge, text };
            return;
        }
        let headers = incoming.headers.iter().map(|(name, value)| self.header(name, &String::from_utf8_lossy(value)));
        let headers: Vec<_> = headers.collect();
        let body = self.redactor.text(&body);
        exchange.outcome =
            Outcome::Response(Received { status: incoming.status, headers, body, length: incoming.body.len() });
    }

    /// A response header as the trace shows it. A cookie's value is a secret wherever it is sent.
    fn header(&mut self, name: &str, value: &str) -> (String, String) {
        let shown = match value.split_once('=').filter(|_| name == "set-cookie") {
            Some((cookie, rest)) => {
                let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
                self.learn_received(value.trim());
                let placeholder = self.redactor.placeholder(value.trim());
                format!("{cookie}={placeholder}; {}", self.redactor.text(attributes.trim()))
            }
            None => self.redactor.text(value),
        };
        (name.to_owned(), shown)
    }

    /// Writes down what a request created or removed. What can't be found in the answer is found by the sweep.
    fn note(&mut self, request: &Request, body: &str) {
        let entry = match &request.mark {
            Mark::Nothing => return,
            Mark::Removes { item } => {
                let tenant = sender(&request.caller).and_then(|who| self.spec.tenants.get(who.tenant));
                let Some(tenant) = tenant else { return };
                Entry::Removed { tenant: tenant.id.to_string(), path: item.clone() }
            }
            Mark::Creates { resource, owner, collection } => {
                let (Some(resource), Some(owner)) = (self.spec.resources.get(*resource), self.spec.tenants.get(*owner))
                else {
                    return;
                };
                let json: Value = serde_json::from_str(body).unwrap_or_default();
                let Some(id) = resource.id.query(&json).first().and_then(scalar) else { return };
                let id = percent_encoding::utf8_percent_encode(&id, crate::plan::PATH_SEGMENT);
                Entry::Created(Item {
                    tenant: owner.id.to_string(),
                    resource: resource.name.clone(),
                    path: format!("{collection}/{id}"),
                    said_by: match request.intent {
                        Intent::Own => SaidBy::Owner,
                        Intent::Across => SaidBy::Attack,
                    },
                })
            }
        };
        // The request that made it was let through only because the journal could be written; if it can't be now,
        // the intent is on disk and the sweep finds the object by its tag.
        let _ = self.journal.write(entry);
    }

    /// Makes a secret known that the target handed out. A hostile one must not choose what is blotted out elsewhere: what
    /// is short, a tenant's id, or a marker of this run stays.
    fn learn_received(&mut self, value: &str) {
        let is_tenant = self.spec.tenants.iter().any(|tenant| tenant.id.as_str() == value);
        if value.len() >= 12 && !is_tenant && !RunTag::marks(self.tag.text(), value) {
            self.redactor.learn(value);
        }
    }

    /// Every member of a token endpoint's answer that is a secret by its name.
    fn learn_secrets(&mut self, json: &Value) {
        const NAMES: [&str; 7] = ["token", "secret", "key", "session", "password", "assertion", "code"];
        match json {
            Value::Object(members) => {
                for (name, value) in members {
                    let name = name.to_lowercase();
                    match value {
                        Value::String(text) if NAMES.iter().any(|part| name.contains(part)) => {
                            self.learn_received(text);
                        }
                        nested => self.learn_secrets(nested),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_secrets(item)),
            _ => {}
        }
    }

    fn learn_token(&mut self, who: Who, body: &str, seq: u64) -> Option<IssuedToken> {
        let json: Value = serde_json::from_str(body).ok()?;
        let (value, declared) = self.token_of(who, &json)?;
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let placeholder = self.redactor.placeholder(&value);
        let mut parts = value.split('.');
        let (header, claims) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            // The redactor knows a whole JWS by its form; what makes it a secret is its signature.
            (Some(header), Some(claims), Some(signature), None) if value.starts_with("eyJ") => {
                self.redactor.learn(signature);
                (object(header).ok().map(Value::Object), object(claims).ok().map(Value::Object))
            }
            _ => {
                self.redactor.learn(&value);
                (None, None)
            }
        };
        let time = |name: &str| claims.as_ref().and_then(|c| c.get(name)).and_then(Value::as_u64);
        let by_claims = time("exp").zip(time("iat")).map(|(exp, iat)| exp.saturating_sub(iat));
        let lifetime = json.get("expires_in").and_then(Value::as_u64).or(by_claims).or(declared.map(|d| d.as_secs()));
        let renew = lifetime.map(|seconds| {
            // A fifth of its life, at most half a minute, before it ends.
            let life = Duration::from_secs(seconds.min(86_400));
            Instant::now() + life - (life / 5).min(Duration::from_secs(30))
        });
        self.issued.insert(seq, (who, Token { value: value.into(), placeholder: placeholder.clone(), renew }));
        Some(IssuedToken {
            who: (who.tenant, who.principal),
            placeholder,
            header,
            claims,
            scope: text("scope"),
            lifetime,
        })
    }

    fn token_of(&self, who: Who, json: &Value) -> Option<(String, Option<Duration>)> {
        match &self.spec.tenants.get(who.tenant)?.principals.get(who.principal)?.credential {
            Credential::Login { token, lifetime, .. } => {
                Some((token.query(json).first()?.as_str()?.to_owned(), *lifetime))
            }
            _ => Some((json.get("access_token")?.as_str()?.to_owned(), None)),
        }
    }

    fn check_signature(&self, seq: u64, keys: Option<&Value>) -> SignatureState {
        let Some((_, token)) = self.issued.get(&seq) else {
            return SignatureState::Unknown(format!("exchange {seq} brought no token"));
        };
        let Some(set) = keys.and_then(|k| serde_json::from_value::<jsonwebtoken::jwk::JwkSet>(k.clone()).ok()) else {
            return SignatureState::Unknown("the answer is no key set (RFC 7517)".into());
        };
        signed_by(token.value.expose_secret(), &set)
    }
}

impl Secrets for Session<'_> {
    fn shown(&self, secret: &str) -> String {
        self.redactor.placeholder(secret)
    }
    fn current(&self, who: Who) -> Option<Text> {
        self.tokens.get(&who).map(Token::text)
    }
    fn issued(&self, seq: u64) -> Option<(Who, Text)> {
        self.issued.get(&seq).map(|(who, token)| (*who, token.text()))
    }
    fn forge(&self, genuine: &Text, what: &Forged) -> Result<Text, String> {
        let (forge, listener) = self.forge.as_ref().ok_or("no key or listener for forging could be had")?;
        let made = forge.make(genuine.real(), what, self.keys.as_ref(), &listener.url(&self.topic))?;
        Ok(Text::secret(made, forged_label(genuine.shown(), what)))
    }
}

impl Token {
    fn text(&self) -> Text {
        Text::secret(self.value.expose_secret(), self.placeholder.clone())
    }
}

/// Whose current token a call needs.
fn bearer(call: &Call) -> Option<Who> {
    match call {
        Call::Api(request) => sender(&request.caller),
        Call::Token(_) | Call::Discovery { .. } | Call::Keys { .. } => None,
    }
}

/// Whose credential, renewed when it must be, a caller stands for.
fn sender(caller: &Caller) -> Option<Who> {
    match caller {
        Caller::Own(who) => Some(*who),
        Caller::Forged(what) => Some(what.who),
        Caller::Anonymous | Caller::Issued(_) => None,
    }
}

pub(crate) fn uses_tokens(spec: &Spec, who: Who) -> bool {
    spec.tenants
        .get(who.tenant)
        .and_then(|t| t.principals.get(who.principal))
        .is_some_and(|p| matches!(p.credential, Credential::ClientCredentials { .. } | Credential::Login { .. }))
}

/// The record of a call that could not even be rendered, as when no token was to be had.
pub(crate) fn unrendered(call: &Call, spec: &Spec, seq: u64, at: u64, why: &str) -> Exchange {
    let (method, target, who) = match call {
        Call::Api(request) => (request.method.clone(), request.target.clone(), bearer(call)),
        Call::Token(ask) => ("POST".into(), String::new(), Some(ask.who)),
        Call::Discovery { issuer } => ("GET".into(), issuer.clone(), None),
        Call::Keys { url, .. } => ("GET".into(), url.clone(), None),
    };
    Exchange {
        seq,
        at,
        took: 0,
        tenant: who.map(|w| w.tenant),
        by: who.map_or_else(|| "anonymous".into(), |w| label(spec, w)),
        intent: crate::request::Intent::Own,
        request: crate::trace::Sent { method, origin: String::new(), target, headers: vec![], body: None },
        outcome: Outcome::Failed { kind: Failure::Refused, text: why.to_owned() },
        hits: vec![],
        token: None,
        signature: None,
        callbacks: vec![],
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
