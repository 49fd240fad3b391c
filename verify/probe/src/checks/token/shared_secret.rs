//! One secret for two tenants.

use secrecy::ExposeSecret as _;
use watertight_model::{Severity, Surface};
use watertight_spec::{Credential, LoginValue, Principal, Spec};

use super::subject::{name, operation};
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::pairs;
use crate::judge::{Evidence, Verdict};
use crate::request::Who;

pub(super) static ABOUT: About = About {
    id: "token.shared-secret",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-653"],
    title: "No two tenants share a secret",
    does: "Sends nothing: compares the secrets of one tenant's principals with those of another's.",
    judges: "isolated: all differ. advisory: two are the same, so whoever has one tenant's secret has the other's.",
    origin: "the verification guide's section 1 (one client reused by several tenants); RFC 6819 5.2.3.4",
    mend: "Give each tenant a client of its own with a random secret, and rotate the shared one.",
};

/// One for each principal and each other tenant. Secrets are compared here, before any machine exists, so that none
/// holds one; a bundle knows them as placeholders, the same for the same secret, so that it is judged alike.
pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    let mut checks = Vec::new();
    for (attacker, victim) in pairs(spec) {
        for (who, principal) in principals(spec, attacker) {
            let shared = principals(spec, victim)
                .filter(|(_, other)| share(&principal.credential, &other.credential))
                .map(|(other, _)| format!("{} and {} have the same secret", name(spec, who), name(spec, other)))
                .next();
            checks.push(Check {
                about: &ABOUT,
                attacker,
                victim,
                operation: operation(spec, who),
                phase: Phase::Main,
                sends: Sends::Reads,
                machine: Box::new(move |_| Ok(verdict(shared.as_deref()))),
            });
        }
    }
    checks
}

/// All of a tenant's, whatever they prove themselves with.
fn principals(spec: &Spec, tenant: usize) -> impl Iterator<Item = (Who, &Principal)> {
    let all = spec.tenants.get(tenant).into_iter().flat_map(|t| t.principals.iter().enumerate());
    all.map(move |(principal, p)| (Who { tenant, principal }, p))
}

fn verdict(shared: Option<&str>) -> Verdict {
    match shared {
        None => Verdict::Isolated,
        Some(line) => Verdict::Advisory(Evidence { lines: vec![line.to_owned()], exchanges: Vec::new() }),
    }
}

fn share(one: &Credential, other: &Credential) -> bool {
    let others = secrets(other);
    secrets(one).iter().any(|secret| others.contains(secret))
}

fn secrets(credential: &Credential) -> Vec<&str> {
    match credential {
        Credential::ClientCredentials { client_secret, .. } => vec![client_secret.expose_secret()],
        Credential::Login { fields, .. } => fields
            .values()
            .filter_map(|value| match value {
                LoginValue::Secret(secret) => Some(secret.expose_secret()),
                LoginValue::Plain(_) => None,
            })
            .collect(),
        Credential::Basic { password, .. } => vec![password.expose_secret()],
        Credential::Header { value, .. } => vec![value.expose_secret()],
    }
}
