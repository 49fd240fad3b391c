//! Three-valued judging, pure: what an answer is, and what a trial concludes.

mod class;

use std::fmt;

use serde::{Deserialize, Serialize};
use watertight_engine::log::{Exchange, Failure, Outcome};

use crate::bracket::{Proof, Untried};
pub(crate) use class::{Refusal, class_of_write, refusal};
pub use class::{ResponseClass, class_of};

/// What a trial concludes.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Every control held, and nothing crossed. Only a closed [bracket](crate::bracket) has the proof.
    Isolated(Proof),
    /// Another tenant's data or an effect on it was demonstrated.
    Leak(Evidence),
    /// A weakness without demonstrated effect.
    Advisory(Evidence),
    /// A control failed, or an answer decided nothing.
    Unproven(Unproven),
    /// There was nothing to try.
    NotApplicable(NotApplicable),
}

impl Verdict {
    /// The same where a part of it had nothing to try. What that part would have taken too much for is told with what is isolated.
    pub(crate) fn beside(self, nothing: &NotApplicable) -> Self {
        match (self, nothing.cause) {
            (Self::Isolated(proof), Cause::OutOfBounds(untried)) => Self::Isolated(proof.without(untried)),
            (verdict, _) => verdict,
        }
    }
}

/// Why a trial ends without a verdict of its own: what stands between a check and its conclusion travels as an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// It can't be decided.
    Unproven(Unproven),
    /// There is nothing to try.
    NotApplicable(NotApplicable),
}

/// Why there is nothing to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotApplicable {
    /// Whether the target or the run is why.
    pub cause: Cause,
    /// For people.
    pub why: String,
}

/// What it lies in that there is nothing to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The target tells the owner that it has no such operation (405, 501).
    NotOffered,
    /// What is tried needs something that the spec or the target doesn't have.
    NothingToTry,
    /// Two tenants are told of the same things, and nothing says whose they are.
    Shared,
    /// It would take more than the verifier does to a target.
    OutOfBounds(Untried),
}

impl NotApplicable {
    /// For this reason.
    pub fn because(why: impl Into<String>) -> Self {
        Self { cause: Cause::NothingToTry, why: why.into() }
    }

    /// It would take more than is done to a target.
    pub(crate) fn out_of_bounds(untried: Untried) -> Self {
        Self { cause: Cause::OutOfBounds(untried), why: untried.says() }
    }

    /// Whether it was too much to try.
    pub(crate) fn is_out_of_bounds(&self) -> bool {
        matches!(self.cause, Cause::OutOfBounds(_))
    }
}

impl Stop {
    /// Nothing to try, for this reason.
    pub fn not_applicable(why: impl Into<String>) -> Self {
        Self::NotApplicable(NotApplicable::because(why))
    }
    /// Two tenants are told of the same things there.
    pub fn shared(why: impl Into<String>) -> Self {
        Self::NotApplicable(NotApplicable { cause: Cause::Shared, why: why.into() })
    }
    /// The target has no such operation, as it says to the owner itself.
    pub fn not_offered(exchange: &Exchange) -> Self {
        let why = format!("not offered: {}", exchange.line());
        Self::NotApplicable(NotApplicable { cause: Cause::NotOffered, why })
    }
}

impl From<Unproven> for Stop {
    fn from(unproven: Unproven) -> Self {
        Self::Unproven(unproven)
    }
}

impl From<Stop> for Verdict {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Unproven(unproven) => Self::Unproven(unproven),
            Stop::NotApplicable(why) => Self::NotApplicable(why),
        }
    }
}

/// Why something could not be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unproven {
    /// The kind of doubt: stable, and what reports group by.
    pub reason: Reason,
    /// The event that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<u64>,
    /// For people: what exactly, with the exchange in words.
    pub detail: String,
}

impl Unproven {
    /// Without an exchange that shows it.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, exchange: None, detail: detail.into() }
    }
    /// As an exchange shows.
    pub fn shown(reason: Reason, detail: impl fmt::Display, exchange: &Exchange) -> Self {
        Self { reason, exchange: Some(exchange.seq), detail: format!("{detail}: {}", exchange.line()) }
    }
    /// A leak that was not seen a second time, when nothing else was tried at the same time.
    pub fn once(evidence: &Evidence) -> Self {
        let detail = format!("seen once, and not when tried alone: {}", evidence.lines.join("; "));
        Self { reason: Reason::Disturbed, exchange: evidence.exchanges.first().copied(), detail }
    }
    /// Nothing was tried.
    pub fn nothing_sent() -> Self {
        Self::new(Reason::NoAnswer, "nothing was sent")
    }
    /// An answer that decides nothing: its reason follows from the answer.
    pub fn undecided(exchange: &Exchange) -> Self {
        let reason = Reason::of(exchange);
        Self::shown(reason, reason.says(), exchange)
    }
    /// The same doubt, said of something: `{what}: {detail}`.
    pub fn about(self, what: &str) -> Self {
        Self { detail: format!("{what}: {}", self.detail), ..self }
    }
    /// The same with another reason.
    pub fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }
}

