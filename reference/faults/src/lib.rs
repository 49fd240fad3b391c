//! The reference platform as it would be with one known bug, and as it is without.
//!
//! ```text
//! catalog: Fault ──change──▶ ports (guard, cases, tasks, summaries, not_found)   of casework
//!                       └──▶ issuer behaviour, secrets                            of the identity providers
//! start(faults, secrets) ──▶ Demo: two identity providers and casework, on loopback, with the clients to ask it
//! ```
//!
//! A [`Fault`] replaces one port, or the few that the same bug would sit in, with an implementation that has the bug;
//! everything else stays sound, and neither enforce nor casework knows. Each is a mistake that platforms have made, or
//! that the design of this one is against; [`Fault::origin`] says which. [`Fault::caught_by`] and
//! [`Fault::consequences`] name checks of the verifier by id: that they agree with it is for the test of the demo.
//!
//! Ports that go around `enforce/scoped` mark the scope as paid although they did not constrain anything. A platform
//! with such a bug has nothing that reminds it of what the scope owes, so that is a part of the bug.
//!
//! Ids count per tenant here. Where a bug looks a record up by its id alone, the faulty port looks in the caller's own
//! tenant first and elsewhere after: with ids that are unique over all tenants, which most platforms with this bug
//! have, one lookup does both.

mod cases;
mod catalog;
mod demo;
mod fault;
mod issuer;
mod not_found;
mod raw;
mod status;
mod summaries;
mod tasks;
mod tenant;
mod tenant_hint;
mod tokens;

pub use catalog::{ALL, by_name};
pub use demo::{Demo, DemoAgency, DemoClient, DemoIssuer, DemoSecrets, StartError, start};
pub use fault::Fault;

/// The API that the platform's tokens are for.
pub const AUDIENCE: &str = "case-api";
/// Another API of the same issuers: a client may ask for tokens for it, and they are no good here.
pub const OTHER_AUDIENCE: &str = "billing-api";
/// What an ordinary client asks for.
pub const SCOPE: &str = "case:read case:write";
/// A scope that no client is registered for.
pub const FORBIDDEN_SCOPE: &str = "case:admin";
