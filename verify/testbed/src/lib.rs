//! For tests alone: the one double of a tenant API, the spec that describes it, and the real engine run against it over
//! loopback HTTP.
//!
//! ```text
//!   Fixture ──text──▶ Spec ──plan──▶ run ──HTTP──▶ server ──▶ Caller ──▶ api
//!      │                              │              │      who asks     what it does
//!      └── what varies in the spec    └─▶ Verified   └── Switch: what is wrong, Seen: what came
//! ```
//!
//! The API is sound until a [`Switch`] is set: a flaw, a broken control, or a habit that must not be taken for a flaw. It
//! knows no intent: that a request crosses the boundary it sees from the credential and from what the request names.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "for tests alone: a double that can't go on fails the test"
)]

mod answer;
mod api;
mod bed;
mod caller;
mod clients;
mod fixture;
mod keys;
pub mod raw;
mod seen;
mod server;
mod spec_text;
mod switch;
mod tokens;
mod verified;

pub use bed::{Bed, Picked};
pub use fixture::{Fixture, spec_of};
pub use seen::{Entrance, Presented, Seen};
pub use switch::{Forgeable, Switch};
pub use verified::{Concluded, Verified};
