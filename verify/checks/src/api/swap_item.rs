//! `api.swap-item`

use serde_json::Value;
use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, ObjectId, Operation, ResourceIx, Role, Spec, Symbol};

use super::reading::{Found, looking_for, opens, read_across, sees};
use super::writing::{Where, in_own_place, write_across};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Trial, plants, writes};
use crate::shared::{
    Aim, Features, Nowhere, Place, again, are_alike, clear_below, each, is_creatable, is_taken, own, parent_of, plant,
    plant_under, prepared_object, remove, request, says_nothing, tries,
};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven, Verdict};

pub(crate) static CHECK: Check = Check {
    id: "api.swap-item",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-639"],
    title: "The victim's object id in the attacker's own place",
    does: "Reads, replaces, changes, deletes and lists below the victim's objects by their ids, in the attacker's own \
           tenant, with the attacker's own credential; an object with a parent is tried below the attacker's \
           parent and below the victim's. Ids that the attacker also has are skipped.",
    judges: "Leak: the victim's marker, or a third tenant's, is in the answer, or the answer is the victim's word for \
             word where nothing marks it, or the victim finds its object changed or gone. Isolated: denied, whatever the \
             status (the answer says what it says of an id that never existed), or the target made an object of the \
             attacker's own at that id (an upsert), and the victim's is untouched. Unproven: a control fails, or the \
             answer is no denial.",
    origin: "isolation 17, 18.1: loading a record by its id alone. CVE-2026-94215.",
    fix: "Load by tenant and id together; let the database refuse what lacks the tenant.",
    requests: 12,
};

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    let names_object = |op: &Operation| {
        let object = op.resource.is_some_and(|resource| op.request.mentions(&Symbol::Object(resource)));
        match op.role {
            Role::Read | Role::Replace | Role::Patch | Role::Delete | Role::Custom => object,
            Role::List | Role::Search | Role::Count => is_nested(spec, op),
            Role::Create => false,
        }
    };
    each(spec, &CHECK, Phase::Main, names_object, |aim| {
        let op = &spec[aim.operation];
        match op.effect {
            Effect::Create | Effect::Change | Effect::Destroy if !is_many(op) => {
                writes(move |w| again(w.tape(), async move || write(w, aim).await))
            }
            _ => plants(move |t| again(t, async move || read(t, aim).await)),
        }
    })
}

/// Whether it answers for all objects below a parent, not for one.
fn is_many(op: &Operation) -> bool {
    matches!(op.role, Role::List | Role::Search | Role::Count)
}

/// Whether it names an object above the one that it concerns.
fn is_nested(spec: &Spec, op: &Operation) -> bool {
    parent_of(spec, op).is_some_and(|parent| op.request.mentions(&Symbol::Object(parent)))
}

async fn read(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let resource = concerned(op)?;
    if is_many(op) {
        return below_foreign_parent(t, op, aim, resource).await;
    }
    let below_own = read_foreign(t, op, aim, resource).await?;
    if !is_nested(&t.spec, op) || !is_isolated(&below_own) {
        return Ok(below_own);
    }
    // A target may find the object by its parent alone: so also with both ids of the victim's.
    or_else(read_below_theirs(t, op, aim, resource).await, below_own)
}

async fn write(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let op = aim.op(w.tape());
    let resource = concerned(op)?;
    let below_own = write_across(w, op, aim.pair(), resource, Where::Own).await?;
    if !is_nested(&w.spec, op) || !is_isolated(&below_own) {
        return Ok(below_own);
    }
    or_else(write_across(w, op, aim.pair(), resource, Where::BelowTheirs).await, below_own)
}

fn concerned(op: &Operation) -> Result<ResourceIx, Stop> {
    op.resource.ok_or_else(|| Stop::not_applicable("it concerns no object"))
}

fn is_isolated(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Isolated(_))
}

