//! `api.own-view`: what all ordinary requests of a tenant have shown, whatever they were for.

use watertight_model::{Severity, Surface};
use watertight_spec::Spec;

use crate::check::About;
use crate::checks::kit::shown_of;
use crate::judge::{Evidence, Verdict};
use crate::request::Intent;
use crate::trace::{Event, Owner, What};
use crate::world::World;

static ABOUT: About = About {
    id: "api.own-view",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-200"],
    title: "No ordinary request ever shows another tenant's data",
    does: "Sends nothing of its own: looks through the answers to everything that a tenant asked in its own place \
           during the run (set-up, controls, read-backs).",
    judges: "Leak: such an answer shows another tenant's marker. Isolated: none does, and at least one showed the \
             tenant's own. Unproven: none showed the tenant's own.",
    origin: "Seed 9: a query constrains the tenant before it returns anything.",
    mend: "Follow the request of the finding: its answer was not constrained to the caller's tenant.",
};

/// For the catalogue.
pub(crate) fn about() -> &'static About {
    &ABOUT
}

/// Judged over the whole trace.
pub(crate) fn own_view(spec: &Spec, world: &World, events: &[Event], attacker: usize, victim: usize) -> Verdict {
    // Clean-up comes after the verdicts of a run, so it must not change those of its replay.
    let exchanges = events.iter().filter(|event| event.owner != Owner::Cleanup).filter_map(|event| match &event.what {
        What::Exchange(exchange) => Some(exchange.as_ref()),
        What::Waited { .. } => None,
    });
    let mut has_shown_own = false;
    for exchange in exchanges.filter(|x| x.intent == Intent::Own && x.tenant == Some(attacker)) {
        if let Some(what) = shown_of(spec, world, exchange, victim) {
            let line = format!("an ordinary answer to {} shows {what}", exchange.by);
            return Verdict::Leak(Evidence::of(line, exchange));
        }
        has_shown_own |= exchange.succeeded() && shown_of(spec, world, exchange, attacker).is_some();
    }
    match has_shown_own {
        true => Verdict::Isolated,
        false => Verdict::Unproven("no answer showed the tenant's own marker".into()),
    }
}
