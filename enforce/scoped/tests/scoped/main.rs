//! Two tenants with the same ids, side by side: whatever one asks or does, it meets its own rows alone.

#![expect(clippy::unwrap_used, reason = "what the helpers cannot set up fails the test")]

mod cache;
mod db;
mod scope;
