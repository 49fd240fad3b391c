//! Last step: what a handler gets, and what everything that holds tenant data opens against.

use std::sync::Arc;

use watertight_model::{ActionName, AssertionSource, OperationClass, TenantId};

use crate::decision::Term;
use crate::denial::{Denial, ReasonCode};
use crate::ledger::Ledger;
use crate::principal::TenantPrincipal;
use crate::status::{may_read, may_write};

/// Permission to act in one tenant, for one action. Only [`crate::Decision::permit`] makes one.
///
/// Clones are the same scope: they share the ledger.
///
/// It is for one request. Nothing in it ends when the token, the membership or the tenant's status does, so it is not
/// to be kept beyond the request's answer; what goes on afterwards opens a scope of its own, when it starts each step.
#[derive(Clone, Debug)]
pub struct TenantScope(Arc<Permission>);

#[derive(Debug)]
struct Permission {
    principal: TenantPrincipal,
    action: ActionName,
    ledger: Ledger,
}

impl TenantScope {
    pub(crate) fn new(principal: TenantPrincipal, action: ActionName, owed: &[Term]) -> Self {
        Self(Arc::new(Permission { principal, action, ledger: Ledger::owing(owed) }))
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        self.0.principal.tenant()
    }

    /// Who acts in it.
    pub fn principal(&self) -> &TenantPrincipal {
        &self.0.principal
    }

    /// The action that was decided on.
    pub fn action(&self) -> &ActionName {
        &self.0.action
    }

    /// The class of operation that was decided on.
    pub fn class(&self) -> OperationClass {
        self.0.principal.class()
    }

    /// Whether the tenant's data may be read in this scope, by the status that it was opened under: see [`may_read`].
    pub fn may_read(&self) -> bool {
        may_read(self.0.principal.tenant_status(), self.class())
    }

    /// Whether the tenant's data may be changed in this scope, by the status that it was opened under: see
    /// [`may_write`].
    pub fn may_write(&self) -> bool {
        may_write(self.0.principal.tenant_status(), self.class())
    }

    /// Checks a tenant that is named late, for instance by a field of the body: it must be this one.
    ///
    /// # Errors
    ///
    /// A text that names another tenant, or that can't be one.
    pub fn confirm(&self, source: AssertionSource, raw: &str) -> Result<(), Denial> {
        match raw.parse::<TenantId>() {
            Ok(named) if named == *self.tenant() => Ok(()),
            Ok(named) => Err(Denial::new(ReasonCode::TenantConflict)
                .about(self.tenant())
                .because(format!("the {source} names {named}"))),
            Err(error) => Err(Denial::new(ReasonCode::TenantMalformed)
                .about(self.tenant())
                .because(format!("the {source} names no tenant: {error}"))),
        }
    }

    /// What the scope still owes.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }
}
