//! Summaries in a cache whose keys carry the tenant.

use std::time::Duration;

use watertight_core::TenantScope;
use watertight_model::ResourceId;
use watertight_scoped::cache::{CacheLimits, ScopedCache};

use crate::domain::CaseSummary;
use crate::ports::SummaryCache;

/// The part of the cache that summaries live in.
const NAMESPACE: &str = "case-summary";
/// How much is held, over all tenants, and how long a summary may be out of date.
const LIMITS: CacheLimits = CacheLimits { entries: 10_000, time_to_live: Duration::from_secs(30) };

/// Summaries in a cache whose keys carry the tenant.
pub(crate) struct ScopedSummaries(ScopedCache<CaseSummary>);

impl ScopedSummaries {
    pub(crate) fn new() -> Self {
        Self(ScopedCache::new(LIMITS))
    }
}

impl SummaryCache for ScopedSummaries {
    fn get(&self, scope: &TenantScope, case: &ResourceId) -> Option<CaseSummary> {
        self.0.get(scope, NAMESPACE, case.as_str())
    }

    fn put(&self, scope: &TenantScope, summary: CaseSummary) {
        let case = summary.id.clone();
        if let Err(refused) = self.0.put(scope, NAMESPACE, case.as_str(), summary) {
            // The answer is right without the cache; that it was refused is a bug of the caller's.
            tracing::error!(%refused, "a summary was not cached");
        }
    }

    fn evict(&self, scope: &TenantScope, case: &ResourceId) {
        self.0.evict(scope, NAMESPACE, case.as_str());
    }
}
