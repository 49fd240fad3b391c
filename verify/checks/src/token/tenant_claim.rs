//! Which tenant a token names.

use serde_json::Value;
use watertight_engine::Tape;
use watertight_model::{Severity, Surface};
use watertight_spec::{Spec, Who};

use super::subject::{Granted, names_own, observe, readable};
use crate::bracket::Attack;
use crate::check::{Check, Trial};
use crate::shared::tenant_name;
use crate::verdict::{Evidence, Shows, Stop};

pub(super) static CHECK: Check = Check {
    id: "token.tenant-claim",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-863"],
    title: "A token names the tenant of its principal, and no other",
    does: "Asks for a token and compares the claim that `tenant_claim` declares with the tenant's id; then asks for \
           another token.",
    judges: "isolated: the claim is a string and equals the id. advisory: it is missing, null, of another type, or names \
             another tenant (whether the API then opens that tenant is for the API checks). unproven: no token, before \
             or after, or one that can't be read.",
    origin: "isolation 10.1 (single active tenant token), isolation 13; guide 1",
    fix: "Let the authorization server write the tenant from the client's registration, never from the request; let the \
          API refuse a token without it.",
    requests: 2,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    observe(spec, &CHECK, names_own, |t, _| declared(t).map(drop), judge_token)
}

fn declared(t: &Tape) -> Result<&str, Stop> {
    let claim = readable(t)?.tenant_claim.as_deref();
    claim.ok_or_else(|| Stop::not_applicable("the spec declares no `tenant_claim`"))
}

async fn judge_token(t: &Tape, who: Who, granted: &Granted) -> Result<Attack, Stop> {
    let claim = declared(t)?;
    let own = tenant_name(&t.spec, who.tenant);
    let found = match granted.claims()?.get(claim) {
        Some(Value::String(named)) if named == own => return Ok(Attack::Withstood),
        Some(Value::String(named)) if t.spec.tenants.iter().any(|tenant| tenant.id.as_str() == named) => {
            format!("`{claim}` names another tenant, {named:?}, in a token of {own:?}")
        }
        Some(Value::String(named)) => format!("`{claim}` is {named:?} in a token of {own:?}"),
        None | Some(Value::Null) => format!("the token has no `{claim}`, so it names no tenant"),
        Some(other) => format!("`{claim}` is {other}, no string"),
    };
    Ok(Attack::Weak(Evidence::of(Shows::WeakCredential, found, &granted.exchange)))
}
