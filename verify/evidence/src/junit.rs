//! `junit.xml`: a test case for each trial of a check.
//!
//! A leak is a failure, an undecided trial an error (a test runner must not show it green), and a trial with nothing to
//! try is skipped. An advisory is a success with output, unless advisories are denied.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use watertight_checks::run::{AlsoSeen, TrialResult};
use watertight_checks::verdict::{Evidence, Verdict};

use crate::account::Account;
use crate::escape;
use crate::report::{Advisories, Cause, Undecided};

/// Characters of one line of evidence.
const LONGEST: usize = 2000;

/// The document.
///
/// # Errors
/// It can't be serialised.
pub fn render(account: &Account<'_>) -> Result<String, SerializeError> {
    let mut said = Said::default();
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for result in &account.run.results {
        let surface = result.check.surface.name();
        let suite = suites.entry(surface).or_insert_with(|| TestSuite::new(surface));
        suite.add_test_case(case(account, result, &mut said));
    }
    for row in account.report.unproven.iter().filter(|row| row.is_of_the_whole()) {
        let suite = suites.entry("run").or_insert_with(|| TestSuite::new("run"));
        suite.add_test_case(whole(row, &mut said));
    }
    for left in &account.report.left_out {
        let suite = suites.entry("left out").or_insert_with(|| TestSuite::new("left out"));
        let mut status = TestCaseStatus::skipped();
        status.set_message(escape::short(&left.why, LONGEST));
        let mut case = TestCase::new(said.unique(&format!("{} {}", left.check, left.operation)), status);
        case.set_classname(left.check.as_str());
        suite.add_test_case(case);
    }
    for excused in &account.report.coverage.excused {
        let suite = suites.entry("coverage").or_insert_with(|| TestSuite::new("coverage"));
        let mut status = TestCaseStatus::skipped();
        status.set_message(escape::short(&excused.why, LONGEST));
        let mut case = TestCase::new(said.unique(&format!("coverage {}", excused.operation)), status);
        case.set_classname("coverage");
        suite.add_test_case(case);
    }
    let mut report = Report::new(escape::line(&account.report.target));
    report.set_time(Duration::from_millis(account.report.duration_ms));
    report.add_test_suites(suites.into_values());
    report.to_string()
}

/// What the document has said so far.
#[derive(Default)]
struct Said {
    /// No two cases may share a name, or collectors count them once.
    names: BTreeSet<String>,
    /// Kinds of doubt whose remedy was told: once is enough.
    causes: BTreeSet<Cause>,
}

impl Said {
    fn unique(&mut self, name: &str) -> String {
        let name = escape::line(name);
        let numbered = (2_u32..).map(|number| format!("{name} ({number})"));
        let free =
            std::iter::once(name.clone()).chain(numbered).find(|name| !self.names.contains(name)).unwrap_or(name);
        self.names.insert(free.clone());
        free
    }

    fn undecided(&mut self, cause: Cause, why: &str) -> TestCaseStatus {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(escape::short(why, LONGEST)).set_type(cause.name());
        if self.causes.insert(cause) {
            status.set_description(format!("{}. What usually helps: {}.", cause.says(), cause.remedy()));
        }
        status
    }
}

fn case(account: &Account<'_>, result: &TrialResult, said: &mut Said) -> TestCase {
    let id = result.check.id;
    let (attacker, victim) = (account.tenant(result.pair.attacker), account.tenant(result.pair.victim));
    let name = said.unique(&format!("{id} {attacker} → {victim} {}", result.subject.label(account.spec)));
    let mut case = TestCase::new(name, status(account, result, said));
    case.set_classname(id);
    if let Verdict::Advisory(evidence) = &result.verdict {
        case.set_system_out(format!("advisory\n{}", lines(evidence)));
    }
    case
}

fn status(account: &Account<'_>, result: &TrialResult, said: &mut Said) -> TestCaseStatus {
    match &result.verdict {
        Verdict::Isolated(_) => TestCaseStatus::success(),
        Verdict::Leak(evidence) => failed("leak", evidence, &result.also_seen),
        Verdict::Advisory(evidence) if account.advisories == Advisories::Denied => failed("advisory", evidence, &[]),
        Verdict::Advisory(_) => TestCaseStatus::success(),
        Verdict::Unproven(unproven) => said.undecided(Cause::Trial(unproven.reason), &unproven.detail),
        Verdict::NotApplicable(nothing) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(escape::short(&nothing.why, LONGEST));
            status
        }
    }
}

fn failed(what: &str, evidence: &Evidence, also_seen: &[AlsoSeen]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let also = also_seen.iter().map(|seen| format!("also seen by {}:\n{}", seen.check.id, lines(&seen.evidence)));
    let described = std::iter::once(lines(evidence)).chain(also).collect::<Vec<String>>().join("\n");
    let first = evidence.lines.first().map_or("", String::as_str);
    status.set_message(escape::short(first, LONGEST)).set_type(what).set_description(described);
    status
}

fn lines(evidence: &Evidence) -> String {
    let lines: Vec<String> = evidence.lines.iter().map(|line| escape::short(line, LONGEST)).collect();
    lines.join("\n")
}

/// What concerns no single check: the run as a whole, an operation that none decided, or a surface on which a pair of
/// tenants shows nothing.
fn whole(row: &Undecided, said: &mut Said) -> TestCase {
    let name = match (row.operation.is_empty(), row.attacker.is_empty()) {
        (true, true) => row.check.clone(),
        (true, false) => format!("{} {} → {}", row.check, row.attacker, row.victim),
        (false, _) => format!("{} {}", row.check, row.operation),
    };
    let mut case = TestCase::new(said.unique(&name), said.undecided(row.reason, &row.why));
    case.set_classname(row.check.as_str());
    case
}
