//! Path and query of a request, in pieces that know how they are written.
//!
//! A value that a target handed out and that is a secret (a page cursor, a key used as an id) is a placeholder in
//! everything that a check sees. It goes back as it was: where a check copied a link, as it was written in the link;
//! where a check put a value into a path, percent-encoded. The pieces say which of the two holds.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What is percent-encoded in a path segment (RFC 3986 3.3 `pchar`, without what some servers treat as special), or in a
/// value of a query, where `&` ends it and `+` is a space.
pub const PATH_SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
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
    /// With this parameter of the query set to a value: in place of what the text has for it, else added.
    pub fn with_parameter(self, name: &str, value: &str) -> Self {
        let start = |text: &str| {
            ["?", "&"].iter().find_map(|mark| {
                let written = format!("{mark}{name}=");
                text.find(&written).map(|at| at.saturating_add(written.len()))
            })
        };
        let place = self.0.iter().enumerate().find_map(|(index, piece)| match piece {
            Piece::Text(text) => start(text).map(|at| (index, at)),
            Piece::Value(_) => None,
        });
        let Some((index, at)) = place else {
            let joint = if self.shown().contains('?') { '&' } else { '?' };
            return self.text(format!("{joint}{name}=")).value(value);
        };
        let mut pieces = self.0.into_iter();
        let mut new: Vec<Piece> = pieces.by_ref().take(index).collect();
        // What it has now ends at the next `&` of a text, whatever pieces that is made of.
        let mut skipped = at;
        let mut is_set = false;
        for piece in pieces {
            match piece {
                Piece::Text(text) if !is_set => {
                    if skipped > 0 {
                        new.push(Piece::Text(text.get(..skipped).unwrap_or_default().to_owned()));
                        new.push(Piece::Value(value.to_owned()));
                    }
                    let rest = text.get(skipped..).unwrap_or_default();
                    if let Some(end) = rest.find('&') {
                        new.push(Piece::Text(rest.get(end..).unwrap_or_default().to_owned()));
                        is_set = true;
                    }
                    skipped = 0;
                }
                Piece::Value(_) if !is_set => {}
                piece => new.push(piece),
            }
        }
        Self(new)
    }
    /// What the query has for a parameter, where it is written as a text.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let shown = self.shown();
        let (_, query) = shown.split_once('?')?;
        query.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_set_where_it_is_and_added_where_it_is_not() {
        for (before, after) in [
            ("/a", "/a?page=2%263"),
            ("/a?size=1", "/a?size=1&page=2%263"),
            ("/a?page=1", "/a?page=2%263"),
            ("/a?homepage=1&page=1&size=1", "/a?homepage=1&page=2%263&size=1"),
        ] {
            assert_eq!(Address::from(before).with_parameter("page", "2&3").shown(), after);
        }
        let twice = Address::from("/a?limit=2").with_parameter("offset", "2").with_parameter("offset", "4");
        assert_eq!(twice.shown(), "/a?limit=2&offset=4");
        let amid = Address::from("/a?offset=").value("2").text("&limit=").value("9").with_parameter("offset", "4");
        assert_eq!(amid.shown(), "/a?offset=4&limit=9");
        assert_eq!(Address::from("/a?homepage=1&page=7").parameter("page").as_deref(), Some("7"));
    }
}
