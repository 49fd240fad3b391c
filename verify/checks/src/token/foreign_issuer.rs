//! One tenant's issuer vouching for another tenant.

use std::rc::Rc;

use watertight_engine::Tape;
use watertight_engine::call::Caller;
use watertight_model::{Severity, Surface};
use watertight_spec::{Names, OperationIx, Principal, Spec, TenantIx, Who};

use super::protected::{Attempt, ProtectedObject, Tried, operations};
use super::subject::{bearers, must_name};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Subject, Target, Trial, reads};
use crate::shared::{again, tenant_name};
use crate::verdict::Stop;

pub(super) static CHECK: Check = Check {
    id: "token.foreign-issuer",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-346", "CWE-863"],
    title: "A tenant's own issuer cannot vouch for another tenant",
    does: "Presents the genuine token of a principal that the attacker's own issuer says is the victim's (`names` another \
           tenant), at an operation that shows the victim's object.",
    judges: "leak: the answer holds the victim's planted object. advisory: the token is accepted without that, where an \
             anonymous call is refused. isolated: refused, and the victim sees its object before and after. unproven: a \
             control failed, its token does not name the victim, or the answer decides nothing. not applicable: the \
             attacker has no such principal.",
    origin: "isolation 28.5 (issuer confusion), isolation 12; RFC 8725 3.8; FusionAuth #2585; CVE-2026-49998",
    fix: "Keep issuers and their keys under the tenant that registered them, and accept a tenant claim only from an \
          issuer that is registered for that tenant.",
    requests: 9,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    let targets: Rc<[Target]> = Rc::from([Target::Credential]);
    let mut trials = Vec::new();
    for pair in spec.pairs() {
        if bearers(spec, pair.attacker).next().is_none() {
            continue;
        }
        let impostor = bearers(spec, pair.attacker).find(|(_, p)| names(spec, p, pair.victim)).map(|(who, _)| who);
        for operation in operations(spec) {
            trials.push(Trial {
                check: &CHECK,
                pair,
                subject: Subject::Operation(operation),
                targets: Rc::clone(&targets),
                phase: Phase::Main,
                script: reads(move |t| again(t, async move || attempt(t, impostor, pair.victim, operation).await)),
            });
        }
    }
    trials
}

fn names(spec: &Spec, principal: &Principal, victim: TenantIx) -> bool {
    matches!(&principal.names, Names::Other(id) if spec[victim].id == *id)
}

async fn attempt(t: &Tape, impostor: Option<Who>, victim: TenantIx, operation: OperationIx) -> Concluded {
    let who =
        impostor.ok_or_else(|| Stop::not_applicable("no principal of the attacker's names this victim (`names`)"))?;
    must_name(t, who, Some(tenant_name(&t.spec, victim))).await?;
    let object = ProtectedObject::find(t, operation, victim).await?;
    let open = bracket::open(async || object.control(t).await).await?;
    let mut tried = Tried::default();
    let what = format!("the token of {}, which names the victim,", t.spec.name_of(who));
    let attack = match tried.present(t, &object, Attempt { what, caller: Caller::Own(who) }).await {
        Some(evidence) => Attack::Leaked(evidence),
        None => tried.attack(t, &object).await,
    };
    open.attack(attack).close().await
}
