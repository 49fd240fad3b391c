//! Tokens of a run: fetched when they are needed, renewed before they expire, kept for as long as someone may name them.
//!
//! A script may name the tokens that its own requests brought or used. Those, and each principal's newest, are kept; the
//! rest is dropped at once, however short-lived the tokens of a target are.

pub(crate) mod assertion;
pub(crate) mod command;
pub(crate) mod forge;
mod owners;
mod session;
pub(crate) mod signature;
pub(crate) mod totp;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use watertight_spec::{Credential, LoginStep, Spec, Who};

use crate::call::TokenCall;
use crate::log::{IssuedSession, IssuedToken, Source};
use crate::redact::Redactor;
use crate::render::{Held, Text};
use forge::object;
pub(crate) use owners::Owners;
pub(crate) use session::{Carried, Jar};
pub(crate) use totp::Codes;

/// The longest that a token is used without a new one.
const LONGEST_LIFE: u64 = 86_400;

/// The member of a token endpoint's answer, and what it is kept under.
pub(crate) const REFRESH_TOKEN: &str = "refresh_token";

/// Characters of a token. A longer one fits into no header that a server reads.
const LONGEST: usize = 64 * 1024;

/// A token, in memory alone.
pub(crate) struct Token {
    value: SecretString,
    /// What makes it a secret: of a signed token its signature, of any other all of it.
    secret: SecretString,
    placeholder: String,
    /// Of a session, what every request carries.
    carried: Carried,
    /// When to fetch another, well before it expires.
    renew: Option<Instant>,
}

/// The tokens of a run.
#[derive(Default)]
pub(crate) struct Tokens {
    /// Each principal's own, with the event that brought it.
    current: RefCell<HashMap<Who, u64>>,
    /// By the event that brought it.
    issued: RefCell<HashMap<u64, Issued>>,
    /// Which of them a source may name besides those that it brought itself.
    named: RefCell<HashMap<Source, BTreeSet<u64>>>,
    /// What the steps of a log-in that is under way have set and told.
    jars: RefCell<HashMap<Who, Jar>>,
    /// One fetch at a time for a principal; the others wait for it.
    fetching: RefCell<HashMap<Who, Rc<tokio::sync::Mutex<()>>>>,
}

/// A token, for whom it was issued, and to whom that was told.
struct Issued {
    source: Source,
    who: Who,
    token: Token,
    /// Sources that have used it and may name it.
    named_by: usize,
}

impl Tokens {
    /// A principal's own token, and the event that brought it.
    pub(crate) fn current(&self, who: Who) -> Option<(u64, Text)> {
        let seq = *self.current.borrow().get(&who)?;
        self.issued(seq).map(|(_, text)| (seq, text))
    }

    /// The token that an event brought.
    fn issued(&self, seq: u64) -> Option<(Who, Text)> {
        self.issued.borrow().get(&seq).map(|issued| (issued.who, issued.token.text()))
    }

    /// What an event brought.
    pub(crate) fn held(&self, seq: u64, spec: &Spec) -> Option<(Who, Held)> {
        let issued = self.issued.borrow();
        let Issued { who, token, .. } = issued.get(&seq)?;
        let held = match &spec[*who].credential {
            Credential::Session { .. } => Held::Session(token.carried.clone()),
            _ => Held::Token(token.text()),
        };
        Some((*who, held))
    }

    /// Whatever these principals have is not used again: an act may have ended it.
    pub(crate) fn renew(&self, whose: &[Who]) {
        let current = self.current.borrow();
        for seq in whose.iter().filter_map(|who| current.get(who)) {
            if let Some(issued) = self.issued.borrow_mut().get_mut(seq) {
                issued.token.renew = Some(Instant::now());
            }
        }
    }

    /// What a principal's session carries, and the event that brought it.
    pub(crate) fn session(&self, who: Who) -> Option<(u64, Carried)> {
        let seq = *self.current.borrow().get(&who)?;
        self.issued.borrow().get(&seq).map(|issued| (seq, issued.token.carried.clone()))
    }

    /// What the steps of a principal's log-in have set and told.
    pub(crate) fn jar(&self, who: Who) -> Jar {
        self.jars.borrow().get(&who).cloned().unwrap_or_default()
    }

    /// What a step of a log-in knows.
    pub(crate) fn jar_before(&self, ask: &TokenCall, steps: &[LoginStep]) -> Jar {
        self.jar(ask.who).before(ask, steps)
    }

    /// The same, after a further step.
    pub(crate) fn set_jar(&self, who: Who, jar: Jar) {
        self.jars.borrow_mut().insert(who, jar);
    }

