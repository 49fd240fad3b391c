//! A request and its response, as recorded: redacted, with the markers that were found before that.

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watertight_spec::{OperationIx, TenantIx, Who};

use super::body::Body;
use super::written::Written;
use super::xml::document;
use crate::call::{Call, Forged, Intent};
use crate::marker::Hit;

/// A request and its response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The event's number: how evidence and [`Caller::Issued`](crate::call::Caller::Issued) name it.
    #[serde(skip)]
    pub seq: u64,
    /// Milliseconds from the start of this part of the run to the first byte sent.
    pub at: u64,
    /// Milliseconds until the last byte received.
    pub took: u64,
    /// Whose credential it carried.
    pub sender: Sender,
    /// The same for people: `agency-north/service`.
    pub by: String,
    /// Whether the tenant stayed within its own.
    pub intent: Intent,
    /// The operation of the spec that it was a request of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationIx>,
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
    /// What the session carries that came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<IssuedSession>,
    /// What the requests of a log-in, and acts upon it, have told so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jar: Option<ShownJar>,
    /// Whether the token named by a [`Call::Keys`](crate::call::Call::Keys) is signed by one of these keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureState>,
    #[serde(skip)]
    json: Parsed,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purpose {
    pub(crate) intent: Intent,
    pub(crate) operation: Option<OperationIx>,
}

impl Default for Purpose {
    /// Whatever is no request to the target's API: tokens, keys.
    fn default() -> Self {
        Self { intent: Intent::Own, operation: None }
    }
}

impl Purpose {
    pub(crate) fn of(call: &Call) -> Self {
        match call {
            Call::Api(request) => Self { intent: request.intent, operation: request.operation },
            Call::Token(_) | Call::Act(_) | Call::Discovery { .. } | Call::Keys { .. } => Self::default(),
        }
    }
}

/// Whose credential a request carried, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sender {
    /// None.
    Anonymous,
    /// A principal's own. `token` is the event that brought its token, where it uses one.
    Principal {
        /// Whose.
        who: Who,
        /// Which token.
        token: Option<u64>,
    },
    /// A particular token.
    Issued {
        /// For whom it was issued.
        who: Who,
        /// Which.
        token: u64,
    },
    /// A token made from a principal's own.
    Forged {
        /// What was made.
        forged: Forged,
        /// The genuine token from which it was made.
        token: u64,
    },
}

impl Sender {
    /// Whose credential it was, or was made from.
    pub fn who(&self) -> Option<Who> {
        match self {
            Self::Anonymous => None,
            Self::Principal { who, .. } | Self::Issued { who, .. } => Some(*who),
            Self::Forged { forged, .. } => Some(forged.who),
        }
    }
    /// The event that brought the token used.
    pub fn token(&self) -> Option<u64> {
        match self {
            Self::Anonymous => None,
            Self::Principal { token, .. } => *token,
            Self::Issued { token, .. } | Self::Forged { token, .. } => Some(*token),
        }
    }
}

/// A request as recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How that text stands for the bytes of the body.
    #[serde(default, skip_serializing_if = "Written::is_plain")]
    pub written: Written,
}

impl Sent {
    /// Whether this text is anywhere in it.
    pub fn mentions(&self, text: &str) -> bool {
        self.target.contains(text)
            || self.headers.iter().any(|(_, value)| value.contains(text))
            || self.body.as_deref().is_some_and(|body| body.contains(text))
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A complete response.
    Response(Received),
    /// None, or one that went beyond a bound or could not be looked through. It decides nothing.
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
    /// Complete, and it has packed what can't be looked through: encrypted, broken, or in a way that is not known.
    Unreadable,
    /// The budget of requests or of time is spent.
    Budget,
    /// No token was to be had.
    NoToken,
    /// The gate refused: a host that the spec does not name, a write in production or by a check that only reads, another
    /// tenant's marker.
    Refused,
}

/// A complete response as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Status code.
    pub status: u16,
    /// In order, names lower-case, redacted.
    pub headers: Vec<(String, String)>,
    /// Text of the body, decoded, unpacked and redacted.
    pub body: Body,
    /// Bytes of the body as received and decoded.
    pub length: usize,
}

