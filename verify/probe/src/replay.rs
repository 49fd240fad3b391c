//! Replay: the same machines over a recorded trace. Every request that was sent must be the one that the machine would
//! send, and every verdict must be the one that the machine reaches.

use watertight_spec::Spec;

use crate::machines::{CheckResult, Machines, SetupStep};
use crate::marker::RunTag;
use crate::plan::Plan;
use crate::request::{Call, Intent, Who};
use crate::run::Header;
use crate::session::unrendered;
use crate::tape::Step;
use crate::trace::{Event, Exchange, Owner, Trace, What};
use crate::vault::{Placeholders, render};

/// What a replay finds.
#[derive(Debug)]
pub struct Replay {
    /// What every check concludes from the trace.
    pub results: Vec<CheckResult>,
    /// Where the trace is not what the machines would have done.
    pub divergences: Vec<Divergence>,
}

/// A place where the trace is not what the machines would have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The event.
    pub seq: u64,
    /// What differs, for people.
    pub what: String,
}

/// Replays a trace. `plan` must be the plan of the recorded spec and options.
pub fn replay(spec: &Spec, plan: &Plan, header: &Header, trace: &Trace) -> Replay {
    let tag = RunTag::new(header.options.seed, header.salt);
    let mut machines = Machines::new(spec, plan, &tag);
    let mut past = Trace::default();
    let mut secrets = Placeholders::default();
    let mut divergences = Vec::new();
    for event in trace.events() {
        let expected = match event.owner {
            Owner::Session | Owner::Cleanup => None,
            Owner::Setup(index) => {
                machines.settle_setup(&past, index);
                match machines.step_setup(index, &past) {
                    SetupStep::Continue(step) => Some(step),
                    SetupStep::Done => None,
                }
            }
            Owner::Check(index) => {
                machines.settle_setup(&past, usize::MAX);
                Some(machines.step_check(index, &past))
            }
        };
        if let Some(step) = expected
            && let Some(what) = differs(&step, event, spec, &secrets)
        {
            divergences.push(Divergence { seq: event.seq, what });
        }
        learn(&mut secrets, event);
        past.push(event.clone());
        if let Owner::Setup(index) = event.owner {
            // The world grows as soon as a step is done, as it did in the run.
            if machines.pending_setup() == Some(index) {
                let _ = machines.step_setup(index, &past);
            }
        }
    }
    machines.settle_setup(&past, usize::MAX);
    let results = machines.conclude(&past);
    Replay { results, divergences }
}

fn differs(step: &Step, event: &Event, spec: &Spec, secrets: &Placeholders) -> Option<String> {
    match (step, &event.what) {
        (Step::Send(call), What::Exchange(exchange)) => request_differs(call, exchange, spec, secrets),
        (Step::Wait(time), What::Waited { ms }) => (time.as_millis() != u128::from(*ms))
            .then(|| format!("the trace waits {ms} ms where {} ms were due", time.as_millis())),
        (Step::Done(_), _) => Some("the trace goes on where the check was done".into()),
        (Step::Send(_), What::Waited { .. }) => Some("the trace waits where a request was due".into()),
        (Step::Wait(_), What::Exchange(_)) => Some("the trace sends where a pause was due".into()),
    }
}

fn request_differs(call: &Call, exchange: &Exchange, spec: &Spec, secrets: &Placeholders) -> Option<String> {
    let (expected, intent): (_, Intent) = match render(call, spec, secrets) {
        Ok(rendered) => (rendered.sent(), rendered.intent),
        Err(why) => {
            let exchange = unrendered(call, spec, exchange.seq, exchange.at, &why);
            (exchange.request, exchange.intent)
        }
    };
    // What could not even be rendered in the run, as for want of a key, was recorded without headers.
    let unsent = exchange.request.origin.is_empty() && exchange.response().is_none();
    if unsent || (expected == exchange.request && intent == exchange.intent) {
        return None;
    }
    Some(format!(
        "the trace sends {} {} where {} {} was due",
        exchange.request.method, exchange.request.target, expected.method, expected.target
    ))
}

fn learn(secrets: &mut Placeholders, event: &Event) {
    if let What::Exchange(exchange) = &event.what
        && let Some(token) = &exchange.token
    {
        let who = Who { tenant: token.who.0, principal: token.who.1 };
        secrets.issued.insert(exchange.seq, (who, token.placeholder.clone()));
        if event.owner == Owner::Session {
            secrets.current.insert(who, token.placeholder.clone());
        }
    }
}
