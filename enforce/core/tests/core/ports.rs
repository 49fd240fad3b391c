//! Ports with answers prepared in advance.

use std::collections::BTreeSet;
use std::time::SystemTime;

use futures::FutureExt;
use watertight_core::{
    Action, Answer, Assertions, BearerToken, CandidateTenant, ClientRecord, Denial, Directory, MembershipRecord,
    RoleTable, Standing, TenantRecord, TenantScope, TokenFacts, TokenRejection, TokenVerifier, Unavailable,
};
use watertight_model::{AssertionSource, ClientId, Issuer, OperationClass, Subject, TenantId, TenantStatus};

/// A platform of one tenant, `agency-north`, whose every answer a test may change.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) token: Result<TokenFacts, TokenRejection>,
    pub(crate) tenant: Result<Option<TenantRecord>, Unavailable>,
    pub(crate) client: Result<Option<ClientRecord>, Unavailable>,
    pub(crate) membership: Result<Option<MembershipRecord>, Unavailable>,
}

pub(crate) fn north() -> TenantId {
    "agency-north".parse().unwrap()
}

pub(crate) fn south() -> TenantId {
    "agency-south".parse().unwrap()
}

impl World {
    pub(crate) fn sound() -> Self {
        Self {
            token: Ok(TokenFacts {
                issuer: "https://idp.example".parse().unwrap(),
                subject: "ada".parse().unwrap(),
                client: "north-app".parse().unwrap(),
                scopes: BTreeSet::from(["case:read".parse().unwrap()]),
                tenant_claim: Some(north()),
                expires_at: SystemTime::UNIX_EPOCH,
            }),
            tenant: Ok(Some(TenantRecord {
                id: north(),
                status: TenantStatus::Active,
                display_name: "Agency North".to_owned(),
            })),
            client: Ok(Some(ClientRecord {
                tenant: north(),
                id: "north-app".parse().unwrap(),
                active: Standing::Active,
            })),
            membership: Ok(Some(MembershipRecord {
                tenant: north(),
                version: 7,
                roles: BTreeSet::from(["clerk".parse().unwrap()]),
                standing: Standing::Active,
            })),
        }
    }
}

impl TokenVerifier for World {
    fn verify<'a>(&'a self, _: &'a TenantId, _: &'a BearerToken) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        Box::pin(async { self.token.clone() })
    }
}

impl Directory for World {
    fn tenant<'a>(&'a self, _: &'a TenantId) -> Answer<'a, Result<Option<TenantRecord>, Unavailable>> {
        Box::pin(async { self.tenant.clone() })
    }

    fn client<'a>(&'a self, _: &'a TenantId, _: &'a ClientId) -> Answer<'a, Result<Option<ClientRecord>, Unavailable>> {
        Box::pin(async { self.client.clone() })
    }

    fn membership<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a Issuer,
        _: &'a Subject,
    ) -> Answer<'a, Result<Option<MembershipRecord>, Unavailable>> {
        Box::pin(async { self.membership.clone() })
    }
}

pub(crate) fn candidate() -> CandidateTenant {
    Assertions::new()
        .assert(AssertionSource::Path, "agency-north")
        .assert(AssertionSource::TokenClaim, "agency-north")
        .resolve()
        .unwrap()
}

pub(crate) fn read_case() -> Action {
    Action {
        name: "case.read".parse().unwrap(),
        class: OperationClass::Read,
        required_scope: "case:read".parse().unwrap(),
    }
}

pub(crate) fn clerks_read() -> RoleTable {
    RoleTable::new().grant("clerk".parse().unwrap(), "case.read".parse().unwrap())
}

/// Walks the whole chain with `world` as every port.
pub(crate) fn walk(
    world: &World,
    candidate: CandidateTenant,
    class: OperationClass,
    action: &Action,
    policy: &RoleTable,
) -> Result<TenantScope, Denial> {
    let token = BearerToken::parse("opaque").unwrap();
    answered(async {
        let verified = candidate.verify(&token, world).await?;
        let active = verified.activate(class, world).await?;
        active.identify(world).await?.decide(action, policy).permit()
    })
}

/// Walks the whole chain to read a case.
pub(crate) fn enter(world: &World) -> Result<TenantScope, Denial> {
    walk(world, candidate(), OperationClass::Read, &read_case(), &clerks_read())
}

/// The result of a chain whose ports answer at once.
pub(crate) fn answered<T>(steps: impl Future<Output = T>) -> T {
    steps.now_or_never().unwrap()
}