/// A kind of doubt. Names are stable: `throttled`, `control-failed`…
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The target limited the rate again and again.
    Throttled,
    /// 5xx.
    TargetFailed,
    /// No connection, no answer in time, or no HTTP.
    NoAnswer,
    /// An answer beyond a bound.
    TooLarge,
    /// An answer that has packed what can't be looked through.
    Unreadable,
    /// 3xx.
    Redirected,
    /// 4xx that is no denial: a validation error, a wrong media type.
    RefusedForForm,
    /// Another status that decides nothing.
    UnclearAnswer,
    /// The owner's own request did not succeed.
    ControlFailed,
    /// The owner does not see its own marker.
    MarkerNotSeen,
    /// A control shows another tenant's data: what that means is for `api.own-view`.
    ControlShowsForeign,
    /// Set-up failed, so there is nothing to try it on.
    SetupFailed,
    /// The attacker's own credentials give no access, so a denial proves nothing.
    AttackerShutOut,
    /// No token was to be had, or none that can be read.
    NoToken,
    /// A list was not read to its end.
    NotReadToEnd,
    /// The attacker has objects of its own at the victim's ids.
    IdTaken,
    /// Another trial of the run may have caused what was seen.
    Disturbed,
    /// It succeeded, and what it did or whose data it is can't be told.
    EffectUnseen,
    /// A simpler request already does the same: other checks report it.
    PlainRequestLeaks,
    /// The budget of requests or of time is spent.
    Budget,
    /// The engine refused to send it.
    Refused,
    /// The run ended before this trial did.
    Unfinished,
}

impl Reason {
    /// Every kind, in the order of the documents.
    pub const ALL: [Self; 22] = [
        Self::Throttled,
        Self::TargetFailed,
        Self::NoAnswer,
        Self::TooLarge,
        Self::Unreadable,
        Self::Redirected,
        Self::RefusedForForm,
        Self::UnclearAnswer,
        Self::ControlFailed,
        Self::MarkerNotSeen,
        Self::ControlShowsForeign,
        Self::SetupFailed,
        Self::AttackerShutOut,
        Self::NoToken,
        Self::NotReadToEnd,
        Self::IdTaken,
        Self::Disturbed,
        Self::EffectUnseen,
        Self::PlainRequestLeaks,
        Self::Budget,
        Self::Refused,
        Self::Unfinished,
    ];

    /// What an answer that decides nothing is.
    pub fn of(exchange: &Exchange) -> Self {
        match &exchange.outcome {
            Outcome::Failed { kind, .. } => match kind {
                Failure::Connect | Failure::Timeout | Failure::Protocol => Self::NoAnswer,
                Failure::TooLarge => Self::TooLarge,
                Failure::Unreadable => Self::Unreadable,
                Failure::Budget => Self::Budget,
                Failure::NoToken => Self::NoToken,
                Failure::Refused => Self::Refused,
            },
            Outcome::Response(received) => match received.status {
                200..=299 => class::refusal(exchange).map_or(Self::UnclearAnswer, class::Refusal::reason),
                429 => Self::Throttled,
                500 => class::refusal(exchange).map_or(Self::TargetFailed, class::Refusal::reason),
                501..=599 => Self::TargetFailed,
                300..=399 => Self::Redirected,
                400..=499 => Self::RefusedForForm,
                _ => Self::UnclearAnswer,
            },
        }
    }

