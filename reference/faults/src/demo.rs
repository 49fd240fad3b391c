//! A whole platform on loopback: two identity providers, casework, and clients to ask it with.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::distr::Alphanumeric;
use secrecy::SecretString;
use tempfile::TempDir;
use watertight_casework::routes::roles;
use watertight_casework::seeds::{AGENCIES, SeedAgency, SeedIssuer};
use watertight_casework::{Agency, AgencyIssuer, Config, Member, Platform, Running};
use watertight_emulators::{Alg, Idp, IdpClient, IdpConfig, IdpError, RunningIdp};
use watertight_identity::{Algorithm, JwksUrlError};
use watertight_model::TextError;

use crate::fault::{Change, Fault, Workshop};
use crate::issuer;
use crate::raw::Raw;
use crate::tokens::PublishedKeys;
use crate::{AUDIENCE, OTHER_AUDIENCE, SCOPE};

/// How long the tokens of ordinary clients live.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long those of short-lived ones do.
const BRIEF: Duration = Duration::from_secs(2);
/// The client that has no tenant.
const UNBOUND: &str = "unbound-service";

/// The platform did not start. Nothing listens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no room for the databases.
    #[error("no temporary folder could be made: {0}")]
    Folder(#[source] std::io::Error),
    /// An identity provider did not start.
    #[error("an identity provider did not start: {0}")]
    Issuer(#[from] IdpError),
    /// The platform itself did not start.
    #[error("the platform did not start: {0}")]
    Platform(#[from] watertight_casework::StartError),
    /// The HTTP client of faulty verifiers can't be set up.
    #[error("the HTTP client for keys could not be set up: {0}")]
    Keys(#[source] reqwest::Error),
    /// A name of the demonstration breaks a rule.
    #[error("a name of the demonstration can't be used: {0}")]
    Name(#[from] TextError),
    /// An identity provider's key set has an address that isn't allowed.
    #[error(transparent)]
    JwksUrl(#[from] JwksUrlError),
}

/// The clients' secrets, by agency in the order of [`Demo::agencies`].
#[derive(Clone, Debug)]
pub struct DemoSecrets {
    /// Of the ordinary clients.
    pub service: [SecretString; AGENCIES.len()],
    /// Of the clients with short-lived tokens.
    pub brief: [SecretString; AGENCIES.len()],
    /// Of the client without a tenant.
    pub unbound: SecretString,
    /// Of the impostor.
    pub impostor: SecretString,
    /// What opens the platform's operator's side.
    pub operator: SecretString,
}

impl DemoSecrets {
    /// Fresh ones, of 32 random letters and digits each.
    pub fn random() -> Self {
        let secret = || rand::rng().sample_iter(Alphanumeric).take(32).map(char::from).collect::<String>().into();
        Self {
            service: std::array::from_fn(|_| secret()),
            brief: std::array::from_fn(|_| secret()),
            unbound: secret(),
            impostor: secret(),
            operator: secret(),
        }
    }
}

/// The second agency's client gets the first one's secret.
pub(crate) fn share_secret(secrets: &mut DemoSecrets) {
    let [first, second, ..] = &mut secrets.service;
    *second = first.clone();
}

/// A platform that listens on loopback. Dropping it stops it as well, without waiting.
pub struct Demo {
    /// Base of the API's URLs: `http://127.0.0.1:…`.
    pub api_url: String,
    /// The issuer that the first two agencies share.
    pub shared_issuer: DemoIssuer,
    /// The last agency's own.
    pub own_issuer: DemoIssuer,
    /// agency-north and agency-south, with the shared issuer, and agency-west.
    pub agencies: Vec<DemoAgency>,
    /// A client of the shared issuer whose tokens name no tenant. It is a member nowhere.
    pub unbound: DemoClient,
    /// A client of agency-west's issuer whose tokens say that they are of the first agency's own service.
    pub impostor: DemoClient,
    /// What opens the platform's operator's side.
    pub operator_key: SecretString,
    platform: Running,
    issuers: [RunningIdp; 2],
    raw: Raw,
    data: TempDir,
}

/// An identity provider.
#[derive(Clone, Debug)]
pub struct DemoIssuer {
    /// The issuer, as it is written in `iss`.
    pub issuer_url: String,
    /// Its token endpoint.
    pub token_url: String,
    /// A login request, `{"username", "password"}`, with the token at `session.token`.
    pub login_url: String,
    /// Its key set.
    pub jwks_url: String,
}

/// A tenant.
#[derive(Clone, Debug)]
pub struct DemoAgency {
    /// Its id.
    pub tenant: &'static str,
    /// Who vouches for its members.
    pub issuer: DemoIssuer,
    /// Its ordinary client.
    pub service: DemoClient,
    /// One that may do the same, with tokens that live for two seconds.
    pub brief: DemoClient,
}

/// A client, which asks for [`SCOPE`].
#[derive(Clone, Debug)]
pub struct DemoClient {
    /// Its id at the issuer.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
    /// Where it gets its tokens.
    pub token_url: String,
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo").field("api_url", &self.api_url).field("data", &self.data.path()).finish_non_exhaustive()
    }
}

impl Demo {
    /// Stops everything, lets requests under way end for some seconds, and removes the data.
    pub async fn shutdown(self) {
        self.platform.shutdown().await;
        self.raw.close().await;
        for issuer in self.issuers {
            issuer.shutdown().await;
        }
    }
}

/// Starts the platform with these faults; with none, it is sound.
///
/// # Errors
/// [`StartError`].
pub async fn start(faults: &[&'static Fault], mut secrets: DemoSecrets) -> Result<Demo, StartError> {
    for fault in faults {
        if let Change::Secrets(change) = fault.change {
            change(&mut secrets);
        }
    }
    let issuers = start_issuers(faults, &secrets).await?;
    let [shared, own] = issuers.each_ref().map(DemoIssuer::of);
    let agencies = agencies(&shared, &own)?;

    let data = TempDir::new().map_err(StartError::Folder)?;
    let raw = Raw::open(data.path());
    let keys = Arc::new(PublishedKeys::new().map_err(StartError::Keys)?);
    let workshop = Workshop { agencies: agencies.clone().into(), raw: raw.clone(), keys };
    let operator_key = secrets.operator.clone();
    let config = Config { data_dir: data.path().to_owned(), audience: AUDIENCE.parse()?, agencies, operator_key };
    let platform = Platform::start(&config, |sound| {
        faults.iter().fold(sound.ports(), |ports, fault| match fault.change {
            Change::Ports(change) => change(&workshop, ports),
            Change::Issuer(_) | Change::Secrets(_) => ports,
        })
    })
    .await?;

    let client = |(id, secret): (&str, &SecretString), issuer: &DemoIssuer| DemoClient {
        id: id.to_owned(),
        secret: secret.clone(),
        token_url: issuer.token_url.clone(),
    };
    let described = AGENCIES.iter().zip(secrets.service.iter().zip(&secrets.brief)).map(|(seed, (service, brief))| {
        let issuer = match seed.issuer {
            SeedIssuer::Shared => &shared,
            SeedIssuer::Own => &own,
        };
        DemoAgency {
            tenant: seed.tenant,
            issuer: issuer.clone(),
            service: client((&Account::service(seed).id, service), issuer),
            brief: client((&Account::brief(seed).id, brief), issuer),
        }
    });
    Ok(Demo {
        api_url: platform.url(),
        agencies: described.collect(),
        unbound: client((UNBOUND, &secrets.unbound), &shared),
        impostor: client((&Account::service(impersonated()).id, &secrets.impostor), &own),
        operator_key: secrets.operator,
        shared_issuer: shared,
        own_issuer: own,
        platform,
        issuers,
        raw,
        data,
    })
}

impl DemoIssuer {
    fn of(running: &RunningIdp) -> Self {
        Self {
            issuer_url: running.issuer_url.clone(),
            token_url: running.token_url.clone(),
            login_url: running.login_url.clone(),
            jwks_url: running.jwks_url.clone(),
        }
    }

    fn registered(&self, algorithm: Algorithm) -> Result<AgencyIssuer, StartError> {
        Ok(AgencyIssuer { issuer: self.issuer_url.parse()?, jwks_url: self.jwks_url.parse()?, algorithm })
    }
}

/// The shared issuer, and the last agency's own.
async fn start_issuers(faults: &[&'static Fault], secrets: &DemoSecrets) -> Result<[RunningIdp; 2], StartError> {
    let bugs: Vec<_> = faults
        .iter()
        .filter_map(|fault| match fault.change {
            Change::Issuer(bug) => Some(bug),
            Change::Ports(_) | Change::Secrets(_) => None,
        })
        .collect();
    let start = |alg: Alg, clients: Vec<IdpClient>| {
        Idp::start(IdpConfig {
            alg,
            audience: AUDIENCE.to_owned(),
            other_audiences: BTreeSet::from([OTHER_AUDIENCE.to_owned()]),
            behaviour: issuer::behaviour(bugs.clone(), &clients),
            clients,
        })
    };
    let mut shared = clients_of(SeedIssuer::Shared, secrets);
    shared.push(Account::named(UNBOUND).client(None, &secrets.unbound));
    // The name, the subject and the tenant of another: an issuer can say all that.
    let victim = impersonated();
    let mut own = clients_of(SeedIssuer::Own, secrets);
    own.push(Account::service(victim).client(Some(victim.tenant), &secrets.impostor));
    let (shared, own) = tokio::join!(start(Alg::Rs256, shared), start(Alg::Es256, own));
    Ok([shared?, own?])
}

fn clients_of(issuer: SeedIssuer, secrets: &DemoSecrets) -> Vec<IdpClient> {
    let agencies = AGENCIES.iter().zip(secrets.service.iter().zip(&secrets.brief));
    agencies
        .filter(|(seed, _)| seed.issuer == issuer)
        .flat_map(|(seed, (service, brief))| {
            let short = Account::brief(seed).client(Some(seed.tenant), brief);
            [Account::service(seed).client(Some(seed.tenant), service), IdpClient { lifetime: BRIEF, ..short }]
        })
        .collect()
}

/// The agencies as casework registers them.
fn agencies(shared: &DemoIssuer, own: &DemoIssuer) -> Result<Vec<Agency>, StartError> {
    let (shared, own) = (shared.registered(Algorithm::Rs256)?, own.registered(Algorithm::Es256)?);
    AGENCIES
        .iter()
        .map(|seed| {
            let members = vec![Account::service(seed).member()?, Account::brief(seed).member()?];
            Ok(Agency { members, ..seed.with(&shared, &own)? })
        })
        .collect()
}

/// The agency that the impostor claims to be of.
fn impersonated() -> &'static SeedAgency {
    let [first, ..] = &AGENCIES;
    first
}

/// A client with the subject that it acts as.
struct Account {
    id: String,
    subject: String,
}

impl Account {
    fn service(seed: &SeedAgency) -> Self {
        Self::named(&format!("{}-service", seed.tenant.trim_start_matches("agency-")))
    }

    fn brief(seed: &SeedAgency) -> Self {
        Self::named(&format!("{}-brief", seed.tenant.trim_start_matches("agency-")))
    }

    fn named(id: &str) -> Self {
        Self { id: id.to_owned(), subject: format!("svc-{id}") }
    }

    /// As its issuer knows it.
    fn client(self, tenant: Option<&str>, secret: &SecretString) -> IdpClient {
        IdpClient {
            id: self.id,
            secret: secret.clone(),
            tenant_claim: tenant.map(str::to_owned),
            subject: self.subject,
            scopes: SCOPE.split(' ').map(str::to_owned).collect(),
            lifetime: LIFETIME,
        }
    }

    /// As its agency knows it.
    fn member(self) -> Result<Member, TextError> {
        Ok(Member {
            client: self.id.parse()?,
            subject: self.subject.parse()?,
            roles: BTreeSet::from([roles::WORKER.parse()?]),
        })
    }
}
