//! Issuers that decide wrongly.
//!
//! Some bugs make a token that the platform refuses, since it is sound. So that the rest can still be asked, those bugs
//! sit in one node of the issuer: the one that serves the clients whose tokens are short-lived.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use watertight_emulators::{Claims, Grant, IdpClient, IssuerBehaviour, ScopeRefused, SignsWith, SoundIssuer};

/// A decision that an issuer gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IssuerBug {
    /// `aud` holds `*` as well.
    WildcardAudience,
    /// `aud` holds an API that nobody asked for.
    UnlistedAudience,
    /// One node leaves the tenant claim out.
    NoTenantClaim,
    /// One node calls itself by its internal name.
    WrongIssuer,
    /// Adds a scope that nobody asked for.
    ScopeBeyondAsked,
    /// Grants whatever is asked for.
    AnyScope,
    /// Tokens that should live for minutes live for a month.
    LivesAMonth,
    /// Compares a secret with those of all clients.
    AnySecret,
    /// One node signs with a key of its own, which is in no key set.
    UnpublishedKey,
}

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Tokens that live no longer come from the issuer's second node.
const SHORT: Duration = Duration::from_secs(60);

/// An issuer with some bugs, perhaps none.
pub(crate) fn behaviour(bugs: Vec<IssuerBug>, clients: &[IdpClient]) -> Arc<dyn IssuerBehaviour> {
    Arc::new(FaultyIssuer { bugs, clients: clients.to_vec() })
}

struct FaultyIssuer {
    bugs: Vec<IssuerBug>,
    clients: Vec<IdpClient>,
}

impl FaultyIssuer {
    fn has(&self, bug: IssuerBug) -> bool {
        self.bugs.contains(&bug)
    }
}

impl IssuerBehaviour for FaultyIssuer {
    fn authenticate(&self, client: &IdpClient, presented: &SecretString) -> bool {
        let of = |client: &IdpClient| SoundIssuer.authenticate(client, presented);
        of(client) || (self.has(IssuerBug::AnySecret) && self.clients.iter().any(of))
    }

    fn grant_scopes(&self, grant: Grant<'_>) -> Result<BTreeSet<String>, ScopeRefused> {
        if self.has(IssuerBug::AnyScope) && !grant.request.scopes.is_empty() {
            return Ok(grant.request.scopes.clone());
        }
        let mut granted = SoundIssuer.grant_scopes(grant)?;
        if self.has(IssuerBug::ScopeBeyondAsked) {
            granted.insert("case:export".to_owned());
        }
        Ok(granted)
    }

    fn claims(&self, grant: Grant<'_>, mut claims: Claims) -> Claims {
        for bug in &self.bugs {
            match bug {
                IssuerBug::WildcardAudience => claims.aud.push("*".to_owned()),
                IssuerBug::UnlistedAudience => claims.aud.push("payroll-api".to_owned()),
                IssuerBug::NoTenantClaim if is_short_lived(grant.client) => claims.tenant_id = None,
                IssuerBug::WrongIssuer if is_short_lived(grant.client) => claims.iss = "http://idp.internal".to_owned(),
                IssuerBug::LivesAMonth if !is_short_lived(grant.client) => {
                    claims.exp = claims.iat.saturating_add(MONTH.as_secs());
                }
                _ => {}
            }
        }
        claims
    }

    fn signs_with(&self, grant: Grant<'_>) -> SignsWith {
        match self.has(IssuerBug::UnpublishedKey) && is_short_lived(grant.client) {
            true => SignsWith::UnpublishedKey,
            false => SignsWith::PublishedKey,
        }
    }
}

fn is_short_lived(client: &IdpClient) -> bool {
    client.lifetime <= SHORT
}
