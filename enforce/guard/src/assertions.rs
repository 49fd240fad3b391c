//! Everything in an HTTP request that names a tenant.

use http::HeaderMap;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use watertight_core::{Assertions, Denial, ReasonCode};
use watertight_model::AssertionSource;

use crate::bearer::{bearer, unverified_claim};

/// Collects what a request says about its tenant. A port; [`HttpAssertions`] is the sound implementation.
pub trait CollectAssertions: Send + Sync {
    /// Everything that names a tenant. `path_tenant` is the first of the path's parameters that name one,
    /// percent-decoded once; the guard adds the others to the answer.
    ///
    /// # Errors
    ///
    /// A request that can be read in more than one way.
    fn collect(&self, parts: &Parts, path_tenant: Option<&str>) -> Result<Assertions, Denial>;
}

/// Headers that services take for the name of a tenant. Every caller can write them: they can only contradict.
///
/// Lower-case, as HTTP libraries keep them.
pub const TENANT_HEADERS: &[&str] = &[
    "x-tenant-id",
    "x-tenant",
    "x-tenantid",
    "x-tenant-name",
    "tenant-id",
    "tenant",
    "x-org-id",
    "x-org",
    "x-organization-id",
    "x-organization",
    "x-account-id",
    "x-account",
    "x-workspace-id",
    "x-workspace",
    "x-customer-id",
    "x-customer",
];

/// Parameters of query and path that services take for the name of a tenant, in lower case and without `-` and `_`:
/// `tenantid` also means `tenantId`, `tenant_id` and `Tenant-ID`. In the query they can only contradict; in the
/// path they name the tenant.
pub const QUERY_NAMES: &[&str] = &[
    "tenant",
    "tenantid",
    "org",
    "orgid",
    "organization",
    "organizationid",
    "accountid",
    "workspaceid",
    "customerid",
    "xtenantid",
];

/// Path and token claim define the tenant; [`TENANT_HEADERS`] and [`QUERY_NAMES`] can contradict.
///
/// What proxies add about the original request is ignored, whoever sent it (oauth2-proxy CVE-2026-76835 trusted it from
/// everywhere).
#[derive(Clone, Debug)]
pub struct HttpAssertions {
    claim: String,
}

impl HttpAssertions {
    /// Reads the tenant from this claim of the token.
    pub fn from_claim(claim: impl Into<String>) -> Self {
        Self { claim: claim.into() }
    }
}

impl Default for HttpAssertions {
    /// Reads the tenant from the claim `tenant_id`.
    fn default() -> Self {
        Self::from_claim("tenant_id")
    }
}

impl CollectAssertions for HttpAssertions {
    fn collect(&self, parts: &Parts, path_tenant: Option<&str>) -> Result<Assertions, Denial> {
        let mut assertions = Assertions::new();
        if let Some(raw) = path_tenant {
            assertions = assertions.assert(AssertionSource::Path, raw);
        }
        for value in unverified_claim(&bearer(&parts.headers)?, &self.claim) {
            // Null, a number or a list names no tenant, and the empty text is denied as such.
            assertions = assertions.assert(AssertionSource::TokenClaim, value.as_str().unwrap_or_default());
        }
        assertions = from_headers(assertions, &parts.headers)?;
        from_query(assertions, parts.uri.query().unwrap_or_default())
    }
}

fn from_headers(mut assertions: Assertions, headers: &HeaderMap) -> Result<Assertions, Denial> {
    for &name in TENANT_HEADERS {
        let mut given = headers.get_all(name).iter();
        let Some(value) = given.next() else { continue };
        if given.next().is_some() {
            return Err(Denial::new(ReasonCode::DuplicateHeader).because(format!("{name} is given more than once")));
        }
        assertions = assertions.assert(AssertionSource::Header, value.to_str().unwrap_or_default());
    }
    Ok(assertions)
}

fn from_query(mut assertions: Assertions, query: &str) -> Result<Assertions, Denial> {
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if names_tenant(&form_decoded(name)?) {
            assertions = assertions.assert(AssertionSource::Query, &form_decoded(value)?);
        }
    }
    Ok(assertions)
}

/// Whether a parameter of this name names a tenant: see [`QUERY_NAMES`].
pub(crate) fn names_tenant(parameter: &str) -> bool {
    let folded: String =
        parameter.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    QUERY_NAMES.contains(&folded.as_str())
}

/// A name or value of `application/x-www-form-urlencoded`.
fn form_decoded(text: &str) -> Result<String, Denial> {
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Denial::new(ReasonCode::RequestMalformed).because("the query is not UTF-8")),
    }
}
