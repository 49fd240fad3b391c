//! `api.swap-item`

use serde_json::Value;
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, Role, Spec, Symbol};

use super::reading::{Attempt, attempt, looking_for, sees};
use super::writing::{Where, in_own_place, strike};
use crate::check::{About, Check, Phase};
use crate::checks::kit::{
    Aim, Place, clear_below, each, is_creatable, own, plant, plant_under, remove, request, sends, standing,
};
use crate::judge::{self, Answer, Verdict};
use crate::request::Intent;
use crate::tape::{Halt, Tape};
use crate::world::Object;

pub(crate) static ABOUT: About = About {
    id: "api.swap-item",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-639"],
    title: "The victim's object id in the attacker's own place",
    does: "Reads, replaces, changes, deletes and lists below the victim's objects by their ids, in the attacker's own \
           tenant, with the attacker's own credential; what has a parent both below the attacker's own and below the \
           victim's. Ids that the attacker has as well are passed over.",
    judges: "Leak: the victim's marker is in the answer, or the victim finds its object changed or gone. Isolated: \
             denied, or the target made an object of the attacker's own at that id (an upsert), and the victim's is \
             untouched. Unproven: a control fails, or the answer is no denial.",
    origin: "Seed 17, 18.1: loading a record by its id alone. CVE-2026-94215.",
    mend: "Load by tenant and id together; let the database refuse what lacks the tenant.",
};

pub(crate) fn instances(spec: &Spec) -> Vec<Check> {
    let names_object = |op: &Operation| {
        let object = op.resource.is_some_and(|r| op.request.path.mentions(&Symbol::Object(r)));
        let parent = parent_of(spec, op).is_some_and(|r| op.request.path.mentions(&Symbol::Object(r)));
        match op.role {
            Role::Read | Role::Replace | Role::Patch | Role::Delete | Role::Custom => object,
            Role::List | Role::Search | Role::Count => parent,
            Role::Create => false,
        }
    };
    each(spec, &ABOUT, Phase::Main, probe, names_object, sends)
}

fn parent_of(spec: &Spec, op: &Operation) -> Option<usize> {
    spec.resources.get(op.resource?)?.parent
}

fn probe(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let Some(resource) = op.resource else { return Err(Halt::NotApplicable("it concerns no object".into())) };
    if matches!(op.role, Role::List | Role::Search | Role::Count) {
        return below_foreign_parent(t, op, aim, resource);
    }
    let pair = (aim.attacker, aim.victim);
    let below_own = match op.effect {
        Effect::Read => read_foreign(t, op, aim, resource),
        _ => strike(t, op, pair, resource, Where::Own),
    }?;
    let is_nested = parent_of(t.spec, op).is_some_and(|parent| op.request.path.mentions(&Symbol::Object(parent)));
    if below_own != Verdict::Isolated || !is_nested {
        return Ok(below_own);
    }
    // A target may find the object by its parent alone: so also with both ids of the victim's.
    let below_theirs = match op.effect {
        Effect::Read => read_below_theirs(t, op, aim, resource),
        _ => strike(t, op, pair, resource, Where::BelowTheirs),
    };
    match below_theirs {
        // Where no parent may be made, there is none whose id is sure to be the victim's alone.
        Err(Halt::NotApplicable(_)) => Ok(below_own),
        decided => decided,
    }
}

fn read_below_theirs(t: &Tape<'_>, op: &Operation, aim: Aim, resource: usize) -> Result<Verdict, Halt> {
    let (above, object) = clear_below(t, aim.attacker, aim.victim, resource)?;
    let verdict = pair(t, op, aim.attacker, &object, &Place::of(&object).in_tenant(aim.attacker))?;
    remove(t, &object)?;
    remove(t, &above)?;
    verdict.ok_or_else(taken)
}

/// How many of the victim's objects are tried until one has an id that the attacker has not.
const TRIES: usize = 8;

