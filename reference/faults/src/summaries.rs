//! A cache of summaries whose keys lack the tenant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use watertight_casework::Ports;
use watertight_casework::domain::CaseSummary;
use watertight_casework::ports::SummaryCache;
use watertight_core::TenantScope;
use watertight_model::ResourceId;

use crate::fault::Workshop;
use crate::raw::pretend_paid;

const TIME_TO_LIVE: Duration = Duration::from_secs(30);
/// Most entries; one more empties it.
const MAX_ENTRIES: usize = 10_000;

pub(crate) fn key_without_tenant(_: &Workshop, ports: Ports) -> Ports {
    Ports { summaries: Arc::new(SharedSummaries::default()), ..ports }
}

/// Holds the summary of `case-1` once, for whoever has a `case-1`.
#[derive(Default)]
struct SharedSummaries(Mutex<HashMap<ResourceId, (Instant, CaseSummary)>>);

impl SharedSummaries {
    fn entries(&self) -> MutexGuard<'_, HashMap<ResourceId, (Instant, CaseSummary)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SummaryCache for SharedSummaries {
    fn get(&self, scope: &TenantScope, case: &ResourceId) -> Option<CaseSummary> {
        let held = self.entries().get(case).filter(|(since, _)| since.elapsed() < TIME_TO_LIVE)?.1.clone();
        pretend_paid(scope);
        Some(held)
    }

    fn put(&self, _: &TenantScope, summary: CaseSummary) {
        let mut entries = self.entries();
        if entries.len() >= MAX_ENTRIES {
            entries.clear();
        }
        entries.insert(summary.id.clone(), (Instant::now(), summary));
    }

    fn evict(&self, _: &TenantScope, case: &ResourceId) {
        self.entries().remove(case);
    }
}
