//! Inboxes: what arrives by itself is recorded when it arrives, and each check looks at it through recorded cuts.
//!
//! One subscription serves the whole run: an inbox is filled by whoever owns the connection, and any number of trials look
//! at it, each up to where it has looked. What a trial sees depends on its cuts alone, so a replay shows it the same,
//! whatever arrived in between.

use std::collections::HashMap;
use std::rc::Rc;

use crate::log::{Event, Inbound, InboxIx, Source, What};
use crate::tape::Window;

/// The inbox of the verifier's own listener, which forged tokens name.
pub const CALLBACKS: InboxIx = InboxIx(0);

/// Events of one inbox that are kept in memory; older ones are only in the log.
const KEPT: usize = 10_000;

/// What has arrived so far, by inbox.
#[derive(Debug, Default)]
pub(crate) struct Inboxes {
    events: HashMap<InboxIx, Vec<(u64, Rc<Inbound>)>>,
}

impl Inboxes {
    /// Takes note of an event, if it is an arrival.
    pub(crate) fn note(&mut self, event: &Event) {
        if let (Source::Inbox(inbox), What::Inbound(inbound)) = (event.source, &event.what) {
            let kept = self.events.entry(inbox).or_default();
            if kept.len() < KEPT {
                kept.push((event.seq, Rc::new(inbound.as_ref().clone())));
            }
        }
    }

    /// Everything of an inbox before this event.
    pub(crate) fn window(&self, inbox: InboxIx, upto: u64) -> Window {
        let kept = self.events.get(&inbox).map(Vec::as_slice).unwrap_or_default();
        let before = kept.iter().take_while(|(seq, _)| *seq < upto);
        Window { events: before.map(|(_, inbound)| Rc::clone(inbound)).collect() }
    }
}
