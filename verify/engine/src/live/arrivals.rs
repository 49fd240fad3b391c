//! What arrives by itself goes to the log when it arrives: at the latest before what is recorded next.

use super::{Live, millis};
use crate::channel::arrivals::{Arrivals, arrivals};
use crate::log::{Asker, InboxIx, Source, What};
use crate::tape::{Look, Reply};

impl Live {
    /// The end of a channel whose arrivals go to this inbox from now on.
    pub(crate) fn connect(&self, inbox: InboxIx) -> Arrivals {
        let (channel, arriving) = arrivals();
        self.arriving.borrow_mut().push((inbox, arriving));
        channel
    }

    /// Whether anything may arrive.
    pub(crate) fn listens(&self) -> bool {
        !self.arriving.borrow().is_empty()
    }

    /// Records what has arrived.
    pub(crate) fn receive(&self) {
        for (inbox, arriving) in self.arriving.borrow_mut().iter_mut() {
            for arrival in arriving.take_waiting() {
                // What no check will see takes no room in the log either.
                if self.inboxes.borrow().is_cut_short(*inbox) {
                    continue;
                }
                let inbound = self.recorder().arrival(millis(self.begun.elapsed()), &arrival);
                self.record(Source::Inbox(*inbox), What::Inbound(Box::new(inbound)));
            }
        }
    }

    /// What an inbox shows now; how far that is goes to the log.
    pub(crate) fn look(&self, asker: Asker, look: Look) -> Reply {
        self.receive();
        let upto = self.log.borrow().next_seq();
        self.record(asker, What::Cut { inbox: look.inbox(), upto });
        self.inboxes.borrow().look(look, upto)
    }
}
