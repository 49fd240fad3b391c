//! Whether a token is signed by a key that its issuer publishes.

use serde_json::{Map, Value};
use watertight_model::{Severity, Surface};
use watertight_spec::{Spec, Tokens};

use super::subject::{any, fresh_claims, observe, readable};
use crate::check::{About, Check};
use crate::judge::{Evidence, Verdict, why_undecided};
use crate::request::{Call, Who};
use crate::tape::{Halt, Tape};
use crate::trace::{Exchange, SignatureState};

pub(super) static ABOUT: About = About {
    id: "token.signature",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-347"],
    title: "A token is signed by a key that its issuer publishes",
    does: "Asks for a token, fetches the metadata of its issuer (only if that is declared) and the key set named there, \
           and checks the signature against it.",
    judges: "isolated: a published key verifies it. advisory: none does. unproven: no token, metadata or key set that \
             can be read, or an algorithm that the verifier doesn't know. not applicable: the issuer publishes nothing.",
    origin: "RFC 7515 5.2, RFC 8414 3, OpenID Connect Discovery 1.0 4; RFC 8725 3.1",
    mend: "Publish the signing key under its `kid` before it signs, and sign with nothing else.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    observe(spec, &ABOUT, any, look)
}

fn look(t: &Tape<'_>, who: Who) -> Result<Verdict, Halt> {
    let tokens = readable(t)?;
    let (token, claims) = fresh_claims(t, who)?;
    let keys = keys(t, tokens, token, claims)?;
    match &keys.signature {
        Some(SignatureState::Verified) => Ok(Verdict::Isolated),
        Some(SignatureState::Failed(why)) => {
            let line = format!("no published key verifies the token: {why}");
            Ok(Verdict::Advisory(Evidence::of(line, token).with("the key set", keys)))
        }
        Some(SignatureState::Unknown(why)) => Err(Halt::Unproven(format!("{why}: {}", keys.line()))),
        None => Err(Halt::Unproven(format!("the signature was not checked: {}", keys.line()))),
    }
}

/// The key set of a token's issuer. Only a declared issuer is asked: a token must not choose whom the verifier calls.
pub(super) fn keys<'t>(
    t: &Tape<'t>,
    tokens: &Tokens,
    token: &Exchange,
    claims: &Map<String, Value>,
) -> Result<&'t Exchange, Halt> {
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    if !tokens.issuers.iter().any(|declared| declared == issuer) {
        let line = token.line();
        return Err(Halt::Unproven(format!("the token's issuer is not declared, so it is not asked for keys: {line}")));
    }
    let metadata = t.call(Call::Discovery { issuer: issuer.to_owned() })?;
    if metadata.status() == Some(404) {
        return Err(Halt::NotApplicable(format!("the issuer publishes no metadata: {}", metadata.line())));
    }
    if !metadata.succeeded() {
        return Err(Halt::Unproven(why_undecided(metadata)));
    }
    let url = metadata.json().and_then(|json| json.get("jwks_uri")?.as_str().map(str::to_owned));
    let url = url.ok_or_else(|| Halt::Unproven(format!("the metadata names no `jwks_uri`: {}", metadata.line())))?;
    let keys = t.call(Call::Keys { url, token: token.seq })?;
    match keys.succeeded() {
        true => Ok(keys),
        false => Err(Halt::Unproven(why_undecided(keys))),
    }
}
