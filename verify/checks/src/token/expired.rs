//! A token after its death.

use std::rc::Rc;

use std::time::Duration;

use watertight_engine::Tape;
use watertight_engine::call::Caller;
use watertight_model::{Severity, Surface};
use watertight_spec::{OperationIx, Pair, Spec, TenantIx, Who};

use super::protected::{ProtectedObject, operations};
use super::subject::{bearers, fresh, names_own, rules};
use crate::bracket;
use crate::check::{Check, Concluded, Phase, Subject, Target, Trial, reads};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(super) static CHECK: Check = Check {
    id: "token.expired",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-613"],
    title: "An expired token is refused",
    does: "Gets a genuine token of a principal whose tokens live at most `expiry_wait`, uses it at an operation that shows \
           the tenant's own object, waits until its life and `leeway` are over, and uses it again; then once more with a \
           new token. It concerns no other tenant's data, so it runs once a tenant, against the next one in the spec.",
    judges: "advisory: the expired token still shows the object. isolated: 401, 403, 404 or 410 to the expired token; \
             the object was shown with it before it expired, and with a new token afterwards. unproven: a control failed, or the answer decides \
             nothing. not applicable: no principal's token expires soon enough.",
    origin: "RFC 7519 4.1.4; isolation 28.4; GHSA-x937-hj6v-793p (a token served from a cache after `exp`)",
    fix: "Check `exp` on every request, also where a validated token is cached.",
    requests: 8,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    once_a_tenant(spec, &CHECK, wait_out)
}

/// One trial for every tenant that has principals with tokens, at one of its own operations: what it tries concerns no
/// particular other tenant.
pub(super) fn once_a_tenant<F>(spec: &Spec, check: &'static Check, script: F) -> Vec<Trial>
where
    F: AsyncFn(&Tape, TenantIx, OperationIx) -> Concluded + Copy + 'static,
{
    let Some(operation) = operations(spec).first().copied() else { return Vec::new() };
    let next = spec.tenant_ixs().skip(1).chain(spec.tenant_ixs());
    spec.tenant_ixs()
        .zip(next)
        .filter(|(tenant, _)| own_bearers(spec, *tenant).next().is_some())
        .map(|(tenant, next)| Trial {
            check,
            pair: Pair { attacker: tenant, victim: next },
            subject: Subject::Operation(operation),
            targets: Rc::from([Target::Credential]),
            phase: Phase::Early,
            script: reads(move |t| Box::pin(async move { script(t, tenant, operation).await })),
        })
        .collect()
}

/// Principals of a tenant whose tokens name it.
pub(super) fn own_bearers(spec: &Spec, tenant: TenantIx) -> impl Iterator<Item = Who> {
    bearers(spec, tenant).filter(|(_, principal)| names_own(principal)).map(|(who, _)| who)
}

async fn wait_out(t: &Tape, tenant: TenantIx, operation: OperationIx) -> Concluded {
    let tokens = rules(t)?;
    let mut lives = Vec::new();
    for who in own_bearers(&t.spec, tenant) {
        let granted = fresh(t, who).await?;
        match granted.token().lifetime.map(Duration::from_secs) {
            Some(life) if life <= tokens.expiry_wait => {
                let death = life + tokens.leeway + Duration::from_secs(1);
                return outlive(t, who, operation, granted.exchange.seq, death).await;
            }
            Some(life) => lives.push(format!("{} {} s", t.spec.name_of(who), life.as_secs())),
            None => lives.push(format!("{} unknown", t.spec.name_of(who))),
        }
    }
    let most = tokens.expiry_wait.as_secs();
    let lives = lives.join(", ");
    Err(Stop::not_applicable(format!(
        "no token expires within `expiry_wait` ({most} s), so there is none to wait for: {lives}"
    )))
}

async fn outlive(t: &Tape, who: Who, operation: OperationIx, issued: u64, death: Duration) -> Concluded {
    let object = ProtectedObject::find_as(t, operation, who).await?;
    let open = bracket::open(async || object.control(t).await).await?;
    let alive = t.send(object.own(Caller::Issued(issued))).await;
    if !alive.succeeded() || !object.shown_in(&alive) {
        let why = "the token does not work while it lives";
        return Err(Unproven::shown(Reason::ControlFailed, why, &alive).into());
    }
    t.wait(death).await;
    let dead = t.send(object.own(Caller::Issued(issued))).await;
    let attack = object.judged(&dead, || {
        let name = t.spec.name_of(who);
        let line = format!("a token of {name} still works {} s after it was issued", death.as_secs());
        Evidence::of(Shows::CredentialAccepted, line, &dead).with("while it lived", &alive)
    });
    open.attack(attack).close().await
}
