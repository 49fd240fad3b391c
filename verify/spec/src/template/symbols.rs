//! Reads `{symbol}` in paths and bodies.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::Value as Json;
use toml::de::DeValue;

use crate::diagnostic::printable;
use crate::ix::ResourceIx;
use crate::keys::suggest;
use crate::moment::{Moment, MomentForm};
use crate::reader::{At, Reader, Value, in_order};
use crate::template::{Form, JsonTemplate, PathTemplate, Piece, Symbol, TextTemplate};
use crate::values::integer;

/// Names that no resource may have, and no value of a tenant.
const RESERVED: [&str; 3] = ["tenant", "canary", "unique"];

/// Whether braces around a name mean something already.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || made_up().any(|word| word == name)
}

/// Words for what the run makes up.
fn made_up<'a>() -> impl Iterator<Item = &'a str> + Clone {
    Form::ALL.iter().map(|(word, _)| *word).chain(MomentForm::ALL.iter().map(|(word, _)| *word))
}

/// Methods that a spec may name.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// What braces may name besides the symbols that every spec has.
#[derive(Default)]
pub(crate) struct Objects {
    /// Resource names and their indices in the spec.
    pub(crate) resources: BTreeMap<String, ResourceIx>,
    /// Names of tenants' `values`.
    pub(crate) values: BTreeSet<String>,
}

/// Which symbols have a meaning in a template.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    /// Every resource.
    pub(crate) objects: &'a Objects,
    /// Those that something binds here; `None` allows every object.
    pub(crate) bound: Option<Vec<ResourceIx>>,
    /// Besides objects and what is theirs.
    pub(crate) others: &'static [Symbol],
}

/// A path and query of a request: the secret half of a canary is never in one.
pub(crate) const IN_PATH: &[Symbol] = &[Symbol::Tenant, Symbol::CanaryPublic, Symbol::Unique];
/// A header: the same.
pub(crate) const IN_HEADER: &[Symbol] = IN_PATH;
/// A collection's path.
pub(crate) const IN_COLLECTION: &[Symbol] = &[Symbol::Tenant];
/// A body.
pub(crate) const IN_BODY: &[Symbol] = &[Symbol::Tenant, Symbol::Canary, Symbol::CanaryPublic, Symbol::Unique];

impl Scope<'_> {
    /// The symbol that `{name}` means, or why it means none.
    fn symbol(&self, name: &str) -> Result<Symbol, (String, String)> {
        let symbol = match name {
            "tenant" => Symbol::Tenant,
            "tenant.name" => Symbol::TenantName,
            "canary" => Symbol::Canary,
            "canary.public" => Symbol::CanaryPublic,
            "unique" => Symbol::Unique,
            _ => match (self.objects.resources.get(name), Form::ALL.iter().find(|(form, _)| *form == name)) {
                (Some(index), _) => Symbol::Object(*index),
                (None, Some((_, form))) => Symbol::Generated(*form),
                (None, None) if self.objects.values.contains(name) => Symbol::Value(name.to_owned()),
                (None, None) if let Some(moment) = Moment::parse(name) => Symbol::Moment(moment?),
                (None, None) => {
                    let own = self.objects.resources.keys().chain(&self.objects.values).map(String::as_str);
                    let known = ["tenant", "tenant.name", "canary", "canary.public", "unique"]
                        .into_iter()
                        .chain(own)
                        .chain(made_up());
                    return Err((format!("`{{{}}}` is no symbol", printable(name)), suggest(name, known)));
                }
            },
        };
        let bound = match &symbol {
            Symbol::Object(index) => self.bound.as_ref().is_none_or(|bound| bound.contains(index)),
            Symbol::Generated(_) | Symbol::Moment(_) => self.others.contains(&Symbol::Unique),
            Symbol::Value(_) | Symbol::TenantName => self.others.contains(&Symbol::Tenant),
            other => self.others.contains(other),
        };
        match (bound, &symbol) {
            (true, _) => Ok(symbol),
            (false, Symbol::Canary) => Err((
                "`{canary}` can be in bodies only".to_owned(),
                "write `{canary.public}`, its searchable half".into(),
            )),
            (false, _) => Err((format!("`{{{}}}` has no value here", printable(name)), self.allowed())),
        }
    }

    fn allowed(&self) -> String {
        let others = self.others.iter().map(|symbol| match symbol {
            Symbol::Tenant => "tenant",
            Symbol::Canary => "canary",
            Symbol::CanaryPublic => "canary.public",
            Symbol::Unique => "unique",
            Symbol::TenantName | Symbol::Generated(_) | Symbol::Moment(_) | Symbol::Value(_) | Symbol::Object(_) => "",
        });
        let objects =
            self.objects.resources.iter().filter(|(_, index)| self.bound.as_ref().is_none_or(|b| b.contains(index)));
        let names: Vec<_> =
            others.chain(objects.map(|(name, _)| name.as_str())).map(|name| format!("{{{name}}}")).collect();
        match names.is_empty() {
            true => "no symbol is allowed here".to_owned(),
            false => format!("allowed here: {}", names.join(", ")),
        }
    }
}

/// Whether doubled braces mean one brace: in bodies they do, paths hold none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubled {
    IsBrace,
    IsWrong,
}

/// A method and a path, not yet parsed further.
pub(crate) struct Line<'t> {
    pub(crate) method: String,
    pub(crate) path: At<&'t str>,
}

