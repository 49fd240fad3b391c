//! A token in compact serialisation (RFC 7515 7.1), taken apart without believing any of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use watertight_core::TokenRejection;
use watertight_model::Kid;

use crate::{algorithm::Algorithm, strict_json};

/// The parts of a signed token.
pub(crate) struct Parts<'a> {
    pub(crate) header: Header,
    pub(crate) claims: Map<String, Value>,
    /// What the signature covers: header and claims as they were sent.
    pub(crate) message: &'a str,
    /// The signature, in base64url.
    pub(crate) signature: &'a str,
}

/// What is read of a header. Members that say where keys are (`jku`, `x5u`, `jwk`, `x5c`) have no place here.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Kid,
}

impl<'a> Parts<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, TokenRejection> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenRejection::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(TokenRejection::Malformed)?;
        // A third dot would leave one in the claims, where base64url has none.
        let header = Header::parse(&object(header)?)?;
        Ok(Self { header, claims: object(claims)?, message, signature })
    }
}

impl Header {
    fn parse(header: &Map<String, Value>) -> Result<Self, TokenRejection> {
        // No extension is understood here, so that any critical one must be refused (RFC 7515 4.1.11).
        if header.contains_key("crit") {
            return Err(TokenRejection::Critical);
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(TokenRejection::Malformed),
        };
        let algorithm = text("alg")?.ok_or(TokenRejection::Malformed)?;
        let algorithm = algorithm.parse().map_err(|_| TokenRejection::Algorithm)?;
        let typ = text("typ")?.map(str::to_owned);
        // Without a name there is no key: trying all would let the token choose.
        let kid = text("kid")?.and_then(|kid| Kid::try_from(kid).ok()).ok_or(TokenRejection::UnknownKey)?;
        Ok(Self { algorithm, typ, kid })
    }
}

fn object(part: &str) -> Result<Map<String, Value>, TokenRejection> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRejection::Malformed)?;
    strict_json::object(&bytes).map_err(|_| TokenRejection::Malformed)
}
