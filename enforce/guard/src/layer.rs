//! The guard in front of a service, and behind it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use tower::{Layer, Service};
use watertight_core::{Denial, DenialClass, ReasonCode, TenantScope};

use crate::assertions::names_tenant;
use crate::guard::{Classified, Guard};

/// Puts a [`Guard`] in front of routes; for [`axum::Router::route_layer`].
///
/// Before the handler: the request becomes a [`TenantScope`] in its extensions, or a denial. After the handler: an
/// answer that succeeds or redirects while the scope still owes a term becomes a 500, since nobody constrained what it
/// may carry.
///
/// Guards can be nested: each walks the whole chain, and what one of them denies is denied.
#[derive(Clone)]
pub struct GuardLayer(Arc<Guard>);

impl GuardLayer {
    /// Guards with these ports.
    pub fn new(guard: Guard) -> Self {
        Self(Arc::new(guard))
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = GuardService<S>;

    fn layer(&self, inner: S) -> GuardService<S> {
        GuardService { guard: Arc::clone(&self.0), inner }
    }
}

/// A service behind a [`Guard`]; made by [`GuardLayer`].
#[derive(Clone)]
pub struct GuardService<S> {
    guard: Arc<Guard>,
    inner: S,
}

impl<S> Service<Request> for GuardService<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let guard = Arc::clone(&self.guard);
        // The clone may not be ready; the service that was polled is the one to call.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move { Ok(serve(&guard, inner, request).await) })
    }
}

async fn serve<S>(guard: &Guard, mut inner: S, request: Request) -> Response
where
    S: Service<Request, Error = Infallible>,
    S::Response: IntoResponse,
{
    let (mut parts, body) = request.into_parts();
    let outer = parts.extensions.get::<TenantScope>().cloned();
    let scope = match enter(guard, &mut parts).await {
        Ok(scope) => scope,
        Err(Refusal::Denied(denial)) => return refuse(guard, &denial),
        Err(Refusal::OtherMethods(offered)) => return method_not_allowed(&offered),
    };
    if let Some(outer) = outer {
        // The handler sees the inner scope alone, and `leave` below checks it.
        outer.ledger().waive("a guard within this one has opened a scope of its own");
    }
    parts.extensions.insert(scope.clone());
    let Ok(answer) = inner.call(Request::from_parts(parts, body)).await;
    leave(guard, &scope, answer.into_response())
}

enum Refusal {
    Denied(Denial),
    OtherMethods(String),
}

async fn enter(guard: &Guard, parts: &mut Parts) -> Result<TenantScope, Refusal> {
    let matched = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let action = match guard.classify(&parts.method, matched) {
        Classified::Action(action) => action,
        Classified::OtherMethods(offered) => return Err(Refusal::OtherMethods(offered)),
        Classified::Unregistered => {
            let route = format!("{} {}", parts.method, matched.unwrap_or("outside of any route"));
            return Err(Refusal::Denied(Denial::new(ReasonCode::RouteUnregistered).because(route)));
        }
    };
    let path_tenants = path_tenants(parts).await.map_err(Refusal::Denied)?;
    guard.admit(parts, &path_tenants, &action).await.map_err(Refusal::Denied)
}

/// Every tenant in the path, decoded once by the router, exactly as handlers get it. A route may name its tenant twice,
/// and a handler act on either.
async fn path_tenants(parts: &mut Parts) -> Result<Vec<String>, Denial> {
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(|rejection| {
        Denial::new(ReasonCode::RequestMalformed).because(format!("the path's parameters: {rejection}"))
    })?;
    Ok(params.iter().filter(|(name, _)| names_tenant(name)).map(|(_, value)| value.to_owned()).collect())
}

/// Looks at an answer before it leaves: a handler's own denial is rendered, and an unpaid debt is an alarm.
fn leave(guard: &Guard, scope: &TenantScope, mut answer: Response) -> Response {
    if let Some(denial) = answer.extensions_mut().remove::<Denial>() {
        return refuse(guard, &denial);
    }
    let hands_over = !answer.status().is_client_error() && !answer.status().is_server_error();
    match scope.ledger().owed().first() {
        Some(&term) if hands_over => {
            let denial = Denial::new(ReasonCode::DebtUnpaid(term)).about(scope.tenant()).because(format!(
                "{} answered {} without it",
                scope.action(),
                answer.status()
            ));
            refuse(guard, &denial)
        }
        _ => answer,
    }
}

fn refuse(guard: &Guard, denial: &Denial) -> Response {
    let reason = denial.reason().name();
    match denial.class() {
        DenialClass::Internal500 => tracing::error!(reason, "{denial}"),
        _ => tracing::info!(reason, "{denial}"),
    }
    guard.render.render(denial)
}

/// The route exists with other methods. No secret: it is the same for every caller and every tenant.
fn method_not_allowed(offered: &str) -> Response {
    let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
    if let Ok(offered) = HeaderValue::from_str(offered) {
        response.headers_mut().insert(header::ALLOW, offered);
    }
    response
}
