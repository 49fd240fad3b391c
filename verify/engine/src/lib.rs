//! The engine of the verifier: it runs scripts over a hostile target, records everything, and runs the same scripts over
//! the record again. It knows no check.
//!
//! ```text
//!            live                                       replay
//!   script ─▶ tape ─▶ run ─▶ live ─▶ gate ─▶ channel      log ─▶ player ─▶ tape ─▶ script
//!                      │       └──▶ recorder ─▶ log
//!                    lanes
//! ```
//!
//! - [`tape`](Tape): how a script is written, and all that it can see.
//! - [`call`]: what it asks for. Credentials are named, never held.
//! - [`run`](Engine): runs scripts side by side; `lanes` says which disturb each other, `quiet` who writes where meanwhile.
//!   [`side_by_side`](side_by_side()): the parts of one script.
//! - `live`: what a call needs is made ready: tokens (`credentials`), the very bytes (`render`), the permission (`gate`).
//! - [`channel`]: a protocol turned into events. What arrives by itself has an inbox.
//! - `recorder`, `unpack`, `redact`: unpacked and scanned, then redacted, then appended. No secret reaches the log, whoever
//!   handed it out.
//! - [`log`]: the record, on disk as things happen; the only thing that is judged.
//! - [`marker`]: canaries and how they are found. [`planted`]: what stands in the target.
//! - [`replay`](Player): the same scripts over a recorded log.
//! - [`journal`]: what was created and not yet removed.
//!
//! The target is hostile: everything received is bounded in size and time, and never trusted.

pub mod call;
pub mod channel;
mod clock;
mod credentials;
mod gate;
pub mod journal;
mod links;
mod live;
pub mod log;
pub mod marker;
mod moment;
pub mod planted;
mod quiet;
mod ready;
mod recorder;
mod redact;
mod render;
mod replay;
mod run;
mod script;
mod side_by_side;
mod tape;
mod unpack;

pub use channel::inbox::CALLBACKS;
pub use clock::{Clock, MachineClock};
pub use links::object_at;
pub use live::{Observer, Setting, SettingError};
pub use redact::is_placeholder_in;
pub use replay::{Divergence, Fed, Player};
pub use run::{Ended, Engine, Width};
pub use script::{Future, Job, Reading, Script};
pub use side_by_side::{both, side_by_side};
pub use tape::{Access, Cut, Quiet, QuietOf, Seen, Tape, Window, WriteTape};
