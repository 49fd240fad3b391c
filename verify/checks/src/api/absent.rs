//! `api.no-tenant` and `api.unknown-tenant`

use serde_json::Value;
use watertight_engine::Tape;
use watertight_engine::call::{Address, Caller, Payload, Request, encode};
use watertight_model::{Severity, Surface};
use watertight_spec::{Names, Operation, Spec, Symbol, TenantIx, Who};

use super::attempts::{asked_by, attempt, by_attacker, goal, is_plainly_shut, is_tried};
use crate::bracket::{self, Attack, Attempts};
use crate::check::{Check, Concluded, Phase, Subject, Target, Trial, reads};
use crate::shared::{Aim, Named, Place, Words, again, at, each, foreign, own, prepared_object, spells_tenant};
use crate::token::must_name;
use crate::verdict::{Evidence, Shows, Stop};

pub(crate) static NONE: Check = Check {
    id: "api.no-tenant",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-636", "CWE-639"],
    title: "A request that names no tenant",
    does: "Leaves the tenant out of path, query, header, cookie or body, with the attacker's own credential; and uses a credential that \
           names no tenant, where the spec has one, on every read.",
    judges: "Leak: the answer shows the victim's marker, or, to a credential that names no tenant, any tenant's. \
             Isolated: refused (any 4xx) or without data. Unproven: a control fails, the token of such a credential \
             names a tenant, or an attempt got no answer, a 429 or a 5xx.",
    origin: "isolation 7.3; mcp-hangar #312, didacta #57: a missing tenant means the first, or all.",
    fix: "No default tenant: a tenant-scoped path without exactly one tenant is refused.",
    requests: 14,
};

pub(crate) static UNKNOWN: Check = Check {
    id: "api.unknown-tenant",
    surface: Surface::Api,
    severity: Severity::High,
    cwe: &["CWE-636", "CWE-639"],
    title: "A tenant that never existed",
    does: "Lists and reads in the place of a tenant that never existed, with the attacker's own credential, by the \
           attacker's ids and the victim's.",
    judges: "Leak: an answer shows the victim's marker. Advisory: it shows the attacker's own data, so the tenant in \
             the request is ignored. Isolated: refused (any 4xx) or without data.",
    origin: "isolation 7.2, guide 2: a platform must not fall back to a default tenant.",
    fix: "Refuse a tenant that is not the credential's, known or not, in the same way.",
    requests: 10,
};

pub(crate) fn none(spec: &Spec) -> Vec<Trial> {
    let tenants = || spec.tenant_ixs();
    let mut all = each(
        spec,
        &NONE,
        Phase::Main,
        |op| {
            let (is_spelled, is_nameless) =
                (spells_tenant(op), tenants().any(|tenant| !nameless(spec, tenant).is_empty()));
            let ways = [(is_spelled, Target::TenantId), (is_nameless, Target::Credential)];
            ways.into_iter().filter(|(is_there, _)| *is_there && is_tried(spec, op)).map(|(_, target)| target).collect()
        },
        |aim| reads(move |t| again(t, async move || without(t, aim).await)),
    );
    let names = |subject: Subject| subject.operation().is_some_and(|operation| spells_tenant(&spec[operation]));
    all.retain(|trial| !nameless(spec, trial.pair.attacker).is_empty() || names(trial.subject));
    all
}

pub(crate) fn unknown(spec: &Spec) -> Vec<Trial> {
    each(spec, &UNKNOWN, Phase::Main, at(Target::TenantId, |op| is_tried(spec, op) && spells_tenant(op)), |aim| {
        reads(move |t| again(t, async move || stranger(t, aim).await))
    })
}

