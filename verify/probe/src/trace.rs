//! The trace: everything that was sent and received, redacted, in one order. It is the only thing that is judged, live
//! and offline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::marker::Hit;
use crate::request::Intent;

/// Which check, set-up or clean-up an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// Planting of markers: index of the set-up step.
    Setup(usize),
    /// A check: its index in the plan.
    Check(usize),
    /// A token that the session fetched for itself.
    Session,
    /// Removal of what was created.
    Cleanup,
}

/// One event of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the trace, from 0.
    pub seq: u64,
    /// To what it belongs.
    pub owner: Owner,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A request and its response.
    Exchange(Box<Exchange>),
    /// A probe asked to wait, and the time has passed.
    Waited {
        /// Milliseconds.
        ms: u64,
    },
}

/// A request and its response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Position in the trace: how evidence and [`Caller::Issued`](crate::Caller::Issued) name it.
    pub seq: u64,
    /// Milliseconds from the start of the run to the first byte sent.
    pub at: u64,
    /// Milliseconds until the last byte received.
    pub took: u64,
    /// Index of the tenant whose credential it carried; none for anonymous calls.
    pub tenant: Option<usize>,
    /// Who sent it, for people: `agency-north/service`.
    pub by: String,
    /// Whether the tenant stayed within its own.
    pub intent: Intent,
    /// What was sent, redacted.
    pub request: Sent,
    /// What came back, redacted.
    pub outcome: Outcome,
    /// Secret halves of canaries in what came back, found before redaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<Hit>,
    /// What is known of the token that came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<IssuedToken>,
    /// Whether the token named by a [`Call::Keys`](crate::Call::Keys) is signed by one of these keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureState>,
    /// Calls that the target made to the verifier's own listener for this check so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<String>,
}

/// A request as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Upper-case method.
    pub method: String,
    /// Origin: `http://127.0.0.1:8080`.
    pub origin: String,
    /// Path and query as sent.
    pub target: String,
    /// In order.
    pub headers: Vec<(String, String)>,
    /// Text of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A complete response.
    Response(Received),
    /// None, or one that went beyond a bound. It decides nothing.
    Failed {
        /// What went wrong.
        kind: Failure,
        /// For people.
        text: String,
    },
}

/// Why there is no response to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// No connection.
    Connect,
    /// Not done within the time limit.
    Timeout,
    /// Body or headers beyond the size limit.
    TooLarge,
    /// Not HTTP, cut off, or encoded in a way that can't be read.
    Protocol,
    /// The session refused: host not in the spec, budget spent, a write in production, no token to be had.
    Refused,
}

/// A complete response as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Status code.
    pub status: u16,
    /// In order, names lower-case, redacted.
    pub headers: Vec<(String, String)>,
    /// Text of the body (decoded, redacted, at most 256 KiB).
    pub body: String,
    /// Bytes of the body as received and decoded.
    pub length: usize,
}

/// What a token endpoint granted. The token itself is a placeholder; its claims are no secret, its signature is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssuedToken {
    /// Indices of tenant and principal for which it was asked.
    pub who: (usize, usize),
    /// What stands in its place everywhere.
    pub placeholder: String,
    /// JOSE header, where it is a JWS.
    pub header: Option<Value>,
    /// Claims, where it is a JWS.
    pub claims: Option<Value>,
    /// `scope` of the answer.
    pub scope: Option<String>,
    /// Seconds it lives, by `expires_in`, else by `exp` − `iat`.
    pub lifetime: Option<u64>,
}

/// Whether a token is signed by a published key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureState {
    /// It is.
    Verified,
    /// It is not.
    Failed(String),
    /// It can't be told (unreadable key set, algorithm not known).
    Unknown(String),
}

/// All events of a run, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    events: Vec<Event>,
    of: BTreeMap<Owner, Vec<usize>>,
}

impl Trace {
    /// The number of the next event.
    pub fn next_seq(&self) -> u64 {
        u64::try_from(self.events.len()).unwrap_or(u64::MAX)
    }
    /// Adds an event at the end.
    pub fn push(&mut self, event: Event) {
        self.of.entry(event.owner).or_default().push(self.events.len());
        self.events.push(event);
    }
    /// In order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }
    /// Those of one owner, in order.
    pub fn of(&self, owner: Owner) -> Vec<&Event> {
        self.of.get(&owner).into_iter().flatten().filter_map(|at| self.events.get(*at)).collect()
    }
    /// The exchange with this number.
    pub fn exchange(&self, seq: u64) -> Option<&Exchange> {
        match &self.events.get(usize::try_from(seq).ok()?)?.what {
            What::Exchange(exchange) => Some(exchange),
            What::Waited { .. } => None,
        }
    }
}

impl FromIterator<Event> for Trace {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut trace = Self::default();
        events.into_iter().for_each(|event| trace.push(event));
        trace
    }
}

impl Exchange {
    /// The response, if there is a complete one.
    pub fn response(&self) -> Option<&Received> {
        match &self.outcome {
            Outcome::Response(received) => Some(received),
            Outcome::Failed { .. } => None,
        }
    }
    /// Its status, if there is a complete response.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|r| r.status)
    }
    /// Whether it succeeded (2xx).
    pub fn succeeded(&self) -> bool {
        self.status().is_some_and(|s| (200..300).contains(&s))
    }
    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.response()?.body).ok()
    }
    /// Whether a canary of this tenant is in what came back.
    pub fn shows(&self, tenant: usize) -> bool {
        self.hits.iter().any(|hit| hit.owner == tenant)
    }
    /// Whether this text is anywhere in what came back.
    pub fn mentions(&self, text: &str) -> bool {
        self.response()
            .is_some_and(|r| r.body.contains(text) || r.headers.iter().any(|(_, value)| value.contains(text)))
    }
    /// For evidence: `#12 agency-north/service GET /… → 403`.
    pub fn line(&self) -> String {
        let answer = match &self.outcome {
            Outcome::Response(received) => received.status.to_string(),
            Outcome::Failed { text, .. } => text.clone(),
        };
        format!("#{} {} {} {} → {answer}", self.seq, self.by, self.request.method, self.request.target)
    }
}
