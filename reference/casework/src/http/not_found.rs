//! What is answered where nothing was found: 404, and nothing else.

use axum::response::Response;
use http::StatusCode;
use watertight_core::{Answer, TenantScope};

use super::problem;
use crate::ports::{Missing, RespondNotFound};

/// Answers 404 whatever is asked for, without looking at anything.
pub(crate) struct PlainNotFound;

impl RespondNotFound for PlainNotFound {
    fn respond<'a>(&'a self, _: &'a TenantScope, _: &'a Missing) -> Answer<'a, Response> {
        Box::pin(async { problem::bare(StatusCode::NOT_FOUND) })
    }
}
