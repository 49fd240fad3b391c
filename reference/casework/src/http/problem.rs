//! Problem details (RFC 9457): every error that is not a denial.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// An error of the caller's, with what to do about it. Says nothing about any record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        of(self.status, &self.detail)
    }
}

/// The body of an answer. Without `detail`, two of one status are the same bytes.
#[derive(Serialize)]
struct Details<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

/// An error with a text that says what to do.
pub fn of(status: StatusCode, detail: &str) -> Response {
    answer(status, Some(detail))
}

/// An error that says its status alone.
pub fn bare(status: StatusCode) -> Response {
    answer(status, None)
}

fn answer(status: StatusCode, detail: Option<&str>) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let details = Details { r#type: "about:blank", title, status: status.as_u16(), detail };
    // Texts and a number: nothing that JSON can't hold.
    let mut response = Response::new(Body::from(serde_json::to_vec(&details).unwrap_or_default()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
