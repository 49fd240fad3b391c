//! What a check is: its description, and one instance of it in a plan, a trial.

use std::fmt;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use watertight_engine::{Script, Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{ActIx, OperationIx, Pair, ResourceIx, Spec, Who};

use crate::verdict::{Stop, Verdict};

/// A kind of attempt: what people read of it (`watertight explain`), and what its findings carry.
#[derive(Clone, Copy, Debug)]
pub struct Check {
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
    /// The bug, standard or requirement that it comes from: see docs/sources.md.
    pub origin: &'static str,
    /// How to fix what it finds.
    pub fix: &'static str,
    /// About how many requests a trial sends, for `watertight plan`.
    pub requests: u32,
}

/// When a trial runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// First of all: it waits long, and the others go on meanwhile.
    Early,
    /// With all others.
    Main,
    /// After all others, one at a time: it may lock a client.
    Last,
    /// After those as well, one at a time: it may change or destroy whatever a tenant has.
    Final,
}

impl Phase {
    /// Whether its trials are tried one at a time, when all others are done.
    pub fn is_by_itself(self) -> bool {
        matches!(self, Self::Last | Self::Final)
    }
}

/// What a trial tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// An operation of the spec.
    Operation(OperationIx),
    /// The same, by another principal of the attacker's than the one that calls for it by default.
    OperationAs(OperationIx, Who),
    /// A principal's token.
    Token(Who),
    /// An act of the spec.
    Act(ActIx),
    /// Every ordinary request of the run.
    Everything,
}

impl Subject {
    /// The operation that is tried, if one is.
    pub fn operation(self) -> Option<OperationIx> {
        match self {
            Self::Operation(operation) | Self::OperationAs(operation, _) => Some(operation),
            Self::Token(_) | Self::Act(_) | Self::Everything => None,
        }
    }

    /// Who attacks in place of the principal that does by default.
    pub(crate) fn instead(self) -> Option<Who> {
        match self {
            Self::OperationAs(_, who) => Some(who),
            Self::Operation(_) | Self::Token(_) | Self::Act(_) | Self::Everything => None,
        }
    }

    /// As findings name it: `GET /tenants/{tenant}/cases/{case}`, `token agency-north/service`.
    pub fn label(self, spec: &Spec) -> String {
        match self {
            Self::Operation(operation) => spec[operation].label(),
            Self::OperationAs(operation, who) => format!("{} as {}", spec[operation].label(), spec.name_of(who)),
            Self::Token(who) => format!("token {}", spec.name_of(who)),
            Self::Act(act) => format!("act {} in {}", spec[act].name, spec[spec[act].tenant].name),
            Self::Everything => "every ordinary request".to_owned(),
        }
    }
}

/// What of a request a trial makes another's, or its own: what the trial of an operation is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Wherever it names its tenant.
    Tenant,
    /// The tenant's id, spelled otherwise, another's, or left out.
    TenantId,
    /// Wherever it names an object of this kind.
    Object(ResourceIx),
    /// The same of the object above the one that it concerns. One is made for it, so it is tried where the run may write.
    Above(ResourceIx),
    /// A further object of this kind, in a list that is written with one.
    Second(ResourceIx),
    /// A name that its sender chooses: `{unique}` and the like.
    Name,
    /// Words that are searched for: `{canary.public}`.
    Words,
    /// Members that are added to its body: `tenancy.fields`.
    Members,
    /// Headers that are added.
    Headers,
    /// Parameters that are added to its query.
    Parameters,
    /// The credential that it is sent with.
    Credential,
    /// Nothing: it is sent as it is, and its answer is looked through.
    Answer,
}

/// What a check concludes of one trial, or why it could not.
pub type Concluded = Result<Verdict, Stop>;

/// One instance of a check: an ordered pair of tenants and what is tried.
pub struct Trial {
    /// What kind of check.
    pub check: &'static Check,
    /// Whose credentials attack, whose data is tried.
    pub pair: Pair,
    /// What is tried.
    pub subject: Subject,
    /// What it makes another's.
    pub targets: Rc<[Target]>,
    /// When it runs.
    pub phase: Phase,
    /// The check itself, and by the tape that it takes what it needs.
    pub script: Script<Concluded>,
}

impl Trial {
    /// The same with another subject.
    pub(crate) fn with(&self, subject: Subject) -> Self {
        let targets = Rc::clone(&self.targets);
        Self { check: self.check, pair: self.pair, subject, targets, phase: self.phase, script: self.script.clone() }
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pair { attacker, victim } = self.pair;
        write!(f, "{} {}→{} {:?}", self.check.id, attacker.number(), victim.number(), self.subject)
    }
}

/// A script that only reads: `reads(move |t| Box::pin(look(t, aim)))`.
pub(crate) fn reads<F>(check: F) -> Script<Concluded>
where
    F: for<'t> Fn(&'t Tape) -> watertight_engine::Future<'t, Concluded> + 'static,
{
    Script::Read(Rc::new(check))
}

/// A script that reads, and plants objects of its own where the run may write ([`Tape::writing`]).
pub(crate) fn plants<F>(check: F) -> Script<Concluded>
where
    F: for<'t> Fn(&'t Tape) -> watertight_engine::Future<'t, Concluded> + 'static,
{
    Script::Plant(Rc::new(check))
}

/// A script that writes.
pub(crate) fn writes<F>(check: F) -> Script<Concluded>
where
    F: for<'t> Fn(WriteTape<'t>) -> watertight_engine::Future<'t, Concluded> + 'static,
{
    Script::Write(Rc::new(check))
}
