//! `api.body-tenant-create` and `api.body-tenant-update`

use serde_json::Value;
use watertight_model::{Severity, Surface};
use watertight_spec::{Operation, Role, Spec};

use super::creating::{arrives, can_list};
use super::knock::doubt;
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::{
    Aim, Place, Words, each, id_in, leak, operation_of, own, parents_for, plant, poll, read, remove, remove_if_written,
    request, standing, succeed, tenant_name,
};
use crate::judge::{Evidence, Verdict};
use crate::request::{Intent, Request};
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::Object;

pub(crate) static CREATE: About = About {
    id: "api.body-tenant-create",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-915", "CWE-639"],
    title: "The victim named in the body of a create",
    does: "Creates in the attacker's own place with each of tenancy.fields set to the victim's tenant.",
    judges: "Leak: the object turns up with the victim, or is lost to the attacker who made it. Isolated: refused \
             (any 4xx), or it stays the attacker's. Unproven: a control fails, or the answer is no refusal.",
    origin: "Seed 16: the tenant of a new object comes from the context, never from the body. OWASP API3:2023.",
    mend: "Set the tenant from the scope of the request; refuse or drop one that the body brings.",
};

pub(crate) static UPDATE: About = About {
    id: "api.body-tenant-update",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-915", "CWE-639"],
    title: "The victim named in the body of an update",
    does: "Changes an object of the attacker's own, with each of tenancy.fields set to the victim's tenant.",
    judges: "Leak: the object turns up with the victim, or is lost to the attacker. Isolated: refused (any 4xx), or it \
             stays the attacker's. Unproven: a control fails, or the answer is no refusal.",
    origin: "Seed 17; a record moved to another tenant by an update. OWASP API3:2023.",
    mend: "The tenant of an object never changes: leave it out of what an update may set.",
};

pub(crate) fn creates(spec: &Spec) -> Vec<Check> {
    let has_fields = !spec.tenancy.fields.is_empty();
    each(spec, &CREATE, Phase::Main, create, |op| has_fields && op.role == Role::Create, |_| Sends::Writes)
}

pub(crate) fn updates(spec: &Spec) -> Vec<Check> {
    let has_fields = !spec.tenancy.fields.is_empty();
    let fits = |op: &Operation| has_fields && matches!(op.role, Role::Patch | Role::Replace);
    each(spec, &UPDATE, Phase::Main, update, fits, |_| Sends::Writes)
}

fn create(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let (op, resource, theirs) = setting(t, aim)?;
    // Without the field it works, and what was made can be read.
    let plain = plant(t, aim.attacker, resource)?;
    read(t, &plain)?;
    remove(t, &plain)?;
    let parents = parents_for(t, aim.attacker, resource)?;
    let mut doubtful = None;
    for field in &t.spec.tenancy.fields {
        let chosen = t.unique();
        let place = Place::within(aim.attacker, &parents).and(resource, &chosen);
        let nonce = t.nonce(aim.attacker);
        let asked = request(t, own(t, aim.attacker)?, op, &place, &Words::nonce(&nonce))?;
        let answer = t.send(naming(t, asked, field, aim.victim)?)?;
        let told = t.spec.resources.get(resource).filter(|_| answer.succeeded()).and_then(|r| id_in(r, answer));
        let id = told.unwrap_or(chosen);
        let made = Object { tenant: aim.attacker, parents: parents.clone(), id, ..theirs.clone() };
        match judge(t, aim, &theirs, &made, answer, &nonce)? {
            Some(verdict @ Verdict::Leak(_)) => return Ok(verdict),
            other => doubtful = doubtful.or(other),
        }
        if answer.succeeded() {
            remove_if_written(t, &made, &nonce)?;
        }
    }
    can_list(t, &theirs)?;
    Ok(doubtful.unwrap_or(Verdict::Isolated))
}

