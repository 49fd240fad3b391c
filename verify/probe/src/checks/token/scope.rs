//! What a token allows.

use std::collections::BTreeSet;

use serde_json::Value;
use watertight_model::{Severity, Surface};
use watertight_spec::{Credential, Spec};

use super::subject::{any, fresh, granted, observe, principal, refused, rules};
use crate::check::{About, Check};
use crate::judge::{Evidence, Verdict, why_undecided};
use crate::request::{Call, TokenCall, Who};
use crate::tape::{Halt, Tape};
use crate::trace::IssuedToken;

pub(super) static DRIFT: About = About {
    id: "token.scope-drift",
    surface: Surface::Token,
    severity: Severity::Medium,
    cwe: &["CWE-863"],
    title: "A token has the scope that was asked for, no more and no less",
    does: "Asks for a token with the scope of the spec, and compares it with the `scope` of the answer and the `scope` or \
           `scp` claim of the token, as sets.",
    judges: "isolated: all of them are the same set. advisory: something was added or left out. unproven: no token. not \
             applicable: no scope is asked for, or nothing says what was granted.",
    origin: "RFC 6749 3.3 and 5.1; the verification guide's section 1 (scope drift)",
    mend: "Register exactly the scopes that a client needs, and ask for exactly those.",
};

pub(super) static ESCALATION: About = About {
    id: "token.scope-escalation",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-269", "CWE-863"],
    title: "A client is not granted a scope that it is not registered for",
    does: "Asks for an ordinary token, then for one with `forbidden_scope` as well, then for an ordinary one again.",
    judges: "isolated: refused, or granted without it. advisory: the forbidden scope is in the answer or in the token. \
             unproven: an ordinary token could not be had before or after, the endpoint failed, or nothing says what was \
             granted.",
    origin: "RFC 6749 3.3; the verification guide's section 1 (scope minimization at the client)",
    mend: "Let the authorization server intersect what is asked for with what the client is registered for.",
};

pub(super) fn drift(spec: &Spec) -> Vec<Check> {
    observe(spec, &DRIFT, any, look_for_drift)
}

pub(super) fn escalation(spec: &Spec) -> Vec<Check> {
    observe(spec, &ESCALATION, any, try_escalation)
}

fn look_for_drift(t: &Tape<'_>, who: Who) -> Result<Verdict, Halt> {
    let asked = words(asked(t.spec, who)?.ok_or_else(|| Halt::NotApplicable("the spec asks for no scope".into()))?);
    let (exchange, token) = fresh(t, who)?;
    let told = told(token);
    if told.is_empty() {
        return Err(Halt::NotApplicable("neither the answer nor the token says what was granted".into()));
    }
    let lines: Vec<String> = told.iter().filter_map(|(place, granted)| differs(place, &asked, granted)).collect();
    match lines.is_empty() {
        true => Ok(Verdict::Isolated),
        false => Ok(Verdict::Advisory(Evidence::of(lines.join("; "), exchange))),
    }
}

fn try_escalation(t: &Tape<'_>, who: Who) -> Result<Verdict, Halt> {
    let Some(forbidden) = &rules(t)?.forbidden_scope else {
        return Err(Halt::NotApplicable("the spec declares no `forbidden_scope`".into()));
    };
    let ordinary = asked(t.spec, who)?.unwrap_or_default();
    let scope = format!("{ordinary} {forbidden}").trim().to_owned();
    fresh(t, who)?;
    let attack = t.call(Call::Token(TokenCall { scope: Some(scope), ..TokenCall::plain(who) }))?;
    if attack.succeeded() {
        let told = told(granted(attack)?.1);
        if told.is_empty() {
            return Err(Halt::Unproven(format!("granted, but nothing says with which scope: {}", attack.line())));
        }
        if let Some((place, _)) = told.iter().find(|(_, granted)| !granted.is_disjoint(&words(forbidden))) {
            let line = format!("the forbidden scope {forbidden:?} was asked for and stands in {place}");
            return Ok(Verdict::Advisory(Evidence::of(line, attack)));
        }
    } else if !refused(attack) {
        return Err(Halt::Unproven(why_undecided(attack)));
    }
    fresh(t, who)?;
    Ok(Verdict::Isolated)
}

/// The scope that the spec asks for. A described login has none of its own.
fn asked(spec: &Spec, who: Who) -> Result<Option<&str>, Halt> {
    match principal(spec, who).map(|p| &p.credential) {
        Some(Credential::ClientCredentials { scope, .. }) => Ok(scope.as_deref()),
        _ => Err(Halt::NotApplicable("a described login asks for no scope".into())),
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
