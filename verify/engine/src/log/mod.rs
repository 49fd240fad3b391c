//! The log: everything that was sent and received, redacted, in one order. It is the only thing that is judged, live and
//! offline.
//!
//! ```text
//! trace.jsonl   {"hash":"h0","header":{…}}      h0 = SHA-256(header's text)
//!               {"hash":"h1","event":{…}}       h1 = SHA-256(h0 in hex, event's text)
//! bodies.lz4    bodies longer than a few hundred bytes, compressed, once each; an event names place and SHA-256
//! trace.index   where each event begins, eight bytes an event: for looking one up
//! ```
//!
//! It is written as things happen and memory does not grow with it: a run that is killed leaves a log that can be read up
//! to its last whole line, judged, and resumed. The text of a line is hashed exactly as it is written, so one changed byte
//! is named by its line; a body is named by its digest in the line.

mod body;
mod chain;
mod event;
mod exchange;
mod html;
mod inbound;
mod read;
mod redirect;
mod write;
mod written;
mod xml;

use serde::{Deserialize, Serialize};
use watertight_spec::Spec;

pub use body::Body;
pub use chain::{Tail, hex};
pub use event::{AskIx, Asker, CleanUp, Event, Part, Source, What};
pub(crate) use exchange::Purpose;
pub use exchange::{
    CookieReach, Exchange, Failure, IssuedSession, IssuedToken, Outcome, Received, Sender, Sent, ShownCookie, ShownJar,
    SignatureState,
};
pub(crate) use html::attribute;
pub use html::{Element, elements, texts};
pub use inbound::{Called, Inbound, InboundKind, InboxIx};
pub use read::{LogError, LogReader, Lookup, Tip};
pub use write::LogWriter;
pub use written::Written;
pub(crate) use written::escaped;
pub(crate) use xml::document;

/// The events, as a hash chain.
pub const TRACE: &str = "trace.jsonl";
/// The longer bodies.
pub const BODIES: &str = "bodies.lz4";
/// Where each event begins.
pub const INDEX: &str = "trace.index";
/// The schema of a trace.
pub const TRACE_SCHEMA: &str = "watertight.trace/3";

/// Bytes of one line. Requests are in it whole, and are bounded; of an answer's body it has only what is short.
const LONGEST_LINE: u64 = 64 << 20;

/// What a replay must know besides the events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// `watertight.trace/3`
    pub schema: String,
    /// Version of the tool that ran.
    pub tool: String,
    /// SHA-256 of the spec's text, in hex: what is recorded makes sense with this spec alone.
    pub spec: String,
    /// Makes this run's markers its own, with the seed.
    pub salt: u64,
    /// What was asked of the run: for the room above, which planned it.
    pub options: serde_json::Value,
}

impl Header {
    /// Of a run of this spec, by this version.
    pub fn new(spec: &Spec, salt: u64, options: serde_json::Value) -> Self {
        let (schema, tool) = (TRACE_SCHEMA.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { schema, tool, spec: chain::digest(spec.source.text.as_bytes()), salt, options }
    }

    /// Whether it is the header of a run of this spec.
    pub fn is_of(&self, spec: &Spec) -> bool {
        self.spec == chain::digest(spec.source.text.as_bytes())
    }
}
