//! For which API a token is.

use serde_json::{Map, Value};
use watertight_model::{Severity, Surface};
use watertight_spec::{AudienceRule, Spec};

use super::subject::{any, fresh_claims, names_own, observe, principal, readable, tenant_id};
use crate::check::{About, Check};
use crate::judge::{Evidence, Verdict};
use crate::request::Who;
use crate::tape::{Halt, Tape};

pub(super) static WILDCARD: About = About {
    id: "token.audience-wildcard",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-863"],
    title: "A token's audience is no wildcard, and not missing",
    does: "Asks for a token and looks at its `aud` claim.",
    judges: "isolated: `aud` names at least one audience and holds no `*`. advisory: it is absent, empty, of another \
             type, or holds a `*`. unproven: no token, or one that can't be read.",
    origin: "RFC 8725 3.9, RFC 9068 2.2; the verification guide's section 1 (audience binding)",
    mend: "Let the authorization server name the one API that a token is for; let the API refuse tokens without it.",
};

pub(super) static UNLISTED: About = About {
    id: "token.audience-unlisted",
    surface: Surface::Token,
    severity: Severity::Medium,
    cwe: &["CWE-863"],
    title: "A token's audience is among those declared",
    does: "Asks for a token and compares each of its audiences with the spec's `audiences`; with `audience = \
           \"per-tenant\"` it also asks that the tenant's own id stands in one, and no other tenant's in any.",
    judges: "isolated: all audiences are declared and follow the rule. advisory: one is not, or does not. unproven: no \
             token, or one that can't be read. A token without audience is judged by token.audience-wildcard.",
    origin: "RFC 8725 3.9, RFC 8707 2; the verification guide's section 1 (audience binding); seed 12",
    mend: "Declare the audience, if it is meant; else narrow what the authorization server writes into `aud`.",
};

pub(super) fn wildcard(spec: &Spec) -> Vec<Check> {
    observe(spec, &WILDCARD, any, look_for_wildcard)
}

pub(super) fn unlisted(spec: &Spec) -> Vec<Check> {
    observe(spec, &UNLISTED, any, look_for_unlisted)
}

fn look_for_wildcard(t: &Tape<'_>, who: Who) -> Result<Verdict, Halt> {
    readable(t)?;
    let (exchange, claims) = fresh_claims(t, who)?;
    let found = match audiences(claims) {
        Audiences::Absent => "the token has no `aud`, so it is for every API".to_owned(),
        Audiences::Malformed(value) => format!("`aud` is {value}, neither a string nor a list of strings"),
        Audiences::Named(names) if names.is_empty() || names.iter().any(|n| n.trim().is_empty()) => {
            "`aud` is empty, so the token is for every API".to_owned()
        }
        Audiences::Named(names) => match names.iter().find(|n| n.contains('*')) {
            Some(name) => format!("`aud` holds {name:?}, a wildcard"),
            None => return Ok(Verdict::Isolated),
        },
    };
    Ok(Verdict::Advisory(Evidence::of(found, exchange)))
}

fn look_for_unlisted(t: &Tape<'_>, who: Who) -> Result<Verdict, Halt> {
    let tokens = readable(t)?;
    if tokens.audiences.is_empty() && tokens.audience == AudienceRule::Shared {
        return Err(Halt::NotApplicable("the spec declares no `audiences`".into()));
    }
    let (exchange, claims) = fresh_claims(t, who)?;
    let names = match audiences(claims) {
        Audiences::Named(names) if !names.is_empty() => names,
        _ => return Err(Halt::NotApplicable("the token names no audience: see token.audience-wildcard".into())),
    };
    let unlisted = names.iter().find(|n| !tokens.audiences.is_empty() && !tokens.audiences.iter().any(|a| a == *n));
    let found = match unlisted {
        Some(name) => Some(format!("`aud` holds {name:?}, which is none of the declared audiences")),
        None if tokens.audience == AudienceRule::PerTenant && principal(t.spec, who).is_some_and(names_own) => {
            against_tenant_rule(t.spec, who.tenant, &names)
        }
        None => None,
    };
    Ok(found.map_or(Verdict::Isolated, |line| Verdict::Advisory(Evidence::of(line, exchange))))
}

/// What breaks the rule that each tenant has an audience of its own.
fn against_tenant_rule(spec: &Spec, tenant: usize, names: &[&str]) -> Option<String> {
    let own = tenant_id(spec, tenant);
    if !names.iter().any(|name| holds(spec, name, tenant)) {
        return Some(format!(
            "no audience holds the tenant's id {own:?}, though each tenant is to have its own: {names:?}"
        ));
    }
    let others = (0..spec.tenants.len()).filter(|other| *other != tenant);
    let foreign = others.flat_map(|other| names.iter().map(move |name| (other, name)));
    foreign
        .filter(|(other, name)| holds(spec, name, *other))
        .map(|(other, name)| format!("audience {name:?} of a token of {own:?} holds {:?}", tenant_id(spec, other)))
        .next()
}

/// Whether a tenant's id stands in a text, and not merely as a part of a longer tenant's id.
fn holds(spec: &Spec, text: &str, tenant: usize) -> bool {
    let id = tenant_id(spec, tenant);
    let longer = spec.tenants.iter().map(|t| t.id.as_str()).filter(|other| *other != id && other.contains(id));
    let rest = longer.fold(text.to_owned(), |rest, other| rest.replace(other, "\u{0}"));
    rest.contains(id)
}

enum Audiences<'c> {
    Absent,
    Malformed(&'c Value),
    Named(Vec<&'c str>),
}

/// `aud`, a string or a list of strings (RFC 7519 4.1.3).
fn audiences(claims: &Map<String, Value>) -> Audiences<'_> {
    match claims.get("aud") {
        None | Some(Value::Null) => Audiences::Absent,
        Some(Value::String(one)) => Audiences::Named(vec![one]),
        Some(value @ Value::Array(many)) => match many.iter().map(Value::as_str).collect() {
            Some(names) => Audiences::Named(names),
            None => Audiences::Malformed(value),
        },
        Some(value) => Audiences::Malformed(value),
    }
}

/// The audiences of a token, none where there are none that can be read.
pub(super) fn named(claims: &Map<String, Value>) -> Vec<&str> {
    match audiences(claims) {
        Audiences::Named(names) => names,
        Audiences::Absent | Audiences::Malformed(_) => Vec::new(),
    }
}
