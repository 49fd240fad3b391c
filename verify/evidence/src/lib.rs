//! Judges the folder of a run, and makes every artifact from it.
//!
//! ```text
//!  run ──▶ trace.jsonl, bodies.lz4, trace.index      on disk already, written as things happened
//!
//!             ┌─▶ run.json      the report, as `--format json` prints it
//!  Account ───┼─▶ report.html   one page for people, without scripts or anything from elsewhere
//!  (spec,     ├─▶ junit.xml     for what collects test results
//!   run,      ├─▶ text          for a terminal
//!   report)   └─▶ manifest.json the SHA-256 of all of them; written last
//!
//!  folder ──bundle::read──▶ Bundle ──judge──▶ Judgement     the same checks over the recorded log, offline
//! ```
//!
//! - [`report`]: what a run comes to. Its JSON form is a stable interface.
//! - [`reproduce`]: a finding as a command that anyone can run.
//! - [`account`]: what all artifacts are made from, so that none of them can say more than another.
//! - [`bundle`]: the folder: what it holds, how it is made ready, written, and read with every byte held against its hash.
//! - [`mod@judge`]: judges a folder again, one of a killed run as well.
//! - [`text`], [`html`], [`junit`]: the artifacts for people and machines.
//! - [`escape`]: whatever a target sent is hostile; what could act on a terminal or a page is spelled out instead.
//!
//! The hashes show that a folder was changed by accident or by hand, and where. They are no signature: whoever can write
//! the whole folder can write a whole new one.

pub mod account;
pub mod bundle;
pub mod escape;
mod files;
pub mod html;
pub mod judge;
pub mod junit;
pub mod report;
pub mod reproduce;
pub mod style;
pub mod text;

pub use account::Account;
pub use bundle::{Bundle, BundleError};
pub use judge::{Judgement, judge};
