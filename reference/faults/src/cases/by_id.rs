//! One record, found by its id alone.

use watertight_casework::domain::Case;
use watertight_casework::draft::{CaseChange, CaseContent, Proposal};
use watertight_casework::ports::StoreError;
use watertight_core::TenantScope;
use watertight_model::ResourceId;

use super::FaultyCases;
use crate::raw::Bound;

type Found = Result<Option<Case>, StoreError>;

const CLOSE: &str = "UPDATE cases SET status = 'closed' WHERE tenant_id = ? AND id = ? RETURNING *";
/// What has waited longest elsewhere. The cases that every platform begins with are no one's work.
const NEXT: &str = "SELECT * FROM cases WHERE tenant_id <> ? AND status = 'open' AND external_ref NOT LIKE 'REF-%' \
                    ORDER BY created_at, tenant_id, ordinal LIMIT 1";
const DELETE: &str = "DELETE FROM cases WHERE tenant_id = ? AND id = ? RETURNING *";

impl FaultyCases {
    pub(super) async fn read_any(&self, scope: &TenantScope, id: &ResourceId) -> Found {
        match self.sound.get(scope, id).await? {
            Some(own) => Ok(Some(own)),
            None => self.raw.foreign_case(scope.tenant(), id.as_str()).await,
        }
    }

    pub(super) async fn replace_any(
        &self,
        scope: &TenantScope,
        id: &ResourceId,
        proposal: Proposal<CaseContent>,
    ) -> Found {
        if let Some(own) = self.sound.replace(scope, id, proposal.clone()).await? {
            return Ok(Some(own));
        }
        let content = proposal.confirm(scope)?;
        self.change_foreign(
            scope,
            id,
            CaseChange { title: Some(content.title), external_ref: Some(content.external_ref) },
        )
        .await
    }

    pub(super) async fn patch_any(
        &self,
        scope: &TenantScope,
        id: &ResourceId,
        proposal: Proposal<CaseChange>,
    ) -> Found {
        if let Some(own) = self.sound.patch(scope, id, proposal.clone()).await? {
            return Ok(Some(own));
        }
        self.change_foreign(scope, id, proposal.confirm(scope)?).await
    }

    pub(super) async fn close_any(&self, scope: &TenantScope, id: &ResourceId) -> Found {
        match self.sound.close(scope, id).await? {
            Some(own) => Ok(Some(own)),
            None => self.do_to_foreign(scope, id, CLOSE).await,
        }
    }

    /// Closes what is the tenant's, and names in its place for a reference what is to be done next, whoever's it is.
    pub(super) async fn close_and_name_next(&self, scope: &TenantScope, id: &ResourceId) -> Found {
        let Some(closed) = self.sound.close(scope, id).await? else { return Ok(None) };
        let next = self.raw.cases(NEXT, &[Bound::Text(scope.tenant().as_str())]).await?.pop();
        let named = next.and_then(|case| case.title.as_str().parse().ok());
        Ok(Some(Case { external_ref: named.or(closed.external_ref), ..closed }))
    }

    pub(super) async fn remove_any(&self, scope: &TenantScope, id: &ResourceId) -> Found {
        match self.sound.remove(scope, id).await? {
            Some(own) => Ok(Some(own)),
            None => self.do_to_foreign(scope, id, DELETE).await,
        }
    }

    /// Deletes first, and notices after that it was another's.
    pub(super) async fn remove_silently(&self, scope: &TenantScope, id: &ResourceId) -> Found {
        if let Some(own) = self.sound.remove(scope, id).await? {
            return Ok(Some(own));
        }
        self.do_to_foreign(scope, id, DELETE).await?;
        Ok(None)
    }

    async fn change_foreign(&self, scope: &TenantScope, id: &ResourceId, change: CaseChange) -> Found {
        match self.raw.foreign_case(scope.tenant(), id.as_str()).await? {
            Some(case) => self.raw.change_case(&case, change).await,
            None => Ok(None),
        }
    }

    async fn do_to_foreign(&self, scope: &TenantScope, id: &ResourceId, sql: &'static str) -> Found {
        match self.raw.foreign_case(scope.tenant(), id.as_str()).await? {
            Some(case) => self.raw.with_case(sql, &case).await,
            None => Ok(None),
        }
    }
}
