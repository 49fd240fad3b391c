//! The recorder: what was received is unpacked and scanned, then redacted, then appended. In this order: a marker is found
//! even where it is a part of a secret, and no secret reaches the log.

use std::cell::RefCell;

use serde_json::Value;
use watertight_spec::{Credential, LoginStep, ResourceIx, Spec, TokenGrant, Who};

use crate::call::{Call, Mark, Request};
use crate::channel::arrivals::Arrival;
use crate::channel::http::Answered;
use crate::credentials::signature::signed_by;
use crate::credentials::{Owners, REFRESH_TOKEN, Token, Tokens, session_of, token_in};
use crate::log::{Body, Called, Exchange, Inbound, InboundKind, IssuedToken, Outcome, Received, SignatureState};
use crate::marker::{Encoding, Hit, RunTag, Scanner};
use crate::redact::{Redactor, is_placeholder, is_placeholder_in, is_random, is_secret_name, placeholders};
use crate::render::Text;
use crate::unpack::{Shortfall, Unpacked, unpack};

/// Names of members that are secrets in a token endpoint's answer, besides those that are anywhere.
const OF_TOKEN_ENDPOINTS: [&str; 4] = ["code", "key", "session", "assertion"];

/// Characters of a header's value from which on it is looked for elsewhere, if it has no word of its own.
const LEAST_OPAQUE: usize = 16;
/// Digits of an id. A longer one may be a secret.
const LONGEST_NUMBER: usize = 12;
/// Characters of a call's path that are recorded, once secrets are replaced in it.
const MAX_PATH: usize = 200;
/// Levels of a token's claims that are recorded.
const DEEPEST: usize = 24;

/// Looks at what was received, before it is recorded.
pub(crate) struct Recorder<'r> {
    pub(crate) spec: &'r Spec,
    pub(crate) tag: &'r RunTag,
    pub(crate) scanner: &'r Scanner,
    pub(crate) redactor: &'r RefCell<Redactor>,
    pub(crate) owners: &'r Owners,
    pub(crate) tokens: &'r Tokens,
}

/// What an answer told that no one but the engine may know.
#[derive(Default)]
pub(crate) struct Told {
    /// The token that it brought.
    pub(crate) token: Option<Token>,
}

/// What was received, once it has been looked through.
struct LookedThrough {
    /// Text of the body, unpacked.
    body: String,
    hits: Vec<Hit>,
    /// Why the body could not be looked through whole.
    shortfall: Option<Shortfall>,
}

