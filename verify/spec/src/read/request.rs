//! Requests with symbols: a line alone (`"GET /cases/{case}"`), or a table with headers and a body.

use std::time::Duration;

use toml::de::DeValue;

use crate::ix::ResourceIx;
use crate::keys::{REQUEST, UNTIL};
use crate::reader::{At, Reader, Table, Value, in_order};
use crate::spec::{Effect, Follow, RequestTemplate, Until};
use crate::template::symbols::{IN_BODY, IN_HEADER, IN_PATH, Objects, Scope};
use crate::template::{BodyTemplate, JsonTemplate, Piece, Symbol, TextTemplate};
use crate::values::integer;

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
        effect: Effect,
    ) -> Option<RequestTemplate> {
        match value.get_ref().as_table() {
            Some(entries) => {
                let table = self.open(&REQUEST, entries, value.span());
                self.only_read(&table, effect);
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
        let until = table.get("until").map(|value| self.until(value));
        let follow = table.get("follow").map(|value| self.follow(value));
        Some(RequestTemplate {
            method: line?.method,
            path: path?,
            headers: headers?,
            body: body?,
            until: match until {
                Some(until) => Some(until?),
                None => None,
            },
            follow: match follow {
                Some(follow) => Some(follow?),
                None => None,
            },
        })
    }

    fn until(&mut self, value: &'t Value<'t>) -> Option<Until> {
        const DEFAULT: Duration = Duration::from_secs(30);
        const LONGEST: Duration = Duration::from_secs(600);
        let Some(entries) = value.get_ref().as_table() else {
            self.wrong_type(value, "`until`", "a table", REQUEST.example("until"));
            return None;
        };
        let table = self.open(&UNTIL, entries, value.span());
        let within = match table.get("within") {
            Some(value) => self.duration(value, Duration::from_millis(1)..=LONGEST),
            None => Some(DEFAULT),
        };
        let member = match (table.get("member"), table.get("is")) {
            (None, None) => Some(None),
            (Some(member), Some(is)) => {
                let wanted = match is.get_ref() {
                    DeValue::String(text) => Some(text.as_ref().into()),
                    DeValue::Boolean(flag) => Some((*flag).into()),
                    DeValue::Integer(number) => integer(number).map(Into::into),
                    _ => None,
                };
                if wanted.is_none() {
                    self.wrong_type(is, "`is`", "a text, a whole number, true or false", UNTIL.example("is"));
                }
                self.json_path(member).zip(wanted).map(Some)
            }
            (Some(_), None) | (None, Some(_)) => {
                let message = "`member` and `is` go together";
                self.report.note(table.span.clone(), message, "{ member = \"$.status\", is = \"done\" }");
                None
            }
        };
        Some(Until { member: member?, within: within? })
    }

    fn follow(&mut self, value: &'t Value<'t>) -> Option<Follow> {
        let text = self.text(value)?;
        match text.value.strip_prefix("header:") {
            Some(name) => {
                let name = self.header_name(At { value: name, span: text.span });
                name.map(|name| Follow::Header(name.to_ascii_lowercase()))
            }
            None => self.json_path(value).map(Follow::Member),
        }
    }

    /// Only what reads may be sent again until it is ready, or be followed.
    pub(super) fn only_read(&mut self, table: &Table<'t>, effect: Effect) {
        for key in ["until", "follow"] {
            if table.get(key).is_some() && effect != Effect::Read {
                let message = format!("`{key}` at a request that writes");
                let help = "put it at the request that reads what comes of it; a POST that reads is an [[operation]] with \
                            effect = \"read\"";
                self.report.note(table.key_span(key), message, help);
            }
        }
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
        let members = self.members_of(table, key)?.into_iter();
        Some(members.map(|(name, value)| (name, self.text_template(value, &scope))).collect())
    }

    /// The members of a table, none where the key is absent.
    fn members_of(&mut self, table: &Table<'t>, key: &'static str) -> Option<Vec<(At<&'t str>, &'t Value<'t>)>> {
        let Some(value) = table.get(key) else { return Some(Vec::new()) };
        let entries = value.get_ref().as_table();
        if entries.is_none() {
            self.wrong_type(value, &format!("`{key}`"), "a table", REQUEST.example(key));
        }
        entries.map(in_order)
    }

    /// At most one of the kinds of bodies.
    fn body_of(&mut self, table: &Table<'t>, may: May<'_>) -> Option<Option<BodyTemplate>> {
        const KINDS: [&str; 5] = ["body", "form", "multipart", "text", "graphql"];
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
                let mut members = Vec::new();
                for (name, value) in self.members_of(table, "form")? {
                    // A member that is sent several times is a list.
                    let values = value.get_ref().as_array().map_or_else(|| vec![value], |list| list.iter().collect());
                    let texts = values
                        .into_iter()
                        .map(|value| Some((name.value.to_owned(), self.text_template(value, &scope)?)));
                    members.extend(texts.collect::<Vec<_>>());
                }
                Some(BodyTemplate::Form(members.into_iter().collect::<Option<_>>()?))
            }
            Some(&"multipart") => {
                let members = self.members_of(table, "multipart")?.into_iter();
                let parts: Vec<_> = members.map(|(name, value)| self.part(name, value, &scope)).collect();
                Some(BodyTemplate::Multipart(parts.into_iter().collect::<Option<_>>()?))
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
