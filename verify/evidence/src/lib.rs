//! The bundle of a run, and every artifact that is made from it.
//!
//! ```text
//!            ┌─▶ run.json      the report, as `--format json` prints it
//!            ├─▶ report.html   one page for people, without scripts or anything from elsewhere
//! Account ───┼─▶ junit.xml     for what collects test results
//! (spec,     ├─▶ text          for a terminal
//!  plan,     └─▶ bundle        spec.toml + trace.jsonl (hash chain) + manifest.json
//!  run,                               │
//!  report)                            └─▶ read: what `watertight judge` judges again
//! ```
//!
//! - [`account`]: what all artifacts are made from, so that none of them can say more than another.
//! - [`bundle`]: the folder: written file by file, each whole or not at all; read within bounds, with every byte held
//!   against its hash.
//! - [`text`], [`html`], [`junit`]: the artifacts for people and machines.
//! - [`neutral`]: whatever a target sent is hostile; what could act on a terminal or a page is spelled out instead.
//!
//! The hash chain shows that a trace was changed by accident or by hand, and where. It is no signature: whoever can write
//! the whole folder can write a whole new one.

pub mod account;
pub mod bundle;
mod chain;
mod files;
pub mod html;
pub mod junit;
pub mod neutral;
pub mod style;
pub mod text;

pub use account::Account;
pub use bundle::{Bundle, BundleError};
