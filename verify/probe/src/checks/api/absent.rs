//! `api.no-tenant` and `api.unknown-tenant`

use watertight_model::{Severity, Surface};
use watertight_spec::{Locator, Names, Operation, Spec, Symbol};

use super::knock::{Goal, asked_by, by_attacker, goal, is_tried, knock};
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::{Aim, Place, Words, each, encode, foreign, names_tenant, own, standing};
use crate::checks::token::must_name;
use crate::judge::{Evidence, Verdict};
use crate::request::{Caller, Request, Who};
use crate::tape::{Halt, Tape};

pub(crate) static NONE: About = About {
    id: "api.no-tenant",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-636", "CWE-639"],
    title: "A request that names no tenant",
    does: "Leaves the tenant out of path or header, with the attacker's own credential; and uses a credential that \
           names no tenant, where the spec has one, on every read.",
    judges: "Leak: the answer shows the victim's marker, or, to a credential that names no tenant, any tenant's. \
             Isolated: refused (any 4xx) or without data. Unproven: a control fails, the token of such a credential \
             names a tenant, or an attempt got no answer, a 429 or a 5xx.",
    origin: "Seed 7.3; mcp-hangar #312, didacta #57: a missing tenant means the first, or all.",
    mend: "No default tenant: a tenant-scoped path without exactly one tenant is refused.",
};

pub(crate) static UNKNOWN: About = About {
    id: "api.unknown-tenant",
    surface: Surface::Api,
    severity: Severity::High,
    cwe: &["CWE-636", "CWE-639"],
    title: "A tenant that never existed",
    does: "Lists and reads in the place of a tenant that never existed, with the attacker's own credential, by the \
           attacker's ids and the victim's.",
    judges: "Leak: an answer shows the victim's marker. Advisory: it shows the attacker's own data, so the tenant in \
             the request is ignored. Isolated: refused (any 4xx) or without data.",
    origin: "Seed (routing matrix): a platform must not fall back to a default tenant.",
    mend: "Refuse a tenant that is not the credential's, known or not, in the same way.",
};

pub(crate) fn none(spec: &Spec) -> Vec<Check> {
    let all = each(spec, &NONE, Phase::Main, without, |op| is_tried(spec, op), |_| Sends::Reads);
    let has_nameless = |tenant: usize| {
        spec.tenants.get(tenant).is_some_and(|t| t.principals.iter().any(|p| p.names == Names::Nothing))
    };
    let names = |label: &str| spec.operations.iter().any(|op| op.label() == label && names_tenant(spec, op));
    all.into_iter().filter(|check| has_nameless(check.attacker) || names(&check.operation)).collect()
}

pub(crate) fn unknown(spec: &Spec) -> Vec<Check> {
    each(spec, &UNKNOWN, Phase::Main, stranger, |op| is_tried(spec, op) && names_tenant(spec, op), |_| Sends::Reads)
}

fn without(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let found = goal(t, op, aim)?;
    let everyone: Vec<usize> = (0..t.spec.tenants.len()).collect();
    let mut doubtful = None;
    let mut attempts: Vec<(Request, &[usize])> = Vec::new();
    let victim = [aim.victim];
    for asked in tenantless(t, op, &own(t, aim.attacker)?, &found)? {
        attempts.push((asked, &victim));
    }
    for who in nameless(t.spec, aim.attacker) {
        match must_name(t, who, None) {
            Ok(()) => {}
            Err(Halt::Unproven(why)) => {
                doubtful = doubtful.or(Some(Verdict::Unproven(why)));
                continue;
            }
            Err(halt) => return Err(halt),
        }
        let caller = Caller::Own(who);
        for place in [&found.theirs, &found.own] {
            attempts.push((asked_by(t, caller.clone(), op, place, &found.words)?, &everyone));
        }
        for asked in tenantless(t, op, &caller, &found)? {
            attempts.push((asked, &everyone));
        }
    }
    if attempts.is_empty() && doubtful.is_none() {
        return Err(Halt::NotApplicable("only the credential names the tenant, and every one names one".into()));
    }
    for (asked, victims) in attempts {
        match knock(t, op, asked, victims)?.verdict {
            Some(verdict @ Verdict::Leak(_)) => return Ok(verdict),
            Some(verdict) => doubtful = doubtful.or(Some(verdict)),
            None => {}
        }
    }
    goal(t, op, aim)?;
    Ok(doubtful.unwrap_or(Verdict::Isolated))
}

/// Credentials of a tenant's that name none.
fn nameless(spec: &Spec, tenant: usize) -> Vec<Who> {
    let principals = spec.tenants.get(tenant).map(|t| t.principals.as_slice()).unwrap_or_default();
    let indices = principals.iter().enumerate().filter(|(_, p)| p.names == Names::Nothing).map(|(index, _)| index);
    indices.map(|principal| Who { tenant, principal }).collect()
}

/// The request without the tenant: an empty segment, no segment, and without the segment before it too.
fn tenantless(t: &Tape<'_>, op: &Operation, caller: &Caller, found: &Goal) -> Result<Vec<Request>, Halt> {
    let mut all = Vec::new();
    if let Locator::Header(name) = &t.spec.tenancy.locator {
        let mut bare = asked_by(t, caller.clone(), op, &found.own, &found.words)?;
        bare.headers.retain(|(header, _)| header != name);
        all.push(bare);
    }
    if op.request.path.mentions(&Symbol::Tenant) {
        // Spelled with a byte that no path holds, so that its place is found again.
        let marked = asked_by(t, caller.clone(), op, &found.own.clone().spelled("\u{0}"), &found.words)?;
        let mut targets = vec![marked.target.replace('\u{0}', "")];
        if let Some((before, after)) = marked.target.split_once("/\u{0}") {
            targets.push(format!("{before}{after}"));
            if let Some((above, _)) = before.rsplit_once('/') {
                targets.push(format!("{above}{after}"));
            }
        }
        targets.retain(|target| target.starts_with('/') && !target.contains('\u{0}'));
        all.extend(targets.into_iter().map(|target| Request { target, ..marked.clone() }));
    }
    Ok(all)
}

fn stranger(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let found = goal(t, op, aim)?;
    let name = encode(&t.unique());
    let mut places: Vec<Place> = vec![found.own.clone().spelled(name.clone())];
    if let Some(resource) = op.resource {
        places.push(Place::of(&standing(t, aim.attacker, resource)?).spelled(name));
    }
    places.dedup();
    let (mut doubtful, mut own_data) = (None, None);
    for place in places {
        let tried = knock(t, op, by_attacker(t, op, aim, &place, &Words { ..found.words.clone() })?, &[aim.victim])?;
        match tried.verdict {
            Some(verdict @ Verdict::Leak(_)) => return Ok(verdict),
            Some(verdict) => doubtful = doubtful.or(Some(verdict)),
            None if foreign(t, tried.last, aim.attacker).is_some() => own_data = own_data.or(Some(tried.last)),
            None => {}
        }
    }
    goal(t, op, aim)?;
    let fallback = own_data.map(|answer| {
        Verdict::Advisory(Evidence::of(
            "the tenant in the request is ignored: the caller is shown its own data",
            answer,
        ))
    });
    Ok(doubtful.or(fallback).unwrap_or(Verdict::Isolated))
}
