//! The JSON Schema of a spec, for editors: made of the keys that the reader knows (`keys.rs`) and what their values are like
//! (`shapes.rs`).

use serde_json::{Map, Value, json};

use crate::keys::{ALL, FILE, REQUEST, ROOT, STEP, Section};
use crate::shapes::{Shape, required, shape};

/// The JSON Schema of `watertight.toml`. It is of draft 7, and says nothing that draft 4 does not know.
pub fn schema() -> Value {
    let nested = ALL.iter().filter(|section| section.header != ROOT.header);
    let definitions: Map<String, Value> = nested.map(|section| (name(section), table(section))).collect();
    let mut schema = table(&ROOT);
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
        members.insert("title".to_owned(), "watertight.toml".into());
        members.insert("definitions".to_owned(), Value::Object(definitions));
    }
    schema
}

/// What a definition is called: `[[tenant.principal]]` is `tenant.principal`.
fn name(section: &Section) -> String {
    section.header.trim_matches(['[', ']']).replace(' ', "-")
}

fn reference(section: &Section) -> Value {
    json!({ "$ref": format!("#/definitions/{}", name(section)) })
}

fn table(section: &Section) -> Value {
    let property = |(key, example): &(&str, &str)| {
        let mut schema = shape(section, key).map_or_else(|| json!({}), of_shape);
        // Beside a reference, nothing else counts.
        if let Value::Object(members) = &mut schema
            && !members.contains_key("$ref")
        {
            members.insert("description".to_owned(), format!("{key} = {example}").into());
        }
        ((*key).to_owned(), schema)
    };
    let properties: Map<String, Value> = section.keys.iter().map(property).collect();
    let mut table = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    // Draft 4 has no empty list here.
    if let (Value::Object(members), needed @ [_, ..]) = (&mut table, required(section)) {
        members.insert("required".to_owned(), json!(needed));
    }
    table
}

fn of_shape(shape: Shape) -> Value {
    let text = || json!({ "type": "string" });
    let scalar = || json!({ "type": ["string", "integer", "boolean"] });
    let list = |item: Value| json!({ "type": "array", "items": item });
    let by_name = |value: Value| json!({ "type": "object", "additionalProperties": value });
    let either = |one: Value, other: Value| json!({ "anyOf": [one, other] });
    match shape {
        Shape::Text => text(),
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::Variable => json!({ "type": "string", "pattern": r"^\$[A-Za-z_][A-Za-z0-9_]*$" }),
        Shape::Whole(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Date => json!({ "type": "string", "format": "date" }),
        Shape::Scalar => scalar(),
        Shape::Texts => list(text()),
        Shape::TextOrTexts => either(text(), list(text())),
        Shape::SomeOf(words) => list(json!({ "enum": words })),
        Shape::TextsByName => by_name(text()),
        Shape::ListsByName => by_name(either(text(), list(text()))),
        Shape::ScalarsByName => by_name(scalar()),
        Shape::Members => json!({ "type": "object" }),
        Shape::Anything => json!({}),
        Shape::Table(section) => reference(section),
        Shape::Tables(section, most) => {
            json!({ "type": "array", "items": reference(section), "minItems": 1, "maxItems": most })
        }
        Shape::Request => either(text(), reference(&REQUEST)),
        Shape::Undo => either(text(), reference(&STEP)),
        Shape::Create => either(text(), json!({ "type": "object" })),
        Shape::Requests => by_name(either(text(), reference(&REQUEST))),
        Shape::Existing => {
            let id = || json!({ "type": ["string", "integer"] });
            either(json!({ "enum": ["listed"] }), by_name(either(id(), list(id()))))
        }
        Shape::Parts => by_name(either(text(), reference(&FILE))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_shape() {
        for section in ALL {
            for (key, _) in section.keys {
                assert!(shape(section, key).is_some(), "shapes.rs lacks `{key}` of {}", section.header);
            }
            let known = |key: &&str| section.keys.iter().any(|(known, _)| known == key);
            assert!(required(section).iter().all(known), "{}", section.header);
        }
    }
}
