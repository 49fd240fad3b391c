//! The port behind which an issuer decides; sound by default.

use std::collections::BTreeSet;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{claims::Claims, config::IdpClient, request::TokenRequest};

/// Which key a token is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignsWith {
    /// The key that is published in the key set.
    PublishedKey,
    /// Another key of the same algorithm under the same `kid`, which nobody can look up.
    UnpublishedKey,
}

/// The request asks for a scope that the client is not registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeRefused;

/// What a grant settled, before the token is written.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// The authenticated client.
    pub client: &'a IdpClient,
    /// What it asked for.
    pub request: &'a TokenRequest,
}

/// How an issuer decides. The provided methods are sound; a faulty issuer overrides one.
pub trait IssuerBehaviour: Send + Sync {
    /// Whether `presented` is the secret of `client`. Takes the same time whatever part of it is wrong.
    fn authenticate(&self, client: &IdpClient, presented: &SecretString) -> bool {
        same_secret(&client.secret, presented)
    }

    /// The scopes that the client gets: what it asked for, or all that is registered when it asked for none (RFC 6749
    /// 3.3).
    ///
    /// # Errors
    /// [`ScopeRefused`] when it asks for one that it is not registered for.
    fn grant_scopes(&self, grant: Grant<'_>) -> Result<BTreeSet<String>, ScopeRefused> {
        if grant.request.scopes.is_empty() {
            return Ok(grant.client.scopes.clone());
        }
        if grant.request.scopes.is_subset(&grant.client.scopes) {
            return Ok(grant.request.scopes.clone());
        }
        Err(ScopeRefused)
    }

    /// The claims that are signed, from the sound draft. The answer's `scope` stays what was granted, its
    /// `expires_in` follows the claims.
    fn claims(&self, grant: Grant<'_>, draft: Claims) -> Claims {
        let _ = grant;
        draft
    }

    /// Which key signs.
    fn signs_with(&self, grant: Grant<'_>) -> SignsWith {
        let _ = grant;
        SignsWith::PublishedKey
    }
}

/// An issuer without faults.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoundIssuer;

impl IssuerBehaviour for SoundIssuer {}

/// Compares digests, so that neither content nor length shows in the time taken.
pub(crate) fn same_secret(expected: &SecretString, presented: &SecretString) -> bool {
    let expected = digest(&SHA256, expected.expose_secret().as_bytes());
    let presented = digest(&SHA256, presented.expose_secret().as_bytes());
    verify_slices_are_equal(expected.as_ref(), presented.as_ref()).is_ok()
}
