//! Requests with symbols in braces: `/tenants/{tenant}/cases/{case}`, `{ title = "{canary}" }`.
//!
//! - here: what a request may hold, and how it is filled in. [`symbols`]: how symbols are read.
//! - [`spots`]: where symbols stand. [`slots`]: how many objects of a kind are named.

pub(crate) mod slots;
pub(crate) mod spots;
pub(crate) mod symbols;

use std::fmt;

use serde_json::Value;

use crate::ix::ResourceIx;
use crate::moment::Moment;

/// What a brace may hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// `{tenant}`
    Tenant,
    /// `{tenant.name}`
    TenantName,
    /// `{canary}`: public and secret half, planted in an object.
    Canary,
    /// `{canary.public}`: the searchable half.
    CanaryPublic,
    /// `{unique}`: a value that no other object has.
    Unique,
    /// `{uuid}`, `{email}` and the like: a value of that form that no other object has.
    Generated(Form),
    /// `{now+1h}`, `{today}`: a time, told from when the request is sent.
    Moment(Moment),
    /// `{project}`: what the tenant's `values` say.
    Value(String),
    /// `{case}`: the id of an object of that resource.
    Object(ResourceIx),
}

/// The form of a value that the run makes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `{uuid}`: RFC 9562, version 8.
    Uuid,
    /// `{int}`: a whole number.
    Int,
    /// `{number}`: one with two decimals.
    Number,
    /// `{email}`
    Email,
    /// `{slug}`: lower-case letters, digits and a dash.
    Slug,
    /// `{date}`: a day of the years from 2030 on (RFC 3339, `full-date`).
    Date,
}

impl Form {
    /// Every one, by what braces hold.
    pub const ALL: [(&'static str, Self); 6] = [
        ("uuid", Self::Uuid),
        ("int", Self::Int),
        ("number", Self::Number),
        ("email", Self::Email),
        ("slug", Self::Slug),
        ("date", Self::Date),
    ];
}

impl Symbol {
    /// Whether it stands for a value that no other object has.
    pub fn is_unique(&self) -> bool {
        matches!(self, Self::Unique | Self::Generated(_))
    }

    /// Whether it says which tenant is meant.
    pub fn names_tenant(&self) -> bool {
        matches!(self, Self::Tenant | Self::TenantName | Self::Value(_))
    }
}

/// Text or symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Sent as written.
    Text(String),
    /// Bound by the trace. The second field is what the file wrote between the braces.
    Symbol(Symbol, String),
}

/// A part of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressPart {
    /// Before the `?`.
    Path,
    /// Behind it.
    Query,
}

/// A path and query with symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathTemplate(pub(crate) Vec<Piece>);

impl PathTemplate {
    /// In order.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }
    /// In order, each with the part in which it begins.
    pub fn located(&self) -> impl Iterator<Item = (&Piece, AddressPart)> {
        self.0.iter().scan(AddressPart::Path, |part, piece| {
            let begins = *part;
            if matches!(piece, Piece::Text(text) if text.contains('?')) {
                *part = AddressPart::Query;
            }
            Some((piece, begins))
        })
    }
    /// Every symbol in it, in order.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        symbols_of(&self.0)
    }
    /// Whether the symbol is in it.
    pub fn mentions(&self, symbol: &Symbol) -> bool {
        self.symbols().any(|one| one == symbol)
    }
    /// The kinds of objects that it names, each once, in order.
    pub fn objects(&self) -> Vec<ResourceIx> {
        objects_of(self.symbols())
    }
    /// What stands for a symbol in an address of this form, as it is written there: in `/cases/7/`, for `{case}` of
    /// `/cases/{case}/`, it is `7`. What stands for other symbols may be anything.
    pub fn value_in<'a>(&self, symbol: &Symbol, address: &'a str) -> Option<&'a str> {
        self.values_in(address)?.into_iter().rfind(|(known, _)| *known == symbol).map(|(_, value)| value)
    }
    /// Whether an address is of this form.
    pub fn fits(&self, address: &str) -> bool {
        self.values_in(address).is_some()
    }
    fn values_in<'a>(&self, address: &'a str) -> Option<Vec<(&Symbol, &'a str)>> {
        let (mut rest, mut values) = (address, Vec::new());
        for (at, piece) in self.0.iter().enumerate() {
            rest = match piece {
                Piece::Text(text) => rest.strip_prefix(text.as_str())?,
                Piece::Symbol(known, _) => {
                    let end = match self.0.get(at.saturating_add(1)) {
                        Some(Piece::Text(next)) => rest.find(next.as_str())?,
                        Some(Piece::Symbol(..)) => return None,
                        None => rest.len(),
                    };
                    let (value, after) = rest.split_at_checked(end)?;
                    if value.is_empty() || value.contains(['/', '?', '&', '#']) {
                        return None;
                    }
                    values.push((known, value));
                    after
                }
            };
        }
        rest.is_empty().then_some(values)
    }
}

