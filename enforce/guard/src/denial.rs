//! The one place where a denial becomes an answer.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use watertight_core::{Denial, DenialClass};

/// Turns a denial into an answer. A port; [`ProblemDetails`] is the sound implementation.
pub trait RenderDenial: Send + Sync {
    /// The answer. Sound implementations look at [`Denial::class`] alone.
    fn render(&self, denial: &Denial) -> Response;
}

/// Problem details of RFC 9457 that say the class of the denial, and nothing about the request or the tenant.
///
/// Two denials of one class are the same bytes. `WWW-Authenticate` on 401 names the scheme without an error code, so that
/// tokens that are missing, bad, and good elsewhere can't be told apart by it either.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProblemDetails;

impl RenderDenial for ProblemDetails {
    fn render(&self, denial: &Denial) -> Response {
        let class = denial.class();
        let body = format!(r#"{{"type":"about:blank","title":"{}","status":{}}}"#, title(class), class.status());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(class.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if class == DenialClass::Unauthenticated401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The reason phrase of RFC 9110, which RFC 9457 section 4.2.1 asks for beside `about:blank`.
const fn title(class: DenialClass) -> &'static str {
    match class {
        DenialClass::BadRequest400 => "Bad Request",
        DenialClass::Unauthenticated401 => "Unauthorized",
        DenialClass::Forbidden403 => "Forbidden",
        DenialClass::NotFound404 => "Not Found",
        DenialClass::Unavailable503 => "Service Unavailable",
        DenialClass::Internal500 => "Internal Server Error",
    }
}

/// A denial that a handler answers with, for instance one from [`watertight_core::TenantScope::confirm`].
///
/// The guard in front of the handler logs and renders it as its own; without a guard, [`ProblemDetails`] renders it.
#[derive(Clone, Debug)]
pub struct Refused(pub Denial);

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        Self(denial)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = ProblemDetails.render(&self.0);
        response.extensions_mut().insert(self.0);
        response
    }
}
