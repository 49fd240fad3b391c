//! How a probe is written: straight down, as if every call returned at once.
//!
//! A check is a function over a [`Tape`]. The tape holds what this check has exchanged so far. A call that is on the
//! tape returns its record; the first one that is not yet there halts the function with [`Halt::Send`], the dispatcher
//! performs it, and the function runs again from the top. So `step(trace) → Send | Wait | Done` is a deterministic
//! state machine, and the machine that drives the live run is the one that judges a bundle offline: it can look at
//! nothing but the trace.

use std::cell::Cell;
use std::time::Duration;

use serde_json::Value;
use watertight_spec::Spec;

use crate::judge::Verdict;
use crate::marker::{Canary, RunTag};
use crate::request::{Call, Request, Who};
use crate::trace::{Event, Exchange, What};
use crate::world::World;

/// Why a probe's function stopped short of a verdict.
#[derive(Clone, Debug, PartialEq)]
pub enum Halt {
    /// This must be done next.
    Send(Box<Call>),
    /// This much time must pass next.
    Wait(Duration),
    /// It can't be decided: a control failed, or the answer was no answer.
    Unproven(String),
    /// There is nothing to try here; said aloud.
    NotApplicable(String),
}

/// What a step of a probe yields.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Perform this call.
    Send(Box<Call>),
    /// Let this much time pass.
    Wait(Duration),
    /// The verdict.
    Done(Verdict),
}

/// What a check has exchanged so far, and what it may know.
pub struct Tape<'t> {
    /// The specification.
    pub spec: &'t Spec,
    /// What set-up planted and learned. Empty while set-up itself runs.
    pub world: &'t World,
    tag: &'t RunTag,
    label: String,
    events: Vec<&'t Event>,
    cursor: Cell<usize>,
    serial: Cell<usize>,
}

impl<'t> Tape<'t> {
    /// A tape over the events that one owner has so far, in order. `label` names the owner: it makes its markers its
    /// own.
    pub fn new(spec: &'t Spec, world: &'t World, tag: &'t RunTag, label: String, events: Vec<&'t Event>) -> Self {
        Self { spec, world, tag, label, events, cursor: Cell::new(0), serial: Cell::new(0) }
    }

    /// Does it, or returns what came of it.
    pub fn call(&self, call: Call) -> Result<&'t Exchange, Halt> {
        match self.next() {
            Some(What::Exchange(exchange)) => Ok(exchange),
            Some(What::Waited { .. }) => Err(Halt::Unproven("the trace has a pause where a request was due".into())),
            None => Err(Halt::Send(Box::new(call))),
        }
    }

    /// Sends a request to the target.
    pub fn send(&self, request: Request) -> Result<&'t Exchange, Halt> {
        self.call(Call::Api(request))
    }

    /// Lets time pass.
    pub fn wait(&self, time: Duration) -> Result<(), Halt> {
        match self.next() {
            Some(What::Waited { .. }) => Ok(()),
            Some(What::Exchange(_)) => Err(Halt::Unproven("the trace has a request where a pause was due".into())),
            None => Err(Halt::Wait(time)),
        }
    }

    /// A new canary of `owner`: the same one each time that the function runs.
    pub fn canary(&self, owner: usize) -> Canary {
        self.tag.canary(owner, &self.fresh())
    }

    /// A new value for a tenant to write where it must not.
    pub fn nonce(&self, sender: usize) -> String {
        self.tag.nonce(sender, &self.fresh())
    }

    /// A new value that nothing else has.
    pub fn unique(&self) -> String {
        self.tag.unique(&self.fresh())
    }

    /// The default caller of a tenant.
    pub fn caller(&self, tenant: usize) -> Result<Who, Halt> {
        let principals = self.spec.tenants.get(tenant).map(|t| t.principals.as_slice()).unwrap_or_default();
        principals
            .iter()
            .position(|p| p.names == watertight_spec::Names::Own)
            .map(|principal| Who { tenant, principal })
            .ok_or_else(|| Halt::NotApplicable("the tenant has no principal that names it".into()))
    }

    /// Whether everything recorded was used: a replay that ends early did not do what the run did.
    pub fn is_spent(&self) -> bool {
        self.cursor.get() >= self.events.len()
    }

    fn fresh(&self) -> String {
        let serial = self.serial.get();
        self.serial.set(serial + 1);
        format!("{} {serial}", self.label)
    }

    fn next(&self) -> Option<&'t What> {
        let cursor = self.cursor.get();
        let event = self.events.get(cursor)?;
        self.cursor.set(cursor + 1);
        Some(&event.what)
    }
}

/// A scalar as text, for ids in JSON: strings as they are, numbers as written.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
