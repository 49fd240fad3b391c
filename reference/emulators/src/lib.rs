//! Identity providers for the reference platform: OAuth 2.0 client credentials, a login request, and a key set.
//!
//! An [`Idp`] listens on a free loopback port, owns one freshly generated signing key, and answers
//!
//! | request | answer |
//! |---|---|
//! | `POST /oauth/token` | an access token (RFC 9068), by `client_secret_basic` or `client_secret_post` |
//! | `POST /login` | the same token for `{"username", "password"}`, at `session.token` |
//! | `GET /.well-known/jwks.json` | the public key |
//! | `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server` | metadata (RFC 8414) |
//!
//! ```text
//! config ──► server ──► request ──► behaviour ──► claims ──► keys
//!            routes     parse       who, what     draft      sign
//! ```
//!
//! Every decision that an issuer could get wrong goes through one port, [`IssuerBehaviour`]; its provided methods are
//! sound, and a faulty issuer overrides one of them. All issuers name their key [`KID`], on purpose: a verifier that
//! keys its cache by `kid` alone then takes one issuer's key for another's (CVE-2026-49998).

mod behaviour;
mod claims;
mod config;
mod error;
mod keys;
mod request;
mod server;

pub use behaviour::{Grant, IssuerBehaviour, ScopeRefused, SignsWith, SoundIssuer};
pub use claims::Claims;
pub use config::{Alg, IdpClient, IdpConfig};
pub use error::IdpError;
pub use keys::KID;
pub use request::TokenRequest;
pub use server::{Idp, RunningIdp};
