//! One entry of the log: what happened, in the order in which it was recorded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watertight_spec::Who;

use super::exchange::{Exchange, IssuedToken};
use super::inbound::{Inbound, InboxIx};

/// Which trial, set-up or clean-up an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Planting of markers: index of the set-up step.
    Setup(usize),
    /// A trial: its index in the plan.
    Trial(usize),
    /// The engine itself: a token that it fetched, a connection that it opened.
    Engine,
    /// What arrives by itself.
    Inbox(InboxIx),
    /// Removal of what was created.
    Cleanup,
}

/// Which of the questions that a script has asked, and that are not answered yet: the smallest number that no other one of them
/// has, so that a script that asks one after the other asks all as the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AskIx(pub(crate) usize);

impl AskIx {
    fn is_first(&self) -> bool {
        *self == Self::default()
    }
}

/// Whose question an event answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asker {
    /// The script's.
    pub source: Source,
    /// Which of its questions.
    pub ask: AskIx,
}

/// What asks one thing after the other.
impl From<Source> for Asker {
    fn from(source: Source) -> Self {
        Self { source, ask: AskIx::default() }
    }
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the log, from 0.
    pub seq: u64,
    /// To what it belongs.
    pub source: Source,
    /// Which question of the script it answers; not written for the first.
    #[serde(default, skip_serializing_if = "AskIx::is_first")]
    pub ask: AskIx,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A run began, or went on after an interruption. Set-up starts anew; what was decided stays decided.
    Began(Part),
    /// A request and its response.
    Exchange(Box<Exchange>),
    /// A request that the target refused because of the rate (429, 503), and that was sent again. No check sees it.
    Throttled(Box<Exchange>),
    /// A check asked to wait, and the time has passed.
    Waited {
        /// Milliseconds.
        ms: u64,
    },
    /// A log-in waits until there is a one-time code that was not sent before.
    AwaitsCode {
        /// Whose.
        who: Who,
        /// For how long, in milliseconds.
        ms: u64,
    },
    /// A command of the spec printed a token.
    Printed(Box<IssuedToken>),
    /// Something arrived by itself.
    Inbound(Box<Inbound>),
    /// A check has looked into an inbox: of its events it can have seen those before this number, and no other.
    Cut {
        /// Which inbox.
        inbox: InboxIx,
        /// The number of the first event that was not looked at.
        upto: u64,
    },
    /// Clean-up: what comes in between is no part of what is verified, and no verdict hangs on it.
    CleanUp(CleanUp),
}

/// Where a clean-up is. A run that goes on after an interruption begins with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CleanUp {
    /// It begins.
    Begins,
    /// It ends.
    Ends,
}

/// A part of a run: the only one, unless the run was interrupted and resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// Seconds since 1970.
    pub started: u64,
    /// Every variable of the spec: its value, or a placeholder where it is a secret. Placeholders are keyed anew for each
    /// part, so that none can be guessed.
    pub variables: BTreeMap<String, String>,
}

impl Event {
    /// Whose question it answers.
    pub fn asker(&self) -> Asker {
        Asker { source: self.source, ask: self.ask }
    }

    /// The exchange that a check saw, if it is one.
    pub fn exchange(&self) -> Option<&Exchange> {
        match &self.what {
            What::Exchange(exchange) => Some(exchange),
            _ => None,
        }
    }

    /// Whether every tenant, principal and operation that it names is in the spec: asked of events that come from a file.
    pub(crate) fn fits(&self, spec: &watertight_spec::Spec) -> bool {
        let known = |who: Option<Who>| who.is_none_or(|who| spec.has(who));
        match &self.what {
            What::Exchange(exchange) | What::Throttled(exchange) => {
                known(exchange.sender.who())
                    && exchange.operation.is_none_or(|operation| spec.has_operation(operation))
                    && known(exchange.token.as_ref().map(|token| token.who))
                    && known(exchange.session.as_ref().map(|session| session.who))
                    && known(exchange.jar.as_ref().map(|jar| jar.who))
                    && exchange.hits.iter().all(|hit| spec.has_tenant(hit.owner))
            }
            What::AwaitsCode { who, .. } => spec.has(*who),
            What::Printed(token) => spec.has(token.who),
            What::Inbound(inbound) => inbound.hits.iter().all(|hit| spec.has_tenant(hit.owner)),
            What::Began(_) | What::Waited { .. } | What::Cut { .. } | What::CleanUp(_) => true,
        }
    }
}
