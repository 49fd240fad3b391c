//! The steps from a token to what may be believed of it.

use std::sync::Arc;

use watertight_core::{Answer, BearerToken, TokenFacts, TokenRejection, TokenVerifier};
use watertight_model::TenantId;

use crate::{
    claims::Claims,
    jose::Parts,
    keys::{KeySets, NoKey},
    registry::{IssuerEntry, IssuerRegistry},
};

/// Verifies signed tokens (JWT, RFC 7519) for the tenant that a request is about.
///
/// Every verification runs every step: there is no cache of tokens, so that expiry, a key's withdrawal and a tenant's
/// other rules cannot be missed by a token that passed before.
pub struct JwtVerifier {
    registry: Arc<IssuerRegistry>,
    keys: Arc<KeySets>,
}

impl JwtVerifier {
    /// A verifier for the issuers of `registry`. Several may share `keys`; sets of sources that are no longer
    /// registered do not count.
    pub fn new(registry: Arc<IssuerRegistry>, keys: Arc<KeySets>) -> Self {
        Self { registry, keys }
    }

    async fn facts(&self, tenant: &TenantId, token: &BearerToken) -> Result<TokenFacts, TokenRejection> {
        let parts = Parts::parse(token.expose())?;
        let claims = Claims(&parts.claims);
        let entry = self.registry.entry(tenant, claims.issuer()?).ok_or(TokenRejection::UnknownIssuer)?;
        self.believe_signature(entry, &parts).await?;
        self.read(entry, &claims)
    }

    /// Algorithm, type, key and signature, in this order: no key is looked up for a token that could not pass with it.
    async fn believe_signature(&self, entry: &IssuerEntry, parts: &Parts<'_>) -> Result<(), TokenRejection> {
        let header = &parts.header;
        if !entry.algorithms.contains(&header.algorithm) {
            return Err(TokenRejection::Algorithm);
        }
        if !entry.token_type.accepts(header.typ.as_deref()) {
            return Err(TokenRejection::Type);
        }
        let key = self.keys.find(entry, &header.kid, header.algorithm).await.map_err(|why| match why {
            NoKey::Unknown => TokenRejection::UnknownKey,
            NoKey::Unavailable => TokenRejection::KeysUnavailable,
        })?;
        if key.verifies(parts.message, parts.signature) { Ok(()) } else { Err(TokenRejection::Signature) }
    }

    /// The claims of a token whose signature is believed.
    fn read(&self, entry: &IssuerEntry, claims: &Claims<'_>) -> Result<TokenFacts, TokenRejection> {
        let times = claims.times()?;
        times.judge(self.keys.clock().now(), entry.leeway)?;

        let audiences = claims.audiences()?;
        if !entry.audiences.iter().any(|audience| audiences.contains(&audience.as_str())) {
            return Err(TokenRejection::Audience);
        }
        let client = claims.client()?;
        if !entry.clients.contains(&client) {
            return Err(TokenRejection::Client);
        }
        let claimed = claims.tenant(&entry.tenant_claim)?;
        if claimed != entry.tenant {
            return Err(TokenRejection::TenantClaim);
        }
        Ok(TokenFacts {
            issuer: entry.issuer.clone(),
            subject: claims.subject()?,
            client,
            scopes: claims.scopes()?,
            tenant_claim: Some(claimed),
            expires_at: times.expires,
        })
    }
}

impl TokenVerifier for JwtVerifier {
    fn verify<'a>(
        &'a self,
        tenant: &'a TenantId,
        token: &'a BearerToken,
    ) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        Box::pin(async move {
            let outcome = self.facts(tenant, token).await;
            if let Err(rejection) = outcome {
                tracing::debug!(tenant = tenant.as_str(), reason = rejection.reason_code(), "token refused");
            }
            outcome
        })
    }
}
