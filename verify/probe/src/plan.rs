//! The plan: what a run of a spec would send, before anything is sent.

use percent_encoding::{AsciiSet, CONTROLS};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use watertight_spec::{Spec, TargetEnvironment};

use crate::check::{Check, Sends};
use crate::checks;
use crate::checks::setup::Step;

/// What is percent-encoded in a path segment (RFC 3986 3.3 `pchar`, without what some servers treat as special).
pub const PATH_SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b';')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What is asked of a run.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Options {
    /// The order of checks and the markers follow from it.
    pub seed: u64,
    /// Only checks with this id, or whose id begins with it and a dot (`api`).
    pub only: Option<String>,
    /// How much is tried.
    pub depth: Depth,
}

/// How much is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Everything.
    #[default]
    Full,
    /// `--quick`, and always in production: only checks that send nothing but reads.
    ReadsOnly,
}

/// What a run would do.
#[derive(Debug)]
pub struct Plan {
    pub(crate) setup: Vec<Step>,
    /// In the order of sending.
    pub checks: Vec<Check>,
    /// Whether `api.own-view` is judged over the whole trace in the end.
    pub own_view: OwnView,
    /// Checks left out: id, operation, and why.
    pub left_out: Vec<LeftOut>,
}

/// Whether `api.own-view` is among the checks asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnView {
    /// It is, for every ordered pair of tenants.
    Judged,
    /// Only others are.
    LeftOut,
}

impl OwnView {
    fn asked(only: Option<&str>) -> Self {
        match only {
            None | Some("api" | "api.own-view") => Self::Judged,
            Some(_) => Self::LeftOut,
        }
    }
}

/// A check that the plan leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The check's id.
    pub check: &'static str,
    /// The operation.
    pub operation: String,
    /// Why, for people.
    pub why: String,
}

impl Plan {
    /// How many instances of checks there are: those that send, and `api.own-view`.
    pub fn total(&self, spec: &Spec) -> usize {
        let judged = match self.own_view {
            OwnView::Judged => crate::machines::pairs(spec).len(),
            OwnView::LeftOut => 0,
        };
        self.checks.len().saturating_add(judged)
    }
}

/// Plans a run.
pub fn plan(spec: &Spec, options: &Options) -> Plan {
    let reads_only = options.depth == Depth::ReadsOnly || spec.target.environment == TargetEnvironment::Production;
    let mut left_out = Vec::new();
    let mut checks: Vec<Check> = checks::kinds().iter().flat_map(|kind| (kind.instances)(spec)).collect();
    checks.retain(|check| {
        let wanted = options.only.as_ref().is_none_or(|only| {
            check.about.id == only
                || check.about.id.strip_prefix(only.as_str()).is_some_and(|rest| rest.starts_with('.'))
        });
        let excluded = spec.excludes.iter().find(|e| {
            e.check == check.about.id && e.operation.as_ref().is_none_or(|name| concerns(spec, name, &check.operation))
        });
        let why = match excluded {
            Some(exclude) => Some(format!("excluded until {}: {}", exclude.expires, exclude.reason)),
            None if reads_only && check.sends == Sends::Writes => Some("only reads are sent".to_owned()),
            None => None,
        };
        if let (true, Some(why)) = (wanted, &why) {
            left_out.push(LeftOut { check: check.about.id, operation: check.operation.clone(), why: why.clone() });
        }
        wanted && why.is_none()
    });
    checks.shuffle(&mut StdRng::seed_from_u64(options.seed));
    checks.sort_by_key(|check| check.phase);
    let setup = checks::setup::steps(spec);
    let setup = if spec.target.environment == TargetEnvironment::Production {
        setup.into_iter().filter(|step| spec.resources.get(step.resource).is_some_and(|r| r.create.is_none())).collect()
    } else {
        setup
    };
    Plan { setup, checks, own_view: OwnView::asked(options.only.as_deref()), left_out }
}

/// Whether an operation's name stands for this label.
fn concerns(spec: &Spec, name: &str, label: &str) -> bool {
    label == name || spec.operations.iter().any(|o| o.name == name && o.label() == label)
}
