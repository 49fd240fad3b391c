//! What is answered where nothing was found: 404, and nothing else.

use axum::response::Response;
use http::StatusCode;
use watertight_core::{Answer, TenantScope};

use super::problem;
use crate::ports::{Missing, RespondMissing};

/// Knows nothing but 404, and looks at nothing.
pub(crate) struct PlainMisses;

impl RespondMissing for PlainMisses {
    fn absent<'a>(&'a self, _: &'a TenantScope, _: &'a Missing) -> Answer<'a, Response> {
        Box::pin(async { problem::bare(StatusCode::NOT_FOUND) })
    }
}
