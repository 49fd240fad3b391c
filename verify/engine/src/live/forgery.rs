//! What forged tokens are made with: a key of the run's own, and the listener that serves it. Made when the first is asked
//! for.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::mpsc;

use super::{Live, millis};
use crate::channel::callbacks::{Arrived, Listener};
use crate::credentials::forge::Forge;
use crate::log::{Source, What};

/// A key, and who serves its public half.
pub(super) struct Forgery {
    pub(super) forge: Forge,
    pub(super) listener: Listener,
    calls: RefCell<mpsc::Receiver<Arrived>>,
}

impl Live {
    pub(super) async fn ensure_forge(&self) {
        let _guard = self.forging.lock().await;
        if self.forge.borrow().is_some() {
            return;
        }
        // Where either can't be had, rendering the forged token says so and the trial is unproven.
        if let Ok(forge) = Forge::new(self.tag.unique("kid"))
            && let Ok((listener, calls)) = Listener::start(forge.key_set().to_string()).await
        {
            let forgery = Forgery { forge, listener, calls: RefCell::new(calls) };
            self.forge.replace(Some(Rc::new(forgery)));
        }
    }

    /// Whether anyone may call the verifier's own listener.
    pub(crate) fn listens(&self) -> bool {
        self.forge.borrow().is_some()
    }

    /// Calls to the listener go to the log when they arrive: at the latest before what is recorded next.
    pub(crate) fn receive_callbacks(&self) {
        let Some(forgery) = self.forge.borrow().clone() else { return };
        loop {
            let Ok(arrived) = forgery.calls.borrow_mut().try_recv() else { return };
            let at = millis(self.begun.elapsed());
            let inbound = self.recorder().callback(at, &arrived);
            self.record(Source::Inbox(crate::CALLBACKS), What::Inbound(Box::new(inbound)));
        }
    }
}
