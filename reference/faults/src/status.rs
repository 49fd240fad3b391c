//! The status of a tenant, not asked for.

use std::sync::Arc;

use watertight_casework::Ports;
use watertight_core::{Answer, ClientRecord, Directory, MembershipRecord, TenantRecord, Unavailable};
use watertight_model::{ClientId, Issuer, Subject, TenantId, TenantStatus};

use crate::fault::Workshop;

/// A token that is good is good: that its tenant was suspended since changes nothing.
pub(crate) fn suspended_served(_: &Workshop, mut ports: Ports) -> Ports {
    ports.guard.directory = Arc::new(AlwaysActive(Arc::clone(&ports.guard.directory)));
    ports
}

struct AlwaysActive(Arc<dyn Directory>);

impl Directory for AlwaysActive {
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Result<Option<TenantRecord>, Unavailable>> {
        Box::pin(async move {
            let known = self.0.tenant(id).await?;
            Ok(known.map(|tenant| TenantRecord { status: TenantStatus::Active, ..tenant }))
        })
    }

    fn client<'a>(
        &'a self,
        tenant: &'a TenantId,
        client: &'a ClientId,
    ) -> Answer<'a, Result<Option<ClientRecord>, Unavailable>> {
        self.0.client(tenant, client)
    }

    fn membership<'a>(
        &'a self,
        tenant: &'a TenantId,
        issuer: &'a Issuer,
        subject: &'a Subject,
    ) -> Answer<'a, Result<Option<MembershipRecord>, Unavailable>> {
        self.0.membership(tenant, issuer, subject)
    }
}
