//! Paths and bodies with symbols in braces: `/tenants/{tenant}/cases/{case}`, `{ title = "{canary}" }`.

use std::fmt;

use serde_json::Value;

use crate::ix::ResourceIx;

/// What a brace may hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// `{tenant}`
    Tenant,
    /// `{canary}`: public and secret half, planted in an object.
    Canary,
    /// `{canary.public}`: the searchable half.
    CanaryPublic,
    /// `{unique}`: a value that no other object has.
    Unique,
    /// `{case}`: the id of an object of that resource.
    Object(ResourceIx),
}

/// Text or symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Sent as written.
    Text(String),
    /// Bound by the trace. The second field is what the file wrote between the braces.
    Symbol(Symbol, String),
}

/// A path and query with symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate(pub(crate) Vec<Piece>);

impl PathTemplate {
    /// In order.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }
    /// Whether the symbol is in it.
    pub fn mentions(&self, symbol: &Symbol) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Symbol(s, _) if s == symbol))
    }
    /// With every symbol replaced by what `bind` says (already encoded for a path); `None` where one is unbound.
    pub fn render(&self, mut bind: impl FnMut(&Symbol) -> Option<String>) -> Option<String> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.clone()),
                Piece::Symbol(symbol, _) => bind(symbol),
            })
            .collect()
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Symbol(_, written) => write!(f, "{{{written}}}"),
        })
    }
}

/// A JSON body whose strings may hold symbols.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyTemplate {
    /// A string, in pieces.
    Text(Vec<Piece>),
    /// Members in the order of the file.
    Object(Vec<(String, BodyTemplate)>),
    /// Elements.
    Array(Vec<BodyTemplate>),
    /// Number, boolean or null: no symbols.
    Plain(Value),
}

impl BodyTemplate {
    /// As JSON, with every symbol replaced; `None` where one is unbound.
    pub fn render(&self, bind: &mut dyn FnMut(&Symbol) -> Option<String>) -> Option<Value> {
        match self {
            Self::Text(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => Some(text.clone()),
                    Piece::Symbol(symbol, _) => bind(symbol),
                })
                .collect::<Option<String>>()
                .map(Value::String),
            Self::Object(members) => members
                .iter()
                .map(|(name, value)| Some((name.clone(), value.render(bind)?)))
                .collect::<Option<serde_json::Map<_, _>>>()
                .map(Value::Object),
            Self::Array(items) => {
                items.iter().map(|item| item.render(bind)).collect::<Option<Vec<_>>>().map(Value::Array)
            }
            Self::Plain(value) => Some(value.clone()),
        }
    }

    /// Whether the symbol is anywhere in it.
    pub fn mentions(&self, symbol: &Symbol) -> bool {
        match self {
            Self::Text(pieces) => pieces.iter().any(|piece| matches!(piece, Piece::Symbol(s, _) if s == symbol)),
            Self::Object(members) => members.iter().any(|(_, value)| value.mentions(symbol)),
            Self::Array(items) => items.iter().any(|item| item.mentions(symbol)),
            Self::Plain(_) => false,
        }
    }
}
