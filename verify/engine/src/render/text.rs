//! A text of a request, as it is sent and as it is shown.

use secrecy::{ExposeSecret as _, SecretString};

use crate::call::encode;
use crate::moment::Moments;

/// What is sent, and what is shown in its place.
#[derive(Clone)]
pub(crate) struct Text {
    real: SecretString,
    shown: String,
    kind: TextKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TextKind {
    Plain,
    Secret,
}

impl Text {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        let shown = text.into();
        Self { real: shown.clone().into(), shown, kind: TextKind::Plain }
    }
    pub(crate) fn secret(real: impl Into<String>, shown: impl Into<String>) -> Self {
        Self { real: real.into().into(), shown: shown.into(), kind: TextKind::Secret }
    }
    pub(crate) fn real(&self) -> &str {
        self.real.expose_secret()
    }
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }
    /// Both halves put through the same frame.
    pub(super) fn framed(&self, frame: impl Fn(&str) -> String) -> Self {
        Self { real: frame(self.real()).into(), shown: frame(&self.shown), kind: self.kind }
    }
    /// With the time in place of every moment, if it has any.
    pub(super) fn sent_at(&self, moments: &Moments, at: u64) -> Option<Self> {
        let shown = moments.put(&self.shown, at)?;
        let real = moments.put(self.real(), at).unwrap_or_else(|| self.real().to_owned());
        Some(Self { real: real.into(), shown, kind: self.kind })
    }
    /// Both halves, one behind the other.
    pub(super) fn and(&self, joint: &str, other: &Self) -> Self {
        Self::secret(format!("{}{joint}{}", self.real(), other.real()), format!("{}{joint}{}", self.shown, other.shown))
    }
    /// A path and query with one more parameter.
    pub(super) fn with_parameter(&self, name: &str, value: &Self) -> Self {
        let joint = if self.shown.contains('?') { '&' } else { '?' };
        let name = encode(name);
        Self::secret(
            format!("{}{joint}{name}={}", self.real(), encode(value.real())),
            format!("{}{joint}{name}={}", self.shown, value.shown),
        )
    }
    /// What is shown within an encoding: a placeholder stays as it is, so that it is the same everywhere.
    pub(crate) fn shown_in(&self, encode: impl Fn(&str) -> String) -> String {
        match self.kind {
            TextKind::Plain => encode(&self.shown),
            TextKind::Secret => self.shown.clone(),
        }
    }
}
