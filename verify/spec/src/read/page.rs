//! `page`: how the lists of a resource come in pages.

use crate::diagnostic::printable;
use crate::keys::PAGE;
use crate::reader::{At, Reader, Table, Value};
use crate::spec::{NextPage, Paging, Parameter};

/// Keys that say how a page leads to the next one: one of them, or `cursor` with `next`.
const WAYS: [&str; 5] = ["next", "next_header", "cursor", "number", "offset"];

pub(super) fn paging<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>) -> Paging {
    let Some(page) = reader.table(table, "page", &PAGE) else { return Paging::default() };
    let size = page.get("size").and_then(|value| reader.text(value)).and_then(|size| {
        let fits = size.value.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
            && is_query(size.value);
        if !fits {
            let message = format!("`{}` is no query parameter", printable(size.value));
            reader.report.note(size.span, message, "name and value: \"limit=2\"");
        }
        fits.then(|| size.value.to_owned())
    });
    let more = page.get("more").and_then(|value| reader.json_path(value));
    let next = next_page(reader, &page).unwrap_or_default();
    Paging { size, next, more }
}

fn next_page<'t>(reader: &mut Reader<'t, '_>, page: &Table<'t>) -> Option<NextPage> {
    let given: Vec<&str> = WAYS.into_iter().filter(|key| page.get(key).is_some()).collect();
    let path = |reader: &mut Reader<'t, '_>| page.get("next").and_then(|value| reader.json_path(value));
    let parameter =
        |reader: &mut Reader<'t, '_>, key: &'static str| page.get(key).and_then(|value| parameter(reader, value));
    match given.as_slice() {
        [] => None,
        ["next"] => path(reader).map(NextPage::Link),
        ["next", "cursor"] => {
            let at = path(reader);
            Some(NextPage::Cursor { parameter: parameter(reader, "cursor")?, at: at? })
        }
        ["cursor"] => {
            let help = "add `next = \"$.next_cursor\"`, where a page has the value for the next one";
            reader.report.note(page.key_span("cursor"), "`cursor` without `next`", help);
            None
        }
        ["next_header"] => {
            let name = page.get("next_header").and_then(|value| reader.text(value));
            name.and_then(|name| reader.header_name(name)).map(NextPage::Header)
        }
        ["number"] => parameter(reader, "number").map(NextPage::Number),
        ["offset"] => parameter(reader, "offset").map(NextPage::Offset),
        [first, second, ..] => {
            let help = "keep the one that names the next page";
            reader.report.note(page.key_span(second), format!("both `{first}` and `{second}`"), help);
            None
        }
        [_] => None,
    }
}

/// Of the query, or `body:` and the members that lead to it.
fn parameter<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>) -> Option<Parameter> {
    let At { value: text, span } = reader.text(value)?;
    let parameter = match text.strip_prefix("body:") {
        Some(members) => {
            let members: Vec<String> = members.split('.').map(str::to_owned).collect();
            members.iter().all(|member| !member.is_empty()).then_some(Parameter::Body(members))
        }
        None => (is_query(text) && !text.contains(['=', '&'])).then(|| Parameter::Query(text.to_owned())),
    };
    if parameter.is_none() {
        let message = format!("`{}` is no parameter", printable(text));
        reader.report.note(
            span,
            message,
            "the name of one of the query, \"page\", or of the body, \"body:params.page\"",
        );
    }
    parameter
}

fn is_query(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'{' | b'}'))
}