    /// For whom the token behind a placeholder was issued, as long as it is kept.
    pub(crate) fn whose(&self, placeholder: &str) -> Option<Who> {
        let issued = self.issued.borrow();
        issued.values().find(|issued| issued.token.placeholder == placeholder).map(|issued| issued.who)
    }

    /// Whether a principal has a token that will last for a while.
    pub(crate) fn is_fresh(&self, who: Who) -> bool {
        let Some(seq) = self.current.borrow().get(&who).copied() else { return false };
        let issued = self.issued.borrow();
        issued.get(&seq).is_some_and(|issued| issued.token.renew.is_none_or(|at| Instant::now() < at))
    }

    /// Held while a principal's token is fetched.
    pub(crate) fn fetching(&self, who: Who) -> Rc<tokio::sync::Mutex<()>> {
        Rc::clone(self.fetching.borrow_mut().entry(who).or_default())
    }

    /// A source has used a token, and may name it until it is done.
    pub(crate) fn is_named_by(&self, source: Source, seq: u64) {
        if self.named.borrow_mut().entry(source).or_default().insert(seq)
            && let Some(issued) = self.issued.borrow_mut().get_mut(&seq)
        {
            issued.named_by = issued.named_by.saturating_add(1);
        }
    }

    /// A token that an event brought. The engine's own become the principal's current ones. Returns what is dropped for it.
    pub(crate) fn keep(&self, seq: u64, source: Source, who: Who, token: Token) -> Vec<Token> {
        self.issued.borrow_mut().insert(seq, Issued { source, who, token, named_by: 0 });
        match source {
            Source::Engine => {
                let replaced = self.current.borrow_mut().insert(who, seq);
                replaced.and_then(|seq| self.drop_unnamed(seq)).into_iter().collect()
            }
            _ => {
                self.is_named_by(source, seq);
                Vec::new()
            }
        }
    }

    /// The source is done: nobody will name its tokens any more. Returns those.
    pub(crate) fn forget(&self, source: Source) -> Vec<Token> {
        let named = self.named.borrow_mut().remove(&source).unwrap_or_default();
        let mut dropped = Vec::new();
        for seq in named {
            if let Some(issued) = self.issued.borrow_mut().get_mut(&seq) {
                issued.named_by = issued.named_by.saturating_sub(1);
            }
            dropped.extend(self.drop_unnamed(seq));
        }
        dropped
    }

    /// Drops a token that is no principal's current one and that nobody may name.
    fn drop_unnamed(&self, seq: u64) -> Option<Token> {
        let mut issued = self.issued.borrow_mut();
        let Issued { source, who, named_by, .. } = issued.get(&seq)?;
        let is_current = *source == Source::Engine && self.current.borrow().get(who) == Some(&seq);
        let is_needed = *named_by > 0 || is_current;
        if is_needed { None } else { issued.remove(&seq).map(|issued| issued.token) }
    }

    /// The token itself, to check its signature.
    pub(crate) fn value(&self, seq: u64) -> Option<SecretString> {
        self.issued.borrow().get(&seq).map(|issued| issued.token.value.clone())
    }
}

