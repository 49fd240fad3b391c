//! Tenants, and who acts in them.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use crate::spec::credential::{ClientCertificate, Credential};

/// A tenant's id as the target spells it: opaque, never parsed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TenantName(String);

impl TenantName {
    /// Any non-empty text.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }
    /// As the target spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[[tenant]]`
#[derive(Clone, Debug)]
pub struct Tenant {
    /// `id`
    pub id: TenantName,
    /// `name`: what people are shown, and `{tenant.name}`. Default: the id.
    pub name: String,
    /// `url`, else the target's.
    pub url: Url,
    /// `values`: what is written for the tenant in place of their names.
    pub values: BTreeMap<String, serde_json::Value>,
    /// `[[tenant.principal]]`, at least one that [names its own tenant](Names::Own); the first such is the tenant's
    /// default caller.
    pub principals: Vec<Principal>,
}

impl Tenant {
    /// The principal that calls for this tenant unless a check wants another.
    pub fn caller(&self) -> Option<&Principal> {
        self.principals.iter().find(|principal| principal.may_call())
    }
}

/// `[[tenant.principal]]`: one set of ordinary credentials.
#[derive(Clone, Debug)]
pub struct Principal {
    /// `name`, unique within the tenant.
    pub name: String,
    /// `grant` and what belongs to it.
    pub credential: Credential,
    /// `certificate` and `certificate_key`, with any grant.
    pub certificate: Option<ClientCertificate>,
    /// `names`
    pub names: Names,
    /// `use`
    pub usage: Usage,
    /// Where it belongs.
    pub membership: Membership,
    /// What a reproduction calls the credential: `NORTH_TOKEN`.
    pub env_name: String,
    /// Line of `[[tenant.principal]]`, from 1.
    pub line: usize,
}

impl Principal {
    /// Whether it may call for its tenant by default.
    pub(crate) fn may_call(&self) -> bool {
        self.names == Names::Own && self.usage != Usage::Acts && self.membership == Membership::One
    }
}

/// In which tenants a principal is a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// In the one that it is listed in: `[[tenant.principal]]`.
    One,
    /// `[[person]]`: it is listed in each of these, and enters one at a time.
    Several(Vec<TenantName>, Enters),
    /// `[[staff]]`: in none. It is listed in all, since it acts on each.
    Nowhere,
}

/// By what a person enters one of its tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enters {
    /// Its log-in names the tenant, so that its credential is good for that one.
    AtLogIn,
    /// Each request names the tenant.
    WithEachRequest,
}

/// What a principal is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// `"all"` (the default): the plain attacks are tried with it as well.
    All,
    /// `"tokens"`: only the checks of tokens and secrets use it.
    Tokens,
    /// `"acts"`: only acts concern it, or are done by it.
    Acts,
}

/// Which tenant a principal's credential names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Its own (the default).
    Own,
    /// `"none"`: it names no tenant, so it must open nothing.
    Nothing,
    /// Another tenant's id, vouched for by this tenant's own issuer: it must open nothing.
    Other(TenantName),
}
