//! A request as the double reads it, and its answers.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use serde_json::{Value, json};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The path of the tenant's URL: `/at/north`, or nothing.
    pub(crate) base: String,
    /// As sent, without base and query.
    pub(crate) path: String,
    /// Without `?`.
    pub(crate) query: String,
    /// In order, names lower-case.
    pub(crate) headers: Vec<(String, String)>,
    /// As text.
    pub(crate) text: String,
    /// As JSON; null if it is none.
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn new(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Self {
        let path = uri.path();
        let end = path.strip_prefix("/at/").map(|rest| rest.find('/').map_or(path.len(), |slash| "/at/".len() + slash));
        let (base, path) = path.split_at(end.unwrap_or(0));
        let header = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            method: method.to_string(),
            base: base.to_owned(),
            path: path.to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), header(value))).collect(),
            text: String::from_utf8_lossy(body).into_owned(),
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    /// Path and query, as sent.
    pub(crate) fn target(&self) -> String {
        let path = format!("{}{}", self.base, self.path);
        if self.query.is_empty() { path } else { format!("{path}?{}", self.query) }
    }

    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every header of this name, in order.
    pub(crate) fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first parameter of the query with this name, as sent.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Every parameter of the query, as sent.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.split('&').filter_map(|parameter| parameter.split_once('='))
    }

    /// Segments of the path, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.split('/').skip(1).map(decode).collect()
    }
}

/// Without percent-encoding.
pub(crate) fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string()).header("content-type", "application/json")
    }

    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn problem(status: u16, title: &str, instance: &str) -> Self {
        Self::json(status, &json!({ "title": title, "instance": instance }))
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// In place of an answer: with status 0 the connection ends amid it.
    pub(crate) fn obstacle(status: u16) -> Self {
        match status {
            429 => Self::json(429, &json!({})).header("retry-after", "0"),
            302 => Self::new(302, "").header("location", "/login"),
            status => Self::json(status, &json!({})),
        }
    }

    pub(crate) fn into_response(self) -> Response {
        if self.status == 0 {
            let cut_off = futures::stream::iter([Ok(Bytes::from("{")), Err(std::io::Error::other("cut off"))]);
            return Response::builder().status(200).body(Body::from_stream(cut_off)).unwrap();
        }
        let response = Response::builder().status(self.status);
        let response = self.headers.iter().fold(response, |response, (name, value)| response.header(*name, value));
        response.body(Body::from(self.body)).unwrap()
    }
}
