//! `oracle.existence`

use watertight_model::{Severity, Surface};
use watertight_spec::{IdSource, Operation, Role, Spec, Symbol};

use super::features::{features, told_apart};
use crate::check::{About, Check, Phase, Sends};
use crate::checks::api::in_own_place;
use crate::checks::kit::{
    Aim, Place, Words, clear_object, each, foreign, is_creatable, is_taken, names_tenant, own, read, remove, request,
    standing,
};
use crate::judge::{self, Answer, Evidence, Verdict};
use crate::request::Intent;
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::Object;

pub(super) static ABOUT: About = About {
    id: "oracle.existence",
    surface: Surface::Oracle,
    severity: Severity::Medium,
    cwe: &["CWE-203", "CWE-204"],
    title: "Foreign is not to be told from nonexistent",
    does: "Asks in turn for the victim's objects and for ids of the same form that never existed, in the attacker's \
           own place and in the victim's, and compares status, headers and body without what was sent itself.",
    judges: "Leak: something in the answers is the same for all foreign ids, the same for all that never existed, and \
             differs between them, three times over (an advisory where clients choose the ids). Isolated: nothing is. \
             Unproven: a control fails, or an answer is no denial.",
    origin: "Seed: explicit failures, not silent leakage. RFC 9110 15.5.5: 404 may stand for 403.",
    mend: "Answer both from the same lookup by tenant and id, with one and the same denial.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    let fits = |op: &Operation| {
        op.role == Role::Read && op.resource.is_some_and(|r| op.request.path.mentions(&Symbol::Object(r)))
    };
    each(spec, &ABOUT, Phase::Main, probe, fits, |_| Sends::Reads)
}

/// How often each kind is asked for.
const ROUNDS: usize = 3;

fn probe(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let Some(resource) = op.resource else { return Err(Halt::NotApplicable("it concerns no object".into())) };
    let standing = standing(t, aim.victim, resource)?;
    read(t, &standing)?;
    let (foreign, is_ours) = foreign_object(t, aim, resource)?;
    let chooses = t.spec.resources.get(resource).is_some_and(|r| r.ids == IdSource::Client);
    let mut verdict = compare(t, op, aim, &foreign, |object| in_own_place(t, aim.attacker, object), chooses)?;
    if verdict == Verdict::Isolated && names_tenant(t.spec, op) {
        verdict = compare(t, op, aim, &foreign, Place::of, chooses)?;
    }
    read(t, &foreign)?;
    if is_ours {
        remove(t, &foreign)?;
    }
    Ok(verdict)
}

/// An object of the victim whose id the attacker does not have, and whether it was made for this.
fn foreign_object(t: &Tape<'_>, aim: Aim, resource: usize) -> Result<(Object, bool), Halt> {
    for object in t.world.of(aim.victim, resource) {
        if !is_taken(t, aim.attacker, &in_own_place(t, aim.attacker, object), object)? {
            return Ok((object.clone(), false));
        }
    }
    if !is_creatable(t.spec, resource) {
        return Err(Halt::Unproven("every id of the victim is also an id of the attacker's".into()));
    }
    let place_of = |object: &Object| in_own_place(t, aim.attacker, object);
    Ok((clear_object(t, aim.attacker, aim.victim, resource, place_of)?, true))
}

