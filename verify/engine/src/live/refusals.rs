//! Whether a refusal is about the rate, and how long to wait after it.

use std::time::Duration;

use crate::gate::Throttle;

/// How often a request that was refused because of the rate is tried again.
const TRIES: u32 = 12;
/// The first pause before that, where the target does not say how long; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Requests that others get answered between two refusals, after which the refusal is not because of the rate.
const ANSWERED_MEANWHILE: u64 = 40;
/// Tries after which that counts.
const LEAST_TRIES: u32 = 5;

/// How often one request was refused because of the rate.
pub(super) struct Refusals {
    tries: u32,
    /// How many requests of the run had been answered when that began to count.
    answered_before: u64,
}

impl Refusals {
    pub(super) fn new(answered: u64) -> Self {
        Self { tries: 0, answered_before: answered }
    }

    /// Whether there was one.
    pub(super) fn were_there(&self) -> bool {
        self.tries > 0
    }

    /// One more refusal: whether the rate is still a good explanation.
    pub(super) fn are_about_rate(&mut self, throttle: Throttle, answered: u64) -> bool {
        self.tries = self.tries.saturating_add(1);
        let meanwhile = answered.saturating_sub(self.answered_before);
        self.answered_before = self.answered_before.max(answered.saturating_sub(ANSWERED_MEANWHILE));
        let is_plausible = self.tries < LEAST_TRIES || meanwhile < ANSWERED_MEANWHILE || throttle.wait.is_some();
        self.tries < TRIES && is_plausible
    }
}

/// How long to wait where the target does not say.
pub(super) fn pause(refusals: &Refusals) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << refusals.tries.min(10)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Refused;

    const UNSAID: Throttle = Throttle { kind: Refused::TooMany, wait: None };

    #[test]
    fn a_request_that_is_always_refused_is_given_up_on() {
        let mut refusals = Refusals::new(0);
        let times =
            std::iter::repeat_with(|| refusals.are_about_rate(UNSAID, 0)).take_while(|is_rate| *is_rate).count();
        assert_eq!(times, 11);
    }

    /// Others are answered and this one is not: that is no matter of the rate.
    #[test]
    fn a_request_that_alone_is_refused_is_given_up_on_sooner() {
        let mut refusals = Refusals::new(0);
        let told: Vec<bool> = (1..=5).map(|time| refusals.are_about_rate(UNSAID, time * 50)).collect();
        assert_eq!(told, [true, true, true, true, false]);
    }
}
