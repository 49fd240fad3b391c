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
    /// Refusals since the last answer.
    in_a_row: Cell<u32>,
    /// How long the whole run was held the last time, where nothing at all is answered.
    hold: Cell<Duration>,
    /// Until when nothing is sent.
    held_until: Cell<Instant>,
    /// Whether it might help. Where a target answers every attack with 429, it does not. A request that was refused and
    /// then answered shows that it does.
    may_help: Cell<bool>,
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
/// Refusals in a row after which nobody is asked for a while: a target may have a quota a minute, and not say so.
const ALL_REFUSED: u32 = 8;
/// The first such while, in intervals of the rate; it doubles.
const FIRST_HOLD: u32 = 10;
/// The longest, in intervals: who allows thousands of requests a second has no quota of a few hundred a minute.
const MOST_INTERVALS: u32 = 1_500;
/// The longest in any case.
const LONGEST_HOLD: Duration = Duration::from_secs(15);
/// The longest that a target is believed when it asks to wait.
const LONGEST: Duration = Duration::from_secs(120);

impl Rate {
    /// For so many a second; at least one.
    pub(crate) fn new(rate: u32) -> Self {
        let interval = Duration::from_secs(1) / rate.max(1);
        let now = Instant::now();
        Self {
            interval,
            current: Cell::new(interval),
            next: Cell::new(now),
            slowed: Cell::new(now),
            in_a_row: Cell::new(0),
            hold: Cell::new(Duration::ZERO),
            held_until: Cell::new(now),
            may_help: Cell::new(true),
        }
    }

    /// Returns when the next request may go out.
    pub(crate) async fn turn(&self) {
        loop {
            let now = Instant::now();
            let turn = self.next.get().max(now.checked_sub(BURST).unwrap_or(now)).max(self.held_until.get());
            self.next.set(turn + self.current.get());
            if turn > now + Duration::from_millis(1) {
                tokio::time::sleep_until(turn.into()).await;
            }
            // The run may have been held meanwhile.
            if self.held_until.get() <= Instant::now() {
                return;
            }
        }
    }

    /// The target limits the rate: the whole run goes slower, and waits as long as it was asked to.
    pub(crate) fn slow(&self, throttle: Throttle) {
        let now = Instant::now();
        self.in_a_row.set(self.in_a_row.get().saturating_add(1));
        if let Some(wait) = throttle.wait {
            self.held_until.set(self.held_until.get().max(now + wait));
        } else if self.in_a_row.get() > ALL_REFUSED && self.may_help.get() {
            // The refusals of what was under way already say nothing new.
            if now >= self.held_until.get() {
                let longest = LONGEST_HOLD.min(self.interval * MOST_INTERVALS);
                self.hold.set((self.hold.get() * 2).clamp((self.interval * FIRST_HOLD).min(longest), longest));
                self.held_until.set(now + self.hold.get());
            }
        } else if now.duration_since(self.slowed.get()) >= BETWEEN {
            self.slowed.set(now);
            self.current.set((self.current.get() * 5 / 4).min(self.interval * SLOWEST));
        }
    }

    /// Whether nothing is sent now.
    pub(crate) fn is_held(&self) -> bool {
        self.held_until.get() > Instant::now()
    }

    /// A request is given up on. If the run was held for it, that did not help, and would not the next time, until
    /// [`Rate::waiting_helped`].
    pub(crate) fn gave_up(&self) {
        if !self.hold.get().is_zero() {
            self.may_help.set(false);
            self.held_until.set(Instant::now());
        }
    }

    /// A request that had been refused for its rate is answered.
    pub(crate) fn waiting_helped(&self) {
        self.may_help.set(true);
    }

