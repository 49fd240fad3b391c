//! Scopes, made the only way there is: through the chain of types, with ports that vouch for everybody.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use watertight_core::{
    Action, ActionPolicy, Answer, Assertions, BearerToken, ClientRecord, Directory, MembershipRecord, PolicyAnswer,
    Standing, TenantPrincipal, TenantRecord, TenantScope, TokenFacts, TokenRejection, TokenVerifier, Unavailable,
};
use watertight_model::{AssertionSource, ClientId, Issuer, OperationClass, Subject, TenantId, TenantStatus};

/// A scope in an active tenant.
pub(crate) async fn scope(tenant: &str, class: OperationClass) -> TenantScope {
    scope_in(tenant, TenantStatus::Active, class).await
}

/// A scope in a tenant of this status.
pub(crate) async fn scope_in(tenant: &str, status: TenantStatus, class: OperationClass) -> TenantScope {
    let ports = Vouching { status };
    let action = Action { name: "case.any".parse().unwrap(), class, required_scope: "cases".parse().unwrap() };
    let token = BearerToken::parse("a-token").unwrap();
    let candidate = Assertions::new().assert(AssertionSource::Path, tenant).resolve().unwrap();
    let verified = candidate.verify(&token, &ports).await.unwrap();
    let active = verified.activate(class, &ports).await.unwrap();
    let principal = active.identify(&ports).await.unwrap();
    principal.decide(&action, &ports).permit().unwrap()
}

struct Vouching {
    status: TenantStatus,
}

impl TokenVerifier for Vouching {
    fn verify<'a>(
        &'a self,
        tenant: &'a TenantId,
        _token: &'a BearerToken,
    ) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        Box::pin(async move {
            Ok(TokenFacts {
                issuer: "https://issuer.example".parse().unwrap(),
                subject: "somebody".parse().unwrap(),
                client: "client".parse().unwrap(),
                scopes: BTreeSet::from(["cases".parse().unwrap()]),
                tenant_claim: Some(tenant.clone()),
                expires_at: SystemTime::now() + Duration::from_secs(60),
            })
        })
    }
}

impl Directory for Vouching {
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Result<Option<TenantRecord>, Unavailable>> {
        let record = TenantRecord { id: id.clone(), status: self.status, display_name: "Agency".to_owned() };
        Box::pin(async move { Ok(Some(record)) })
    }

    fn client<'a>(
        &'a self,
        tenant: &'a TenantId,
        client: &'a ClientId,
    ) -> Answer<'a, Result<Option<ClientRecord>, Unavailable>> {
        let record = ClientRecord { tenant: tenant.clone(), id: client.clone(), active: Standing::Active };
        Box::pin(async move { Ok(Some(record)) })
    }

    fn membership<'a>(
        &'a self,
        tenant: &'a TenantId,
        _issuer: &'a Issuer,
        _subject: &'a Subject,
    ) -> Answer<'a, Result<Option<MembershipRecord>, Unavailable>> {
        let record =
            MembershipRecord { tenant: tenant.clone(), version: 1, roles: BTreeSet::new(), standing: Standing::Active };
        Box::pin(async move { Ok(Some(record)) })
    }
}

impl ActionPolicy for Vouching {
    fn allows(&self, _principal: &TenantPrincipal, _action: &Action) -> PolicyAnswer {
        PolicyAnswer::Allow
    }
}
