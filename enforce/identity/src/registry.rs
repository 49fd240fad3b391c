//! Which issuers may vouch for which tenant, and under which rules.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    net::IpAddr,
    str::FromStr,
    time::Duration,
};

use url::{Host, Url};
use watertight_model::{Audience, ClientId, Issuer, TenantId};

use crate::algorithm::Algorithm;

/// One issuer as one tenant trusts it. Two tenants that share an issuer have an entry each.
#[derive(Clone, Debug)]
pub struct IssuerEntry {
    /// The tenant that trusts the issuer.
    pub tenant: TenantId,
    /// The issuer, as it is written in `iss` (compared byte for byte, RFC 8414 3.3).
    pub issuer: Issuer,
    /// Where its keys are. Never taken from a token.
    pub jwks_url: JwksUrl,
    /// Algorithms its tokens may be signed with.
    pub algorithms: BTreeSet<Algorithm>,
    /// What `typ` has to be.
    pub token_type: TokenType,
    /// Audiences of which a token must name at least one. There are no wildcards.
    pub audiences: BTreeSet<Audience>,
    /// Clients whose tokens count. With none, no token does.
    pub clients: BTreeSet<ClientId>,
    /// Name of the claim that must name the tenant, such as `tenant_id`. A token without it is refused.
    pub tenant_claim: String,
    /// How far the issuer's clock may be off, at most [`IssuerEntry::MAX_LEEWAY`].
    pub leeway: Duration,
    /// How long after its last successful fetch a key set may still be used: the longest life of a key that the
    /// issuer withdrew. A new fetch is started at half of it.
    pub max_stale: Duration,
}

impl IssuerEntry {
    /// Largest leeway that can be registered.
    pub const MAX_LEEWAY: Duration = Duration::from_secs(300);
    /// Longest time that a withdrawn key can be registered to live.
    pub const MAX_STALE: Duration = Duration::from_secs(24 * 60 * 60);

    fn check(&self) -> Result<(), RegistryError> {
        let broken = if self.algorithms.is_empty() {
            "no algorithm: name RS256 or ES256"
        } else if self.audiences.is_empty() {
            "no audience: name the API that its tokens are for"
        } else if self.tenant_claim.is_empty() {
            "no tenant claim: name the claim that names the tenant"
        } else if self.leeway > Self::MAX_LEEWAY {
            "a leeway above 300 seconds: lower it"
        } else if self.max_stale.is_zero() || self.max_stale > Self::MAX_STALE {
            "a max_stale outside 1 nanosecond to 24 hours: choose one within"
        } else {
            return Ok(());
        };
        Err(RegistryError::Rule { tenant: self.tenant.clone(), issuer: self.issuer.clone(), broken })
    }
}

/// What `typ` in the header has to be (RFC 8725 3.11), compared without case and with or without `application/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenType {
    /// `at+jwt`, the access tokens of RFC 9068. ID tokens and logout tokens of the same issuer are then refused.
    AtJwt,
    /// `JWT`, or none, as older issuers write access tokens. Explicitly typed tokens, such as `logout+jwt` and
    /// `at+jwt`, are refused.
    Jwt,
    /// Not looked at. Only for issuers that type their access tokens in a way of their own; then every kind of token
    /// of the issuer is accepted whose audience, client and claims fit.
    Any,
}

impl TokenType {
    pub(crate) fn accepts(self, typ: Option<&str>) -> bool {
        let is = |wanted: &str| {
            typ.is_some_and(|typ| {
                let bare =
                    typ.get(..12).filter(|p| p.eq_ignore_ascii_case("application/")).and(typ.get(12..)).unwrap_or(typ);
                bare.eq_ignore_ascii_case(wanted)
            })
        };
        match self {
            Self::AtJwt => is("at+jwt"),
            Self::Jwt => typ.is_none() || is("JWT"),
            Self::Any => true,
        }
    }
}

/// Where a key set is fetched from: https, or http to the machine itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct JwksUrl(Url);

/// Why a text is not a [`JwksUrl`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksUrlError {
    /// No absolute URL at all.
    #[error("the key set URL cannot be parsed: write an absolute https URL")]
    Syntax,
    /// Keys would travel unprotected.
    #[error("the key set URL is not https: only a loopback address may use http")]
    Scheme,
    /// User name or password would be sent along.
    #[error("the key set URL has a user name or password: remove it")]
    Credentials,
    /// A fragment is never sent, so that it can only be a mistake.
    #[error("the key set URL has a fragment: remove it")]
    Fragment,
}

