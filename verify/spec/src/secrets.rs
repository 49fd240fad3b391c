//! Finds secrets before anything is read: variables whose values must not be shown, and literals that are where a
//! variable belongs, so that no mistake on the same line shows them.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::keys::nearest;
use crate::report::Report;
use crate::variables::name_of;

/// Keys of a principal whose values are secrets.
const KEYS: [&str; 7] =
    ["client_secret", "password", "value", "refresh_token", "private_key", "certificate_key", "totp"];

/// Every variable that is a secret of some principal, or is sent by an act, with the byte at which it is one first.
///
/// Secrets of a grant that the principal does not have count too: such a spec is refused anyway.
pub(crate) fn variables<'t>(root: &'t DeTable<'t>) -> BTreeMap<String, usize> {
    let principals = tables(root, "tenant").flat_map(|tenant| tables(tenant, "principal"));
    let principals = principals.chain(tables(root, "person")).chain(tables(root, "staff"));
    let undoing = |act: &'t DeTable<'t>| act.get("undo").and_then(|undo| undo.get_ref().as_table());
    let acts = tables(root, "act").flat_map(move |act| std::iter::once(act).chain(undoing(act)));
    let sent_by_acts = acts.flat_map(sent).flat_map(values_in);
    let values = principals.flat_map(|principal| {
        let own = KEYS.into_iter().filter_map(|key| principal.get(key));
        let requests = std::iter::once(principal).chain(tables(principal, "steps"));
        let logins = requests.flat_map(sent);
        // API keys. What a session's headers hold are no variables.
        let keys =
            ["headers", "query", "cookies"].into_iter().filter_map(|key| principal.get(key)?.get_ref().as_table());
        let own = own.chain(keys.flat_map(|members| members.values()));
        own.chain(logins.flat_map(values_in))
    });
    let mut secrets = BTreeMap::new();
    for value in values.chain(sent_by_acts) {
        if let Some(name) = value.get_ref().as_str().and_then(name_of) {
            let first = secrets.entry(name.to_owned()).or_insert(value.span().start);
            *first = value.span().start.min(*first);
        }
    }
    secrets
}

/// What a request of a log-in or of an act sends.
fn sent<'t>(request: &'t DeTable<'t>) -> impl Iterator<Item = &'t toml::Spanned<DeValue<'t>>> {
    ["json", "form", "params", "variables"].into_iter().filter_map(|key| request.get(key))
}

/// Every value within one, at any depth.
fn values_in<'t>(value: &'t toml::Spanned<DeValue<'t>>) -> Vec<&'t toml::Spanned<DeValue<'t>>> {
    match value.get_ref() {
        DeValue::Table(members) => members.values().flat_map(values_in).collect(),
        DeValue::Array(items) => items.iter().flat_map(values_in).collect(),
        _ => vec![value],
    }
}

/// The tables of a `[[key]]`.
fn tables<'t>(parent: &'t DeTable<'t>, key: &str) -> impl Iterator<Item = &'t DeTable<'t>> {
    let items = parent.get(key).and_then(|value| value.get_ref().as_array());
    items.into_iter().flat_map(|items| items.iter()).filter_map(|item| item.get_ref().as_table())
}

/// Hides what is written at keys of secrets, misspelled ones too, in all of a document but its bodies.
pub(crate) fn hide(report: &mut Report<'_>, root: &DeTable<'_>) {
    for (key, value) in root {
        // Members of bodies have names of their own, and no secrets.
        if !["resource", "operation", "exclude"].contains(&key.get_ref().as_ref()) {
            hide_in(report, key.get_ref(), value);
        }
    }
}

fn hide_in(report: &mut Report<'_>, key: &str, value: &toml::Spanned<DeValue<'_>>) {
    match value.get_ref() {
        DeValue::Table(table) => table.iter().for_each(|(key, value)| hide_in(report, key.get_ref(), value)),
        DeValue::Array(items) => items.iter().for_each(|item| hide_in(report, key, item)),
        DeValue::String(text) if text.starts_with('$') || text == "{totp}" => {}
        _ if is_secret(key) => report.hide(value.span()),
        _ => {}
    }
}

fn is_secret(key: &str) -> bool {
    let lower = key.to_lowercase();
    ["secret", "pass"].iter().any(|word| lower.contains(word)) || nearest(key, KEYS).is_some()
}

/// The same line by line, in a text that is not TOML.
pub(crate) fn hide_by_line(report: &mut Report<'_>) {
    let text = report.text();
    let mut start = 0_usize;
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        let key =
            ["sec", "pass", "value", "refresh", "private", "totp"].iter().filter_map(|word| lower.find(word)).min();
        let equals = key.and_then(|key| Some(key.saturating_add(lower.get(key..)?.find('=')?)));
        if let Some(equals) = equals {
            let from = start.saturating_add(equals).saturating_add(1);
            report.hide(value_by_line(text, from, start.saturating_add(line.len())));
        }
        start = start.saturating_add(line.len());
    }
}

/// From an equals sign to the end of the line, or of a text in three quotes.
fn value_by_line(text: &str, from: usize, line_end: usize) -> Range<usize> {
    let value = text.get(from..).unwrap_or_default();
    let written = value.trim_start_matches([' ', '\t']);
    let Some(quotes) = ["\"\"\"", "'''"].into_iter().find(|quotes| written.starts_with(quotes)) else {
        return from..line_end;
    };
    let opened = from.saturating_add(value.len().saturating_sub(written.len())).saturating_add(quotes.len());
    let closed = text.get(opened..).and_then(|rest| rest.find(quotes)).map(|at| opened.saturating_add(at));
    from..closed.unwrap_or(text.len()).max(line_end)
}
