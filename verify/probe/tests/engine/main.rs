//! The engine over real HTTP: against hostile servers, and against a small tenant API whose controls can be broken.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that can't go on fails")]

mod controls;
mod session;
mod target;
