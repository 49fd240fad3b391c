//! Forged tokens: each is made from the attacker's own, without the issuer's private key, and names the victim.

use serde_json::{Map, Value};
use watertight_model::{Severity, Surface};
use watertight_spec::Spec;

use super::signature::keys;
use super::subject::{fresh_claims, ordinary, readable, tenant_id};
use super::target::{Attempt, Target, Tried, label, operations};
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::{pairs, persist};
use crate::judge::Verdict;
use crate::request::{Caller, Forged, Forgery, Who};
use crate::tape::{Halt, Tape};

const JUDGES: &str = "leak: the answer holds the victim's planted object. advisory: the token is accepted (2xx where an \
                      anonymous call is refused), but the answer shows nothing of the victim. isolated: 401, 403, 404, \
                      410 or 400 to every spelling, and the victim sees its object before and after. unproven: a \
                      control failed, or the answer decides nothing.";

pub(super) static NONE: About = About {
    id: "token.forged-none",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A token without signature is refused, however it says so",
    does: "Presents tokens whose `alg` is none, None, NONE or nOnE, with an empty signature, at an operation that shows \
           the victim's object: the attacker's claims with the victim's tenant, and the victim's claims.",
    judges: JUDGES,
    origin: "RFC 8725 2.1 and 3.1; CVE-2018-1000531, CVE-2022-23540",
    mend: "Take the algorithm from the issuer's registration, never from the token.",
};

pub(super) static HMAC: About = About {
    id: "token.forged-hmac",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A public key is not taken for an HMAC secret",
    does: "Fetches the issuer's key set and presents HS256 tokens keyed with the PEM text of the public key, at an \
           operation that shows the victim's object: the attacker's claims with the victim's tenant, and the victim's \
           claims.",
    judges: "As for the other forged tokens: leak where the answer holds the victim's planted object; advisory where the \
             token is accepted without that; isolated where it is refused and the victim sees its object before and \
             after; unproven where a control failed or no key set can be had; not applicable where the issuer publishes \
             none.",
    origin: "RFC 8725 2.1 and 3.1; CVE-2015-9235, CVE-2016-10555",
    mend: "Bind each key to one algorithm; refuse a token whose `alg` is not that of its key.",
};

pub(super) static ALTERED_CLAIM: About = About {
    id: "token.altered-claim",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347", "CWE-345"],
    title: "A token whose tenant was changed is refused",
    does: "Changes the claims of the attacker's own token and keeps its signature: once the tenant claim alone, once \
           everything that says who the caller is (iss, sub, aud, client_id, azp) as in the victim's token.",
    judges: JUDGES,
    origin: "RFC 7515 5.2; seed 13; Keycloak CVE-2026-1529",
    mend: "Verify the signature over the bytes received, before any claim is read.",
};

pub(super) static EMPTY_SIGNATURE: About = About {
    id: "token.empty-signature",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A token with an empty signature is refused",
    does: "Keeps the header, leaves the signature empty, and presents the attacker's claims with the victim's tenant, \
           and the victim's claims.",
    judges: JUDGES,
    origin: "RFC 8725 3.1 and 3.2; CVE-2020-28042 (an empty signature passed for a valid one)",
    mend: "Verify every token; an absent signature is a failed one.",
};

pub(super) static UNKNOWN_KID: About = About {
    id: "token.unknown-kid",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A token signed under a key id that no one has is refused",
    does: "Signs with a key of its own under a `kid` that the issuer doesn't publish: the attacker's claims with the \
           victim's tenant, and the victim's claims.",
    judges: JUDGES,
    origin: "RFC 8725 3.10; CVE-2026-89313 (an unknown `kid` returned the last key)",
    mend: "An unknown `kid` is not found: no default key, no trying of others, at most one refresh of the key set.",
};

