//! What anyone may ask, and who the caller is.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use watertight_core::Answer;

use super::call::json_answer;
use super::{App, Call, Failure};

/// `GET /health`
pub(crate) fn health() -> Response {
    json_answer(StatusCode::OK, &json!({"status": "ok"}))
}

/// `GET /openapi.json`
pub(crate) fn openapi() -> Response {
    json_answer(StatusCode::OK, &crate::openapi::document())
}

/// `GET /me`
pub(crate) fn whoami<'a>(_: &'a App, call: &'a Call) -> Answer<'a, Result<Response, Failure>> {
    Box::pin(async move {
        let principal = call.scope.principal();
        call.scope.ledger().waive("who-am-I shows the caller's own token, and reads no tenant data");
        let body = json!({
            "tenantId": principal.tenant(),
            "subject": principal.subject(),
            "clientId": principal.client(),
            "scopes": principal.scopes(),
        });
        Ok(json_answer(StatusCode::OK, &body))
    })
}