/// Where no parent may be made, there is none whose id is sure to be the victim's alone: what was found before holds.
fn or_else(below_theirs: Concluded, below_own: Verdict) -> Concluded {
    match below_theirs {
        Err(Stop::NotApplicable(_)) => Ok(below_own),
        decided => decided,
    }
}

async fn read_foreign(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    // At least one, or why there is none.
    prepared_object(t, aim.victim, resource)?;
    let place_of = |object: &Object| in_own_place(t, aim.attacker, object);
    for object in t.planted.of(aim.victim, resource) {
        if let Some(verdict) = pair(t, op, aim, object, &place_of(object)).await? {
            return Ok(verdict);
        }
    }
    if let Some(w) = t.writing().filter(|_| is_creatable(&t.spec, resource)) {
        for _ in 0..tries(t, aim.pair()) {
            let object = plant(w, aim.victim, resource).await?;
            let verdict = pair(t, op, aim, &object, &place_of(&object)).await?;
            remove(w, &object).await?;
            if let Some(verdict) = verdict {
                return Ok(verdict);
            }
        }
    }
    Err(taken())
}

async fn read_below_theirs(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    let Some(w) = t.writing() else { return Err(Stop::not_applicable("no parent may be made")) };
    let (above, object) = clear_below(w, aim.pair(), resource).await?;
    let verdict = pair(t, op, aim, &object, &Place::of(&object).in_tenant(aim.attacker)).await?;
    remove(w, &object).await?;
    remove(w, &above).await?;
    verdict.ok_or_else(taken)
}

async fn below_foreign_parent(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    let Some(parent) = parent_of(&t.spec, op) else { return Err(Stop::not_applicable("it has no parent")) };
    let place_of = |child: &Object| Place::within(aim.attacker, &child.parents);
    let child = prepared_object(t, aim.victim, resource)?;
    if let Some(verdict) = pair(t, op, aim, &child, &place_of(&child)).await? {
        return Ok(verdict);
    }
    let can_make = is_creatable(&t.spec, parent) && is_creatable(&t.spec, resource);
    if let Some(w) = t.writing().filter(|_| can_make) {
        for _ in 0..tries(t, aim.pair()) {
            let above = plant(w, aim.victim, parent).await?;
            let child = plant_under(w, aim.victim, resource, &Place::of(&above).ids).await?;
            let verdict = pair(t, op, aim, &child, &place_of(&child)).await?;
            remove(w, &child).await?;
            remove(w, &above).await?;
            if let Some(verdict) = verdict {
                return Ok(verdict);
            }
        }
    }
    Err(taken())
}

fn taken() -> Stop {
    Unproven::new(Reason::IdTaken, "every id of the victim that was tried is also an id of the attacker's").into()
}

/// The pair for one object; `None` where the attacker has an object of its own at that id.
async fn pair(t: &Tape, op: &Operation, aim: Aim, object: &Object, place: &Place) -> Result<Option<Verdict>, Stop> {
    let by_owner = request(t, own(t, object.tenant)?, op, &Place::of(object), &looking_for(object))?;
    let control = async || match op.role {
        // With or without a marker in the answer.
        Role::Count | Role::Custom => {
            let answer = t.send(by_owner.clone()).await;
            opens(&answer, "the owner's own request failed")
        }
        _ => sees(t, op, &by_owner, object).await,
    };
    let open = bracket::open(control).await?;
    let across = request(t, own(t, aim.attacker)?, op, place, &looking_for(object))?.crossing();
    let outcome = match read_across(t, op, across, aim.pair()).await {
        Found::Leaked(evidence) => Attack::Leaked(evidence),
        Found::Denied => Attack::Withstood,
        Found::Empty(answer) if is_bare_list(op, &answer) && !is_below_own(t, op, aim, object, place).await? => {
            Attack::Withstood
        }
        Found::Empty(answer) => match without_marker(t, op, aim, object, place, &by_owner, &answer).await? {
            Some(attack) => attack,
            None => return Ok(None),
        },
        Found::Unclear(unproven) => Attack::Undecided(unproven),
    };
    open.attack(outcome).close().await.map(Some)
}

