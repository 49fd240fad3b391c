//! Who calls: the issuers registered for a tenant, their key sets, and the validation of their tokens.
//!
//! ```text
//!  tenant (candidate) ──► registry ──► entry ◄── iss, by exact equality
//!                                        │
//!  token ──► jose: strict parts          ├──► keys:  (tenant, issuer, source) ──► (kid, algorithm) ──► key
//!                                        │
//!            header, claims ──► verifier ┴──► TokenFacts | TokenRejection
//! ```
//!
//! What a token may say about its own validation is one thing only: which of the issuers *already registered for the
//! tenant* it comes from. Where keys are found, which algorithms count, which type, audience and client are right, is
//! in the [`IssuerEntry`]; `jku`, `x5u`, `jwk` and `x5c` in a header are never looked at (RFC 8725 3.10).
//!
//! # Mistakes that this crate is shaped against
//!
//! - Keys live under tenant *and* issuer, as a struct and never a joined string, both in the cache and in the
//!   coalescing of fetches: two issuers may share a `kid` (CVE-2026-49998, CVE-2025-59936), and one tenant's issuer is
//!   unknown to another tenant.
//! - A fetched set replaces the one before, and none is used beyond `max_stale`: a key removed upstream stops
//!   verifying (CVE-2025-22149, CVE-2026-50202).
//! - An unknown `kid` is not found; there is no "only key" or "last key" (CVE-2026-89313). It may cause one fetch a
//!   window for all unknown kids together, and evicts nothing.
//! - Fetches run in tasks of their own, and no lock is held across them. The URL is the registered one, without
//!   anything from the token.
//! - Claims of the wrong JSON type are refusals, never absences (CVE-2026-25537); names that occur twice are
//!   refusals, too.
//! - Verified tokens are not cached, so that neither expiry nor a changed registry can be missed.
//!
//! # Limits
//!
//! - How long a refusal takes is not hidden. A token that names a registered issuer and an unknown `kid` may wait for a
//!   fetch of keys, where one for a tenant that doesn't exist is refused at once: the bytes are the same, the time may
//!   tell an anonymous caller that a tenant registers that issuer. Let nothing rest on a tenant's name being
//!   unknown.
//! - The life of a token is what its issuer says (`exp`); no upper bound is put on it here.

mod algorithm;
mod claims;
mod clock;
mod fetch;
mod jose;
mod jwks;
mod keys;
mod registry;
pub mod strict_json;
mod verifier;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use clock::{Clock, SystemClock};
pub use keys::{KeyPolicy, KeySets, KeySetsError};
pub use registry::{IssuerEntry, IssuerRegistry, JwksUrl, JwksUrlError, RegistryError, TokenType};
pub use verifier::JwtVerifier;
