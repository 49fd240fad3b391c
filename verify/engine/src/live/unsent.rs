//! The record of a call that was not sent.

use watertight_spec::Spec;

use crate::call::Call;
use crate::log::{Exchange, Failure, Outcome, Purpose, Sender, Sent};
use crate::render::Unrendered;

/// Characters of a target that are recorded of what was not sent.
const LONGEST_TARGET: usize = 2_000;

/// The record of a call that could not even be rendered, as when no token was to be had.
pub(crate) fn unrendered(call: &Call, spec: &Spec, at: u64, why: &Unrendered) -> Exchange {
    let (method, target, who) = match call {
        Call::Api(request) => (request.method.clone(), request.address.shown(), request.caller.who()),
        Call::Token(ask) => ("POST".into(), String::new(), Some(ask.who)),
        Call::Act(ask) => {
            let method = ask.request(spec).map_or_else(String::new, |request| request.method.clone());
            (method, String::new(), ask.caller.who())
        }
        Call::Discovery { issuer } => ("GET".into(), issuer.clone(), None),
        Call::Keys { url, .. } => ("GET".into(), url.clone(), None),
    };
    let target = target.chars().take(LONGEST_TARGET).collect();
    let sender = who.map_or(Sender::Anonymous, |who| Sender::Principal { who, token: None });
    let by = who.map_or_else(|| "anonymous".into(), |who| spec.name_of(who));
    let sent = Sent { method, target, ..Sent::default() };
    let mut exchange = Exchange::new(at, sender, by, Purpose::of(call), sent);
    let (kind, text) = match why {
        Unrendered::NoToken(text) => (Failure::NoToken, text),
        Unrendered::Other(text) => (Failure::Refused, text),
    };
    exchange.outcome = Outcome::Failed { kind, text: text.clone() };
    exchange
}
