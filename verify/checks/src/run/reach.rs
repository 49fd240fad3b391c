//! Whether anyone was reached at all.

use watertight_engine::log::{Event, Failure, Outcome, What};

/// Whether anyone was reached at all.
#[derive(Debug, Default)]
pub(super) struct Reach {
    first: Option<String>,
    was_reached: bool,
}

impl Reach {
    pub(super) fn see(&mut self, event: &Event) {
        let What::Exchange(exchange) = &event.what else { return };
        match &exchange.outcome {
            Outcome::Failed { kind: Failure::Connect, text } => drop(self.first.get_or_insert_with(|| text.clone())),
            Outcome::Failed { kind: Failure::Refused | Failure::NoToken, .. } => {}
            _ => self.was_reached = true,
        }
    }

    pub(super) fn unreachable(&self) -> Option<String> {
        let first = self.first.as_ref().filter(|_| !self.was_reached)?;
        Some(format!("the target is unreachable: {first}"))
    }
}
