//! An active tenant decides nothing before it is known who acts.

use watertight_core::{Action, ActionPolicy, ActiveTenant, Decision};

fn skip(tenant: ActiveTenant, action: &Action, policy: &dyn ActionPolicy) -> Decision {
    tenant.decide(action, policy)
}

fn main() {}
