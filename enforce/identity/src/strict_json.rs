//! JSON objects in which no name occurs twice, at any depth.
//!
//! RFC 7519 section 4 lets a reader take the last of two equal names or refuse both. Two readers that choose
//! differently disagree on who calls, so that here the token is refused.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// The bytes are not a JSON object with unique names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object in which no name occurs twice")]
pub struct NotAnObject;

/// Reads one whole JSON object. For requests' bodies as well: a body can name a tenant once or not at all.
///
/// # Errors
///
/// Anything else, an object in which a name occurs twice at any depth, and nesting beyond `serde_json`'s bound.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
    match serde_json::from_slice::<Strict>(bytes) {
        Ok(Strict(Value::Object(map))) => Ok(map),
        Ok(_) | Err(_) => Err(NotAnObject),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON whose objects name nothing twice")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name occurs twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_occurs_twice_is_refused_at_any_depth() {
        for twice in [
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"sub":"a","s\u0075b":"a"}"#,
            r#"{"act":{"sub":"a","sub":"b"}}"#,
            r#"{"list":[{"x":1,"x":1}]}"#,
        ] {
            assert_eq!(object(twice.as_bytes()), Err(NotAnObject), "{twice}");
        }
    }

    #[test]
    fn only_one_whole_object_is_read() {
        for text in ["", "null", "[]", "\"a\"", "1", "{", "{}{}", "{} x", "{\"a\":NaN}", "{\"a\":1e999}", "{'a':1}"] {
            assert_eq!(object(text.as_bytes()), Err(NotAnObject), "{text}");
        }
        assert_eq!(object(&[b'{', b'"', 0xff, b'"', b':', b'1', b'}']), Err(NotAnObject));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(object(deep.as_bytes()), Err(NotAnObject));
    }

    proptest! {
        #[test]
        fn unique_objects_read_as_serde_json_reads_them(
            fields in proptest::collection::btree_map("[a-z]{1,4}", prop_oneof![
                Just(serde_json::json!(null)), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from),
                any::<u64>().prop_map(Value::from), ".{0,8}".prop_map(Value::from), Just(serde_json::json!([1, {"a": []}])),
            ], 0..8),
        ) {
            let text = serde_json::to_vec(&fields).unwrap();
            prop_assert_eq!(Value::Object(object(&text).unwrap()), serde_json::from_slice::<Value>(&text).unwrap());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = object(&bytes);
        }
    }
}
