//! How fast a run sends.

use std::time::{Duration, Instant};

/// At most so many requests a second, with a burst of a hundredth of that: timers are coarser than a fast rate.
pub(crate) struct Pace {
    interval: Duration,
    next: Instant,
}

impl Pace {
    /// For so many a second; at least one.
    pub(crate) fn new(rate: u32) -> Self {
        Self { interval: Duration::from_secs(1) / rate.max(1), next: Instant::now() }
    }

    /// Returns when the next request may go out.
    pub(crate) async fn turn(&mut self) {
        const BURST: Duration = Duration::from_millis(10);
        let now = Instant::now();
        if self.next > now + Duration::from_millis(1) {
            tokio::time::sleep_until(self.next.into()).await;
        }
        self.next = self.next.max(now.checked_sub(BURST).unwrap_or(now)) + self.interval;
    }
}
