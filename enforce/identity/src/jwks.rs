//! From the JSON of a key set (RFC 7517) to keys that can be used, and nothing else.

use std::collections::{HashMap, HashSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, crypto};
use serde::Deserialize;
use serde_json::Value;
use watertight_model::Kid;

use crate::algorithm::Algorithm;

/// Most keys that a set may hold.
const MAX_KEYS: usize = 64;
/// Smallest and largest RSA modulus, in bytes: 2048 and 8192 bits.
const RSA_MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;
/// Length of a P-256 coordinate, in bytes (RFC 7518 6.2.1.2).
const P256_COORDINATE: usize = 32;

/// Why a document is not a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwksError {
    #[error("the answer is not a JSON object with an array `keys`")]
    Shape,
    #[error("the key set holds more than {MAX_KEYS} keys")]
    TooMany,
}

/// The usable keys of one issuer, each under its `kid` and the one algorithm it serves.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    keys: HashMap<(Kid, Algorithm), VerificationKey>,
}

/// A public key with its algorithm.
#[derive(Clone, Debug)]
pub(crate) struct VerificationKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Keys that cannot be used (another algorithm, no `kid`, for encryption, too weak, private) are left out, as RFC
    /// 7517 section 5 asks. Of several keys with the same `kid` and algorithm none is usable: nothing tells which one
    /// is meant.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, JwksError> {
        let Document { keys: found } = serde_json::from_slice(document).map_err(|_| JwksError::Shape)?;
        if found.len() > MAX_KEYS {
            return Err(JwksError::TooMany);
        }
        let (mut keys, mut ambiguous) = (HashMap::new(), HashSet::new());
        for (kid, key) in found.iter().filter_map(usable) {
            let name = (kid, key.algorithm);
            if keys.insert(name.clone(), key).is_some() {
                tracing::warn!(kid = name.0.as_str(), "a key set holds two keys of the same name: neither is used");
                ambiguous.insert(name);
            }
        }
        keys.retain(|name, _| !ambiguous.contains(name));
        Ok(Self { keys })
    }

    /// The key of exactly this name for exactly this algorithm.
    pub(crate) fn find(&self, kid: &Kid, algorithm: Algorithm) -> Option<VerificationKey> {
        self.keys.get(&(kid.clone(), algorithm)).cloned()
    }
}

impl VerificationKey {
    /// Whether `signature` (base64url) is this key's over `message`. An unusable key or signature verifies nothing.
    pub(crate) fn verifies(&self, message: &str, signature: &str) -> bool {
        crypto::verify(signature, message.as_bytes(), &self.key, self.algorithm.for_signatures()).unwrap_or(false)
    }
}

fn usable(jwk: &Value) -> Option<(Kid, VerificationKey)> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let kid = Kid::try_from(text("kid")?).ok()?;
    if !is_for_signatures(jwk) || ["d", "p", "q", "k"].iter().any(|private| jwk.get(private).is_some()) {
        return None;
    }
    let (algorithm, key) = match text("kty")? {
        "RSA" => (Algorithm::Rs256, rsa(text("n")?, text("e")?)?),
        "EC" if text("crv")? == "P-256" => (Algorithm::Es256, p256(text("x")?, text("y")?)?),
        _ => return None,
    };
    match jwk.get("alg") {
        None => {}
        Some(alg) if alg.as_str() == Some(algorithm.name()) => {}
        Some(_) => return None,
    }
    Some((kid, VerificationKey { algorithm, key }))
}

/// RFC 7517 4.2 and 4.3: neither member needs to be there, but what is there must say "verify signatures".
fn is_for_signatures(jwk: &Value) -> bool {
    let by_use = jwk.get("use").is_none_or(|usage| usage.as_str() == Some("sig"));
    let by_operations = jwk
        .get("key_ops")
        .is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op.as_str() == Some("verify"))));
    by_use && by_operations
}

