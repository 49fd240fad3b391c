//! A candidate comes from resolving assertions, not from a name.

use std::collections::BTreeSet;

use watertight_core::CandidateTenant;
use watertight_model::{AssertionSource, TenantId};

fn forge(tenant: TenantId) -> CandidateTenant {
    CandidateTenant { tenant, source: AssertionSource::Path, sources: BTreeSet::new() }
}

fn main() {}
