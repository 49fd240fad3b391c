//! The signing key of an issuer: generated at start, never written down.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, PublicKeyUse},
};

use crate::{claims::Claims, config::Alg, error::IdpError};

/// The `kid` of every issuer's key. Shared on purpose: only (issuer, kid) names a key.
pub const KID: &str = "key-1";

/// A private key with its algorithm.
pub(crate) struct SigningKey {
    alg: Alg,
    private: EncodingKey,
}

impl SigningKey {
    /// A new random key. RSA takes tens to hundreds of milliseconds: keep it off the async threads.
    pub(crate) fn generate(alg: Alg) -> Result<Self, IdpError> {
        let private = match alg {
            Alg::Rs256 => rsa_key(),
            Alg::Es256 => p256_key(),
        };
        private.map(|private| Self { alg, private }).ok_or(IdpError::KeyGeneration { alg: alg.name() })
    }

    /// The compact serialisation of a token in the profile of RFC 9068.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, IdpError> {
        let mut header = Header::new(self.algorithm());
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(KID.to_owned());
        jsonwebtoken::encode(&header, claims, &self.private).map_err(IdpError::Signing)
    }

    /// The public half, as it is published in the key set.
    pub(crate) fn public(&self) -> Result<Jwk, IdpError> {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm()).map_err(IdpError::Signing)?;
        jwk.common.key_id = Some(KID.to_owned());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(jwk)
    }

    fn algorithm(&self) -> Algorithm {
        match self.alg {
            Alg::Rs256 => Algorithm::RS256,
            Alg::Es256 => Algorithm::ES256,
        }
    }
}

fn rsa_key() -> Option<EncodingKey> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let pkcs8: Pkcs8V1Der<'static> = pair.as_der().ok()?;
    // The signer wants PKCS#1; reading PKCS#8 from PEM unwraps it.
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8.as_ref()));
    EncodingKey::from_rsa_pem(pem.as_bytes()).ok()
}

fn p256_key() -> Option<EncodingKey> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).ok()?;
    Some(EncodingKey::from_ec_der(pkcs8.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_half_carries_kid_algorithm_and_use_and_nothing_private() {
        for alg in [Alg::Rs256, Alg::Es256] {
            let jwk = serde_json::to_value(SigningKey::generate(alg).unwrap().public().unwrap()).unwrap();
            assert_eq!(jwk["kid"], KID);
            assert_eq!(jwk["alg"], alg.name());
            assert_eq!(jwk["use"], "sig");
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(jwk.get(private).is_none(), "{private} published");
            }
        }
    }
}