fn update(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let (op, resource, theirs) = setting(t, aim)?;
    update_plainly(t, op, aim.attacker, resource)?;
    let mut doubtful = None;
    for field in &t.spec.tenancy.fields {
        let mine = plant(t, aim.attacker, resource)?;
        read(t, &mine)?;
        let nonce = t.nonce(aim.attacker);
        let asked = request(t, own(t, aim.attacker)?, op, &Place::of(&mine), &Words::nonce(&nonce))?;
        let answer = t.send(naming(t, asked, field, aim.victim)?)?;
        match judge(t, aim, &theirs, &mine, answer, &nonce)? {
            Some(verdict @ Verdict::Leak(_)) => return Ok(verdict),
            other => doubtful = doubtful.or(other),
        }
        remove(t, &mine)?;
    }
    can_list(t, &theirs)?;
    Ok(doubtful.unwrap_or(Verdict::Isolated))
}

/// Without the field the update succeeds, and what it wrote can be read: a refusal of it is due to the field.
fn update_plainly(t: &Tape<'_>, op: &Operation, tenant: usize, resource: usize) -> Result<(), Halt> {
    let plain = plant(t, tenant, resource)?;
    let nonce = t.nonce(tenant);
    let asked = request(t, own(t, tenant)?, op, &Place::of(&plain), &Words::nonce(&nonce))?;
    let writes_nonce = asked.body.as_ref().is_some_and(|body| body.to_string().contains(&nonce));
    let updated = succeed(t, asked, tenant)?;
    if let Some(read) = operation_of(t.spec, resource, Role::Read).filter(|_| writes_nonce) {
        let asked = request(t, own(t, tenant)?, read, &Place::of(&plain), &Words::default())?;
        poll(t, || Ok(t.send(asked.clone())?.mentions(&nonce).then_some(())))?
            .ok_or_else(|| Halt::Unproven(format!("a plain update shows no effect: {}", updated.line())))?;
    }
    remove(t, &plain)
}

/// The operation, its resource, and an object that shows that the victim would see another one.
fn setting<'t>(t: &Tape<'t>, aim: Aim) -> Result<(&'t Operation, usize, Object), Halt> {
    let op = aim.op(t)?;
    let resource = op.resource.ok_or_else(|| Halt::NotApplicable("it concerns no object".into()))?;
    let theirs = standing(t, aim.victim, resource)?;
    can_list(t, &theirs)?;
    Ok((op, resource, theirs))
}

/// The request with a member of its body that names the victim.
fn naming(t: &Tape<'_>, asked: Request, field: &str, victim: usize) -> Result<Request, Halt> {
    let mut body = asked.body.clone().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let Value::Object(members) = &mut body else {
        return Err(Halt::NotApplicable("the body is no object".into()));
    };
    let name = Value::String(tenant_name(t.spec, victim)?.to_owned());
    // Beside the members that hold the object, where it is wrapped: `{ "data": { … } }`.
    let wrapped = members.len() == 1;
    match members.values_mut().next() {
        Some(Value::Object(inner)) if wrapped => drop(inner.insert(field.to_owned(), name)),
        _ => drop(members.insert(field.to_owned(), name)),
    }
    Ok(Request { intent: Intent::Across, body: Some(body), ..asked })
}

fn judge(
    t: &Tape<'_>,
    aim: Aim,
    theirs: &Object,
    mine: &Object,
    answer: &Exchange,
    nonce: &str,
) -> Result<Option<Verdict>, Halt> {
    if let Some(verdict) = leak(t, answer, aim.victim) {
        return Ok(Some(verdict));
    }
    if let Some(verdict) = arrives(t, theirs, answer, nonce, Some(&mine.id))? {
        return Ok(Some(verdict));
    }
    if !answer.succeeded() {
        return Ok(doubt(answer));
    }
    let Some(op) = operation_of(t.spec, mine.resource, Role::Read) else { return Ok(None) };
    let mut last = None;
    let kept = poll(t, || {
        let seen = t.send(request(t, own(t, aim.attacker)?, op, &Place::of(mine), &Words::default())?)?;
        last = Some(seen);
        Ok((seen.succeeded() && (seen.mentions(nonce) || seen.shows(aim.attacker))).then_some(()))
    })?;
    Ok(match (kept, last) {
        (Some(()), _) | (None, None) => None,
        (None, Some(seen)) if matches!(seen.status(), Some(403 | 404 | 410)) => Some(Verdict::Leak(
            Evidence::of("naming the victim in the body took the object out of the attacker's tenant", answer)
                .with("the attacker can't find its own object any more", seen),
        )),
        (None, Some(seen)) => Some(Verdict::Unproven(crate::judge::why_undecided(seen))),
    })
}
