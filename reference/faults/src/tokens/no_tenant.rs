//! A request that names no tenant is about the first one.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::request::Parts;
use watertight_casework::routes::roles;
use watertight_casework::{Agency, Ports};
use watertight_core::{
    Answer, Assertions, BearerToken, ClientRecord, Denial, Directory, MembershipRecord, Standing, TenantRecord,
    TokenFacts, TokenRejection, TokenVerifier, Unavailable,
};
use watertight_guard::{CollectAssertions, bearer};
use watertight_model::{AssertionSource, ClientId, Issuer, Role, Subject, TenantId};

use super::jws::Jws;
use super::{Flaw, PublishedKeys, facts};
use crate::fault::Workshop;
use crate::tenant_hint::token_tenant;

/// A service account without a tenant counts as one of the platform's own, and the platform's own tenant is the first.
pub(crate) fn falls_back_to_first(workshop: &Workshop, mut ports: Ports) -> Ports {
    let Some(first) = workshop.agencies.first().cloned() else { return ports };
    let guard = &mut ports.guard;
    guard.assertions = Arc::new(FirstByDefault { first: first.tenant.clone(), sound: Arc::clone(&guard.assertions) });
    guard.directory = Arc::new(AnyoneInFirst { first: first.tenant.clone(), sound: Arc::clone(&guard.directory) });
    let (keys, sound) = (Arc::clone(&workshop.keys), Arc::clone(&guard.verifier));
    guard.verifier = Arc::new(ClaimlessVerifier { first, keys, sound });
    ports
}

struct FirstByDefault {
    first: TenantId,
    sound: Arc<dyn CollectAssertions>,
}

impl CollectAssertions for FirstByDefault {
    fn collect(&self, parts: &Parts, path_tenant: Option<&str>) -> Result<Assertions, Denial> {
        let assertions = self.sound.collect(parts, path_tenant)?;
        let names_none = path_tenant.is_none() && token_tenant(&bearer(&parts.headers)?).is_none();
        Ok(match names_none {
            true => assertions.assert(AssertionSource::ServerSession, self.first.as_str()),
            false => assertions,
        })
    }
}

struct ClaimlessVerifier {
    first: Agency,
    keys: Arc<PublishedKeys>,
    sound: Arc<dyn TokenVerifier>,
}

impl ClaimlessVerifier {
    /// A token of the first tenant's issuer that names no tenant. Everything else about it is checked.
    async fn believed(&self, tenant: &TenantId, token: &BearerToken) -> Option<TokenFacts> {
        let mut jws = Jws::parse(token.expose())?;
        let issuer = self.first.issuer.issuer.as_str();
        if *tenant != self.first.tenant || jws.claims.contains_key("tenant_id") || jws.claim("iss") != Some(issuer) {
            return None;
        }
        if !self.keys.of(&self.first).await.iter().any(|key| jws.is_signed_by(key)) {
            return None;
        }
        jws.claims.insert("tenant_id".to_owned(), tenant.as_str().into());
        let client = jws.claim("client_id")?.parse().ok()?;
        // Any client of the issuer will do.
        let mut agency = self.first.clone();
        agency.members.iter_mut().for_each(|member| member.client = ClientId::clone(&client));
        Some(TokenFacts { tenant_claim: None, ..facts(&jws.claims, &agency, Flaw::AnyIssuer)? })
    }
}

impl TokenVerifier for ClaimlessVerifier {
    fn verify<'a>(
        &'a self,
        tenant: &'a TenantId,
        token: &'a BearerToken,
    ) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        Box::pin(async move {
            match self.sound.verify(tenant, token).await {
                Ok(facts) => Ok(facts),
                Err(rejection) => self.believed(tenant, token).await.ok_or(rejection),
            }
        })
    }
}

/// Treats every caller that has come this far as a member of the first tenant.
struct AnyoneInFirst {
    first: TenantId,
    sound: Arc<dyn Directory>,
}

impl Directory for AnyoneInFirst {
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Result<Option<TenantRecord>, Unavailable>> {
        self.sound.tenant(id)
    }

    fn client<'a>(
        &'a self,
        tenant: &'a TenantId,
        client: &'a ClientId,
    ) -> Answer<'a, Result<Option<ClientRecord>, Unavailable>> {
        Box::pin(async move {
            let known = self.sound.client(tenant, client).await?;
            let welcome = || ClientRecord { tenant: tenant.clone(), id: client.clone(), active: Standing::Active };
            Ok(known.or_else(|| (*tenant == self.first).then(welcome)))
        })
    }

    fn membership<'a>(
        &'a self,
        tenant: &'a TenantId,
        issuer: &'a Issuer,
        subject: &'a Subject,
    ) -> Answer<'a, Result<Option<MembershipRecord>, Unavailable>> {
        Box::pin(async move {
            let known = self.sound.membership(tenant, issuer, subject).await?;
            let welcome = || MembershipRecord {
                tenant: tenant.clone(),
                version: 1,
                roles: roles::WORKER.parse::<Role>().into_iter().collect::<BTreeSet<_>>(),
                standing: Standing::Active,
            };
            Ok(known.or_else(|| (*tenant == self.first).then(welcome)))
        })
    }
}
