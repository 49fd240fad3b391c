//! `oracle.existence`

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{IdSource, Operation, ResourceIx, Role, Spec, Symbol};

use crate::api::in_own_place;
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Target, Trial, plants};
use crate::shared::{
    Aim, Features, Place, Words, again, clear_object, each, foreign, holds_nothing, ids_count, is_creatable,
    is_invalid, is_taken, is_told_anywhere, is_turned_away, names_tenant, never_existed, own, prepared_object, read,
    remove, request, told_apart,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, class_of};

pub(super) static CHECK: Check = Check {
    id: "oracle.existence",
    surface: Surface::Oracle,
    severity: Severity::Medium,
    cwe: &["CWE-203", "CWE-204"],
    title: "A foreign object is answered exactly like one that does not exist",
    does: "Asks in turn for the victim's objects and for ids of the same form that never existed, in the attacker's \
           own place and in the victim's, and compares status, headers and body without what was sent itself.",
    judges: "Leak: something in the answers is the same for all foreign ids, the same for all that never existed, and \
             differs between them, three times over (an advisory where clients choose the ids). Isolated: there is \
             no such difference. Unproven: a control fails, or an answer is no denial.",
    origin: "guide 2: explicit failures, not silent leakage. RFC 9110 15.5.5: 404 may be sent for 403.",
    fix: "Answer both from the same lookup by tenant and id, with one and the same denial.",
    requests: 21,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    let targets = |op: &Operation| {
        let object = op.resource.filter(|r| op.role == Role::Read && op.request.mentions(&Symbol::Object(*r)));
        let place = object.filter(|_| names_tenant(op)).map(|_| Target::Tenant);
        object.map(Target::Object).into_iter().chain(place).collect()
    };
    each(spec, &CHECK, Phase::Main, targets, |aim| plants(move |t| again(t, async move || try_it(t, aim).await)))
}

async fn try_it(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let Some(resource) = op.resource else { return Err(Stop::not_applicable("it concerns no object")) };
    prepared_object(t, aim.victim, resource)?;
    let (foreign, made_by) = foreign_object(t, aim, resource).await?;
    let open = bracket::open(async || read(t, &foreign).await).await?;
    let mut attack = compare(t, aim, &foreign, |object| in_own_place(t, aim.attacker, object)).await?;
    if attack == Attack::Withstood && names_tenant(op) {
        attack = compare(t, aim, &foreign, Place::of).await?;
    }
    let verdict = open.attack(attack).close().await?;
    if let Some(w) = made_by {
        remove(w, &foreign).await?;
    }
    Ok(verdict)
}

/// An object of the victim whose id the attacker does not have; with a tape to remove it, if it was made for this.
async fn foreign_object(t: &Tape, aim: Aim, resource: ResourceIx) -> Result<(Object, Option<WriteTape<'_>>), Stop> {
    for object in t.planted.of(aim.victim, resource) {
        let place = in_own_place(t, aim.attacker, object);
        if !is_taken(t, aim.attacker, &place, object).await?
            || is_told_anywhere(t, aim.attacker, &place, object).await?
        {
            return Ok((object.clone(), None));
        }
    }
    let Some(w) = t.writing().filter(|_| is_creatable(&t.spec, resource)) else {
        let detail = "every id of the victim is also an id of the attacker's";
        return Err(Unproven::new(Reason::IdTaken, detail).into());
    };
    let place_of = |tenant, object: &Object| in_own_place(t, tenant, object);
    Ok((clear_object(w, aim.pair(), resource, place_of).await?, Some(w)))
}

/// How often each kind is asked for.
const ROUNDS: usize = 3;

