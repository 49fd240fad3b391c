//! Bounded texts, a type each, so that a subject is never taken for a client or an issuer for an audience.
//!
//! All are compared exactly, byte by byte: no trimming, no folding of case, no normal form. For issuers RFC 8414
//! demands it (section 3.3), for the others anything else would make two of one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that breaks a rule of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {rule}")]
pub struct TextError {
    /// What the text should have been, for instance "issuer".
    pub kind: &'static str,
    /// The rule that it breaks.
    pub rule: TextRule,
}

/// The rules that bounded texts keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextRule {
    /// Nothing there.
    #[error("it is empty")]
    Empty,
    /// Longer than its bound.
    #[error("it has {len} bytes, at most {max} are allowed")]
    TooLong {
        /// Bytes found.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A character that the type excludes; for most, the control characters.
    #[error("byte {at} begins the character {found:?}, which is not allowed here")]
    Character {
        /// The character.
        found: char,
        /// Where it begins, in bytes from 0.
        at: usize,
    },
}

macro_rules! text {
    ($(#[$doc:meta])* $kind:literal, $Name:ident, max $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Name(String);

        impl $Name {
            /// Most bytes of this text.
            pub const MAX_LEN: usize = $max;

            /// The text, exactly as it was parsed.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $Name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                match check(&text, $max, $allowed) {
                    Ok(()) => Ok(Self(text)),
                    Err(rule) => Err(TextError { kind: $kind, rule }),
                }
            }
        }

        impl TryFrom<&str> for $Name {
            type Error = TextError;

            fn try_from(text: &str) -> Result<Self, TextError> {
                match check(text, $max, $allowed) {
                    Ok(()) => Ok(Self(text.to_owned())),
                    Err(rule) => Err(TextError { kind: $kind, rule }),
                }
            }
        }

        impl FromStr for $Name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::try_from(text)
            }
        }

        impl From<$Name> for String {
            fn from(text: $Name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

fn check(text: &str, max: usize, allowed: fn(char) -> bool) -> Result<(), TextRule> {
    if text.is_empty() {
        return Err(TextRule::Empty);
    }
    if text.len() > max {
        return Err(TextRule::TooLong { len: text.len(), max });
    }
    match text.char_indices().find(|&(_, c)| !allowed(c)) {
        Some((at, found)) => Err(TextRule::Character { found, at }),
        None => Ok(()),
    }
}

fn printable(c: char) -> bool {
    !c.is_control()
}

/// A scope token of RFC 6749, section 3.3: printable ASCII without space, `"` and `\`.
fn scope_char(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '\\')
}

/// Names of actions and roles: no white space, so that lists of them can be written with spaces between.
fn name_char(c: char) -> bool {
    c.is_ascii_graphic()
}

text! {
    /// Who acts, as the issuer calls them (`sub`, RFC 7519 section 4.1.2). Unique within its issuer alone.
    "subject", Subject, max 255, printable
}
text! {
    /// An authorization server (`iss`), compared as the exact string (RFC 8414 section 3.3).
    "issuer", Issuer, max 512, printable
}
text! {
    /// An OAuth client (`client_id`, RFC 6749 section 2.2).
    "client id", ClientId, max 255, printable
}
text! {
    /// Whom a token is meant for (`aud`, RFC 7519 section 4.1.3).
    "audience", Audience, max 512, printable
}
text! {
    /// The name of a key within one key set (`kid`, RFC 7517 section 4.5). Means nothing without tenant and issuer.
    "key id", Kid, max 255, printable
}
text! {
    /// A record within one tenant. Two tenants may use the same text for records of their own.
    "resource id", ResourceId, max 128, printable
}
text! {
    /// What is done, for instance `case.read`.
    "action name", ActionName, max 64, name_char
}
text! {
    /// A role within one tenant. There are no roles outside tenants.
    "role", Role, max 64, name_char
}
text! {
    /// One scope of a token (RFC 6749 section 3.3).
    "scope", Scope, max 128, scope_char
}
