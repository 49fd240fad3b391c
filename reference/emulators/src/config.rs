//! What an identity provider is started with.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use secrecy::SecretString;

use crate::{
    behaviour::{IssuerBehaviour, SoundIssuer},
    error::IdpError,
};

/// Signature algorithm of an issuer (RFC 7518 3.1). An issuer has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256, with a key of 2048 bits.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Alg {
    /// The name that is written in the JOSE header: `RS256` or `ES256`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// A confidential client: who may ask for tokens, and what they then say.
#[derive(Clone, Debug)]
pub struct IdpClient {
    /// Public client identifier; also the user name at `/login`.
    pub id: String,
    /// Shared secret; also the password at `/login`.
    pub secret: SecretString,
    /// Value of the claim `tenant_id`, left out of the token when `None`.
    pub tenant_claim: Option<String>,
    /// Value of the claim `sub`.
    pub subject: String,
    /// Scopes the client may ask for; a request without `scope` gets all of them.
    pub scopes: BTreeSet<String>,
    /// How long a token lives, counted in whole seconds.
    pub lifetime: Duration,
}

/// Everything an [`Idp`](crate::Idp) needs to start.
#[derive(Clone)]
pub struct IdpConfig {
    /// Signature algorithm of the one key.
    pub alg: Alg,
    /// Audience of a token whose request names none.
    pub audience: String,
    /// Other registered APIs. A request may name one of them (`audience` or `resource`, RFC 8707); its token is then
    /// for that API alone.
    pub other_audiences: BTreeSet<String>,
    /// Registered clients, with unique ids.
    pub clients: Vec<IdpClient>,
    /// How the issuer decides.
    pub behaviour: Arc<dyn IssuerBehaviour>,
}

impl IdpConfig {
    /// A sound issuer for one API.
    pub fn sound(alg: Alg, audience: impl Into<String>, clients: Vec<IdpClient>) -> Self {
        Self {
            alg,
            audience: audience.into(),
            other_audiences: BTreeSet::new(),
            clients,
            behaviour: Arc::new(SoundIssuer),
        }
    }

    /// The clients by id, or the first rule that the configuration breaks.
    pub(crate) fn clients_by_id(&self) -> Result<BTreeMap<String, IdpClient>, IdpError> {
        if self.audience.is_empty() || self.other_audiences.contains("") {
            return Err(IdpError::EmptyAudience);
        }
        let mut by_id = BTreeMap::new();
        for client in &self.clients {
            if client.lifetime.as_secs() == 0 {
                return Err(IdpError::NoLifetime { client: client.id.clone() });
            }
            if by_id.insert(client.id.clone(), client.clone()).is_some() {
                return Err(IdpError::DuplicateClient { client: client.id.clone() });
            }
        }
        Ok(by_id)
    }
}
