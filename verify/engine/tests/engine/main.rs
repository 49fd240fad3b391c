//! The engine against hostile targets, and what it may never send, record or forget.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

mod bed;
mod codes;
mod commands;
mod cookies;
mod evidence;
mod grants;
mod hostile;
mod inbox;
mod packed;
mod rate;
mod reference;
mod secrets;
mod sent;
mod side;
