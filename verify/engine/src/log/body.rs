//! A body in memory, and where it is on disk: short ones within their event, longer ones once, by digest, in a file of
//! their own.

use serde::{Deserialize, Serialize};

/// Bytes up to which a body is written within its event.
pub(crate) const WITHIN: usize = 512;

/// Text of a body.
#[derive(Clone, Debug, Default, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Body {
    #[serde(skip)]
    text: String,
    stored: Stored,
}

/// Where a body is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Stored {
    /// Within the event.
    Within(String),
    /// In the file of bodies.
    Apart(Place),
}

/// Where in the file of bodies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Byte offset of its compressed form.
    pub(crate) at: u64,
    /// Bytes of its compressed form.
    pub(crate) stored: u32,
    /// Bytes of its text.
    pub(crate) size: u32,
    /// SHA-256 of its text, in hex.
    pub(crate) sha256: String,
}

impl Default for Stored {
    fn default() -> Self {
        Self::Within(String::new())
    }
}

impl Body {
    /// Of a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), stored: Stored::default() }
    }
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }
    pub(crate) fn store(&mut self, stored: Stored) {
        self.stored = stored;
    }
    pub(crate) fn stored(&self) -> &Stored {
        &self.stored
    }
    /// Read again from where it is written.
    pub(crate) fn fill(&mut self, text: String) {
        self.text = text;
    }
}

impl PartialEq for Body {
    /// Where it is written says nothing of it.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
