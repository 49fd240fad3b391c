//! What a token says.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{config::IdpClient, error::IdpError};

/// The claims of an access token (RFC 9068 2.2) and the tenant it is for.
///
/// Times are seconds since 1970. The fields are public because a faulty issuer changes them in
/// [`IssuerBehaviour::claims`](crate::IssuerBehaviour::claims).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claims {
    /// Who issued the token.
    pub iss: String,
    /// Whom it speaks for.
    pub sub: String,
    /// Which APIs it is for; written as a string when there is exactly one.
    #[serde(serialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// When it expires.
    pub exp: u64,
    /// When it was made.
    pub iat: u64,
    /// From when it counts.
    pub nbf: u64,
    /// A name for this one token.
    pub jti: String,
    /// The client that asked for it.
    pub client_id: String,
    /// Granted scopes, separated by spaces.
    pub scope: String,
    /// The tenant it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Claims beyond these.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Claims {
    /// The sound claims for a client, before the issuer's behaviour has seen them.
    pub(crate) fn draft(
        issuer: &str,
        client: &IdpClient,
        audience: &str,
        scopes: &BTreeSet<String>,
    ) -> Result<Self, IdpError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| IdpError::Clock)?.as_secs();
        Ok(Self {
            iss: issuer.to_owned(),
            sub: client.subject.clone(),
            aud: vec![audience.to_owned()],
            exp: now.saturating_add(client.lifetime.as_secs()),
            iat: now,
            nbf: now,
            jti: token_id()?,
            client_id: client.id.clone(),
            scope: joined(scopes),
            tenant_id: client.tenant_claim.clone(),
            extra: Map::new(),
        })
    }
}

/// Scopes in the form of RFC 6749 3.3.
pub(crate) fn joined(scopes: &BTreeSet<String>) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn token_id() -> Result<String, IdpError> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| IdpError::Random)?;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

fn one_or_many<S: Serializer>(audiences: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    match audiences {
        [one] => one.serialize(serializer),
        many => many.serialize(serializer),
    }
}
