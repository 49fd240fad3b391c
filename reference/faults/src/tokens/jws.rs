//! A signed token, taken apart, and keys tried on it.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::PublicKeyComponents;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Map, Value};

/// SubjectPublicKeyInfo of a P-256 key (RFC 5480 section 2), up to its coordinates.
const P256_PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// A token in compact serialisation (RFC 7515 section 7.1).
pub(crate) struct Jws<'t> {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    pub(crate) signature: &'t str,
    message: &'t str,
}

impl<'t> Jws<'t> {
    pub(crate) fn parse(token: &'t str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let object = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self { header: object(header)?, claims: object(claims)?, signature, message })
    }

    pub(crate) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    pub(crate) fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    /// Where the token says that its key is.
    pub(crate) fn key_url(&self) -> Option<&str> {
        ["jku", "x5u"].iter().find_map(|name| self.header.get(*name)?.as_str())
    }

    /// Whether a public key (RFC 7517) verifies the signature.
    pub(crate) fn is_signed_by(&self, jwk: &Value) -> bool {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
        let (algorithm, key) = match self.algorithm() {
            "RS256" => (Algorithm::RS256, DecodingKey::from_rsa_components(member("n"), member("e"))),
            "ES256" => (Algorithm::ES256, DecodingKey::from_ec_components(member("x"), member("y"))),
            _ => return false,
        };
        key.is_ok_and(|key| self.verifies(&key, algorithm))
    }

    /// Whether it is an HMAC with the text of a public key for a secret.
    pub(crate) fn is_hmac_of(&self, jwk: &Value) -> bool {
        self.algorithm() == "HS256"
            && public_key_pem(jwk)
                .is_some_and(|pem| self.verifies(&DecodingKey::from_secret(pem.as_bytes()), Algorithm::HS256))
    }

    fn verifies(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        crypto::verify(self.signature, self.message.as_bytes(), key, algorithm).unwrap_or(false)
    }
}

/// The file that such a key usually is in (RFC 7468 section 13).
fn public_key_pem(jwk: &Value) -> Option<String> {
    let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
    let der = match jwk.get("kty")?.as_str()? {
        "RSA" => {
            let components = PublicKeyComponents { n: member("n")?, e: member("e")? };
            let der: PublicKeyX509Der<'_> = components.as_der().ok()?;
            der.as_ref().to_vec()
        }
        "EC" => [P256_PREFIX.to_vec(), member("x")?, member("y")?].concat(),
        _ => return None,
    };
    let base64 = STANDARD.encode(der);
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    for (at, character) in base64.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PUBLIC KEY-----\n");
    Some(pem)
}
