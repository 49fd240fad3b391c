//! The vocabulary of tenant isolation: types and names, and nothing else.
//!
//! No decision is taken here, nothing is read or sent, nothing is async. A type of this crate says what a word of the
//! product means and which texts may express it; what follows from it is for the crates that use it.
//!
//! - [`TenantId`]: the one spelling of a tenant.
//! - [`text`]: bounded texts that are never mixed up ([`Subject`], [`Issuer`], [`ClientId`]…).
//! - [`access`]: what is done, in which mode, and in which state the tenant is.
//! - [`report`]: the words in which isolation is reported ([`Surface`], [`Severity`]).
//!
//! Every type is parsed at the edge ([`std::str::FromStr`] or [`TryFrom`]) and never validated again. Every error names
//! the rule that was broken.

mod named;

pub mod access;
pub mod report;
pub mod tenant;
pub mod text;

pub use access::{AccessMode, AssertionSource, OperationClass, TenantStatus};
pub use named::UnknownName;
pub use report::{Severity, Surface};
pub use tenant::{TenantId, TenantIdError};
pub use text::{ActionName, Audience, ClientId, Issuer, Kid, ResourceId, Role, Scope, Subject, TextError, TextRule};