impl<'t> Reader<'t, '_> {
    /// `METHOD path`.
    pub(crate) fn request_line(&mut self, value: &'t Value<'t>) -> Option<Line<'t>> {
        let text = self.text(value)?;
        let Some((method, path)) = text.value.split_once(' ') else {
            self.report.note(text.span, "this is no request", "method, space, path: \"GET /me\"");
            return None;
        };
        if !METHODS.contains(&method) {
            let help = suggest(method, METHODS);
            let span = self.inside(&text, 0..method.len());
            self.report.note(span, format!("`{}` is no method that is sent here", printable(method)), help);
            return None;
        }
        let path_at = method.len().saturating_add(1);
        let span = self.inside(&text, path_at..text.value.len());
        Some(Line { method: method.to_owned(), path: At { value: path, span } })
    }

    /// A path, with or without query.
    pub(crate) fn path(&mut self, path: &At<&str>, scope: &Scope<'_>) -> Option<PathTemplate> {
        let text = path.value;
        if !text.starts_with('/') || text.starts_with("//") {
            self.report.note(
                path.span.clone(),
                "a path begins with one `/`",
                "for example \"/tenants/{tenant}/cases\"",
            );
            return None;
        }
        if let Some(odd) = text.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '#' | '"' | '\\' | '<' | '>')) {
            let message = format!("`{}` cannot be in a path", printable(&odd.to_string()));
            self.report.note(path.span.clone(), message, "percent-encode it");
            return None;
        }
        self.pieces(path, scope, Doubled::IsWrong).map(PathTemplate)
    }

    /// A JSON body.
    pub(crate) fn body(&mut self, value: &'t Value<'t>, scope: &Scope<'_>) -> Option<JsonTemplate> {
        match value.get_ref() {
            DeValue::String(text) => self
                .pieces(&At { value: text.as_ref(), span: value.span() }, scope, Doubled::IsBrace)
                .map(JsonTemplate::Text),
            DeValue::Table(table) => {
                let members: Vec<_> = in_order(table)
                    .into_iter()
                    .map(|(key, value)| Some((key.value.to_owned(), self.body(value, scope)?)))
                    .collect();
                members.into_iter().collect::<Option<_>>().map(JsonTemplate::Object)
            }
            DeValue::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.body(item, scope)).collect();
                items.into_iter().collect::<Option<_>>().map(JsonTemplate::Array)
            }
            DeValue::Boolean(flag) => Some(JsonTemplate::Plain(Json::Bool(*flag))),
            DeValue::Integer(number) => self.number(value, integer(number).map(Into::into)),
            DeValue::Float(number) => {
                let number = number.as_str().replace('_', "").parse().ok().and_then(serde_json::Number::from_f64);
                self.number(value, number)
            }
            DeValue::Datetime(_) => {
                self.report.note(value.span(), "JSON has no dates", "put it in quotes");
                None
            }
        }
    }

    /// A text with symbols.
    pub(crate) fn text_template(&mut self, value: &'t Value<'t>, scope: &Scope<'_>) -> Option<TextTemplate> {
        let text = self.text(value)?;
        self.pieces(&text, scope, Doubled::IsBrace).map(TextTemplate)
    }

    fn number(&mut self, value: &Value<'t>, number: Option<serde_json::Number>) -> Option<JsonTemplate> {
        if number.is_none() {
            self.report.note(value.span(), "JSON has no such number", "a finite number of at most 64 bits");
        }
        number.map(|number| JsonTemplate::Plain(Json::Number(number)))
    }

    fn pieces(&mut self, text: &At<&str>, scope: &Scope<'_>, doubled: Doubled) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut sound = true;
        let mut rest = text.value;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            if doubled == Doubled::IsBrace && (from.starts_with("{{") || from.starts_with("}}")) {
                literal.extend(from.chars().next());
                rest = from.get(2..).unwrap_or_default();
                continue;
            }
            let start = text.value.len().saturating_sub(from.len());
            let symbol =
                from.strip_prefix('{').and_then(|inner| inner.split_once('}')).filter(|(s, _)| !s.contains('{'));
            let Some((name, after)) = symbol else {
                let help = match doubled {
                    Doubled::IsBrace => "close it: `{canary}`; a brace itself is written twice: `{{`",
                    Doubled::IsWrong => "close it: `{tenant}`",
                };
                let span = self.inside(text, start..start.saturating_add(1));
                self.report.note(span, "this brace has no matching brace", help);
                return None;
            };
            match scope.symbol(name) {
                Ok(symbol) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Symbol(symbol, name.to_owned()));
                }
                Err((message, help)) => {
                    sound = false;
                    let span = self.inside(text, start..start.saturating_add(name.len()).saturating_add(2));
                    self.report.note(span, message, help);
                }
            }
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        sound.then_some(pieces)
    }

    /// Where a part of a string is in the file; the whole string where escapes make that unclear.
    fn inside(&self, text: &At<&str>, part: Range<usize>) -> Range<usize> {
        let written = self.report.text().get(text.span.clone()).unwrap_or_default();
        let quote = usize::from(written.starts_with(['"', '\'']));
        let verbatim = written.get(quote..written.len().saturating_sub(quote)) == Some(text.value);
        match verbatim {
            true => {
                let shift = text.span.start.saturating_add(quote);
                shift.saturating_add(part.start)..shift.saturating_add(part.end)
            }
            false => text.span.clone(),
        }
    }
}
