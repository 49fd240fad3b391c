//! A token after its death.

use std::time::Duration;

use watertight_model::{Severity, Surface};
use watertight_spec::{Names, Spec};

use super::subject::{bearers, fresh, name, rules};
use super::target::{Target, label, operations};
use crate::check::{About, Check, Phase, Sends};
use crate::judge::{Answer, Evidence, Verdict, answer, why_undecided};
use crate::request::{Caller, Who};
use crate::tape::{Halt, Tape};

pub(super) static ABOUT: About = About {
    id: "token.expired",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-613"],
    title: "An expired token is refused",
    does: "Gets a genuine token of a principal whose tokens live at most `expiry_wait`, uses it at an operation that shows \
           the tenant's own object, waits until its life and `leeway` are over, and uses it again; then once more with a \
           new token. It concerns no other tenant's data, so it runs once a tenant, against the next one in the spec.",
    judges: "advisory: the dead token still shows the object. isolated: 401, 403, 404 or 410 to the dead token, and the \
             object shows before with it and after with a new one. unproven: a control failed, or the answer decides \
             nothing. not applicable: no principal's token dies soon enough.",
    origin: "RFC 7519 4.1.4; seed 28.4; GHSA-x937-hj6v-793p (a token served from a cache after `exp`)",
    mend: "Check `exp` on every request, also where a validated token is cached.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    once_a_tenant(spec, &ABOUT, wait_out)
}

/// What is done with the principals of a tenant, at one of its own operations.
pub(super) type Trial = fn(&Tape<'_>, &[Who], usize) -> Result<Verdict, Halt>;

/// One instance for every tenant that has principals with tokens: what it tries concerns no particular other tenant.
pub(super) fn once_a_tenant(spec: &Spec, about: &'static About, trial: Trial) -> Vec<Check> {
    let Some(operation) = operations(spec).first().copied() else { return Vec::new() };
    let count = spec.tenants.len();
    (0..count)
        .filter_map(|tenant| {
            let own = bearers(spec, tenant).filter(|(_, p)| p.names == Names::Own);
            let principals: Vec<Who> = own.map(|(who, _)| who).collect();
            (!principals.is_empty()).then(|| Check {
                about,
                attacker: tenant,
                victim: (tenant + 1) % count,
                operation: label(spec, operation),
                phase: Phase::Early,
                sends: Sends::Reads,
                machine: Box::new(move |t| trial(t, &principals, operation)),
            })
        })
        .collect()
}

fn wait_out(t: &Tape<'_>, principals: &[Who], operation: usize) -> Result<Verdict, Halt> {
    let tokens = rules(t)?;
    let mut lives = Vec::new();
    for who in principals.iter().copied() {
        let (issued, token) = fresh(t, who)?;
        match token.lifetime.map(Duration::from_secs) {
            Some(life) if life <= tokens.expiry_wait => {
                return outlive(t, who, operation, issued.seq, life + tokens.leeway + Duration::from_secs(1));
            }
            Some(life) => lives.push(format!("{} {} s", name(t.spec, who), life.as_secs())),
            None => lives.push(format!("{} unknown", name(t.spec, who))),
        }
    }
    let most = tokens.expiry_wait.as_secs();
    let lives = lives.join(", ");
    Err(Halt::NotApplicable(format!("no token dies within `expiry_wait` ({most} s), so none is waited out: {lives}")))
}

fn outlive(t: &Tape<'_>, who: Who, operation: usize, issued: u64, death: Duration) -> Result<Verdict, Halt> {
    let target = Target::open_as(t, operation, who)?;
    let alive = t.send(target.own(Caller::Issued(issued)))?;
    if !alive.succeeded() || !target.shown_in(alive) {
        return Err(Halt::Unproven(format!("the token does not work while it lives: {}", alive.line())));
    }
    t.wait(death)?;
    let dead = t.send(target.own(Caller::Issued(issued)))?;
    if target.shown_in(dead) {
        let line = format!("a token of {} still works {} s after it was issued", name(t.spec, who), death.as_secs());
        return Ok(Verdict::Advisory(Evidence::of(line, dead).with("while it lived", alive)));
    }
    target.close(t)?;
    match answer(dead) {
        Answer::Denied => Ok(Verdict::Isolated),
        Answer::Success => Err(Halt::Unproven(format!("a success without the object: {}", dead.line()))),
        Answer::Undecided | Answer::NotOffered => Err(Halt::Unproven(why_undecided(dead))),
    }
}
