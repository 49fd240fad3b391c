//! The numbers of an answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use watertight_engine::log::Exchange;
use watertight_spec::Resource;

use crate::shared::{id_of, is_page, leaves, numbers_on};

/// By the places that they are at.
pub(super) type Numbers = BTreeMap<String, f64>;

/// The places of the objects of a list, as [`leaves`] names places: the items that have an id.
pub(super) fn objects_in(resource: &Resource, json: &Value) -> BTreeSet<String> {
    fn gather(resource: &Resource, json: &Value, path: &str, into: &mut BTreeSet<String>) {
        match json {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| gather(resource, value, &format!("{path}.{name}"), into));
            }
            Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| {
                let at = format!("{path}[{n}]");
                match id_of(resource, item) {
                    Some(_) => drop(into.insert(at)),
                    None => gather(resource, item, &at, into),
                }
            }),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    gather(resource, json, "$", &mut all);
    all
}

/// Whether a place is within one of these objects.
pub(super) fn is_within(objects: &BTreeSet<String>, at: &str) -> bool {
    at.match_indices(']').any(|(end, _)| at.get(..=end).is_some_and(|object| objects.contains(object)))
}

/// Every number of an answer: in its body, or on a page for people, and in headers such as `X-Total-Count`.
pub(in crate::api) fn numbers(exchange: &Exchange) -> Numbers {
    let number = |(at, value): (String, String)| Some((at, value.parse::<f64>().ok()?));
    let in_body: Numbers = match is_page(exchange) {
        true => numbers_on(exchange),
        false => exchange.json().map_or_else(|| cells(exchange), leaves).into_iter().filter_map(number).collect(),
    };
    let headers = exchange.response().map(|received| received.headers.as_slice()).unwrap_or_default();
    let in_headers = headers
        .iter()
        .filter(|(name, _)| (name.contains("count") || name.contains("total")) && !name.contains("limit"))
        .map(|(name, value)| (format!("header {name}"), value.clone()));
    in_body.into_iter().chain(in_headers.filter_map(number)).collect()
}

/// Cells of a table that are kept.
const MOST_CELLS: usize = 20_000;

/// What is in a table of text, by line and cell, and how many lines it has.
fn cells(exchange: &Exchange) -> BTreeMap<String, String> {
    let text = exchange.response().map_or("", |received| received.body.text().trim_start_matches('\u{feff}'));
    let lines = || text.lines().filter(|line| !line.trim_start().starts_with('<'));
    let in_lines = lines().enumerate().flat_map(|(number, line)| {
        let cell = move |(place, cell): (usize, &str)| {
            (format!("line {number}, cell {place}"), cell.trim().trim_matches('"').to_owned())
        };
        line.split([',', ';', '\t']).enumerate().map(cell)
    });
    let count = ("lines".to_owned(), lines().count().to_string());
    std::iter::once(count).chain(in_lines.take(MOST_CELLS)).collect()
}

/// By how much each number moved. What was not there before counts from nothing.
pub(super) fn difference(before: &Numbers, after: &Numbers) -> Numbers {
    before
        .keys()
        .chain(after.keys())
        .map(|at| {
            let by = after.get(at).copied().unwrap_or_default() - before.get(at).copied().unwrap_or_default();
            (at.clone(), by)
        })
        .filter(|(_, by)| by.abs() > f64::EPSILON)
        .collect()
}
