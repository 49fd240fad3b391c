//! A request as handlers see it: who asks, and the parts of it, parsed when asked for.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Query, Request};
use axum::response::Response;
use http::{StatusCode, Uri, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use watertight_core::TenantScope;
use watertight_identity::strict_json;
use watertight_model::ResourceId;
use watertight_scoped::db::{Cursor, Limit};

use super::problem::Problem;
use crate::domain::{Listing, Term, Window};
use crate::draft::{Content, Proposal, confirm_tenant};
use crate::ports::{Missing, StoreError};
use crate::routes::{Mount, Schema};

/// Why a handler has no answer.
pub(crate) enum Failure {
    Missing(Missing),
    Refused(Problem),
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<Missing> for Failure {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

/// A request that the guard has let in.
pub(crate) struct Call {
    pub(crate) scope: TenantScope,
    mount: Mount,
    params: BTreeMap<String, String>,
    uri: Uri,
    takes: Option<Schema>,
    /// The fields of the body.
    body: Result<Map<String, Value>, Problem>,
}

#[derive(Deserialize)]
struct WindowQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct TermQuery {
    q: Option<String>,
}

impl Call {
    /// Takes a request apart. An operation that takes no body has one that says nothing.
    pub(crate) async fn new(
        scope: TenantScope,
        mount: Mount,
        params: BTreeMap<String, String>,
        takes: Option<Schema>,
        request: Request,
    ) -> Self {
        let uri = request.uri().clone();
        let body = match (takes, fields(request).await) {
            (None, Ok(None)) => Ok(Map::new()),
            (_, given) => given.and_then(|fields| fields.ok_or_else(no_object)),
        };
        Self { scope, mount, params, uri, takes, body }
    }

    /// Checks the body of an operation that takes none: no store will, and a caller who names another tenant is not to
    /// be told that it was done.
    pub(crate) fn confirm_unused_body(&self) -> Result<(), Failure> {
        if self.takes.is_none() {
            confirm_tenant(self.body.as_ref().map_err(Clone::clone)?, &self.scope).map_err(StoreError::Denied)?;
        }
        Ok(())
    }

    /// The case of the path. For what can't be an id there is no case.
    pub(crate) fn case(&self) -> Result<ResourceId, Missing> {
        self.param("case").parse().map_err(|_| self.no_case())
    }

    /// The task of the path.
    pub(crate) fn task(&self) -> Result<ResourceId, Missing> {
        self.param("task").parse().map_err(|_| self.no_task())
    }

    pub(crate) fn no_case(&self) -> Missing {
        Missing::Case { id: self.param("case").to_owned() }
    }

    pub(crate) fn no_task(&self) -> Missing {
        Missing::Task { case: self.param("case").to_owned(), id: self.param("task").to_owned() }
    }

    /// The part of a listing that the query asks for.
    pub(crate) fn window(&self) -> Result<Window, Problem> {
        let query: WindowQuery = self.query()?;
        let limit = match query.limit {
            None => Limit::default(),
            Some(text) => {
                let refused = || Problem::bad_request(format!("limit must be a whole number from 1 to {}", Limit::MAX));
                let rows: u32 = text.parse().map_err(|_| refused())?;
                Limit::try_from(rows).map_err(|_| refused())?
            }
        };
        let after = query.cursor.map(|text| text.parse::<Cursor>()).transpose();
        Ok(Window { after: after.map_err(|error| Problem::bad_request(format!("cursor: {error}")))?, limit })
    }

    /// What the query looks for.
    pub(crate) fn term(&self) -> Result<Term, Problem> {
        let query: TermQuery = self.query()?;
        let text = query.q.ok_or_else(|| Problem::bad_request("q is required: write ?q= and what to look for"))?;
        text.parse().map_err(|error| Problem::bad_request(format!("q {error}")))
    }

    /// What the body proposes.
    pub(crate) fn proposal<T: Content>(&self) -> Result<Proposal<T>, Problem> {
        let fields = self.body.as_ref().map_err(Clone::clone)?;
        Proposal::read(fields).map_err(|error| Problem::bad_request(error.to_string()))
    }

    /// A page of a listing. `kept` is the part of the query that the next page needs again.
    pub(crate) fn page<T: Serialize>(&self, listing: &Listing<T>, window: Window, path: &str, kept: &str) -> Response {
        let next = listing
            .next
            .map(|cursor| format!("{}{path}?{kept}cursor={cursor}&limit={}", self.base(), window.limit.rows()));
        json_answer(StatusCode::OK, &json!({"items": listing.items, "next": next, "total": listing.total}))
    }

    /// Something that was created, and where it is.
    pub(crate) fn created<T: Serialize>(&self, item: &T, path: &str) -> Response {
        let mut answer = json_answer(StatusCode::CREATED, item);
        if let Ok(location) = format!("{}{path}", self.base()).try_into() {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        answer
    }

    /// Where the caller's own routes are.
    fn base(&self) -> String {
        match self.mount {
            Mount::Tenant => format!("/tenants/{}", self.scope.tenant()),
            Mount::Me => "/me".to_owned(),
        }
    }

    /// A parameter of the path; empty, and so no id, if the route has none of this name.
    fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let parsed = Query::try_from_uri(&self.uri);
        parsed.map(|Query(query)| query).map_err(|_| Problem::bad_request("the query can't be read"))
    }
}

/// The fields of a JSON body; none if it is empty. Where a name occurs twice, readers disagree on what was said, so
/// that nothing of it is believed.
async fn fields(request: Request) -> Result<Option<Map<String, Value>>, Problem> {
    let is_json = is_json(&request);
    let bytes = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {} bytes", super::MAX_BODY))
        }
        _ => Problem::bad_request("the body can't be read"),
    })?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if !is_json {
        let detail = "write the body as JSON, with Content-Type: application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    strict_json::object(&bytes).map(Some).map_err(|_| no_object())
}

fn no_object() -> Problem {
    Problem::bad_request("the body must be a JSON object in which no name occurs twice")
}

/// A text as a segment of a path or a value of a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// An answer with a JSON body that no cache may keep: it is for one tenant.
pub(crate) fn json_answer<T: Serialize>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let mut answer = Response::new(axum::body::Body::from(bytes));
            *answer.status_mut() = status;
            let headers = answer.headers_mut();
            headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
            headers.insert(header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
            answer
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            super::problem::bare(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

fn is_json(request: &Request) -> bool {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.eq_ignore_ascii_case("application/merge-patch+json")
}
