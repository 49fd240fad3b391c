//! Who issued a token.

use serde_json::Value;
use watertight_engine::Tape;
use watertight_model::{Severity, Surface};
use watertight_spec::{Spec, Tokens, Who};

use super::subject::{Granted, any, observe, readable};
use crate::bracket::Attack;
use crate::check::{Check, Trial};
use crate::verdict::{Evidence, Shows, Stop};

pub(super) static CHECK: Check = Check {
    id: "token.issuer",
    surface: Surface::Token,
    severity: Severity::Medium,
    cwe: &["CWE-346"],
    title: "A token comes from a declared issuer",
    does: "Asks for a token and compares its `iss` claim, character for character, with the spec's `issuers`; then asks \
           for another token.",
    judges: "isolated: `iss` is declared. advisory: it is missing, no string, or another one. unproven: no token, before \
             or after, or one that can't be read.",
    origin: "RFC 8725 3.8, RFC 9068 2.2; isolation 28.5 (issuer confusion)",
    fix: "Register the issuer for its tenants and declare it in `issuers`, or stop the authorization server from \
          issuing under that name. The API must compare `iss` exactly with the issuers registered for the tenant.",
    requests: 2,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    observe(spec, &CHECK, any, |t, _| declared(t).map(drop), judge_token)
}

fn declared(t: &Tape) -> Result<&Tokens, Stop> {
    let tokens = readable(t)?;
    match tokens.issuers.is_empty() {
        true => Err(Stop::not_applicable("the spec declares no `issuers`")),
        false => Ok(tokens),
    }
}

async fn judge_token(t: &Tape, _: Who, granted: &Granted) -> Result<Attack, Stop> {
    let found = match granted.claims()?.get("iss") {
        Some(Value::String(issuer)) if declared(t)?.issuers.contains(issuer) => return Ok(Attack::Withstood),
        Some(other) => format!("`iss` is {other}, which is none of the declared issuers"),
        None => "the token has no `iss`".to_owned(),
    };
    Ok(Attack::Weak(Evidence::of(Shows::WeakCredential, found, &granted.exchange)))
}
