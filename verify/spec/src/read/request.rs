//! Requests with symbols: a line alone (`"GET /cases/{case}"`), or a table with headers and a body.

use crate::ix::ResourceIx;
use crate::keys::REQUEST;
use crate::reader::{At, Reader, Table, Value, in_order};
use crate::spec::RequestTemplate;
use crate::symbols::{IN_BODY, IN_HEADER, IN_PATH, Objects, Scope};
use crate::template::{BodyTemplate, JsonTemplate, Piece, Symbol, TextTemplate};

/// Which objects a request may name.
#[derive(Clone, Copy)]
pub(super) struct May<'a> {
    /// Every resource.
    pub(super) objects: &'a Objects,
    /// All but this one.
    pub(super) but: Option<ResourceIx>,
}

impl<'a> May<'a> {
    pub(super) fn scope(self, others: &'static [Symbol]) -> Scope<'a> {
        let allowed = |but| self.objects.resources.values().copied().filter(move |one| *one != but).collect();
        Scope { objects: self.objects, bound: self.but.map(allowed), others }
    }
}

impl<'t> Reader<'t, '_> {
    /// `"METHOD path"`, with the body of the convention; or a table.
    pub(super) fn request(
        &mut self,
        value: &'t Value<'t>,
        may: May<'_>,
        body: Option<BodyTemplate>,
    ) -> Option<RequestTemplate> {
        match value.get_ref().as_table() {
            Some(entries) => {
                let table = self.open(&REQUEST, entries, value.span());
                self.request_of(&table, may)
            }
            None => {
                let line = self.request_line(value)?;
                let path = self.path(&line.path, &may.scope(IN_PATH))?;
                Some(RequestTemplate { body, ..RequestTemplate::bare(line.method, path) })
            }
        }
    }

    /// What a table with the keys of a request describes.
    pub(super) fn request_of(&mut self, table: &Table<'t>, may: May<'_>) -> Option<RequestTemplate> {
        let line = self.need(table, "request").and_then(|value| self.request_line(value));
        let path = line.as_ref().and_then(|line| self.path(&line.path, &may.scope(IN_PATH)));
        let headers = self.headers(table, may);
        let body = self.body_of(table, may);
        Some(RequestTemplate { method: line?.method, path: path?, headers: headers?, body: body? })
    }

    fn headers(&mut self, table: &Table<'t>, may: May<'_>) -> Option<Vec<(String, TextTemplate)>> {
        let headers = self.templates(table, "headers", may.scope(IN_HEADER))?;
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (self.header_name(name), value)).collect();
        headers.into_iter().map(|(name, value)| Some((name?, value?))).collect()
    }

    /// A table of texts, as far as each can be read; an empty one where the key is absent.
    fn templates(
        &mut self,
        table: &Table<'t>,
        key: &'static str,
        scope: Scope<'_>,
    ) -> Option<Vec<(At<&'t str>, Option<TextTemplate>)>> {
        let Some(value) = table.get(key) else { return Some(Vec::new()) };
        let Some(entries) = value.get_ref().as_table() else {
            self.wrong_type(value, &format!("`{key}`"), "a table", REQUEST.example(key));
            return None;
        };
        Some(in_order(entries).into_iter().map(|(name, value)| (name, self.text_template(value, &scope))).collect())
    }

    /// At most one of the kinds of bodies.
    fn body_of(&mut self, table: &Table<'t>, may: May<'_>) -> Option<Option<BodyTemplate>> {
        const KINDS: [&str; 4] = ["body", "form", "text", "graphql"];
        let given: Vec<&'static str> = KINDS.into_iter().filter(|key| table.get(key).is_some()).collect();
        if let [first, second, ..] = given.as_slice() {
            let message = format!("both `{first}` and `{second}`");
            self.report.note(table.key_span(second), message, "a request has one body: leave one out");
            return None;
        }
        for (key, only_with) in [("type", "text"), ("variables", "graphql")] {
            if table.get(key).is_some() && !given.contains(&only_with) {
                let message = format!("`{key}` without `{only_with}`");
                self.report.note(table.key_span(key), message, format!("add `{only_with}`, or leave it out"));
                return None;
            }
        }
        let scope = may.scope(IN_BODY);
        Some(match given.first() {
            None => None,
            Some(&"form") => {
                let members = self.templates(table, "form", scope)?.into_iter();
                let members = members.map(|(name, value)| Some((name.value.to_owned(), value?))).collect::<Option<_>>();
                Some(BodyTemplate::Form(members?))
            }
            Some(&"text") => {
                let text = table.get("text").and_then(|value| self.text_template(value, &scope))?;
                let kind = match table.get("type") {
                    Some(value) => self.text(value)?.value.to_owned(),
                    None => "text/plain".to_owned(),
                };
                Some(BodyTemplate::Text { kind, text })
            }
            Some(&"graphql") => {
                let query = self.text(table.get("graphql")?)?.value.to_owned();
                let query = ("query".to_owned(), JsonTemplate::Text(vec![Piece::Text(query)]));
                let variables = match table.get("variables") {
                    Some(value) => Some(("variables".to_owned(), self.body(value, &scope)?)),
                    None => None,
                };
                Some(BodyTemplate::Json(JsonTemplate::Object(std::iter::once(query).chain(variables).collect())))
            }
            Some(_) => Some(BodyTemplate::Json(self.body(table.get("body")?, &scope)?)),
        })
    }
}
