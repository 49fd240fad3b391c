//! Channels turn a protocol into events of the log. A new protocol is a new file here and a new kind of [`Call`] or inbox;
//! nothing else knows of it.
//!
//! - [`http`]: one request, one response. HTTP/1.1 as it is written, or HTTP/2 where a target offers it.
//! - [`arrivals`]: what arrives by itself, on its way to the log.
//! - [`inbox`]: what has arrived, and how far each check has looked.
//! - [`callbacks`]: the verifier's own listener, whose calls are the first inbox.
//!
//! [`Call`]: crate::call::Call

pub mod arrivals;
pub(crate) mod callbacks;
pub(crate) mod http;
pub mod inbox;
