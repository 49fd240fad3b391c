//! Whether a token is signed by a key that its issuer publishes.

use serde_json::Value;
use watertight_engine::call::Call;
use watertight_engine::log::SignatureState;
use watertight_engine::{Seen, Tape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Spec, Who};

use super::subject::{Granted, any, observe, readable};
use crate::bracket::Attack;
use crate::check::{Check, Trial};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(super) static CHECK: Check = Check {
    id: "token.signature",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-347"],
    title: "A token is signed by a key that its issuer publishes",
    does: "Asks for a token, fetches the metadata of its issuer (only if that is declared) and the key set named there, \
           and checks the signature against it; then asks for another token.",
    judges: "isolated: a published key verifies it. advisory: none does. unproven: no token, before or after, no metadata \
             or key set that can be read, or an algorithm that the verifier doesn't know. not applicable: the issuer \
             publishes nothing.",
    origin: "RFC 7515 5.2, RFC 8414 3, OpenID Connect Discovery 1.0 4; RFC 8725 3.1",
    fix: "Publish the signing key under its `kid` before it signs, and sign with nothing else.",
    requests: 4,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    observe(spec, &CHECK, any, |t, _| readable(t).map(drop), judge_token)
}

async fn judge_token(t: &Tape, _: Who, granted: &Granted) -> Result<Attack, Stop> {
    let keys = keys(t, granted).await?;
    let undecided = |why: &str| Attack::Undecided(Unproven::shown(Reason::UnclearAnswer, why, &keys));
    Ok(match &keys.signature {
        Some(SignatureState::Verified) => Attack::Withstood,
        Some(SignatureState::Failed(why)) => {
            let line = format!("no published key verifies the token: {why}");
            let evidence = Evidence::of(Shows::WeakCredential, line, &granted.exchange);
            Attack::Weak(evidence.with("the key set", &keys))
        }
        Some(SignatureState::Unknown(why)) => undecided(why),
        None => undecided("the signature was not checked"),
    })
}

/// The key set of a token's issuer. Only a declared issuer is asked: a token must not choose whom the verifier calls.
pub(super) async fn keys(t: &Tape, granted: &Granted) -> Result<Seen, Stop> {
    let issuer = granted.claims()?.get("iss").and_then(Value::as_str).unwrap_or_default();
    if !readable(t)?.issuers.iter().any(|declared| declared == issuer) {
        let why = "the token's issuer is not declared, so it is not asked for keys";
        return Err(Unproven::shown(Reason::Refused, why, &granted.exchange).into());
    }
    let metadata = t.call(Call::Discovery { issuer: issuer.to_owned() }).await;
    if metadata.status() == Some(404) {
        return Err(Stop::not_applicable(format!("the issuer publishes no metadata: {}", metadata.line())));
    }
    if !metadata.succeeded() {
        return Err(Unproven::undecided(&metadata).into());
    }
    let Some(url) = metadata.json().and_then(|json| json.get("jwks_uri")?.as_str()) else {
        return Err(Unproven::shown(Reason::UnclearAnswer, "the metadata names no `jwks_uri`", &metadata).into());
    };
    let keys = t.call(Call::Keys { url: url.to_owned(), token: granted.exchange.seq }).await;
    match keys.succeeded() {
        true => Ok(keys),
        false => Err(Unproven::undecided(&keys).into()),
    }
}
