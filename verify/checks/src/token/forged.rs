//! Forged tokens: each is made from the attacker's own, without the issuer's private key, and names the victim.

use std::rc::Rc;

use serde_json::{Map, Value};
use watertight_engine::call::{Caller, Forged, Forgery};
use watertight_engine::{CALLBACKS, Tape};
use watertight_model::{Severity, Surface};
use watertight_spec::{OperationIx, Spec, TenantIx, Who};

use super::protected::{Attempt, ProtectedObject, Tried, operations};
use super::signature::keys;
use super::subject::{fresh, ordinary, readable};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Subject, Target, Trial, reads};
use crate::shared::{again, tenant_name};
use crate::verdict::{Reason, Stop, Unproven};

const JUDGES: &str = "leak: the answer holds the victim's planted object. advisory: the token is accepted (2xx where an \
                      anonymous call is refused), but the answer shows nothing of the victim. isolated: 401, 403, 404, \
                      410 or 400 to every spelling, and the victim sees its object before and after. unproven: a \
                      control failed, or the answer decides nothing.";

pub(super) static NONE: Check = Check {
    id: "token.forged-none",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A token without signature is refused, however it says so",
    does: "Presents tokens whose `alg` is none, None, NONE or nOnE, with an empty signature, at an operation that shows \
           the victim's object: the attacker's claims with the victim's tenant, and the victim's claims.",
    judges: JUDGES,
    origin: "RFC 8725 2.1 and 3.1; CVE-2018-1000531, CVE-2022-23540",
    fix: "Take the algorithm from the issuer's registration, never from the token.",
    requests: 14,
};

pub(super) static HMAC: Check = Check {
    id: "token.forged-hmac",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A public key is not accepted as an HMAC secret",
    does: "Fetches the issuer's key set and presents HS256 tokens keyed with the PEM text of the public key, at an \
           operation that shows the victim's object: the attacker's claims with the victim's tenant, and the victim's \
           claims.",
    judges: "As for the other forged tokens: leak where the answer holds the victim's planted object; advisory where the \
             token is accepted without that; isolated where it is refused and the victim sees its object before and \
             after; unproven where a control failed or no key set can be had; not applicable where the issuer publishes \
             none.",
    origin: "RFC 8725 2.1 and 3.1; CVE-2015-9235, CVE-2016-10555",
    fix: "Bind each key to one algorithm; refuse a token whose `alg` is not that of its key.",
    requests: 14,
};

pub(super) static ALTERED_CLAIM: Check = Check {
    id: "token.altered-claim",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347", "CWE-345"],
    title: "A token whose tenant was changed is refused",
    does: "Changes the claims of the attacker's own token and keeps its signature: once the tenant claim alone, once \
           everything that says who the caller is (iss, sub, aud, client_id, azp) as in the victim's token.",
    judges: JUDGES,
    origin: "RFC 7515 5.2; isolation 13; Keycloak CVE-2026-1529",
    fix: "Verify the signature over the bytes received, before any claim is read.",
    requests: 9,
};

pub(super) static EMPTY_SIGNATURE: Check = Check {
    id: "token.empty-signature",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A token with an empty signature is refused",
    does: "Keeps the header, leaves the signature empty, and presents the attacker's claims with the victim's tenant, \
           and the victim's claims.",
    judges: JUDGES,
    origin: "RFC 8725 3.1 and 3.2; CVE-2020-28042 (an empty signature passed for a valid one)",
    fix: "Verify every token; an absent signature is a failed one.",
    requests: 8,
};

pub(super) static UNKNOWN_KID: Check = Check {
    id: "token.unknown-kid",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A token signed under a key id that no one has is refused",
    does: "Signs with a key of its own under a `kid` that the issuer doesn't publish: the attacker's claims with the \
           victim's tenant, and the victim's claims.",
    judges: JUDGES,
    origin: "RFC 8725 3.10; CVE-2026-89313 (an unknown `kid` returned the last key)",
    fix: "An unknown `kid` is not found: no default key, no trying of others, at most one refresh of the key set.",
    requests: 8,
};

