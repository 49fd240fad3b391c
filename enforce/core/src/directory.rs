//! What the platform knows about its tenants, asked through a port.

use std::collections::BTreeSet;

use watertight_model::{ClientId, Issuer, Role, Subject, TenantId, TenantStatus};

use crate::Answer;
use crate::denial::{Denial, ReasonCode};

/// Tenants, and who may act in them. A port; `control` has the sound implementation.
///
/// Every question names the tenant, and every answer repeats it: the chain refuses a record of another tenant.
pub trait Directory: Send + Sync {
    /// The tenant, if there is one of this name.
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Result<Option<TenantRecord>, Unavailable>>;

    /// The client's registration for this tenant, if there is one.
    fn client<'a>(
        &'a self,
        tenant: &'a TenantId,
        client: &'a ClientId,
    ) -> Answer<'a, Result<Option<ClientRecord>, Unavailable>>;

    /// The subject's membership in this tenant, if there is one. A subject is only known together with its issuer.
    fn membership<'a>(
        &'a self,
        tenant: &'a TenantId,
        issuer: &'a Issuer,
        subject: &'a Subject,
    ) -> Answer<'a, Result<Option<MembershipRecord>, Unavailable>>;
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRecord {
    /// Its name.
    pub id: TenantId,
    /// Where it is in its life.
    pub status: TenantStatus,
    /// What people call it.
    pub display_name: String,
}

/// A client's registration for one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// The tenant.
    pub tenant: TenantId,
    /// The client.
    pub id: ClientId,
    /// Whether it counts.
    pub active: Standing,
}

/// A subject's membership in one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipRecord {
    /// The tenant.
    pub tenant: TenantId,
    /// Counts up with every change of the membership.
    pub version: u64,
    /// The subject's roles in this tenant.
    pub roles: BTreeSet<Role>,
    /// Whether it counts.
    pub standing: Standing,
}

/// Whether a registration or membership counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It counts.
    Active,
    /// It is on record, and switched off.
    Inactive,
}

/// The directory can't tell at the moment. Never taken for "no such record", and never for a yes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the directory could not be read: {0}")]
pub struct Unavailable(
    /// What went wrong, for the operator's log; no secrets.
    pub String,
);

impl From<Unavailable> for Denial {
    fn from(unavailable: Unavailable) -> Self {
        Self::new(ReasonCode::DirectoryUnavailable).because(unavailable.0)
    }
}
