//! How handlers get their scope.

use axum::extract::FromRequestParts;
use axum::response::IntoResponse;
use axum::response::Response;
use http::request::Parts;
use watertight_core::{Denial, ReasonCode, TenantScope};

use crate::denial::Refused;

/// The scope that the guard opened for this request.
///
/// On a route without a guard there is none, and the handler isn't called: 500.
#[derive(Clone, Debug)]
pub struct Scoped(pub TenantScope);

impl<S: Send + Sync> FromRequestParts<S> for Scoped {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match parts.extensions.get::<TenantScope>() {
            Some(scope) => Ok(Self(scope.clone())),
            None => {
                let denial =
                    Denial::new(ReasonCode::GuardMissing).because(format!("{} {}", parts.method, parts.uri.path()));
                tracing::error!(reason = denial.reason().name(), "{denial}");
                Err(Refused(denial).into_response())
            }
        }
    }
}
