//! What a list shows of each object: its items, and where their ids are.

use serde_json::Value;
use watertight_engine::log::Exchange;
use watertight_spec::{ObjectId, Resource};

/// The elements of the outermost arrays of a document.
pub(crate) fn items(json: &Value) -> Vec<&Value> {
    match json {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) => members.values().flat_map(items).collect(),
        _ => Vec::new(),
    }
}

/// The id of an item, which may be wrapped: `{ "case": { "id": … } }`.
pub(crate) fn id_of(resource: &Resource, item: &Value) -> Option<ObjectId> {
    id_at(&resource.id_member(), resource, item)
}

fn id_at(member: &str, resource: &Resource, item: &Value) -> Option<ObjectId> {
    let id = |value: &Value| value.get(member).and_then(ObjectId::of);
    let wrapped = || item.as_object()?.values().find_map(id);
    id(item).or_else(|| item.get(&resource.name).and_then(id)).or_else(wrapped)
}

/// The item of this id on a page of a list.
pub(crate) fn item_of<'p>(resource: &Resource, page: &'p Exchange, id: &ObjectId) -> Option<&'p Value> {
    let json = page.json().filter(|_| page.succeeded())?;
    let member = resource.id_member();
    items(json).into_iter().find(|item| id_at(&member, resource, item).as_ref() == Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_the_elements_of_the_outermost_arrays() {
        let json = serde_json::json!({ "total": 2, "page": { "items": [{ "id": 1, "tags": ["x"] }, { "id": 2 }] } });
        assert_eq!(items(&json).iter().map(|item| &item["id"]).collect::<Vec<_>>(), [&Value::from(1), &Value::from(2)]);
    }
}
