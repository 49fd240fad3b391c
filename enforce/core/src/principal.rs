//! Fourth step: who acts in the tenant, with which authority there.

use std::collections::BTreeSet;
use std::time::SystemTime;

use watertight_model::{
    AccessMode, AssertionSource, ClientId, Issuer, OperationClass, Role, Scope, Subject, TenantId, TenantStatus,
};

use crate::assertion::CandidateTenant;
use crate::decision::{Decision, Term, TermState, Terms};
use crate::denial::{Denial, ReasonCode};
use crate::directory::{ClientRecord, MembershipRecord, Standing, TenantRecord, Unavailable};
use crate::policy::{Action, ActionPolicy, PolicyAnswer};
use crate::token::TokenFacts;

/// A subject with its client, both known to the tenant that it acts in. Only [`crate::ActiveTenant::identify`] makes
/// one.
///
/// Roles and scopes are those of this tenant; there is no authority outside a tenant.
#[derive(Debug)]
pub struct TenantPrincipal {
    candidate: CandidateTenant,
    facts: TokenFacts,
    tenant: TenantRecord,
    class: OperationClass,
    membership: MembershipRecord,
    access_mode: AccessMode,
}

impl TenantPrincipal {
    pub(crate) fn new(
        candidate: CandidateTenant,
        facts: TokenFacts,
        tenant: TenantRecord,
        class: OperationClass,
        client: Result<Option<ClientRecord>, Unavailable>,
        membership: Result<Option<MembershipRecord>, Unavailable>,
    ) -> Result<Self, Denial> {
        let denied = |reason| Denial::new(reason).about(&tenant.id);
        let unavailable = |error: Unavailable| Denial::from(error).about(&tenant.id);

        let client = client.map_err(unavailable)?.ok_or_else(|| denied(ReasonCode::ClientUnknown))?;
        if client.tenant != tenant.id || client.id != facts.client {
            return Err(denied(ReasonCode::ForeignAnswer));
        }
        if client.active == Standing::Inactive {
            return Err(denied(ReasonCode::ClientInactive));
        }

        let membership = membership.map_err(unavailable)?.ok_or_else(|| denied(ReasonCode::NotMember))?;
        if membership.tenant != tenant.id {
            return Err(denied(ReasonCode::ForeignAnswer));
        }
        if membership.standing == Standing::Inactive {
            return Err(denied(ReasonCode::MembershipInactive));
        }

        Ok(Self { candidate, facts, tenant, class, membership, access_mode: AccessMode::NormalUser })
    }

    /// The tenant it acts in.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant.id
    }

    /// The tenant's status when it was asked.
    pub fn tenant_status(&self) -> TenantStatus {
        self.tenant.status
    }

    /// The first of the defining sources that named the tenant.
    pub fn tenant_source(&self) -> AssertionSource {
        self.candidate.source()
    }

    /// Who acts. Known together with [`TenantPrincipal::issuer`] alone.
    pub fn subject(&self) -> &Subject {
        &self.facts.subject
    }

    /// Who vouches for the subject.
    pub fn issuer(&self) -> &Issuer {
        &self.facts.issuer
    }

    /// The client through which the subject acts.
    pub fn client(&self) -> &ClientId {
        &self.facts.client
    }

    /// The subject's roles in this tenant.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.membership.roles
    }

    /// What the token was issued for.
    pub fn scopes(&self) -> &BTreeSet<Scope> {
        &self.facts.scopes
    }

    /// When the token ends. For whoever keeps a scope longer than a request: nothing here looks at it.
    pub fn expires_at(&self) -> SystemTime {
        self.facts.expires_at
    }

    /// The version of the membership that was read.
    pub fn membership_version(&self) -> u64 {
        self.membership.version
    }

    /// In which capacity the subject acts.
    pub fn access_mode(&self) -> AccessMode {
        self.access_mode
    }

    /// The class of operation that the tenant's status was asked for.
    pub fn class(&self) -> OperationClass {
        self.class
    }

    /// Asks the policy, and draws up the seven terms.
    ///
    /// An action of another class than the one that the tenant was activated for fails: its status was never asked.
    pub fn decide(self, action: &Action, policy: &dyn ActionPolicy) -> Decision {
        let allowed = if action.class != self.class {
            TermState::Failed(ReasonCode::ActionClass)
        } else {
            match policy.allows(&self, action) {
                PolicyAnswer::Allow => TermState::Proven,
                PolicyAnswer::Deny => TermState::Failed(ReasonCode::ActionNotAllowed),
            }
        };
        let terms = Terms::from_fn(|term| match term {
            // This principal exists only because these four were proven on the way.
            Term::Authenticated
            | Term::TokenTrustedForTenant
            | Term::SubjectMemberOfTenant
            | Term::ClientAllowedForTenant => TermState::Proven,
            Term::ActionAllowedInTenant => allowed,
            // No record has been touched yet.
            Term::ResourceBelongsToTenant | Term::DataAccessConstrained => TermState::Owed,
        });
        Decision::new(self, action.name.clone(), terms)
    }
}
