//! Pays the terms that a scope still owes, once data access has been constrained to its tenant.

use watertight_core::{TenantScope, payment};

/// Pays both owed terms. Called only after a statement, or a cache hit, that carried the scope's tenant.
pub(crate) fn pay(scope: &TenantScope) {
    payment::settle_all(scope.ledger());
}

/// Whether the scope has paid, which it can only have done through this crate. What was waived is not paid: a handler that
/// says so holds no tenant data.
pub(crate) fn is_paid(scope: &TenantScope) -> bool {
    scope.ledger().owed().is_empty() && scope.ledger().waived().is_none()
}
