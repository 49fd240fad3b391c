//! A tenant hint that is believed: what the faults share in which a request says whose data it wants, and gets it.
//!
//! Such a platform takes the tenant from a place that any caller can write to, checks the token by itself, and never
//! checks that token and tenant belong together. That bug is in three ports of casework, since enforce asks in each of
//! them:
//!
//! - [`HintAlone`] asserts the hint alone, and leaves out what would contradict it;
//! - [`OwnTenantVerifier`] verifies the token for the tenant that it is from, whichever was asked for;
//! - [`AnyTenantDirectory`] knows the clients and members of any tenant in all of them.

use std::sync::Arc;

use axum::http::request::Parts;
use watertight_casework::Ports;
use watertight_core::{
    Answer, Assertions, BearerToken, ClientRecord, Denial, Directory, MembershipRecord, TenantRecord, TokenFacts,
    TokenRejection, TokenVerifier, Unavailable,
};
use watertight_guard::{CollectAssertions, unverified_claim};
use watertight_model::{AssertionSource, ClientId, Issuer, Subject, TenantId};

use crate::fault::Workshop;

/// The claim that names the tenant.
const TENANT_CLAIM: &str = "tenant_id";

/// A request, as far as a hint can be in it.
pub(crate) struct Hints<'a> {
    pub(crate) parts: &'a Parts,
    /// The tenant of the path, decoded once.
    pub(crate) path: Option<&'a str>,
    pub(crate) tenants: &'a [TenantId],
}

impl Hints<'_> {
    /// Whether this is the exact name of a tenant.
    pub(crate) fn is_tenant(&self, name: &str) -> bool {
        self.tenants.iter().any(|tenant| tenant.as_str() == name)
    }
}

/// Finds a hint; without one, the request is judged soundly.
pub(crate) type FindHint = fn(&Hints<'_>) -> Option<String>;

/// Replaces the three ports that would refuse a hint.
pub(crate) fn believing_hint(workshop: &Workshop, mut ports: Ports, find: FindHint) -> Ports {
    let tenants = workshop.tenants();
    let guard = &mut ports.guard;
    guard.assertions =
        Arc::new(HintAlone { find, tenants: Arc::clone(&tenants), sound: Arc::clone(&guard.assertions) });
    guard.verifier = Arc::new(OwnTenantVerifier(Arc::clone(&guard.verifier)));
    guard.directory = Arc::new(AnyTenantDirectory { tenants, sound: Arc::clone(&guard.directory) });
    ports
}

/// The tenant that a token says it is for, unverified.
pub(crate) fn token_tenant(token: &BearerToken) -> Option<TenantId> {
    unverified_claim(token, TENANT_CLAIM).first()?.as_str()?.parse().ok()
}

struct HintAlone {
    find: FindHint,
    tenants: Arc<[TenantId]>,
    sound: Arc<dyn CollectAssertions>,
}

impl CollectAssertions for HintAlone {
    fn collect(&self, parts: &Parts, path_tenant: Option<&str>) -> Result<Assertions, Denial> {
        match (self.find)(&Hints { parts, path: path_tenant, tenants: &self.tenants }) {
            Some(hint) => Ok(Assertions::new().assert(AssertionSource::ServerSession, &hint)),
            None => self.sound.collect(parts, path_tenant),
        }
    }
}

struct OwnTenantVerifier(Arc<dyn TokenVerifier>);

impl TokenVerifier for OwnTenantVerifier {
    fn verify<'a>(
        &'a self,
        asked: &'a TenantId,
        token: &'a BearerToken,
    ) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        Box::pin(async move {
            let own = token_tenant(token).filter(|own| own != asked);
            match own {
                // Without its claim, nothing in the facts contradicts the tenant that was asked for.
                Some(own) => Ok(TokenFacts { tenant_claim: None, ..self.0.verify(&own, token).await? }),
                None => self.0.verify(asked, token).await,
            }
        })
    }
}

struct AnyTenantDirectory {
    tenants: Arc<[TenantId]>,
    sound: Arc<dyn Directory>,
}

impl Directory for AnyTenantDirectory {
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Result<Option<TenantRecord>, Unavailable>> {
        self.sound.tenant(id)
    }

    fn client<'a>(
        &'a self,
        tenant: &'a TenantId,
        client: &'a ClientId,
    ) -> Answer<'a, Result<Option<ClientRecord>, Unavailable>> {
        Box::pin(async move {
            for known in std::iter::once(tenant).chain(self.tenants.iter()) {
                if let Some(record) = self.sound.client(known, client).await? {
                    return Ok(Some(ClientRecord { tenant: tenant.clone(), ..record }));
                }
            }
            Ok(None)
        })
    }

    fn membership<'a>(
        &'a self,
        tenant: &'a TenantId,
        issuer: &'a Issuer,
        subject: &'a Subject,
    ) -> Answer<'a, Result<Option<MembershipRecord>, Unavailable>> {
        Box::pin(async move {
            for known in std::iter::once(tenant).chain(self.tenants.iter()) {
                if let Some(record) = self.sound.membership(known, issuer, subject).await? {
                    return Ok(Some(MembershipRecord { tenant: tenant.clone(), ..record }));
                }
            }
            Ok(None)
        })
    }
}
