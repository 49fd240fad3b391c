//! The JSON Schema lets pass every spec that is read, and no key that is not known.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watertight_spec::{INIT_TEMPLATE, RECIPES, schema};

use crate::examples::{FULL, read};

/// Every spec that some test here reads without a mistake is asked of the schema too.
pub(crate) fn accepts(text: &str) {
    if let Err(why) = check(&document(text)) {
        panic!("the schema refuses what is read: {why}\n{text}");
    }
}

fn document(text: &str) -> Value {
    json_of(&toml::Value::Table(text.parse().unwrap()))
}

/// As editors have it: a day is a text.
fn json_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(flag) => (*flag).into(),
        toml::Value::Datetime(day) => day.to_string().into(),
        toml::Value::Array(items) => items.iter().map(json_of).collect(),
        toml::Value::Table(members) => members.iter().map(|(name, value)| (name.clone(), json_of(value))).collect(),
    }
}

fn check(document: &Value) -> Result<(), String> {
    let schema = schema();
    valid(&schema, &schema, document, "$")
}

/// Whether a value is valid by the keywords that the schema has: one that is not known here is a mistake of this test.
fn valid(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    for (keyword, wanted) in schema.as_object().unwrap() {
        let fits = match keyword.as_str() {
            "$schema" | "title" | "definitions" | "description" | "format" | "properties" => true,
            "$ref" => {
                let target = root.pointer(wanted.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                return valid(root, target, value, at);
            }
            "type" => {
                let types = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                types.iter().any(|one| is_of_type(value, one.as_str().unwrap()))
            }
            "enum" => wanted.as_array().unwrap().contains(value),
            "pattern" => {
                assert_eq!(wanted, r"^\$[A-Za-z_][A-Za-z0-9_]*$");
                value.as_str().is_none_or(|text| text.starts_with('$'))
            }
            "minimum" => value.as_i64().is_none_or(|number| number >= wanted.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|number| number <= wanted.as_i64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap()),
            "required" => wanted.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    valid(root, wanted, item, &format!("{at}[{number}]"))?;
                }
                true
            }
            "additionalProperties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    let at = format!("{at}.{name}");
                    match (schema.pointer(&format!("/properties/{name}")), wanted) {
                        (Some(known), _) => valid(root, known, member, &at)?,
                        (None, Value::Bool(false)) => return Err(format!("{at} is not known")),
                        (None, further) => valid(root, further, member, &at)?,
                    }
                }
                true
            }
            "anyOf" => wanted.as_array().unwrap().iter().any(|one| valid(root, one, value, at).is_ok()),
            other => panic!("the schema has the keyword {other}"),
        };
        if !fits {
            return Err(format!("{at}: {value} is not {keyword} {wanted}"));
        }
    }
    Ok(())
}

fn is_of_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        other => panic!("the schema has the type {other}"),
    }
}

#[test]
fn every_recipe_and_the_starter_are_valid() {
    RECIPES.iter().for_each(|(_, text)| accepts(text));
    accepts(INIT_TEMPLATE);
    accepts(FULL);
}

/// Each definition has the keys of its section and lets pass no other: wherever a table is, one misspelled key is refused.
#[test]
fn a_misspelled_key_is_refused_in_every_section() {
    for (text, pointer) in [
        (FULL, ""),
        (FULL, "/target"),
        (FULL, "/limits"),
        (FULL, "/tenancy"),
        (FULL, "/tokens"),
        (FULL, "/tokens/whoami"),
        (FULL, "/tenant/0"),
        (FULL, "/tenant/1/principal/0"),
        (FULL, "/resource/1"),
        (FULL, "/resource/1/page"),
        (FULL, "/operation/0"),
        (FULL, "/exclude/0"),
        (recipe("cookies"), "/tenant/0/principal/0/steps/0"),
        (recipe("rails"), "/resource/0/patch"),
        (recipe("jobs"), "/resource/1/read/until"),
        (recipe("jobs"), "/operation/0/until"),
    ] {
        let mut document = document(text);
        assert_eq!(check(&document), Ok(()), "{pointer}");
        let table = document.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        table.insert("nmae".to_owned(), json!("x"));
        assert!(check(&document).is_err(), "{pointer}");
    }
}

fn recipe(name: &str) -> &'static str {
    RECIPES.iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn a_secret_that_is_written_out_and_values_of_the_wrong_kind_are_refused() {
    for (wrong, instead) in [
        ("client_secret = \"$NORTH_CLIENT_SECRET\"", "client_secret = \"hush\""),
        ("requests = 1000", "requests = \"1000\""),
        ("requests = 1000", "requests = 0"),
        ("fields = [\"tenantId\"]", "fields = \"tenantId\""),
        ("environment = \"test\"", "environment = \"holiday\""),
        ("name = \"casework\"", ""),
    ] {
        assert!(FULL.contains(wrong));
        assert!(check(&document(&FULL.replacen(wrong, instead, 1))).is_err(), "{instead}");
    }
}

