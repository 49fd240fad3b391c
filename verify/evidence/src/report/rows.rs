//! The rows of a report: findings, what is undecided, what was left out.

use serde::{Deserialize, Serialize};
use watertight_checks::catalog::COVERAGE;
use watertight_checks::check::{Check, Subject};
use watertight_checks::plan::LeftOut;
use watertight_checks::run::{AlsoSeen, TrialResult};
use watertight_checks::verdict::{Evidence, Reason, Shows, Verdict};
use watertight_engine::log::{Lookup, What};
use watertight_model::{Severity, Surface};
use watertight_spec::{Act, Pair, Spec, TenantIx};

use super::coverage::Uncovered;
use crate::reproduce::Reproducer;

/// A leak or an advisory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Id of the check.
    pub check: String,
    /// Leak or advisory.
    pub kind: FindingKind,
    /// Where.
    pub surface: Surface,
    /// Tenant whose credentials were used.
    pub attacker: String,
    /// Tenant whose boundary did not hold.
    pub victim: String,
    /// The operation.
    pub operation: String,
    /// How bad it is.
    pub severity: Severity,
    /// CWE ids.
    pub cwe: Vec<String>,
    /// What was demonstrated.
    pub shows: Shows,
    /// Sentences, the most telling first.
    pub evidence: Vec<String>,
    /// A command that does it again, with tokens from the environment.
    pub reproduce: String,
    /// What else showed the same leak; absent where nothing did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_seen: Vec<Sighting>,
}

/// Where a leak that a check found was seen as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Id of the check that saw it.
    pub check: String,
    /// Sentences, the most telling first.
    pub evidence: Vec<String>,
}

impl From<&AlsoSeen> for Sighting {
    fn from(seen: &AlsoSeen) -> Self {
        Self { check: seen.check.id.into(), evidence: seen.evidence.lines.clone() }
    }
}

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Foreign data or a foreign effect was demonstrated.
    Leak,
    /// A weakness without such a demonstration.
    Advisory,
}

impl FindingKind {
    /// As reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Advisory => "advisory",
        }
    }
}

/// What could not be decided: a trial, an operation, a surface for a pair of tenants, or the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecided {
    /// Id of the check; `surface.*` where a pair of tenants has no isolated trial on a surface; `coverage` where no check
    /// decided an operation; `run` for the run itself.
    pub check: String,
    /// Tenant whose credentials were used.
    pub attacker: String,
    /// Tenant whose data was tried.
    pub victim: String,
    /// The operation.
    pub operation: String,
    /// The kind of doubt: stable, and what artifacts group by.
    pub reason: Cause,
    /// The event that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<u64>,
    /// Which control failed, or which answer decided nothing, for people.
    pub why: String,
}

/// Why something is undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cause {
    /// A trial's own reason.
    Trial(Reason),
    /// One of the run as a whole, of a surface, or of an operation.
    Whole(Whole),
}

impl Cause {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trial(reason) => reason.name(),
            Self::Whole(whole) => whole.name(),
        }
    }
    /// For people.
    pub fn says(self) -> &'static str {
        match self {
            Self::Trial(reason) => reason.says(),
            Self::Whole(whole) => whole.says(),
        }
    }
    /// What usually helps.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Trial(reason) => reason.remedy(),
            Self::Whole(whole) => whole.remedy(),
        }
    }
}

/// Why a run as a whole, a surface of it, or an operation is undecided. No name is that of a [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whole {
    /// Nothing could be set up, so nothing was tried.
    NothingSetUp,
    /// The target could not be reached.
    Unreachable,
    /// Someone stopped the run, or killed it.
    Interrupted,
    /// The run's time was over.
    OutOfTime,
    /// No check shows isolation on a surface for a pair of tenants.
    NothingIsolated,
    /// No check decided an operation of the spec.
    NothingDecided,
}

