//! The kinds of value that a spec holds: text, variables, secrets, URLs, durations, numbers, choices, JSONPaths.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;
use serde_json_path::JsonPath;
use toml::de::{DeInteger, DeValue};
use url::Url;

use crate::diagnostic::printable;
use crate::keys::suggest;
use crate::reader::{At, Reader, Table, Value, in_order};
use crate::setting::Setting;
use crate::variables::{Missing, Use, name_of};

impl<'t> Reader<'t, '_> {
    /// Non-empty text, as written.
    pub(crate) fn text(&mut self, value: &'t Value<'t>) -> Option<At<&'t str>> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, "this", "a string", r#""text in quotes""#);
            return None;
        };
        if text.trim().is_empty() {
            self.report.note(value.span(), "this is empty", "write a value, or leave the key out");
            return None;
        }
        Some(At { value: text, span: value.span() })
    }

    /// Non-empty text, or the value of `$NAME`.
    pub(crate) fn expanded(&mut self, value: &'t Value<'t>) -> Option<At<String>> {
        let text = self.text(value)?;
        self.expand(text)
    }

    /// The value of `$NAME`, or the text itself.
    pub(crate) fn expand(&mut self, text: At<&str>) -> Option<At<String>> {
        Some(self.expand_for(text, Use::Plain)?.map(Setting::into_text))
    }

    /// Non-empty text, or the value of `$NAME`, which may be a secret elsewhere.
    pub(crate) fn setting(&mut self, value: &'t Value<'t>) -> Option<At<Setting>> {
        let text = self.text(value)?;
        self.expand_for(text, Use::Setting)
    }

    fn expand_for(&mut self, text: At<&str>, purpose: Use) -> Option<At<Setting>> {
        if !text.value.starts_with('$') {
            return Some(text.map(|text| Setting::new(text.to_owned(), None)));
        }
        let name = At { value: self.variable_name(&text)?, span: text.span };
        let value = self.resolve(&name, purpose)?;
        Some(name.map(|name| Setting::new(value, Some(name))))
    }

    /// A secret: always a variable. Returns its name too.
    pub(crate) fn secret(&mut self, key: &str, value: &'t Value<'t>) -> Option<(At<String>, SecretString)> {
        let text = match value.get_ref().as_str() {
            Some(text) if text.starts_with('$') => At { value: text, span: value.span() },
            _ => {
                self.report.hide(value.span());
                let message = format!("`{key}` must be a variable: a secret is never written in a spec");
                let help = format!("write `{key} = \"$NAME\"` and set the variable, or name a file in `env_file`");
                self.report.note(value.span(), message, help);
                return None;
            }
        };
        let name = At { value: self.variable_name(&text)?, span: text.span };
        debug_assert!(self.variables.is_secret(&name.value), "secrets.rs does not find `{key}`");
        let secret = SecretString::from(self.resolve(&name, Use::Secret)?);
        Some((name, secret))
    }

    /// `NAME` of `$NAME`.
    fn variable_name(&mut self, text: &At<&str>) -> Option<String> {
        let name = name_of(text.value);
        if name.is_none() {
            // What follows `$` may be a secret that happens to begin so.
            self.report.hide(text.span.clone());
            let help = "a variable is `$` and letters, digits and `_`, and is the whole value: \"$NORTH_URL\"";
            self.report.note(text.span.clone(), "this begins with `$` but names no variable", help);
        }
        name.map(str::to_owned)
    }

    fn resolve(&mut self, name: &At<String>, purpose: Use) -> Option<String> {
        let variable = printable(&name.value);
        match self.variables.resolve(&name.value, purpose) {
            Ok(value) => return Some(value),
            Err(Missing::Unset) => {
                let help = format!("set it: `export {variable}=…`, or name a file that does in `env_file`");
                self.report.note(name.span.clone(), format!("the variable `{variable}` is not set"), help);
            }
            Err(Missing::Empty) => {
                let help = format!("give it a value: `export {variable}=…`");
                self.report.note(name.span.clone(), format!("the variable `{variable}` is empty"), help);
            }
            Err(Missing::Hidden(at)) => {
                let line = self.line(at);
                let message = format!("`${variable}` is a secret in line {line}, so it cannot be shown here");
                self.report.note(name.span.clone(), message, "give the value a variable of its own");
            }
            Err(Missing::File(Some((span, why)))) => {
                let help = format!("fix the file, or set `{variable}` and the other variables in the environment");
                self.report.note(span, format!("`env_file` {why}"), help);
            }
            Err(Missing::File(None)) => {}
        }
        None
    }

    /// An absolute http or https URL, perhaps from a variable. Credentials have no place in it.
    pub(crate) fn url(&mut self, value: &'t Value<'t>) -> Option<Url> {
        let text = self.expanded(value)?;
        self.url_of(&text)
    }

    /// A URL that paths are appended to: without query.
    pub(crate) fn base_url(&mut self, value: &'t Value<'t>) -> Option<Url> {
        let text = self.expanded(value)?;
        self.base_url_of(&text)
    }

    /// The same of what may already have been expanded.
    pub(crate) fn base_url_of(&mut self, text: &At<String>) -> Option<Url> {
        let url = self.url_of(text)?;
        if text.value.contains(['{', '}']) {
            let help = "take the braces out; `{tenant}` and `{tenant.name}` may be in the `url` of [target]";
            self.report.note(text.span.clone(), "braces in this URL mean nothing", help);
            return None;
        }
        if url.query().is_some() {
            self.report.note(text.span.clone(), "a base URL has no query", "end it with the path");
            return None;
        }
        Some(url)
    }

    /// Parses what may already have been expanded.
    pub(crate) fn url_of(&mut self, text: &At<String>) -> Option<Url> {
        let example = "write it in full: \"https://api.example.com\"";
        let url = match Url::parse(&text.value) {
            Ok(url) => url,
            Err(error) => {
                if text.value.contains('@') {
                    self.report.hide(text.span.clone());
                }
                self.report.note(text.span.clone(), format!("this is no URL: {error}"), example);
                return None;
            }
        };
        let (message, help) = if !url.username().is_empty() || url.password().is_some() {
            self.report.hide(text.span.clone());
            let help = "take it out; credentials go to [[tenant.principal]], secrets to variables";
            ("a URL holds no user name or password".to_owned(), help)
        } else if !matches!(url.scheme(), "http" | "https") {
            (format!("`{}` is no scheme that can be used here", printable(url.scheme())), "write http:// or https://")
        } else if url.fragment().is_some() {
            ("a URL that is called has no fragment".to_owned(), "leave out `#` and what follows")
        } else {
            return Some(url);
        };
        self.report.note(text.span.clone(), message, help);
        None
    }

    /// A duration such as `"200ms"`, within bounds.
    pub(crate) fn duration(&mut self, value: &'t Value<'t>, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, "a duration", "a string", "\"10s\"");
            return None;
        };
        let parsed = humantime::parse_duration(text).ok().filter(|duration| bounds.contains(duration));
        if parsed.is_none() {
            let (least, most) = (in_one_unit(*bounds.start()), in_one_unit(*bounds.end()));
            let help = format!("a number and a unit, from {least} to {most}: \"200ms\", \"10s\", \"1h\"");
            self.report.note(value.span(), format!("`{}` is no duration that fits here", printable(text)), help);
        }
        parsed
    }

    /// An integer within bounds.
    pub(crate) fn integer(&mut self, value: &'t Value<'t>, bounds: RangeInclusive<u32>) -> Option<u32> {
        let Some(number) = value.get_ref().as_integer() else {
            self.wrong_type(value, "this", "an integer", &bounds.start().to_string());
            return None;
        };
        let parsed = integer(number).and_then(|n| u32::try_from(n).ok()).filter(|n| bounds.contains(n));
        if parsed.is_none() {
            let help = format!("write a number from {} to {}", bounds.start(), bounds.end());
            self.report.note(value.span(), "this number is out of bounds", help);
        }
        parsed
    }

    /// One word of a few.
    pub(crate) fn choice<T: Copy>(&mut self, value: &'t Value<'t>, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(value)?;
        let found = choices.iter().find(|(word, _)| *word == text.value).map(|(_, choice)| *choice);
        if found.is_none() {
            let help = suggest(text.value, choices.iter().map(|(word, _)| *word));
            self.report.note(text.span, format!("`{}` is not known here", printable(text.value)), help);
        }
        found
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, value: &'t Value<'t>, key: &str) -> bool {
        match value.get_ref() {
            DeValue::Boolean(flag) => *flag,
            _ => {
                self.wrong_type(value, &format!("`{key}`"), "true or false, without quotes", "true");
                false
            }
        }
    }

    /// An RFC 9535 JSONPath.
    pub(crate) fn json_path(&mut self, value: &'t Value<'t>) -> Option<JsonPath> {
        let text = self.text(value)?;
        match JsonPath::parse(text.value) {
            Ok(path) => Some(path),
            Err(_) => {
                let message = format!("`{}` is no JSONPath", printable(text.value));
                self.report.note(text.span, message, "RFC 9535, from the root `$`: \"$.data.id\"");
                None
            }
        }
    }

    /// A list of text; variables are expanded.
    pub(crate) fn texts(&mut self, value: &'t Value<'t>) -> Option<Vec<String>> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(value, "this", "a list", "[\"one\", \"two\"]");
            return None;
        };
        let texts: Vec<_> = items.iter().map(|item| self.expanded(item).map(|text| text.value)).collect();
        texts.into_iter().collect()
    }

    /// A table of text; variables are expanded in its values.
    pub(crate) fn text_map(&mut self, value: &'t Value<'t>) -> Option<BTreeMap<String, String>> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(value, "this", "a table", "{ name = \"value\" }");
            return None;
        };
        let members: Vec<_> = in_order(table)
            .into_iter()
            .map(|(key, value)| Some((key.value.to_owned(), self.expanded(value)?.value)))
            .collect();
        members.into_iter().collect()
    }

    /// A name of an HTTP header (RFC 9110 5.1).
    pub(crate) fn header_name(&mut self, name: At<&str>) -> Option<String> {
        let framing = ["host", "content-length", "transfer-encoding", "connection"];
        if name.value.is_empty() || !name.value.bytes().all(is_token_byte) {
            let message = format!("`{}` is no header name", printable(name.value));
            self.report.note(name.span, message, "letters, digits and `-`: \"X-Tenant-Id\"");
            return None;
        }
        if framing.contains(&name.value.to_ascii_lowercase().as_str()) {
            let message = format!("`{}` belongs to the connection", printable(name.value));
            self.report.note(name.span, message, "write the header that the platform reads, such as \"X-Tenant-Id\"");
            return None;
        }
        Some(name.value.to_owned())
    }

    /// A name of a cookie (RFC 6265 4.1.1).
    pub(crate) fn cookie_name(&mut self, name: At<&str>) -> Option<String> {
        let fits = !name.value.is_empty() && name.value.bytes().all(is_token_byte);
        if !fits {
            let message = format!("`{}` is no name of a cookie", printable(name.value));
            self.report.note(name.span, message, "as the browser shows it: \"sessionid\"");
        }
        fits.then(|| name.value.to_owned())
    }

    /// The text of a file that is named relative to the spec.
    pub(crate) fn beside(&self, file: &str) -> Result<String, String> {
        crate::variables::bounded(&self.folder.join(file))
    }

    /// Text of an optional key.
    pub(crate) fn optional_text(&mut self, table: &Table<'t>, key: &'static str) -> Option<String> {
        table.get(key).and_then(|value| self.expanded(value)).map(|text| text.value)
    }
}

/// A bound as a spec would write it.
fn in_one_unit(duration: Duration) -> String {
    match duration.as_millis() {
        0 => "0s".to_owned(),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

/// A TOML integer of any radix.
pub(crate) fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// RFC 9110 5.6.2, `tchar`.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