    /// For people.
    pub fn says(self) -> &'static str {
        match self {
            Self::Throttled => "throttled, which is no denial",
            Self::TargetFailed => "the target failed, which is no denial",
            Self::NoAnswer => "no answer that could be judged",
            Self::TooLarge => "the answer went beyond a bound",
            Self::Unreadable => "the answer has packed what can't be looked through",
            Self::Redirected => "redirected, which is no denial",
            Self::RefusedForForm => "rejected as invalid, which is no denial",
            Self::UnclearAnswer => "an answer that decides nothing",
            Self::ControlFailed => "the owner's own request failed",
            Self::MarkerNotSeen => "the owner does not see its own marker",
            Self::ControlShowsForeign => "a control shows another tenant's data",
            Self::SetupFailed => "set-up failed",
            Self::AttackerShutOut => "the attacker's own credentials give no access, so a denial proves nothing",
            Self::NoToken => "no token to look at",
            Self::NotReadToEnd => "a list was not read to its end",
            Self::IdTaken => "the attacker has an object of its own at the victim's id",
            Self::Disturbed => "another trial of the run may have caused it",
            Self::EffectUnseen => "it succeeded, but its effect can't be seen",
            Self::PlainRequestLeaks => "a simpler request already leaks",
            Self::Budget => "the budget of the run is spent",
            Self::Refused => "the verifier did not send it",
            Self::Unfinished => "the run ended before this trial did",
        }
    }

    /// What usually helps.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Throttled => "lower `rate` or `concurrency` under [limits]",
            Self::TargetFailed => "look into the target's own log; it failed on requests that a client may send",
            Self::NoAnswer => "check that the target is up, and raise `timeout` under [limits] if it is slow",
            Self::TooLarge => "raise `body` under [limits]",
            Self::Unreadable => "let the target pack it as zip or gzip, without a password",
            Self::Redirected => "name the address to which the target redirects as `url`",
            Self::RefusedForForm => "give the operation a `body` that is valid for its owner",
            Self::UnclearAnswer => "look at the exchange in the log",
            Self::ControlFailed => "check the scope of the credentials and the `create` body of the resource",
            Self::MarkerNotSeen => "raise `settle` under [target], or put {canary} into a member that a read returns",
            Self::ControlShowsForeign => "fix what api.own-view found, then run again",
            Self::SetupFailed => "fix the set-up errors first: most trials need its objects",
            Self::AttackerShutOut => "check this tenant's credentials",
            Self::NoToken => "check the credentials and the token endpoint; write kind = \"opaque\" for opaque tokens",
            Self::NotReadToEnd => {
                "raise `pages` under [limits], say under `page` how the next page is named, or ask for smaller pages (a list is followed to 32 MiB)"
            }
            Self::IdTaken => "give the tenants objects whose ids differ",
            Self::Disturbed => "run again with `concurrency = 1` under [limits]",
            Self::EffectUnseen => "add to the operation's `body` something that its owner can read back",
            Self::PlainRequestLeaks => "fix the leak of the plain request, then run again",
            Self::Budget => "raise `requests` or `time` under [limits]",
            Self::Refused => "look at the exchange in the log",
            Self::Unfinished => "run again, or `watertight verify --resume DIR`",
        }
    }

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::TargetFailed => "target-failed",
            Self::NoAnswer => "no-answer",
            Self::TooLarge => "too-large",
            Self::Unreadable => "unreadable",
            Self::Redirected => "redirected",
            Self::RefusedForForm => "refused-for-form",
            Self::UnclearAnswer => "unclear-answer",
            Self::ControlFailed => "control-failed",
            Self::MarkerNotSeen => "marker-not-seen",
            Self::ControlShowsForeign => "control-shows-foreign",
            Self::SetupFailed => "setup-failed",
            Self::AttackerShutOut => "attacker-shut-out",
            Self::NoToken => "no-token",
            Self::NotReadToEnd => "not-read-to-end",
            Self::IdTaken => "id-taken",
            Self::Disturbed => "disturbed",
            Self::EffectUnseen => "effect-unseen",
            Self::PlainRequestLeaks => "plain-request-leaks",
            Self::Budget => "budget",
            Self::Refused => "refused",
            Self::Unfinished => "unfinished",
        }
    }
}

/// What shows a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was demonstrated.
    pub shows: Shows,
    /// Sentences for people, the most telling first.
    pub lines: Vec<String>,
    /// The events that show it; the first is the one to reproduce.
    pub exchanges: Vec<u64>,
}

/// What a finding demonstrates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shows {
    /// Another tenant's data in an answer.
    ForeignData,
    /// The attacker's words in the victim's data.
    ForeignWrite,
    /// The victim's object changed.
    ForeignChange,
    /// The victim's object is gone.
    ForeignDestruction,
    /// Something was linked to the victim's object, or taken out of its tenant.
    ForeignLink,
    /// A number or a difference that tells of the victim's data.
    ForeignKnowledge,
    /// A credential that should open nothing was accepted.
    CredentialAccepted,
    /// A token or secret that is not as it should be.
    WeakCredential,
    /// A request for a place that does not exist, or anything else without demonstrated effect.
    Weakness,
}

impl Shows {
    /// Whether what was seen can come from the trial's own requests alone: words, markers and credentials are its own. An
    /// object that changed or is gone does not tell who did it.
    pub fn names_its_cause(self) -> bool {
        !matches!(self, Self::ForeignChange | Self::ForeignDestruction)
    }
}

impl Evidence {
    /// With one sentence and the exchange to reproduce.
    pub fn of(shows: Shows, line: impl Into<String>, exchange: &Exchange) -> Self {
        Self { shows, lines: vec![line.into(), exchange.line()], exchanges: vec![exchange.seq] }
    }
    /// With a further sentence.
    pub fn further(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }
    /// With a further exchange.
    pub fn with(mut self, line: impl Into<String>, exchange: &Exchange) -> Self {
        self.lines.push(line.into());
        self.lines.push(exchange.line());
        self.exchanges.push(exchange.seq);
        self
    }
}
