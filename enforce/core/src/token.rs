//! Second step: a token that an issuer registered for the candidate tenant vouches for.

use std::collections::BTreeSet;
use std::time::SystemTime;

use secrecy::{ExposeSecret, SecretString};
use watertight_model::{AssertionSource, ClientId, Issuer, OperationClass, Scope, Subject, TenantId};

use crate::Answer;
use crate::active::ActiveTenant;
use crate::assertion::CandidateTenant;
use crate::denial::{Denial, ReasonCode};
use crate::directory::Directory;

/// A bearer token as it was presented, unverified. It can't be printed.
pub struct BearerToken(SecretString);

impl BearerToken {
    /// Most bytes of a token.
    pub const MAX_LEN: usize = 8 * 1024;

    /// Reads the `b64token` of RFC 6750, section 2.1: letters, digits, `-._~+/`, and `=` at the end.
    ///
    /// # Errors
    ///
    /// [`TokenRejection::Malformed`] for anything else, for nothing, and for more than [`BearerToken::MAX_LEN`] bytes.
    pub fn parse(text: &str) -> Result<Self, TokenRejection> {
        let body = text.trim_end_matches('=');
        let is_token_char = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        if body.is_empty() || text.len() > Self::MAX_LEN || !body.bytes().all(is_token_char) {
            return Err(TokenRejection::Malformed);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// The token itself, for whoever verifies it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Says whether a token is trusted for a tenant. A port; `identity` has the sound implementation.
pub trait TokenVerifier: Send + Sync {
    /// Verifies everything about the token that doesn't need the directory: issuer registered for this tenant, key,
    /// algorithm, type, audience, client, times, tenant claim.
    fn verify<'a>(
        &'a self,
        tenant: &'a TenantId,
        token: &'a BearerToken,
    ) -> Answer<'a, Result<TokenFacts, TokenRejection>>;
}

/// What a verified token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// The registered issuer whose key signed it.
    pub issuer: Issuer,
    /// Who acts.
    pub subject: Subject,
    /// The client that the token was issued to.
    pub client: ClientId,
    /// What the token was issued for.
    pub scopes: BTreeSet<Scope>,
    /// The tenant it names, if it names one. [`CandidateTenant::verify`] refuses another one than the candidate.
    pub tenant_claim: Option<TenantId>,
    /// When it ends (`exp`).
    pub expires_at: SystemTime,
}

/// Why a token is not trusted for a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
#[error("{}", self.reason_code())]
pub enum TokenRejection {
    /// It is no token of the expected form, or a claim or header has the wrong type.
    Malformed,
    /// No issuer registered for the tenant calls itself so.
    UnknownIssuer,
    /// The issuer's keys, as registered for this tenant, have no such key.
    UnknownKey,
    /// An algorithm that isn't registered for the issuer, `none` among them.
    Algorithm,
    /// The signature doesn't match.
    Signature,
    /// The header's `typ` is not the registered one (RFC 8725 section 3.11).
    Type,
    /// A critical header that isn't understood (`crit`, RFC 7515 section 4.1.11).
    Critical,
    /// The issuer differs from the one whose key signed it.
    Issuer,
    /// It is meant for somebody else.
    Audience,
    /// The client isn't among those registered with the issuer for the tenant.
    Client,
    /// Past its end.
    Expired,
    /// Before its beginning, or issued in the future.
    NotYetValid,
    /// A claim that is required is missing; its name.
    MissingClaim(&'static str),
    /// It names another tenant, or none where it must.
    TenantClaim,
    /// The issuer's keys couldn't be fetched, and those at hand are too old.
    KeysUnavailable,
}

impl TokenRejection {
    /// A stable name for logs and metrics.
    pub const fn reason_code(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::UnknownIssuer => "token_unknown_issuer",
            Self::UnknownKey => "token_unknown_key",
            Self::Algorithm => "token_algorithm",
            Self::Signature => "token_signature",
            Self::Type => "token_type",
            Self::Critical => "token_critical_header",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Client => "token_client",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::MissingClaim(_) => "token_missing_claim",
            Self::TenantClaim => "token_tenant_claim",
            Self::KeysUnavailable => "token_keys_unavailable",
        }
    }
}

/// A token that is trusted for the tenant. Only [`CandidateTenant::verify`] makes one.
#[derive(Debug)]
pub struct VerifiedToken {
    candidate: CandidateTenant,
    facts: TokenFacts,
}

impl VerifiedToken {
    pub(crate) fn new(candidate: CandidateTenant, facts: TokenFacts) -> Result<Self, Denial> {
        let agrees = match &facts.tenant_claim {
            Some(claimed) => claimed == candidate.tenant(),
            // What nobody verified has defined, or helped to define, the tenant.
            None => !candidate.sources().contains(&AssertionSource::TokenClaim),
        };
        if !agrees {
            return Err(Denial::new(ReasonCode::Token(TokenRejection::TenantClaim)).about(candidate.tenant()));
        }
        Ok(Self { candidate, facts })
    }

    /// The tenant that the token is trusted for.
    pub fn tenant(&self) -> &TenantId {
        self.candidate.tenant()
    }

    /// What the token says.
    pub fn facts(&self) -> &TokenFacts {
        &self.facts
    }

    /// Asks whether the tenant exists and whether its status allows this class of operation.
    ///
    /// # Errors
    ///
    /// No such tenant, a status that doesn't allow the class, or a directory that can't tell.
    pub async fn activate(self, class: OperationClass, directory: &dyn Directory) -> Result<ActiveTenant, Denial> {
        let found = directory.tenant(self.tenant()).await;
        ActiveTenant::new(self.candidate, self.facts, class, found)
    }
}