async fn compare(t: &Tape, aim: Aim, object: &Object, place_of: impl Fn(&Object) -> Place) -> Result<Attack, Stop> {
    let (mut of_foreign, mut of_nowhere) = (Vec::new(), Vec::new());
    let mut shown: Option<(Seen, Seen)> = None;
    for round in 0..ROUNDS {
        let nowhere = Object { id: never_existed(t, object, round).await?, ..object.clone() };
        let (at_foreign, at_nowhere) = (place_of(object), place_of(&nowhere));
        let foreign = ask(t, aim, &at_foreign).await?;
        let none = ask(t, aim, &at_nowhere).await?;
        if let Some(doubt) = no_denial(t, &foreign, &none, aim) {
            return Ok(Attack::Undecided(doubt));
        }
        of_foreign.push(Features::of(&foreign, &at_foreign.sent(&t.spec, aim.op(t))));
        of_nowhere.push(Features::of(&none, &at_nowhere.sent(&t.spec, aim.op(t))));
        shown = shown.or(Some((foreign, none)));
    }
    let (Some(what), Some((foreign, none))) = (told_apart(&of_foreign, &of_nowhere), shown) else {
        return Ok(Attack::Withstood);
    };
    // Something is told there, and where ids count it may be an object of the attacker's own, made meanwhile.
    if class_of(&foreign) == ResponseClass::Success && !holds_nothing(&foreign, &[]) && may_be_taken(t, aim) {
        return Ok(Attack::Undecided(let_in(t, &foreign, aim)));
    }
    let line = format!("answers for a foreign object differ from answers for one that never existed ({what})");
    let evidence =
        Evidence::of(Shows::ForeignKnowledge, line, &foreign).with("an id of the same form that never existed", &none);
    let clients_choose = t.spec[object.resource].ids == IdSource::Client;
    Ok(if clients_choose { Attack::Weak(evidence) } else { Attack::Leaked(evidence) })
}

async fn ask(t: &Tape, aim: Aim, place: &Place) -> Result<Seen, Stop> {
    Ok(t.send(request(t, own(t, aim.attacker)?, aim.op(t), place, &Words::default())?.crossing()).await)
}

/// Why the answers for a foreign object and for none are not to be compared, if they are not. A target may answer both with a
/// success that tells nothing.
fn no_denial(t: &Tape, foreign_one: &Exchange, none: &Exchange, aim: Aim) -> Option<Unproven> {
    let is_refused = |seen: &Exchange| {
        matches!(seen.status(), Some(400..=428 | 430..=499)) || is_turned_away(seen) || is_invalid(seen)
    };
    match (class_of(foreign_one), class_of(none)) {
        (ResponseClass::Success, ResponseClass::Success) if foreign(t, foreign_one, aim.victim).is_none() => None,
        // One is told in a body that the status of the other one would have said.
        (ResponseClass::Success, _) if none.succeeded() && holds_nothing(foreign_one, &[]) => None,
        (ResponseClass::Success, _) => Some(let_in(t, foreign_one, aim)),
        // A refusal for its form counts too, if it is the same each time; what fails by chance does not.
        (ResponseClass::NotOffered | ResponseClass::Undecided, _) if !is_refused(foreign_one) => {
            Some(Unproven::undecided(foreign_one))
        }
        (_, ResponseClass::NotOffered | ResponseClass::Undecided) if !is_refused(none) => {
            Some(Unproven::undecided(none))
        }
        _ => None,
    }
}

/// Whether another trial may give the attacker an object at the victim's id.
fn may_be_taken(t: &Tape, aim: Aim) -> bool {
    let counts = aim.op(t).resource.is_some_and(|resource| ids_count(t, aim.victim, resource));
    counts && !t.is_quiet(t.spec.tenant_ixs())
}

fn let_in(t: &Tape, seen: &Exchange, aim: Aim) -> Unproven {
    match foreign(t, seen, aim.victim) {
        Some(_) => {
            let detail = "the victim's data is given outright (see the other checks)";
            Unproven::shown(Reason::PlainRequestLeaks, detail, seen)
        }
        None if may_be_taken(t, aim) => {
            Unproven::shown(Reason::Disturbed, "the attacker has something of its own there", seen)
        }
        None => Unproven::shown(Reason::EffectUnseen, "the attacker was let in", seen),
    }
}
