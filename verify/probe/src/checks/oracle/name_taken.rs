//! `oracle.name-taken`

use watertight_model::{Severity, Surface};
use watertight_spec::{IdSource, Operation, Role, Spec, Symbol};

use super::features::{features, told_apart};
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::{
    Aim, Place, Words, each, id_in, is_creatable, own, parents_for, read, remove, request, succeed,
};
use crate::judge::{self, Evidence, Verdict};
use crate::request::Intent;
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::{Marker, Object};

pub(super) static ABOUT: About = About {
    id: "oracle.name-taken",
    surface: Surface::Oracle,
    severity: Severity::Low,
    cwe: &["CWE-203"],
    title: "A name that another tenant has taken",
    does: "The victim creates under a name of its choosing (an id, or a unique field); the attacker creates under the \
           same name and under a free one, in its own place.",
    judges: "Advisory: the answers differ in the same way each time, so names of other tenants can be guessed. \
             Isolated: both are accepted alike. Unproven: a control fails, or the free name is refused as well.",
    origin: "Seed 18.2: a unique constraint that lacks the tenant. Global namespaces that clients name into.",
    mend: "Make names unique within the tenant; where they must be global, hand them out at random.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    let fits = |op: &Operation| {
        let described = op.resource.and_then(|r| spec.resources.get(r));
        op.role == Role::Create && described.is_some_and(|r| r.ids == IdSource::Client || has_unique(spec, op))
    };
    each(spec, &ABOUT, Phase::Main, probe, fits, |_| Sends::Writes)
}

fn has_unique(spec: &Spec, op: &Operation) -> bool {
    let implied = || op.resource.and_then(|r| spec.resources.get(r)).and_then(|r| r.create.as_ref());
    op.request.body.as_ref().or_else(implied).is_some_and(|body| body.mentions(&Symbol::Unique))
}

/// How often each kind of name is tried.
const ROUNDS: usize = 2;

fn probe(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let Some(resource) = op.resource else { return Err(Halt::NotApplicable("it concerns no object".into())) };
    if !is_creatable(t.spec, resource) {
        return Err(Halt::NotApplicable("nothing may be created here".into()));
    }
    let parents = parents_for(t, aim.attacker, resource)?;
    let (mut of_taken, mut of_free) = (Vec::new(), Vec::new());
    let mut shown: Option<(&Exchange, &Exchange)> = None;
    for _ in 0..ROUNDS {
        let name = t.unique();
        let theirs = take(t, op, aim, resource, &name)?;
        read(t, &theirs)?;
        let free = t.unique();
        let mut pair = Vec::new();
        for (name, kind) in [(&name, &mut of_taken), (&free, &mut of_free)] {
            let answer = create(t, op, aim, resource, &parents, name)?;
            let sent = [name.clone(), id_in_answer(t, resource, answer).unwrap_or_default()];
            let mut seen = features(answer, &sent);
            // What was made has an id and times of its own; whether anything was made is what counts.
            if answer.succeeded() {
                seen.retain(|feature, _| feature == "status");
            }
            kind.push(seen);
            pair.push(answer);
        }
        read(t, &theirs)?;
        remove(t, &theirs)?;
        let [taken, free] = pair.as_slice() else { continue };
        if !free.succeeded() {
            return Ok(Verdict::Unproven(format!("a free name is refused as well: {}", free.line())));
        }
        if matches!(taken.status(), Some(429 | 500..=599) | None) {
            return Ok(Verdict::Unproven(judge::why_undecided(taken)));
        }
        shown = shown.or(Some((taken, free)));
    }
    Ok(match (told_apart(&of_taken, &of_free), shown) {
        (Some(what), Some((taken, free))) => Verdict::Advisory(
            Evidence::of(format!("a name that the victim has taken is told from a free one ({what})"), taken)
                .with("a free name", free),
        ),
        _ => Verdict::Isolated,
    })
}

/// The victim takes the name.
fn take(t: &Tape<'_>, op: &Operation, aim: Aim, resource: usize, name: &str) -> Result<Object, Halt> {
    let canary = t.canary(aim.victim);
    let parents = parents_for(t, aim.victim, resource)?;
    let words = Words { unique: Some(name.to_owned()), ..Words::canary(&canary) };
    let place = Place::within(aim.victim, &parents).and(resource, name);
    let made = succeed(t, request(t, own(t, aim.victim)?, op, &place, &words)?, aim.victim)?;
    let id = if chooses(t, resource) { Some(name.to_owned()) } else { id_in_answer(t, resource, made) };
    let id = id.ok_or_else(|| Halt::Unproven(format!("the answer to a create names no id: {}", made.line())))?;
    Ok(Object { tenant: aim.victim, resource, id, parents, marker: Marker::Planted(canary) })
}

/// The attacker creates under the name in its own place, and removes what it made.
fn create<'t>(
    t: &Tape<'t>,
    op: &Operation,
    aim: Aim,
    resource: usize,
    parents: &[(usize, String)],
    name: &str,
) -> Result<&'t Exchange, Halt> {
    let nonce = t.nonce(aim.attacker);
    let words = Words { unique: Some(name.to_owned()), ..Words::nonce(&nonce) };
    let place = Place::within(aim.attacker, parents).and(resource, name);
    let mut asked = request(t, own(t, aim.attacker)?, op, &place, &words)?;
    asked.intent = Intent::Across;
    let answer = t.send(asked)?;
    let id = if chooses(t, resource) { Some(name.to_owned()) } else { id_in_answer(t, resource, answer) };
    if let Some(id) = id.filter(|_| answer.succeeded()) {
        let marker = Marker::Witnessed(Vec::new());
        remove(t, &Object { tenant: aim.attacker, resource, id, parents: parents.to_vec(), marker })?;
    }
    Ok(answer)
}

fn chooses(t: &Tape<'_>, resource: usize) -> bool {
    t.spec.resources.get(resource).is_some_and(|r| r.ids == IdSource::Client)
}

fn id_in_answer(t: &Tape<'_>, resource: usize, answer: &Exchange) -> Option<String> {
    id_in(t.spec.resources.get(resource)?, answer)
}