impl Whole {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::NothingSetUp,
        Self::Unreachable,
        Self::Interrupted,
        Self::OutOfTime,
        Self::NothingIsolated,
        Self::NothingDecided,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NothingSetUp => "nothing-set-up",
            Self::Unreachable => "unreachable",
            Self::Interrupted => "interrupted",
            Self::OutOfTime => "out-of-time",
            Self::NothingIsolated => "nothing-isolated",
            Self::NothingDecided => "nothing-decided",
        }
    }
    /// For people.
    pub fn says(self) -> &'static str {
        match self {
            Self::NothingSetUp => "nothing could be set up, so nothing was tried",
            Self::Unreachable => "the target could not be reached, so nothing was tried",
            Self::Interrupted => "the run was interrupted",
            Self::OutOfTime => "the time of the run was over before all trials were done",
            Self::NothingIsolated => "no trial could show isolation on this surface for this pair",
            Self::NothingDecided => "no check decided this operation",
        }
    }
    /// What usually helps.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NothingSetUp => "check the credentials, and the `create` bodies of the resources",
            Self::Unreachable => "check `url` under [target], and that the target is up",
            Self::Interrupted => "`watertight verify --resume DIR` finishes it",
            Self::OutOfTime => "`watertight verify --resume DIR` goes on with it; or raise `time` under [limits]",
            Self::NothingIsolated => "give this surface an operation that both tenants can use",
            Self::NothingDecided => {
                "describe it so that it works for its owner and names what it concerns; or say why it need not be covered, in an [[exclude]] with check = \"coverage\""
            }
        }
    }
}

impl Undecided {
    pub(super) fn of_run(cause: Whole, why: &str) -> Self {
        Self {
            check: "run".into(),
            attacker: String::new(),
            victim: String::new(),
            operation: String::new(),
            reason: Cause::Whole(cause),
            exchange: None,
            why: why.to_owned(),
        }
    }

    pub(super) fn of_surface(spec: &Spec, surface: Surface, pair: Pair) -> Self {
        let cause = Whole::NothingIsolated;
        Self {
            check: format!("{}.*", surface.name()),
            attacker: tenant(spec, pair.attacker),
            victim: tenant(spec, pair.victim),
            ..Self::of_run(cause, cause.says())
        }
    }

    pub(super) fn of_operation(vanished: &Uncovered) -> Self {
        Self {
            check: COVERAGE.into(),
            operation: vanished.operation.clone(),
            ..Self::of_run(Whole::NothingDecided, &vanished.why)
        }
    }

    pub(super) fn of_trial(spec: &Spec, result: &TrialResult) -> Option<Self> {
        let Verdict::Unproven(unproven) = &result.verdict else { return None };
        Some(Self {
            check: result.check.id.into(),
            attacker: tenant(spec, result.pair.attacker),
            victim: tenant(spec, result.pair.victim),
            operation: result.subject.label(spec),
            reason: Cause::Trial(unproven.reason),
            exchange: unproven.exchange,
            why: unproven.detail.clone(),
        })
    }

    /// Whether it concerns no single check.
    pub(crate) fn is_of_the_whole(&self) -> bool {
        matches!(self.reason, Cause::Whole(_))
    }

    /// Whether it concerns the run, not a surface of it.
    pub(crate) fn is_of_the_run(&self) -> bool {
        let is_of_a_part = matches!(self.reason, Cause::Whole(Whole::NothingIsolated | Whole::NothingDecided));
        self.is_of_the_whole() && !is_of_a_part
    }
}

/// How long access lasted that an act was to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEnded {
    /// The act.
    pub act: String,
    /// In which tenant.
    pub tenant: String,
    /// Milliseconds from the act's answer to the last credential's refusal.
    pub after_ms: u64,
    /// Milliseconds that the spec allows.
    pub within_ms: u64,
}

impl AccessEnded {
    pub(super) fn of(spec: &Spec, result: &TrialResult) -> Option<Self> {
        let (Subject::Act(act), Verdict::Isolated(proof)) = (result.subject, &result.verdict) else { return None };
        let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let Act { name, tenant: within_tenant, within, .. } = &spec[act];
        Some(Self {
            act: name.clone(),
            tenant: tenant(spec, *within_tenant),
            after_ms: ms(proof.ended_after()?),
            within_ms: ms(*within),
        })
    }

