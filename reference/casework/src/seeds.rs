//! The three agencies of the demonstration, and what is in them at first.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use watertight_core::{
    Action, ActionPolicy, Answer, Assertions, BearerToken, ClientRecord, Denial, Directory, MembershipRecord,
    PolicyAnswer, ReasonCode, Standing, TenantPrincipal, TenantRecord, TenantScope, TokenFacts, TokenRejection,
    TokenVerifier, Unavailable,
};
use watertight_model::{
    AssertionSource, ClientId, Issuer, OperationClass, Role, Subject, TenantId, TenantStatus, TextError,
};

use crate::config::{Agency, AgencyIssuer, Member};
use crate::domain::TaskStatus;
use crate::draft::{CaseContent, Proposal, TaskContent};
use crate::platform::{Sound, StartError};
use crate::routes::{READ_SCOPE, WRITE_SCOPE, roles};

/// An agency of the demonstration.
#[derive(Clone, Copy, Debug)]
pub struct SeedAgency {
    /// Its tenant id.
    pub tenant: &'static str,
    /// What people call it.
    pub display_name: &'static str,
    /// Which of the two issuers vouches for its members.
    pub issuer: SeedIssuer,
    /// Its service accounts.
    pub clients: &'static [SeedClient],
    /// How many cases it starts with.
    pub cases: u32,
}

/// The issuers of the demonstration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedIssuer {
    /// Shared by two agencies; signs with RS256.
    Shared,
    /// The third agency's own; signs with ES256.
    Own,
}

/// A service account: what its issuer has to know of it, and its role.
#[derive(Clone, Copy, Debug)]
pub struct SeedClient {
    /// The client.
    pub id: &'static str,
    /// The subject that it acts as.
    pub subject: &'static str,
    /// The scopes that it may ask for.
    pub scopes: &'static [&'static str],
    /// Its role in the agency.
    pub role: &'static str,
}

/// The agencies: two with a shared issuer, one with its own, each with a worker and a reader.
pub const AGENCIES: [SeedAgency; 3] = [
    SeedAgency {
        tenant: "agency-north",
        display_name: "Agency North",
        issuer: SeedIssuer::Shared,
        clients: &[worker("north-worker", "svc-north-worker"), reader("north-reader", "svc-north-reader")],
        cases: 3,
    },
    SeedAgency {
        tenant: "agency-south",
        display_name: "Agency South",
        issuer: SeedIssuer::Shared,
        clients: &[worker("south-worker", "svc-south-worker"), reader("south-reader", "svc-south-reader")],
        cases: 4,
    },
    SeedAgency {
        tenant: "agency-west",
        display_name: "Agency West",
        issuer: SeedIssuer::Own,
        clients: &[worker("west-worker", "svc-west-worker"), reader("west-reader", "svc-west-reader")],
        cases: 5,
    },
];

const fn worker(id: &'static str, subject: &'static str) -> SeedClient {
    SeedClient { id, subject, scopes: &[READ_SCOPE, WRITE_SCOPE], role: roles::WORKER }
}

const fn reader(id: &'static str, subject: &'static str) -> SeedClient {
    SeedClient { id, subject, scopes: &[READ_SCOPE], role: roles::READER }
}

/// What the cases are about, over and over.
const TITLES: [&str; 5] =
    ["Permit for a market stall", "Noise at night", "Broken street light", "Flooded cellar", "Lost parcel record"];

impl SeedAgency {
    /// The agency, vouched for by issuers that are running.
    ///
    /// # Errors
    /// None of the names in [`AGENCIES`] breaks a rule; a test holds that.
    pub fn with(&self, shared: &AgencyIssuer, own: &AgencyIssuer) -> Result<Agency, StartError> {
        let issuer = match self.issuer {
            SeedIssuer::Shared => shared.clone(),
            SeedIssuer::Own => own.clone(),
        };
        let members = self.clients.iter().map(SeedClient::member).collect::<Result<_, _>>()?;
        Ok(Agency {
            tenant: self.tenant.parse()?,
            display_name: self.display_name.to_owned(),
            status: TenantStatus::Active,
            issuer,
            members,
            cases: self.cases,
        })
    }
}

