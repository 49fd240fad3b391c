//! The chain of `core`, walked with the ports of one service.

use std::sync::Arc;

use http::Method;
use http::request::Parts;
use watertight_core::{Action, ActionPolicy, Denial, Directory, TenantScope, TokenVerifier};
use watertight_model::AssertionSource;

use crate::assertions::CollectAssertions;
use crate::bearer::bearer;
use crate::denial::RenderDenial;

/// Says which action a route is. A port; a service implements it from the table that its router is built of.
pub trait ClassifyRoute: Send + Sync {
    /// The action of a route, by method and by path as the router declares it (`/tenants/{tenant}/cases`). The guard
    /// asks for `GET` when a request says `HEAD`.
    ///
    /// `None` for a route that isn't registered, which is a bug: the guard answers 500 rather than let it through.
    fn action(&self, method: &Method, matched_path: &str) -> Option<Action>;
}

/// The ports of a guarded service.
#[derive(Clone)]
pub struct Guard {
    /// What in a request names a tenant.
    pub assertions: Arc<dyn CollectAssertions>,
    /// Who vouches for a token.
    pub verifier: Arc<dyn TokenVerifier>,
    /// Which tenants, clients and members there are.
    pub directory: Arc<dyn Directory>,
    /// Who may do what.
    pub policy: Arc<dyn ActionPolicy>,
    /// What the routes do.
    pub routes: Arc<dyn ClassifyRoute>,
    /// How denials are answered.
    pub render: Arc<dyn RenderDenial>,
}

impl Guard {
    /// Walks the chain for a request whose action is known. `path_tenants` are all the tenants that its path names.
    ///
    /// The token is looked for first: without one, the answer is the same whatever the request names.
    ///
    /// # Errors
    ///
    /// The denial of the first step that fails.
    pub async fn admit(&self, parts: &Parts, path_tenants: &[String], action: &Action) -> Result<TenantScope, Denial> {
        let token = bearer(&parts.headers)?;
        let mut in_path = path_tenants.iter().map(String::as_str);
        let collected = self.assertions.collect(parts, in_path.next())?;
        let collected = in_path.fold(collected, |made, raw| made.assert(AssertionSource::Path, raw));
        let candidate = collected.resolve()?;
        let verified = candidate.verify(&token, &*self.verifier).await?;
        let active = verified.activate(action.class, &*self.directory).await?;
        let principal = active.identify(&*self.directory).await?;
        principal.decide(action, &*self.policy).permit()
    }

    /// The action of a request.
    pub(crate) fn classify(&self, method: &Method, matched_path: Option<&str>) -> Classified {
        let Some(path) = matched_path else { return Classified::Unregistered };
        let action = |method: &Method| self.routes.action(method, path);
        match action(if method == Method::HEAD { &Method::GET } else { method }) {
            Some(action) => Classified::Action(action),
            None => {
                let offered: Vec<&str> = METHODS.iter().filter(|m| action(m).is_some()).map(Method::as_str).collect();
                if offered.is_empty() { Classified::Unregistered } else { Classified::OtherMethods(offered.join(", ")) }
            }
        }
    }
}

const METHODS: [Method; 6] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// What a request's method and route are registered as.
pub(crate) enum Classified {
    /// This action.
    Action(Action),
    /// Nothing, but the route has these other methods. `route_layer` sees such requests too.
    OtherMethods(String),
    /// Nothing at all.
    Unregistered,
}
