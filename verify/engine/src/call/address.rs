//! Path and query of a request, in pieces that know how they are written.
//!
//! A value that a target handed out and that is a secret (a page cursor, a key used as an id) is a placeholder in
//! everything that a check sees. It goes back as it was: where a check copied a link, as it was written in the link;
//! where a check put a value into a path, percent-encoded. The pieces say which of the two holds.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What is percent-encoded in a path segment (RFC 3986 3.3 `pchar`, without what some servers treat as special).
pub const PATH_SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b';')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Percent-encoded for one segment of a path or one value of a query.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, PATH_SEGMENT).to_string()
}

/// Path and query of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address(Vec<Piece>);

/// A part of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Written as it is.
    Text(String),
    /// A value, percent-encoded when it is written.
    Value(String),
}

impl Address {
    /// With further text, written as it is.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Text(text.into()));
        self
    }
    /// With a further value, percent-encoded when it is written.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.0.push(Piece::Value(value.into()));
        self
    }
    /// With one more parameter (`name=value`, written as it is) in the query.
    pub fn query(self, parameter: &str) -> Self {
        let joint = if self.shown().contains('?') { '&' } else { '?' };
        self.text(format!("{joint}{parameter}"))
    }
    /// As the log shows it: values encoded, placeholders in place of secrets.
    pub fn shown(&self) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Value(value) => encode(value),
            })
            .collect()
    }
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.0
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self::default().text(text)
    }
}

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self::default().text(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}
