//! Tenants, issuers, clients and members, with their status: the register that every request is looked up in.
//!
//! [`ControlStore`] keeps the register in SQLite and is the [`Directory`](watertight_core::Directory) of the chain of
//! types. Nothing is cached here: a change of status holds from the next request on.
//!
//! ```text
//! tenants ─┬─ issuers ─┬─ audiences, algorithms
//!          │           ├─ clients          (an OAuth client belongs to one issuer of one tenant)
//!          │           └─ members ── roles (a subject means nothing without its issuer)
//!          └─ every key and foreign key begins with the tenant
//! ```
//!
//! Nothing is ever removed from the register. A deleted tenant keeps its entry, so that nobody can take its name and
//! inherit what still refers to it (Zitadel GHSA-6x8v-2fq5-2229).

mod directory;
mod error;
mod issuers;
mod lifecycle;
mod people;
mod schema;
mod store;

pub use error::ControlError;
pub use issuers::IssuerRegistration;
pub use store::ControlStore;
