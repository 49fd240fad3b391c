//! Plan → run → judge: the probes that try the tenant boundary, from outside, with ordinary credentials.
//!
//! ```text
//!   Spec ──plan──▶ Plan ──run──▶ Trace ──judge──▶ Verdicts
//!                    │             ▲  │
//!                 checks ──────────┘  └── replay: the same machines over the recorded trace
//! ```
//!
//! - [`request`]: what a probe asks for. Credentials are named, never held.
//! - [`tape`]: how a probe is written, and why it is a deterministic state machine.
//! - [`session`]: the only door to the network.
//! - [`trace`]: the record, redacted at capture, the only thing that is judged.
//! - [`marker`]: canaries and how they are found.
//! - [`checks`](catalog): one file a probe.
//!
//! The target is hostile: everything received is bounded in size and time, and never trusted.

pub mod catalog;
pub mod check;
mod checks;
pub mod clean;
mod forge;
pub mod journal;
pub mod judge;
mod listener;
mod machines;
pub mod marker;
mod pace;
pub mod plan;
mod redact;
pub mod replay;
pub mod report;
pub mod reproduce;
pub mod request;
pub mod run;
pub mod session;
mod signature;
pub mod tape;
pub mod trace;
mod vault;
mod wire;
pub mod world;

pub use machines::{CheckResult, pairs};
