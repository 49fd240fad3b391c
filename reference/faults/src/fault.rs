//! What a fault is.

use std::fmt;
use std::sync::Arc;

use watertight_casework::{Agency, Ports};
use watertight_model::{Surface, TenantId};

use crate::demo::DemoSecrets;
use crate::issuer::IssuerBug;
use crate::raw::Raw;
use crate::tokens::PublishedKeys;

/// A known bug that the reference platform can be started with.
pub struct Fault {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// What the platform does, in a line.
    pub summary: &'static str,
    /// Where the bug was seen, or what rules it out.
    pub origin: &'static str,
    /// Where it shows.
    pub surface: Surface,
    /// Ids of the checks that catch it, at most three, the most telling first.
    pub caught_by: &'static [&'static str],
    /// Ids of further checks that report a leak or an advisory, because the bug makes them.
    pub consequences: &'static [&'static str],
    /// Operations that a finding may name, as findings do: `GET /tenants/{tenant}/cases/{case}`. What ends in a space
    /// means everything that begins with it: `token ` for every client at the token endpoints.
    pub operations: &'static [&'static str],
    pub(crate) change: Change,
}

impl Fault {
    /// Whether a finding at this operation is about the fault.
    pub fn is_at(&self, operation: &str) -> bool {
        self.operations
            .iter()
            .any(|known| operation == *known || (known.ends_with(' ') && operation.starts_with(known)))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fault").field(&self.name).finish()
    }
}

/// What makes the platform faulty.
pub(crate) enum Change {
    /// Ports of the platform are replaced.
    Ports(fn(&Workshop, Ports) -> Ports),
    /// The issuers decide wrongly.
    Issuer(IssuerBug),
    /// Clients are registered with other secrets.
    Secrets(fn(&mut DemoSecrets)),
}

/// What faulty ports are made of.
pub(crate) struct Workshop {
    /// The agencies, as they are registered.
    pub(crate) agencies: Arc<[Agency]>,
    /// The tables of cases and tasks, without anything in between.
    pub(crate) raw: Raw,
    /// What the issuers publish.
    pub(crate) keys: Arc<PublishedKeys>,
}

impl Workshop {
    pub(crate) fn tenants(&self) -> Arc<[TenantId]> {
        self.agencies.iter().map(|agency| agency.tenant.clone()).collect()
    }
}
