//! Clients and members of a tenant, and whether they are active.

use std::collections::BTreeSet;

use sqlx::{Row, Sqlite, Transaction};
use watertight_core::{ClientRecord, MembershipRecord, Standing};
use watertight_model::{ClientId, Issuer, Role, Subject, TenantId};

use crate::{ControlError, ControlStore};

impl ControlStore {
    /// Registers an OAuth client of one of the tenant's issuers, as active.
    ///
    /// # Errors
    /// [`ControlError::Taken`], [`ControlError::Unknown`] if the tenant has no such issuer, [`ControlError::Engine`].
    pub async fn add_client(&self, tenant: &TenantId, issuer: &Issuer, client: &ClientId) -> Result<(), ControlError> {
        let mut transaction = self.begin().await?;
        insert_client(&mut transaction, tenant, issuer, client).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Changes whether a client may be used in the tenant, from the next request on.
    ///
    /// # Errors
    /// [`ControlError::Unknown`], [`ControlError::Engine`].
    pub async fn set_client_standing(
        &self,
        tenant: &TenantId,
        client: &ClientId,
        standing: Standing,
    ) -> Result<(), ControlError> {
        let done = sqlx::query("UPDATE clients SET standing = ? WHERE tenant_id = ? AND client_id = ?")
            .bind(written(standing))
            .bind(tenant.as_str())
            .bind(client.as_str())
            .execute(&self.pool)
            .await?;
        known(done.rows_affected(), "client", client.as_str())
    }

    /// Makes a subject of one of the tenant's issuers a member, active, at version 1.
    ///
    /// # Errors
    /// [`ControlError::Taken`] if it is or was a member, [`ControlError::Unknown`] if the tenant has no such issuer,
    /// [`ControlError::Engine`].
    pub async fn add_member(
        &self,
        tenant: &TenantId,
        issuer: &Issuer,
        subject: &Subject,
        roles: &BTreeSet<Role>,
    ) -> Result<(), ControlError> {
        let mut transaction = self.begin().await?;
        sqlx::query("INSERT INTO members (tenant_id, issuer, subject, version, standing) VALUES (?, ?, ?, 1, ?)")
            .bind(tenant.as_str())
            .bind(issuer.as_str())
            .bind(subject.as_str())
            .bind(written(Standing::Active))
            .execute(&mut *transaction)
            .await
            .map_err(|error| ControlError::refused(error, ("member", subject.as_str()), ("issuer", issuer.as_str())))?;
        insert_roles(&mut transaction, tenant, issuer, subject, roles).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Changes whether a member may act in the tenant, from the next request on, and counts its version up.
    ///
    /// # Errors
    /// [`ControlError::Unknown`], [`ControlError::Engine`].
    pub async fn set_member_standing(
        &self,
        tenant: &TenantId,
        issuer: &Issuer,
        subject: &Subject,
        standing: Standing,
    ) -> Result<(), ControlError> {
        let done = sqlx::query(
            "UPDATE members SET standing = ?, version = version + 1
             WHERE tenant_id = ? AND issuer = ? AND subject = ?",
        )
        .bind(written(standing))
        .bind(tenant.as_str())
        .bind(issuer.as_str())
        .bind(subject.as_str())
        .execute(&self.pool)
        .await?;
        known(done.rows_affected(), "member", subject.as_str())
    }

    /// Replaces a member's roles, from the next request on, and counts its version up.
    ///
    /// # Errors
    /// [`ControlError::Unknown`], [`ControlError::Engine`].
    pub async fn set_member_roles(
        &self,
        tenant: &TenantId,
        issuer: &Issuer,
        subject: &Subject,
        roles: &BTreeSet<Role>,
    ) -> Result<(), ControlError> {
        let mut transaction = self.begin().await?;
        let done =
            sqlx::query("UPDATE members SET version = version + 1 WHERE tenant_id = ? AND issuer = ? AND subject = ?")
                .bind(tenant.as_str())
                .bind(issuer.as_str())
                .bind(subject.as_str())
                .execute(&mut *transaction)
                .await?;
        known(done.rows_affected(), "member", subject.as_str())?;
        sqlx::query("DELETE FROM member_roles WHERE tenant_id = ? AND issuer = ? AND subject = ?")
            .bind(tenant.as_str())
            .bind(issuer.as_str())
            .bind(subject.as_str())
            .execute(&mut *transaction)
            .await?;
        insert_roles(&mut transaction, tenant, issuer, subject, roles).await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) async fn find_client(
        &self,
        tenant: &TenantId,
        client: &ClientId,
    ) -> Result<Option<ClientRecord>, ControlError> {
        let standing: Option<String> =
            sqlx::query_scalar("SELECT standing FROM clients WHERE tenant_id = ? AND client_id = ?")
                .bind(tenant.as_str())
                .bind(client.as_str())
                .fetch_optional(&self.pool)
                .await?;
        let Some(standing) = standing else { return Ok(None) };
        Ok(Some(ClientRecord { tenant: tenant.clone(), id: client.clone(), active: read(&standing)? }))
    }

    pub(crate) async fn find_member(
        &self,
        tenant: &TenantId,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<MembershipRecord>, ControlError> {
        // One statement, so that roles and version are of the same moment.
        let rows = sqlx::query(
            "SELECT version, standing, role FROM members LEFT JOIN member_roles USING (tenant_id, issuer, subject)
             WHERE tenant_id = ? AND issuer = ? AND subject = ?",
        )
        .bind(tenant.as_str())
        .bind(issuer.as_str())
        .bind(subject.as_str())
        .fetch_all(&self.pool)
        .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let mut roles = BTreeSet::new();
        for row in &rows {
            if let Some(role) = row.try_get::<Option<String>, _>("role")? {
                roles.insert(role.parse().map_err(ControlError::corrupt("role"))?);
            }
        }
        Ok(Some(MembershipRecord {
            tenant: tenant.clone(),
            version: first.try_get::<i64, _>("version")?.unsigned_abs(),
            roles,
            standing: read(&first.try_get::<String, _>("standing")?)?,
        }))
    }
}

pub(crate) async fn insert_client(
    transaction: &mut Transaction<'_, Sqlite>,
    tenant: &TenantId,
    issuer: &Issuer,
    client: &ClientId,
) -> Result<(), ControlError> {
    sqlx::query("INSERT INTO clients (tenant_id, client_id, issuer, standing) VALUES (?, ?, ?, ?)")
        .bind(tenant.as_str())
        .bind(client.as_str())
        .bind(issuer.as_str())
        .bind(written(Standing::Active))
        .execute(&mut **transaction)
        .await
        .map_err(|error| ControlError::refused(error, ("client", client.as_str()), ("issuer", issuer.as_str())))?;
    Ok(())
}

async fn insert_roles(
    transaction: &mut Transaction<'_, Sqlite>,
    tenant: &TenantId,
    issuer: &Issuer,
    subject: &Subject,
    roles: &BTreeSet<Role>,
) -> Result<(), ControlError> {
    for role in roles {
        sqlx::query("INSERT INTO member_roles (tenant_id, issuer, subject, role) VALUES (?, ?, ?, ?)")
            .bind(tenant.as_str())
            .bind(issuer.as_str())
            .bind(subject.as_str())
            .bind(role.as_str())
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

fn written(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Inactive => "inactive",
    }
}

fn read(standing: &str) -> Result<Standing, ControlError> {
    match standing {
        "active" => Ok(Standing::Active),
        "inactive" => Ok(Standing::Inactive),
        _ => Err(ControlError::Corrupt { what: "standing", rule: "it is neither active nor inactive".to_owned() }),
    }
}

fn known(rows: u64, what: &'static str, name: &str) -> Result<(), ControlError> {
    if rows == 0 { Err(ControlError::Unknown { what, name: name.to_owned() }) } else { Ok(()) }
}
