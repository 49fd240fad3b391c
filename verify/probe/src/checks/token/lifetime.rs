//! How long a token lives.

use std::time::Duration;

use serde_json::{Map, Value};
use watertight_model::{Severity, Surface};
use watertight_spec::{Spec, TokenKind};

use super::subject::{any, claims, fresh, observe, rules};
use crate::check::{About, Check};
use crate::judge::{Evidence, Verdict};
use crate::request::Who;
use crate::tape::{Halt, Tape};

pub(super) static ABOUT: About = About {
    id: "token.lifetime",
    surface: Surface::Token,
    severity: Severity::Medium,
    cwe: &["CWE-613"],
    title: "A token dies, and soon enough",
    does: "Asks for a token and looks at `exp`, `iat` and `nbf`, and at `expires_in` of the answer.",
    judges: "isolated: it dies within `max_lifetime`, by every one of these. advisory: it lives longer, or is a JWT \
             without a numeric `exp`. unproven: no token, or nothing says how long it lives. not applicable: an opaque \
             token about which the answer says nothing; no `max_lifetime` declared and the token does expire.",
    origin: "seed 28.4 (stale membership claim), seed 10.3; RFC 9068 2.2; CVE-2026-25537 (an `exp` of another type \
             treated as absent)",
    mend: "Issue short-lived tokens with a numeric `exp`; refuse tokens without one.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    observe(spec, &ABOUT, any, look)
}

fn look(t: &Tape<'_>, who: Who) -> Result<Verdict, Halt> {
    let tokens = rules(t)?;
    let (exchange, token) = fresh(t, who)?;
    let by_claims = match tokens.kind {
        TokenKind::Opaque => None,
        TokenKind::Jwt => match by_claims(claims(exchange, token)?) {
            Ok(seconds) => seconds,
            Err(found) => return Ok(Verdict::Advisory(Evidence::of(found, exchange))),
        },
    };
    let Some(seconds) = by_claims.max(token.lifetime) else {
        let why = format!("nothing says how long the token lives: {}", exchange.line());
        return Err(match tokens.kind {
            TokenKind::Opaque => Halt::NotApplicable(why),
            TokenKind::Jwt => Halt::Unproven(why),
        });
    };
    match tokens.max_lifetime {
        None => Err(Halt::NotApplicable(format!("the token lives {seconds} s; the spec declares no `max_lifetime`"))),
        Some(most) if Duration::from_secs(seconds) > most => {
            let line = format!("the token lives {seconds} s, longer than the {} s declared", most.as_secs());
            Ok(Verdict::Advisory(Evidence::of(line, exchange)))
        }
        Some(_) => Ok(Verdict::Isolated),
    }
}

/// Seconds from issue to death, if the claims tell when it was issued; or what is wrong with `exp`.
fn by_claims(claims: &Map<String, Value>) -> Result<Option<u64>, String> {
    let exp = match claims.get("exp") {
        None | Some(Value::Null) => return Err("the token has no `exp`: it never dies".into()),
        Some(value) => seconds(value).ok_or_else(|| format!("`exp` is {value}, no number of seconds"))?,
    };
    let from = claims.get("iat").or_else(|| claims.get("nbf")).and_then(seconds);
    Ok(from.map(|from| exp.saturating_sub(from)))
}

/// A NumericDate (RFC 7519 2), which may have a fraction, to the second. A negative one is no date.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| Some(Duration::try_from_secs_f64(value.as_f64()?).ok()?.as_secs()))
}
