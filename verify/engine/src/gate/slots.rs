//! How many requests are under way at once, and who is the next.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::oneshot;

/// Requests that may be under way at once.
pub(crate) struct Slots(Rc<State>);

struct State {
    free: Cell<usize>,
    first: RefCell<VecDeque<oneshot::Sender<Slot>>>,
    others: RefCell<VecDeque<oneshot::Sender<Slot>>>,
}

/// When a request has its turn, where all slots are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Before the others: they wait for its trial to end.
    First,
    /// After those that came before it.
    InOrder,
}

/// A request may be under way as long as it is there.
pub(crate) struct Slot(Rc<State>);

impl Slots {
    pub(crate) fn new(most: usize) -> Self {
        Self(Rc::new(State { free: Cell::new(most), first: RefCell::default(), others: RefCell::default() }))
    }

    /// Until there is one.
    pub(crate) async fn acquire(&self, turn: Turn) -> Slot {
        if let Some(left) = self.0.free.get().checked_sub(1) {
            self.0.free.set(left);
            return Slot(Rc::clone(&self.0));
        }
        let (sender, receiver) = oneshot::channel();
        match turn {
            Turn::First => self.0.first.borrow_mut().push_back(sender),
            Turn::InOrder => self.0.others.borrow_mut().push_back(sender),
        }
        // A sender is dropped only with the slots themselves, which are borrowed here.
        receiver.await.unwrap_or_else(|_| Slot(Rc::clone(&self.0)))
    }
}

impl State {
    fn next(&self) -> Option<oneshot::Sender<Slot>> {
        let first = self.first.borrow_mut().pop_front();
        first.or_else(|| self.others.borrow_mut().pop_front())
    }
}

impl Drop for Slot {
    /// Goes on to the next that waits. Where that one does not any more, it is dropped, and so goes on to the one after it.
    fn drop(&mut self) {
        match self.0.next() {
            Some(next) => drop(next.send(Self(Rc::clone(&self.0)))),
            None => self.0.free.set(self.0.free.get().saturating_add(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn what_others_wait_for_has_the_next_slot() {
        let slots = Slots::new(1);
        let held = slots.acquire(Turn::InOrder).now_or_never().unwrap();
        let mut later = Box::pin(slots.acquire(Turn::InOrder));
        let mut first = Box::pin(slots.acquire(Turn::First));
        assert!((&mut later).now_or_never().is_none() && (&mut first).now_or_never().is_none());
        drop(held);
        assert!((&mut later).now_or_never().is_none());
        let held = (&mut first).now_or_never().unwrap();
        drop(held);
        assert!((&mut later).now_or_never().is_some());
    }

    #[test]
    fn no_slot_is_lost_with_those_that_wait_no_more() {
        let slots = Slots::new(1);
        let held = slots.acquire(Turn::InOrder).now_or_never().unwrap();
        let mut gone_before = Box::pin(slots.acquire(Turn::First));
        assert!((&mut gone_before).now_or_never().is_none());
        let mut gone_after = Box::pin(slots.acquire(Turn::InOrder));
        assert!((&mut gone_after).now_or_never().is_none());
        drop(gone_before);
        drop(held);
        // It has got the slot, and never looked.
        drop(gone_after);
        assert!(slots.acquire(Turn::InOrder).now_or_never().is_some());
    }
}