/// The kinds of objects among symbols, each once, in order.
pub(crate) fn objects_of<'s>(symbols: impl IntoIterator<Item = &'s Symbol>) -> Vec<ResourceIx> {
    let mut objects = Vec::new();
    for symbol in symbols {
        if let Symbol::Object(resource) = symbol
            && !objects.contains(resource)
        {
            objects.push(*resource);
        }
    }
    objects
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Symbol(_, written) => write!(f, "{{{written}}}"),
        })
    }
}

/// A text with symbols: the value of a header or of a form's member, or a whole body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTemplate(pub(crate) Vec<Piece>);

impl TextTemplate {
    /// With every symbol replaced by what `bind` says; `None` where one is unbound.
    pub fn render(&self, bind: &mut dyn FnMut(&Symbol) -> Option<String>) -> Option<String> {
        joined(&self.0, bind)
    }
    /// Every symbol in it, in order.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        symbols_of(&self.0)
    }
}

/// What a request brings.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyTemplate {
    /// `body`: JSON.
    Json(JsonTemplate),
    /// `form`: members in the order of the file (`application/x-www-form-urlencoded`).
    Form(Vec<(String, TextTemplate)>),
    /// `multipart`: parts in the order of the file (`multipart/form-data`, RFC 7578).
    Multipart(Vec<PartTemplate>),
    /// `text`, of a media type.
    Text {
        /// `type`
        kind: String,
        /// The text.
        text: TextTemplate,
    },
}

/// A part of a multipart body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartTemplate {
    /// The name of the member.
    pub name: String,
    /// Where the part is a file, which.
    pub file: Option<FileTemplate>,
    /// What is in it; within the form of the file, where that has one.
    pub text: TextTemplate,
}

impl PartTemplate {
    /// Every symbol in it, in order: of the name of a file, then of what is in it.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.file.iter().flat_map(|file| file.name.symbols()).chain(self.text.symbols())
    }
}

/// What a file that is uploaded is called, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTemplate {
    /// Its name.
    pub name: TextTemplate,
    /// Its media type.
    pub kind: String,
    /// What is around its text.
    pub form: FileForm,
}

/// What is around the text of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileForm {
    /// Nothing: the text is the file.
    Text,
    /// A picture that has the text as a comment.
    Png,
    /// The same.
    Jpeg,
    /// The same.
    Gif,
    /// An archive with the text as its one member.
    Zip,
}

impl BodyTemplate {
    /// Every symbol in it, in order.
    pub fn symbols(&self) -> Vec<&Symbol> {
        match self {
            Self::Json(json) => json.symbols(),
            Self::Form(members) => members.iter().flat_map(|(_, value)| value.symbols()).collect(),
            Self::Multipart(parts) => parts.iter().flat_map(PartTemplate::symbols).collect(),
            Self::Text { text, .. } => text.symbols().collect(),
        }
    }
}

fn symbols_of(pieces: &[Piece]) -> impl Iterator<Item = &Symbol> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Text(_) => None,
        Piece::Symbol(symbol, _) => Some(symbol),
    })
}

/// As it is written within a text.
fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn joined(pieces: &[Piece], bind: &mut dyn FnMut(&Symbol) -> Option<String>) -> Option<String> {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => Some(text.clone()),
        Piece::Symbol(symbol, _) => bind(symbol),
    };
    pieces.iter().map(text).collect()
}

/// A JSON body whose strings may hold symbols.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonTemplate {
    /// A string, in pieces.
    Text(Vec<Piece>),
    /// Members in the order of the file.
    Object(Vec<(String, JsonTemplate)>),
    /// Elements.
    Array(Vec<JsonTemplate>),
    /// Number, boolean or null: no symbols.
    Plain(Value),
}

impl JsonTemplate {
    /// As JSON, with every symbol replaced; `None` where one is unbound.
    ///
    /// A text that is one symbol and nothing else is what the symbol stands for: a number stays one.
    pub fn render(&self, bind: &mut dyn FnMut(&Symbol) -> Option<Value>) -> Option<Value> {
        match self {
            Self::Text(pieces) => match pieces.as_slice() {
                [Piece::Symbol(symbol, _)] => bind(symbol),
                pieces => joined(pieces, &mut |symbol| bind(symbol).map(as_text)).map(Value::String),
            },
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

    /// Every symbol in it, in order.
    pub fn symbols(&self) -> Vec<&Symbol> {
        match self {
            Self::Text(pieces) => symbols_of(pieces).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, value)| value.symbols()).collect(),
            Self::Array(items) => items.iter().flat_map(Self::symbols).collect(),
            Self::Plain(_) => Vec::new(),
        }
    }

    /// Whether the symbol is anywhere in it.
    pub fn mentions(&self, symbol: &Symbol) -> bool {
        self.symbols().contains(&symbol)
    }
}
