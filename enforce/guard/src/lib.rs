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
//! Put [`GuardLayer`] on routes with [`axum::Router::route_layer`], so that the matched path and its parameters are known.
//! Handlers take [`Scoped`]; a handler that takes it on a route without a guard answers 500.
//!
//! The tenant in the path is the parameter named `tenant`, as axum decoded it (once). Whatever path or host a header
//! claims (`Forwarded`, `X-Forwarded-Host`, `X-Original-URL` and their like) is not looked at: the path that is decided on
//! is the path that is served. Headers and query parameters that name a tenant can only contradict.
//!
//! Denials become answers in one place, [`RenderDenial`], and by their class alone.

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
