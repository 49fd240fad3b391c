//! `api.body-tenant-create` and `api.body-tenant-update`

use serde_json::Value;
use watertight_engine::call::{Part, Payload, Request};
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{IdSource, Operation, ResourceIx, Role, Spec, TenantIx};

use super::attempts::{let_in_or_refused, or_undecided};
use super::creating::{arrives, can_list};
use crate::bracket::{self, Attack, Attempts};
use crate::check::{Check, Concluded, Phase, Target, Trial, writes};
use crate::shared::{
    Aim, Made, Place, Tells, Words, again, at, each, fresh_parents, is_page, leak, make, operation_of, own, plant,
    poll, prepared_object, read, remove, remove_if_written, request, succeed_or_lead_on, tenant_name,
};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(crate) static CREATE: Check = Check {
    id: "api.body-tenant-create",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-915", "CWE-639"],
    title: "The victim named in the body of a create",
    does: "Creates in the attacker's own place with each of tenancy.fields set to the victim's tenant.",
    judges: "Leak: the object turns up with the victim, or is lost to the attacker who made it. Isolated: refused \
             (any 4xx), or it stays the attacker's. Unproven: a control fails, the answer is no refusal, or the victim's list can't be read to its end.",
    origin: "isolation 16: the tenant of a new object comes from the context, never from the body. OWASP API3:2023.",
    fix: "Set the tenant from the scope of the request; refuse or drop one that the body brings.",
    requests: 15,
};

pub(crate) static UPDATE: Check = Check {
    id: "api.body-tenant-update",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-915", "CWE-639"],
    title: "The victim named in the body of an update",
    does: "Changes an object of the attacker's own, with each of tenancy.fields set to the victim's tenant.",
    judges: "Leak: the object turns up with the victim, or is lost to the attacker. Isolated: refused (any 4xx), or it \
             stays the attacker's. Unproven: a control fails, the answer is no refusal, or the victim's list can't be read to its end.",
    origin: "isolation 17; a record moved to another tenant by an update. OWASP API3:2023.",
    fix: "The tenant of an object never changes: leave it out of what an update may set.",
    requests: 20,
};

pub(crate) fn creates(spec: &Spec) -> Vec<Trial> {
    let has_fields = !spec.tenancy.fields.is_empty();
    let fits = |op: &Operation| has_fields && op.role == Role::Create;
    each(spec, &CREATE, Phase::Main, at(Target::Members, fits), |aim| {
        writes(move |w| again(w.tape(), async move || create(w, aim).await))
    })
}

pub(crate) fn updates(spec: &Spec) -> Vec<Trial> {
    let has_fields = !spec.tenancy.fields.is_empty();
    let fits = |op: &Operation| has_fields && matches!(op.role, Role::Patch | Role::Replace);
    each(spec, &UPDATE, Phase::Main, at(Target::Members, fits), |aim| {
        writes(move |w| again(w.tape(), async move || update(w, aim).await))
    })
}

async fn create(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let t = w.tape();
    let (op, resource) = concerned(t, aim)?;
    // An object that shows that the victim would see another one.
    let theirs = prepared_object(t, aim.victim, resource)?;
    let open = bracket::open(async || can_list(t, &theirs).await).await?;
    // Without the field it works, and what was made can be read.
    let (plain, tells) = make(w, aim.attacker, resource).await?;
    read(t, &plain).await?;
    remove(w, &plain).await?;
    let mut attempts = Attempts::default();
    for field in &t.spec.tenancy.fields {
        let parents = fresh_parents(w, aim.attacker, resource).await?;
        let chosen = t.unique();
        let place = Place::within(aim.attacker, &parents).and(resource, chosen.clone());
        let nonce = t.nonce(aim.attacker);
        let asked = request(t, own(t, aim.attacker)?, op, &place, &Words::nonce(&nonce))?;
        let answer = t.send(naming(&t.spec, asked, field, aim.victim, &nonce)?).await;
        let told = match answer.lets_in() {
            true => {
                let made = Made { tenant: aim.attacker, resource, parents: &parents, words: &[&nonce] };
                made.id(t, tells, &answer).await?
            }
            false => None,
        };
        let is_for_people = is_page(&answer) || answer.leads_on();
        if told.is_none() && t.spec[resource].ids == IdSource::Server && (tells == Tells::InAnswer || is_for_people) {
            attempts.add(or_undecided(unmade(w, &theirs, &answer, &nonce, tells).await)?);
            continue;
        }
        let id = told.unwrap_or(chosen.into());
        let made = Object { tenant: aim.attacker, parents: parents.clone(), id, ..theirs.clone() };
        attempts.add(or_undecided(judge(w, aim, &theirs, &made, &answer, &nonce).await)?);
        if attempts.is_leak() {
            break;
        }
        if answer.lets_in() {
            remove_if_written(w, &made, &nonce).await?;
        }
    }
    open.attack(attempts.outcome()).close().await
}

