//! First step: from everything in a request that names a tenant to exactly one name.

use std::collections::BTreeSet;

use watertight_model::{AssertionSource, TenantId, TenantIdError};

use crate::denial::{Denial, ReasonCode};
use crate::token::{BearerToken, TokenVerifier, VerifiedToken};

/// What a source of tenant names is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// May say which tenant the request is about. Not that the caller may act there: that is proven later.
    Defining,
    /// Anybody can write it, so it never says which tenant; but it may not disagree either.
    ContradictOnly,
}

/// How far a source is trusted (isolation 7.1). A header, the query and the body can only contradict: a request that
/// names its tenant nowhere else names none.
pub const fn trust(source: AssertionSource) -> Trust {
    match source {
        AssertionSource::Host
        | AssertionSource::Path
        | AssertionSource::TokenClaim
        | AssertionSource::ServerSession
        | AssertionSource::ClientRegistration
        | AssertionSource::GatewaySignedHeader => Trust::Defining,
        AssertionSource::Header | AssertionSource::Query | AssertionSource::Body => Trust::ContradictOnly,
    }
}

/// Everything in a request that names a tenant, each with its source.
///
/// Collect *all* of them: one that is left out can't contradict. Nothing is judged before [`Assertions::resolve`].
///
/// ```
/// # use watertight_core::Assertions;
/// # use watertight_model::AssertionSource::{Header, Path, TokenClaim};
/// let agreeing = Assertions::new().assert(Path, "agency-north").assert(TokenClaim, "Agency-North");
/// assert_eq!(agreeing.resolve()?.tenant().as_str(), "agency-north");
///
/// let disagreeing = Assertions::new().assert(TokenClaim, "agency-north").assert(Header, "agency-south");
/// assert!(disagreeing.resolve().is_err());
/// # Ok::<(), watertight_core::Denial>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Assertions {
    made: Vec<(AssertionSource, Result<TenantId, TenantIdError>)>,
    too_many: bool,
}

impl Assertions {
    /// Most assertions that one request can make; a request with more is denied as a whole.
    pub const MAX: usize = 64;

    /// No assertion yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what a source says. `raw` is the text as the source gives it, decoded exactly once by its own rules.
    #[must_use]
    pub fn assert(mut self, source: AssertionSource, raw: &str) -> Self {
        if self.made.len() < Self::MAX {
            self.made.push((source, raw.parse()));
        } else {
            self.too_many = true;
        }
        self
    }

    /// The one tenant that all assertions name.
    ///
    /// # Errors
    ///
    /// A text that can't be a tenant, two that differ (of two sources or of one), no source that may define the tenant,
    /// or more than [`Assertions::MAX`] assertions.
    pub fn resolve(self) -> Result<CandidateTenant, Denial> {
        if self.too_many {
            return Err(Denial::new(ReasonCode::TooManyAssertions));
        }
        let mut named: Option<TenantId> = None;
        let mut sources = BTreeSet::new();
        for (source, text) in self.made {
            let tenant = text.map_err(|error| {
                Denial::new(ReasonCode::TenantMalformed).because(format!("the {source} names no tenant: {error}"))
            })?;
            if let Some(known) = named.as_ref().filter(|&known| *known != tenant) {
                return Err(Denial::new(ReasonCode::TenantConflict)
                    .because(format!("the {source} names {tenant}, but {known} was named before")));
            }
            sources.insert(source);
            named = Some(tenant);
        }
        let defining = sources.iter().copied().find(|&source| trust(source) == Trust::Defining);
        match (named, defining) {
            (Some(tenant), Some(source)) => Ok(CandidateTenant { tenant, source, sources }),
            _ => Err(Denial::new(ReasonCode::TenantAbsent)),
        }
    }
}

/// Exactly one name of a tenant, still unproven. It selects which registered issuers may vouch for the caller.
#[derive(Debug)]
pub struct CandidateTenant {
    tenant: TenantId,
    source: AssertionSource,
    sources: BTreeSet<AssertionSource>,
}

impl CandidateTenant {
    /// The tenant that the request is about, if everything else proves right.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The first of the defining sources that named it, in the order of [`AssertionSource`].
    pub fn source(&self) -> AssertionSource {
        self.source
    }

    /// Every source that named it.
    pub fn sources(&self) -> &BTreeSet<AssertionSource> {
        &self.sources
    }

    /// Has the token verified for this tenant. What the verifier read from the token must not name another one.
    ///
    /// # Errors
    ///
    /// The verifier's rejection, or [`crate::TokenRejection::TenantClaim`] if the verified claim differs from the
    /// candidate, or is missing although the (then unverified) claim was among the sources.
    pub async fn verify(self, token: &BearerToken, verifier: &dyn TokenVerifier) -> Result<VerifiedToken, Denial> {
        match verifier.verify(&self.tenant, token).await {
            Ok(facts) => VerifiedToken::new(self, facts),
            Err(rejection) => Err(Denial::new(ReasonCode::Token(rejection)).about(&self.tenant)),
        }
    }
}