/// What every request of a session carries, with placeholders in place of its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedSession {
    /// Whose it is.
    pub who: Who,
    /// Headers.
    pub carried: Vec<(String, String)>,
    /// What forms have besides their own members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<(String, String)>,
    /// Cookies, each to the hosts to which it goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<ShownCookie>,
}

/// What the requests of a log-in have told so far, with placeholders in place of its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownJar {
    /// Whose log-in it is.
    pub who: Who,
    /// Cookies.
    pub cookies: Vec<ShownCookie>,
    /// What was taken, by name.
    pub taken: Vec<(String, String)>,
}

/// A cookie of a log-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCookie {
    /// To which host it goes.
    pub host: String,
    /// And to which others.
    pub reach: CookieReach,
    /// Its name.
    pub name: String,
    /// What is in the place of its value.
    pub value: String,
}

/// Where a cookie goes besides its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CookieReach {
    /// Nowhere.
    HostAlone,
    /// To every host below it (`Domain`).
    AllBelow,
}

/// What a token endpoint granted. The token itself is a placeholder; its claims are no secret, its signature is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssuedToken {
    /// For whom it was asked.
    pub who: Who,
    /// What is in its place everywhere.
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

impl Exchange {
    /// Of a request that has not been answered yet.
    pub(crate) fn new(at: u64, sender: Sender, by: String, purpose: Purpose, request: Sent) -> Self {
        Self {
            seq: 0,
            at,
            took: 0,
            sender,
            by,
            intent: purpose.intent,
            operation: purpose.operation,
            request,
            outcome: Outcome::Failed { kind: Failure::Refused, text: String::new() },
            hits: vec![],
            token: None,
            session: None,
            jar: None,
            signature: None,
            json: Parsed::default(),
        }
    }
    /// What a check gets where nothing could be recorded: the run ends.
    pub(crate) fn unanswered() -> Self {
        Self::new(0, Sender::Anonymous, "anonymous".to_owned(), Purpose::default(), Sent::default())
    }
    pub(crate) fn purpose(&self) -> Purpose {
        Purpose { intent: self.intent, operation: self.operation }
    }
    /// The tenant whose credential it carried; none for anonymous calls.
    pub fn tenant(&self) -> Option<TenantIx> {
        self.sender.who().map(|who| who.tenant)
    }
    /// The response, if there is a complete one.
    pub fn response(&self) -> Option<&Received> {
        match &self.outcome {
            Outcome::Response(received) => Some(received),
            Outcome::Failed { .. } => None,
        }
    }
    /// Why there is none.
    pub fn failure(&self) -> Option<Failure> {
        match &self.outcome {
            Outcome::Response(_) => None,
            Outcome::Failed { kind, .. } => Some(*kind),
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
    /// The first header of the response with this name (lower-case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = &self.response()?.headers;
        headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
    /// The body as JSON; parsed once. XML is the tree that JSON would have.
    pub fn json(&self) -> Option<&Value> {
        let parse = || {
            let text = self.response()?.body.text();
            serde_json::from_str(text).ok().or_else(|| document(text, self.header("content-type")))
        };
        self.json.0.get_or_init(parse).as_ref()
    }
    /// Whether a canary of this tenant is in what came back.
    pub fn shows(&self, tenant: TenantIx) -> bool {
        self.hits.iter().any(|hit| hit.owner == tenant)
    }
    /// Whether this text is anywhere in what came back.
    pub fn mentions(&self, text: &str) -> bool {
        self.response()
            .is_some_and(|r| r.body.text().contains(text) || r.headers.iter().any(|(_, value)| value.contains(text)))
    }
    /// For evidence: `#12 agency-north/service GET /… → 403`.
    pub fn line(&self) -> String {
        let answer = match &self.outcome {
            Outcome::Response(received) => received.status.to_string(),
            Outcome::Failed { text, .. } => shortened(text),
        };
        let target = shortened(&self.request.target);
        format!("#{} {} {} {target} → {answer}", self.seq, self.by, self.request.method)
    }
}

/// Characters of a text that a line of evidence has: the log has it whole.
const LONGEST_IN_LINE: usize = 400;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_IN_LINE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// The body as JSON, once someone has asked for it.
#[derive(Clone, Debug, Default)]
struct Parsed(OnceCell<Option<Value>>);

impl PartialEq for Parsed {
    /// It follows from the body.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
