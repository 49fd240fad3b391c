//! Fifth step: the isolation equation, seven terms of which each is proven, failed or owed.

use std::fmt;

use watertight_model::ActionName;

use crate::denial::{Denial, ReasonCode};
use crate::principal::TenantPrincipal;
use crate::scope::TenantScope;

/// The terms of the isolation equation (isolation 4). An operation is permitted if all hold; leaving one out opens a
/// way into another tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// Somebody vouches for the caller.
    Authenticated,
    /// Who vouches is registered for this tenant, with this key.
    TokenTrustedForTenant,
    /// The subject is a member of this tenant.
    SubjectMemberOfTenant,
    /// The client is registered for this tenant.
    ClientAllowedForTenant,
    /// The action is allowed in this tenant.
    ActionAllowedInTenant,
    /// The record that is touched is this tenant's.
    ResourceBelongsToTenant,
    /// Data is read and written within this tenant alone.
    DataAccessConstrained,
}

impl Term {
    /// Every term, in the order in which they are judged.
    pub const ALL: &'static [Self; 7] = &[
        Self::Authenticated,
        Self::TokenTrustedForTenant,
        Self::SubjectMemberOfTenant,
        Self::ClientAllowedForTenant,
        Self::ActionAllowedInTenant,
        Self::ResourceBelongsToTenant,
        Self::DataAccessConstrained,
    ];

    /// A stable name for logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated",
            Self::TokenTrustedForTenant => "token_trusted_for_tenant",
            Self::SubjectMemberOfTenant => "subject_member_of_tenant",
            Self::ClientAllowedForTenant => "client_allowed_for_tenant",
            Self::ActionAllowedInTenant => "action_allowed_in_tenant",
            Self::ResourceBelongsToTenant => "resource_belongs_to_tenant",
            Self::DataAccessConstrained => "data_access_constrained",
        }
    }

    /// Whether the term can only be proven where the data is, so that a scope may be opened while it is owed.
    pub const fn may_be_owed(self) -> bool {
        matches!(self, Self::ResourceBelongsToTenant | Self::DataAccessConstrained)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The state of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TermState {
    /// It holds.
    Proven,
    /// It doesn't hold.
    Failed(ReasonCode),
    /// Nobody has looked yet.
    Owed,
}

impl fmt::Display for TermState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven => f.write_str("proven"),
            Self::Failed(reason) => write!(f, "failed by {reason}"),
            Self::Owed => f.write_str("owed"),
        }
    }
}

/// The state of all seven terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms([(Term, TermState); 7]);

impl Terms {
    /// The states that `state` gives to each term.
    pub fn from_fn(mut state: impl FnMut(Term) -> TermState) -> Self {
        Self(Term::ALL.map(|term| (term, state(term))))
    }

    /// Each term with its state, in the order of [`Term::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Term, TermState)> + '_ {
        self.0.iter().copied()
    }

    /// The isolation equation: the terms that are still owed, if the others permit.
    ///
    /// # Errors
    ///
    /// The reason of the first term that failed, or that is owed although it has to be proven by now.
    pub fn judge(&self) -> Result<Vec<Term>, ReasonCode> {
        let mut owed = Vec::new();
        for (term, state) in self.iter() {
            match state {
                TermState::Proven => {}
                TermState::Failed(reason) => return Err(reason),
                TermState::Owed if term.may_be_owed() => owed.push(term),
                TermState::Owed => return Err(ReasonCode::TermUnproven(term)),
            }
        }
        Ok(owed)
    }
}

/// The one record of who may do what in which tenant, and why. Only [`TenantPrincipal::decide`] makes one.
///
/// Displayed, it is the whole explanation in one line, for the log.
#[derive(Debug)]
pub struct Decision {
    principal: TenantPrincipal,
    action: ActionName,
    terms: Terms,
}

impl Decision {
    pub(crate) fn new(principal: TenantPrincipal, action: ActionName, terms: Terms) -> Self {
        Self { principal, action, terms }
    }

    /// The state of the seven terms.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Who it is about.
    pub fn principal(&self) -> &TenantPrincipal {
        &self.principal
    }

    /// What it is about.
    pub fn action(&self) -> &ActionName {
        &self.action
    }

    /// Opens the scope, if the terms permit; it owes those that are still open.
    ///
    /// # Errors
    ///
    /// The reason of the first term that doesn't hold.
    pub fn permit(self) -> Result<TenantScope, Denial> {
        match self.terms.judge() {
            Ok(owed) => Ok(TenantScope::new(self.principal, self.action, &owed)),
            Err(reason) => Err(Denial::new(reason).about(self.principal.tenant()).because(self.to_string())),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = &self.principal;
        write!(
            f,
            "{} in {} (from {}) by {} of {} through {}, {}, membership version {}",
            self.action,
            who.tenant(),
            who.tenant_source(),
            who.subject(),
            who.issuer(),
            who.client(),
            who.access_mode(),
            who.membership_version(),
        )?;
        self.terms.iter().try_for_each(|(term, state)| write!(f, "; {term} {state}"))
    }
}
