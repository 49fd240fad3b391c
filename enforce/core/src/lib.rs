//! The way from a request to a [`TenantScope`], as a chain of types.
//!
//! ```text
//! Assertions ─resolve─▶ CandidateTenant ─verify─▶ VerifiedToken ─activate─▶ ActiveTenant
//!                                                                              │ identify
//!                             TenantScope ◀─permit─ Decision ◀─decide─ TenantPrincipal
//! ```
//!
//! Each type has private fields and one maker, the step before it, which consumes it. A step can therefore not be
//! skipped, repeated with other facts or forged, and whoever holds a [`TenantScope`] holds the proof of the five terms
//! of the isolation equation that a request can prove ([`Term`]). The scope still owes the other two, and only the
//! crate that opens data against a scope can pay them ([`Ledger`]).
//!
//! What the chain does not know it asks through ports: [`TokenVerifier`], [`Directory`] and [`ActionPolicy`]. An answer
//! that names another tenant than the question is refused here, whatever the port made of it.
//!
//! Every way off the chain is a [`Denial`]: a precise [`ReasonCode`] for the operator's log, and a coarse
//! [`DenialClass`] for the outside. Nothing outside distinguishes a tenant that does not exist from one that does.
//!
//! Nothing here reads the network, a clock or a file. Ports answer with boxed futures ([`Answer`]), so that no runtime
//! is needed either.
//!
//! # Limits
//!
//! - A [`TenantScope`] is for one request, or for one step of a job. It is a record of what held when it was opened:
//!   there is no clock here, so that it does not end with its token, and it does not learn that the tenant was
//!   suspended or the membership switched off. Whoever keeps one, in a task or a queue, keeps that permission for as
//!   long. Whatever takes longer than a request walks the chain again for each step.
//! - The chain holds what its ports say. Whoever writes a [`TokenVerifier`], a [`Directory`] and an [`ActionPolicy`]
//!   that agree to everything opens a scope in any tenant; so these are the implementations to review. Nor is there a
//!   way of its own for a platform that acts by itself: it has to vouch for itself through such ports, and is recorded
//!   as a user.
//! - A scope is owed for as a whole ([`Ledger`]): one constrained access pays for all that the scope's holder answers.

mod active;
mod assertion;
mod decision;
mod denial;
mod directory;
mod ledger;
mod policy;
mod principal;
mod scope;
mod status;
mod token;

use std::future::Future;
use std::pin::Pin;

pub use active::ActiveTenant;
pub use assertion::{Assertions, CandidateTenant, Trust, trust};
pub use decision::{Decision, Term, TermState, Terms};
pub use denial::{Denial, DenialClass, ReasonCode};
pub use directory::{ClientRecord, Directory, MembershipRecord, Standing, TenantRecord, Unavailable};
pub use ledger::{Ledger, payment};
pub use policy::{Action, ActionPolicy, PolicyAnswer, RoleTable};
pub use principal::TenantPrincipal;
pub use scope::TenantScope;
pub use status::{may_read, may_write, status_allows};
pub use token::{BearerToken, TokenFacts, TokenRejection, TokenVerifier, VerifiedToken};

/// What an asynchronous port answers with; made with `Box::pin(async move { … })`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
