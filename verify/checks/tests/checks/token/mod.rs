//! Tokens: what is seen in them, and what the API takes for one.

mod accepted;
mod controls;
mod forged;
mod observed;

use watertight_testbed::{Bed, Concluded, Fixture, Switch};

/// The checks that look at a fresh token, in the order of the catalogue.
const OBSERVATIONS: [&str; 9] = [
    "token.issuer",
    "token.audience-wildcard",
    "token.audience-unlisted",
    "token.tenant-claim",
    "token.scope-drift",
    "token.scope-escalation",
    "token.lifetime",
    "token.signature",
    "token.whoami",
];

/// The checks that present forged tokens.
const FORGERIES: [&str; 8] = [
    "token.forged-none",
    "token.forged-hmac",
    "token.altered-claim",
    "token.empty-signature",
    "token.unknown-kid",
    "token.embedded-key",
    "token.key-url",
    "token.unknown-crit",
];

/// What all trials of token checks conclude.
async fn all(switches: &[Switch]) -> Vec<Concluded> {
    of(Fixture::tokens(), switches, |id| id.starts_with("token.")).await
}

/// What the trials of one check conclude.
async fn check(id: &str, switches: &[Switch]) -> Vec<Concluded> {
    of(Fixture::tokens(), switches, |known| known == id).await
}

async fn of(fixture: Fixture, switches: &[Switch], wanted: impl Fn(&str) -> bool) -> Vec<Concluded> {
    let concluded = Bed::with(fixture, switches).await.verify(|one| wanted(one.check)).await.concluded();
    assert!(!concluded.is_empty());
    concluded
}

/// Ids of the checks that find something, in the order of the catalogue.
fn caught(concluded: &[Concluded]) -> Vec<&'static str> {
    let finds = |id: &&str| concluded.iter().any(|one| one.check == *id && one.is_finding());
    watertight_checks::catalog::all().into_iter().map(|check| check.id).filter(finds).collect()
}

fn is_advisory(one: &Concluded) -> bool {
    one.is_finding() && !one.is_leak()
}

/// South has no principal that names north, so its trials of that check have nothing to try.
fn has_impostor(one: &Concluded) -> bool {
    one.check != "token.foreign-issuer" || one.attacker == 0
}