fn read_foreign(t: &Tape<'_>, op: &Operation, aim: Aim, resource: usize) -> Result<Verdict, Halt> {
    let left: Vec<Object> = t.world.of(aim.victim, resource).cloned().collect();
    if left.is_empty() {
        standing(t, aim.victim, resource)?;
    }
    for attempt in 0..TRIES {
        let (object, is_ours) = match left.get(attempt) {
            Some(object) => (object.clone(), false),
            None if is_creatable(t.spec, resource) => (plant(t, aim.victim, resource)?, true),
            None => break,
        };
        let verdict = pair(t, op, aim.attacker, &object, &in_own_place(t, aim.attacker, &object))?;
        if is_ours {
            remove(t, &object)?;
        }
        if let Some(verdict) = verdict {
            return Ok(verdict);
        }
    }
    Err(taken())
}

fn below_foreign_parent(t: &Tape<'_>, op: &Operation, aim: Aim, resource: usize) -> Result<Verdict, Halt> {
    let Some(parent) = parent_of(t.spec, op) else { return Err(Halt::NotApplicable("it has no parent".into())) };
    let child = standing(t, aim.victim, resource)?;
    let own_place = |child: &Object| Place::within(aim.attacker, &child.parents);
    if let Some(verdict) = pair(t, op, aim.attacker, &child, &own_place(&child))? {
        return Ok(verdict);
    }
    for _ in 0..TRIES {
        if !is_creatable(t.spec, parent) || !is_creatable(t.spec, resource) {
            break;
        }
        let above = plant(t, aim.victim, parent)?;
        let child = plant_under(t, aim.victim, resource, &Place::of(&above).ids)?;
        let verdict = pair(t, op, aim.attacker, &child, &own_place(&child))?;
        remove(t, &child)?;
        remove(t, &above)?;
        if let Some(verdict) = verdict {
            return Ok(verdict);
        }
    }
    Err(taken())
}

fn taken() -> Halt {
    Halt::Unproven("every id of the victim that was tried is also an id of the attacker's".into())
}

/// The pair for one object; `None` where the attacker has an object of its own at that id.
fn pair(
    t: &Tape<'_>,
    op: &Operation,
    attacker: usize,
    object: &Object,
    place: &Place,
) -> Result<Option<Verdict>, Halt> {
    let by_owner = request(t, own(t, object.tenant)?, op, &Place::of(object), &looking_for(object))?;
    let control = || match op.role {
        Role::Count | Role::Custom => opens(t, op, object),
        _ => sees(t, op, by_owner.clone(), object),
    };
    control()?;
    let mut across = request(t, own(t, attacker)?, op, place, &looking_for(object))?;
    across.intent = Intent::Across;
    let verdict = match attempt(t, op, across, object.tenant)? {
        Attempt::Leaked(verdict) => return Ok(Some(verdict)),
        Attempt::Denied => Verdict::Isolated,
        Attempt::Empty(answer) if is_bare_list(op, answer) => Verdict::Isolated,
        Attempt::Empty(_) => return Ok(None),
        Attempt::Unclear(why) => Verdict::Unproven(why),
    };
    control()?;
    Ok(Some(verdict))
}

/// A list without a single value holds nothing of anyone's.
fn is_bare_list(op: &Operation, answer: &crate::trace::Exchange) -> bool {
    op.role == Role::List && answer.json().is_some_and(|json| is_bare(&json))
}

fn is_bare(json: &Value) -> bool {
    let lists: Vec<&Vec<Value>> = match json {
        Value::Array(items) => vec![items],
        Value::Object(members) => members.values().filter_map(Value::as_array).collect(),
        _ => vec![],
    };
    !lists.is_empty() && lists.iter().all(|items| items.is_empty())
}

/// The owner's own request succeeds, with or without a marker in the answer.
fn opens(t: &Tape<'_>, op: &Operation, object: &Object) -> Result<(), Halt> {
    let asked = request(t, own(t, object.tenant)?, op, &Place::of(object), &looking_for(object))?;
    let answer = t.send(asked)?;
    match judge::answer(answer) {
        Answer::Success => Ok(()),
        Answer::NotOffered => Err(Halt::NotApplicable(format!("not offered: {}", answer.line()))),
        Answer::Denied | Answer::Undecided => {
            Err(Halt::Unproven(format!("the owner's own request failed: {}", answer.line())))
        }
    }
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
