//! The register as the chain of types consults it. What cannot be read is unavailable, never absent and never active.

use watertight_core::{Answer, ClientRecord, Directory, MembershipRecord, TenantRecord, Unavailable};
use watertight_model::{ClientId, Issuer, Subject, TenantId};

use crate::{ControlError, ControlStore};

impl Directory for ControlStore {
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Result<Option<TenantRecord>, Unavailable>> {
        Box::pin(async move { self.find_tenant(id).await.map_err(unavailable) })
    }

    fn client<'a>(
        &'a self,
        tenant: &'a TenantId,
        client: &'a ClientId,
    ) -> Answer<'a, Result<Option<ClientRecord>, Unavailable>> {
        Box::pin(async move { self.find_client(tenant, client).await.map_err(unavailable) })
    }

    fn membership<'a>(
        &'a self,
        tenant: &'a TenantId,
        issuer: &'a Issuer,
        subject: &'a Subject,
    ) -> Answer<'a, Result<Option<MembershipRecord>, Unavailable>> {
        Box::pin(async move { self.find_member(tenant, issuer, subject).await.map_err(unavailable) })
    }
}

fn unavailable(error: ControlError) -> Unavailable {
    Unavailable(error.to_string())
}
