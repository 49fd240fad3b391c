//! Token validation against real key endpoints on loopback, with a clock that the tests own.
//!
//! Many tests are named after a mistake that a published implementation made; the module comments give the advisory.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking, too")]

mod claims;
mod forged;
mod keys;
mod support;
