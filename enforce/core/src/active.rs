//! Third step: the tenant exists, and its status allows what is asked.

use watertight_model::{OperationClass, TenantId, TenantStatus};

use crate::assertion::CandidateTenant;
use crate::denial::{Denial, ReasonCode};
use crate::directory::{Directory, TenantRecord, Unavailable};
use crate::principal::TenantPrincipal;
use crate::status::status_allows;
use crate::token::TokenFacts;

/// A tenant that exists and whose status allows the class of operation. Only [`crate::VerifiedToken::activate`] makes one.
#[derive(Debug)]
pub struct ActiveTenant {
    candidate: CandidateTenant,
    facts: TokenFacts,
    record: TenantRecord,
    class: OperationClass,
}

impl ActiveTenant {
    pub(crate) fn new(
        candidate: CandidateTenant,
        facts: TokenFacts,
        class: OperationClass,
        found: Result<Option<TenantRecord>, Unavailable>,
    ) -> Result<Self, Denial> {
        let denied = |reason| Denial::new(reason).about(candidate.tenant());
        let record = match found {
            Ok(Some(record)) if record.id == *candidate.tenant() => record,
            Ok(Some(_)) => return Err(denied(ReasonCode::ForeignAnswer)),
            Ok(None) => return Err(denied(ReasonCode::TenantUnknown)),
            Err(unavailable) => return Err(Denial::from(unavailable).about(candidate.tenant())),
        };
        if !status_allows(record.status, class) {
            return Err(denied(ReasonCode::TenantStatus(record.status, class)));
        }
        Ok(Self { candidate, facts, record, class })
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        self.candidate.tenant()
    }

    /// Its status when it was asked.
    pub fn status(&self) -> TenantStatus {
        self.record.status
    }

    /// The class of operation that the status allows.
    pub fn class(&self) -> OperationClass {
        self.class
    }

    /// Asks whether the client is registered for the tenant and the subject is a member of it.
    ///
    /// # Errors
    ///
    /// A client or a membership that is missing or switched off, or a directory that can't tell.
    pub async fn identify(self, directory: &dyn Directory) -> Result<TenantPrincipal, Denial> {
        let client = directory.client(self.tenant(), &self.facts.client).await;
        let membership = directory.membership(self.tenant(), &self.facts.issuer, &self.facts.subject).await;
        TenantPrincipal::new(self.candidate, self.facts, self.record, self.class, client, membership)
    }
}
