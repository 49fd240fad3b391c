//! Who may create, change and remove in a tenant while a trial needs it to be quiet there.

use std::cell::RefCell;
use std::collections::HashMap;

use tokio::sync::Notify;
use watertight_spec::TenantIx;

use crate::log::Source;

/// By tenant: who asked for quiet, and how many writes are under way.
#[derive(Default)]
pub(crate) struct Quiets {
    tenants: RefCell<HashMap<TenantIx, State>>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    holder: Option<Source>,
    writes: usize,
}

/// A write that is under way.
pub(crate) struct Write<'q> {
    quiets: &'q Quiets,
    tenants: Vec<TenantIx>,
}

impl Quiets {
    /// Until the tenants are quiet for this source: writes that are under way have ended, and no one else's begins.
    pub(crate) async fn acquire(&self, source: Source, tenants: &[TenantIx]) {
        self.until(|states| {
            let is_free = tenants.iter().all(|t| states.get(t).and_then(|s| s.holder).is_none_or(|h| h == source));
            if is_free {
                tenants.iter().for_each(|tenant| states.entry(*tenant).or_default().holder = Some(source));
            }
            is_free
        })
        .await;
        self.until(|states| tenants.iter().all(|tenant| states.get(tenant).is_none_or(|state| state.writes == 0)))
            .await;
    }

    /// The source needs no quiet any more.
    pub(crate) fn release(&self, source: Source) {
        for state in self.tenants.borrow_mut().values_mut().filter(|state| state.holder == Some(source)) {
            state.holder = None;
        }
        self.changed.notify_waiters();
    }

    /// Until this source may write in these tenants; they are not quiet while the guard is there.
    pub(crate) async fn enter(&self, source: Source, tenants: &[TenantIx]) -> Write<'_> {
        debug_assert!(self.is_within(source, tenants), "a trial writes outside of where it asked for quiet");
        self.until(|states| {
            let may = tenants.iter().all(|t| states.get(t).and_then(|s| s.holder).is_none_or(|h| h == source));
            if may {
                tenants.iter().for_each(|tenant| states.entry(*tenant).or_default().writes += 1);
            }
            may
        })
        .await;
        Write { quiets: self, tenants: tenants.to_vec() }
    }

    /// Whether a source that has quiet anywhere has it in all these tenants. Two of which each has one tenant, and writes in
    /// that of the other, would wait for each other for ever.
    fn is_within(&self, source: Source, tenants: &[TenantIx]) -> bool {
        let states = self.tenants.borrow();
        let has = |tenant: &TenantIx| states.get(tenant).is_some_and(|state| state.holder == Some(source));
        tenants.iter().all(has) || !states.values().any(|state| state.holder == Some(source))
    }

    /// Tries whenever something has changed.
    async fn until(&self, mut attempt: impl FnMut(&mut HashMap<TenantIx, State>) -> bool) {
        loop {
            let changed = self.changed.notified();
            if attempt(&mut self.tenants.borrow_mut()) {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        let mut states = self.quiets.tenants.borrow_mut();
        for tenant in &self.tenants {
            if let Some(state) = states.get_mut(tenant) {
                state.writes = state.writes.saturating_sub(1);
            }
        }
        drop(states);
        self.quiets.changed.notify_waiters();
    }
}
