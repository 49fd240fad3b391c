//! One tenant's secret with another's client.

use std::rc::Rc;

use watertight_engine::Tape;
use watertight_engine::call::{Call, TokenCall};
use watertight_engine::log::Exchange;
use watertight_model::{Severity, Surface};
use watertight_spec::{Credential, Principal, Spec, TenantIx, Who};

use super::subject::{bearers, fresh, is_client, names_own, refused};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Subject, Target, Trial, writes};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(super) static CHECK: Check = Check {
    id: "token.client-with-foreign-secret",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-287", "CWE-639"],
    title: "A client's token is not granted for another tenant's secret",
    does: "Both clients get a token with their own secrets; then the attacker's secret is sent with the victim's client \
           id, once, at the victim's token endpoint; then both get a token with their own secrets again. It runs after \
           everything else, since some servers lock a client after a wrong secret, and never in production.",
    judges: "leak: a token is granted. isolated: refused (400 or 401), and both clients' own secrets work before and \
             after. unproven: one of the controls failed, or the endpoint did. not applicable: one of the tenants has no \
             client.",
    origin: "RFC 6749 2.3 and 3.2.1 (a server must authenticate the client that the request names); guide 1",
    fix: "Look the secret up by the client id of the request, within its tenant, and compare it with nothing else.",
    requests: 5,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    let targets: Rc<[Target]> = Rc::from([Target::Credential]);
    let mut trials = Vec::new();
    for pair in spec.pairs() {
        let (Some(attacker), Some(victim)) = (client(spec, pair.attacker), client(spec, pair.victim)) else { continue };
        trials.push(Trial {
            check: &CHECK,
            pair,
            subject: Subject::Token(victim),
            targets: Rc::clone(&targets),
            phase: Phase::Last,
            // It changes no data, but it may lock a client.
            script: writes(move |w| Box::pin(attempt(w.tape(), attacker, victim))),
        });
    }
    trials
}

/// The first ordinary client of a tenant.
fn client(spec: &Spec, tenant: TenantIx) -> Option<Who> {
    bearers(spec, tenant).find(|(_, p)| names_own(p) && is_client(p) && has_secret(p)).map(|(who, _)| who)
}

fn has_secret(principal: &Principal) -> bool {
    match &principal.credential {
        Credential::Endpoint(endpoint) => endpoint.client_secret().is_some(),
        _ => false,
    }
}

async fn attempt(t: &Tape, attacker: Who, victim: Who) -> Concluded {
    let open = bracket::open(async || {
        fresh(t, attacker).await?;
        fresh(t, victim).await
    })
    .await?;
    let crossed = TokenCall { secret_of: Some(attacker), ..TokenCall::plain(victim) };
    let answered = t.call(Call::Token(crossed)).await;
    let attack = judged(&answered, || {
        let line = format!("the secret of {} opens the client of {}", t.spec.name_of(attacker), t.spec.name_of(victim));
        Evidence::of(Shows::CredentialAccepted, line, &answered)
    });
    open.attack(attack).close().await.map_err(|stop| match stop {
        Stop::Unproven(why) => Stop::Unproven(why.about("a client's own secret fails afterwards (locked?)")),
        other => other,
    })
}

fn judged(answered: &Exchange, opened: impl FnOnce() -> Evidence) -> Attack {
    if answered.succeeded() && answered.token.is_some() {
        return Attack::Leaked(opened());
    }
    // A 2xx without a token, 403 or 404 is not how a token endpoint refuses a secret (RFC 6749 5.2).
    match answered.status() {
        Some(400 | 401) => Attack::Withstood,
        _ if refused(answered) => {
            let why = "refused, but not as a wrong secret is (400 or 401)";
            Attack::Undecided(Unproven::shown(Reason::UnclearAnswer, why, answered))
        }
        _ => Attack::Undecided(Unproven::undecided(answered)),
    }
}
