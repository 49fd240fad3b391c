//! What forged tokens are made with: a key of the run's own, and the listener that serves it. Made when the first is asked
//! for.

use std::rc::Rc;

use super::Live;
use crate::CALLBACKS;
use crate::channel::callbacks::Listener;
use crate::credentials::forge::Forge;

/// A key, and who serves its public half.
pub(super) struct Forgery {
    pub(super) forge: Forge,
    pub(super) listener: Listener,
}

impl Live {
    pub(super) async fn ensure_forge(&self) {
        let _guard = self.forging.lock().await;
        if self.forge.borrow().is_some() {
            return;
        }
        // Where either can't be had, rendering the forged token says so and the trial is unproven.
        if let Ok(forge) = Forge::new(self.tag.unique("kid"))
            && let Ok(listener) = Listener::start(forge.key_set().to_string(), || self.connect(CALLBACKS)).await
        {
            self.forge.replace(Some(Rc::new(Forgery { forge, listener })));
        }
    }
}