async fn update(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let t = w.tape();
    let (op, resource) = concerned(t, aim)?;
    let theirs = prepared_object(t, aim.victim, resource)?;
    let open = bracket::open(async || can_list(t, &theirs).await).await?;
    update_plainly(w, op, aim.attacker, resource).await?;
    let mut attempts = Attempts::default();
    for field in &t.spec.tenancy.fields {
        let mine = plant(w, aim.attacker, resource).await?;
        read(t, &mine).await?;
        let nonce = t.nonce(aim.attacker);
        let asked = request(t, own(t, aim.attacker)?, op, &Place::of(&mine), &Words::nonce(&nonce))?;
        let answer = t.send(naming(&t.spec, asked, field, aim.victim, &nonce)?).await;
        attempts.add(or_undecided(judge(w, aim, &theirs, &mine, &answer, &nonce).await)?);
        if attempts.is_leak() {
            break;
        }
        remove(w, &mine).await?;
    }
    open.attack(attempts.outcome()).close().await
}

/// The operation and its resource.
fn concerned(t: &Tape, aim: Aim) -> Result<(&Operation, ResourceIx), Stop> {
    let op = aim.op(t);
    Ok((op, op.resource.ok_or_else(|| Stop::not_applicable("it concerns no object"))?))
}

/// Without the field the update succeeds, and what it wrote can be read: a refusal of it is due to the field.
async fn update_plainly(w: WriteTape<'_>, op: &Operation, tenant: TenantIx, resource: ResourceIx) -> Result<(), Stop> {
    let t = w.tape();
    let plain = plant(w, tenant, resource).await?;
    let nonce = t.nonce(tenant);
    let asked = request(t, own(t, tenant)?, op, &Place::of(&plain), &Words::nonce(&nonce))?;
    let writes_nonce = asked.body.as_ref().is_some_and(|body| body.mentions(&nonce));
    let updated = succeed_or_lead_on(t, asked, tenant).await?;
    let unseen = || Unproven::shown(Reason::EffectUnseen, "a plain update shows no effect", &updated);
    let reading = operation_of(&t.spec, resource, Role::Read).filter(|_| writes_nonce);
    if reading.is_none() && updated.leads_on() {
        return Err(unseen().into());
    }
    if let Some(read) = reading {
        let asked = request(t, own(t, tenant)?, read, &Place::of(&plain), &Words::default())?;
        let shown = poll(t, async || Ok(t.send(asked.clone()).await.mentions(&nonce).then_some(()))).await?;
        shown.ok_or_else(unseen)?;
    }
    remove(w, &plain).await
}

/// The request with a member of its body that names the victim: the one that is there, else beside what the request writes.
fn naming(spec: &Spec, asked: Request, field: &str, victim: TenantIx, nonce: &str) -> Result<Request, Stop> {
    let asked = asked.reaching(victim);
    let victim = tenant_name(spec, victim).to_owned();
    let mut body = match asked.body.clone() {
        Some(Payload::Json(body)) => body,
        Some(Payload::Form(mut members)) => {
            members.retain(|(name, _)| name != field);
            members.push((field.to_owned(), victim));
            return Ok(asked.bringing(Some(Payload::Form(members))).crossing());
        }
        Some(Payload::Multipart(mut parts)) => {
            parts.retain(|part| part.name != field);
            parts.push(Part { name: field.to_owned(), file: None, text: victim });
            return Ok(asked.bringing(Some(Payload::Multipart(parts))).crossing());
        }
        Some(Payload::Text { .. }) => return Err(Stop::not_applicable("the body is a text")),
        None => Value::Object(serde_json::Map::new()),
    };
    let name = Value::String(victim);
    if !replace(&mut body, field, &name) && !insert_beside(&mut body, nonce, field, &name) {
        let Value::Object(members) = &mut body else {
            return Err(Stop::not_applicable("the body is no object"));
        };
        // Where the object is wrapped: `{ "data": { … } }`.
        let wrapped = members.len() == 1;
        match members.values_mut().next() {
            Some(Value::Object(inner)) if wrapped => drop(inner.insert(field.to_owned(), name)),
            _ => drop(members.insert(field.to_owned(), name)),
        }
    }
    Ok(asked.bringing(Some(Payload::Json(body))).crossing())
}

