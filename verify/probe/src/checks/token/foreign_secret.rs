//! One tenant's secret with another's client.

use watertight_model::{Severity, Surface};
use watertight_spec::{Credential, Names, Spec};

use super::subject::{bearers, fresh, name, operation, refused};
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::pairs;
use crate::judge::{Evidence, Verdict, why_undecided};
use crate::request::{Call, TokenCall, Who};
use crate::tape::{Halt, Tape};

pub(super) static ABOUT: About = About {
    id: "token.client-with-foreign-secret",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-287", "CWE-639"],
    title: "A client's token is not granted for another tenant's secret",
    does: "Both clients get a token with their own secrets; then the attacker's secret is sent with the victim's client \
           id, once, at the victim's token endpoint; then the victim's own secret again. It runs after everything else, \
           since some servers lock a client after a wrong secret, and never in production.",
    judges: "leak: a token is granted. isolated: refused (400 or 401), and the victim's own secret works before and \
             after. unproven: one of the controls failed, or the endpoint did. not applicable: one of the tenants has no \
             client.",
    origin: "RFC 6749 2.3 and 3.2.1 (a server must authenticate the client that the request names); the verification \
             guide's section 1",
    mend: "Look the secret up by the client id of the request, within its tenant, and compare it with nothing else.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    let mut checks = Vec::new();
    for (attacker, victim) in pairs(spec) {
        let (Some(thief), Some(owner)) = (client(spec, attacker), client(spec, victim)) else { continue };
        checks.push(Check {
            about: &ABOUT,
            attacker,
            victim,
            operation: operation(spec, owner),
            phase: Phase::Last,
            sends: Sends::Writes,
            machine: Box::new(move |t| attempt(t, thief, owner)),
        });
    }
    checks
}

/// The first ordinary client of a tenant.
fn client(spec: &Spec, tenant: usize) -> Option<Who> {
    bearers(spec, tenant)
        .find(|(_, p)| p.names == Names::Own && matches!(p.credential, Credential::ClientCredentials { .. }))
        .map(|(who, _)| who)
}

fn attempt(t: &Tape<'_>, thief: Who, owner: Who) -> Result<Verdict, Halt> {
    fresh(t, thief)?;
    fresh(t, owner)?;
    let attack = t.call(Call::Token(TokenCall { secret_of: Some(thief), ..TokenCall::plain(owner) }))?;
    if attack.succeeded() && attack.token.is_some() {
        let line = format!("the secret of {} opens the client of {}", name(t.spec, thief), name(t.spec, owner));
        return Ok(Verdict::Leak(Evidence::of(line, attack)));
    }
    // A 2xx without a token, 403 or 404 is not how a token endpoint refuses a secret (RFC 6749 5.2).
    if !matches!(attack.status(), Some(400 | 401)) {
        return Err(Halt::Unproven(match refused(attack) {
            true => format!("refused, but not as a wrong secret is (400 or 401): {}", attack.line()),
            false => why_undecided(attack),
        }));
    }
    fresh(t, owner).map_err(|halt| match halt {
        Halt::Unproven(why) => Halt::Unproven(format!("the client's own secret fails afterwards (locked?): {why}")),
        other => other,
    })?;
    Ok(Verdict::Isolated)
}
