//! Reads tables with spans, noting every mistake and going on.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::printable;
use crate::env::EnvSource;
use crate::keys::{Section, nearest, suggest};
use crate::report::Report;
use crate::variables::Variables;

/// A value of the file and where it is.
pub(crate) type Value<'t> = Spanned<DeValue<'t>>;

/// Something read, and where it was.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

impl<T> At<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> At<U> {
        At { value: f(self.value), span: self.span }
    }
}

/// What reading needs: where to note mistakes and where `$NAME` comes from.
///
/// Its methods answer `None` where something is absent or wrong; what is wrong has been noted by then, so whoever
/// gets `None` just goes on, and the spec is refused at the end.
pub(crate) struct Reader<'t, 'e> {
    pub(crate) report: Report<'t>,
    pub(crate) variables: Variables<'e>,
    /// Where the spec is.
    pub(crate) folder: PathBuf,
}

/// A table of a known section; keys that do not belong to it have been noted.
pub(crate) struct Table<'t> {
    section: &'static Section,
    entries: &'t DeTable<'t>,
    /// Keys that were probably meant by those that are unknown.
    misspelled: Vec<&'static str>,
    /// Its header, or all of it where it is inline.
    pub(crate) span: Range<usize>,
}

impl<'t> Table<'t> {
    /// A key's value.
    pub(crate) fn get(&self, key: &'static str) -> Option<&'t Value<'t>> {
        debug_assert!(self.section.keys.iter().any(|(known, _)| *known == key), "`{key}` is missing in keys.rs");
        self.entries.get(key)
    }

    /// The value of a key that not every table of its kind may have.
    pub(crate) fn find(&self, key: &'static str) -> Option<&'t Value<'t>> {
        self.entries.get(key).filter(|_| self.keys().any(|known| known == key))
    }

    /// Every key that it may have.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.section.keys.iter().map(|(key, _)| *key)
    }

    /// Whether a key is absent, not just misspelled: one mistake is reported once.
    pub(crate) fn lacks(&self, key: &'static str) -> bool {
        self.get(key).is_none() && !self.misspelled.contains(&key)
    }

    /// Where a key is.
    pub(crate) fn key_span(&self, key: &str) -> Range<usize> {
        self.entries.get_key_value(key).map_or_else(|| self.span.clone(), |(key, _)| key.span())
    }
}

impl<'t, 'e> Reader<'t, 'e> {
    pub(crate) fn new(path: &Path, text: &'t str, env: &'e dyn EnvSource) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self { report: Report::new(text), variables: Variables::new(env), folder }
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.report.text().get(..at).map_or(1, |before| before.matches('\n').count().saturating_add(1))
    }

    /// Opens a table, noting keys that are not of its section.
    pub(crate) fn open(
        &mut self,
        section: &'static Section,
        entries: &'t DeTable<'t>,
        span: Range<usize>,
    ) -> Table<'t> {
        let known = section.keys.iter().map(|(name, _)| *name);
        let mut misspelled = Vec::new();
        for key in entries.keys() {
            let written = key.get_ref().as_ref();
            if known.clone().any(|name| name == written) {
                continue;
            }
            misspelled.extend(nearest(written, known.clone()));
            let message = format!("unknown key `{}` in {}", printable(written), section.header);
            self.report.note(key.span(), message, suggest(written, known.clone()));
        }
        Table { section, entries, misspelled, span }
    }

    /// A table in a table: `[target]`, or `page = { … }`.
    pub(crate) fn table(
        &mut self,
        parent: &Table<'t>,
        key: &'static str,
        section: &'static Section,
    ) -> Option<Table<'t>> {
        let value = parent.get(key)?;
        match value.get_ref() {
            DeValue::Table(entries) => Some(self.open(section, entries, value.span())),
            _ => {
                self.wrong_type(value, &format!("`{key}`"), "a table", parent.section.example(key));
                None
            }
        }
    }

    /// A `[[key]]`, at most `most` of them; none when absent.
    pub(crate) fn tables(
        &mut self,
        parent: &Table<'t>,
        key: &'static str,
        section: &'static Section,
        most: usize,
    ) -> Vec<Table<'t>> {
        let Some(value) = parent.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            let message = format!("`{key}` must be a list of tables, not {}", kind(value));
            self.report.note(parent.key_span(key), message, format!("write {}", section.header));
            return Vec::new();
        };
        if let Some(first_too_many) = items.get(most) {
            let message = format!("{} of {}", items.len(), section.header);
            self.report.note(first_too_many.span(), message, format!("at most {most} are read; split the spec"));
        }
        let mut tables = Vec::new();
        for item in items.iter().take(most) {
            match item.get_ref() {
                DeValue::Table(entries) => tables.push(self.open(section, entries, item.span())),
                _ => self.wrong_type(item, &format!("`{key}`"), "a list of tables", section.header),
            }
        }
        tables
    }

    /// A key that must be there.
    pub(crate) fn need(&mut self, table: &Table<'t>, key: &'static str) -> Option<&'t Value<'t>> {
        let value = table.get(key);
        if table.lacks(key) {
            let message = format!("{} has no `{key}`", table.section.header);
            self.report.note(table.span.clone(), message, format!("add `{key} = {}`", table.section.example(key)));
        }
        value
    }

    /// Notes that a value has the wrong type.
    pub(crate) fn wrong_type(&mut self, value: &Value<'t>, what: &str, wanted: &str, example: &str) {
        let message = format!("{what} must be {wanted}, not {}", kind(value));
        self.report.note(value.span(), message, format!("for example {example}"));
    }
}

/// A value's type, in words.
pub(crate) fn kind(value: &Value<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(written) if written.date.is_some() && written.time.is_some() => "a date and time",
        DeValue::Datetime(written) if written.time.is_some() => "a time",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A table's entries in the order of the file.
pub(crate) fn in_order<'t>(table: &'t DeTable<'t>) -> Vec<(At<&'t str>, &'t Value<'t>)> {
    let mut entries: Vec<_> =
        table.iter().map(|(key, value)| (At { value: key.get_ref().as_ref(), span: key.span() }, value)).collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    entries
}
