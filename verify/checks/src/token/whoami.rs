//! Whose a caller is, by the target's own word.

use std::cell::RefCell;

use watertight_engine::call::{Caller, Request};
use watertight_engine::{Seen, Tape};
use watertight_model::{Severity, Surface};
use watertight_spec::{RequestTemplate, Spec, TenantIx, Who, WhoAmI};

use super::subject::{each_bearer, names_own, rules};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Trial, reads};
use crate::shared::{Place, Words, scalar, tenant_name, written};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, Verdict, class_of};

pub(super) static CHECK: Check = Check {
    id: "token.whoami",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-863"],
    title: "The target assigns a caller to the caller's own tenant",
    does: "Makes the `whoami` call with a principal's own credential, twice, and reads the tenant from the answers.",
    judges: "isolated: both answers name the caller's tenant and nothing else there. leak: one names the other \
             tenant. advisory: one names something that is no tenant of the spec. unproven: a call failed, or its \
             answer names no tenant.",
    origin: "isolation 7.3 (exactly one active tenant); Keycloak and introspection caches that cross tenants \
             (CVE-2026-33496, GHSA-84rm-mhfq-f476)",
    fix: "Resolve the caller's tenant from the credential alone, and key cached introspection answers with a digest of \
          the whole token and its issuer.",
    requests: 2,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    each_bearer(spec, &CHECK, names_own, |pair, who| reads(move |t| Box::pin(ask_twice(t, who, pair.victim))))
}

/// The control is that the call succeeds and names someone. Whom it names counts in the second answer as in the first.
async fn ask_twice(t: &Tape, who: Who, victim: TenantIx) -> Concluded {
    let Some(whoami) = &rules(t)?.whoami else {
        return Err(Stop::not_applicable("the spec declares no `whoami`"));
    };
    let request = ask(t, &whoami.request, who)?;
    let last = RefCell::new(Attack::Withstood);
    let open = bracket::open(async || {
        let (answered, named) = asked(t, whoami, request.clone()).await?;
        last.replace(judged(&t.spec, who, victim, &answered, &named));
        Ok(())
    })
    .await?;
    let first = last.replace(Attack::Withstood);
    let verdict = open.attack(first).close().await?;
    Ok(match (verdict, last.into_inner()) {
        (Verdict::Isolated(_) | Verdict::Advisory(_), Attack::Leaked(evidence)) => Verdict::Leak(evidence),
        (Verdict::Isolated(_), Attack::Weak(evidence)) => Verdict::Advisory(evidence),
        (verdict, _) => verdict,
    })
}

/// The answer, and whom it names.
async fn asked(t: &Tape, whoami: &WhoAmI, request: Request) -> Result<(Seen, Vec<String>), Stop> {
    let exchange = t.send(request).await;
    match class_of(&exchange) {
        ResponseClass::Success => {}
        ResponseClass::Undecided => return Err(Unproven::undecided(&exchange).into()),
        ResponseClass::Denied | ResponseClass::NotOffered => {
            return Err(Unproven::shown(Reason::ControlFailed, "the caller is refused its own", &exchange).into());
        }
    }
    let told = exchange.json().map(|body| whoami.tenant.query(body).all()).unwrap_or_default();
    let named: Vec<String> = told.into_iter().filter_map(scalar).collect();
    if named.is_empty() {
        let why = "the answer names no tenant where `whoami` says";
        return Err(Unproven::shown(Reason::UnclearAnswer, why, &exchange).into());
    }
    Ok((exchange, named))
}

fn judged(spec: &Spec, who: Who, victim: TenantIx, exchange: &Seen, named: &[String]) -> Attack {
    let own = tenant_name(spec, who.tenant);
    let line = |other: &str| format!("the target treats a caller of {own:?} as a caller of {other:?}");
    let is_known = |id: &str| spec.tenants.iter().any(|tenant| tenant.id.as_str() == id);
    let victim = tenant_name(spec, victim);
    if named.iter().any(|id| id == victim) {
        return Attack::Leaked(Evidence::of(Shows::CredentialAccepted, line(victim), exchange));
    }
    // Another tenant of the spec is for the trial of that one.
    match named.iter().find(|id| !is_known(id)) {
        Some(other) => Attack::Weak(Evidence::of(Shows::Weakness, line(other), exchange)),
        None => Attack::Withstood,
    }
}

/// The call, in the caller's own tenant.
fn ask(t: &Tape, template: &RequestTemplate, who: Who) -> Result<Request, Stop> {
    let asked = written(t, Caller::Own(who), template, &Place::within(who.tenant, &[]), &Words::default());
    asked.ok_or_else(|| Stop::not_applicable("the `whoami` call needs the id of an object"))
}
