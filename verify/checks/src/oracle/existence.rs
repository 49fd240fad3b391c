//! `oracle.existence`

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{IdSource, Operation, ResourceIx, Role, Spec, Symbol};

use super::features::{Features, told_apart};
use crate::api::in_own_place;
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Trial, plants};
use crate::shared::{
    Aim, Place, Words, again, clear_object, each, foreign, ids_count, is_creatable, is_taken, names_tenant,
    operation_of, own, prepared_object, read, remove, request,
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
    let fits = |op: &Operation| {
        op.role == Role::Read && op.resource.is_some_and(|r| op.request.path.mentions(&Symbol::Object(r)))
    };
    each(spec, &CHECK, Phase::Main, fits, |aim| plants(move |t| again(t, async move || try_it(t, aim).await)))
}

async fn try_it(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let Some(resource) = op.resource else { return Err(Stop::not_applicable("it concerns no object")) };
    prepared_object(t, aim.victim, resource)?;
    let (foreign, made_by) = foreign_object(t, aim, resource).await?;
    let open = bracket::open(async || read(t, &foreign).await).await?;
    let mut attack = compare(t, aim, &foreign, |object| in_own_place(t, aim.attacker, object)).await?;
    if attack == Attack::Withstood && names_tenant(&t.spec, op) {
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
        if !is_taken(t, aim.attacker, &in_own_place(t, aim.attacker, object), object).await? {
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
        if let Some(doubt) = no_denial(t, &foreign, aim) {
            return Ok(Attack::Undecided(doubt));
        }
        of_foreign.push(Features::of(&foreign, &ids_of(&at_foreign)));
        let none = ask(t, aim, &at_nowhere).await?;
        if let Some(doubt) = no_denial(t, &none, aim) {
            return Ok(Attack::Undecided(doubt));
        }
        of_nowhere.push(Features::of(&none, &ids_of(&at_nowhere)));
        shown = shown.or(Some((foreign, none)));
    }
    let (Some(what), Some((foreign, none))) = (told_apart(&of_foreign, &of_nowhere), shown) else {
        return Ok(Attack::Withstood);
    };
    let line = format!("answers for a foreign object differ from answers for one that never existed ({what})");
    let evidence =
        Evidence::of(Shows::ForeignKnowledge, line, &foreign).with("an id of the same form that never existed", &none);
    let clients_choose = t.spec[object.resource].ids == IdSource::Client;
    Ok(if clients_choose { Attack::Weak(evidence) } else { Attack::Leaked(evidence) })
}

async fn ask(t: &Tape, aim: Aim, place: &Place) -> Result<Seen, Stop> {
    Ok(t.send(request(t, own(t, aim.attacker)?, aim.op(t), place, &Words::default())?.crossing()).await)
}

/// Why an answer is not to be compared with others, if it is not.
fn no_denial(t: &Tape, seen: &Exchange, aim: Aim) -> Option<Unproven> {
    match class_of(seen) {
        ResponseClass::Denied => None,
        ResponseClass::Success => Some(let_in(t, seen, aim)),
        // A refusal for its form counts too, if it is the same each time; what fails by chance does not.
        ResponseClass::NotOffered | ResponseClass::Undecided
            if matches!(seen.status(), Some(400..=428 | 430..=499)) =>
        {
            None
        }
        ResponseClass::NotOffered | ResponseClass::Undecided => Some(Unproven::undecided(seen)),
    }
}

fn let_in(t: &Tape, seen: &Exchange, aim: Aim) -> Unproven {
    let counts = aim.op(t).resource.is_some_and(|resource| ids_count(t, aim.victim, resource));
    match foreign(t, seen, aim.victim) {
        Some(_) => {
            let detail = "the victim's data is given outright (see the other checks)";
            Unproven::shown(Reason::PlainRequestLeaks, detail, seen)
        }
        // Where ids count, another trial may have made it.
        None if counts && !t.is_quiet(t.spec.tenant_ixs()) => {
            Unproven::shown(Reason::Disturbed, "the attacker has something of its own there", seen)
        }
        None => Unproven::shown(Reason::EffectUnseen, "the attacker was let in", seen),
    }
}

fn ids_of(place: &Place) -> Vec<String> {
    // The innermost first: it is the longest part of what is echoed.
    place.ids.iter().rev().map(|(_, id)| id.clone()).collect()
}

/// An id of the same form that the victim does not have, a different one each round.
pub(crate) async fn never_existed(t: &Tape, object: &Object, round: usize) -> Result<String, Stop> {
    let random = t.unique();
    let mut doubt = Unproven::new(Reason::UnclearAnswer, NONE_FOUND);
    for turn in 0..4 {
        let id = similar(&object.id, &random, round.saturating_mul(4).saturating_add(turn).saturating_add(1));
        let op = operation_of(&t.spec, object.resource, Role::Read);
        let Some(op) = op.filter(|_| id != object.id) else { continue };
        let place = Place::of(&Object { id: id.clone(), ..object.clone() });
        let seen = t.send(request(t, own(t, object.tenant)?, op, &place, &Words::default())?).await;
        if class_of(&seen) == ResponseClass::Denied {
            return Ok(id);
        }
        doubt = Unproven::shown(Reason::of(&seen), NONE_FOUND, &seen);
    }
    Err(doubt.into())
}

const NONE_FOUND: &str = "no id of the same form was found that never existed";

/// An id of the same form: a count far ahead, else the last letters and digits of its longest
/// group, shifted.
fn similar(id: &str, random: &str, turn: usize) -> String {
    let head = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = id.len().saturating_sub(head.len());
    if (1..=9).contains(&digits) && !head.contains(|c: char| c.is_ascii_digit()) {
        let seed = random.bytes().fold(0_usize, |sum, b| (sum * 31 + usize::from(b)) % 800_000);
        return format!("{head}{}", 1_000_000 + seed + turn);
    }
    // The longest group between separators, its last one on a tie: what comes before (a version, a time) stays.
    let groups: Vec<&str> = id.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let Some(group) = groups.iter().max_by_key(|group| group.len()) else { return id.to_owned() };
    let is_hex = group.chars().all(|c| c.is_ascii_hexdigit());
    let from = group.len().saturating_sub(6);
    let other: String =
        group.char_indices().map(|(at, c)| if at < from { c } else { shifted(c, turn, is_hex) }).collect();
    match id.rsplit_once(group) {
        Some((before, after)) => format!("{before}{other}{after}"),
        None => id.to_owned(),
    }
}

/// Another character of the same kind.
fn shifted(c: char, by: usize, is_hex: bool) -> char {
    let (first, count) = match c {
        '0'..='9' => (b'0', 10),
        'a'..='z' => (b'a', if is_hex { 6 } else { 26 }),
        _ => (b'A', if is_hex { 6 } else { 26 }),
    };
    let at = usize::try_from(u32::from(c)).unwrap_or_default().saturating_sub(usize::from(first));
    u8::try_from((at + by) % count).map_or(c, |offset| char::from(first.saturating_add(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_id_keeps_the_form_and_is_another() {
        assert!(similar("case-7", "r", 1).starts_with("case-1"));
        let uuid = "0b9a3e4c-52d1-4f6e-9a77-1c2d3e4f5a6b";
        let other = similar(uuid, "r", 1);
        assert_eq!(other.len(), uuid.len());
        assert_eq!(&other[..24], &uuid[..24]);
        assert_ne!(other, uuid);
        assert_ne!(similar("507f1f77bcf86cd799439011", "r", 1), "507f1f77bcf86cd799439011");
        assert_ne!(similar("case-7", "r", 1), similar("case-7", "r", 2));
        // What ends in a separator, or in a group of one.
        for id in ["kD3_4xTq-a", "kD34xTq_", "a-bcdefgh", "zzzz9"] {
            let other = similar(id, "r", 1);
            assert!(other != id && other.len() >= id.len(), "{id} {other}");
        }
    }
}
