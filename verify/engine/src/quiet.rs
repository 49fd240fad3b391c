//! Who may create, change and remove in a tenant while a trial needs it to be quiet there.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use tokio::sync::Notify;
use watertight_spec::TenantIx;

use crate::log::Source;
use crate::tape::Within;

/// By tenant: who asked for quiet, and how many writes are under way.
#[derive(Default)]
pub(crate) struct Quiets {
    tenants: RefCell<HashMap<TenantIx, State>>,
    changed: Notify,
    held_up: Cell<usize>,
    holds_up: Notify,
}

#[derive(Default)]
struct State {
    holder: Option<Source>,
    /// Those that have quiet elsewhere, and write here besides.
    besides: HashSet<Source>,
    writes: usize,
}

impl State {
    fn lets_in(&self, source: Source) -> bool {
        self.holder.is_none_or(|holder| holder == source)
    }

    /// Whether it may be quiet here for a source.
    fn may_be_quiet(&self, source: Source) -> bool {
        self.lets_in(source) && self.besides.iter().all(|other| *other == source)
    }
}

/// A write that is under way.
pub(crate) struct Write<'q> {
    quiets: &'q Quiets,
    tenants: Vec<TenantIx>,
}

impl Quiets {
    /// Until it is quiet for this source: writes that are under way have ended, and no one else's begins. Where it writes
    /// besides, it is quiet for no one else: of two that each write where the other has quiet, one waits until the other has
    /// ended.
    pub(crate) async fn acquire(&self, source: Source, Within { quiet, besides }: &Within) {
        self.until(|states| {
            let is_free = quiet.iter().all(|one| states.get(one).is_none_or(|state| state.may_be_quiet(source)))
                && besides.iter().all(|one| states.get(one).is_none_or(|state| state.lets_in(source)));
            if is_free {
                quiet.iter().for_each(|tenant| states.entry(*tenant).or_default().holder = Some(source));
                for tenant in besides {
                    states.entry(*tenant).or_default().besides.insert(source);
                }
            }
            is_free
        })
        .await;
        self.until(|states| quiet.iter().all(|tenant| states.get(tenant).is_none_or(|state| state.writes == 0))).await;
    }

    /// The source needs no quiet any more.
    pub(crate) fn release(&self, source: Source) {
        for state in self.tenants.borrow_mut().values_mut() {
            state.besides.remove(&source);
            state.holder = state.holder.filter(|holder| *holder != source);
        }
        self.changed.notify_waiters();
    }

    /// Until one more write is held up.
    pub(crate) async fn until_held_up(&self) {
        self.holds_up.notified().await;
    }

    /// How many writes wait because it is quiet where they would write.
    pub(crate) fn held_up(&self) -> usize {
        self.held_up.get()
    }

    /// Until this source may write in these tenants. What it needs besides may take its time, and it may be quiet by then: so it
    /// is asked again, by [`Self::enter`], just before it is sent.
    pub(crate) async fn until_open(&self, source: Source, tenants: &[TenantIx]) {
        debug_assert!(self.is_within(source, tenants), "a trial writes outside of where it asked for quiet");
        if !self.is_open(source, tenants) {
            let _held_up = HeldUp::count(self);
            self.until(|states| lets_in(states, tenants, |state| state.lets_in(source))).await;
        }
    }

    /// Whether this source may write in these tenants now.
    pub(crate) fn is_open(&self, source: Source, tenants: &[TenantIx]) -> bool {
        lets_in(&self.tenants.borrow(), tenants, |state| state.lets_in(source))
    }

