//! Who issued a token.

use watertight_model::{Severity, Surface};
use watertight_spec::Spec;

use super::subject::{any, fresh_claims, observe, readable};
use crate::check::{About, Check};
use crate::judge::{Evidence, Verdict};
use crate::request::Who;
use crate::tape::{Halt, Tape};

pub(super) static ABOUT: About = About {
    id: "token.issuer",
    surface: Surface::Token,
    severity: Severity::Medium,
    cwe: &["CWE-346"],
    title: "A token comes from a declared issuer",
    does: "Asks for a token and compares its `iss` claim, character for character, with the spec's `issuers`.",
    judges: "isolated: `iss` is declared. advisory: it is missing, no string, or another one. unproven: no token, or one \
             that can't be read.",
    origin: "RFC 8725 3.8, RFC 9068 2.2; seed 28.5 (issuer confusion)",
    mend: "Register the issuer for its tenants and declare it in `issuers`, or stop the authorization server from \
           issuing under that name. The API must compare `iss` exactly with the issuers registered for the tenant.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    observe(spec, &ABOUT, any, look)
}

fn look(t: &Tape<'_>, who: Who) -> Result<Verdict, Halt> {
    let tokens = readable(t)?;
    if tokens.issuers.is_empty() {
        return Err(Halt::NotApplicable("the spec declares no `issuers`".into()));
    }
    let (exchange, claims) = fresh_claims(t, who)?;
    let found = match claims.get("iss") {
        Some(serde_json::Value::String(issuer)) if tokens.issuers.contains(issuer) => return Ok(Verdict::Isolated),
        Some(other) => format!("`iss` is {other}, which is none of the declared issuers"),
        None => "the token has no `iss`".to_owned(),
    };
    Ok(Verdict::Advisory(Evidence::of(found, exchange)))
}