impl Token {
    fn text(&self) -> Text {
        Text::secret(self.value.expose_secret(), self.placeholder.clone())
    }
    /// What a redactor replaces for as long as the token is in use.
    pub(crate) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

/// How many requests bring what a principal proves itself with: none where the spec has it.
pub(crate) fn requests_before(spec: &Spec, who: Who) -> usize {
    match &spec[who].credential {
        Credential::Endpoint(_) | Credential::Login { .. } => 1,
        Credential::Session { steps, .. } => steps.len(),
        Credential::Basic { .. } | Credential::Keys { .. } | Credential::Cookies { .. } | Credential::Command(_) => 0,
    }
}

/// Whether a principal proves itself with what must be fetched first.
pub(crate) fn is_fetched(spec: &Spec, who: Who) -> bool {
    matches!(spec[who].credential, Credential::Command(_)) || requests_before(spec, who) > 0
}

/// What a session carries once its last step is done, as it is kept and as it is recorded; or what it lacks.
pub(crate) fn session_of(spec: &Spec, who: Who, jar: &Jar) -> Result<(Token, IssuedSession), String> {
    let Credential::Session { headers, form, lifetime, .. } = &spec[who].credential else {
        return Err("a session".to_owned());
    };
    let carried = jar.carried(headers, form)?;
    let shown = carried.shown(who);
    let renew = lifetime.map(|life| Instant::now() + life - (life / 5).min(Duration::from_secs(30)));
    let empty = SecretString::from("");
    let token = Token { value: empty.clone(), secret: empty, placeholder: String::new(), carried, renew };
    Ok((token, shown))
}

/// The token in an endpoint's answer, as it is kept and as it is recorded. The redactor knows it from then on.
pub(crate) fn token_in(spec: &Spec, who: Who, body: &str, redactor: &mut Redactor) -> Option<(Token, IssuedToken)> {
    let json: Value = serde_json::from_str(body).ok()?;
    let (value, declared) = value_in(spec, who, &json)?;
    let (token, recorded) = token_of(who, &value, json.get("expires_in").and_then(Value::as_u64), declared, redactor)?;
    let scope = json.get("scope").and_then(Value::as_str).map(str::to_owned);
    Some((token, IssuedToken { scope, ..recorded }))
}

/// A token, as it is kept and as it is recorded. How long it lives may have been told with it (`left`), or is what it says
/// itself, or what the spec says (`declared`).
pub(crate) fn token_of(
    who: Who,
    value: &str,
    left: Option<u64>,
    declared: Option<Duration>,
    redactor: &mut Redactor,
) -> Option<(Token, IssuedToken)> {
    if value.len() > LONGEST {
        return None;
    }
    let placeholder = redactor.placeholder(value);
    let mut parts = value.split('.');
    let (secret, header, claims) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        // The redactor knows a whole JWS by its form; what makes it a secret is its signature.
        (Some(header), Some(claims), Some(signature), None) if value.starts_with("eyJ") => {
            (signature, object(header).ok().map(Value::Object), object(claims).ok().map(Value::Object))
        }
        _ => (value, None, None),
    };
    redactor.learn(secret);
    let secret = SecretString::from(secret);
    let time = |name: &str| claims.as_ref().and_then(|c| c.get(name)).and_then(Value::as_u64);
    let by_claims = time("exp").zip(time("iat")).map(|(exp, iat)| exp.saturating_sub(iat));
    let lifetime = left.or(by_claims).or(declared.map(|d| d.as_secs()));
    let renew = lifetime.map(|seconds| {
        // A fifth of its life, at most half a minute, before it ends.
        let life = Duration::from_secs(seconds.min(LONGEST_LIFE));
        Instant::now() + life - (life / 5).min(Duration::from_secs(30))
    });
    let recorded = IssuedToken { who, placeholder: placeholder.clone(), header, claims, scope: None, lifetime };
    Some((Token { value: value.into(), secret, placeholder, carried: Carried::default(), renew }, recorded))
}

fn value_in(spec: &Spec, who: Who, json: &Value) -> Option<(String, Option<Duration>)> {
    match &spec[who].credential {
        Credential::Login { token, lifetime, .. } => Some((token.query(json).first()?.as_str()?.to_owned(), *lifetime)),
        _ => Some((json.get("access_token")?.as_str()?.to_owned(), None)),
    }
}

#[cfg(test)]
mod tests {
    use watertight_spec::{PrincipalIx, TenantIx};

    use super::*;

    fn who() -> Who {
        let (tenant, principal): (TenantIx, PrincipalIx) = serde_json::from_value(serde_json::json!([0, 0])).unwrap();
        Who { tenant, principal }
    }

    fn token(text: &str) -> Token {
        Token {
            value: text.into(),
            secret: text.into(),
            placeholder: String::new(),
            carried: Carried::default(),
            renew: None,
        }
    }

    /// A target whose tokens expire at once brings a new one with every request.
    #[test]
    fn of_the_tokens_that_were_replaced_those_are_kept_that_a_source_may_name() {
        let (tokens, who) = (Tokens::default(), who());
        let (one, other) = (Source::Trial(1), Source::Trial(2));
        tokens.keep(0, Source::Engine, who, token("used by two"));
        tokens.is_named_by(one, 0);
        tokens.is_named_by(other, 0);
        for seq in 1..1000 {
            tokens.keep(seq, Source::Engine, who, token("used by no one"));
        }
        assert_eq!(tokens.issued.borrow().len(), 2, "the first and the last");
        assert!(tokens.forget(one).is_empty());
        assert!(tokens.value(0).is_some(), "the other may still name it");
        let dropped: Vec<String> = tokens.forget(other).iter().map(|token| token.secret().to_owned()).collect();
        assert_eq!(dropped, ["used by two"]);
        assert!(tokens.current(who).is_some_and(|(seq, _)| seq == 999));
        tokens.keep(1000, one, who, token("brought by a trial"));
        assert_eq!(tokens.forget(one).len(), 1);
    }
}