    /// A write of this source, if it may write in these tenants now. They are not quiet while it is under way.
    pub(crate) fn enter(&self, source: Source, tenants: &[TenantIx]) -> Option<Write<'_>> {
        let mut states = self.tenants.borrow_mut();
        lets_in(&states, tenants, |state| state.lets_in(source)).then(|| self.begin(&mut states, tenants))
    }

    /// Until a token that a source needs may make an account in a tenant, which is not quiet while the guard is there. A source
    /// that has quiet anywhere does not wait: who has it there may be waiting for this one.
    pub(crate) async fn enter_for_log_in(&self, source: Source, tenant: TenantIx) -> Write<'_> {
        let has_quiet = self.has_quiet(source);
        let mut write = None;
        self.until(|states| {
            if lets_in(states, &[tenant], |state| has_quiet || state.lets_in(source)) {
                write = Some(self.begin(states, &[tenant]));
            }
            write.is_some()
        })
        .await;
        write.unwrap_or(Write { quiets: self, tenants: Vec::new() })
    }

    fn begin(&self, states: &mut HashMap<TenantIx, State>, tenants: &[TenantIx]) -> Write<'_> {
        for tenant in tenants {
            let state = states.entry(*tenant).or_default();
            state.writes = state.writes.saturating_add(1);
        }
        Write { quiets: self, tenants: tenants.to_vec() }
    }

    /// Whether it is quiet anywhere for a source.
    pub(crate) fn has_quiet(&self, source: Source) -> bool {
        self.tenants.borrow().values().any(|state| state.holder == Some(source))
    }

    /// Whether a source that has quiet anywhere has said of all these tenants that it writes there. Two of which each has one
    /// tenant, and writes in that of the other, would wait for each other for ever.
    fn is_within(&self, source: Source, tenants: &[TenantIx]) -> bool {
        let states = self.tenants.borrow();
        let is_known = |state: &State| state.holder == Some(source) || state.besides.contains(&source);
        !self.has_quiet(source) || tenants.iter().all(|tenant| states.get(tenant).is_some_and(is_known))
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

fn lets_in(states: &HashMap<TenantIx, State>, tenants: &[TenantIx], is_let_in: impl Fn(&State) -> bool) -> bool {
    tenants.iter().all(|tenant| states.get(tenant).is_none_or(&is_let_in))
}

/// A write that waits.
struct HeldUp<'q>(&'q Cell<usize>);

impl<'q> HeldUp<'q> {
    fn count(quiets: &'q Quiets) -> Self {
        quiets.held_up.set(quiets.held_up.get().saturating_add(1));
        quiets.holds_up.notify_one();
        Self(&quiets.held_up)
    }
}

impl Drop for HeldUp<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
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

    fn within<const Q: usize, const B: usize>(quiet: [TenantIx; Q], besides: [TenantIx; B]) -> Within {
        Within { quiet: quiet.into(), besides: besides.into() }
    }

    #[test]
    fn two_that_each_write_where_the_other_needs_quiet_take_turns() {
        let quiets = Quiets::default();
        let (a, b) = (tenant(0), tenant(1));
        let (one, other) = (Source::Trial(1), Source::Trial(2));
        let gets = |source, within: Within| quiets.acquire(source, &within).now_or_never().is_some();
        assert!(gets(one, within([a], [b])));
        assert!(!gets(other, within([b], [a])) && !gets(other, within([b], [])));
        assert!(quiets.enter(one, &[a, b]).is_some(), "what has it goes on");
        assert!(
            quiets.enter(other, &[b]).is_some() && quiets.enter(other, &[a]).is_none(),
            "besides, others write too"
        );
        quiets.release(one);
        assert!(gets(other, within([b], [a])));
        assert!(!gets(one, within([a], [b])));
    }

    #[test]
    fn what_waits_for_quiet_to_end_is_held_up() {
        let quiets = Quiets::default();
        let tenants = [tenant(0)];
        assert!(quiets.acquire(Source::Trial(1), &within(tenants, [])).now_or_never().is_some());
        let mut write = Box::pin(quiets.until_open(Source::Trial(2), &tenants));
        assert!((&mut write).now_or_never().is_none());
        assert_eq!(quiets.held_up(), 1);
        quiets.release(Source::Trial(1));
        assert!((&mut write).now_or_never().is_some());
        assert_eq!(quiets.held_up(), 0);
    }

    #[test]
    fn a_log_in_of_one_that_has_quiet_never_waits_for_another_that_has() {
        let quiets = Quiets::default();
        let (a, b) = (tenant(0), tenant(1));
        let (one, other, third) = (Source::Trial(1), Source::Trial(2), Source::Trial(3));
        assert!(quiets.acquire(one, &within([a], [])).now_or_never().is_some());
        assert!(quiets.acquire(other, &within([b], [])).now_or_never().is_some());
        let logs_in = |source, tenant: TenantIx| quiets.enter_for_log_in(source, tenant).now_or_never().is_some();
        assert!(logs_in(one, a) && logs_in(one, b) && logs_in(other, a));
        assert!(!logs_in(third, a) && !logs_in(third, b));
    }
}