fn compare(
    t: &Tape<'_>,
    op: &Operation,
    aim: Aim,
    object: &Object,
    place_of: impl Fn(&Object) -> Place,
    clients_choose: bool,
) -> Result<Verdict, Halt> {
    let (mut of_foreign, mut of_nowhere) = (Vec::new(), Vec::new());
    let mut shown: Option<(&Exchange, &Exchange)> = None;
    for round in 0..ROUNDS {
        let nowhere = Object { id: never_existed(t, object, round)?, ..object.clone() };
        let mut pair = Vec::new();
        for (object, kind) in [(object, &mut of_foreign), (&nowhere, &mut of_nowhere)] {
            let answer = ask(t, op, aim, &place_of(object))?;
            match judge::answer(answer) {
                Answer::Denied => {}
                Answer::Success => return Ok(Verdict::Unproven(let_in(t, answer, aim))),
                // A refusal for its form counts too, if it is the same each time; what fails by chance does not.
                Answer::NotOffered | Answer::Undecided if !matches!(answer.status(), Some(400..=428 | 430..=499)) => {
                    return Ok(Verdict::Unproven(judge::why_undecided(answer)));
                }
                Answer::NotOffered | Answer::Undecided => {}
            }
            kind.push(features(answer, &ids_of(&place_of(object))));
            pair.push(answer);
        }
        if let [foreign, nowhere] = pair.as_slice() {
            shown = shown.or(Some((foreign, nowhere)));
        }
    }
    let (Some(what), Some((foreign, nowhere))) = (told_apart(&of_foreign, &of_nowhere), shown) else {
        return Ok(Verdict::Isolated);
    };
    let evidence = Evidence::of(format!("a foreign object is told from none ({what})"), foreign)
        .with("an id of the same form that never existed", nowhere);
    Ok(if clients_choose { Verdict::Advisory(evidence) } else { Verdict::Leak(evidence) })
}

fn ask<'t>(t: &Tape<'t>, op: &Operation, aim: Aim, place: &Place) -> Result<&'t Exchange, Halt> {
    let mut asked = request(t, own(t, aim.attacker)?, op, place, &Words::default())?;
    asked.intent = Intent::Across;
    t.send(asked)
}

fn let_in(t: &Tape<'_>, answer: &Exchange, aim: Aim) -> String {
    match foreign(t, answer, aim.victim) {
        Some(_) => format!("the victim's data is given outright (see the other checks): {}", answer.line()),
        None => format!("the attacker was let in: {}", answer.line()),
    }
}

fn ids_of(place: &Place) -> Vec<String> {
    // The innermost first: it is the longest part of what is echoed.
    place.ids.iter().rev().map(|(_, id)| id.clone()).collect()
}

/// An id of the same form that the victim does not have, a different one each round.
pub(crate) fn never_existed(t: &Tape<'_>, object: &Object, round: usize) -> Result<String, Halt> {
    let random = t.unique();
    for turn in 0..4 {
        let id = alike(&object.id, &random, round.saturating_mul(4).saturating_add(turn).saturating_add(1));
        let op = crate::checks::kit::operation_of(t.spec, object.resource, Role::Read);
        let Some(op) = op.filter(|_| id != object.id) else { continue };
        let place = Place::of(&Object { id: id.clone(), ..object.clone() });
        let answer = t.send(request(t, own(t, object.tenant)?, op, &place, &Words::default())?)?;
        if judge::answer(answer) == Answer::Denied {
            return Ok(id);
        }
    }
    Err(Halt::Unproven("no id of the same form was found that never existed".into()))
}

/// An id of the same form: a count far ahead, else the last letters and digits of its longest
/// group, shifted.
fn alike(id: &str, random: &str, turn: usize) -> String {
    let head = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = id.len().saturating_sub(head.len());
    if (1..=9).contains(&digits) && !head.contains(|c: char| c.is_ascii_digit()) {
        let seed = random.bytes().fold(0_usize, |sum, b| (sum * 31 + usize::from(b)) % 800_000);
        return format!("{head}{}", 1_000_000 + seed + turn);
    }
    // The longest group between separators, its last one on a tie: what stands before (a version, a time) stays.
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
    fn an_id_alike_keeps_the_form_and_is_another() {
        assert!(alike("case-7", "r", 1).starts_with("case-1"));
        let uuid = "0b9a3e4c-52d1-4f6e-9a77-1c2d3e4f5a6b";
        let other = alike(uuid, "r", 1);
        assert_eq!(other.len(), uuid.len());
        assert_eq!(&other[..24], &uuid[..24]);
        assert_ne!(other, uuid);
        assert_ne!(alike("507f1f77bcf86cd799439011", "r", 1), "507f1f77bcf86cd799439011");
        assert_ne!(alike("case-7", "r", 1), alike("case-7", "r", 2));
        // What ends in a separator, or in a group of one.
        for id in ["kD3_4xTq-a", "kD34xTq_", "a-bcdefgh", "zzzz9"] {
            let other = alike(id, "r", 1);
            assert!(other != id && other.len() >= id.len(), "{id} {other}");
        }
    }
}
