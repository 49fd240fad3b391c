//! About what a run takes, and whether its limits let it end.

use std::time::Duration;

use serde::Serialize;
use watertight_checks::plan::{self, Exceeded};

/// About what a run takes.
#[derive(Serialize)]
pub(super) struct Cost {
    requests: u64,
    /// Where the target takes 10 ms to answer.
    seconds_at_10_ms: u64,
    /// Where it takes 50 ms.
    seconds_at_50_ms: u64,
    /// What its limits allow.
    requests_allowed: u64,
    seconds_allowed: u64,
    /// That it would not come to its end, for people.
    #[serde(skip)]
    beyond: Option<String>,
}

impl From<plan::Cost> for Cost {
    fn from(cost: plan::Cost) -> Self {
        let seconds = |ms: u64| {
            let time = cost.time_at(Duration::from_millis(ms));
            time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
        };
        Self {
            requests: cost.requests,
            seconds_at_10_ms: seconds(10),
            seconds_at_50_ms: seconds(50),
            requests_allowed: cost.limits.requests,
            seconds_allowed: cost.limits.time.as_secs(),
            beyond: beyond(cost),
        }
    }
}

impl Cost {
    /// `about 10,900 requests: 22 s at 10 ms an answer, 1 min 50 s at 50 ms`
    pub(super) fn text(&self) -> String {
        let (fast, slow) = (span(self.seconds_at_10_ms), span(self.seconds_at_50_ms));
        let about = format!("about {} requests: {fast} at 10 ms an answer, {slow} at 50 ms", grouped(self.requests));
        [Some(about), self.beyond.clone()].into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

/// That a run would not come to its end within its limits, and what to do about it.
pub(crate) fn beyond(cost: plan::Cost) -> Option<String> {
    let (key, so_much, allowed) = match cost.exceeds()? {
        Exceeded::Requests(allowed) => {
            ("requests", format!("about {} requests", grouped(cost.requests)), allowed.to_string())
        }
        Exceeded::Time(allowed) => {
            let at_least = cost.time_at(Duration::ZERO).as_secs();
            ("time", format!("at least {} at that rate", span(at_least)), span(allowed.as_secs()))
        }
    };
    let help = format!("raise `{key}` under [limits], or what comes last stays unproven");
    Some(format!("the whole run takes {so_much}, and the spec allows {allowed}: {help}"))
}

/// `1 min 50 s`
fn span(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// About as many, to three digits that count: `10,900`.
fn grouped(count: u64) -> String {
    let unit = 10_u64.saturating_pow(count.max(1).ilog10().saturating_sub(2));
    let digits = (count.saturating_add(unit / 2) / unit).saturating_mul(unit).to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(beyond: Option<String>) -> Cost {
        Cost {
            requests: 10_873,
            seconds_at_10_ms: 22,
            seconds_at_50_ms: 110,
            requests_allowed: 20_000,
            seconds_allowed: 7_200,
            beyond,
        }
    }

    #[test]
    fn a_cost_reads_as_people_say_it() {
        assert_eq!(cost(None).text(), "about 10,900 requests: 22 s at 10 ms an answer, 1 min 50 s at 50 ms");
        assert_eq!(cost(Some("too much".to_owned())).text().lines().last(), Some("too much"));
        assert_eq!([7, 999, 1_234_567].map(grouped), ["7", "999", "1,230,000"]);
        assert_eq!([0, 59, 60, 3_600, 7_325].map(span), ["0 s", "59 s", "1 min", "1 h", "2 h 2 min"]);
    }
}
