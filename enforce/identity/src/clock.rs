//! Time as this crate reads it, so that tests own it.

use std::time::{Duration, Instant, SystemTime};

/// Two readings: the calendar for claims, and a count that never runs backwards for the age of keys.
pub trait Clock: Send + Sync {
    /// The calendar time that `exp`, `nbf` and `iat` are held against.
    fn now(&self) -> SystemTime;

    /// Time since some fixed moment, never less than an earlier reading.
    fn uptime(&self) -> Duration;
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts counting now.
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}
