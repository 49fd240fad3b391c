//! Whether a token is signed by a key that its issuer publishes.

use serde_json::Value;

use crate::log::SignatureState;

/// Whether any key of the set signed the token. Nothing but the signature is looked at.
pub(crate) fn signed_by(token: &str, set: &jsonwebtoken::jwk::JwkSet) -> SignatureState {
    let header = match jsonwebtoken::decode_header(token) {
        Ok(header) => header,
        Err(error) => return SignatureState::Unknown(format!("the token's header can't be read: {error}")),
    };
    let mut validation = jsonwebtoken::Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let keys = set.keys.iter().filter(|key| header.kid.is_none() || key.common.key_id == header.kid);
    let mut tried = 0;
    for key in keys {
        if let Ok(key) = jsonwebtoken::DecodingKey::from_jwk(key) {
            tried += 1;
            if jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok() {
                return SignatureState::Verified;
            }
        }
    }
    SignatureState::Failed(match tried {
        0 => "the key set has no key under the token's kid".into(),
        n => format!("none of {n} keys signed it"),
    })
}
