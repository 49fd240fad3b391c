//! For which API a token is.

use serde_json::{Map, Value};
use watertight_engine::Tape;
use watertight_model::{Severity, Surface};
use watertight_spec::{AudienceRule, Spec, TenantIx, Tokens, Who};

use super::subject::{Granted, any, names_own, observe, readable};
use crate::bracket::Attack;
use crate::check::{Check, Trial};
use crate::shared::tenant_name;
use crate::verdict::{Evidence, Shows, Stop};

pub(super) static WILDCARD: Check = Check {
    id: "token.audience-wildcard",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-863"],
    title: "A token's audience is no wildcard, and not missing",
    does: "Asks for a token and looks at its `aud` claim; then asks for another token.",
    judges: "isolated: `aud` names at least one audience and holds no `*`. advisory: it is absent, empty, of another \
             type, or holds a `*`. unproven: no token, before or after, or one that can't be read.",
    origin: "RFC 8725 3.9, RFC 9068 2.2; guide 1 (audience binding)",
    fix: "Let the authorization server name the one API that a token is for; let the API refuse tokens without it.",
    requests: 2,
};

pub(super) static UNLISTED: Check = Check {
    id: "token.audience-unlisted",
    surface: Surface::Token,
    severity: Severity::Medium,
    cwe: &["CWE-863"],
    title: "A token's audience is among those declared",
    does: "Asks for a token and compares each of its audiences with the spec's `audiences`; with `audience = \
           \"per-tenant\"` it also asks that the tenant's own id is in one, and no other tenant's in any.",
    judges: "isolated: all audiences are declared and follow the rule. advisory: one is not, or does not. unproven: no \
             token, before or after, or one that can't be read. A token without audience is judged by token.audience-wildcard.",
    origin: "RFC 8725 3.9, RFC 8707 2; guide 1 (audience binding); isolation 12",
    fix: "Declare the audience, if it is meant; else narrow what the authorization server writes into `aud`.",
    requests: 2,
};

pub(super) fn wildcard(spec: &Spec) -> Vec<Trial> {
    observe(spec, &WILDCARD, any, |t, _| readable(t).map(drop), look_for_wildcard)
}

pub(super) fn unlisted(spec: &Spec) -> Vec<Trial> {
    observe(spec, &UNLISTED, any, |t, _| declared(t).map(drop), look_for_unlisted)
}

async fn look_for_wildcard(_: &Tape, _: Who, granted: &Granted) -> Result<Attack, Stop> {
    let found = match audiences(granted.claims()?) {
        Audiences::Absent => "the token has no `aud`, so it is for every API".to_owned(),
        Audiences::Malformed(value) => format!("`aud` is {value}, neither a string nor a list of strings"),
        Audiences::Named(names) if names.is_empty() || names.iter().any(|n| n.trim().is_empty()) => {
            "`aud` is empty, so the token is for every API".to_owned()
        }
        Audiences::Named(names) => match names.iter().find(|n| n.contains('*')) {
            Some(name) => format!("`aud` holds {name:?}, a wildcard"),
            None => return Ok(Attack::Withstood),
        },
    };
    Ok(Attack::Weak(Evidence::of(Shows::WeakCredential, found, &granted.exchange)))
}

fn declared(t: &Tape) -> Result<&Tokens, Stop> {
    let tokens = readable(t)?;
    match tokens.audiences.is_empty() && tokens.audience == AudienceRule::Shared {
        true => Err(Stop::not_applicable("the spec declares no `audiences`")),
        false => Ok(tokens),
    }
}

async fn look_for_unlisted(t: &Tape, who: Who, granted: &Granted) -> Result<Attack, Stop> {
    let tokens = declared(t)?;
    let names = match audiences(granted.claims()?) {
        Audiences::Named(names) if !names.is_empty() => names,
        _ => return Err(Stop::not_applicable("the token names no audience: see token.audience-wildcard")),
    };
    let unlisted = names.iter().find(|n| !tokens.audiences.is_empty() && !tokens.audiences.iter().any(|a| a == *n));
    let found = match unlisted {
        Some(name) => Some(format!("`aud` holds {name:?}, which is none of the declared audiences")),
        None if tokens.audience == AudienceRule::PerTenant && names_own(&t.spec[who]) => {
            against_tenant_rule(&t.spec, who.tenant, &names)
        }
        None => None,
    };
    Ok(found
        .map_or(Attack::Withstood, |line| Attack::Weak(Evidence::of(Shows::WeakCredential, line, &granted.exchange))))
}

/// What breaks the rule that each tenant has an audience of its own.
fn against_tenant_rule(spec: &Spec, tenant: TenantIx, names: &[&str]) -> Option<String> {
    let own = tenant_name(spec, tenant);
    if !names.iter().any(|name| holds(spec, name, tenant)) {
        return Some(format!(
            "no audience holds the tenant's id {own:?}, though each tenant is to have its own: {names:?}"
        ));
    }
    let others = spec.tenant_ixs().filter(|other| *other != tenant);
    let foreign = others.flat_map(|other| names.iter().map(move |name| (other, name)));
    foreign
        .filter(|(other, name)| holds(spec, name, *other))
        .map(|(other, name)| format!("audience {name:?} of a token of {own:?} holds {:?}", tenant_name(spec, other)))
        .next()
}

/// Whether a tenant's id is in a text, and not merely as a part of a longer tenant's id.
fn holds(spec: &Spec, text: &str, tenant: TenantIx) -> bool {
    let id = tenant_name(spec, tenant);
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
