//! A principal has no scope before the decision permits it, and a scope can't be built.

use watertight_core::{TenantPrincipal, TenantScope};

fn skip(principal: TenantPrincipal) -> TenantScope {
    principal.permit().unwrap()
}

fn forge(principal: TenantPrincipal) -> TenantScope {
    TenantScope::from(principal)
}

fn main() {}
