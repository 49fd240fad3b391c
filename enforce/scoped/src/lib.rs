//! What a tenant scope opens: database and cache.
//!
//! Nothing in this crate can be asked without a [`TenantScope`](watertight_core::TenantScope), and the tenant it asks
//! for is always the scope's: no method takes a tenant, and no caller writes a predicate.
//!
//! ```text
//! TenantScope ──► Database::for_scope ──► ScopedDb::rows(&TABLE) ──► get, page, search, count_by, insert, update, delete
//!      │                                        └─ under(parent), matching(column, value): narrow further
//!      └────────► ScopedCache::get, put, evict
//! ```
//!
//! - [`db`]: tables are `'static` descriptions, so identifiers in SQL come from the program alone and every value is
//!   bound. Primary keys, unique constraints and foreign keys all begin with the tenant.
//! - [`cache`]: the tenant is a field of the key's type, never a part of a joined string.
//!
//! A scope owes the last two terms of the isolation equation: that the resource belongs to the tenant, and that data
//! access was constrained. This crate pays them, on every answer that it gives from within the tenant, and a clean
//! "nothing there" is such an answer. An error pays nothing.

pub mod cache;
pub mod db;
mod payment;
