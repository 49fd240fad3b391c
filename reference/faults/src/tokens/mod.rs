//! Tokens that are trusted although they should not be.
//!
//! [`LaxVerifier`] asks the sound verifier first. What that one refuses it looks at again, with a [`Flaw`] of its own: it
//! reads the token by other rules than enforce does, from the text on, so that exactly one rule is missing from it.

mod jws;
mod keys;
mod no_tenant;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use watertight_casework::{Agency, Ports};
use watertight_core::{Answer, BearerToken, TokenFacts, TokenRejection, TokenVerifier};
use watertight_model::TenantId;

use self::jws::Jws;
pub(crate) use self::keys::PublishedKeys;
pub(crate) use self::no_tenant::falls_back_to_first;
use crate::AUDIENCE;
use crate::fault::Workshop;

/// The rule that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// `alg` is `none`, in whatever spelling: there is nothing to check.
    NoneAlgorithm,
    /// The signature is not looked at.
    Signature,
    /// The algorithm is the token's, so a public key can be a shared secret.
    HmacWithPublicKey,
    /// The key that the token brings is as good as any.
    EmbeddedKey,
    /// The key is where the token says.
    KeyUrl,
    /// Without a key there is no check.
    UnknownKid,
    /// An empty signature is not checked.
    EmptySignature,
    /// An extension that is not understood replaces the check.
    UnknownCritical,
    /// `aud` is not looked at.
    Audience,
    /// `exp` is not looked at.
    Expiry,
    /// Any registered issuer is good for any tenant.
    AnyIssuer,
}

macro_rules! changes {
    ($($name:ident = $Flaw:ident,)+) => {
        $(pub(crate) fn $name(workshop: &Workshop, ports: Ports) -> Ports {
            lax(workshop, ports, Flaw::$Flaw)
        })+
    };
}

changes! {
    none_algorithm = NoneAlgorithm,
    signature = Signature,
    hmac_with_public_key = HmacWithPublicKey,
    embedded_key = EmbeddedKey,
    key_url = KeyUrl,
    unknown_kid = UnknownKid,
    empty_signature = EmptySignature,
    unknown_critical = UnknownCritical,
    audience = Audience,
    expiry = Expiry,
    any_issuer = AnyIssuer,
}

fn lax(workshop: &Workshop, mut ports: Ports, flaw: Flaw) -> Ports {
    let sound = Arc::clone(&ports.guard.verifier);
    let (agencies, keys) = (Arc::clone(&workshop.agencies), Arc::clone(&workshop.keys));
    ports.guard.verifier = Arc::new(LaxVerifier { flaw, agencies, keys, sound });
    ports
}

struct LaxVerifier {
    flaw: Flaw,
    agencies: Arc<[Agency]>,
    keys: Arc<PublishedKeys>,
    sound: Arc<dyn TokenVerifier>,
}

impl TokenVerifier for LaxVerifier {
    fn verify<'a>(
        &'a self,
        tenant: &'a TenantId,
        token: &'a BearerToken,
    ) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        Box::pin(async move {
            match self.sound.verify(tenant, token).await {
                Ok(facts) => Ok(facts),
                Err(rejection) => self.believed(tenant, token).await.ok_or(rejection),
            }
        })
    }
}

impl LaxVerifier {
    async fn believed(&self, tenant: &TenantId, token: &BearerToken) -> Option<TokenFacts> {
        let jws = Jws::parse(token.expose())?;
        let agency = self.agencies.iter().find(|agency| agency.tenant == *tenant)?;
        let is_named = |voucher: &&Agency| jws.claim("iss") == Some(voucher.issuer.issuer.as_str());
        let voucher = match self.flaw {
            Flaw::AnyIssuer => self.agencies.iter().find(is_named)?,
            _ => Some(agency).filter(is_named)?,
        };
        if !self.is_signed(&jws, voucher).await {
            return None;
        }
        facts(&jws.claims, agency, self.flaw)
    }

    async fn is_signed(&self, jws: &Jws<'_>, voucher: &Agency) -> bool {
        match self.flaw {
            Flaw::Signature => true,
            Flaw::NoneAlgorithm => jws.algorithm().eq_ignore_ascii_case("none"),
            Flaw::EmptySignature => jws.signature.is_empty(),
            Flaw::UnknownCritical => jws.header.contains_key("crit"),
            Flaw::EmbeddedKey => jws.header.get("jwk").is_some_and(|key| jws.is_signed_by(key)),
            Flaw::KeyUrl => match jws.key_url() {
                Some(url) => self.keys.fetch(url).await.iter().any(|key| jws.is_signed_by(key)),
                None => false,
            },
            Flaw::UnknownKid => {
                let kid = jws.header.get("kid");
                !self.keys.of(voucher).await.iter().any(|key| key.get("kid") == kid)
            }
            Flaw::HmacWithPublicKey => self.keys.of(voucher).await.iter().any(|key| jws.is_hmac_of(key)),
            Flaw::Audience | Flaw::Expiry | Flaw::AnyIssuer => {
                self.keys.of(voucher).await.iter().any(|key| jws.is_signed_by(key))
            }
        }
    }
}

/// What the claims say, by every rule but the missing one.
fn facts(claims: &Map<String, Value>, agency: &Agency, flaw: Flaw) -> Option<TokenFacts> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let is_for_us = match claims.get("aud")? {
        Value::Array(many) => many.iter().any(|one| one.as_str() == Some(AUDIENCE)),
        one => one.as_str() == Some(AUDIENCE),
    };
    let expires_at = UNIX_EPOCH.checked_add(Duration::from_secs(claims.get("exp")?.as_u64()?))?;
    let tenant_claim: TenantId = text("tenant_id")?.parse().ok()?;
    let client = text("client_id")?.parse().ok()?;
    let is_sound = (flaw == Flaw::Audience || is_for_us)
        && (flaw == Flaw::Expiry || SystemTime::now() < expires_at)
        && tenant_claim == agency.tenant
        && agency.members.iter().any(|member| member.client == client);
    if !is_sound {
        return None;
    }
    let scopes = text("scope").unwrap_or_default().split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    Some(TokenFacts {
        // A member is looked up under the tenant's own issuer, whoever vouched.
        issuer: agency.issuer.issuer.clone(),
        subject: text("sub")?.parse().ok()?,
        client,
        scopes,
        tenant_claim: Some(tenant_claim),
        expires_at,
    })
}
