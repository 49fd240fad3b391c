//! The keys of the double's issuers: made once a process, since that takes its time.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

/// The `kid` of the published key.
pub(crate) const KID: &str = "testbed-1";

struct Key {
    private: EncodingKey,
    /// The public half as PEM, as people publish it.
    pem: String,
}

fn published() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(new_key)
}

fn unpublished() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(new_key)
}

fn new_key() -> Key {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'static> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'static> = pair.public_key().as_der().unwrap();
    // The signer wants PKCS#1; reading PKCS#8 from PEM unwraps it.
    let private = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap();
    Key { private, pem: pem("PUBLIC KEY", public.as_ref()) }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The key that is published.
    Published,
    /// Another one, under the same `kid`.
    Another,
}

/// A signed token with these claims (RFC 7519, RS256).
pub(crate) fn sign(claims: &Value, signer: Signer) -> String {
    let key = match signer {
        Signer::Published => published(),
        Signer::Another => unpublished(),
    };
    let header = Header { kid: Some(KID.to_owned()), ..Header::new(Algorithm::RS256) };
    jsonwebtoken::encode(&header, claims, &key.private).unwrap()
}

/// The key set, as every issuer publishes it (RFC 7517).
pub(crate) fn key_set() -> Value {
    let mut key = Jwk::from_encoding_key(&published().private, Algorithm::RS256).unwrap();
    key.common.key_id = Some(KID.to_owned());
    json!({ "keys": [key] })
}

/// Whether the text of the public key, taken for a secret, signed it.
pub(crate) fn is_keyed_with_public_key(token: &str) -> bool {
    is_signed(token, Algorithm::HS256, &DecodingKey::from_secret(published().pem.as_bytes()))
}

/// Whether this key (RFC 7517) signed it.
pub(crate) fn is_signed_by(token: &str, key: &Value) -> bool {
    let key = serde_json::from_value::<Jwk>(key.clone()).ok().and_then(|key| DecodingKey::from_jwk(&key).ok());
    key.is_some_and(|key| is_signed(token, Algorithm::RS256, &key))
}

/// Whether a key of this set signed it.
pub(crate) fn is_signed_by_any(token: &str, keys: &Value) -> bool {
    let keys = serde_json::from_value::<JwkSet>(keys.clone()).map(|set| set.keys).unwrap_or_default();
    keys.iter().any(|key| is_signed_by(token, &json!(key)))
}

fn is_signed(token: &str, algorithm: Algorithm, key: &DecodingKey) -> bool {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(token, key, &validation).is_ok()
}