pub(super) static EMBEDDED_KEY: Check = Check {
    id: "token.embedded-key",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-347"],
    title: "A key that is in the token is not trusted",
    does: "Signs with a key of its own and puts the public half into the header (`jwk`): the attacker's claims with the \
           victim's tenant, and the victim's claims.",
    judges: JUDGES,
    origin: "RFC 7515 4.1.3; RFC 8725 3.10; CVE-2018-0114",
    fix: "Take keys from the issuer's registered key set alone; ignore or refuse `jwk` in a header.",
    requests: 8,
};

pub(super) static KEY_URL: Check = Check {
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
    fix: "Ignore `jku` and `x5u`; fetch keys from the registered issuer's own address only.",
    requests: 10,
};

pub(super) static UNKNOWN_CRITICAL: Check = Check {
    id: "token.unknown-crit",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-347"],
    title: "A token with a critical extension that no one knows is refused",
    does: "Adds a `crit` header with an unknown name and keeps the signature: the attacker's claims with the victim's \
           tenant, and with everything that says who the caller is as in the victim's token.",
    judges: JUDGES,
    origin: "RFC 7515 4.1.11; RFC 8725 3.10",
    fix: "Refuse tokens whose `crit` names anything that the validator doesn't process.",
    requests: 9,
};

pub(super) fn none(spec: &Spec) -> Vec<Trial> {
    trials(spec, &NONE, || {
        ["none", "None", "NONE", "nOnE"]
            .map(|spelling| Recipe::Ready(Forgery::NoneAlgorithm { spelling: spelling.to_owned() }))
            .to_vec()
    })
}
pub(super) fn hmac(spec: &Spec) -> Vec<Trial> {
    trials(spec, &HMAC, || vec![Recipe::HmacWithPublicKey])
}
pub(super) fn altered_claim(spec: &Spec) -> Vec<Trial> {
    trials(spec, &ALTERED_CLAIM, || vec![Recipe::Ready(Forgery::AlteredClaim)])
}
pub(super) fn empty_signature(spec: &Spec) -> Vec<Trial> {
    trials(spec, &EMPTY_SIGNATURE, || vec![Recipe::Ready(Forgery::EmptySignature)])
}
pub(super) fn unknown_kid(spec: &Spec) -> Vec<Trial> {
    trials(spec, &UNKNOWN_KID, || vec![Recipe::Ready(Forgery::UnknownKid)])
}
pub(super) fn embedded_key(spec: &Spec) -> Vec<Trial> {
    trials(spec, &EMBEDDED_KEY, || vec![Recipe::Ready(Forgery::EmbeddedKey)])
}
pub(super) fn key_url(spec: &Spec) -> Vec<Trial> {
    trials(spec, &KEY_URL, || {
        ["jku", "x5u"].map(|parameter| Recipe::Ready(Forgery::KeyUrl { parameter: parameter.to_owned() })).to_vec()
    })
}
pub(super) fn unknown_critical(spec: &Spec) -> Vec<Trial> {
    trials(spec, &UNKNOWN_CRITICAL, || vec![Recipe::Ready(Forgery::UnknownCritical)])
}

/// A forgery, before anything is asked of the issuer.
#[derive(Clone)]
enum Recipe {
    /// It needs nothing of the issuer's.
    Ready(Forgery),
    /// It needs the issuer's key set.
    HmacWithPublicKey,
}

fn trials(spec: &Spec, check: &'static Check, recipes: fn() -> Vec<Recipe>) -> Vec<Trial> {
    let targets: Rc<[Target]> = Rc::from([Target::Credential]);
    let mut trials = Vec::new();
    for pair in spec.pairs() {
        let Some(client) = ordinary(spec, pair.attacker) else { continue };
        for operation in operations(spec) {
            let aim = Aim { client, victim: pair.victim, operation };
            trials.push(Trial {
                check,
                pair,
                subject: Subject::Operation(operation),
                targets: Rc::clone(&targets),
                phase: Phase::Main,
                script: reads(move |t| again(t, async move || present(t, aim, &recipes()).await)),
            });
        }
    }
    trials
}

#[derive(Clone, Copy)]
struct Aim {
    client: Who,
    victim: TenantIx,
    operation: OperationIx,
}

async fn present(t: &Tape, aim: Aim, recipes: &[Recipe]) -> Concluded {
    readable(t)?;
    let object = ProtectedObject::find(t, aim.operation, aim.victim).await?;
    let open = bracket::open(async || object.control(t).await).await?;
    let attack = present_all(t, aim, &object, recipes).await?;
    open.attack(attack).close().await
}

