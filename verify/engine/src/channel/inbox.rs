//! Inboxes: what arrives by itself is recorded when it arrives, and each check looks at it through recorded cuts.
//!
//! One subscription serves the whole run: an inbox is filled by whoever owns the connection, and any number of trials look
//! at it, each from one cut to another. What a trial sees depends on its cuts alone, so a replay shows it the same, whatever
//! arrived in between.

use std::collections::HashMap;
use std::rc::Rc;

use crate::log::{Event, Inbound, InboundKind, InboxIx, Source, What};
use crate::tape::{Cut, Look, Reply, Window};

/// The inbox of the verifier's own listener, which forged tokens name.
pub const CALLBACKS: InboxIx = InboxIx(0);

/// Events of one inbox that are kept in memory; later ones are only in the log.
const MOST_KEPT: usize = 10_000;
/// Bytes of these.
const MOST_BYTES: usize = 16 << 20;

/// What has arrived so far, by inbox.
#[derive(Debug, Default)]
pub(crate) struct Inboxes {
    by_inbox: HashMap<InboxIx, Inbox>,
}

#[derive(Debug, Default)]
struct Inbox {
    /// With their numbers in the log.
    kept: Vec<(u64, Rc<Inbound>)>,
    bytes: usize,
    /// The number of the first event that is not here.
    incomplete_from: Option<u64>,
}

impl Inbox {
    fn add(&mut self, seq: u64, inbound: &Inbound) {
        let headers: usize = inbound.headers.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
        let bytes = self.bytes.saturating_add(headers).saturating_add(inbound.body.text().len());
        let is_lost = matches!(inbound.kind, InboundKind::Lost(_));
        if is_lost || self.kept.len() >= MOST_KEPT || bytes > MOST_BYTES {
            self.incomplete_from.get_or_insert(seq);
        } else {
            self.bytes = bytes;
            self.kept.push((seq, Rc::new(inbound.clone())));
        }
    }
}

impl Inboxes {
    /// Takes note of an event, if it is an arrival.
    pub(crate) fn note(&mut self, event: &Event) {
        if let (Source::Inbox(inbox), What::Inbound(inbound)) = (event.source, &event.what) {
            self.by_inbox.entry(inbox).or_default().add(event.seq, inbound);
        }
    }

    /// Whether more arrived than is kept.
    pub(crate) fn is_cut_short(&self, inbox: InboxIx) -> bool {
        self.by_inbox.get(&inbox).is_some_and(|inbox| inbox.incomplete_from.is_some())
    }

    /// What a look shows that is taken before this event.
    pub(crate) fn look(&self, look: Look, upto: u64) -> Reply {
        match look {
            Look::Place(inbox) => Reply::Cut(Cut { inbox, upto }),
            Look::Since(from) => Reply::Window(self.window(from, upto)),
        }
    }

    fn window(&self, from: Cut, upto: u64) -> Window {
        let Some(inbox) = self.by_inbox.get(&from.inbox) else { return Window::default() };
        let begin = inbox.kept.partition_point(|(seq, _)| *seq < from.upto);
        let events = inbox.kept.iter().skip(begin).take_while(|(seq, _)| *seq < upto);
        Window {
            events: events.map(|(_, inbound)| Rc::clone(inbound)).collect(),
            // From there on nothing is kept.
            is_cut_short: inbox.incomplete_from.is_some_and(|seq| seq < upto),
        }
    }
}
