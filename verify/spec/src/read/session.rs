//! `grant = "session"`: a log-in of one or more steps.

use url::Url;

use super::principal::{Drafted, LEAST_LIFETIME, LONGEST_LIFETIME, Plain, form, log_in_at, members};
use super::totp::{note_unsent, totp};
use crate::credential::{CODE, Credential, LoginEncoding, LoginStep, LoginValue, Take, Written, WrittenPart};
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
    let totp = totp(reader, table, draft);
    let code = table.get("totp").map(|_| CODE.to_owned());
    let mut taken: Vec<String> = code.into_iter().collect();
    let mut steps = Vec::new();
    for table in &tables {
        let step = step(reader, table, draft, tenant_url, &taken);
        // Whatever else is wrong with the step: what it takes is no mistake of those that use it.
        let takes = table.get("take").and_then(|value| value.get_ref().as_table());
        taken.extend(takes.into_iter().flatten().map(|(name, _)| name.get_ref().to_string()));
        steps.push(step);
    }
    // A code is good for one request.
    taken.retain(|name| name != CODE);
    let headers = headers(reader, table, &taken)?;
    let steps: Vec<LoginStep> = steps.into_iter().collect::<Option<_>>()?;
    if !steps.iter().any(LoginStep::sends_code) {
        note_unsent(reader, table)?;
    }
    Some(Credential::Session { steps, headers, lifetime, totp: totp? })
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
    let body = body(reader, table, draft, &plain);
    let take = match table.get("take") {
        None => Some(Vec::new()),
        Some(value) => takes(reader, value),
    };
    let (method, url) = request?;
    Some(LoginStep { method, url, headers: headers?, body: body?, take: take? })
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
            if name.value == CODE {
                let help = "choose another name: `{totp}` is a one-time code, made from `totp`";
                reader.report.note(name.span, "`totp` is not taken from an answer", help);
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

/// A text with `{name}` for what earlier steps have taken. A brace itself is written twice.
pub(super) fn written(reader: &mut Reader<'_, '_>, text: &At<&str>, taken: &[String]) -> Option<Written> {
    let mut parts = vec![String::new()];
    let mut names = Vec::new();
    let mut rest = text.value;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        let plain = parts.last_mut()?;
        plain.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            plain.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            plain.push('}');
            rest = after;
        } else if let Some((name, after)) = from.strip_prefix('{').and_then(|from| from.split_once('}')) {
            if !taken.iter().any(|known| known == name) {
                note_untaken(reader, text, name, taken);
                return None;
            }
            names.push(name.to_owned());
            parts.push(String::new());
            rest = after;
        } else {
            let (brace, after) = from.split_at(1);
            plain.push_str(brace);
            rest = after;
        }
    }
    parts.last_mut()?.push_str(rest);
    let texts = parts.into_iter().map(WrittenPart::Text);
    let names = names.into_iter().map(|name| Some(WrittenPart::Taken(name))).chain([None]);
    let all = texts.zip(names).flat_map(|(text, name)| [Some(text), name]).flatten();
    Some(Written(all.filter(|part| *part != WrittenPart::Text(String::new())).collect()))
}

fn note_untaken(reader: &mut Reader<'_, '_>, text: &At<&str>, name: &str, taken: &[String]) {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let known: Vec<String> = taken.iter().map(|name| format!("{{{name}}}")).collect();
    let help = match (is_name, known.is_empty()) {
        (true, _) if name == CODE => {
            "a log-in sends it, no later request does; its seed is the principal's: totp = \"$NORTH_TOTP\"".to_owned()
        }
        (false, _) => "a brace itself is written twice, `{{`; a GraphQL document goes under `graphql`".to_owned(),
        (true, true) => "an earlier step must take it: take = { csrf = \"field:csrf\" }".to_owned(),
        (true, false) => format!("earlier steps have taken {}", known.join(", ")),
    };
    let message = match name == CODE {
        true => "`{totp}` stands for no one-time code here".to_owned(),
        false => format!("no earlier step has taken `{{{}}}`", printable(name)),
    };
    reader.report.note(text.span.clone(), message, help);
}
