//! The chain of `watertight-core`, walked for HTTP requests: a tower layer in front of axum routes.
//!
//! ```text
//! request ─▶ GuardLayer ─▶ ClassifyRoute      which action is this route?        none: 500
//!               │          bearer             one Authorization header           400, 401
//!               │          CollectAssertions  everything that names a tenant     400
//!               │          core's chain       resolve … permit                   401, 403, 503
//!               ▼
//!            handler (Scoped)  ─▶ answer ─▶ succeeded, and a term is still owed: 500
//! ```
//!
//! Put [`GuardLayer`] on routes with [`axum::Router::route_layer`], so that the matched path and its parameters are
//! known. Handlers take [`Scoped`]; a handler that takes it on a route without a guard answers 500.
//!
//! The tenant in the path is every parameter named `tenant`, `tenantId`, `org` or similar ([`QUERY_NAMES`]), as axum
//! decoded it (once); two that differ are a conflict. A parameter of another name is ignored. Whatever path or host a
//! header claims (`Forwarded`, `X-Forwarded-Host`, `X-Original-URL` and their like) is not looked at: the path that is
//! decided on is the path that is served. Headers and query parameters that name a tenant can only contradict.
//!
//! Denials become answers in one place, [`RenderDenial`], and by their class alone.
//!
//! # Limits
//!
//! - The guard does not read bodies. A handler checks the tenant that a body names with
//!   [`confirm`](watertight_core::TenantScope::confirm), and reads the body so that no name can occur in it twice.
//! - The debt is the scope's, not each value's: once one access has paid, whatever the handler answers may leave. An
//!   answer of 4xx or 5xx may leave unpaid, so handlers write no tenant data into those.
//! - Connections and the time that a request's head takes are bounded by the server in front of the guard, or not at
//!   all.

mod assertions;
mod bearer;
mod denial;
mod guard;
mod layer;
mod scoped;

pub use assertions::{CollectAssertions, HttpAssertions, QUERY_NAMES, TENANT_HEADERS};
pub use bearer::{bearer, unverified_claim};
pub use denial::{ProblemDetails, Refused, RenderDenial};
pub use guard::{ClassifyRoute, Guard};
pub use layer::{GuardLayer, GuardService};
pub use scoped::Scoped;
