//! The time of day, by which one-time codes are made.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

/// Says what time it is, and waits.
pub trait Clock {
    /// Since 1970.
    fn now(&self) -> Duration;
    /// Until that much time has passed.
    fn sleep(&self, time: Duration) -> LocalBoxFuture<'static, ()>;
}

/// The machine's own.
#[derive(Clone, Copy, Debug)]
pub struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn sleep(&self, time: Duration) -> LocalBoxFuture<'static, ()> {
        tokio::time::sleep(time).boxed_local()
    }
}
