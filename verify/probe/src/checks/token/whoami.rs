//! Whose token it is, by the target's own word.

use watertight_model::{Severity, Surface};
use watertight_spec::{Locator, RequestTemplate, Spec, Symbol};

use super::subject::{names_own, observe, rules, tenant_id};
use crate::check::{About, Check};
use crate::checks::kit::encode;
use crate::judge::{Answer, Evidence, Verdict, answer, why_undecided};
use crate::request::{Caller, Request, Who};
use crate::tape::{Halt, Tape, scalar};

pub(super) static ABOUT: About = About {
    id: "token.whoami",
    surface: Surface::Token,
    severity: Severity::Critical,
    cwe: &["CWE-863"],
    title: "The target takes a caller for a member of its own tenant",
    does: "Makes the `whoami` call with a principal's own credential and reads the tenant from the answer.",
    judges: "isolated: the answer names the caller's tenant and nothing else there. leak: it names another tenant of the \
             spec. advisory: it names something else. unproven: the call failed, or its answer names no tenant.",
    origin: "seed 7.3 (exactly one active tenant); Keycloak and introspection caches that cross tenants \
             (CVE-2026-33496, GHSA-84rm-mhfq-f476)",
    mend: "Resolve the caller's tenant from the credential alone, and key cached introspection answers with a digest of \
           the whole token and its issuer.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    observe(spec, &ABOUT, names_own, look)
}

fn look(t: &Tape<'_>, who: Who) -> Result<Verdict, Halt> {
    let Some(whoami) = &rules(t)?.whoami else {
        return Err(Halt::NotApplicable("the spec declares no `whoami`".into()));
    };
    let own = tenant_id(t.spec, who.tenant);
    let exchange = t.send(ask(t.spec, &whoami.request, who)?)?;
    if answer(exchange) != Answer::Success {
        return Err(Halt::Unproven(match answer(exchange) {
            Answer::Undecided => why_undecided(exchange),
            _ => format!("the caller is refused its own: {}", exchange.line()),
        }));
    }
    let body = exchange.json().unwrap_or_default();
    let named: Vec<String> = whoami.tenant.query(&body).iter().filter_map(|value| scalar(value)).collect();
    if named.is_empty() {
        return Err(Halt::Unproven(format!("the answer names no tenant where `whoami` says: {}", exchange.line())));
    }
    let Some(other) = named.iter().find(|id| *id != own) else { return Ok(Verdict::Isolated) };
    let evidence = Evidence::of(format!("the target takes a caller of {own:?} for one of {other:?}"), exchange);
    match t.spec.tenants.iter().any(|tenant| tenant.id.as_str() == other) {
        true => Ok(Verdict::Leak(evidence)),
        false => Ok(Verdict::Advisory(evidence)),
    }
}

/// The call, in the caller's own tenant. Nothing but that can stand for a symbol in it.
fn ask(spec: &Spec, template: &RequestTemplate, who: Who) -> Result<Request, Halt> {
    let own = tenant_id(spec, who.tenant);
    let unbound = || Halt::NotApplicable("the `whoami` call needs the id of an object".into());
    let path = template.path.render(|symbol| (*symbol == Symbol::Tenant).then(|| encode(own))).ok_or_else(unbound)?;
    let body = match &template.body {
        None => None,
        Some(body) => {
            let json = body.render(&mut |symbol| (*symbol == Symbol::Tenant).then(|| own.to_owned()));
            Some(json.ok_or_else(unbound)?)
        }
    };
    let request = Request::new(Caller::Own(who), who.tenant, &template.method, path).json(body);
    Ok(match &spec.tenancy.locator {
        Locator::Header(name) => request.header(name, own),
        Locator::Path | Locator::Token => request,
    })
}