pub(super) static EMBEDDED_KEY: About = About {
    id: "token.embedded-key",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A key that stands in the token is not trusted",
    does: "Signs with a key of its own and puts the public half into the header (`jwk`): the attacker's claims with the \
           victim's tenant, and the victim's claims.",
    judges: JUDGES,
    origin: "RFC 7515 4.1.3; RFC 8725 3.10; CVE-2018-0114",
    mend: "Take keys from the issuer's registered key set alone; ignore or refuse `jwk` in a header.",
};

pub(super) static KEY_URL: About = About {
    id: "token.key-url",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347", "CWE-918"],
    title: "A key is not fetched from where a token says",
    does: "Signs with a key of its own and names the verifier's own listener in the header, as `jku` and as `x5u`: the \
           attacker's claims with the victim's tenant, and the victim's claims. It waits for late calls until `settle` \
           has passed.",
    judges: "leak: the answer holds the victim's planted object. advisory: the target called the listener, or accepted \
             the token without showing anything of the victim. isolated: every token is refused, no call came, and the \
             victim sees its object before and after. unproven: a control failed, or an answer decides nothing. A target \
             that can't reach the verifier's loopback can't call it; then only the refusal is shown.",
    origin: "RFC 8725 3.10 (do not follow `jku` and `x5u` blindly); RFC 7515 4.1.2 and 4.1.5",
    mend: "Ignore `jku` and `x5u`; fetch keys from the registered issuer's own address only.",
};

pub(super) static UNKNOWN_CRITICAL: About = About {
    id: "token.unknown-crit",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-347"],
    title: "A token with a critical extension that no one knows is refused",
    does: "Adds a `crit` header with an unknown name and keeps the signature: the attacker's claims with the victim's \
           tenant, and with everything that says who the caller is as in the victim's token.",
    judges: JUDGES,
    origin: "RFC 7515 4.1.11; RFC 8725 3.10",
    mend: "Refuse tokens whose `crit` names anything that the validator doesn't process.",
};

pub(super) fn none(spec: &Spec) -> Vec<Check> {
    instances(spec, &NONE, || {
        ["none", "None", "NONE", "nOnE"].map(|spelling| Forgery::NoneAlgorithm { spelling }).to_vec()
    })
}
pub(super) fn hmac(spec: &Spec) -> Vec<Check> {
    instances(spec, &HMAC, || vec![Forgery::HmacWithPublicKey])
}
pub(super) fn altered_claim(spec: &Spec) -> Vec<Check> {
    instances(spec, &ALTERED_CLAIM, || vec![Forgery::AlteredClaim])
}
pub(super) fn empty_signature(spec: &Spec) -> Vec<Check> {
    instances(spec, &EMPTY_SIGNATURE, || vec![Forgery::EmptySignature])
}
pub(super) fn unknown_kid(spec: &Spec) -> Vec<Check> {
    instances(spec, &UNKNOWN_KID, || vec![Forgery::UnknownKid])
}
pub(super) fn embedded_key(spec: &Spec) -> Vec<Check> {
    instances(spec, &EMBEDDED_KEY, || vec![Forgery::EmbeddedKey])
}
pub(super) fn key_url(spec: &Spec) -> Vec<Check> {
    instances(spec, &KEY_URL, || ["jku", "x5u"].map(|parameter| Forgery::KeyUrl { parameter }).to_vec())
}
pub(super) fn unknown_critical(spec: &Spec) -> Vec<Check> {
    instances(spec, &UNKNOWN_CRITICAL, || vec![Forgery::UnknownCritical])
}

fn instances(spec: &Spec, about: &'static About, forgeries: fn() -> Vec<Forgery>) -> Vec<Check> {
    let mut checks = Vec::new();
    for (attacker, victim) in pairs(spec) {
        let Some(thief) = ordinary(spec, attacker) else { continue };
        for operation in operations(spec) {
            checks.push(Check {
                about,
                attacker,
                victim,
                operation: label(spec, operation),
                phase: Phase::Main,
                sends: Sends::Reads,
                machine: Box::new(move |t| persist(|| present(t, Aim { thief, victim, operation }, &forgeries()))),
            });
        }
    }
    checks
}

