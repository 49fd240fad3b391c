//! What a target lets a caller do, and the requests for it.

use std::fmt;
use std::time::Duration;

use serde_json_path::JsonPath;

use crate::ix::{OperationIx, ResourceIx};
use crate::template::{BodyTemplate, PathTemplate, Symbol, TextTemplate, objects_of};

/// One thing that the target lets a caller do.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its own place in [`Spec::operations`](super::Spec::operations).
    pub ix: OperationIx,
    /// `case.read`, or `name` of an `[[operation]]`.
    pub name: String,
    /// Whether another operation has the same method and path and is not the same request, so that these don't tell which of
    /// them is meant.
    pub is_ambiguous: bool,
    /// What is sent.
    pub request: RequestTemplate,
    /// What it is within its resource.
    pub role: Role,
    /// Whether the spec writes it, or implies it.
    pub origin: Origin,
    /// What it does to data.
    pub effect: Effect,
    /// The resource whose object it concerns.
    pub resource: Option<ResourceIx>,
    /// `changes`: kinds of which it changes or destroys what its caller has, whatever the ids: all that fit a filter, say.
    pub changes: Vec<ResourceIx>,
    /// `after`: what its owner does before with the same objects: who is taken off a list was put on it.
    pub after: Option<OperationIx>,
    /// Line that declares it, from 1.
    pub line: usize,
}

impl Operation {
    /// As findings name it: `GET /tenants/{tenant}/cases/{case}`, or `POST /rpc (case.read)` where there are several such.
    pub fn label(&self) -> String {
        let Self { name, request, .. } = self;
        match self.is_ambiguous {
            true => format!("{request} ({name})"),
            false => request.to_string(),
        }
    }

    /// Whether there may be objects after it that were not there before: it makes some, or brings some back, or the spec does
    /// not say what it does. Of what replaces an object only who sends it knows.
    pub fn may_make(&self) -> bool {
        let is_known = matches!(self.role, Role::Replace | Role::Patch | Role::Delete);
        self.effect != Effect::Read && (!is_known || self.effect == Effect::Create || self.after.is_some())
    }
}

/// A request with symbols in it.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestTemplate {
    /// Upper-case method.
    pub method: String,
    /// Path and query.
    pub path: PathTemplate,
    /// `headers`, in the order of the file.
    pub headers: Vec<(String, TextTemplate)>,
    /// What it brings.
    pub body: Option<BodyTemplate>,
    /// `until`: what must be so before its answer counts.
    pub until: Option<Until>,
    /// `follow`: where its answer names what is then fetched; that answer counts.
    pub follow: Option<Follow>,
}

/// `until = { member = "$.status", is = "done", within = "30s" }`: as long as an answer is 202, 409 or 425, or a success of
/// which the member is something else, the request is sent again.
#[derive(Clone, Debug, PartialEq)]
pub struct Until {
    /// `member` and `is`.
    pub member: Option<(JsonPath, serde_json::Value)>,
    /// `within`: how long. Default 30 s.
    pub within: Duration,
}

impl Until {
    /// Whether an answer says that what is asked for is not ready.
    pub fn is_pending(&self, status: u16, json: Option<&serde_json::Value>) -> bool {
        let is_other = |(path, wanted): &(JsonPath, serde_json::Value)| {
            json.is_none_or(|json| path.query(json).first() != Some(wanted))
        };
        match status {
            202 | 409 | 425 => true,
            200..=299 => self.member.as_ref().is_some_and(is_other),
            _ => false,
        }
    }
}

/// `follow`: where an answer names a URL.
#[derive(Clone, Debug, PartialEq)]
pub enum Follow {
    /// A JSONPath.
    Member(JsonPath),
    /// `"header:NAME"`
    Header(String),
}

impl RequestTemplate {
    /// Method and path alone.
    pub fn bare(method: impl Into<String>, path: PathTemplate) -> Self {
        Self { method: method.into(), path, headers: Vec::new(), body: None, until: None, follow: None }
    }

    /// Every symbol in it: of the path and query, of headers, of the body.
    pub fn symbols(&self) -> Vec<&Symbol> {
        let in_headers = self.headers.iter().flat_map(|(_, value)| value.symbols());
        let in_body = self.body.iter().flat_map(BodyTemplate::symbols);
        self.path.symbols().chain(in_headers).chain(in_body).collect()
    }

    /// Whether the symbol is anywhere in it.
    pub fn mentions(&self, symbol: &Symbol) -> bool {
        self.symbols().contains(&symbol)
    }

    /// The kinds of objects that it names, each once, in the order in which it first names them.
    pub fn objects(&self) -> Vec<ResourceIx> {
        objects_of(self.symbols())
    }
}

impl fmt::Display for RequestTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Where an operation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The spec names it: an `[[operation]]`, a described request, or one of `methods`.
    Written,
    /// It follows from the convention, so a target need not have it.
    Convention,
}

/// What an operation is within its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// `GET collection`
    List,
    /// `POST collection`, or `PUT item` where clients choose ids.
    Create,
    /// `GET item`
    Read,
    /// `PUT item`
    Replace,
    /// `PATCH item`
    Patch,
    /// `DELETE item`
    Delete,
    /// `search`
    Search,
    /// `count`
    Count,
    /// One of `views`
    View,
    /// An `[[operation]]`.
    Custom,
}

/// What an operation does to data; production sends only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Read,
    /// Makes an object.
    Create,
    /// Changes one.
    Change,
    /// Destroys one.
    Destroy,
}