async fn without(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let open = bracket::open(async || goal(t, op, aim).await).await?;
    let found = open.held();
    let (victim, everyone) = ([aim.victim], t.spec.tenant_ixs().collect::<Vec<_>>());
    let mut attempts: Vec<(Request, &[TenantIx])> = Vec::new();
    let mut all = Attempts::default();
    let own_words = (&found.own, &found.words);
    for asked in tenantless(t, op, &own(t, aim.attacker)?, own_words)? {
        attempts.push((asked, &victim));
    }
    for who in nameless(&t.spec, aim.attacker) {
        match must_name(t, who, None).await {
            Ok(()) => {}
            Err(Stop::Unproven(unproven)) => {
                all.add(Attack::Undecided(unproven));
                continue;
            }
            Err(stop) => return Err(stop),
        }
        let caller = Caller::Own(who);
        for place in [&found.theirs, &found.own] {
            attempts.push((asked_by(t, caller.clone(), op, place, &found.words)?, &everyone));
        }
        for asked in tenantless(t, op, &caller, own_words)? {
            attempts.push((asked, &everyone));
        }
    }
    if !attempts.is_empty() {
        is_plainly_shut(t, op, aim, found).await?;
    }
    if attempts.is_empty() && all.is_empty() {
        return Err(Stop::not_applicable("only the credential names the tenant, and every one names one"));
    }
    for (asked, victims) in attempts {
        all.add(attempt(t, op, asked, victims).await?.outcome);
        if all.is_leak() {
            break;
        }
    }
    open.attack(all.outcome()).close().await
}

/// Credentials of a tenant's that name none.
fn nameless(spec: &Spec, tenant: TenantIx) -> Vec<Who> {
    spec.principals(tenant).filter(|(_, principal)| principal.names == Names::Nothing).map(|(who, _)| who).collect()
}

/// The request without the tenant in one part of it after the other, and then in all.
pub(crate) fn tenantless(
    t: &Tape,
    op: &Operation,
    caller: &Caller,
    (own, words): (&Place, &Words),
) -> Result<Vec<Request>, Stop> {
    let mut all = Vec::new();
    let ways = op.request.ways_holding(|symbol| *symbol == Symbol::Tenant);
    let parts = ways.iter().map(|way| Named::In(*way, own.tenant));
    for named in parts.chain((ways.len() > 1).then_some(Named::Everywhere)) {
        let place = own.clone().spelled(NO_NAME).named_in(named);
        let marked = asked_by(t, caller.clone(), op, &place, words)?;
        all.extend(stripped(marked, own));
    }
    Ok(all)
}

/// What stands for the tenant that is left out: no request holds it, so its places are found again.
const NO_NAME: &str = "\u{0}";

/// Requests without what is marked: in a path an empty segment, no segment, and none before it either.
fn stripped(mut marked: Request, own: &Place) -> Vec<Request> {
    marked.headers.retain_mut(|(_, value)| match value.contains(NO_NAME) {
        true => {
            let kept: Vec<&str> = value.split("; ").filter(|cookie| !cookie.contains(NO_NAME)).collect();
            *value = kept.join("; ");
            !value.is_empty()
        }
        false => true,
    });
    match &mut marked.body {
        Some(Payload::Json(json)) => *json = without_members(json),
        Some(Payload::Form(members)) => members.retain(|(_, value)| !value.contains(NO_NAME)),
        Some(Payload::Multipart(parts)) => parts.retain(|part| !part.text.contains(NO_NAME)),
        Some(Payload::Text { text, .. }) => *text = text.replace(NO_NAME, ""),
        None => {}
    }
    let shown = marked.address.shown();
    if !shown.contains(NO_NAME) {
        return vec![marked];
    }
    let (path, query) = shown.split_once('?').map_or((shown.as_str(), None), |(path, query)| (path, Some(query)));
    let query: Vec<&str> = query.iter().flat_map(|query| query.split('&')).filter(|q| !q.contains(NO_NAME)).collect();
    let mut paths = vec![path.replace(NO_NAME, "")];
    if let Some((before, after)) = path.split_once(&format!("/{NO_NAME}")) {
        paths.push(format!("{before}{after}"));
        if let Some((above, _)) = before.rsplit_once('/') {
            paths.push(format!("{above}{after}"));
        }
    }
    paths.retain(|path| path.starts_with('/') && !path.contains(NO_NAME));
    let joint = if query.is_empty() { "" } else { "?" };
    let addresses = paths.iter().map(|path| format!("{path}{joint}{}", query.join("&")));
    addresses.map(|address| marked.clone().to(with_value(&address, own))).collect()
}

