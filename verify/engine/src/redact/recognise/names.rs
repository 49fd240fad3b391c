//! What names say of values.

use super::random::{is_random, is_speaking, is_uuid};

/// Parts of the names of secrets, without punctuation and in lower case.
const NAMES: [&str; 22] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "authkey",
    "webhookkey",
    "encryptionkey",
    "token",
    "credential",
    "authorization",
    "signature",
    "jwt",
    "bearer",
    "sessionid",
    "sessionkey",
    "recoverycode",
    "csrf",
    "xsrf",
];
/// Whole names of secrets.
const WHOLE: [&str; 8] = ["sid", "sig", "pwd", "otp", "totp", "pin", "session", "assertion"];
/// Names of secrets that may be numbers.
pub(super) const NUMBERS: [&str; 6] = ["otp", "totp", "pin", "passcode", "securitycode", "recoverycode"];
/// Members that hold the secret itself, in an object that is named like one.
pub(super) const ITSELF: [&str; 8] = ["value", "raw", "plain", "plaintext", "text", "string", "content", "key"];
/// Ends of names that tell something about a secret, and are none.
const ABOUT: [&str; 31] = [
    "url",
    "uri",
    "type",
    "expiresin",
    "expiresat",
    "expires",
    "expiry",
    "expiration",
    "ttl",
    "count",
    "name",
    "length",
    "limit",
    "policy",
    "required",
    "enabled",
    "status",
    "endpoint",
    "method",
    "alg",
    "algorithm",
    "lifetime",
    "label",
    "description",
    "title",
    "path",
    "scopes",
    "scope",
    "hint",
    "at",
    "version",
];

/// Whether a member, parameter or header with this name holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let plain = plain(name);
    if WHOLE.contains(&plain.as_str()) {
        return true;
    }
    // What a browser may do with credentials is none: Access-Control-Allow-Credentials.
    if plain.starts_with("accesscontrol") {
        return false;
    }
    let is_about = ABOUT.iter().any(|end| plain.ends_with(end)) && !plain.ends_with("secret");
    // `tokenId` names a token; `sessionId` is one.
    let is_id = plain.ends_with("id") && !plain.ends_with("sessionid");
    !is_about && !is_id && NAMES.iter().any(|part| plain.contains(part))
}

/// A name without punctuation, in lower case.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// What the name of a member says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// It is a secret.
    Secret,
    /// `key` alone is the name of many things: there the value must be random.
    Key,
}

impl Telling {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            _ if is_secret_name(name) => Some(Self::Secret),
            _ if name.eq_ignore_ascii_case("key") => Some(Self::Key),
            _ => None,
        }
    }

    pub(super) fn holds_of(self, value: &str) -> bool {
        let is_masked = value.chars().all(|c| c == '*' || c == '•' || c == 'x');
        let is_key = || value.len() >= 24 && is_random(value) && !is_uuid(value) && !is_speaking(value);
        !is_masked && (self == Self::Secret || is_key())
    }
}
