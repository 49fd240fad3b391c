//! Who may create, change and remove in a tenant while a trial needs it to be quiet there.
//!
//! Quiet is of two kinds ([`QuietOf`]). One trial at a time has a tenant in which no other writes at all. Several have one in
//! which no one creates anything: they change and remove there, and so do others.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use tokio::sync::Notify;
use watertight_spec::TenantIx;

use crate::log::Source;
use crate::tape::{QuietOf, Within};

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
    /// No other one writes here.
    holder: Option<Source>,
    /// No one creates here.
    quiet_of_creates_for: HashSet<Source>,
    /// Those that have quiet elsewhere, and write here besides.
    besides: HashMap<Source, QuietOf>,
    writes: usize,
    /// Those of them by which there may be objects that were not there.
    creates: usize,
}

impl State {
    /// Whether a write of a source may begin here.
    fn lets_in(&self, source: Source, Touched { creates, .. }: &Touched) -> bool {
        self.lets_write(source) && (!creates || self.lets_create(source))
    }

    fn lets_write(&self, source: Source) -> bool {
        self.holder.is_none_or(|holder| holder == source)
    }

    fn lets_create(&self, source: Source) -> bool {
        self.quiet_of_creates_for.iter().all(|other| *other == source)
    }

    /// Whether it may be quiet here for a source.
    fn may_be_quiet(&self, source: Source, of: QuietOf) -> bool {
        let mut others = self.besides.iter().filter(|(other, _)| **other != source);
        self.lets_write(source)
            && match of {
                QuietOf::Writes => others.next().is_none() && self.lets_create(source),
                QuietOf::Creates => others.all(|(_, theirs)| *theirs == QuietOf::Creates),
            }
    }

    /// Whether a source that has quiet elsewhere may write here besides.
    fn may_be_besides(&self, source: Source, of: QuietOf) -> bool {
        self.lets_write(source) && (of == QuietOf::Creates || self.lets_create(source))
    }

    /// Whether what is under way here has ended.
    fn has_ended(&self, of: QuietOf) -> bool {
        match of {
            QuietOf::Writes => self.writes == 0,
            QuietOf::Creates => self.creates == 0,
        }
    }
}

/// Where a call writes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) tenants: Vec<TenantIx>,
    /// Whether there may be objects there that were not there before.
    pub(crate) creates: bool,
}

/// A write that is under way.
pub(crate) struct Write<'q> {
    quiets: &'q Quiets,
    touched: Touched,
}

impl Quiets {
    /// Until it is quiet for this source: writes that are under way have ended, and no one else's begins. Where it writes
    /// besides, it is quiet for no one else: of two that each write where the other has quiet, one waits until the other has
    /// ended.
    pub(crate) async fn acquire(&self, source: Source, Within { of, quiet, besides }: &Within) {
        self.until(|states| {
            let is_free = all(states, quiet, |state| state.may_be_quiet(source, *of))
                && all(states, besides, |state| state.may_be_besides(source, *of));
            if is_free {
                for tenant in quiet {
                    let state = states.entry(*tenant).or_default();
                    match of {
                        QuietOf::Writes => state.holder = Some(source),
                        QuietOf::Creates => drop(state.quiet_of_creates_for.insert(source)),
                    }
                }
                for tenant in besides {
                    states.entry(*tenant).or_default().besides.insert(source, *of);
                }
            }
            is_free
        })
        .await;
        self.until(|states| all(states, quiet, |state| state.has_ended(*of))).await;
    }

    /// The source needs no quiet any more.
    pub(crate) fn release(&self, source: Source) {
        for state in self.tenants.borrow_mut().values_mut() {
            state.besides.remove(&source);
            state.quiet_of_creates_for.remove(&source);
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

    /// Until this source may write there. What it needs besides may take its time, and it may be quiet by then: so it is asked
    /// again, by [`Self::enter`], just before it is sent.
    pub(crate) async fn until_open(&self, source: Source, touched: &Touched) {
        debug_assert!(self.is_within(source, touched), "a trial writes outside of where it asked for quiet");
        if !self.is_open(source, touched) {
            let _held_up = HeldUp::count(self);
            self.until(|states| all(states, &touched.tenants, |state| state.lets_in(source, touched))).await;
        }
    }

    /// Whether this source may write there now.
    pub(crate) fn is_open(&self, source: Source, touched: &Touched) -> bool {
        all(&self.tenants.borrow(), &touched.tenants, |state| state.lets_in(source, touched))
    }

    /// A write of this source, if it may write there now. It is not quiet there while it is under way.
    pub(crate) fn enter(&self, source: Source, touched: &Touched) -> Option<Write<'_>> {
        let mut states = self.tenants.borrow_mut();
        let is_open = all(&states, &touched.tenants, |state| state.lets_in(source, touched));
        is_open.then(|| self.begin(&mut states, touched))
    }

    /// Until a token that a source needs may make an account in a tenant, which is not quiet while the guard is there. A source
    /// that has quiet anywhere does not wait: who has it there may be waiting for this one.
    pub(crate) async fn enter_for_log_in(&self, source: Source, tenant: TenantIx) -> Write<'_> {
        let has_quiet = self.has_quiet(source);
        let touched = Touched { tenants: vec![tenant], creates: true };
        let mut write = None;
        self.until(|states| {
            if has_quiet || all(states, &touched.tenants, |state| state.lets_in(source, &touched)) {
                write = Some(self.begin(states, &touched));
            }
            write.is_some()
        })
        .await;
        write.unwrap_or(Write { quiets: self, touched: Touched::default() })
    }

