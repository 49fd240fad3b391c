//! What is verified, within which limits, and how its tenants and tokens are told.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json_path::JsonPath;
use url::Url;

use super::RequestTemplate;
use crate::locator::Locator;

/// `[target]`: what is verified.
#[derive(Clone, Debug)]
pub struct Target {
    /// `name`
    pub name: String,
    /// `url`: base of every path; a tenant may have its own.
    pub url: Option<Url>,
    /// `address`: where every connection to the target is made, whatever its names resolve to.
    pub address: Option<Address>,
    /// `hosts`: further origins that answers may lead to.
    pub hosts: Vec<Url>,
    /// `environment`
    pub environment: TargetEnvironment,
    /// `settle`: how long an asynchronous effect may take to show. Default 2 s, at most 5 min.
    pub settle: Duration,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name, or an IP address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// What kind of installation the target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetEnvironment {
    /// `"test"`
    Test,
    /// `"staging"` (the default)
    Staging,
    /// `"production"`: refused without `--allow-production`, and then only reads are sent.
    Production,
}

/// `[limits]`: bounds of a run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `requests`: at most this many in a run. Default 20 000.
    pub requests: u64,
    /// `rate`: at most this many a second. Default 100.
    pub rate: u32,
    /// `timeout` of one request, connection to last byte. Default 10 s.
    pub timeout: Duration,
    /// `body`: bytes read of one response body, after decompression. Default 4 MiB.
    pub body: usize,
    /// `pages`: pages followed of one list, to 32 MiB at most. Default 50.
    pub pages: usize,
    /// `concurrency`: at most this many requests under way at once, 1 to 256. Default 8.
    pub concurrency: usize,
    /// `time`: a whole run may take this long, 1 s to 24 h. Default 2 h.
    pub time: Duration,
}

/// `[tenancy]`: how requests and data name a tenant.
#[derive(Clone, Debug)]
pub struct Tenancy {
    /// `locator`: at least one. What one writes is in every [request](RequestTemplate) already.
    pub locators: Vec<Locator>,
    /// `fields`: JSON members whose value must be the caller's tenant wherever they occur.
    pub fields: Vec<String>,
}

/// `[tokens]`: what holds of access tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// `kind`
    pub kind: TokenKind,
    /// `issuers`: every `iss` that a token may have.
    pub issuers: Vec<String>,
    /// `tenant_claim`: a member of the claims that names the tenant.
    pub tenant_claim: Option<String>,
    /// `audience`
    pub audience: AudienceRule,
    /// `audiences`: every `aud` that a token may have.
    pub audiences: Vec<String>,
    /// `max_lifetime`: of an access token.
    pub max_lifetime: Option<Duration>,
    /// `leeway`: how long after `exp` the target may still accept. Default 60 s.
    pub leeway: Duration,
    /// `expiry_wait`: a token that lives at most this long is waited out by `token.expired`. Default 10 s.
    pub expiry_wait: Duration,
    /// `whoami`: a call that answers with the caller's tenant.
    pub whoami: Option<WhoAmI>,
    /// `elsewhere`: form parameters with which the token endpoint grants a token for another API than this one.
    pub elsewhere: BTreeMap<String, String>,
    /// `forbidden_scope`: a scope that none of the clients may be granted.
    pub forbidden_scope: Option<String>,
}

/// Whether a token can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A JWS in compact form (RFC 7519).
    Jwt,
    /// Only the platform can read it.
    Opaque,
}

/// Whether tenants share an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudienceRule {
    /// One API audience for all tenants.
    Shared,
    /// Each tenant has its own; the tenant id must occur in it.
    PerTenant,
}

/// `whoami = { request = "GET /me", tenant = "$.tenantId" }`
#[derive(Clone, Debug)]
pub struct WhoAmI {
    /// The call.
    pub request: RequestTemplate,
    /// Where the answer names the tenant.
    pub tenant: JsonPath,
}
