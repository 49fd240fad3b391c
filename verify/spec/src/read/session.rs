//! `grant = "session"`: a log-in of one or more steps.

use super::principal::{Drafted, Home, LEAST_LIFETIME, LONGEST_LIFETIME, Plain, form, members};
use super::totp::{note_unsent, totp};
use super::written::{Names, request_at, written};
use crate::diagnostic::printable;
use crate::keys::{PRINCIPAL, STEP};
use crate::reader::{At, Reader, Table, Value, in_order};
use crate::spec::credential::{CODE, Credential, LoginEncoding, LoginStep, LoginValue, Take, UNIQUE, Written};

const MOST_STEPS: usize = 10;
/// Of requests of a log-in or of an act.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

pub(super) fn session<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    draft: &mut Drafted,
    home: &Home<'_>,
) -> Option<Credential> {
    let lifetime = table.get("lifetime").and_then(|value| reader.duration(value, LEAST_LIFETIME..=LONGEST_LIFETIME));
    reader.need(table, "steps")?;
    let tables = reader.tables(table, "steps", &STEP, MOST_STEPS);
    if tables.is_empty() {
        let help = format!("for example {}", PRINCIPAL.example("steps"));
        reader.report.note(table.key_span("steps"), "a log-in has at least one step", help);
        return None;
    }
    let totp = totp(reader, table, draft);
    let mut names = Names::of(home);
    names.add(table.get("totp").map(|_| CODE.to_owned()));
    let mut steps = Vec::new();
    for table in &tables {
        let step = step(reader, table, draft, home, &names);
        // Whatever else is wrong with the step: what it takes is no mistake of those that use it.
        names.add(taken_by(table));
        steps.push(step);
    }
    let names = names.without_code();
    let headers = headers(reader, table, &names)?;
    let form = form_of_all(reader, table, &names)?;
    let steps: Vec<LoginStep> = steps.into_iter().collect::<Option<_>>()?;
    if !steps.iter().any(LoginStep::sends_code) {
        note_unsent(reader, table)?;
    }
    Some(Credential::Session { steps, headers, form, lifetime, totp: totp? })
}

/// What the answer to a request is to tell, by name.
pub(super) fn taken_by<'t>(table: &Table<'t>) -> impl Iterator<Item = String> + use<'t> {
    let takes = table.get("take").and_then(|value| value.get_ref().as_table());
    takes.into_iter().flatten().map(|(name, _)| name.get_ref().to_string())
}

/// One request of a log-in, or the undoing of an act. Another principal of the tenant may send it: `as`.
pub(super) fn step<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    draft: &mut Drafted,
    home: &Home<'_>,
    names: &Names<'_>,
) -> Option<LoginStep> {
    let by = table.get("as").map(|value| reader.text(value).and_then(|name| home.colleague(reader, name)));
    let step = request(reader, table, draft, names);
    Some(LoginStep { by: by.map_or(Some(None), |by| by.map(Some))?, ..step? })
}

/// A request in a line, which brings nothing.
pub(super) fn line<'t>(reader: &mut Reader<'t, '_>, text: At<&'t str>, names: &Names<'_>) -> Option<LoginStep> {
    let (method, origin, target) = request_at(reader, text, &METHODS, names)?;
    Some(LoginStep { by: None, method, origin, target, headers: Vec::new(), body: None, take: Vec::new() })
}

/// A request of a log-in, or of an act.
pub(super) fn request<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    draft: &mut Drafted,
    names: &Names<'_>,
) -> Option<LoginStep> {
    let request = reader.need(table, "request").and_then(|value| reader.text(value));
    let request = request.and_then(|text| request_at(reader, text, &METHODS, names));
    let headers = headers(reader, table, names);
    let plain = |reader: &mut Reader<'t, '_>, text: At<&str>| written(reader, &text, names).map(LoginValue::Written);
    let body = body(reader, table, draft, &plain);
    let take = match table.get("take") {
        None => Some(Vec::new()),
        Some(value) => takes(reader, value),
    };
    let (method, origin, target) = request?;
    Some(LoginStep { by: None, method, origin, target, headers: headers?, body: body?, take: take? })
}

/// What a step sends.
type Body = (LoginEncoding, Vec<(String, LoginValue)>);

/// None where it can't be read; without one where the step brings none.
fn body<'t, 'e>(
    reader: &mut Reader<'t, 'e>,
    table: &Table<'t>,
    draft: &mut Drafted,
    plain: &Plain<'_, 't, 'e>,
) -> Option<Option<Body>> {
    let given: Vec<&str> = ["json", "form", "graphql"].into_iter().filter(|key| table.get(key).is_some()).collect();
    if let [one, other, ..] = given.as_slice() {
        let help = "keep the one that the log-in expects";
        reader.report.note(table.key_span(other), format!("both `{one}` and `{other}`"), help);
        return None;
    }
    if let Some(json) = table.get("json") {
        return members(reader, json, draft, plain).map(|fields| Some((LoginEncoding::Json, fields)));
    }
    if let Some(value) = table.get("form") {
        return form(reader, value, draft, plain).map(|fields| Some((LoginEncoding::Form, fields)));
    }
    let Some(document) = table.get("graphql") else { return Some(None) };
    // Its braces are its own.
    let document = reader.text(document).map(|text| LoginValue::Plain(text.value.to_owned()));
    let variables = match table.get("variables") {
        Some(value) => Some(members(reader, value, draft, plain)?),
        None => None,
    };
    let mut fields = vec![("query".to_owned(), document?)];
    fields.extend(variables.map(|members| ("variables".to_owned(), LoginValue::Table(members))));
    Some(Some((LoginEncoding::Json, fields)))
}

fn headers<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, names: &Names<'_>) -> Option<Vec<(String, Written)>> {
    let headers = texts(reader, table, "headers", names)?.into_iter();
    let headers: Vec<_> = headers.map(|(name, text)| Some((reader.header_name(name)?, text))).collect();
    headers.into_iter().collect()
}

/// What every form of the session has besides its own members.
fn form_of_all<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    names: &Names<'_>,
) -> Option<Vec<(String, Written)>> {
    let members = texts(reader, table, "form", names)?.into_iter();
    Some(members.map(|(name, text)| (name.value.to_owned(), text)).collect())
}

/// A table of texts, each with what was taken in it.
fn texts<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    key: &'static str,
    names: &Names<'_>,
) -> Option<Vec<(At<&'t str>, Written)>> {
    let Some(value) = table.get(key) else { return Some(Vec::new()) };
    let Some(entries) = value.get_ref().as_table() else {
        reader.wrong_type(value, &format!("`{key}`"), "a table", STEP.example(key));
        return None;
    };
    let texts: Vec<_> = in_order(entries)
        .into_iter()
        .map(|(name, value)| {
            let text = reader.text(value);
            Some((name, written(reader, &text?, names)?))
        })
        .collect();
    texts.into_iter().collect()
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
            if let Some(stands_for) = reserved(name.value) {
                let help = format!("choose another name: `{{{}}}` is {stands_for}", name.value);
                reader.report.note(name.span, format!("`{}` is not taken from an answer", name.value), help);
                return None;
            }
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

/// What a name stands for in every log-in, if it stands for something.
fn reserved(name: &str) -> Option<&'static str> {
    match name {
        CODE => Some("a one-time code, made from `totp`"),
        UNIQUE => Some("a text that no other log-in has"),
        "tenant" | "tenant.name" => Some("the tenant's own"),
        _ => None,
    }
}
