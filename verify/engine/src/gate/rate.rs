//! How fast a run sends: at most so many requests a second, and slower when the target says that it is too fast.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::channel::http::Answered;

/// At most so many requests a second, with a burst of a hundredth of that: timers are coarser than a fast rate.
pub(crate) struct Rate {
    /// As the spec has it.
    interval: Duration,
    /// As it is now: longer while the target limits the rate.
    current: Cell<Duration>,
    next: Cell<Instant>,
    slowed: Cell<Instant>,
}

/// A refusal because of the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Throttle {
    pub(crate) kind: Refused,
    /// How long the target asks to wait, if it says.
    pub(crate) wait: Option<Duration>,
}

/// What a refusal says of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// 429: it was not carried out.
    TooMany,
    /// 503: it may have been, in part.
    Unavailable,
}

const BURST: Duration = Duration::from_millis(10);
/// The slowest that a run gets by itself, as a multiple of its interval.
const SLOWEST: u32 = 20;
/// Between two steps slower: answers to what is under way already all say the same.
const BETWEEN: Duration = Duration::from_millis(200);
/// The longest that a target is believed when it asks to wait.
const LONGEST: Duration = Duration::from_secs(120);

impl Rate {
    /// For so many a second; at least one.
    pub(crate) fn new(rate: u32) -> Self {
        let interval = Duration::from_secs(1) / rate.max(1);
        let now = Instant::now();
        Self { interval, current: Cell::new(interval), next: Cell::new(now), slowed: Cell::new(now) }
    }

    /// Returns when the next request may go out.
    pub(crate) async fn turn(&self) {
        let now = Instant::now();
        let turn = self.next.get().max(now.checked_sub(BURST).unwrap_or(now));
        self.next.set(turn + self.current.get());
        if turn > now + Duration::from_millis(1) {
            tokio::time::sleep_until(turn.into()).await;
        }
    }

    /// The target limits the rate: the whole run goes slower, and waits as long as it was asked to.
    pub(crate) fn slow(&self, throttle: Throttle) {
        let now = Instant::now();
        if let Some(wait) = throttle.wait {
            self.next.set(self.next.get().max(now + wait));
        } else if now.duration_since(self.slowed.get()) >= BETWEEN {
            self.slowed.set(now);
            self.current.set((self.current.get() * 5 / 4).min(self.interval * SLOWEST));
        }
    }

    /// An answer: the run returns to its rate.
    pub(crate) fn recover(&self) {
        let current = self.current.get();
        if current > self.interval {
            self.current.set((current * 99 / 100).max(self.interval));
        }
    }
}

impl Throttle {
    /// What an answer says about the rate: 429 (RFC 6585 4), and 503 that says for how long (RFC 9110 10.2.3).
    pub(crate) fn of(answered: &Answered) -> Option<Self> {
        let wait = wait(answered);
        match answered.status {
            429 => Some(Self { kind: Refused::TooMany, wait }),
            503 => wait.map(|wait| Self { kind: Refused::Unavailable, wait: Some(wait) }),
            _ => None,
        }
    }
}

/// For how long: `Retry-After` in seconds, else the reset of a rate limit whose rest is 0 (RateLimit header fields for
/// HTTP, and the vendors' spellings before it).
fn wait(answered: &Answered) -> Option<Duration> {
    let header = |name: &str| {
        let (_, value) = answered.headers.iter().find(|(known, _)| known == name)?;
        std::str::from_utf8(value).ok().map(str::trim)
    };
    let seconds = |text: &str| text.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0);
    let asked = header("retry-after").and_then(seconds);
    let of_vendor = || {
        let prefix = ["ratelimit-", "x-ratelimit-", "x-rate-limit-"]
            .into_iter()
            .find(|prefix| header(&format!("{prefix}remaining")).and_then(seconds) == Some(0.0))?;
        let reset = header(&format!("{prefix}reset")).and_then(seconds)?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_secs_f64();
        // Some give the time of day.
        Some(if reset > now / 2.0 { (reset - now).max(0.0) } else { reset })
    };
    // `RateLimit: "default";r=0;t=5`
    let of_field = || {
        let value = header("ratelimit")?;
        let parameter = |name: &str| value.split(';').find_map(|part| part.trim().strip_prefix(name)).and_then(seconds);
        (parameter("r=") == Some(0.0)).then(|| parameter("t="))?
    };
    let seconds = asked.or_else(of_field).or_else(of_vendor)?;
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answered {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Answered { status, headers, body: Vec::new() }
    }

    fn asked(status: u16, headers: &[(&str, &str)]) -> Option<Option<u64>> {
        Throttle::of(&answer(status, headers)).map(|throttle| throttle.wait.map(|wait| wait.as_secs()))
    }

    #[test]
    fn how_long_to_wait_is_read_from_what_targets_send() {
        assert_eq!(asked(429, &[]), Some(None));
        assert_eq!(asked(429, &[("retry-after", "3")]), Some(Some(3)));
        assert_eq!(asked(429, &[("retry-after", "99999")]), Some(Some(120)));
        assert_eq!(asked(429, &[("retry-after", "-1")]), Some(None));
        assert_eq!(asked(429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "7")]), Some(Some(7)));
        assert_eq!(asked(429, &[("x-ratelimit-remaining", "4"), ("x-ratelimit-reset", "7")]), Some(None));
        assert_eq!(asked(429, &[("ratelimit", "\"default\";r=0;t=5")]), Some(Some(5)));
        assert_eq!(asked(503, &[("retry-after", "2")]), Some(Some(2)));
        assert_eq!(asked(503, &[]), None);
        assert_eq!(asked(403, &[("retry-after", "2")]), None);
    }

    #[test]
    fn a_run_waits_as_long_as_it_is_asked_to() {
        let rate = Rate::new(10_000);
        let begun = Instant::now();
        rate.slow(Throttle { kind: Refused::TooMany, wait: Some(Duration::from_millis(60)) });
        assert!(rate.next.get() >= begun + Duration::from_millis(60));
        rate.slow(Throttle { kind: Refused::TooMany, wait: None });
        let once = rate.current.get();
        rate.slowed.set(begun.checked_sub(BETWEEN).unwrap());
        rate.slow(Throttle { kind: Refused::TooMany, wait: None });
        assert!(rate.current.get() > rate.interval && once >= rate.interval);
        for _ in 0..1_000 {
            rate.recover();
        }
        assert_eq!(rate.current.get(), rate.interval);
    }
}
