//! One secret for two tenants.

use std::rc::Rc;

use secrecy::ExposeSecret as _;
use watertight_engine::call::{Caller, Request};
use watertight_engine::{Seen, Tape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Membership, Operation, Principal, Role, Spec, TenantIx, Who};

use super::protected::{is_root, only_reads};
use super::subject::{fresh, gets_tokens, names_own};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Subject, Target, Trial, reads};
use crate::shared::{Place, Words, operation_of, request, succeed};
use crate::verdict::{Evidence, Shows, Stop, Verdict};

pub(super) static CHECK: Check = Check {
    id: "token.shared-secret",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-653"],
    title: "No two tenants share a secret",
    does: "Compares the secrets of one tenant's principals with those of another's. What it sends is the control alone, \
           before and after: a token for the principal's own secret, or, where it uses no tokens, a reading of its own.",
    judges: "isolated: all differ, and the principal's own works. advisory: two are the same, so whoever has one tenant's \
             secret has the other's. unproven: the control failed. not applicable: all differ, and there is no \
             request that could test the principal's secret.",
    origin: "guide 1 (one client reused by several tenants); RFC 6819 5.2.3.4",
    fix: "Give each tenant a client of its own with a random secret, and rotate the shared one.",
    requests: 2,
};

/// One for each principal and each other tenant. Secrets are compared here, before any script runs, so that none holds
/// one; a bundle knows them as placeholders, the same for the same secret, so that it is judged the same.
pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    let targets: Rc<[Target]> = Rc::from([Target::Credential]);
    let mut trials = Vec::new();
    for pair in spec.pairs() {
        for (who, _) in members(spec, pair.attacker) {
            let compared = compare(spec, who, pair.victim);
            let (subject, phase) = (Subject::Token(who), Phase::Main);
            let script = reads(move |t| Box::pin(judge(t, who, compared.clone())));
            trials.push(Trial { check: &CHECK, pair, subject, targets: Rc::clone(&targets), phase, script });
        }
    }
    trials
}

/// Those of the tenant alone: a person's secret is the same in all of its tenants.
fn members(spec: &Spec, tenant: TenantIx) -> impl Iterator<Item = (Who, &Principal)> {
    spec.principals(tenant).filter(|(_, principal)| principal.membership == Membership::One)
}

/// Whatever the other tenant's principals prove themselves with.
fn compare(spec: &Spec, who: Who, victim: TenantIx) -> Attack {
    let secrets_of = |who: Who| -> Vec<&str> {
        spec[who].credential.secrets().into_iter().map(|secret| secret.expose_secret()).collect()
    };
    let shares = |other: &Who| secrets_of(*other).iter().any(|secret| secrets_of(who).contains(secret));
    match members(spec, victim).map(|(other, _)| other).find(shares) {
        None => Attack::Withstood,
        Some(other) => {
            let line = format!("{} and {} have the same secret", spec.name_of(who), spec.name_of(other));
            Attack::Weak(Evidence { shows: Shows::WeakCredential, lines: vec![line], exchanges: Vec::new() })
        }
    }
}

async fn judge(t: &Tape, who: Who, compared: Attack) -> Concluded {
    match (way(t, who)?, compared) {
        (Some(way), compared) => {
            let open = bracket::open(async || proves_itself(t, who, &way).await).await?;
            open.attack(compared).close().await
        }
        (None, Attack::Weak(evidence)) => Ok(Verdict::Advisory(evidence)),
        (None, _) => Err(Stop::not_applicable("there is no request that could test the principal's secret")),
    }
}

/// How a principal proves itself.
enum Way {
    /// A token is granted for its secret.
    Token,
    /// It reads what is its own.
    Reading(Box<Request>),
}

/// A credential that names no tenant, or another, opens nothing of its own.
fn way(t: &Tape, who: Who) -> Result<Option<Way>, Stop> {
    let spec = &t.spec;
    if gets_tokens(&spec[who]) {
        return Ok(Some(Way::Token));
    }
    if !names_own(&spec[who]) {
        return Ok(None);
    }
    let own = t.planted.objects().iter().filter(|object| object.tenant == who.tenant);
    let item = own.filter_map(|object| Some((operation_of(spec, object.resource, Role::Read)?, Place::of(object))));
    let is_list = |op: &&Operation| op.role == Role::List && only_reads(op) && is_root(spec, op);
    let list = spec.operations.iter().filter(is_list).map(|op| (op, Place::within(who.tenant, &[])));
    let Some((op, place)) = item.chain(list).next() else { return Ok(None) };
    let reading = request(t, Caller::Own(who), op, &place, &Words::default())?;
    Ok(Some(Way::Reading(Box::new(reading))))
}

async fn proves_itself(t: &Tape, who: Who, way: &Way) -> Result<Seen, Stop> {
    match way {
        Way::Token => Ok(fresh(t, who).await?.exchange),
        Way::Reading(request) => succeed(t, request.as_ref().clone(), who.tenant).await,
    }
}
