//! How long a token lives.

use std::time::Duration;

use serde_json::{Map, Value};
use watertight_engine::Tape;
use watertight_model::{Severity, Surface};
use watertight_spec::{Spec, TokenKind, Who};

use super::subject::{Granted, any, observe, rules};
use crate::bracket::Attack;
use crate::check::{Check, Trial};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(super) static CHECK: Check = Check {
    id: "token.lifetime",
    surface: Surface::Token,
    severity: Severity::Medium,
    cwe: &["CWE-613"],
    title: "A token expires, and soon enough",
    does: "Asks for a token and looks at `exp`, `iat` and `nbf`, and at `expires_in` of the answer; then asks for another \
           token.",
    judges: "isolated: it expires within `max_lifetime`, by every one of these. advisory: it lives longer, or is a JWT \
             without a numeric `exp`. unproven: no token, before or after, or nothing says how long it lives. not \
             applicable: an opaque token about which the answer says nothing; no `max_lifetime` declared and the token \
             does expire.",
    origin: "isolation 28.4 (stale membership claim), isolation 10.3; RFC 9068 2.2; CVE-2026-25537 (an `exp` of another \
             type treated as absent)",
    fix: "Issue short-lived tokens with a numeric `exp`; refuse tokens without one.",
    requests: 2,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    observe(spec, &CHECK, any, |t, _| rules(t).map(drop), judge_token)
}

async fn judge_token(t: &Tape, _: Who, granted: &Granted) -> Result<Attack, Stop> {
    let tokens = rules(t)?;
    let weak = |line: String| Attack::Weak(Evidence::of(Shows::WeakCredential, line, &granted.exchange));
    let by_claims = match tokens.kind {
        TokenKind::Opaque => None,
        TokenKind::Jwt => match by_claims(granted.claims()?) {
            Ok(seconds) => seconds,
            Err(found) => return Ok(weak(found)),
        },
    };
    let Some(seconds) = by_claims.max(granted.token().lifetime) else {
        let why = "nothing says how long the token lives";
        return Err(match tokens.kind {
            TokenKind::Opaque => Stop::not_applicable(format!("{why}: {}", granted.exchange.line())),
            TokenKind::Jwt => Unproven::shown(Reason::UnclearAnswer, why, &granted.exchange).into(),
        });
    };
    match tokens.max_lifetime {
        None => Err(Stop::not_applicable(format!("the token lives {seconds} s; the spec declares no `max_lifetime`"))),
        Some(most) if Duration::from_secs(seconds) > most => {
            Ok(weak(format!("the token lives {seconds} s, longer than the {} s declared", most.as_secs())))
        }
        Some(_) => Ok(Attack::Withstood),
    }
}

/// Seconds from issue to death, if the claims tell when it was issued; or what is wrong with `exp`.
fn by_claims(claims: &Map<String, Value>) -> Result<Option<u64>, String> {
    let exp = match claims.get("exp") {
        None | Some(Value::Null) => return Err("the token has no `exp`: it never expires".into()),
        Some(value) => seconds(value).ok_or_else(|| format!("`exp` is {value}, no number of seconds"))?,
    };
    let from = claims.get("iat").or_else(|| claims.get("nbf")).and_then(seconds);
    Ok(from.map(|from| exp.saturating_sub(from)))
}

/// A NumericDate (RFC 7519 2), which may have a fraction, to the second. A negative one is no date.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| Some(Duration::try_from_secs_f64(value.as_f64()?).ok()?.as_secs()))
}
