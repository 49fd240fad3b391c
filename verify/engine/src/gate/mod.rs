//! The gate: everything that is sent goes through it. What the spec does not name, what the budget does not hold, and
//! what would spoil the evidence is not sent.

mod rate;
mod slots;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use watertight_spec::{Limits, Spec, TargetEnvironment};

use crate::call::Call;
use crate::log::{Failure, Source};
use crate::marker::Scanner;
use crate::render::Rendered;

pub(crate) use rate::{Rate, Refused, Throttle};
pub(crate) use slots::{Slots, Turn};

/// Requests that clean-up may send beyond the budget: a run that has spent it must still remove what it made.
const CLEANUP_RESERVE: u64 = 2_000;
/// And the time that it may take beyond the budget.
const CLEANUP_TIME: Duration = Duration::from_secs(300);

/// What a run may send.
pub(crate) struct Gate {
    hosts: BTreeSet<(String, u16)>,
    limits: Limits,
    environment: TargetEnvironment,
    begun: Instant,
    spent: Cell<u64>,
    pub(crate) rate: Rate,
}

impl Gate {
    pub(crate) fn new(spec: &Spec, begun: Instant) -> Self {
        Self {
            hosts: spec.hosts(),
            limits: spec.limits,
            environment: spec.target.environment,
            begun,
            spent: Cell::new(0),
            rate: Rate::new(spec.limits.rate),
        }
    }

    /// Requests sent so far.
    pub(crate) fn spent(&self) -> u64 {
        self.spent.get()
    }

    /// Whether the time of the run is over for what is sent for this source.
    pub(crate) fn is_out_of_time(&self, source: Source) -> bool {
        let (_, reserve) = reserve(source);
        self.begun.elapsed() >= self.limits.time.saturating_add(reserve)
    }

    /// Lets a request out, or says why not. What is let out counts.
    pub(crate) fn permit(
        &self,
        call: &Call,
        rendered: &Rendered,
        source: Source,
        scanner: &Scanner,
    ) -> Result<(), (Failure, String)> {
        self.addressee(rendered)?;
        self.budget(source)?;
        let refused = |why: String| Err((Failure::Refused, why));
        let reads = matches!(rendered.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        let is_for_the_target = match call {
            Call::Api(_) | Call::Act(_) => true,
            // Another principal makes an account.
            Call::Token(ask) => rendered.sender.who() != Some(ask.who),
            Call::Discovery { .. } | Call::Keys { .. } => false,
        };
        if is_for_the_target && !reads && self.environment == TargetEnvironment::Production {
            return refused(format!("{} is not sent to production", rendered.method));
        }
        // Whatever an attacker sends is no evidence when it comes back: so no other tenant's secret half may be in it.
        let mut sent = format!("{} {}", rendered.target.shown(), rendered.body.as_ref().map_or("", |b| b.shown()));
        rendered.headers.iter().for_each(|(_, value)| sent.push_str(value.shown()));
        let own = rendered.sender.who().map(|who| who.tenant);
        if let Some(hit) = scanner.scan("request", sent.as_bytes()).iter().find(|hit| Some(hit.owner) != own) {
            return refused(format!("the request would carry {}, another tenant's marker", hit.text));
        }
        self.spent.set(self.spent.get().saturating_add(1));
        Ok(())
    }

    fn addressee(&self, rendered: &Rendered) -> Result<(), (Failure, String)> {
        let host = rendered.origin.host_str().unwrap_or_default().to_owned();
        let port = rendered.origin.port_or_known_default().unwrap_or_default();
        match self.hosts.contains(&(host.clone(), port)) {
            true => Ok(()),
            false => {
                let why = format!("{host}:{port} is not named by the spec, so nothing is sent there");
                Err((Failure::Refused, why))
            }
        }
    }

    fn budget(&self, source: Source) -> Result<(), (Failure, String)> {
        let (reserve, _) = reserve(source);
        let spent = |what: String| Err((Failure::Budget, what));
        if self.spent.get() >= self.limits.requests.saturating_add(reserve) {
            return spent(format!("the budget of {} requests is spent (limits.requests)", self.limits.requests));
        }
        if self.is_out_of_time(source) {
            return spent(format!("the run's time of {:?} is over (limits.time)", self.limits.time));
        }
        Ok(())
    }
}

/// What a source may use beyond the budget of the run.
fn reserve(source: Source) -> (u64, Duration) {
    match source {
        Source::Cleanup => (CLEANUP_RESERVE, CLEANUP_TIME),
        _ => (0, Duration::ZERO),
    }
}
