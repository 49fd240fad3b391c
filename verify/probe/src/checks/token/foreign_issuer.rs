//! One tenant's issuer vouching for another tenant.

use watertight_model::{Severity, Surface};
use watertight_spec::{Names, Principal, Spec};

use super::subject::{bearers, must_name, name, tenant_id};
use super::target::{Attempt, Target, Tried, label, operations};
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::{pairs, persist};
use crate::judge::Verdict;
use crate::request::{Caller, Who};
use crate::tape::{Halt, Tape};

pub(super) static ABOUT: About = About {
    id: "token.foreign-issuer",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-346", "CWE-863"],
    title: "A tenant's own issuer cannot vouch for another tenant",
    does: "Presents the genuine token of a principal that the attacker's own issuer says is the victim's (`names` another \
           tenant), at an operation that shows the victim's object.",
    judges: "leak: the answer holds the victim's planted object. advisory: the token is accepted without that, where an \
             anonymous call is refused. isolated: refused, and the victim sees its object before and after. unproven: a \
             control failed, its token does not name the victim, or the answer decides nothing. not applicable: the attacker has no such principal.",
    origin: "seed 28.5 (issuer confusion), seed 12; RFC 8725 3.8; FusionAuth issue 2585; CVE-2026-49998",
    mend: "Keep issuers and their keys under the tenant that registered them, and accept a tenant claim only from an \
           issuer that is registered for that tenant.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    let mut checks = Vec::new();
    for (attacker, victim) in pairs(spec) {
        let impostor = bearers(spec, attacker).find(|(_, p)| names(spec, p, victim)).map(|(who, _)| who);
        if bearers(spec, attacker).next().is_none() {
            continue;
        }
        for operation in operations(spec) {
            checks.push(Check {
                about: &ABOUT,
                attacker,
                victim,
                operation: label(spec, operation),
                phase: Phase::Main,
                sends: Sends::Reads,
                machine: Box::new(move |t| match impostor {
                    Some(who) => persist(|| attempt(t, who, victim, operation)),
                    None => {
                        Err(Halt::NotApplicable("no principal of the attacker's names this victim (`names`)".into()))
                    }
                }),
            });
        }
    }
    checks
}

fn names(spec: &Spec, principal: &Principal, victim: usize) -> bool {
    matches!(&principal.names, Names::Other(id) if spec.tenants.get(victim).is_some_and(|t| t.id == *id))
}

fn attempt(t: &Tape<'_>, who: Who, victim: usize, operation: usize) -> Result<Verdict, Halt> {
    must_name(t, who, Some(tenant_id(t.spec, victim)))?;
    let target = Target::open(t, operation, victim)?;
    let mut tried = Tried::default();
    let what = format!("the token of {}, which names the victim,", name(t.spec, who));
    tried.present(t, &target, Attempt { what, caller: Caller::Own(who) })?;
    tried.conclude(t, &target)
}