impl SeedClient {
    fn member(&self) -> Result<Member, TextError> {
        Ok(Member {
            client: self.id.parse()?,
            subject: self.subject.parse()?,
            roles: BTreeSet::from([self.role.parse()?]),
        })
    }
}

/// Fills an agency with its first cases, through the sound stores whatever ports serve later.
///
/// External references are the same texts in every agency, since each may name its cases as it likes.
pub(crate) async fn plant(sound: &Sound, agency: &Agency) -> Result<(), StartError> {
    let stores = sound.ports();
    let scope = StartUp::scope(&agency.tenant).await?;
    for (number, subject) in (1..=agency.cases).zip(TITLES.iter().cycle()) {
        let text = |text: String| text.parse().map_err(|_| StartError::Seed);
        let content = CaseContent {
            title: text(format!("{subject} ({} {number})", agency.display_name))?,
            external_ref: Some(format!("REF-{number}").parse().map_err(|_| StartError::Seed)?),
        };
        let case = stores.cases.create(&scope, Proposal::of(content)).await?;
        let title = text(format!("Call back ({} {number})", agency.display_name))?;
        stores.tasks.create(&scope, &case.id, Proposal::of(TaskContent { title, status: TaskStatus::Open })).await?;
        if number == 2 {
            stores.cases.close(&scope, &case.id).await?;
        }
    }
    Ok(())
}

/// The platform itself, acting in a tenant before it listens. It answers every question of the chain for itself; no
/// request ever meets it.
///
/// Not to be copied into a handler: a scope made like this is one in any tenant and any status, and the log shows it as
/// a user's. `watertight_core` has no way of its own for a platform that acts by itself; see the limits there.
struct StartUp;

impl StartUp {
    async fn scope(tenant: &TenantId) -> Result<TenantScope, Denial> {
        let token = BearerToken::parse("start-up").map_err(ReasonCode::Token)?;
        let name = |error: TextError| Denial::new(ReasonCode::RequestMalformed).because(error.to_string());
        let action = Action {
            name: "platform.seed".parse().map_err(name)?,
            class: OperationClass::Write,
            required_scope: WRITE_SCOPE.parse().map_err(name)?,
        };
        let candidate = Assertions::new().assert(AssertionSource::ClientRegistration, tenant.as_str()).resolve()?;
        let active = candidate.verify(&token, &Self).await?.activate(action.class, &Self).await?;
        active.identify(&Self).await?.decide(&action, &Self).permit()
    }

    fn facts() -> Result<TokenFacts, TextError> {
        Ok(TokenFacts {
            issuer: "casework".parse()?,
            subject: "start-up".parse()?,
            client: "start-up".parse()?,
            scopes: BTreeSet::new(),
            tenant_claim: None,
            expires_at: SystemTime::now() + Duration::from_secs(60),
        })
    }
}

impl TokenVerifier for StartUp {
    fn verify<'a>(&'a self, _: &'a TenantId, _: &'a BearerToken) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        Box::pin(async { Self::facts().map_err(|_| TokenRejection::Malformed) })
    }
}

impl Directory for StartUp {
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Result<Option<TenantRecord>, Unavailable>> {
        Box::pin(async move {
            Ok(Some(TenantRecord { id: id.clone(), status: TenantStatus::Active, display_name: id.to_string() }))
        })
    }

    fn client<'a>(
        &'a self,
        tenant: &'a TenantId,
        client: &'a ClientId,
    ) -> Answer<'a, Result<Option<ClientRecord>, Unavailable>> {
        Box::pin(async move {
            Ok(Some(ClientRecord { tenant: tenant.clone(), id: client.clone(), active: Standing::Active }))
        })
    }

    fn membership<'a>(
        &'a self,
        tenant: &'a TenantId,
        _: &'a Issuer,
        _: &'a Subject,
    ) -> Answer<'a, Result<Option<MembershipRecord>, Unavailable>> {
        Box::pin(async move {
            let roles = BTreeSet::<Role>::new();
            Ok(Some(MembershipRecord { tenant: tenant.clone(), version: 0, roles, standing: Standing::Active }))
        })
    }
}

impl ActionPolicy for StartUp {
    fn allows(&self, _: &TenantPrincipal, _: &Action) -> PolicyAnswer {
        PolicyAnswer::Allow
    }
}
