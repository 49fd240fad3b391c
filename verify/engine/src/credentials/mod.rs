//! Tokens of a run: fetched when they are needed, renewed before they expire, kept for as long as someone may name them.

pub(crate) mod forge;
pub(crate) mod signature;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use watertight_spec::{Credential, Spec, Who};

use crate::log::{IssuedToken, Source};
use crate::redact::Redactor;
use crate::render::Text;
use forge::object;

/// The longest that a token is used without a new one.
const LONGEST_LIFE: u64 = 86_400;

/// A token, in memory alone.
#[derive(Clone)]
pub(crate) struct Token {
    value: SecretString,
    placeholder: String,
    /// When to fetch another, well before it expires.
    renew: Option<Instant>,
}

/// The tokens of a run.
#[derive(Default)]
pub(crate) struct Tokens {
    /// Each principal's own, with the event that brought it.
    current: RefCell<HashMap<Who, u64>>,
    /// By the event that brought it.
    issued: RefCell<HashMap<u64, (Source, Who, Token)>>,
    /// One fetch at a time for a principal; the others wait for it.
    fetching: RefCell<HashMap<Who, Rc<tokio::sync::Mutex<()>>>>,
}

impl Tokens {
    /// A principal's own token, and the event that brought it.
    pub(crate) fn current(&self, who: Who) -> Option<(u64, Text)> {
        let seq = *self.current.borrow().get(&who)?;
        self.issued(seq).map(|(_, text)| (seq, text))
    }

    /// The token that an event brought.
    pub(crate) fn issued(&self, seq: u64) -> Option<(Who, Text)> {
        self.issued.borrow().get(&seq).map(|(_, who, token)| (*who, token.text()))
    }

    /// Whether a principal has a token that will last for a while.
    pub(crate) fn is_fresh(&self, who: Who) -> bool {
        let Some(seq) = self.current.borrow().get(&who).copied() else { return false };
        let issued = self.issued.borrow();
        issued.get(&seq).is_some_and(|(.., token)| token.renew.is_none_or(|at| Instant::now() < at))
    }

    /// Held while a principal's token is fetched.
    pub(crate) fn fetching(&self, who: Who) -> Rc<tokio::sync::Mutex<()>> {
        Rc::clone(self.fetching.borrow_mut().entry(who).or_default())
    }

    /// A token that an event brought. The engine's own become the principal's current ones.
    pub(crate) fn keep(&self, seq: u64, source: Source, who: Who, token: Token) {
        self.issued.borrow_mut().insert(seq, (source, who, token));
        if source == Source::Engine {
            self.current.borrow_mut().insert(who, seq);
        }
    }

    /// The source is done: nobody will name its tokens any more.
    pub(crate) fn forget(&self, source: Source) {
        self.issued.borrow_mut().retain(|_, (of, ..)| *of != source);
    }

    /// Replaced tokens of the engine's own that no request names any more.
    pub(crate) fn forget_replaced(&self) {
        let current: HashSet<u64> = self.current.borrow().values().copied().collect();
        self.issued.borrow_mut().retain(|seq, (of, ..)| *of != Source::Engine || current.contains(seq));
    }
}

impl Token {
    fn text(&self) -> Text {
        Text::secret(self.value.expose_secret(), self.placeholder.clone())
    }
    pub(crate) fn value(&self) -> &str {
        self.value.expose_secret()
    }
}

impl Tokens {
    /// The token itself, to check its signature.
    pub(crate) fn value(&self, seq: u64) -> Option<SecretString> {
        self.issued.borrow().get(&seq).map(|(.., token)| token.value().into())
    }
}

/// Whether a principal proves itself with tokens.
pub(crate) fn uses_tokens(spec: &Spec, who: Who) -> bool {
    matches!(spec[who].credential, Credential::ClientCredentials { .. } | Credential::Login { .. })
}

/// The token in an endpoint's answer, as it is kept and as it is recorded. The redactor knows it from then on.
pub(crate) fn token_in(spec: &Spec, who: Who, body: &str, redactor: &mut Redactor) -> Option<(Token, IssuedToken)> {
    let json: Value = serde_json::from_str(body).ok()?;
    let (value, declared) = value_in(spec, who, &json)?;
    let placeholder = redactor.placeholder(&value);
    let mut parts = value.split('.');
    let (header, claims) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        // The redactor knows a whole JWS by its form; what makes it a secret is its signature.
        (Some(header), Some(claims), Some(signature), None) if value.starts_with("eyJ") => {
            redactor.learn_received(signature);
            (object(header).ok().map(Value::Object), object(claims).ok().map(Value::Object))
        }
        _ => {
            redactor.learn_received(&value);
            (None, None)
        }
    };
    let time = |name: &str| claims.as_ref().and_then(|c| c.get(name)).and_then(Value::as_u64);
    let by_claims = time("exp").zip(time("iat")).map(|(exp, iat)| exp.saturating_sub(iat));
    let lifetime = json.get("expires_in").and_then(Value::as_u64).or(by_claims).or(declared.map(|d| d.as_secs()));
    let renew = lifetime.map(|seconds| {
        // A fifth of its life, at most half a minute, before it ends.
        let life = Duration::from_secs(seconds.min(LONGEST_LIFE));
        Instant::now() + life - (life / 5).min(Duration::from_secs(30))
    });
    let scope = json.get("scope").and_then(Value::as_str).map(str::to_owned);
    let recorded = IssuedToken { who, placeholder: placeholder.clone(), header, claims, scope, lifetime };
    Some((Token { value: value.into(), placeholder, renew }, recorded))
}

fn value_in(spec: &Spec, who: Who, json: &Value) -> Option<(String, Option<Duration>)> {
    match &spec[who].credential {
        Credential::Login { token, lifetime, .. } => Some((token.query(json).first()?.as_str()?.to_owned(), *lifetime)),
        _ => Some((json.get("access_token")?.as_str()?.to_owned(), None)),
    }
}
