//! Terms that are all proven don't make a decision about anybody.

use watertight_core::{Decision, TenantPrincipal, Term, TermState, Terms};
use watertight_model::ActionName;

fn forge(principal: TenantPrincipal, action: ActionName) -> Decision {
    Decision { principal, action, terms: Terms::from_fn(|_: Term| TermState::Proven) }
}

fn main() {}