#[derive(Clone, Copy)]
struct Aim {
    thief: Who,
    victim: usize,
    operation: usize,
}

fn present(t: &Tape<'_>, aim: Aim, forgeries: &[Forgery]) -> Result<Verdict, Halt> {
    readable(t)?;
    let target = Target::open(t, aim.operation, aim.victim)?;
    let mut tried = Tried::default();
    for forgery in forgeries {
        for forged in variants(t, aim, forgery)? {
            if *forgery == Forgery::HmacWithPublicKey {
                // Right before it is needed: the session keeps one key set.
                let (token, claims) = fresh_claims(t, forged.who)?;
                keys(t, readable(t)?, token, claims)?;
            }
            let what = format!("{} with {}", made(forgery), claims_of(aim, &forged));
            tried.present(t, &target, Attempt { what, caller: Caller::Forged(forged) })?;
        }
    }
    if forgeries.iter().any(|f| matches!(f, Forgery::KeyUrl { .. })) {
        // A fetch may come after the answer.
        t.wait(t.spec.target.settle)?;
    }
    tried.conclude(t, &target)
}

/// The attacker's claims with the victim's tenant, and the victim's claims: a target may check that the client belongs
/// to the tenant, and what a token says is no secret.
fn variants(t: &Tape<'_>, aim: Aim, forgery: &Forgery) -> Result<Vec<Forged>, Halt> {
    let Aim { thief, victim, .. } = aim;
    let forge = |who, claims| Forged { who, forgery: forgery.clone(), claims };
    let mut all = Vec::new();
    if let Some(claim) = &readable(t)?.tenant_claim {
        all.push(forge(thief, vec![(claim.clone(), tenant_id(t.spec, victim).to_owned())]));
    }
    let Some(owner) = ordinary(t.spec, victim) else { return Ok(all) };
    match forgery {
        // Made from the victim's token, these would be the victim's token.
        Forgery::AlteredClaim | Forgery::UnknownCritical => {
            let (_, claims) = fresh_claims(t, owner)?;
            all.push(forge(thief, identity(t, claims)?));
        }
        _ => all.push(forge(owner, Vec::new())),
    }
    Ok(all)
}

/// Everything in a token that says who the caller is.
fn identity(t: &Tape<'_>, claims: &Map<String, Value>) -> Result<Vec<(String, String)>, Halt> {
    let tenant = readable(t)?.tenant_claim.as_deref();
    let names = ["iss", "sub", "aud", "client_id", "azp"].into_iter().chain(tenant);
    Ok(names
        .filter_map(|name| {
            let text = match claims.get(name)? {
                Value::String(text) => text,
                Value::Array(items) if items.len() == 1 => items.first()?.as_str()?,
                _ => return None,
            };
            Some((name.to_owned(), text.to_owned()))
        })
        .collect())
}

fn claims_of(aim: Aim, forged: &Forged) -> &'static str {
    match forged.who == aim.thief && forged.claims.len() == 1 {
        true => "the victim's tenant in the attacker's claims",
        false => "the victim's claims",
    }
}

/// A forgery, for people.
fn made(forgery: &Forgery) -> String {
    match forgery {
        Forgery::NoneAlgorithm { spelling } => format!("an unsigned token (alg {spelling})"),
        Forgery::HmacWithPublicKey => "a token keyed with the public key (HS256)".into(),
        Forgery::AlteredClaim => "the attacker's own token, altered under its signature,".into(),
        Forgery::UnknownKid => "a token signed by an unknown key".into(),
        Forgery::EmbeddedKey => "a token signed by a key of its own header".into(),
        Forgery::KeyUrl { parameter } => format!("a token signed by a key to be fetched from its `{parameter}`"),
        Forgery::EmptySignature => "a token with an empty signature".into(),
        Forgery::UnknownCritical => "a token with an unknown critical extension".into(),
    }
}
