//! What every artifact is made from, and the words and groupings that they share.

use std::collections::BTreeMap;

use watertight_checks::check::Check;
use watertight_checks::plan::Options;
use watertight_checks::run::{Ending, Run};
use watertight_spec::{Spec, TenantIx};

use crate::escape;
use crate::report::{Advisories, Cause, Cell, Finding, Matrix, Omitted, Overall, Report, Undecided, matrix, options};
use crate::reproduce::obtain_token;

/// A finished run, whole.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// What was verified.
    pub spec: &'a Spec,
    /// What every trial concluded, and how the run ended.
    pub run: &'a Run,
    /// What it comes to.
    pub report: &'a Report,
    /// Whether advisories count as leaks.
    pub advisories: Advisories,
}

/// Findings of one check at one operation, over the pairs of tenants that show it.
#[derive(Clone, Debug)]
pub struct FindingGroup<'a> {
    /// The one that is shown.
    pub first: &'a Finding,
    /// The same for other pairs of tenants.
    pub others: Vec<&'a Finding>,
}

/// What is undecided for one reason.
#[derive(Clone, Debug)]
pub struct UndecidedGroup<'a> {
    /// The reason.
    pub cause: Cause,
    /// What it concerns, at least one.
    pub rows: Vec<&'a Undecided>,
}

/// A command that obtains what reproductions name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCommand {
    /// `agency-north/service`
    pub who: String,
    /// For a POSIX shell.
    pub command: String,
}

impl<'a> Account<'a> {
    /// Surface × ordered pair of tenants.
    pub fn matrix(&self) -> Matrix {
        matrix(self.spec, &self.run.results)
    }

    /// What was asked of the run.
    pub fn options(&self) -> Options {
        options(self.run)
    }

    /// What the verdict says, exactly.
    pub fn meaning(&self) -> String {
        let report = self.report;
        match report.verdict {
            Overall::Isolated => "no leak observed over this surface, with these controls".to_owned(),
            Overall::Leak if report.summary.leak > 0 => "foreign data or a foreign effect was demonstrated".to_owned(),
            Overall::Leak => format!("advisories are denied, and there are {}", report.summary.advisory),
            Overall::Unproven => match &self.run.ending {
                // These reasons may be in the words of the target.
                Ending::SetupFailed(why) => {
                    format!("nothing was tried, because nothing could be set up: {}", escape::short(why, 300))
                }
                Ending::Unreachable(why) => format!("nothing was tried: {}", escape::short(why, 300)),
                Ending::Interrupted => "the run was interrupted; no leak until then".to_owned(),
                Ending::OutOfTime => "the time of the run was over (`limits.time`); no leak until then".to_owned(),
                Ending::Complete => "no leak observed, but not every trial could be decided".to_owned(),
            },
        }
    }

    /// Findings, grouped by check and operation, in the order of the report.
    pub fn findings(&self) -> Vec<FindingGroup<'a>> {
        let mut groups: Vec<FindingGroup<'a>> = Vec::new();
        for finding in &self.report.findings {
            let same = |group: &&mut FindingGroup<'a>| {
                let first = group.first;
                (first.kind, &first.check, &first.operation) == (finding.kind, &finding.check, &finding.operation)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.others.push(finding),
                None => groups.push(FindingGroup { first: finding, others: Vec::new() }),
            }
        }
        groups
    }

    /// What could not be decided, grouped by reason: what concerns the run first, then the most frequent.
    pub fn unproven(&self) -> Vec<UndecidedGroup<'a>> {
        let mut groups: BTreeMap<Cause, Vec<&'a Undecided>> = BTreeMap::new();
        // Where nothing was tried, one reason is enough: the run's own.
        let rows = self.report.unproven.iter().filter(|row| !self.tried_nothing() || row.is_of_the_run());
        for row in rows {
            groups.entry(row.reason).or_default().push(row);
        }
        let mut groups: Vec<UndecidedGroup<'a>> =
            groups.into_iter().map(|(cause, rows)| UndecidedGroup { cause, rows }).collect();
        let is_of_the_run = |group: &UndecidedGroup<'_>| group.rows.iter().any(|row| row.is_of_the_run());
        groups.sort_by_key(|group| (!is_of_the_run(group), std::cmp::Reverse(group.rows.len())));
        groups
    }

    /// Whether the run ended before anything was tried.
    fn tried_nothing(&self) -> bool {
        matches!(self.run.ending, Ending::SetupFailed(_) | Ending::Unreachable(_))
    }

    /// Checks left out, and operations, by reason.
    pub fn left_out(&self) -> BTreeMap<&'a str, Vec<(&'a str, &'a str)>> {
        let mut groups: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for Omitted { check, operation, why } in &self.report.left_out {
            groups.entry(why.as_str()).or_default().push((check.as_str(), operation.as_str()));
        }
        groups
    }

    /// Operations that need not be covered, by reason.
    pub fn excused(&self) -> BTreeMap<&'a str, Vec<String>> {
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for excused in &self.report.coverage.excused {
            groups.entry(excused.why.as_str()).or_default().push(escape::line(&excused.operation));
        }
        groups
    }

    /// How to obtain the tokens that the reproductions name.
    pub fn token_commands(&self) -> Vec<TokenCommand> {
        let mut commands = Vec::new();
        for tenant in &self.spec.tenants {
            for principal in &tenant.principals {
                let name = format!("${}", principal.env_name);
                if !self.report.findings.iter().any(|finding| finding.reproduce.contains(&name)) {
                    continue;
                }
                if let Some(command) = obtain_token(self.spec, principal) {
                    commands.push(TokenCommand { who: format!("{}/{}", tenant.id, principal.name), command });
                }
            }
        }
        commands
    }

    /// Every kind of check that was planned, with the number of its results, by id.
    pub fn kinds(&self) -> Vec<(&'static Check, usize)> {
        let mut kinds: BTreeMap<&'static str, (&'static Check, usize)> = BTreeMap::new();
        for result in &self.run.results {
            let entry = kinds.entry(result.check.id).or_insert((result.check, 0));
            entry.1 = entry.1.saturating_add(1);
        }
        kinds.into_values().collect()
    }

    /// What people are shown of a tenant.
    pub fn tenant(&self, tenant: TenantIx) -> &'a str {
        self.spec[tenant].name.as_str()
    }

    /// `3.2 s`
    pub fn took(&self) -> String {
        let ms = self.report.duration_ms;
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    }
}

/// A cell of the matrix in a symbol and words, so that it reads without colour.
pub(crate) fn cell(cell: Cell) -> (Option<Overall>, &'static str, String) {
    let summary = cell.summary;
    let tried = summary.checks.saturating_sub(summary.not_applicable);
    match cell.overall() {
        Some(Overall::Isolated) => (Some(Overall::Isolated), "✓", format!("isolated {}", summary.isolated)),
        Some(Overall::Leak) => (Some(Overall::Leak), "✗", format!("leak {}/{tried}", summary.leak)),
        Some(Overall::Unproven) if summary.unproven > 0 => {
            (Some(Overall::Unproven), "?", format!("unproven {}/{tried}", summary.unproven))
        }
        Some(Overall::Unproven) => (Some(Overall::Unproven), "!", format!("advisory {}", summary.advisory)),
        None => (None, "–", "nothing tried".to_owned()),
    }
}
