//! The platform, asked as any client would ask it. Only the signature of tokens is left out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets something else than it expects has failed")]

mod contract;
mod isolation;
mod life;
mod limits;
mod world;