/// Whether there are members of that name, which then have that value.
fn replace(json: &mut Value, field: &str, value: &Value) -> bool {
    match json {
        Value::Object(members) => {
            let mut is_there = false;
            for (name, inner) in members {
                match name == field {
                    true => *inner = value.clone(),
                    false if !replace(inner, field, value) => continue,
                    false => {}
                }
                is_there = true;
            }
            is_there
        }
        Value::Array(items) => {
            items.iter_mut().filter_map(|item| replace(item, field, value).then_some(())).count() > 0
        }
        _ => false,
    }
}

/// Whether there are objects that hold that text, in which there then is that member: `attributes` of JSON:API, an input among
/// the variables of GraphQL.
fn insert_beside(json: &mut Value, text: &str, field: &str, value: &Value) -> bool {
    match json {
        Value::Object(members) => {
            let holds = |member: &Value| member.as_str().is_some_and(|member| member.contains(text));
            let is_here = members.values().any(holds);
            let below =
                members.values_mut().filter_map(|one| insert_beside(one, text, field, value).then_some(())).count();
            if is_here {
                members.insert(field.to_owned(), value.clone());
            }
            is_here || below > 0
        }
        Value::Array(items) => {
            items.iter_mut().filter_map(|one| insert_beside(one, text, field, value).then_some(())).count() > 0
        }
        _ => false,
    }
}

/// What it means that the attacker is not told of anything made.
async fn unmade(
    w: WriteTape<'_>,
    theirs: &Object,
    answer: &Exchange,
    nonce: &str,
    tells: Tells,
) -> Result<Attack, Stop> {
    if let Some(evidence) = leak(&w, answer, theirs.tenant) {
        return Ok(Attack::Leaked(evidence));
    }
    let unseen = || Unproven::shown(Reason::EffectUnseen, "succeeded, and no list shows what it made", answer);
    let rest = match tells {
        _ if !answer.lets_in() => let_in_or_refused(answer),
        // The answer to a plain create names what it made.
        Tells::InAnswer => Attack::Withstood,
        Tells::InList => Attack::Undecided(unseen()),
    };
    arrives(w, theirs, answer, nonce, None).await?.or(async { Ok(rest) }).await
}

/// Whether what the attacker made or changed is with the victim now, or is lost to the attacker.
async fn judge(
    w: WriteTape<'_>,
    aim: Aim,
    theirs: &Object,
    mine: &Object,
    answer: &Exchange,
    nonce: &str,
) -> Result<Attack, Stop> {
    let t = w.tape();
    if let Some(evidence) = leak(t, answer, aim.victim) {
        return Ok(Attack::Leaked(evidence));
    }
    arrives(w, theirs, answer, nonce, Some(&mine.id)).await?.or(kept(t, aim, mine, answer, nonce)).await
}

/// Whether the attacker still has what it made or changed.
async fn kept(t: &Tape, aim: Aim, mine: &Object, answer: &Exchange, nonce: &str) -> Result<Attack, Stop> {
    if !answer.lets_in() {
        return Ok(let_in_or_refused(answer));
    }
    let Some(op) = operation_of(&t.spec, mine.resource, Role::Read) else { return Ok(Attack::Withstood) };
    let asked = request(t, own(t, aim.attacker)?, op, &Place::of(mine), &Words::default())?;
    let mut last = None;
    let kept = poll(t, async || {
        let seen = t.send(asked.clone()).await;
        let is_kept = seen.succeeded() && (seen.mentions(nonce) || seen.shows(aim.attacker));
        last = Some(seen);
        Ok(is_kept.then_some(()))
    })
    .await?;
    let line = "naming the victim in the body took the object out of the attacker's tenant";
    Ok(match (kept, last) {
        (Some(()), _) | (None, None) => Attack::Withstood,
        (None, Some(seen)) if matches!(seen.status(), Some(403 | 404 | 410)) => Attack::Leaked(
            Evidence::of(Shows::ForeignLink, line, answer)
                .with("the attacker can't find its own object any more", &seen),
        ),
        (None, Some(seen)) => Attack::Undecided(Unproven::undecided(&seen)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(mut body: Value) -> Value {
        if !replace(&mut body, "org", &"B".into()) {
            insert_beside(&mut body, "x1", "org", &"B".into());
        }
        body
    }

    #[test]
    fn the_tenant_is_named_where_the_request_writes() {
        let input = json!({ "query": "mutation { x1 }", "variables": { "input": { "name": "x1", "tags": ["t"] } } });
        assert_eq!(named(input)["variables"]["input"], json!({ "name": "x1", "tags": ["t"], "org": "B" }));
        let document = json!({ "data": { "type": "a", "attributes": { "title": "x1" } } });
        assert_eq!(named(document), json!({ "data": { "type": "a", "attributes": { "title": "x1", "org": "B" } } }));
        let given = json!({ "title": "x1", "owner": { "org": "A" } });
        assert_eq!(named(given), json!({ "title": "x1", "owner": { "org": "B" } }));
    }
}