    fn begin(&self, states: &mut HashMap<TenantIx, State>, Touched { tenants, creates }: &Touched) -> Write<'_> {
        for tenant in tenants {
            let state = states.entry(*tenant).or_default();
            state.writes = state.writes.saturating_add(1);
            state.creates = state.creates.saturating_add(usize::from(*creates));
        }
        Write { quiets: self, touched: Touched { tenants: tenants.clone(), creates: *creates } }
    }

    /// Whether it is quiet anywhere for a source.
    pub(crate) fn has_quiet(&self, source: Source) -> bool {
        let is_quiet = |state: &State| state.holder == Some(source) || state.quiet_of_creates_for.contains(&source);
        self.tenants.borrow().values().any(is_quiet)
    }

    /// Whether a source that has quiet anywhere has said of all these tenants that it writes there, and so. Two of which each
    /// has one tenant, and writes in that of the other, would wait for each other for ever.
    fn is_within(&self, source: Source, Touched { tenants, creates }: &Touched) -> bool {
        let states = self.tenants.borrow();
        let is_known = |state: &State| {
            let of_besides = state.besides.get(&source);
            match creates {
                true => state.holder == Some(source) || of_besides == Some(&QuietOf::Writes),
                false => {
                    state.holder == Some(source) || state.quiet_of_creates_for.contains(&source) || of_besides.is_some()
                }
            }
        };
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

/// Whether something is so in all these tenants.
fn all(states: &HashMap<TenantIx, State>, tenants: &[TenantIx], is_so: impl Fn(&State) -> bool) -> bool {
    tenants.iter().all(|tenant| states.get(tenant).is_none_or(&is_so))
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
        for tenant in &self.touched.tenants {
            if let Some(state) = states.get_mut(tenant) {
                state.writes = state.writes.saturating_sub(1);
                state.creates = state.creates.saturating_sub(usize::from(self.touched.creates));
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
        Within { of: QuietOf::Writes, quiet: quiet.into(), besides: besides.into() }
    }

    fn without_creates<const Q: usize, const B: usize>(quiet: [TenantIx; Q], besides: [TenantIx; B]) -> Within {
        Within { of: QuietOf::Creates, ..within(quiet, besides) }
    }

    fn creates<const T: usize>(tenants: [TenantIx; T]) -> Touched {
        Touched { tenants: tenants.into(), creates: true }
    }

    fn changes<const T: usize>(tenants: [TenantIx; T]) -> Touched {
        Touched { tenants: tenants.into(), creates: false }
    }

    #[test]
    fn two_that_each_write_where_the_other_needs_quiet_take_turns() {
        let quiets = Quiets::default();
        let (a, b) = (tenant(0), tenant(1));
        let (one, other) = (Source::Trial(1), Source::Trial(2));
        let gets = |source, within: Within| quiets.acquire(source, &within).now_or_never().is_some();
        assert!(gets(one, within([a], [b])));
        assert!(!gets(other, within([b], [a])) && !gets(other, within([b], [])));
        assert!(!gets(other, without_creates([b], [])), "it may create there");
        assert!(quiets.enter(one, &creates([a, b])).is_some(), "what has it goes on");
        assert!(quiets.enter(other, &creates([b])).is_some(), "besides, others write too");
        assert!(quiets.enter(other, &changes([a])).is_none());
        quiets.release(one);
        assert!(gets(other, within([b], [a])));
        assert!(!gets(one, within([a], [b])));
    }

    #[test]
    fn several_have_a_tenant_in_which_no_one_creates() {
        let quiets = Quiets::default();
        let (a, b) = (tenant(0), tenant(1));
        let (one, other, third) = (Source::Trial(1), Source::Trial(2), Source::Trial(3));
        let gets = |source, within: Within| quiets.acquire(source, &within).now_or_never().is_some();
        assert!(gets(one, without_creates([a], [b])) && gets(other, without_creates([b], [a])));
        for source in [one, other, third] {
            assert!(quiets.enter(source, &changes([a, b])).is_some());
        }
        assert!(quiets.enter(third, &creates([a])).is_none());
        assert!(!gets(third, within([a], [])), "one at a time has all of it");
        quiets.release(one);
        assert!(!gets(third, within([a], [])), "the other one writes there besides");
        quiets.release(other);
        assert!(gets(third, within([a], [b])));
        assert!(!gets(one, without_creates([a], [])));
        assert!(!gets(one, without_creates([b], [])), "who has all of it may create besides");
    }

    #[test]
    fn no_create_is_under_way_any_more_where_none_may_begin() {
        let quiets = Quiets::default();
        let a = tenant(0);
        let (one, other) = (Source::Trial(1), Source::Trial(2));
        let (create, change) = (quiets.enter(other, &creates([a])), quiets.enter(other, &changes([a])));
        let keep = without_creates([a], []);
        let mut acquired = Box::pin(quiets.acquire(one, &keep));
        assert!((&mut acquired).now_or_never().is_none());
        drop(create);
        assert!((&mut acquired).now_or_never().is_some());
        drop(change);
    }

    #[test]
    fn what_waits_for_quiet_to_end_is_held_up() {
        let quiets = Quiets::default();
        let touched = changes([tenant(0)]);
        assert!(quiets.acquire(Source::Trial(1), &within([tenant(0)], [])).now_or_never().is_some());
        let mut write = Box::pin(quiets.until_open(Source::Trial(2), &touched));
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
        assert!(quiets.acquire(other, &without_creates([b], [])).now_or_never().is_some());
        let logs_in = |source, tenant: TenantIx| quiets.enter_for_log_in(source, tenant).now_or_never().is_some();
        assert!(logs_in(one, a) && logs_in(one, b) && logs_in(other, a));
        assert!(!logs_in(third, a) && !logs_in(third, b));
    }
}
