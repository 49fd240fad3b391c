//! An object's id as the target spells it.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// An object's id as the target spells it: a text, or a number where JSON has it as one. It goes back into JSON as what it
/// is; anywhere else its text counts, and two ids with the same text are the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct ObjectId {
    text: String,
    form: Form,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    Number,
}

impl ObjectId {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), form: Form::Text }
    }
    /// What JSON has for an id: a text that is not empty, or a number.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) if !text.is_empty() => Some(Self::text(text.as_str())),
            Value::Number(number) => Some(Self { text: number.to_string(), form: Form::Number }),
            _ => None,
        }
    }
    /// Another id of the same form.
    pub fn like(&self, text: impl Into<String>) -> Self {
        Self { text: text.into(), form: self.form }
    }
    /// As it is spelled outside JSON.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// As JSON has it.
    pub fn value(&self) -> Value {
        match (self.form, self.text.parse::<Number>()) {
            (Form::Number, Ok(number)) => Value::Number(number),
            _ => Value::String(self.text.clone()),
        }
    }
}

impl Deref for ObjectId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<String> for ObjectId {
    /// A text.
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&Self> for ObjectId {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

impl PartialEq for ObjectId {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ObjectId {}

impl PartialOrd for ObjectId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl From<ObjectId> for Value {
    fn from(id: ObjectId) -> Self {
        id.value()
    }
}

impl TryFrom<Value> for ObjectId {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        Self::of(&value).ok_or("an id is a text or a number")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_goes_back_into_json_as_it_came() {
        for value in [json!("case-7"), json!("7"), json!(7), json!(18_446_744_073_709_551_615_u64)] {
            let id = ObjectId::of(&value).unwrap();
            assert_eq!(id.value(), value);
            let written = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<ObjectId>(&written).unwrap().value(), value);
        }
        assert_eq!(ObjectId::of(&json!(7)).unwrap().like("1000007").value(), json!(1_000_007));
        assert_eq!(ObjectId::of(&json!(7)).unwrap(), ObjectId::text("7"));
        assert!([json!(null), json!(""), json!([1])].iter().all(|value| ObjectId::of(value).is_none()));
    }
}
