//! Whether a refusal is about the rate, and how long to wait after it.

use std::time::Duration;

use crate::gate::Throttle;

/// How often a request that was refused because of the rate is tried again.
const TRIES: u32 = 16;
/// The first pause before that, where the target does not say how long; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Requests that others get answered between two refusals of one, so that these are hardly because of the rate.
const ANSWERED_MEANWHILE: u64 = 40;
/// How often that must be seen: where a target has a quota a minute, others may have been quicker when it was open.
const TIMES_ALONE: u32 = 3;

/// How often one request was refused because of the rate.
pub(super) struct Refusals {
    tries: u32,
    /// How often many others were answered since the last one.
    alone: u32,
    /// How many requests of the run had been answered at the last one.
    answered_before: u64,
}

impl Refusals {
    pub(super) fn new(answered: u64) -> Self {
        Self { tries: 0, alone: 0, answered_before: answered }
    }

    /// One more refusal: whether the rate is still a good explanation.
    pub(super) fn are_about_rate(&mut self, throttle: Throttle, answered: u64) -> bool {
        self.tries = self.tries.saturating_add(1);
        if answered.saturating_sub(self.answered_before) >= ANSWERED_MEANWHILE {
            self.alone = self.alone.saturating_add(1);
        }
        self.answered_before = answered;
        self.tries < TRIES && (self.alone < TIMES_ALONE || throttle.wait.is_some())
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
        assert_eq!(times, 15);
    }

    /// Others are answered and this one is not: that is no matter of the rate, once it is seen again and again.
    #[test]
    fn a_request_that_alone_is_refused_is_given_up_on_sooner() {
        let mut refusals = Refusals::new(0);
        let told: Vec<bool> = (1..=3).map(|time| refusals.are_about_rate(UNSAID, time * 50)).collect();
        assert_eq!(told, [true, true, false]);
        let mut refusals = Refusals::new(0);
        assert!((1..=15).all(|time| refusals.are_about_rate(UNSAID, time * 30)), "a few answers are no sign");
    }
}
