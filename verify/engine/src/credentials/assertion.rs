//! Signed assertions: with which a client proves itself (RFC 7523 2.2), or for which a token is granted (2.1).

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use watertight_spec::{KeyAlgorithm, PrivateKey};

/// Seconds that an assertion holds.
const LIFE: u64 = 60;

/// What the log has in its place: each is made anew, and is used once.
pub(crate) const SHOWN: &str = "[assertion]";

/// With `iat`, `exp` and a fresh `jti` besides these claims.
///
/// # Errors
/// What is wrong with the key.
pub(crate) fn sign(key: &PrivateKey, claims: &BTreeMap<String, String>) -> Result<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut all: Map<String, Value> =
        claims.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    all.insert("iat".to_owned(), now.into());
    all.insert("exp".to_owned(), now.saturating_add(LIFE).into());
    all.insert("jti".to_owned(), format!("{:032x}", rand::random::<u128>()).into());
    let pem = key.pem.expose_secret().as_bytes();
    let (algorithm, read) = match key.algorithm {
        KeyAlgorithm::Rs256 => (Algorithm::RS256, EncodingKey::from_rsa_pem(pem)),
        KeyAlgorithm::Ps256 => (Algorithm::PS256, EncodingKey::from_rsa_pem(pem)),
        KeyAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_pem(pem)),
        KeyAlgorithm::EdDsa => (Algorithm::EdDSA, EncodingKey::from_ed_pem(pem)),
    };
    let header = Header { kid: key.id.clone(), ..Header::new(algorithm) };
    let signed = read.and_then(|read| jsonwebtoken::encode(&header, &all, &read));
    signed.map_err(|error| format!("`private_key` does not sign ({error}): it must be a PEM key for {algorithm:?}"))
}
