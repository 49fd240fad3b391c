//! Start-up and shutdown.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use watertight_control::{ControlError, ControlStore, IssuerRegistration};
use watertight_core::Denial;
use watertight_guard::{HttpAssertions, ProblemDetails};
use watertight_identity::{
    Algorithm, IssuerEntry, IssuerRegistry, JwksUrlError, JwtVerifier, KeyPolicy, KeySets, KeySetsError, RegistryError,
    TokenType, UnknownAlgorithm,
};
use watertight_model::{TenantIdError, TextError};
use watertight_scoped::db::{Database, DbError};

use crate::config::{Agency, Config};
use crate::http::{self, PlainNotFound};
use crate::ports::{GuardPorts, Ports, StoreError};
use crate::routes::{self, RouteError};
use crate::seeds;
use crate::stores::{ScopedCases, ScopedSummaries, ScopedTasks};
use crate::tables::{CASES, TASKS};

/// The claim that names the tenant in a token.
pub(crate) const TENANT_CLAIM: &str = "tenant_id";
/// The `typ` of access tokens (RFC 9068 section 2.1).
const TOKEN_TYPE: &str = "at+jwt";
/// How far an issuer's clock may be off.
const LEEWAY: Duration = Duration::from_secs(1);
/// How long a key may live on after its issuer withdrew it.
const MAX_STALE: Duration = Duration::from_secs(300);
/// How long requests under way may take to end at shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// The platform did not start. Nothing listens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The register of tenants refuses an entry, for instance because the data folder was used before.
    #[error("the agencies can't be registered (start with an empty data folder): {0}")]
    Control(#[from] ControlError),
    /// The database of cases can't be opened.
    #[error("the database of cases can't be opened: {0}")]
    Database(#[from] DbError),
    /// The registered issuers don't make a registry.
    #[error("the issuers can't be used: {0}")]
    Issuers(#[from] RegistryError),
    /// A registered issuer has a key set URL that isn't allowed.
    #[error(transparent)]
    JwksUrl(#[from] JwksUrlError),
    /// A registered issuer has an unknown algorithm.
    #[error(transparent)]
    Algorithm(#[from] UnknownAlgorithm),
    /// A registered issuer has a token type that the platform doesn't issue for.
    #[error("token type {0:?} is registered; only at+jwt is accepted here")]
    TokenType(String),
    /// Key sets can't be fetched at all.
    #[error(transparent)]
    KeySets(#[from] KeySetsError),
    /// The table of operations breaks a rule.
    #[error(transparent)]
    Routes(#[from] RouteError),
    /// A name of an agency breaks a rule.
    #[error("a name of an agency can't be used: {0}")]
    Tenant(#[from] TenantIdError),
    /// A name of a member breaks a rule.
    #[error("a name of a member can't be used: {0}")]
    Name(#[from] TextError),
    /// A first case or task can't be written as such; the display name of its agency is too long.
    #[error("a first case or task has a title that is too long; shorten the agency's display name")]
    Seed,
    /// The first cases can't be stored.
    #[error("the first cases can't be stored: {0}")]
    Store(#[from] StoreError),
    /// The platform can't open a scope to store the first cases.
    #[error("the first cases can't be stored: {0}")]
    Scope(#[from] Denial),
    /// No free port on loopback, or similar.
    #[error("can't listen on 127.0.0.1: {0}")]
    Listen(#[source] std::io::Error),
}

/// What the sound ports are made of.
#[derive(Clone)]
pub struct Sound {
    /// The tenant data.
    pub database: Database,
    /// The register of tenants.
    pub control: ControlStore,
    /// Who may vouch for which tenant.
    pub issuers: Arc<IssuerRegistry>,
    /// The issuers' keys.
    pub keys: Arc<KeySets>,
    ports: Ports,
}

impl Sound {
    /// The sound ports. They share one state: each call answers with the same ones.
    pub fn ports(&self) -> Ports {
        self.ports.clone()
    }

    async fn open(config: &Config) -> Result<Self, StartError> {
        let control = ControlStore::open_file(&config.data_dir.join("control.db")).await?;
        for agency in &config.agencies {
            register(&control, config, agency).await?;
        }
        let entries = control.issuers().await?.into_iter().map(entry).collect::<Result<_, _>>()?;
        let issuers = Arc::new(IssuerRegistry::new(entries)?);
        let keys = Arc::new(KeySets::new(KeyPolicy::default())?);

        let database = Database::open(&config.data_dir.join("casework.db")).await?;
        database.create_tables(&[&CASES, &TASKS]).await?;

        let ports = Ports {
            guard: GuardPorts {
                assertions: Arc::new(HttpAssertions::from_claim(TENANT_CLAIM)),
                verifier: Arc::new(JwtVerifier::new(Arc::clone(&issuers), Arc::clone(&keys))),
                directory: Arc::new(control.clone()),
                policy: Arc::new(routes::policy()?),
                render: Arc::new(ProblemDetails),
            },
            cases: Arc::new(ScopedCases(database.clone())),
            tasks: Arc::new(ScopedTasks(database.clone())),
            summaries: Arc::new(ScopedSummaries::new()),
            not_found: Arc::new(PlainNotFound),
        };
        Ok(Self { database, control, issuers, keys, ports })
    }
}

async fn register(control: &ControlStore, config: &Config, agency: &Agency) -> Result<(), StartError> {
    control.add_tenant(&agency.tenant, &agency.display_name, agency.status).await?;
    control
        .register_issuer(&IssuerRegistration {
            tenant: agency.tenant.clone(),
            issuer: agency.issuer.issuer.clone(),
            jwks_url: agency.issuer.jwks_url.as_str().to_owned(),
            algorithms: [agency.issuer.algorithm.name().to_owned()].into(),
            token_type: TOKEN_TYPE.to_owned(),
            audiences: [config.audience.clone()].into(),
            clients: agency.members.iter().map(|member| member.client.clone()).collect(),
            tenant_claim: TENANT_CLAIM.to_owned(),
            leeway: LEEWAY,
        })
        .await?;
    for member in &agency.members {
        control.add_member(&agency.tenant, &agency.issuer.issuer, &member.subject, &member.roles).await?;
    }
    Ok(())
}

fn entry(registration: IssuerRegistration) -> Result<IssuerEntry, StartError> {
    if registration.token_type != TOKEN_TYPE {
        return Err(StartError::TokenType(registration.token_type));
    }
    Ok(IssuerEntry {
        tenant: registration.tenant,
        issuer: registration.issuer,
        jwks_url: registration.jwks_url.parse()?,
        algorithms: registration.algorithms.iter().map(|name| name.parse::<Algorithm>()).collect::<Result<_, _>>()?,
        token_type: TokenType::AtJwt,
        audiences: registration.audiences,
        clients: registration.clients,
        tenant_claim: registration.tenant_claim,
        leeway: registration.leeway,
        max_stale: MAX_STALE,
    })
}

/// The platform, set up and not listening yet.
pub struct Platform {
    sound: Sound,
    router: Router,
}

impl Platform {
    /// Registers and seeds the agencies, and puts the service together with the ports that `ports` chooses.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(config: &Config, ports: impl FnOnce(&Sound) -> Ports) -> Result<Self, StartError> {
        let sound = Sound::open(config).await?;
        for agency in &config.agencies {
            seeds::plant(&sound, agency).await?;
        }
        let router = http::router(ports(&sound))?;
        let router = router.merge(http::operator::router(sound.control.clone(), config.operator_key.clone()));
        Ok(Self { sound, router })
    }

    /// [Opens](Platform::open) the platform and listens on a free port of loopback. `Sound::ports` for `ports` makes it
    /// sound.
    ///
    /// Neither the number of connections nor the time that a request's head takes is bounded, so that whoever reaches
    /// the port can hold connections open. A platform for more than loopback needs a server in front that bounds both.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: &Config, ports: impl FnOnce(&Sound) -> Ports) -> Result<Running, StartError> {
        let Self { sound, router } = Self::open(config, ports).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(StartError::Listen)?;
        let addr = listener.local_addr().map_err(StartError::Listen)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(async {
                // Dropped or sent: both mean to stop.
                let _ = stopped.await;
            });
            if let Err(error) = served.await {
                tracing::error!(%error, "the platform stopped listening");
            }
        });
        Ok(Running { addr, sound, stop, serving })
    }

    /// The service, to be asked in-process.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// What the platform is made of.
    pub fn sound(&self) -> &Sound {
        &self.sound
    }
}

/// A platform that listens. Dropping it stops it as well, without waiting.
pub struct Running {
    addr: SocketAddr,
    sound: Sound,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it listens, as the base of URLs.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What the platform is made of, for instance to suspend a tenant.
    pub fn sound(&self) -> &Sound {
        &self.sound
    }

    /// Stops listening, lets requests under way end for at most five seconds, and closes the databases.
    pub async fn shutdown(self) {
        let Self { sound, stop, mut serving, .. } = self;
        drop(stop);
        if tokio::time::timeout(GRACE, &mut serving).await.is_err() {
            serving.abort();
        }
        sound.database.close().await;
        sound.control.close().await;
    }
}