fn rsa(n: &str, e: &str) -> Option<DecodingKey> {
    let modulus = URL_SAFE_NO_PAD.decode(n).ok()?;
    let significant = modulus.iter().skip_while(|byte| **byte == 0).count();
    let exponent = URL_SAFE_NO_PAD.decode(e).ok()?;
    let is_odd = exponent.last().is_some_and(|last| last % 2 == 1);
    let is_above_one = exponent.iter().skip_while(|byte| **byte == 0).ne([1_u8].iter());
    (RSA_MODULUS.contains(&significant) && is_odd && is_above_one)
        .then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn p256(x: &str, y: &str) -> Option<DecodingKey> {
    let is_coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == P256_COORDINATE);
    if !is_coordinate(x) || !is_coordinate(y) {
        return None;
    }
    DecodingKey::from_ec_components(x, y).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ec(kid: &str) -> Value {
        let coordinate = URL_SAFE_NO_PAD.encode([7_u8; 32]);
        json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": coordinate, "y": coordinate })
    }

    fn rsa_of(bytes: usize) -> Value {
        json!({ "kty": "RSA", "kid": "r", "n": URL_SAFE_NO_PAD.encode(vec![0xff; bytes]), "e": "AQAB" })
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    fn holds(keys: &[Value], kid: &str, algorithm: Algorithm) -> bool {
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        set.find(&Kid::try_from(kid).unwrap(), algorithm).is_some()
    }

    #[test]
    fn a_plain_signature_key_is_usable_under_its_own_algorithm_alone() {
        assert!(holds(&[ec("a")], "a", Algorithm::Es256));
        assert!(!holds(&[ec("a")], "a", Algorithm::Rs256));
        assert!(!holds(&[ec("a")], "A", Algorithm::Es256));
        assert!(holds(&[with(with(ec("a"), "use", json!("sig")), "alg", json!("ES256"))], "a", Algorithm::Es256));
    }

    #[test]
    fn keys_for_something_else_are_left_out() {
        for (name, value) in [
            ("use", json!("enc")),
            ("use", json!(1)),
            ("alg", json!("ES384")),
            ("alg", json!(null)),
            ("key_ops", json!(["sign"])),
            ("key_ops", json!("verify")),
            ("crv", json!("P-384")),
            ("kty", json!("oct")),
            ("x", json!("AAAA")),
            ("kid", json!(null)),
            ("kid", json!("")),
        ] {
            assert!(!holds(&[with(ec("a"), name, value.clone())], "a", Algorithm::Es256), "{name} {value}");
        }
    }

    #[test]
    fn a_published_private_key_is_nobodys_key() {
        assert!(!holds(&[with(ec("a"), "d", json!("AAAA"))], "a", Algorithm::Es256));
    }

    #[test]
    fn weak_rsa_keys_are_left_out() {
        assert!(holds(&[rsa_of(256)], "r", Algorithm::Rs256));
        assert!(!holds(&[rsa_of(255)], "r", Algorithm::Rs256));
        assert!(!holds(&[rsa_of(1025)], "r", Algorithm::Rs256));
        for exponent in ["AQ", "AAAB", "", "Ag"] {
            assert!(!holds(&[with(rsa_of(256), "e", json!(exponent))], "r", Algorithm::Rs256), "{exponent}");
        }
    }

    #[test]
    fn two_keys_of_one_name_are_ambiguous_and_neither_is_used() {
        assert!(!holds(&[ec("a"), ec("a")], "a", Algorithm::Es256));
        assert!(!holds(&[ec("a"), ec("a"), ec("a")], "a", Algorithm::Es256));
        assert!(holds(&[ec("a"), ec("a"), ec("b")], "b", Algorithm::Es256));
        assert!(holds(&[ec("r"), rsa_of(256)], "r", Algorithm::Rs256), "another algorithm is another name");
    }

    #[test]
    fn documents_of_another_shape_or_size_are_refused() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, "<html>"] {
            assert!(matches!(KeySet::parse(text.as_bytes()), Err(JwksError::Shape)), "{text}");
        }
        let many: Vec<Value> = (0..=MAX_KEYS).map(|n| ec(&n.to_string())).collect();
        assert!(matches!(KeySet::parse(json!({ "keys": many }).to_string().as_bytes()), Err(JwksError::TooMany)));
    }
}
