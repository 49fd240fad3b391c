//! What a check is: its description, and one instance of it in a plan.

use std::fmt;

use watertight_model::{Severity, Surface};

use crate::judge::Verdict;
use crate::tape::{Halt, Tape};

/// What people read of a check (`watertight explain`), and what its findings carry.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// `surface.what-it-tries`: stable.
    pub id: &'static str,
    /// Where it tries.
    pub surface: Surface,
    /// How bad a finding is.
    pub severity: Severity,
    /// CWE ids of a finding.
    pub cwe: &'static [&'static str],
    /// One line.
    pub title: &'static str,
    /// What it sends.
    pub does: &'static str,
    /// How it tells isolated, leak, advisory and unproven apart.
    pub judges: &'static str,
    /// The bug, standard or requirement that it comes from.
    pub origin: &'static str,
    /// How to mend what it finds.
    pub mend: &'static str,
}

/// When a check runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// First of all: it waits long, and the others go on meanwhile.
    Early,
    /// With all others.
    Main,
    /// After all others, one at a time: it may lock a client.
    Last,
}

/// What a check sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    /// Nothing that could change data: allowed in production.
    Reads,
    /// Requests that create, change or destroy, or would if the boundary were open.
    Writes,
}

/// The machine of a check.
pub type Machine = Box<dyn Fn(&Tape<'_>) -> Result<Verdict, Halt> + Send + Sync>;

/// One instance of a check: an ordered pair of tenants and an operation.
pub struct Check {
    /// What kind of check.
    pub about: &'static About,
    /// Index of the tenant whose credentials attack.
    pub attacker: usize,
    /// Index of the tenant whose data is tried.
    pub victim: usize,
    /// The operation tried, as [`watertight_spec::Operation::label`] gives it, or `token NAME`.
    pub operation: String,
    /// When it runs.
    pub phase: Phase,
    /// What it sends.
    pub sends: Sends,
    /// The machine.
    pub machine: Machine,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}→{} {}", self.about.id, self.attacker, self.victim, self.operation)
    }
}
