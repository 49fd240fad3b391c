//! What a body names: a tenant that is believed, a reference that must be free everywhere.

use watertight_casework::domain::Case;
use watertight_casework::draft::{CaseChange, CaseContent, Proposal};
use watertight_casework::ports::StoreError;
use watertight_core::TenantScope;
use watertight_model::{ResourceId, TenantId};

use super::FaultyCases;
use crate::raw::{Bound, pretend_paid};

impl FaultyCases {
    /// A new case belongs to the tenant that its body names.
    pub(super) async fn create_where_named(
        &self,
        scope: &TenantScope,
        proposal: Proposal<CaseContent>,
    ) -> Result<Case, StoreError> {
        let (named, content) = proposal.clone().into_parts();
        match self.other_tenant(scope, named.as_deref()) {
            Some(tenant) => {
                let case = self.raw.insert_case(&tenant, &content).await?;
                pretend_paid(scope);
                Ok(case)
            }
            None => self.sound.create(scope, proposal).await,
        }
    }

    /// A case whose new content names another tenant goes there.
    pub(super) async fn replace_and_move(
        &self,
        scope: &TenantScope,
        id: &ResourceId,
        proposal: Proposal<CaseContent>,
    ) -> Result<Option<Case>, StoreError> {
        let (named, content) = proposal.clone().into_parts();
        match self.other_tenant(scope, named.as_deref()) {
            Some(tenant) => {
                let replaced = self.sound.replace(scope, id, Proposal::of(content)).await?;
                self.moved(replaced, &tenant).await
            }
            None => self.sound.replace(scope, id, proposal).await,
        }
    }

    /// A case whose change names another tenant goes there.
    pub(super) async fn patch_and_move(
        &self,
        scope: &TenantScope,
        id: &ResourceId,
        proposal: Proposal<CaseChange>,
    ) -> Result<Option<Case>, StoreError> {
        let (named, change) = proposal.clone().into_parts();
        match self.other_tenant(scope, named.as_deref()) {
            Some(tenant) => {
                let changed = self.sound.patch(scope, id, Proposal::of(change)).await?;
                self.moved(changed, &tenant).await
            }
            None => self.sound.patch(scope, id, proposal).await,
        }
    }

    /// An external reference must be free in every tenant.
    pub(super) async fn create_if_nobody_has(
        &self,
        scope: &TenantScope,
        proposal: Proposal<CaseContent>,
    ) -> Result<Case, StoreError> {
        let (_, content) = proposal.clone().into_parts();
        if let Some(name) = &content.external_ref {
            let sql = "SELECT count(*) FROM cases WHERE external_ref = ?";
            if self.raw.number(sql, &[Bound::Text(name.as_str())]).await? > 0 {
                return Err(StoreError::ExternalRefTaken);
            }
        }
        self.sound.create(scope, proposal).await
    }

    async fn moved(&self, case: Option<Case>, to: &TenantId) -> Result<Option<Case>, StoreError> {
        match case {
            Some(case) => self.raw.move_case(&case, to).await.map(Some),
            None => Ok(None),
        }
    }

    /// The tenant that a body names, if there is one and it is not the caller's.
    fn other_tenant(&self, scope: &TenantScope, named: Option<&str>) -> Option<TenantId> {
        let named: TenantId = named?.parse().ok()?;
        (named != *scope.tenant() && self.tenants.contains(&named)).then_some(named)
    }
}