impl Recorder<'_> {
    /// Fills the exchange with what was received.
    pub(crate) fn receive(&self, call: &Call, incoming: Answered, exchange: &mut Exchange) -> Told {
        let mut told = Told::default();
        let length = incoming.body.len();
        let LookedThrough { body, hits, shortfall } = self.look_through(&incoming.headers, incoming.body);
        exchange.hits = hits;
        let success = (200..300).contains(&incoming.status);
        match call {
            Call::Token(ask) if let Credential::Session { steps, .. } = &self.spec[ask.who].credential => {
                let mut jar = self.tokens.jar_before(ask, steps);
                if let Some(LoginStep { by, origin, take, .. }) = steps.get(ask.step) {
                    let host = origin.host_str().unwrap_or_default();
                    let hidden = &mut |value: &str| self.hidden(value);
                    match by {
                        None => jar.fill(take, (host, &incoming.headers, &body), hidden),
                        // The cookies of an answer to another principal are that one's.
                        Some(_) => jar.take(take, (&incoming.headers, &body), &mut |value| self.taken(value)),
                    }
                }
                let is_last = ask.step.saturating_add(1) == steps.len();
                if is_last
                    && (200..400).contains(&incoming.status)
                    && let Ok((token, recorded)) = session_of(self.spec, ask.who, &jar)
                {
                    told.token = Some(token);
                    exchange.session = Some(recorded);
                }
                exchange.jar = Some(jar.shown(ask.who));
                self.tokens.set_jar(ask.who, jar);
            }
            Call::Act(ask) => {
                let about = self.spec[ask.act].of.first().copied();
                if let (Some(who), Some(request)) = (about, ask.request(self.spec)) {
                    let mut jar = self.tokens.jar(who);
                    jar.take(&request.take, (&incoming.headers, &body), &mut |value| self.taken(value));
                    exchange.jar = Some(jar.shown(who));
                    self.tokens.set_jar(who, jar);
                }
            }
            Call::Token(ask) => {
                let json: Value = serde_json::from_str(&body).unwrap_or_default();
                self.learn_of_endpoint(&json);
                if success {
                    self.keep_refresh_token(ask.who, &json);
                    let found = token_in(self.spec, ask.who, &body, &mut self.redactor.borrow_mut());
                    if let Some((token, recorded)) = found {
                        told.token = Some(token);
                        exchange.token = Some(self.shown_token(recorded));
                    }
                }
            }
            Call::Api(Request { mark: Mark::Creates { resource, .. }, .. }) if success => {
                self.spare_ids(*resource, &body);
            }
            Call::Keys { token, .. } if success => exchange.signature = Some(self.check_signature(*token, &body)),
            _ => {}
        }
        let headers = incoming.headers.iter().map(|(name, value)| self.header(name, &String::from_utf8_lossy(value)));
        let headers: Vec<_> = headers.collect();
        let body = self.text(&body);
        let mut credentials = self.credentials("body", &body, exchange);
        for (name, value) in &headers {
            credentials.extend(self.credentials(&format!("header {name}"), value, exchange));
        }
        exchange.hits.extend(credentials);
        exchange.outcome = match shortfall {
            None => Outcome::Response(Received { status: incoming.status, headers, body: Body::new(body), length }),
            Some((kind, text)) => Outcome::Failed { kind, text },
        };
        told
    }

    /// What the spec says is the id of a new object is no secret where its member is called `key`: every request for that
    /// object has it.
    fn spare_ids(&self, resource: ResourceIx, body: &str) {
        let Ok(json) = serde_json::from_str::<Value>(body) else { return };
        let ids = self.spec[resource].id.query(&json);
        ids.into_iter().filter_map(Value::as_str).for_each(|id| self.redactor.borrow_mut().spare(id));
    }

    /// What is known of a token, without secrets.
    pub(crate) fn shown_token(&self, recorded: IssuedToken) -> IssuedToken {
        IssuedToken {
            header: recorded.header.map(|header| self.claims(&header, 0)),
            claims: recorded.claims.map(|claims| self.claims(&claims, 0)),
            scope: recorded.scope.map(|scope| self.text(&scope)),
            ..recorded
        }
    }

    /// Looks through as much of an answer as came. It is no response and is not kept: what is found in it counts.
    pub(crate) fn receive_part(&self, came: Answered, exchange: &mut Exchange) {
        let LookedThrough { body, hits, .. } = self.look_through(&came.headers, came.body);
        exchange.hits = hits;
        let credentials = self.credentials("body", &self.text(&body), exchange);
        exchange.hits.extend(credentials);
    }

    /// What arrived by itself.
    pub(crate) fn arrival(&self, at: u64, arrival: &Arrival) -> Inbound {
        let Arrival { kind, headers, body } = arrival;
        let LookedThrough { body, mut hits, shortfall } = self.look_through(headers, body.clone());
        let rest = shortfall.map(|(_, why)| format!("\n[not looked through whole: {why}]")).unwrap_or_default();
        let mut called = |called: &Called| {
            hits.extend(self.scanner.scan("path", called.path.as_bytes()));
            // Cut when it is redacted: half a secret is none that could be recognised.
            let path = self.text(&called.path).chars().take(MAX_PATH).collect();
            Called { method: self.text(&called.method), path }
        };
        let kind = match kind {
            InboundKind::Callback(call) => InboundKind::Callback(called(call)),
            InboundKind::Delivery(call) => InboundKind::Delivery(called(call)),
            InboundKind::Closed(why) => {
                hits.extend(self.scanner.scan("reason", why.as_bytes()));
                InboundKind::Closed(self.text(why))
            }
            InboundKind::Opened => InboundKind::Opened,
            InboundKind::Frame => InboundKind::Frame,
            InboundKind::Lost(count) => InboundKind::Lost(*count),
        };
        let headers = headers.iter().map(|(name, value)| self.header(name, &String::from_utf8_lossy(value))).collect();
        Inbound { at, kind, headers, body: Body::new(self.text(&body) + &rest), hits }
    }

    /// Every marker in what was received, and its body as a text. A body that is packed is looked through as it came and
    /// unpacked; only the latter is kept.
    fn look_through(&self, headers: &[(String, Vec<u8>)], body: Vec<u8>) -> LookedThrough {
        let mut hits = self.hits(headers, &body);
        let (bytes, shortfall) = match unpack(&body, self.spec.limits.body) {
            None => (body, None),
            Some(Unpacked { bytes, shortfall }) => {
                hits.extend(self.scanner.scan("body, unpacked", &bytes));
                (bytes, shortfall)
            }
        };
        let body =
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        LookedThrough { body, hits, shortfall }
    }

    fn hits(&self, headers: &[(String, Vec<u8>)], body: &[u8]) -> Vec<Hit> {
        let mut hits = self.scanner.scan("body", body);
        for (name, value) in headers {
            let found = self.scanner.scan("", value);
            hits.extend(found.into_iter().map(|hit| Hit { place: format!("header {name}"), ..hit }));
        }
        hits
    }

    /// Credentials of other tenants that an answer shows, and that were not sent with its request.
    fn credentials(&self, place: &str, shown: &str, exchange: &Exchange) -> Vec<Hit> {
        let of_others = placeholders(shown).filter_map(|(at, placeholder)| {
            let who = self.owners.who(placeholder).or_else(|| self.tokens.whose(placeholder))?;
            let is_others = exchange.tenant() != Some(who.tenant) && !exchange.request.mentions(placeholder);
            is_others.then(|| {
                let text = format!("a credential ({})", self.spec[who].name);
                Hit { owner: who.tenant, place: place.to_owned(), encoding: Encoding::Plain, at, text }
            })
        });
        of_others.collect()
    }

    fn text(&self, text: &str) -> String {
        self.redactor.borrow_mut().text(text, |value| self.is_public(value))
    }

    /// What stays whatever its member is called: a hostile target must not choose what is hidden elsewhere.
    fn is_public(&self, value: &str) -> bool {
        self.spec.tenants.iter().any(|tenant| tenant.id.as_str() == value || tenant.name == value)
            || RunTag::marks(self.tag.text(), value)
    }

    /// A response header as the log shows it. A cookie's value is a secret wherever it is sent.
    fn header(&self, name: &str, value: &str) -> (String, String) {
        // Whole first: a known secret may go over what separates a cookie's parts.
        let cookie = (name == "set-cookie").then(|| self.text(value));
        let shown = match cookie.as_deref().and_then(|cookie| cookie.split_once('=')) {
            Some((cookie, rest)) => {
                let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
                let value = match value.trim() {
                    known if is_placeholder(known) => known.to_owned(),
                    // A part of it was recognised: the rest is no less secret.
                    mixed if is_placeholder_in(mixed) => self.redactor.borrow().placeholder(mixed),
                    value => self.hidden(value),
                };
                format!("{cookie}={value}; {}", attributes.trim())
            }
            None if is_secret_name(name) && !value.is_empty() && !self.is_public(value) => self.hidden(value),
            None => self.text(value),
        };
        (self.text(name), shown)
    }

    /// What is in the place of a header's value. It is looked for elsewhere only if it is no word of something else: a
    /// target must not choose that `true` is hidden everywhere.
    fn hidden(&self, value: &str) -> String {
        let is_opaque = |c: char| c.is_ascii_alphanumeric() || "-_.~+=".contains(c);
        let is_telling = is_random(value) || (value.len() >= LEAST_OPAQUE && value.chars().all(is_opaque));
        match is_telling && !self.is_public(value) {
            true => self.redactor.borrow_mut().learn_received(value),
            false => self.redactor.borrow().placeholder(value),
        }
    }

    /// What is in the place of what a log-in has taken. A number that an answer shows is an id, and no secret.
    fn taken(&self, value: &str) -> String {
        let is_number = value.len() <= LONGEST_NUMBER && value.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { value.to_owned() } else { self.hidden(value) }
    }

    /// What a token says, without secrets, and no deeper than what can be read again.
    fn claims(&self, json: &Value, depth: usize) -> Value {
        match json {
            _ if depth > DEEPEST => Value::Null,
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.claims(item, depth + 1)).collect(),
            Value::Object(members) => {
                let shown = |(name, value): (&String, &Value)| {
                    let value = match value {
                        Value::String(text) if is_secret_name(name) && !self.is_public(text) => {
                            self.hidden(text).into()
                        }
                        value => self.claims(value, depth + 1),
                    };
                    (self.text(name), value)
                };
                Value::Object(members.iter().map(shown).collect())
            }
            other => other.clone(),
        }
    }

    /// Every member of a token endpoint's answer that is a secret by its name.
    fn learn_of_endpoint(&self, json: &Value) {
        match json {
            Value::Object(members) => {
                for (name, value) in members {
                    let plain = name.to_lowercase();
                    let is_secret = is_secret_name(name) || OF_TOKEN_ENDPOINTS.iter().any(|part| plain.contains(part));
                    match value {
                        Value::String(text) if is_secret && text.len() >= 12 && !self.is_public(text) => {
                            self.redactor.borrow_mut().learn_received(text);
                        }
                        nested => self.learn_of_endpoint(nested),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_of_endpoint(item)),
            _ => {}
        }
    }

    /// A refresh token that replaces the one that was used (RFC 6749 6).
    fn keep_refresh_token(&self, who: Who, json: &Value) {
        let is_refreshed = match &self.spec[who].credential {
            Credential::Endpoint(endpoint) => matches!(endpoint.grant, TokenGrant::RefreshToken(_)),
            _ => false,
        };
        if let Some(newer) = json.get(REFRESH_TOKEN).and_then(Value::as_str).filter(|_| is_refreshed) {
            let mut jar = self.tokens.jar(who);
            jar.keep(REFRESH_TOKEN, Text::secret(newer, self.hidden(newer)));
            self.tokens.set_jar(who, jar);
        }
    }

    fn check_signature(&self, seq: u64, body: &str) -> SignatureState {
        use secrecy::ExposeSecret as _;
        let Some(token) = self.tokens.value(seq) else {
            return SignatureState::Unknown(format!("event {seq} brought no token"));
        };
        match serde_json::from_str::<jsonwebtoken::jwk::JwkSet>(body) {
            Ok(set) => signed_by(token.expose_secret(), &set),
            Err(_) => SignatureState::Unknown("the answer is no key set (RFC 7517)".into()),
        }
    }
}
