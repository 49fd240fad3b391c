//! The name of a tenant, in the one spelling that is compared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The identifier of a tenant: 3 to 100 of `[a-zA-Z0-9._-]`, with at least one letter or digit (isolation 8, made
/// stricter).
///
/// Letters are folded to lower case when it is parsed. A tenant can be named by a host, and hosts are compared without
/// case; with one spelling per tenant, two names are equal exactly when their texts are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// Fewest characters of a tenant id.
    pub const MIN_LEN: usize = 3;
    /// Most characters of a tenant id.
    pub const MAX_LEN: usize = 100;

    /// The id, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rule that a text breaks as a tenant id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantIdError {
    /// Fewer than [`TenantId::MIN_LEN`] characters.
    #[error("a tenant id has at least {min} characters, this one has {len}", min = TenantId::MIN_LEN)]
    TooShort {
        /// Characters found.
        len: usize,
    },
    /// More than [`TenantId::MAX_LEN`] characters.
    #[error("a tenant id has at most {max} characters, this one has {len}", max = TenantId::MAX_LEN)]
    TooLong {
        /// Characters found.
        len: usize,
    },
    /// A character outside `[a-zA-Z0-9._-]`.
    #[error("a tenant id is made of letters a-z, digits, '.', '_' and '-'; character {at} is {found:?}")]
    Character {
        /// The character.
        found: char,
        /// Its place, counted in characters from 0.
        at: usize,
    },
    /// Punctuation alone, such as `...`, which paths and hosts give meanings of their own.
    #[error("a tenant id has at least one letter or digit, this one has none")]
    NoLetterOrDigit,
}

impl FromStr for TenantId {
    type Err = TenantIdError;

    fn from_str(text: &str) -> Result<Self, TenantIdError> {
        let len = text.chars().count();
        if len < Self::MIN_LEN {
            return Err(TenantIdError::TooShort { len });
        }
        if len > Self::MAX_LEN {
            return Err(TenantIdError::TooLong { len });
        }
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some((at, found)) = text.chars().enumerate().find(|&(_, c)| !is_allowed(c)) {
            return Err(TenantIdError::Character { found, at });
        }
        if !text.chars().any(|c| c.is_ascii_alphanumeric()) {
            return Err(TenantIdError::NoLetterOrDigit);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl TryFrom<&str> for TenantId {
    type Error = TenantIdError;

    fn try_from(text: &str) -> Result<Self, TenantIdError> {
        text.parse()
    }
}

impl TryFrom<String> for TenantId {
    type Error = TenantIdError;

    fn try_from(text: String) -> Result<Self, TenantIdError> {
        text.parse()
    }
}

impl From<TenantId> for String {
    fn from(id: TenantId) -> Self {
        id.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
