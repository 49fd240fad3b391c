//! Whether an answer for many objects holds nothing of anyone's.

use std::collections::BTreeMap;

use serde_json::Value;
use watertight_engine::Tape;
use watertight_engine::log::Exchange;
use watertight_spec::{Operation, TenantIx};

use super::reading::own_ids;
use crate::shared::{Place, Words, holds_nothing, is_nothing, leaves, own, request};
use crate::verdict::Stop;

/// An empty list, and beside it nothing, or what the attacker's own list says as well: the number of a page, say. A total
/// that is not nought is no such thing.
pub(super) async fn is_bare(
    t: &Tape,
    op: &Operation,
    attacker: TenantIx,
    answer: &Exchange,
    place: &Place,
) -> Result<bool, Stop> {
    let Some(json) = answer.json().filter(|json| has_empty_list(json)) else { return Ok(false) };
    let sent = place.sent(&t.spec, op);
    let rest: BTreeMap<String, String> =
        leaves(json).into_iter().filter(|(_, value)| !is_nothing(value) && !sent.contains(value)).collect();
    if rest.is_empty() {
        return Ok(true);
    }
    let mine = Place::within(attacker, &own_ids(t, op, attacker));
    let Ok(asked) = request(t, own(t, attacker)?, op, &mine, &Words::default()) else { return Ok(false) };
    let own_list = t.send(asked).await;
    let Some(told) = own_list.json().filter(|_| own_list.succeeded()).map(leaves) else { return Ok(false) };
    Ok(rest.iter().all(|(at, value)| told.get(at) == Some(value) && (is_of_pages(at) || value.parse::<f64>().is_err())))
}

/// Whether an answer to its owner holds nothing: no text, no value but what was sent, or an empty list.
pub(super) fn is_empty(answer: &Exchange, sent: &[String]) -> bool {
    match (answer.json(), answer.response()) {
        (Some(json), _) => holds_nothing(answer, sent) || has_empty_list(json),
        (None, Some(received)) => received.body.text().trim().is_empty(),
        (None, None) => false,
    }
}

/// Whether a number is about the page, and not about what is listed.
fn is_of_pages(at: &str) -> bool {
    const NAMES: [&str; 10] =
        ["page", "size", "limit", "offset", "skip", "start", "index", "number", "perpage", "take"];
    let name: String = at.rsplit('.').next().unwrap_or_default().chars().filter(char::is_ascii_alphabetic).collect();
    let name = name.to_lowercase();
    NAMES.iter().any(|known| name.ends_with(known))
}

/// Whether a document is an empty list, or has one and none that is not.
fn has_empty_list(json: &Value) -> bool {
    fn lists(json: &Value) -> Vec<&Vec<Value>> {
        match json {
            Value::Array(items) => vec![items],
            Value::Object(members) => members.values().flat_map(lists).collect(),
            _ => Vec::new(),
        }
    }
    let lists = lists(json);
    !lists.is_empty() && lists.iter().all(|items| items.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_beside_an_empty_one_is_not_empty() {
        assert!(!has_empty_list(&json!({ "items": [{ "id": 5 }], "errors": [] })));
        assert!(!has_empty_list(&json!({ "data": { "items": [{ "id": 5 }] }, "included": [] })));
        assert!(!has_empty_list(&json!({ "total": 0 })));
        assert!(has_empty_list(&json!({ "items": [], "errors": [] })));
        assert!(has_empty_list(&json!([])));
    }
}