    /// For people: `remove-member in agency-north: 12 ms, of 5000 ms`.
    pub(crate) fn says(&self) -> String {
        format!("{} in {}: {} ms, of {} ms", self.act, self.tenant, self.after_ms, self.within_ms)
    }
}

/// A check that was not tried on an operation, for any pair of tenants, or a part of it, for one of them at least.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omitted {
    /// Id of the check.
    pub check: String,
    /// The operation.
    pub operation: String,
    /// Excluded, with its reason; or only reads are sent; or it would have taken too much.
    pub why: String,
}

impl Omitted {
    pub(super) fn of(left: &LeftOut) -> Self {
        Self { check: left.check.to_owned(), operation: left.operation.clone(), why: left.why.clone() }
    }

    /// What could not be tried of a trial.
    pub(super) fn of_trial(spec: &Spec, result: &TrialResult) -> Option<Self> {
        let Verdict::Isolated(proof) = &result.verdict else { return None };
        let why = proof.untried()?.says();
        Some(Self { check: result.check.id.to_owned(), operation: result.subject.label(spec), why })
    }
}

/// Leaks first, the most severe first.
pub(super) fn findings(spec: &Spec, results: &[TrialResult], lookup: &mut Lookup) -> Vec<Finding> {
    let mut found: Vec<(FindingKind, &TrialResult, &Evidence)> = results
        .iter()
        .filter_map(|result| match &result.verdict {
            Verdict::Leak(evidence) => Some((FindingKind::Leak, result, evidence)),
            Verdict::Advisory(evidence) => Some((FindingKind::Advisory, result, evidence)),
            _ => None,
        })
        .collect();
    found.sort_by_cached_key(|(kind, result, evidence)| {
        let severity = std::cmp::Reverse(severity(result.check, *kind, evidence));
        (*kind, severity, result.check.id, result.subject.label(spec), result.pair)
    });
    let reproducer = Reproducer::new(spec, lookup);
    found.into_iter().map(|(kind, result, evidence)| finding(&reproducer, lookup, kind, result, evidence)).collect()
}

fn finding(
    reproducer: &Reproducer<'_>,
    lookup: &mut Lookup,
    kind: FindingKind,
    result: &TrialResult,
    evidence: &Evidence,
) -> Finding {
    let spec = reproducer.spec();
    let shown = evidence.exchanges.first().and_then(|seq| lookup.event(*seq));
    let reproduce = match shown.as_ref().map(|event| &event.what) {
        Some(What::Exchange(exchange)) => reproducer.command(exchange),
        // What shows without a request shows again in a run of that check alone.
        _ => format!("watertight verify --only {}", result.check.id),
    };
    Finding {
        check: result.check.id.into(),
        kind,
        surface: result.check.surface,
        attacker: tenant(spec, result.pair.attacker),
        victim: tenant(spec, result.pair.victim),
        operation: result.subject.label(spec),
        severity: severity(result.check, kind, evidence),
        cwe: result.check.cwe.iter().map(|cwe| (*cwe).to_owned()).collect(),
        shows: evidence.shows,
        evidence: evidence.lines.clone(),
        reproduce,
        also_seen: result.also_seen.iter().map(Sighting::from).collect(),
    }
}

/// How bad a finding is: what was demonstrated counts. Where a check comes upon another tenant's data, or changes it, that is
/// no smaller thing for what the check was looking for.
fn severity(check: &Check, kind: FindingKind, evidence: &Evidence) -> Severity {
    if kind == FindingKind::Advisory {
        return check.severity;
    }
    match evidence.shows {
        Shows::ForeignWrite | Shows::ForeignChange | Shows::ForeignDestruction => {
            check.severity.max(Severity::Critical)
        }
        Shows::ForeignData => check.severity.max(Severity::High),
        Shows::ForeignLink
        | Shows::ForeignKnowledge
        | Shows::CredentialAccepted
        | Shows::WeakCredential
        | Shows::Weakness => check.severity,
    }
}

fn tenant(spec: &Spec, tenant: TenantIx) -> String {
    spec[tenant].id.to_string()
}
