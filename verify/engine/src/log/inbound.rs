//! What arrives by itself: a stream's frames, a webhook's deliveries, a call to the verifier's own listener.
//!
//! Each has an inbox, whose events are recorded as they arrive, scanned and redacted like bodies. A check looks at an
//! inbox through a cut: it is recorded up to which event the check has looked, so that a replay shows it exactly the same,
//! whatever arrived while it was looking.

use serde::{Deserialize, Serialize};

use super::body::Body;
use crate::marker::Hit;

/// An inbox of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InboxIx(pub u32);

/// Something that arrived by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// Milliseconds from the start of this part of the run.
    pub at: u64,
    /// What it is.
    pub kind: InboundKind,
    /// In order, names lower-case, redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Text of the frame or body, redacted.
    pub body: Body,
    /// Secret halves of canaries in it, found before redaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<Hit>,
}

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InboundKind {
    /// A stream is open.
    Opened,
    /// One frame of a stream.
    Frame,
    /// One request of a webhook.
    Delivery(Called),
    /// A stream has ended, for this reason.
    Closed(String),
    /// A request to the verifier's listener that a forged token caused. The first segment of the path names the trial.
    Callback(Called),
    /// So many more arrived than could be recorded.
    Lost(u64),
}

/// A request that reached the verifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// Upper-case method.
    pub method: String,
    /// The path, without a query.
    pub path: String,
}

impl Inbound {
    /// For evidence: `GET /check-3/jwks.json`.
    pub fn line(&self) -> String {
        match &self.kind {
            InboundKind::Opened => "the stream opened".to_owned(),
            InboundKind::Frame => "a frame".to_owned(),
            InboundKind::Closed(why) => format!("the stream closed: {why}"),
            InboundKind::Lost(count) => format!("{count} more, which could not be recorded"),
            InboundKind::Delivery(called) | InboundKind::Callback(called) => {
                format!("{} {}", called.method, called.path)
            }
        }
    }
}
