//! `junit.xml`: a test case for each instance of a check.
//!
//! A leak is a failure, an undecided check an error (a test runner must not show it green), and a check with nothing to
//! try is skipped. An advisory is a success with output, unless advisories are denied.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use watertight_probe::CheckResult;
use watertight_probe::judge::{Evidence, Verdict};
use watertight_probe::report::{Advisories, Undecided};

use crate::account::Account;
use crate::neutral;

/// Characters of one line of evidence.
const LONGEST: usize = 2000;

/// The document.
///
/// # Errors
/// It can't be serialised.
pub fn render(account: &Account<'_>) -> Result<String, SerializeError> {
    let mut names = Names::default();
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for result in &account.run.results {
        let surface = result.about.surface.name();
        let suite = suites.entry(surface).or_insert_with(|| TestSuite::new(surface));
        suite.add_test_case(case(account, result, &mut names));
    }
    for row in account.report.unproven.iter().filter(|row| of_the_whole(row)) {
        let suite = suites.entry("run").or_insert_with(|| TestSuite::new("run"));
        suite.add_test_case(whole(row, &mut names));
    }
    for left in &account.report.left_out {
        let suite = suites.entry("left out").or_insert_with(|| TestSuite::new("left out"));
        let mut status = TestCaseStatus::skipped();
        status.set_message(neutral::short(&left.why, LONGEST));
        let mut case = TestCase::new(names.unique(&format!("{} {}", left.check, left.operation)), status);
        case.set_classname(left.check.as_str());
        suite.add_test_case(case);
    }
    let mut report = Report::new(neutral::line(&account.report.target));
    report.set_time(Duration::from_millis(account.report.duration_ms));
    report.add_test_suites(suites.into_values());
    report.to_string()
}

/// Names given so far: no two cases may share one, or collectors count them once.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn unique(&mut self, name: &str) -> String {
        let name = neutral::line(name);
        let numbered = (2_u32..).map(|number| format!("{name} ({number})"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !self.0.contains(name)).unwrap_or(name);
        self.0.insert(free.clone());
        free
    }
}

fn case(account: &Account<'_>, result: &CheckResult, names: &mut Names) -> TestCase {
    let id = result.about.id;
    let (attacker, victim) = (account.tenant(result.attacker), account.tenant(result.victim));
    let name = names.unique(&format!("{id} {attacker} → {victim} {}", result.operation));
    let mut case = TestCase::new(name, status(account, result));
    case.set_classname(id);
    if let Verdict::Advisory(evidence) = &result.verdict {
        case.set_system_out(format!("advisory\n{}", lines(evidence)));
    }
    case
}

fn status(account: &Account<'_>, result: &CheckResult) -> TestCaseStatus {
    match &result.verdict {
        Verdict::Isolated => TestCaseStatus::success(),
        Verdict::Leak(evidence) => failed("leak", evidence),
        Verdict::Advisory(evidence) if account.advisories == Advisories::Denied => failed("advisory", evidence),
        Verdict::Advisory(_) => TestCaseStatus::success(),
        Verdict::Unproven(why) => undecided(why),
        Verdict::NotApplicable(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(neutral::short(why, LONGEST));
            status
        }
    }
}

fn failed(what: &str, evidence: &Evidence) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let first = evidence.lines.first().map_or("", String::as_str);
    status.set_message(neutral::short(first, LONGEST)).set_type(what).set_description(lines(evidence));
    status
}

fn undecided(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(neutral::short(why, LONGEST)).set_type("unproven");
    status
}

fn lines(evidence: &Evidence) -> String {
    let lines: Vec<String> = evidence.lines.iter().map(|line| neutral::short(line, LONGEST)).collect();
    lines.join("\n")
}

/// Whether it concerns no single check: the run as a whole, or a surface on which a pair of tenants shows nothing.
fn of_the_whole(row: &Undecided) -> bool {
    row.check == "run" || row.check.ends_with(".*")
}

fn whole(row: &Undecided, names: &mut Names) -> TestCase {
    let name = match row.attacker.is_empty() {
        true => row.check.clone(),
        false => format!("{} {} → {}", row.check, row.attacker, row.victim),
    };
    let mut case = TestCase::new(names.unique(&name), undecided(&row.why));
    case.set_classname(row.check.as_str());
    case
}
