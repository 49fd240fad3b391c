//! The HTTP face: the router, made from [`ROUTES`], and the way of one request through it.

mod call;
mod cases;
mod not_found;
mod open;
pub(crate) mod operator;
pub mod problem;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, RawPathParams, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, on};
use http::StatusCode;
use watertight_guard::{Guard, GuardLayer, Refused, Scoped};

pub(crate) use call::{Call, Failure};
pub(crate) use not_found::PlainNotFound;
pub(crate) use {cases::*, open::*, tasks::*};

use crate::ports::{Ports, StoreError};
use crate::routes::{Access, Endpoint, Mount, ROUTES, Route, RouteActions, RouteError};

/// Most bytes of a body.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// Longest time from the head of a request to its answer; a body that arrives slowly is cut off by it, a head is not.
const MAX_TIME: Duration = Duration::from_secs(15);

/// What handlers work with.
pub(crate) struct App {
    pub(crate) ports: Ports,
}

/// The whole service, ready to be served.
pub(crate) fn router(ports: Ports) -> Result<Router, RouteError> {
    let guard = Guard {
        assertions: Arc::clone(&ports.guard.assertions),
        verifier: Arc::clone(&ports.guard.verifier),
        directory: Arc::clone(&ports.guard.directory),
        policy: Arc::clone(&ports.guard.policy),
        routes: Arc::new(RouteActions::new()?),
        render: Arc::clone(&ports.guard.render),
    };
    let (open, guarded) = routed();
    let app = Arc::new(App { ports });
    // Open routes come last: a guard put on a router covers what is in it by then.
    Ok(guarded
        .route_layer(GuardLayer::new(guard))
        .merge(open)
        .fallback(async || problem::bare(StatusCode::NOT_FOUND))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(in_time))
        .with_state(app))
}

fn routed() -> (Router<Arc<App>>, Router<Arc<App>>) {
    let (mut open, mut guarded) = (Router::new(), Router::new());
    for route in ROUTES {
        match &route.access {
            Access::Open(answer) => {
                open = open.route(route.path, on(route.verb.filter(), move || async move { answer() }))
            }
            Access::Scoped { endpoint, mounts, .. } => {
                for &mount in *mounts {
                    guarded = guarded.route(&route.path_at(mount), scoped(route, mount, *endpoint));
                }
            }
        }
    }
    (open, guarded)
}

fn scoped(route: &'static Route, mount: Mount, endpoint: Endpoint) -> MethodRouter<Arc<App>> {
    on(route.verb.filter(), move |State(app): State<Arc<App>>, request: Request| async move {
        match call_of(route, mount, request).await {
            Ok(call) => match answer(&app, &call, endpoint).await {
                Ok(answer) => answer,
                Err(failure) => explain(&app, &call, failure).await,
            },
            Err(refusal) => refusal,
        }
    })
}

async fn answer(app: &App, call: &Call, endpoint: Endpoint) -> Result<Response, Failure> {
    call.confirm_unused_body()?;
    endpoint(app, call).await
}

/// Takes a request apart, once the guard has let it in.
async fn call_of(route: &Route, mount: Mount, request: Request) -> Result<Call, Response> {
    let (mut parts, body) = request.into_parts();
    let Scoped(scope) = Scoped::from_request_parts(&mut parts, &()).await?;
    let params = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(IntoResponse::into_response)?;
    let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(Call::new(scope, mount, params, route.takes, Request::from_parts(parts, body)).await)
}

/// What a request that fails is answered with. The one place that says so.
async fn explain(app: &App, call: &Call, failure: Failure) -> Response {
    match failure {
        Failure::Missing(missing) => app.ports.not_found.respond(&call.scope, &missing).await,
        Failure::Refused(problem) => problem.into_response(),
        Failure::Store(StoreError::ExternalRefTaken) => {
            problem::of(StatusCode::CONFLICT, "externalRef is taken by another case; choose another one")
        }
        // The guard logs and renders it as one of its own.
        Failure::Store(StoreError::Denied(denial)) => Refused(denial).into_response(),
        Failure::Store(error @ StoreError::Failed(_)) => {
            tracing::error!(%error, action = %call.scope.action(), "a request failed");
            problem::bare(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(MAX_TIME, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => problem::bare(StatusCode::SERVICE_UNAVAILABLE),
    }
}
