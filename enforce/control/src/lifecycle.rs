//! Tenants, and where each is in its life.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use watertight_core::TenantRecord;
use watertight_model::{TenantId, TenantStatus};

use crate::{ControlError, ControlStore};

/// Longest display name, in characters.
const MAX_DISPLAY_NAME: usize = 200;

impl ControlStore {
    /// Registers a tenant.
    ///
    /// # Errors
    /// [`ControlError::Taken`] if the name is or ever was a tenant's, in any spelling; [`ControlError::Field`] if the
    /// display name is empty, longer than 200 characters or has control characters; [`ControlError::Engine`].
    pub async fn add_tenant(
        &self,
        tenant: &TenantId,
        display_name: &str,
        status: TenantStatus,
    ) -> Result<(), ControlError> {
        let length = display_name.chars().take(MAX_DISPLAY_NAME + 1).count();
        if !(1..=MAX_DISPLAY_NAME).contains(&length) || display_name.chars().any(char::is_control) {
            return Err(ControlError::Field {
                field: "display name",
                rule: "has 1 to 200 characters, none of them a control character",
            });
        }
        let name = ("tenant", tenant.as_str());
        sqlx::query("INSERT INTO tenants (tenant_id, status, display_name) VALUES (?, ?, ?)")
            .bind(tenant.as_str())
            .bind(status.name())
            .bind(display_name)
            .execute(&self.pool)
            .await
            .map_err(|error| ControlError::refused(error, name, name))?;
        Ok(())
    }

    /// Changes a tenant's status. Every look-up from then on answers with the new one.
    ///
    /// # Errors
    /// [`ControlError::Deleted`] if the tenant is deleted, since that is for good; [`ControlError::Unknown`];
    /// [`ControlError::Engine`].
    pub async fn set_status(&self, tenant: &TenantId, status: TenantStatus) -> Result<(), ControlError> {
        let mut transaction = self.begin().await?;
        let current: Option<String> = sqlx::query_scalar("SELECT status FROM tenants WHERE tenant_id = ?")
            .bind(tenant.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        match current {
            None => return Err(ControlError::Unknown { what: "tenant", name: tenant.to_string() }),
            Some(current) if current == TenantStatus::Deleted.name() => {
                return Err(ControlError::Deleted { tenant: tenant.to_string() });
            }
            Some(_) => {}
        }
        sqlx::query("UPDATE tenants SET status = ? WHERE tenant_id = ?")
            .bind(status.name())
            .bind(tenant.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Every tenant that ever was, by id.
    ///
    /// # Errors
    /// [`ControlError::Corrupt`], [`ControlError::Engine`].
    pub async fn tenants(&self) -> Result<Vec<TenantRecord>, ControlError> {
        let rows = sqlx::query("SELECT tenant_id, status, display_name FROM tenants ORDER BY tenant_id")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    pub(crate) async fn find_tenant(&self, tenant: &TenantId) -> Result<Option<TenantRecord>, ControlError> {
        let row = sqlx::query("SELECT tenant_id, status, display_name FROM tenants WHERE tenant_id = ?")
            .bind(tenant.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }
}

fn read(row: &SqliteRow) -> Result<TenantRecord, ControlError> {
    let id: String = row.try_get("tenant_id")?;
    let status: String = row.try_get("status")?;
    Ok(TenantRecord {
        id: id.parse().map_err(ControlError::corrupt("tenant id"))?,
        status: status.parse().map_err(ControlError::corrupt("tenant status"))?,
        display_name: row.try_get("display_name")?,
    })
}
