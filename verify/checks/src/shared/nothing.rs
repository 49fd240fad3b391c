//! What a target answers for what does not exist: the measure of every denial, whatever its status.

use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape};
use watertight_spec::{ObjectId, Operation, ResourceIx, Role};

use super::features::{Features, are_alike, refuse_alike};
use super::opaque::Opaque;
use super::{Place, Words, leaves, operation_of, own, request, tenant_name};
use crate::verdict::{Reason, Refusal, ResponseClass, Stop, Unproven, class_of, refusal};

/// Places that differ from one in something that never existed, of the same form.
pub(crate) struct Nowhere([Place; 2]);

impl Nowhere {
    /// Instead of an object.
    pub(crate) fn instead_of(t: &Tape, place: &Place, (resource, id): (ResourceIx, &ObjectId)) -> Self {
        let random = t.unique();
        Self([1, 2].map(|turn| place.clone().and(resource, id.like(similar(id, &random, turn)))))
    }

    /// Instead of another object that is named beside one of its kind.
    pub(crate) fn instead_of_another(t: &Tape, place: &Place, id: &ObjectId) -> Self {
        let random = t.unique();
        Self([1, 2].map(|turn| place.clone().with_another(id, &id.like(similar(id, &random, turn)))))
    }

    /// Instead of the tenant.
    pub(crate) fn instead_of_tenant(t: &Tape, place: &Place) -> Self {
        let random = t.unique();
        let name = tenant_name(&t.spec, place.tenant);
        Self([1, 2].map(|turn| place.clone().spelled(similar(name, &random, turn))))
    }
}

/// Whether an answer at a place says no more than the answers nowhere: nothing that is the same each time, apart from what
/// was sent. Else it is asked for once more, so that what changes by itself tells nothing. Where the requests are the same there
/// is nothing to compare with.
pub(crate) async fn says_nothing(
    t: &Tape,
    op: &Operation,
    ask: impl Fn(&Place) -> Result<Request, Stop>,
    place: &Place,
    nowhere: Nowhere,
    seen: &Exchange,
) -> Result<bool, Stop> {
    Ok(match told_nowhere(t, op, &ask, place, nowhere).await? {
        Some(of_nowhere) => {
            let features = |answer: &Exchange| Features::of(answer, &place.sent(&t.spec, op));
            let first = features(seen);
            // A target may record what is asked for, so it is not asked for again without need.
            if are_alike(std::slice::from_ref(&first), &of_nowhere) {
                return Ok(true);
            }
            let again = t.send(ask(place)?).await;
            refuse_alike(&[first, features(&again)], &of_nowhere)
        }
        None => false,
    })
}

/// Refused as invalid: so do some where an object is named that is not there.
pub(crate) fn is_invalid(answer: &Exchange) -> bool {
    matches!(answer.status(), Some(400 | 409 | 422)) || refusal(answer) == Some(Refusal::Invalid)
}

/// Whether nothing is in a document but what was sent.
pub(crate) fn holds_nothing(answer: &Exchange, sent: &[String]) -> bool {
    let Some(json) = answer.json() else { return false };
    leaves(json).values().all(|value| is_nothing(value) || sent.contains(value))
}

/// Whether a value of a document tells nothing.
pub(crate) fn is_nothing(value: &str) -> bool {
    matches!(value, "" | "0" | "0.0" | "false" | "null")
}

/// Sent elsewhere, as to a page where one logs in: the place is not made of what was asked for, and no key to it is given
/// along. Where that is the same for what never existed, it is a denial.
pub(crate) fn is_turned_away(answer: &Exchange) -> bool {
    let Some(place) = answer.led_to() else { return false };
    let asked = answer.request.target.split('?').next().unwrap_or_default();
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let last = asked.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_of_it = !last.is_empty() && path.split('/').any(|segment| segment == last);
    !is_of_it && (query.is_empty() || answer.leads_back())
}

/// What is told nowhere; none where the request at the place is the same.
pub(crate) async fn told_nowhere(
    t: &Tape,
    op: &Operation,
    ask: impl Fn(&Place) -> Result<Request, Stop>,
    place: &Place,
    nowhere: Nowhere,
) -> Result<Option<Vec<Features>>, Stop> {
    let here = ask(place)?;
    let mut told = Vec::new();
    for nowhere in nowhere.0 {
        let asked = ask(&nowhere)?;
        if asked.address == here.address && asked.headers == here.headers && asked.body == here.body {
            return Ok(None);
        }
        told.push(Features::of(&*t.send(asked).await, &nowhere.sent(&t.spec, op)));
    }
    Ok(Some(told))
}

/// An id of the same form that the victim does not have, a different one each round.
pub(crate) async fn never_existed(t: &Tape, object: &Object, round: usize) -> Result<ObjectId, Stop> {
    let random = t.unique();
    let mut doubt = Unproven::new(Reason::UnclearAnswer, NONE_FOUND);
    let ids = || {
        let turns = (1..=4).map(|turn| round.saturating_mul(4).saturating_add(turn));
        turns.map(|turn| object.id.like(similar(&object.id, &random, turn))).filter(|id| *id != object.id)
    };
    let Some(op) = operation_of(&t.spec, object.resource, Role::Read) else {
        // Nothing shows whether it is there: a count that far ahead, or letters that are shifted so, are no one's.
        return ids().next().ok_or_else(|| doubt.into());
    };
    // A success in which nothing is told: it is the same for any two such ids.
    let mut successes: Vec<(ObjectId, Features)> = Vec::new();
    for id in ids() {
        let place = Place::of(&Object { id: id.clone(), ..object.clone() });
        let seen: Seen = t.send(request(t, own(t, object.tenant)?, op, &place, &Words::default())?).await;
        match class_of(&seen) {
            ResponseClass::Denied => return Ok(id),
            ResponseClass::Success => {
                let features = Features::of(&seen, &place.sent(&t.spec, op));
                let is_same = |(_, other): &&(ObjectId, Features)| {
                    are_alike(std::slice::from_ref(&features), std::slice::from_ref(other))
                };
                if let Some((first, _)) = successes.iter().find(is_same) {
                    return Ok(first.clone());
                }
                successes.push((id, features));
            }
            ResponseClass::Undecided if is_turned_away(&seen) => return Ok(id),
            ResponseClass::NotOffered | ResponseClass::Undecided => {}
        }
        doubt = Unproven::shown(Reason::of(&seen), NONE_FOUND, &seen);
    }
    Err(doubt.into())
}

const NONE_FOUND: &str = "no id of the same form was found that never existed";

/// An id of the same form. Where it holds another in base64, one that holds one of that form; else a count far ahead; else the
/// last letters and digits of its longest group, shifted.
pub(crate) fn similar(id: &str, random: &str, turn: usize) -> String {
    if let Some(opaque) = Opaque::of(id) {
        return opaque.holding(similar(&opaque.text, random, turn));
    }
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
        assert_eq!(similar("UHJvamVjdDoyMQ==", "", 1), "UHJvamVjdDoxMDAwMDAx", "Project:1000001");
        assert_eq!(similar("SXNzdWU6MTIz", "", 1), "SXNzdWU6MTExMDAwMDAx", "Issue:111000001");
        // What ends in a separator, or in a group of one.
        for id in ["kD3_4xTq-a", "kD34xTq_", "a-bcdefgh", "zzzz9"] {
            let other = similar(id, "r", 1);
            assert!(other != id && other.len() >= id.len(), "{id} {other}");
        }
    }
}
