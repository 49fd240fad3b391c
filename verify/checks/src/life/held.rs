//! Credentials of those whom an act is about: had before it, and asked for anew after it.

use std::ops::Range;

use watertight_engine::call::{Call, Caller, TokenCall};
use watertight_engine::log::{Exchange, Sender};
use watertight_engine::{Seen, Tape};
use watertight_spec::{Credential, Ends, TokenGrant, Who};

use super::places::{Access, is_refused};
use super::until::Asked;
use crate::shared::is_turned_away;
use crate::verdict::{Reason, Stop, Unproven};

/// A credential that a principal has.
pub(super) struct Held {
    /// Whose.
    pub(super) who: Who,
    /// How it is presented.
    pub(super) caller: Caller,
    /// What is written for `{unique}` in its log-in.
    unique: String,
}

impl Held {
    /// A new one: the account is made where the log-in makes it.
    pub(super) async fn log_in(t: &Tape, who: Who, ends: Ends) -> Result<Self, Stop> {
        let unique = t.unique();
        let caller = match brought(t, who, &unique, 0).await {
            Some(Ok(seq)) => Caller::Issued(seq),
            Some(Err(answer)) => {
                let why = format!("{} can't log in", t.spec.name_of(who));
                return Err(Unproven::shown(Reason::NoToken, why, &answer).into());
            }
            None if ends == Ends::Held && is_renewed(&t.spec[who].credential) => {
                let why =
                    format!("what {} holds is renewed by itself, so it can't be presented again", t.spec.name_of(who));
                return Err(Unproven::new(Reason::NoToken, why).into());
            }
            None => Caller::Own(who),
        };
        Ok(Self { who, caller, unique })
    }

    /// Whether a refusal after the act is that of access. Where a token is not taken, a command is asked for another one: if
    /// it has brought none, it may have failed for any reason, and nothing is known of a new token.
    pub(super) fn is_access_refused(&self, t: &Tape, cause: &Exchange, answer: &Exchange) -> bool {
        match (&t.spec[self.who].credential, &answer.sender) {
            (Credential::Command(_), Sender::Principal { token: Some(token), .. }) => {
                answer.status() != Some(401) || *token > cause.seq
            }
            _ => true,
        }
    }

    /// Whether the same principal can ask for another: who has a key can't.
    pub(super) fn can_log_in_again(&self, t: &Tape) -> bool {
        !steps_from(t, self.who, self.first_own_step(t)).is_empty()
    }

    /// Whether that takes several requests.
    pub(super) fn logs_in_in_steps(&self, t: &Tape) -> bool {
        steps_from(t, self.who, self.first_own_step(t)).len() > 1
    }

    /// Another one, with the account that there is; or what it is told in its place.
    pub(super) async fn log_in_again(&self, t: &Tape) -> Result<Caller, Asked> {
        match brought(t, self.who, &self.unique, self.first_own_step(t)).await {
            Some(Ok(seq)) => Ok(Caller::Issued(seq)),
            // A form that is shown again says no with a success.
            Some(Err(answer)) if is_refused(&answer) || answer.succeeded() || is_turned_away(&answer) => {
                Err(Asked { access: Access::Refused, answer })
            }
            Some(Err(answer)) => Err(Asked { access: Access::Unclear(Unproven::undecided(&answer)), answer }),
            None => Ok(self.caller.clone()),
        }
    }

    /// The steps before it make the account.
    fn first_own_step(&self, t: &Tape) -> usize {
        match &t.spec[self.who].credential {
            Credential::Session { steps, .. } => steps.iter().take_while(|step| step.by.is_some()).count(),
            _ => 0,
        }
    }
}

/// Whether the engine gets another in its place by itself.
fn is_renewed(credential: &Credential) -> bool {
    match credential {
        Credential::Endpoint(_) | Credential::Login { .. } | Credential::Session { .. } | Credential::Command(_) => {
            true
        }
        Credential::Basic { .. } | Credential::Keys { .. } | Credential::Cookies { .. } => false,
    }
}

/// The event that brings a token or a session, taking the steps of a log-in from this one on; or the answer that does not. None
/// where nothing is asked for.
async fn brought(t: &Tape, who: Who, unique: &str, from: usize) -> Option<Result<u64, Seen>> {
    let mut last = None;
    for step in steps_from(t, who, from) {
        let ask = TokenCall { step, unique: unique.to_owned(), ..TokenCall::plain(who) };
        last = Some(t.call(Call::Token(ask)).await);
    }
    let answer = last?;
    let is_brought = answer.token.is_some() || answer.session.is_some();
    Some(if is_brought { Ok(answer.seq) } else { Err(answer) })
}

/// The requests of a log-in from this step on; none where nothing is asked for.
fn steps_from(t: &Tape, who: Who, from: usize) -> Range<usize> {
    match &t.spec[who].credential {
        Credential::Session { steps, .. } => from..steps.len(),
        // A refresh token may be good for one use, and is the engine's to use.
        Credential::Endpoint(endpoint) if matches!(endpoint.grant, TokenGrant::RefreshToken(_)) => 0..0,
        Credential::Endpoint(_) | Credential::Login { .. } => 0..1,
        Credential::Basic { .. } | Credential::Keys { .. } | Credential::Cookies { .. } | Credential::Command(_) => {
            0..0
        }
    }
}