async fn present_all(t: &Tape, aim: Aim, object: &ProtectedObject, recipes: &[Recipe]) -> Result<Attack, Stop> {
    let mut tried = Tried::default();
    let names_listener = recipes.iter().any(|recipe| matches!(recipe, Recipe::Ready(Forgery::KeyUrl { .. })));
    let since = if names_listener { Some(t.cut(CALLBACKS).await) } else { None };
    for recipe in recipes {
        let variants = variants(t, aim, recipe).await?;
        if variants.is_empty() {
            return Err(Stop::not_applicable(
                "no claim names the tenant (`tenant_claim`), and the victim has no token",
            ));
        }
        for variant in variants {
            let forgery = forgery(t, recipe, variant.who).await?;
            let what = format!("{} with {}", made(&forgery), variant.says(aim));
            let caller = Caller::Forged(Forged { who: variant.who, forgery, claims: variant.claims });
            if let Some(evidence) = tried.present(t, object, Attempt { what, caller }).await {
                return Ok(Attack::Leaked(evidence));
            }
        }
    }
    if let Some(since) = since {
        tried.note_calls(t, since).await;
    }
    Ok(tried.attack(t, object).await)
}

/// Whose token is changed, and what is written into it.
struct Variant {
    who: Who,
    claims: Vec<(String, String)>,
}

impl Variant {
    /// For people.
    fn says(&self, aim: Aim) -> &'static str {
        match self.who == aim.client && self.claims.len() == 1 {
            true => "the victim's tenant in the attacker's claims",
            false => "the victim's claims",
        }
    }
}

/// The attacker's claims with the victim's tenant, and the victim's claims: a target may check that the client belongs
/// to the tenant, and what a token says is no secret.
async fn variants(t: &Tape, aim: Aim, recipe: &Recipe) -> Result<Vec<Variant>, Stop> {
    let Aim { client, victim, .. } = aim;
    let mut all = Vec::new();
    if let Some(claim) = &readable(t)?.tenant_claim {
        all.push(Variant { who: client, claims: vec![(claim.clone(), tenant_name(&t.spec, victim).to_owned())] });
    }
    let Some(own) = ordinary(&t.spec, victim) else { return Ok(all) };
    all.push(match recipe {
        // Made from the victim's token, these would be the victim's token.
        Recipe::Ready(Forgery::AlteredClaim | Forgery::UnknownCritical) => {
            Variant { who: client, claims: identity(t, fresh(t, own).await?.claims()?)? }
        }
        _ => Variant { who: own, claims: Vec::new() },
    });
    Ok(all)
}

/// Everything in a token that says who the caller is.
fn identity(t: &Tape, claims: &Map<String, Value>) -> Result<Vec<(String, String)>, Stop> {
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

/// With what it needs of the issuer of a principal's tokens.
async fn forgery(t: &Tape, recipe: &Recipe, who: Who) -> Result<Forgery, Stop> {
    match recipe {
        Recipe::Ready(forgery) => Ok(forgery.clone()),
        Recipe::HmacWithPublicKey => {
            let answered = keys(t, &fresh(t, who).await?).await?;
            let keys = answered
                .json()
                .cloned()
                .ok_or_else(|| Unproven::shown(Reason::UnclearAnswer, "the key set can't be read", &answered))?;
            Ok(Forgery::HmacWithPublicKey { keys })
        }
    }
}

/// A forgery, for people.
fn made(forgery: &Forgery) -> String {
    match forgery {
        Forgery::NoneAlgorithm { spelling } => format!("an unsigned token (alg {spelling})"),
        Forgery::HmacWithPublicKey { .. } => "a token keyed with the public key (HS256)".into(),
        Forgery::AlteredClaim => "a token with changed claims and its old signature,".into(),
        Forgery::UnknownKid => "a token signed by an unknown key".into(),
        Forgery::EmbeddedKey => "a token signed by a key of its own header".into(),
        Forgery::KeyUrl { parameter } => format!("a token signed by a key to be fetched from its `{parameter}`"),
        Forgery::EmptySignature => "a token with an empty signature".into(),
        Forgery::UnknownCritical => "a token with an unknown critical extension".into(),
    }
}
