//! Which issuer may vouch for which tenant, and on which terms.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::Row;
use watertight_model::{Audience, ClientId, Issuer, TenantId};

use crate::{ControlError, ControlStore};

/// An issuer, registered for one tenant. The same issuer may be registered for several tenants, each time anew.
///
/// Names of algorithms and token types are kept as texts here; the crate that checks tokens says which exist, and
/// refuses a registration with any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerRegistration {
    /// The tenant that the issuer may vouch for.
    pub tenant: TenantId,
    /// The issuer, compared exactly (RFC 8414, section 3.3).
    pub issuer: Issuer,
    /// Where its keys are published.
    pub jwks_url: String,
    /// The signature algorithms that it may use, as in `alg` (RFC 7518): at least one.
    pub algorithms: BTreeSet<String>,
    /// The `typ` that its tokens must have.
    pub token_type: String,
    /// The audiences, of which a token must name one: at least one.
    pub audiences: BTreeSet<Audience>,
    /// The clients whose tokens are accepted. Written by [`ControlStore::add_client`], active or not: that
    /// is looked up for each request.
    pub clients: BTreeSet<ClientId>,
    /// The claim that names the tenant.
    pub tenant_claim: String,
    /// How far clocks may differ; whole seconds are kept.
    pub leeway: Duration,
}

impl ControlStore {
    /// Registers an issuer for a tenant, and its clients as active.
    ///
    /// # Errors
    /// [`ControlError::Taken`] if the tenant has this issuer, or one of the clients, already; [`ControlError::Unknown`]
    /// if there is no such tenant; [`ControlError::Field`] if a set or a text that must not be empty is;
    /// [`ControlError::Engine`].
    pub async fn register_issuer(&self, entry: &IssuerRegistration) -> Result<(), ControlError> {
        entry.check()?;
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO issuers (tenant_id, issuer, jwks_url, token_type, tenant_claim, leeway_seconds)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(entry.tenant.as_str())
        .bind(entry.issuer.as_str())
        .bind(&entry.jwks_url)
        .bind(&entry.token_type)
        .bind(&entry.tenant_claim)
        .bind(entry.leeway_seconds()?)
        .execute(&mut *transaction)
        .await
        .map_err(|error| {
            ControlError::refused(error, ("issuer", entry.issuer.as_str()), ("tenant", entry.tenant.as_str()))
        })?;
        for algorithm in &entry.algorithms {
            sqlx::query("INSERT INTO issuer_algorithms (tenant_id, issuer, algorithm) VALUES (?, ?, ?)")
                .bind(entry.tenant.as_str())
                .bind(entry.issuer.as_str())
                .bind(algorithm)
                .execute(&mut *transaction)
                .await?;
        }
        for audience in &entry.audiences {
            sqlx::query("INSERT INTO issuer_audiences (tenant_id, issuer, audience) VALUES (?, ?, ?)")
                .bind(entry.tenant.as_str())
                .bind(entry.issuer.as_str())
                .bind(audience.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        for client in &entry.clients {
            crate::people::insert_client(&mut transaction, &entry.tenant, &entry.issuer, client).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Every registration, by tenant and issuer.
    ///
    /// # Errors
    /// [`ControlError::Corrupt`], [`ControlError::Engine`].
    pub async fn issuers(&self) -> Result<Vec<IssuerRegistration>, ControlError> {
        let rows = sqlx::query(
            "SELECT tenant_id, issuer, jwks_url, token_type, tenant_claim, leeway_seconds
             FROM issuers ORDER BY tenant_id, issuer",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let tenant: String = row.try_get("tenant_id")?;
            let issuer: String = row.try_get("issuer")?;
            let leeway: i64 = row.try_get("leeway_seconds")?;
            let algorithms = self.listed(Listed::Algorithms, &tenant, &issuer).await?;
            let audiences = self.listed(Listed::Audiences, &tenant, &issuer).await?;
            let clients = self.listed(Listed::Clients, &tenant, &issuer).await?;
            entries.push(IssuerRegistration {
                jwks_url: row.try_get("jwks_url")?,
                algorithms: algorithms.into_iter().collect(),
                token_type: row.try_get("token_type")?,
                audiences: parsed(audiences, "audience")?,
                clients: parsed(clients, "client id")?,
                tenant_claim: row.try_get("tenant_claim")?,
                leeway: Duration::from_secs(leeway.unsigned_abs()),
                tenant: tenant.parse().map_err(ControlError::corrupt("tenant id"))?,
                issuer: issuer.parse().map_err(ControlError::corrupt("issuer"))?,
            });
        }
        Ok(entries)
    }

    async fn listed(&self, what: Listed, tenant: &str, issuer: &str) -> Result<Vec<String>, ControlError> {
        Ok(sqlx::query_scalar(what.query()).bind(tenant).bind(issuer).fetch_all(&self.pool).await?)
    }
}

impl IssuerRegistration {
    fn check(&self) -> Result<(), ControlError> {
        let refuse = |field, rule| Err(ControlError::Field { field, rule });
        if self.algorithms.is_empty() {
            return refuse("algorithms", "at least one is listed, or no token could be accepted");
        }
        if self.audiences.is_empty() {
            return refuse("audiences", "at least one is listed, or a token for any API would be accepted");
        }
        for (field, text) in
            [("jwks_url", &self.jwks_url), ("token_type", &self.token_type), ("tenant_claim", &self.tenant_claim)]
        {
            if !(1..=2_048).contains(&text.len()) || text.chars().any(char::is_control) {
                return refuse(field, "has 1 to 2048 bytes, and no control character");
            }
        }
        Ok(())
    }

    fn leeway_seconds(&self) -> Result<i64, ControlError> {
        i64::try_from(self.leeway.as_secs())
            .map_err(|_| ControlError::Field { field: "leeway", rule: "is a small number of seconds" })
    }
}

/// What belongs to an issuer.
#[derive(Clone, Copy)]
enum Listed {
    Algorithms,
    Audiences,
    Clients,
}

impl Listed {
    fn query(self) -> &'static str {
        match self {
            Self::Algorithms => "SELECT algorithm FROM issuer_algorithms WHERE tenant_id = ? AND issuer = ?",
            Self::Audiences => "SELECT audience FROM issuer_audiences WHERE tenant_id = ? AND issuer = ?",
            Self::Clients => "SELECT client_id FROM clients WHERE tenant_id = ? AND issuer = ?",
        }
    }
}

fn parsed<T>(texts: Vec<String>, what: &'static str) -> Result<BTreeSet<T>, ControlError>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Ord,
{
    texts.iter().map(|text| text.parse().map_err(ControlError::corrupt(what))).collect()
}
