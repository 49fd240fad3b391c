//! Three-valued judging, pure: what an answer is, and what a check concludes.

use serde::{Deserialize, Serialize};

use crate::trace::{Exchange, Failure, Outcome};

/// What a check concludes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every control held, and nothing crossed.
    Isolated,
    /// Another tenant's data or an effect on it was demonstrated.
    Leak(Evidence),
    /// A weakness without demonstrated effect.
    Advisory(Evidence),
    /// A control failed, or an answer decided nothing.
    Unproven(String),
    /// There was nothing to try.
    NotApplicable(String),
}

/// What shows a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Sentences for people, the most telling first.
    pub lines: Vec<String>,
    /// The exchanges that show it; the first is the one to reproduce.
    pub exchanges: Vec<u64>,
}

impl Evidence {
    /// With one sentence and the exchange to reproduce.
    pub fn of(line: impl Into<String>, exchange: &Exchange) -> Self {
        Self { lines: vec![line.into(), exchange.line()], exchanges: vec![exchange.seq] }
    }
    /// With a further exchange.
    pub fn with(mut self, line: impl Into<String>, exchange: &Exchange) -> Self {
        self.lines.push(line.into());
        self.lines.push(exchange.line());
        self.exchanges.push(exchange.seq);
        self
    }
}

/// What an answer is, before its content is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 2xx
    Success,
    /// 401, 403, 404, 410: any of them is a denial (RFC 9110 15.5.5 lets 404 stand for 403).
    Denied,
    /// 405, 501: the target has no such operation.
    NotOffered,
    /// 429, 503, 5xx, 3xx, other 4xx, or no answer: decides nothing.
    Undecided,
}

/// What an answer is.
pub fn answer(exchange: &Exchange) -> Answer {
    match exchange.status() {
        Some(200..=299) => Answer::Success,
        Some(401 | 403 | 404 | 410) => Answer::Denied,
        Some(405 | 501) => Answer::NotOffered,
        _ => Answer::Undecided,
    }
}

/// Why an answer decides nothing, for people.
pub fn why_undecided(exchange: &Exchange) -> String {
    match &exchange.outcome {
        Outcome::Failed { kind, text } => match kind {
            Failure::Timeout => format!("no answer in time: {}", exchange.line()),
            Failure::TooLarge => format!("the answer went beyond a bound: {}", exchange.line()),
            _ => format!("{text}: {}", exchange.line()),
        },
        Outcome::Response(received) => match received.status {
            429 => format!("throttled, which is no denial: {}", exchange.line()),
            500..=599 => format!("the target failed, which is no denial: {}", exchange.line()),
            300..=399 => format!("redirected, which is no denial: {}", exchange.line()),
            400..=499 => format!("refused for its form, which is no denial: {}", exchange.line()),
            _ => format!("an answer that decides nothing: {}", exchange.line()),
        },
    }
}