/// The same without members and items that are marked.
fn without_members(json: &Value) -> Value {
    let keeps = |value: &&Value| !value.as_str().is_some_and(|text| text.contains(NO_NAME));
    match json {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(_, value)| keeps(value))
                .map(|(name, value)| (name.clone(), without_members(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().filter(keeps).map(without_members).collect()),
        other => other.clone(),
    }
}

/// A path as an address again, in which the innermost id is a value: a target may have given out a secret as an id.
fn with_value(path: &str, place: &Place) -> Address {
    let id = place.ids.last().map(|(_, id)| id.as_str()).unwrap_or_default();
    match path.rsplit_once(&encode(id)).filter(|_| !id.is_empty()) {
        Some((before, after)) => Address::from(before).value(id).text(after),
        None => Address::from(path),
    }
}

async fn stranger(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let open = bracket::open(async || goal(t, op, aim).await).await?;
    let found = open.held();
    let name = encode(&t.unique());
    let mut places = vec![found.own.clone().spelled(name.clone())];
    if let Some(resource) = op.resource {
        places.push(Place::of(&prepared_object(t, aim.attacker, resource)?).spelled(name));
    }
    places.dedup();
    let mut all = Attempts::default();
    for place in places {
        let tried = attempt(t, op, by_attacker(t, op, aim, &place, &found.words)?, &[aim.victim]).await?;
        let line = "the tenant in the request is ignored: the caller is shown its own data";
        all.add(match tried.outcome {
            Attack::Withstood if foreign(t, &tried.last, aim.attacker).is_some() => {
                Attack::Weak(Evidence::of(Shows::Weakness, line, &tried.last))
            }
            other => other,
        });
        if all.is_leak() {
            break;
        }
    }
    open.attack(all.outcome()).close().await
}

#[cfg(test)]
mod tests {
    use watertight_spec::ObjectId;

    use super::*;

    #[test]
    fn an_id_is_a_value_again_in_a_path_from_which_the_tenant_was_cut() {
        let tenant = serde_json::from_str("0").unwrap();
        let resource = serde_json::from_str("0").unwrap();
        let at = |id: &str| Place::within(tenant, &[(resource, ObjectId::text(id))]);
        assert_eq!(with_value("/cases/a%2Fb?x=1", &at("a/b")), Address::from("/cases/").value("a/b").text("?x=1"));
        assert_eq!(with_value("/cases?x=1", &at("a/b")), Address::from("/cases?x=1"));
        assert_eq!(with_value("/v7/cases/7", &at("7")).shown(), "/v7/cases/7");
    }

    #[test]
    fn the_tenant_is_left_out_of_the_part_that_holds_its_mark() {
        let tenant: TenantIx = serde_json::from_str("0").unwrap();
        let bare = |address: &str| Request::read(Caller::Anonymous, tenant, "GET", address);
        let left = |request: Request| stripped(request, &Place::within(tenant, &[]));
        let paths = |address: &str| left(bare(address)).iter().map(|one| one.address.shown()).collect::<Vec<_>>();
        assert_eq!(paths("/tenants/\u{0}/cases?a=1"), ["/tenants//cases?a=1", "/tenants/cases?a=1", "/cases?a=1"]);
        assert_eq!(paths("/cases?a=1&org=\u{0}"), ["/cases?a=1"]);
        assert_eq!(paths("/cases?org=\u{0}"), ["/cases"]);
        let headers = bare("/cases").header("x-org", "\u{0}").header("cookie", "org=\u{0}; a=1");
        assert_eq!(left(headers)[0].headers, [("cookie".to_owned(), "a=1".to_owned())]);
        let body = serde_json::json!({ "org": "\u{0}", "of": { "org": "\u{0}", "title": 1 }, "ids": ["\u{0}", "y"] });
        let json = left(bare("/cases").bringing(Some(Payload::Json(body))));
        assert_eq!(json[0].body, Some(Payload::Json(serde_json::json!({ "of": { "title": 1 }, "ids": ["y"] }))));
    }
}
