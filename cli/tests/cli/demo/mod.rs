//! The demonstration: the sound platform, and each of its faults.

mod faults;
mod interrupted;
mod kept;

use serde_json::Value;

use crate::desk::*;

pub(crate) fn faults() -> Vec<Value> {
    json(&Desk::new().run(&["demo", "--list-faults", "--format", "json"])).as_array().unwrap().clone()
}

pub(crate) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}
