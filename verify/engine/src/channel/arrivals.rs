//! What arrives by itself, on its way from a channel to the log.
//!
//! A channel pushes; the run takes what is there before it records anything else. What does not fit is counted: an inbox of
//! which something was lost says so, and nothing can be concluded from what is not in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::log::InboundKind;

/// Arrivals that wait to be recorded.
const MOST_WAITING: usize = 1_000;

/// Something that arrived, as it came: it is scanned and redacted when it is recorded.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What it is.
    pub kind: InboundKind,
    /// In order, names lower-case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The frame or body.
    pub body: Vec<u8>,
}

/// A channel's end.
#[derive(Clone, Debug)]
pub struct Arrivals {
    sender: mpsc::Sender<Arrival>,
    lost: Arc<AtomicU64>,
}

/// The run's end.
#[derive(Debug)]
pub(crate) struct Arriving {
    receiver: mpsc::Receiver<Arrival>,
    lost: Arc<AtomicU64>,
}

/// Both ends.
pub(crate) fn arrivals() -> (Arrivals, Arriving) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    let lost = Arc::new(AtomicU64::new(0));
    (Arrivals { sender, lost: Arc::clone(&lost) }, Arriving { receiver, lost })
}

impl Arrivals {
    /// Hands on what arrived, at once. Where too much waits already it is lost, and counted.
    pub fn push(&self, arrival: Arrival) {
        if self.sender.try_send(arrival).is_err() {
            self.lost.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Arriving {
    /// What is there now, and after that how much was lost, if anything was.
    pub(crate) fn take_waiting(&mut self) -> Vec<Arrival> {
        let mut all: Vec<Arrival> = std::iter::from_fn(|| self.receiver.try_recv().ok()).take(MOST_WAITING).collect();
        // After the others: what is lost while they are taken counts as well.
        let lost = self.lost.swap(0, Ordering::AcqRel);
        all.extend((lost > 0).then_some(Arrival { kind: InboundKind::Lost(lost), headers: vec![], body: vec![] }));
        all
    }
}