/// Which words a key may have is said by the reader as well: of a word that is none it names those that are.
#[test]
fn the_words_that_a_key_may_have_are_those_that_the_reader_takes() {
    const NONE: &str = "zzzzzzzzzzzzzzzzzzzz";
    let signed = format!(
        "client_auth = \"private_key_jwt\"\nprivate_key = \"$NORTH_CLIENT_SECRET\"\nkey_algorithm = \"{NONE}\""
    );
    let codes = format!(
        "grant = \"login\"\nrequest = \"POST /login\"\ntoken = \"$.t\"\njson = {{ otp = \"{{totp}}\" }}\n\
         totp = \"$NORTH_CLIENT_SECRET\"\ntotp_algorithm = \"{NONE}\""
    );
    let mut asked = BTreeSet::new();
    for (pointer, from, to) in [
        ("/definitions/target/properties/environment/enum", "environment = \"test\"", "environment = \"?\""),
        ("/definitions/tokens/properties/kind/enum", "kind = \"jwt\"", "kind = \"?\""),
        ("/definitions/tokens/properties/audience/enum", "audience = \"per-tenant\"", "audience = \"?\""),
        ("/definitions/tenant.principal/properties/grant/enum", "grant = \"basic\"", "grant = \"?\""),
        ("/definitions/tenant.principal/properties/use/enum", "grant = \"basic\"", "grant = \"basic\"\nuse = \"?\""),
        ("/definitions/tenant.principal/properties/client_auth/enum", "client_auth = \"post\"", "client_auth = \"?\""),
        ("/definitions/tenant.principal/properties/key_algorithm/enum", "client_auth = \"post\"", &signed),
        ("/definitions/tenant.principal/properties/totp_algorithm/enum", "grant = \"basic\"", &codes),
        ("/definitions/resource/properties/ids/enum", "ids = \"client\"", "ids = \"?\""),
        ("/definitions/resource/properties/methods/items/enum", "methods = [\"delete\",", "methods = [\"?\","),
        (
            "/definitions/resource/properties/existing/anyOf/0/enum",
            "existing = { agency-north = \"user-17\", agency-south = \"user-90\" }",
            "existing = \"?\"",
        ),
        (
            "/definitions/act/properties/kind/enum",
            "[[exclude]]",
            "[[act]]\nname = \"leave\"\nkind = \"?\"\nof = \"service\"\nrequest = \"POST /leave\"\n\n[[exclude]]",
        ),
        ("/definitions/operation/properties/effect/enum", "effect = \"change\"", "effect = \"?\""),
    ] {
        assert!(FULL.contains(from), "{from}");
        let told = read(&FULL.replacen(from, &to.replace('?', NONE), 1)).unwrap_err().to_string();
        let schema = schema();
        let words: Vec<&str> =
            schema.pointer(pointer).unwrap().as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        let listed = format!("one of: {}", words.join(", "));
        assert!(told.lines().any(|line| line.trim_end().ends_with(&listed)), "{pointer}: {listed}\n{told}");
        asked.insert(pointer.to_owned());
    }
    let mut all = BTreeSet::new();
    words(&schema(), "", &mut all);
    // A person's keys and those of staff are a principal's.
    let of_guests =
        |pointer: &String| ["person", "staff"].iter().any(|one| pointer.starts_with(&format!("/definitions/{one}/")));
    let of_principals = |pointer: &String| {
        let key =
            pointer.trim_start_matches("/definitions/person/").trim_start_matches("/definitions/staff/").to_owned();
        assert_eq!(schema().pointer(pointer), schema().pointer(&format!("/definitions/tenant.principal/{key}")));
    };
    all.iter().filter(|pointer| of_guests(pointer)).for_each(of_principals);
    all.retain(|pointer| !of_guests(pointer));
    assert_eq!(asked, all);
}

/// Where the schema lists words.
fn words(schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            let at = format!("{at}/{name}");
            match name.as_str() {
                "enum" => drop(found.insert(at)),
                _ => words(value, &at, found),
            }
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(number, item)| words(item, &format!("{at}/{number}"), found));
        }
        _ => {}
    }
}

/// What the schema wants, the reader wants.
#[test]
fn a_key_that_must_be_there_must_be_there_for_the_reader_too() {
    let cases = [
        ("[target]", "name"),
        ("[tenancy]", "locator"),
        ("[tokens]", "kind"),
        ("[[tenant]]", "id"),
        ("[[tenant.principal]]", "name"),
        ("[[tenant.principal]]", "grant"),
        ("[[resource]]", "name"),
        ("[[operation]]", "name"),
        ("[[operation]]", "request"),
        ("[[exclude]]", "check"),
        ("[[exclude]]", "reason"),
        ("[[exclude]]", "expires"),
    ];
    for (header, key) in cases {
        let (before, section) = FULL.split_once(header).unwrap();
        let lines = section.split_inclusive('\n');
        let mut is_left = true;
        let without: String = lines
            .filter(|line| {
                let is_it = is_left && line.starts_with(&format!("{key} = "));
                is_left &= !is_it;
                !is_it
            })
            .collect();
        assert!(!is_left, "{header} has no {key}");
        let text = format!("{before}{header}{without}");
        assert!(read(&text).is_err(), "{header} {key}");
        assert!(check(&document(&text)).is_err(), "{header} {key}");
    }
}
