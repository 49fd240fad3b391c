//! `grant = "session"`: a log-in of one or more steps.

use url::Url;

use super::principal::{Drafted, LEAST_LIFETIME, LONGEST_LIFETIME, log_in_at, members};
use crate::credential::{Credential, LoginEncoding, LoginStep, LoginValue, Take, Written, WrittenPart};
use crate::diagnostic::printable;
use crate::keys::{PRINCIPAL, STEP};
use crate::reader::{At, Reader, Table, Value, in_order};

const MOST_STEPS: usize = 10;

pub(super) fn session<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    draft: &mut Drafted,
    tenant_url: Option<&Url>,
) -> Option<Credential> {
    let lifetime = table.get("lifetime").and_then(|value| reader.duration(value, LEAST_LIFETIME..=LONGEST_LIFETIME));
    reader.need(table, "steps")?;
    let tables = reader.tables(table, "steps", &STEP, MOST_STEPS);
    if tables.is_empty() {
        let help = format!("for example {}", PRINCIPAL.example("steps"));
        reader.report.note(table.key_span("steps"), "a log-in has at least one step", help);
        return None;
    }
    let mut taken = Vec::new();
    let mut steps = Vec::new();
    for table in &tables {
        let step = step(reader, table, draft, tenant_url, &taken);
        taken.extend(step.iter().flat_map(|step| step.take.iter().map(|(name, _)| name.clone())));
        steps.push(step);
    }
    let headers = headers(reader, table, &taken)?;
    Some(Credential::Session { steps: steps.into_iter().collect::<Option<_>>()?, headers, lifetime })
}

fn step<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    draft: &mut Drafted,
    tenant_url: Option<&Url>,
    taken: &[String],
) -> Option<LoginStep> {
    let request = reader.need(table, "request").and_then(|value| reader.text(value));
    let request = request.and_then(|text| log_in_at(reader, text, &["GET", "POST", "PUT"], tenant_url));
    let headers = headers(reader, table, taken);
    let plain = |reader: &mut Reader<'t, '_>, text: At<&str>| written(reader, &text, taken).map(LoginValue::Written);
    let body = match (table.get("json"), table.get("form")) {
        (None, None) => Some(None),
        (Some(json), None) => members(reader, json, draft, plain).map(|fields| Some((LoginEncoding::Json, fields))),
        (None, Some(form)) => members(reader, form, draft, plain).map(|fields| Some((LoginEncoding::Form, fields))),
        (Some(_), Some(_)) => {
            reader.report.note(
                table.key_span("form"),
                "both `json` and `form`",
                "keep the one that the log-in expects",
            );
            None
        }
    };
    let take = match table.get("take") {
        None => Some(Vec::new()),
        Some(value) => takes(reader, value),
    };
    let (method, url) = request?;
    Some(LoginStep { method, url, headers: headers?, body: body?, take: take? })
}

fn headers<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, taken: &[String]) -> Option<Vec<(String, Written)>> {
    let Some(value) = table.get("headers") else { return Some(Vec::new()) };
    let Some(entries) = value.get_ref().as_table() else {
        reader.wrong_type(value, "`headers`", "a table", STEP.example("headers"));
        return None;
    };
    let headers: Vec<_> = in_order(entries)
        .into_iter()
        .map(|(name, value)| {
            let text = reader.text(value);
            Some((reader.header_name(name)?, written(reader, &text?, taken)?))
        })
        .collect();
    headers.into_iter().collect()
}

/// What is kept of an answer.
fn takes<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>) -> Option<Vec<(String, Take)>> {
    let Some(entries) = value.get_ref().as_table() else {
        reader.wrong_type(value, "`take`", "a table", STEP.example("take"));
        return None;
    };
    let takes: Vec<_> = in_order(entries)
        .into_iter()
        .map(|(name, value)| {
            let text = reader.text(value)?;
            let take = match text.value.split_once(':') {
                Some(("header", name)) => Take::Header(name.to_ascii_lowercase()),
                Some(("cookie", name)) => Take::Cookie(name.to_owned()),
                Some(("field", name)) => Take::Field(name.to_owned()),
                _ if text.value.starts_with('$') => Take::Member(reader.json_path(value)?),
                _ => {
                    let help = "\"$.token\", \"header:NAME\", \"cookie:NAME\" or \"field:NAME\"";
                    reader.report.note(
                        text.span,
                        format!("`{}` is no place in an answer", printable(text.value)),
                        help,
                    );
                    return None;
                }
            };
            Some((name.value.to_owned(), take))
        })
        .collect();
    takes.into_iter().collect()
}

/// A text with `{name}` for what earlier steps have taken.
fn written(reader: &mut Reader<'_, '_>, text: &At<&str>, taken: &[String]) -> Option<Written> {
    let mut parts = Vec::new();
    let mut rest = text.value;
    while let Some((before, from)) = rest.split_once('{') {
        let Some((name, after)) = from.split_once('}') else { break };
        if !taken.iter().any(|known| known == name) {
            let known: Vec<String> = taken.iter().map(|name| format!("{{{name}}}")).collect();
            let help = match known.is_empty() {
                true => "an earlier step must take it: take = { csrf = \"field:csrf\" }".to_owned(),
                false => format!("earlier steps have taken {}", known.join(", ")),
            };
            reader.report.note(text.span.clone(), format!("no earlier step has taken `{{{}}}`", printable(name)), help);
            return None;
        }
        parts.push(WrittenPart::Text(before.to_owned()));
        parts.push(WrittenPart::Taken(name.to_owned()));
        rest = after;
    }
    parts.push(WrittenPart::Text(rest.to_owned()));
    parts.retain(|part| *part != WrittenPart::Text(String::new()));
    Some(Written(parts))
}
