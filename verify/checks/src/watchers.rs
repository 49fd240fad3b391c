//! Watchers: what the events of a whole run tell, whatever they were for.
//!
//! A watcher is shown every event once, in the order of the log: in a live run as it is recorded, in a replay as it is
//! read. It keeps only what it needs to conclude, so memory does not grow with the run.

use std::collections::BTreeSet;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use watertight_engine::Access;
use watertight_engine::log::Event;
use watertight_engine::marker::RunTag;
use watertight_engine::planted::Planted;
use watertight_spec::{OperationIx, Pair, Spec};

use crate::api;
use crate::check::{Check, Concluded, Subject};
use crate::verdict::Evidence;

/// Looks at every event of a run once, in order.
pub(crate) trait Watcher {
    /// What it is, for people and for its findings.
    fn check(&self) -> &'static Check;
    /// Set-up has ended: what it planted is known from here on. Events of set-up that wait for this are looked at now.
    /// Called again where a run that went on after an interruption has set up anew.
    fn planted(&mut self, planted: &Rc<Planted>);
    /// The next event.
    fn see(&mut self, event: &Event);
    /// Where the events so far show that something crosses between a pair, a place at most once.
    fn leaks(&self, pair: Pair) -> Vec<Sight>;
    /// What it concludes for a pair of everything else. It says isolated through a [bracket](crate::bracket) alone, as
    /// every check does.
    fn nothing_else(&self, pair: Pair) -> Concluded;
}

/// What a watcher saw to cross, and where.
pub(crate) struct Sight {
    pub(crate) subject: Subject,
    pub(crate) evidence: Evidence,
    /// The operations by which what is shown may have come there: that of its owner's that wrote it, or those by which whoever
    /// is shown it has attacked.
    pub(crate) by: BTreeSet<OperationIx>,
}

/// Every watcher, at the beginning of a run with this tag that may send this.
pub(crate) fn all(spec: &Arc<Spec>, tag: &RunTag, access: Access) -> Vec<Box<dyn Watcher>> {
    vec![Box::new(api::OwnView::new(spec, tag, access))]
}

/// What they are.
pub(crate) fn checks() -> Vec<&'static Check> {
    vec![&api::OWN_VIEW]
}

/// What a future yields at once; none if it waits for something. Judging what is known already waits for nothing.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_yields_nothing_now() {
        assert_eq!(now(async { 7 }), Some(7));
        assert_eq!(now(std::future::pending::<()>()), None);
    }
}