/// What a success means that shows no marker of the victim's: no more than of an id that never existed, or the victim's own
/// answer. None where the attacker may have an object of its own there.
async fn without_marker(
    t: &Tape,
    op: &Operation,
    aim: Aim,
    object: &Object,
    place: &Place,
    by_owner: &Request,
    seen: &Seen,
) -> Result<Option<Attack>, Stop> {
    let words = looking_for(object);
    let ask = |place: &Place| Ok(request(t, own(t, aim.attacker)?, op, place, &words)?.crossing());
    let Some(named) = named_by(op, object) else { return Ok(None) };
    if says_nothing(t, op, ask, place, Nowhere::instead_of(t, place, named), seen).await? {
        return Ok(Some(Attack::Withstood));
    }
    if is_many(op) || op.role == Role::Read || is_taken(t, aim.attacker, place, object).await? {
        return Ok(None);
    }
    let again = t.send(ask(place)?).await;
    let (theirs, once_more) = (t.send(by_owner.clone()).await, t.send(by_owner.clone()).await);
    // With the name of its tenant as it is, or as an echo of what each sent.
    let is_alike = |sent: &dyn Fn(&Place) -> Vec<String>| {
        let of = |answers: [&Exchange; 2], at: &Place| answers.map(|answer| Features::of(answer, &sent(at)));
        are_alike(&of([seen, &again], place), &of([&theirs, &once_more], &Place::of(object)))
    };
    let is_theirs = is_alike(&Place::sent_ids) || is_alike(&|at| at.sent(&t.spec, op));
    Ok(Some(match is_theirs && theirs.succeeded() {
        true => Attack::Leaked(
            Evidence::of(Shows::ForeignData, "the attacker was given the victim's answer, word for word", seen)
                .with("the victim's own", &theirs),
        ),
        false => Attack::Undecided(Unproven::shown(
            Reason::EffectUnseen,
            "succeeded, but it is not clear whose data it is",
            seen,
        )),
    }))
}

/// The object that a request names: of a list, the one that it is below.
fn named_by<'o>(op: &Operation, object: &'o Object) -> Option<(ResourceIx, &'o ObjectId)> {
    match is_many(op) {
        true => object.parents.last().map(|(resource, id)| (*resource, id)),
        false => Some((object.resource, &object.id)),
    }
}

/// Whether the attacker has a parent of its own at the id of the victim's: then an empty list is that parent's, and says
/// nothing about the victim's.
async fn is_below_own(t: &Tape, op: &Operation, aim: Aim, child: &Object, place: &Place) -> Result<bool, Stop> {
    let Some(at) = parent_of(&t.spec, op).and_then(|parent| child.parents.iter().position(|(one, _)| *one == parent))
    else {
        return Ok(false);
    };
    let (above, rest) = child.parents.split_at(at);
    let Some((resource, id)) = rest.first() else { return Ok(false) };
    let parent = Object { resource: *resource, id: id.clone(), parents: above.to_vec(), ..child.clone() };
    is_taken(t, aim.attacker, place, &parent).await
}

/// A list without a single value holds nothing of anyone's.
fn is_bare_list(op: &Operation, answer: &Exchange) -> bool {
    op.role == Role::List && answer.json().is_some_and(is_bare)
}

fn is_bare(json: &Value) -> bool {
    let lists: Vec<&Vec<Value>> = match json {
        Value::Array(items) => vec![items],
        Value::Object(members) => members.values().filter_map(Value::as_array).collect(),
        _ => vec![],
    };
    !lists.is_empty() && lists.iter().all(|items| items.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_list_of_errors_does_not_make_a_list_bare() {
        assert!(!is_bare(&json!({ "items": [{ "id": 5 }], "errors": [] })));
        assert!(!is_bare(&json!({ "total": 0 })));
        assert!(is_bare(&json!({ "items": [], "errors": [] })));
        assert!(is_bare(&json!([])));
    }
}
