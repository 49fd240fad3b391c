//! Tokens: how they are issued, and what the API accepts as one.
//!
//! Two families. *Observations* look at a fresh token of one principal (`issuer`, `audience`, `tenant_claim`, `scope`,
//! `lifetime`, `signature`, `whoami`, `shared_secret`, `foreign_secret`). *Attacks* present a token that the API must
//! refuse, at an operation that shows a planted object (`forged`, `foreign_issuer`, `expired`, `foreign_audience`).
//! `subject` and `protected` hold what the two share.

use crate::{Kind, TriedBy};

mod audience;
mod expired;
mod foreign_audience;
mod foreign_issuer;
mod foreign_secret;
mod forged;
mod issuer;
mod lifetime;
mod protected;
mod scope;
mod shared_secret;
mod signature;
mod subject;
mod tenant_claim;
mod whoami;

pub(crate) use protected::ProtectedObject;
pub(crate) use subject::must_name;

/// Every kind of token check, in the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    let kind = |check, trials| Kind { check, trials, tried_by: TriedBy::Caller };
    vec![
        kind(&issuer::CHECK, issuer::trials),
        kind(&audience::WILDCARD, audience::wildcard),
        kind(&audience::UNLISTED, audience::unlisted),
        kind(&tenant_claim::CHECK, tenant_claim::trials),
        kind(&scope::DRIFT, scope::drift),
        kind(&scope::ESCALATION, scope::escalation),
        kind(&lifetime::CHECK, lifetime::trials),
        kind(&signature::CHECK, signature::trials),
        kind(&whoami::CHECK, whoami::trials),
        kind(&shared_secret::CHECK, shared_secret::trials),
        kind(&foreign_secret::CHECK, foreign_secret::trials),
        kind(&forged::NONE, forged::none),
        kind(&forged::HMAC, forged::hmac),
        kind(&forged::ALTERED_CLAIM, forged::altered_claim),
        kind(&forged::EMPTY_SIGNATURE, forged::empty_signature),
        kind(&forged::UNKNOWN_KID, forged::unknown_kid),
        kind(&forged::EMBEDDED_KEY, forged::embedded_key),
        kind(&forged::KEY_URL, forged::key_url),
        kind(&forged::UNKNOWN_CRITICAL, forged::unknown_critical),
        kind(&expired::CHECK, expired::trials),
        kind(&foreign_audience::CHECK, foreign_audience::trials),
        kind(&foreign_issuer::CHECK, foreign_issuer::trials),
    ]
}