impl JwksUrl {
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// The URL as it is requested.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for JwksUrl {
    type Err = JwksUrlError;

    fn from_str(text: &str) -> Result<Self, JwksUrlError> {
        let url = Url::parse(text).map_err(|_| JwksUrlError::Syntax)?;
        match url.scheme() {
            "https" if url.has_host() => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(JwksUrlError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(JwksUrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(JwksUrlError::Fragment);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwksUrl({})", self.as_str())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}

/// Why a registry cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The same issuer twice for one tenant; the entries may disagree, and neither may win by its place.
    #[error("issuer `{issuer}` is registered twice for tenant `{tenant}`: keep one entry")]
    Duplicate {
        /// The tenant concerned.
        tenant: TenantId,
        /// The issuer that occurs twice.
        issuer: Issuer,
    },
    /// An entry breaks a rule.
    #[error("issuer `{issuer}` of tenant `{tenant}` has {broken}")]
    Rule {
        /// The tenant concerned.
        tenant: TenantId,
        /// The issuer concerned.
        issuer: Issuer,
        /// What is wrong, and what to write instead.
        broken: &'static str,
    },
}

/// Every registered issuer, under its tenant.
#[derive(Clone, Debug, Default)]
pub struct IssuerRegistry {
    by_tenant: HashMap<TenantId, Vec<IssuerEntry>>,
}

impl IssuerRegistry {
    /// Builds the registry.
    ///
    /// # Errors
    /// [`RegistryError`] for the first entry that breaks a rule or occurs twice.
    pub fn new(entries: Vec<IssuerEntry>) -> Result<Self, RegistryError> {
        let mut by_tenant: HashMap<TenantId, Vec<IssuerEntry>> = HashMap::new();
        for entry in entries {
            entry.check()?;
            let siblings = by_tenant.entry(entry.tenant.clone()).or_default();
            if siblings.iter().any(|sibling| sibling.issuer == entry.issuer) {
                return Err(RegistryError::Duplicate { tenant: entry.tenant, issuer: entry.issuer });
            }
            siblings.push(entry);
        }
        Ok(Self { by_tenant })
    }

    /// The entry of `tenant` whose issuer is exactly `iss`. Entries of other tenants cannot be reached.
    pub(crate) fn entry(&self, tenant: &TenantId, iss: &str) -> Option<&IssuerEntry> {
        self.by_tenant.get(tenant)?.iter().find(|entry| entry.issuer.as_str() == iss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_set_urls_are_https_or_loopback_and_carry_nothing_else() {
        for good in [
            "https://idp.example/jwks",
            "https://idp.example/jwks?p=a",
            "http://127.0.0.1:8080/jwks",
            "http://[::1]/jwks",
        ] {
            assert!(good.parse::<JwksUrl>().is_ok(), "{good}");
        }
        for (bad, why) in [
            ("jwks.json", JwksUrlError::Syntax),
            ("http://idp.example/jwks", JwksUrlError::Scheme),
            ("http://localhost/jwks", JwksUrlError::Scheme),
            ("http://127.0.0.1.example/jwks", JwksUrlError::Scheme),
            ("file:///etc/passwd", JwksUrlError::Scheme),
            ("https://user@idp.example/jwks", JwksUrlError::Credentials),
            ("https://:pass@idp.example/jwks", JwksUrlError::Credentials),
            ("https://idp.example/jwks#key-1", JwksUrlError::Fragment),
        ] {
            assert_eq!(bad.parse::<JwksUrl>(), Err(why), "{bad}");
        }
    }

    #[test]
    fn types_are_compared_as_media_types() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"] {
            assert!(TokenType::AtJwt.accepts(Some(typ)), "{typ}");
            assert!(!TokenType::Jwt.accepts(Some(typ)), "{typ}");
        }
        for typ in
            [None, Some("JWT"), Some("jwt"), Some("logout+jwt"), Some(""), Some("at+jwt "), Some("application/é")]
        {
            assert!(!TokenType::AtJwt.accepts(typ), "{typ:?}");
        }
        assert!(TokenType::Jwt.accepts(None));
        assert!(TokenType::Jwt.accepts(Some("JWT")));
        assert!(!TokenType::Jwt.accepts(Some("logout+jwt")));
        assert!(TokenType::Any.accepts(Some("logout+jwt")));
    }
}
