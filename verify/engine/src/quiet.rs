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

impl State {
    fn lets_in(&self, source: Source) -> bool {
        self.holder.is_none_or(|holder| holder == source)
    }
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
            let is_free = tenants.iter().all(|t| states.get(t).is_none_or(|state| state.lets_in(source)));
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
        self.write(tenants, |state| state.lets_in(source)).await
    }

    /// The same where a token that the source needs makes an account in a tenant. One that has quiet anywhere does not wait: who
    /// has it there may be waiting for this one.
    pub(crate) async fn enter_for_log_in(&self, source: Source, tenant: TenantIx) -> Write<'_> {
        let has_quiet = self.has_quiet(source);
        self.write(&[tenant], |state| has_quiet || state.lets_in(source)).await
    }

    async fn write(&self, tenants: &[TenantIx], lets_in: impl Fn(&State) -> bool) -> Write<'_> {
        self.until(|states| {
            let may = tenants.iter().all(|tenant| states.get(tenant).is_none_or(&lets_in));
            if may {
                tenants.iter().for_each(|tenant| states.entry(*tenant).or_default().writes += 1);
            }
            may
        })
        .await;
        Write { quiets: self, tenants: tenants.to_vec() }
    }

    fn has_quiet(&self, source: Source) -> bool {
        self.tenants.borrow().values().any(|state| state.holder == Some(source))
    }

    /// Whether a source that has quiet anywhere has it in all these tenants. Two of which each has one tenant, and writes in
    /// that of the other, would wait for each other for ever.
    fn is_within(&self, source: Source, tenants: &[TenantIx]) -> bool {
        let states = self.tenants.borrow();
        let has = |tenant: &TenantIx| states.get(tenant).is_some_and(|state| state.holder == Some(source));
        !self.has_quiet(source) || tenants.iter().all(has)
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

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn tenant(number: u32) -> TenantIx {
        serde_json::from_value(number.into()).unwrap()
    }

    #[test]
    fn a_log_in_of_one_that_has_quiet_never_waits_for_another_that_has() {
        let quiets = Quiets::default();
        let (a, b) = (tenant(0), tenant(1));
        let (one, other, third) = (Source::Trial(1), Source::Trial(2), Source::Trial(3));
        assert!(quiets.acquire(one, &[a]).now_or_never().is_some());
        assert!(quiets.acquire(other, &[b]).now_or_never().is_some());
        let logs_in = |source, tenant: TenantIx| quiets.enter_for_log_in(source, tenant).now_or_never().is_some();
        assert!(logs_in(one, a) && logs_in(one, b) && logs_in(other, a));
        assert!(!logs_in(third, a) && !logs_in(third, b));
    }
}
