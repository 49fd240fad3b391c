//! A multi-agency case-management service built on enforce: the reference for how a platform is kept watertight.
//!
//! Three agencies keep cases, and tasks under them, on one platform. Ids count per tenant, so `case-1` exists in all
//! three and a tenant forgotten anywhere shows.
//!
//! ```text
//! request ─▶ guard (ports) ─▶ handler ─▶ cases, tasks, summaries (ports) ─▶ scoped ─▶ SQLite
//!                 │ denial       │ nothing found
//!                 ▼              ▼
//!           render (port)   not_found (port)
//! ```
//!
//! - [`routes`]: the one table of operations. The router, the actions that the guard asks for, and the OpenAPI document
//!   are made from it, so that none of them can drift from the others.
//! - [`ports`]: everything in which a platform can go wrong about a tenant, as a trait; [`Sound`] has an implementation of
//!   each. Handlers hold no tenant predicate and take no decision about tenants.
//! - [`domain`] and [`draft`]: cases and tasks, parsed at the edge.
//! - [`Platform::start`]: registers tenants, issuers, clients and members, seeds the agencies, and listens on loopback.

pub mod config;
pub mod domain;
pub mod draft;
mod http;
pub mod openapi;
mod platform;
pub mod ports;
pub mod routes;
pub mod seeds;
mod stores;
pub mod tables;

pub use config::{Agency, AgencyIssuer, Config, Member};
pub use http::problem;
pub use platform::{Platform, Running, Sound, StartError};
pub use ports::Ports;
