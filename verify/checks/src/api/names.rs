//! Where a tenant may be named without authority: tables of headers and query parameters in use.

/// Headers that carry a tenant's id.
pub(super) const TENANT_HEADERS: &[&str] = &[
    "X-Tenant-Id",
    "X-Tenant",
    "X-Tenant-Name",
    "X-TenantId",
    "X-Org-Id",
    "X-Org",
    "X-Organization-Id",
    "X-Organization",
    "X-Account-Id",
    "X-Account",
    "X-Workspace-Id",
    "X-Workspace",
    "X-Customer-Id",
    "X-Company-Id",
    "X-Project-Id",
    "X-Realm",
    "X-Verified-Tenant",
    "X-Scope-OrgID",
    "Tenant",
    "Tenant-Id",
    "Organization",
];

/// Headers that are sent twice as well, own tenant first and last: some read the first, some the last.
pub(super) const DOUBLED_HEADERS: &[&str] = &["X-Tenant-Id", "X-Tenant", "X-Org-Id", "X-Organization-Id"];

/// Headers that carry a host.
pub(super) const HOST_HEADERS: &[&str] = &["X-Forwarded-Host", "X-Host", "X-Forwarded-Server", "X-Original-Host"];

/// Headers that carry a path.
pub(super) const PATH_HEADERS: &[&str] = &["X-Original-URL", "X-Rewrite-URL", "X-Original-URI", "X-Forwarded-Uri"];

/// A header that carries the beginning of a path.
pub(super) const PREFIX_HEADER: &str = "X-Forwarded-Prefix";

/// The standard one (RFC 7239).
pub(super) const FORWARDED: &str = "Forwarded";

/// Headers that carry an address; some trust their own network.
pub(super) const ADDRESS_HEADERS: &[&str] = &["X-Forwarded-For", "X-Real-IP"];

/// Query parameters.
pub(super) const QUERY: &[&str] = &[
    "tenant",
    "tenantId",
    "tenant_id",
    "tenant-id",
    "tenantID",
    "org",
    "orgId",
    "org_id",
    "organization",
    "organizationId",
    "organization_id",
    "account",
    "accountId",
    "account_id",
    "workspace",
    "workspaceId",
    "workspace_id",
    "customerId",
    "companyId",
    "realm",
];
