//! `api.header-tenant` and `api.query-tenant`

use watertight_engine::Tape;
use watertight_engine::call::{Request, encode};
use watertight_model::{Severity, Surface};
use watertight_spec::{Operation, Spec, Symbol, TextTemplate};

use super::attempts::{Goal, by_attacker, is_tried, plain_request, try_all};
use super::names::{
    ADDRESS_HEADERS, DOUBLED_HEADERS, FORWARDED, HOST_HEADERS, PATH_HEADERS, PREFIX_HEADER, QUERY, TENANT_HEADERS,
};
use crate::check::{Check, Concluded, Phase, Target, Trial, reads};
use crate::shared::{Aim, again, at, each, own, request, tenant_name};
use crate::verdict::Stop;

pub(crate) static HEADER: Check = Check {
    id: "api.header-tenant",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-290", "CWE-639", "CWE-348"],
    title: "The victim named in a header, against the attacker's credential",
    does: "Adds the victim's tenant to the attacker's own list and read requests in every header known to carry a \
           tenant, a host, a path or an address, one at a time, some of them twice beside the attacker's own tenant.",
    judges: "Leak: an answer shows the victim's marker. Isolated: all were refused (any 4xx) or ignored. Unproven: a \
             control fails, the same request with nothing added opens it already, or an attempt got no answer, a 429 \
             or a 5xx.",
    origin: "isolation 28.1: header-based tenant spoofing. Atlas #131, oauth2-proxy CVE-2026-76835, Envoy \
             CVE-2021-32777.",
    fix: "Take the tenant from the credential. Strip such headers at the edge, or refuse a request whose names for \
          the tenant differ.",
    requests: 52,
};

pub(crate) static PARAMETER: Check = Check {
    id: "api.query-tenant",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-639"],
    title: "The victim named in the query, against the attacker's credential",
    does: "Adds the victim's tenant to the attacker's own list and read requests in every query parameter known to \
           carry a tenant, one at a time.",
    judges: "Leak: an answer shows the victim's marker. Isolated: all were refused (any 4xx) or ignored. Unproven: a \
             control fails, the same request with nothing added opens it already, or an attempt got no answer, a 429 \
             or a 5xx.",
    origin: "isolation 7.1; Atlas #114: the query beats the header.",
    fix: "Never let a query parameter choose the tenant; refuse one that contradicts the credential.",
    requests: 32,
};

pub(crate) fn headers(spec: &Spec) -> Vec<Trial> {
    let fits = |op: &Operation| is_tried(spec, op);
    each(spec, &HEADER, Phase::Main, at(Target::Headers, fits), |aim| {
        reads(move |t| again(t, async move || header(t, aim).await))
    })
}

pub(crate) fn queries(spec: &Spec) -> Vec<Trial> {
    let fits = |op: &Operation| is_tried(spec, op);
    each(spec, &PARAMETER, Phase::Main, at(Target::Parameters, fits), |aim| {
        reads(move |t| again(t, async move || query(t, aim).await))
    })
}

async fn header(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    plain_request(t, op, aim).await?;
    try_all(t, op, aim, |goal| header_attempts(t, op, aim, goal)).await
}

fn header_attempts(t: &Tape, op: &Operation, aim: Aim, goal: &Goal) -> Result<Vec<Request>, Stop> {
    let plain = by_attacker(t, op, aim, &goal.own, &goal.words)?;
    let (mine, theirs) = (tenant_name(&t.spec, aim.attacker), tenant_name(&t.spec, aim.victim));
    let is_tenant = |(_, value): &&(String, TextTemplate)| value.symbols().eq([&Symbol::Tenant]);
    let located_by: Vec<&str> = op.request.headers.iter().filter(is_tenant).map(|(name, _)| name.as_str()).collect();
    let is_locator = |name: &str| located_by.iter().any(|own| own.eq_ignore_ascii_case(name));
    // The header that locates the tenant names the attacker already: beside it, any further one is a second.
    let single = TENANT_HEADERS.iter().filter(|name| !is_locator(name)).map(|name| plain.clone().header(name, theirs));
    let doubled = DOUBLED_HEADERS.iter().copied().filter(|name| !is_locator(name)).flat_map(|name| {
        let both = |one: &str, two: &str| plain.clone().header(name, one).header(name, two);
        [both(mine, theirs), both(theirs, mine)]
    });
    let located = located_by.iter().copied().filter(|name| !name.eq_ignore_ascii_case("cookie")).flat_map(|name| {
        let behind = plain.clone().header(name, theirs);
        let mut before = behind.clone();
        before.headers.reverse();
        let joined = plain.headers.iter().map(|(n, v)| {
            let value = if n == name { format!("{v}, {theirs}") } else { v.clone() };
            (n.clone(), value)
        });
        [Request { headers: joined.collect(), ..plain.clone() }, behind, before]
    });
    let host = host_of(&t.spec, aim);
    let by_victim = request(t, own(t, aim.victim)?, op, &goal.theirs, &goal.words)?.address.shown();
    let prefix = by_victim.find(&encode(theirs)).map(|at| at.saturating_add(encode(theirs).len()));
    let prefix =
        prefix.and_then(|end| by_victim.get(..end)).map_or_else(|| format!("/{}", encode(theirs)), str::to_owned);
    let forged = HOST_HEADERS
        .iter()
        .map(|name| (*name, host.clone()))
        .chain(PATH_HEADERS.iter().map(|name| (*name, by_victim.clone())))
        .chain([(PREFIX_HEADER, prefix), (FORWARDED, format!("for=127.0.0.1;host={host};proto=https"))])
        .chain(ADDRESS_HEADERS.iter().map(|name| (*name, "127.0.0.1".to_owned())))
        .map(|(name, value)| plain.clone().header(name, value));
    Ok(single.chain(doubled).chain(located).chain(forged).collect())
}

/// The victim's host: its own where it has one, else its name below the target's.
fn host_of(spec: &Spec, aim: Aim) -> String {
    let (mine, theirs) = (spec[aim.attacker].url.authority(), spec[aim.victim].url.authority());
    if mine == theirs { format!("{}.{theirs}", encode(tenant_name(spec, aim.victim))) } else { theirs.to_owned() }
}

async fn query(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    plain_request(t, op, aim).await?;
    try_all(t, op, aim, |goal| {
        let plain = by_attacker(t, op, aim, &goal.own, &goal.words)?;
        let theirs = encode(tenant_name(&t.spec, aim.victim));
        let named = |name: &&str| plain.clone().to(plain.address.clone().query(&format!("{name}={theirs}")));
        // Beside the one that names the attacker already, before it and behind.
        let doubled = |name: &str| {
            let shown = plain.address.shown();
            let (path, query) = shown.split_once('?').unwrap_or((shown.as_str(), ""));
            [format!("{path}?{name}={theirs}&{query}"), format!("{path}?{query}&{name}={theirs}")]
        };
        let located = parameters(op).into_iter().flat_map(|name| doubled(&name)).map(|to| plain.clone().to(to));
        Ok(QUERY.iter().map(named).chain(located).collect())
    })
    .await
}

/// The parameters of the query that name the tenant.
fn parameters(op: &Operation) -> Vec<String> {
    let written = op.request.path.to_string();
    let query = written.split_once('?').map_or("", |(_, query)| query);
    let is_tenant = |pair: &&str| pair.ends_with("={tenant}");
    query.split('&').filter(is_tenant).filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())).collect()
}
