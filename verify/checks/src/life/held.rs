//! Credentials of those whom an act is about: had before it, and asked for anew after it.

use watertight_engine::call::{Call, Caller, TokenCall};
use watertight_engine::{Seen, Tape};
use watertight_spec::{Credential, TokenGrant, Who};

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
    pub(super) async fn log_in(t: &Tape, who: Who) -> Result<Self, Stop> {
        let unique = t.unique();
        let caller = match brought(t, who, &unique, 0).await {
            Some(Ok(seq)) => Caller::Issued(seq),
            Some(Err(answer)) => {
                let why = format!("{} can't log in", t.spec.name_of(who));
                return Err(Unproven::shown(Reason::NoToken, why, &answer).into());
            }
            None => Caller::Own(who),
        };
        Ok(Self { who, caller, unique })
    }

    /// The same principal asks for another, with the account that it has. None where it can't ask, as with a key.
    pub(super) async fn log_in_again(&self, t: &Tape) -> Option<Result<Caller, Seen>> {
        let made = match &t.spec[self.who].credential {
            Credential::Session { steps, .. } => steps.iter().take_while(|step| step.by.is_some()).count(),
            _ => 0,
        };
        brought(t, self.who, &self.unique, made).await.map(|brought| brought.map(Caller::Issued))
    }
}

/// The event that brings a token or a session, taking the steps of a log-in from this one on; or the answer that does not. None
/// where nothing is asked for.
async fn brought(t: &Tape, who: Who, unique: &str, from: usize) -> Option<Result<u64, Seen>> {
    let steps = match &t.spec[who].credential {
        Credential::Session { steps, .. } => from..steps.len(),
        // A refresh token may be good for one use, and is the engine's to use.
        Credential::Endpoint(endpoint) if !matches!(endpoint.grant, TokenGrant::RefreshToken(_)) => 0..1,
        Credential::Login { .. } => 0..1,
        Credential::Endpoint(_)
        | Credential::Basic { .. }
        | Credential::Keys { .. }
        | Credential::Cookies { .. }
        | Credential::Command(_) => return None,
    };
    let mut last = None;
    for step in steps {
        let ask = TokenCall { step, unique: unique.to_owned(), ..TokenCall::plain(who) };
        last = Some(t.call(Call::Token(ask)).await);
    }
    let answer = last?;
    let is_brought = answer.token.is_some() || answer.session.is_some();
    Some(if is_brought { Ok(answer.seq) } else { Err(answer) })
}
