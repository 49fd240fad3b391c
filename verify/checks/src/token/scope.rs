//! What a token allows.

use std::collections::BTreeSet;

use serde_json::Value;
use watertight_engine::Tape;
use watertight_engine::call::{Call, TokenCall};
use watertight_engine::log::IssuedToken;
use watertight_model::{Severity, Surface};
use watertight_spec::{Credential, Spec, Who};

use super::subject::{Granted, any, each_bearer, fresh, granted, observe, refused, rules};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Trial, reads};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(super) static DRIFT: Check = Check {
    id: "token.scope-drift",
    surface: Surface::Token,
    severity: Severity::Medium,
    cwe: &["CWE-863"],
    title: "A token has the scope that was asked for, no more and no less",
    does: "Asks for a token with the scope of the spec, and compares it with the `scope` of the answer and the `scope` or \
           `scp` claim of the token, as sets; then asks for another token.",
    judges: "isolated: all of them are the same set. advisory: something was added or left out. unproven: no token, \
             before or after, or one that can't be read. not applicable: no scope is asked for, or nothing says what was \
             granted.",
    origin: "RFC 6749 3.3 and 5.1; guide 1 (scope drift)",
    fix: "Register exactly the scopes that a client needs, and ask for exactly those.",
    requests: 2,
};

pub(super) static ESCALATION: Check = Check {
    id: "token.scope-escalation",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-269", "CWE-863"],
    title: "A client is not granted a scope that it is not registered for",
    does: "Asks for an ordinary token, then for one with `forbidden_scope` as well, then for an ordinary one again.",
    judges: "isolated: refused, or granted without it. advisory: the forbidden scope is in the answer or in the token. \
             unproven: an ordinary token could not be had before or after, the endpoint failed, or nothing says what was \
             granted.",
    origin: "RFC 6749 3.3; guide 1 (scope minimization at the client)",
    fix: "Let the authorization server intersect what is asked for with what the client is registered for.",
    requests: 3,
};

pub(super) fn drift(spec: &Spec) -> Vec<Trial> {
    observe(spec, &DRIFT, any, |t, who| ordinary(t, who).map(drop), look_for_drift)
}

pub(super) fn escalation(spec: &Spec) -> Vec<Trial> {
    each_bearer(spec, &ESCALATION, any, |_, who| reads(move |t| Box::pin(try_escalation(t, who))))
}

async fn look_for_drift(t: &Tape, who: Who, granted: &Granted) -> Result<Attack, Stop> {
    let asked = words(ordinary(t, who)?);
    let told = told(granted.token());
    if told.is_empty() {
        return Err(Stop::not_applicable("neither the answer nor the token says what was granted"));
    }
    let lines: Vec<String> = told.iter().filter_map(|(place, granted)| differs(place, &asked, granted)).collect();
    Ok(match lines.is_empty() {
        true => Attack::Withstood,
        false => Attack::Weak(Evidence::of(Shows::WeakCredential, lines.join("; "), &granted.exchange)),
    })
}

/// The scope that the spec asks for, if it asks for one.
fn ordinary(t: &Tape, who: Who) -> Result<&str, Stop> {
    asked(&t.spec, who)?.ok_or_else(|| Stop::not_applicable("the spec asks for no scope"))
}

async fn try_escalation(t: &Tape, who: Who) -> Concluded {
    let Some(forbidden) = &rules(t)?.forbidden_scope else {
        return Err(Stop::not_applicable("the spec declares no `forbidden_scope`"));
    };
    let scope = format!("{} {forbidden}", asked(&t.spec, who)?.unwrap_or_default()).trim().to_owned();
    let open = bracket::open(async || fresh(t, who).await).await?;
    let answered = t.call(Call::Token(TokenCall { scope: Some(scope), ..TokenCall::plain(who) })).await;
    let attack = if answered.succeeded() {
        has_scope(&granted(answered)?, forbidden)
    } else if refused(&answered) {
        Attack::Withstood
    } else {
        Attack::Undecided(Unproven::undecided(&answered))
    };
    open.attack(attack).close().await
}

/// Whether a token has any of the words of a scope that it must not have.
fn has_scope(granted: &Granted, forbidden: &str) -> Attack {
    let told = told(granted.token());
    if told.is_empty() {
        let why = "granted, but nothing says with which scope";
        return Attack::Undecided(Unproven::shown(Reason::EffectUnseen, why, &granted.exchange));
    }
    match told.iter().find(|(_, words_told)| !words_told.is_disjoint(&words(forbidden))) {
        None => Attack::Withstood,
        Some((place, _)) => {
            let line = format!("the forbidden scope {forbidden:?} was asked for and is in {place}");
            Attack::Weak(Evidence::of(Shows::WeakCredential, line, &granted.exchange))
        }
    }
}

/// The scope that the spec asks for. A described login has none of its own.
fn asked(spec: &Spec, who: Who) -> Result<Option<&str>, Stop> {
    match &spec[who].credential {
        Credential::Endpoint(endpoint) => Ok(endpoint.scope.as_deref()),
        _ => Err(Stop::not_applicable("a described login asks for no scope")),
    }
}

/// What was granted, by each place that says so.
fn told(token: &IssuedToken) -> Vec<(&'static str, BTreeSet<String>)> {
    let claim = |name: &str| token.claims.as_ref()?.get(name).map(claimed);
    let places = [
        ("the answer's `scope`", token.scope.as_deref().map(words)),
        ("the token's `scope`", claim("scope")),
        ("the token's `scp`", claim("scp")),
    ];
    places.into_iter().filter_map(|(place, granted)| Some((place, granted?))).collect()
}

/// A scope claim: words in a string (RFC 8693 4.2) or a list.
fn claimed(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(text) => words(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => BTreeSet::from([other.to_string()]),
    }
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn differs(place: &str, asked: &BTreeSet<String>, granted: &BTreeSet<String>) -> Option<String> {
    let list = |set: Vec<&String>| set.into_iter().cloned().collect::<Vec<_>>().join(" ");
    let (more, less) = (list(granted.difference(asked).collect()), list(asked.difference(granted).collect()));
    match (more.is_empty(), less.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("{place} has {more:?} more than was asked for")),
        (true, false) => Some(format!("{place} lacks {less:?}, which was asked for")),
        (false, false) => Some(format!("{place} has {more:?} more than was asked for and lacks {less:?}")),
    }
}
