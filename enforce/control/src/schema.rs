//! The tables of the register.

/// Run in this order. `tenant_id` is written folded to lower case by [`watertight_model::TenantId`]; the check refuses
/// a row that was written past it, since two spellings would be two tenants to the engine and one to a host.
pub(crate) const DEFINITIONS: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS tenants (
        tenant_id TEXT NOT NULL PRIMARY KEY CHECK (tenant_id = lower(tenant_id)),
        status TEXT NOT NULL,
        display_name TEXT NOT NULL
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS issuers (
        tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
        issuer TEXT NOT NULL,
        jwks_url TEXT NOT NULL,
        token_type TEXT NOT NULL,
        tenant_claim TEXT NOT NULL,
        leeway_seconds INTEGER NOT NULL CHECK (leeway_seconds >= 0),
        PRIMARY KEY (tenant_id, issuer)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS issuer_algorithms (
        tenant_id TEXT NOT NULL,
        issuer TEXT NOT NULL,
        algorithm TEXT NOT NULL,
        PRIMARY KEY (tenant_id, issuer, algorithm),
        FOREIGN KEY (tenant_id, issuer) REFERENCES issuers (tenant_id, issuer)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS issuer_audiences (
        tenant_id TEXT NOT NULL,
        issuer TEXT NOT NULL,
        audience TEXT NOT NULL,
        PRIMARY KEY (tenant_id, issuer, audience),
        FOREIGN KEY (tenant_id, issuer) REFERENCES issuers (tenant_id, issuer)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS clients (
        tenant_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        issuer TEXT NOT NULL,
        standing TEXT NOT NULL CHECK (standing IN ('active', 'inactive')),
        PRIMARY KEY (tenant_id, client_id),
        FOREIGN KEY (tenant_id, issuer) REFERENCES issuers (tenant_id, issuer)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS members (
        tenant_id TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        version INTEGER NOT NULL CHECK (version > 0),
        standing TEXT NOT NULL CHECK (standing IN ('active', 'inactive')),
        PRIMARY KEY (tenant_id, issuer, subject),
        FOREIGN KEY (tenant_id, issuer) REFERENCES issuers (tenant_id, issuer)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS member_roles (
        tenant_id TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        role TEXT NOT NULL,
        PRIMARY KEY (tenant_id, issuer, subject, role),
        FOREIGN KEY (tenant_id, issuer, subject) REFERENCES members (tenant_id, issuer, subject)
    ) STRICT, WITHOUT ROWID",
];
