//! The operator's side: whoever runs the platform changes the life of an agency. It is no request within a tenant, so no guard
//! stands before it, and a tenant's credential opens nothing here.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::put;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use watertight_control::{ControlError, ControlStore};
use watertight_model::{TenantId, TenantStatus};

use super::problem;

/// Most bytes of a body.
const MAX_BODY: usize = 1024;

/// What the operator's routes work with.
#[derive(Clone)]
struct Desk {
    control: ControlStore,
    key: SecretString,
}

/// `PUT /operator/tenants/{tenant}/status`, with the operator's key as a bearer token and `{ "status": "suspended" }`.
pub(crate) fn router(control: ControlStore, key: SecretString) -> Router {
    Router::new().route("/operator/tenants/{tenant}/status", put(set_status)).with_state(Desk { control, key })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    status: String,
}

async fn set_status(
    State(desk): State<Desk>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Response> {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let is_operator = shown.is_some_and(|shown| is_equal(shown, desk.key.expose_secret().as_bytes()));
    if !is_operator {
        return Err(problem::bare(StatusCode::UNAUTHORIZED));
    }
    let invalid = |detail: &str| problem::of(StatusCode::BAD_REQUEST, detail);
    let body = axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| invalid("the body is too long"))?;
    let Wanted { status } =
        serde_json::from_slice(&body).map_err(|_| invalid("write { \"status\": \"suspended\" }"))?;
    let status: TenantStatus = status.parse().map_err(|_| invalid("status is none that a tenant has"))?;
    let tenant: TenantId = tenant.parse().map_err(|_| problem::bare(StatusCode::NOT_FOUND))?;
    match desk.control.set_status(&tenant, status).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(ControlError::Unknown { .. }) => Err(problem::bare(StatusCode::NOT_FOUND)),
        Err(ControlError::Deleted { .. }) => Err(problem::of(StatusCode::CONFLICT, "the tenant is deleted, for good")),
        Err(error) => {
            tracing::error!(%error, %tenant, "the status of a tenant could not be changed");
            Err(problem::bare(StatusCode::INTERNAL_SERVER_ERROR))
        }
    }
}

/// In a time that does not tell how much of it is right.
fn is_equal(shown: &[u8], key: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(shown, key).is_ok()
}