    /// An answer: the run returns to its rate.
    pub(crate) fn recover(&self) {
        self.in_a_row.set(0);
        self.hold.set(Duration::ZERO);
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
    let asked = header("retry-after").and_then(|text| seconds(text).or_else(|| until(text, header("date"))));
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

/// Seconds until an HTTP date (RFC 9110 5.6.7), by the clock of whoever says it. One that has passed says nothing.
fn until(date: &str, now: Option<&str>) -> Option<f64> {
    let date = httpdate::parse_http_date(date).ok()?;
    let now = now.and_then(|now| httpdate::parse_http_date(now).ok()).unwrap_or_else(std::time::SystemTime::now);
    date.duration_since(now).ok().map(|wait| wait.as_secs_f64()).filter(|seconds| *seconds > 0.0)
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
        let soon = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(60));
        assert!(matches!(asked(503, &[("retry-after", &soon)]), Some(Some(57..=60))));
        let (past, then) = ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:27:30 GMT");
        assert_eq!(asked(429, &[("retry-after", past)]), Some(None));
        assert_eq!(asked(429, &[("retry-after", past), ("date", then)]), Some(Some(30)));
        assert_eq!(asked(429, &[("retry-after", "soon")]), Some(None));
        assert_eq!(asked(429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "7")]), Some(Some(7)));
        assert_eq!(asked(429, &[("x-ratelimit-remaining", "4"), ("x-ratelimit-reset", "7")]), Some(None));
        assert_eq!(asked(429, &[("ratelimit", "\"default\";r=0;t=5")]), Some(Some(5)));
        assert_eq!(asked(503, &[("retry-after", "2")]), Some(Some(2)));
        assert_eq!(asked(503, &[("retry-after", "0")]), Some(Some(0)));
        assert_eq!(asked(503, &[]), None);
        assert_eq!(asked(403, &[("retry-after", "2")]), None);
    }

    /// A quota a minute of which the target says nothing: the run must still be there when it is open again.
    #[test]
    fn where_nothing_at_all_is_answered_the_whole_run_is_held_for_longer_and_longer() {
        let rate = Rate::new(5);
        // Many wait for their turn already.
        rate.next.set(Instant::now() + Duration::from_secs(5));
        let refused = Throttle { kind: Refused::TooMany, wait: None };
        (0..ALL_REFUSED).for_each(|_| rate.slow(refused));
        assert_eq!(rate.hold.get(), Duration::ZERO);
        let mut holds = Vec::new();
        for _ in 0..10 {
            // What was under way already is refused as well.
            (0..5).for_each(|_| rate.slow(refused));
            holds.push(rate.hold.get());
            assert!(rate.held_until.get() > Instant::now());
            rate.held_until.set(Instant::now());
        }
        assert_eq!(holds.first(), Some(&Duration::from_secs(2)));
        assert_eq!(holds.last(), Some(&LONGEST_HOLD));
        assert!(holds.iter().sum::<Duration>() > Duration::from_secs(40), "{holds:?}");
        rate.recover();
        rate.slow(refused);
        assert_eq!(rate.hold.get(), Duration::ZERO);
        // Every attack is answered so: the next ones are not waited for.
        (0..=ALL_REFUSED).for_each(|_| rate.slow(refused));
        rate.gave_up();
        rate.recover();
        (0..=ALL_REFUSED).for_each(|_| rate.slow(refused));
        assert_eq!(rate.hold.get(), Duration::ZERO);
        assert!(rate.held_until.get() <= Instant::now());
        // Of those that are refused now, one is answered: there is a quota after all.
        rate.waiting_helped();
        rate.slow(refused);
        assert_eq!(rate.hold.get(), Duration::from_secs(2));
        assert!(rate.held_until.get() > Instant::now());
    }

    #[test]
    fn a_run_waits_as_long_as_it_is_asked_to() {
        let rate = Rate::new(10_000);
        let begun = Instant::now();
        rate.slow(Throttle { kind: Refused::TooMany, wait: Some(Duration::from_millis(60)) });
        assert!(rate.held_until.get() >= begun + Duration::from_millis(60));
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
