//! Which tenant a token names.

use serde_json::Value;
use watertight_model::{Severity, Surface};
use watertight_spec::Spec;

use super::subject::{fresh_claims, names_own, observe, readable, tenant_id};
use crate::check::{About, Check};
use crate::judge::{Evidence, Verdict};
use crate::request::Who;
use crate::tape::{Halt, Tape};

pub(super) static ABOUT: About = About {
    id: "token.tenant-claim",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-863"],
    title: "A token names the tenant of its principal, and no other",
    does: "Asks for a token and compares the claim that `tenant_claim` declares with the tenant's id.",
    judges: "isolated: the claim is a string and equals the id. advisory: it is missing, null, of another type, or names \
             another tenant (whether the API then opens that tenant is for the API checks). unproven: no token, or one \
             that can't be read.",
    origin: "seed 10.1 (single active tenant token), seed 13; the verification guide's section 1",
    mend: "Let the authorization server write the tenant from the client's registration, never from the request; let the \
           API refuse a token without it.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    observe(spec, &ABOUT, names_own, look)
}

fn look(t: &Tape<'_>, who: Who) -> Result<Verdict, Halt> {
    let Some(claim) = &readable(t)?.tenant_claim else {
        return Err(Halt::NotApplicable("the spec declares no `tenant_claim`".into()));
    };
    let own = tenant_id(t.spec, who.tenant);
    let (exchange, claims) = fresh_claims(t, who)?;
    let found = match claims.get(claim) {
        Some(Value::String(named)) if named == own => return Ok(Verdict::Isolated),
        Some(Value::String(named)) if t.spec.tenants.iter().any(|t| t.id.as_str() == named) => {
            format!("`{claim}` names another tenant, {named:?}, in a token of {own:?}")
        }
        Some(Value::String(named)) => format!("`{claim}` is {named:?} in a token of {own:?}"),
        None | Some(Value::Null) => format!("the token has no `{claim}`, so it names no tenant"),
        Some(other) => format!("`{claim}` is {other}, no string"),
    };
    Ok(Verdict::Advisory(Evidence::of(found, exchange)))
}
