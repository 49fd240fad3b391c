//! What the platform is started with.

use std::collections::BTreeSet;
use std::path::PathBuf;

use secrecy::SecretString;
use watertight_identity::{Algorithm, JwksUrl};
use watertight_model::{Audience, ClientId, Issuer, Role, Subject, TenantId, TenantStatus};

/// What the platform is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// A folder of its own, empty at first, for its two database files. The caller removes it afterwards.
    pub data_dir: PathBuf,
    /// The audience that every token must be meant for.
    pub audience: Audience,
    /// The tenants, registered at start-up.
    pub agencies: Vec<Agency>,
    /// What opens the operator's side.
    pub operator_key: SecretString,
}

/// A tenant of the platform.
#[derive(Clone, Debug)]
pub struct Agency {
    /// Its name.
    pub tenant: TenantId,
    /// What people call it; written into the titles of its seeded cases.
    pub display_name: String,
    /// Where it is in its life.
    pub status: TenantStatus,
    /// Who vouches for its members. Two agencies may name the same issuer; each registers it for itself.
    pub issuer: AgencyIssuer,
    /// Who may act in it.
    pub members: Vec<Member>,
    /// How many cases it starts with, each with one task.
    pub cases: u32,
}

/// An issuer that is running already: its keys are fetched when the first token arrives.
#[derive(Clone, Debug)]
pub struct AgencyIssuer {
    /// The issuer, as it is written in `iss`.
    pub issuer: Issuer,
    /// Where it publishes its keys.
    pub jwks_url: JwksUrl,
    /// The algorithm that it signs with.
    pub algorithm: Algorithm,
}

/// A service account: a client of the agency's issuer, and the subject that it acts as.
#[derive(Clone, Debug)]
pub struct Member {
    /// The client.
    pub client: ClientId,
    /// The subject, as the issuer calls it.
    pub subject: Subject,
    /// What it may do in the agency: see [`crate::routes::roles`].
    pub roles: BTreeSet<Role>,
}
