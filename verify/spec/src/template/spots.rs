//! Where the symbols of a request stand.

use std::fmt;

use crate::spec::RequestTemplate;
use crate::template::{BodyTemplate, JsonTemplate, Piece, Symbol};

/// A part of a request that holds a symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// A segment of the path, as it is written: `{case}.json`.
    Path(String),
    /// A parameter of the query, by its name.
    Query(String),
    /// A header, by its name.
    Header(String),
    /// A value of the JSON body, by its JSON Pointer (RFC 6901). Variables of GraphQL are below `/variables`.
    Json(String),
    /// A member of the form, by its name.
    Form(String),
    /// A part of the multipart body, by its name.
    Part(String),
    /// Anywhere in a body that is a text.
    Text,
}

impl Spot {
    /// What kind of part it is: a word of the interface.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Path(_) => "path",
            Self::Query(_) => "query",
            Self::Header(_) => "header",
            Self::Json(_) => "body",
            Self::Form(_) => "form",
            Self::Part(_) => "part",
            Self::Text => "text",
        }
    }

    /// Which of its kind, where there may be several.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Path(name)
            | Self::Query(name)
            | Self::Header(name)
            | Self::Json(name)
            | Self::Form(name)
            | Self::Part(name) => Some(name),
            Self::Text => None,
        }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        self.name().map_or(Ok(()), |name| write!(f, " {name}"))
    }
}

impl RequestTemplate {
    /// Every symbol in it and where it stands, in the order of [`RequestTemplate::symbols`].
    pub fn spots(&self) -> Vec<(Spot, &Symbol)> {
        let headers = self.headers.iter().flat_map(|(name, value)| {
            let spot = Spot::Header(name.clone());
            value.symbols().map(move |symbol| (spot.clone(), symbol))
        });
        let mut all: Vec<(Spot, &Symbol)> = self.in_path().into_iter().chain(headers).collect();
        match &self.body {
            None => {}
            Some(BodyTemplate::Json(json)) => in_json(json, "", &mut all),
            Some(BodyTemplate::Form(members)) => all.extend(members.iter().flat_map(|(name, value)| {
                let spot = Spot::Form(name.clone());
                value.symbols().map(move |symbol| (spot.clone(), symbol))
            })),
            Some(BodyTemplate::Multipart(parts)) => all.extend(parts.iter().flat_map(|part| {
                let spot = Spot::Part(part.name.clone());
                part.symbols().map(move |symbol| (spot.clone(), symbol))
            })),
            Some(BodyTemplate::Text { text, .. }) => all.extend(text.symbols().map(|symbol| (Spot::Text, symbol))),
        }
        all
    }

    fn in_path(&self) -> Vec<(Spot, &Symbol)> {
        let whole = self.path.to_string();
        let query = whole.find('?').unwrap_or(whole.len());
        let mut at = 0_usize;
        let mut spots = Vec::new();
        for piece in self.path.pieces() {
            match piece {
                Piece::Text(text) => at = at.saturating_add(text.len()),
                Piece::Symbol(symbol, written) => {
                    spots.push((spot_at(&whole, query, at), symbol));
                    at = at.saturating_add(written.len()).saturating_add("{}".len());
                }
            }
        }
        spots
    }
}

/// What a byte of a path and query belongs to. `query` is where the query begins.
fn spot_at(whole: &str, query: usize, at: usize) -> Spot {
    let is_query = at > query;
    let bounds: &[char] = if is_query { &['?', '&'] } else { &['/', '?'] };
    let (before, after) = whole.split_at_checked(at).unwrap_or((whole, ""));
    let start = before.rfind(bounds).map_or(0, |bound| bound.saturating_add(1));
    let end = after.find(bounds).map_or(whole.len(), |length| at.saturating_add(length));
    let part = whole.get(start..end).unwrap_or(whole);
    match is_query {
        true => Spot::Query(part.split('=').next().unwrap_or(part).to_owned()),
        false => Spot::Path(part.to_owned()),
    }
}

/// A member's name as a JSON Pointer has it.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn in_json<'r>(json: &'r JsonTemplate, pointer: &str, spots: &mut Vec<(Spot, &'r Symbol)>) {
    match json {
        JsonTemplate::Text(_) => {
            spots.extend(json.symbols().into_iter().map(|symbol| (Spot::Json(pointer.to_owned()), symbol)));
        }
        JsonTemplate::Object(members) => {
            for (name, value) in members {
                in_json(value, &format!("{pointer}/{}", escaped(name)), spots);
            }
        }
        JsonTemplate::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                in_json(item, &format!("{pointer}/{number}"), spots);
            }
        }
        JsonTemplate::Plain(_) => {}
    }
}
