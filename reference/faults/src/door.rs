//! A door that believes a hint: what the faults share in which a request says whose data it wants, and gets it.
//!
//! Such a platform takes the tenant from a place that anybody can write to, checks the token in itself, and never asks
//! whether token and tenant belong together. That bug sits in three ports of casework, since enforce asks in each of them:
//!
//! - [`Believing`] asserts the hint alone, and leaves out what would contradict it;
//! - [`HomeVerifier`] verifies the token for the tenant that it is from, whichever was asked for;
//! - [`OpenDirectory`] knows the clients and members of any tenant in all of them.

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

/// Replaces what stands between a hint and the data.
pub(crate) fn believing(workshop: &Workshop, mut ports: Ports, find: FindHint) -> Ports {
    let tenants = workshop.tenants();
    let door = &mut ports.door;
    door.assertions = Arc::new(Believing { find, tenants: Arc::clone(&tenants), sound: Arc::clone(&door.assertions) });
    door.verifier = Arc::new(HomeVerifier(Arc::clone(&door.verifier)));
    door.directory = Arc::new(OpenDirectory { tenants, sound: Arc::clone(&door.directory) });
    ports
}

/// The tenant that a token says it is for, unverified.
pub(crate) fn home(token: &BearerToken) -> Option<TenantId> {
    unverified_claim(token, TENANT_CLAIM).first()?.as_str()?.parse().ok()
}

struct Believing {
    find: FindHint,
    tenants: Arc<[TenantId]>,
    sound: Arc<dyn CollectAssertions>,
}

impl CollectAssertions for Believing {
    fn collect(&self, parts: &Parts, path_tenant: Option<&str>) -> Result<Assertions, Denial> {
        match (self.find)(&Hints { parts, path: path_tenant, tenants: &self.tenants }) {
            Some(hint) => Ok(Assertions::new().assert(AssertionSource::ServerSession, &hint)),
            None => self.sound.collect(parts, path_tenant),
        }
    }
}

struct HomeVerifier(Arc<dyn TokenVerifier>);

impl TokenVerifier for HomeVerifier {
    fn verify<'a>(
        &'a self,
        asked: &'a TenantId,
        token: &'a BearerToken,
    ) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        Box::pin(async move {
            let home = home(token).filter(|home| home != asked);
            match home {
                // Without its claim, nothing in the facts contradicts the tenant that was asked for.
                Some(home) => Ok(TokenFacts { tenant_claim: None, ..self.0.verify(&home, token).await? }),
                None => self.0.verify(asked, token).await,
            }
        })
    }
}

struct OpenDirectory {
    tenants: Arc<[TenantId]>,
    sound: Arc<dyn Directory>,
}

impl Directory for OpenDirectory {
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
