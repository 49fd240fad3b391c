//! A whole run against the small API: sound, with a broken control, with a leak; then its replay and its clean-up.

use std::collections::BTreeSet;

use watertight_probe::clean::clean_journal;
use watertight_probe::journal::Journal;
use watertight_probe::judge::Verdict;
use watertight_probe::plan::{Options, Plan, plan};
use watertight_probe::replay::replay;
use watertight_probe::report::{Advisories, Overall, Report, judge, report};
use watertight_probe::run::{Afterwards, Ending, Run, Watch, run};
use watertight_probe::trace::{Trace, What};
use watertight_spec::Spec;

use crate::target::{Broken, Target};

struct Silent;
impl Watch for Silent {
    fn progress(&mut self, _: usize, _: usize, _: &str) {}
}

struct Outcome {
    target: Target,
    spec: Spec,
    plan: Plan,
    run: Run,
    report: Report,
}

async fn verify(broken: Broken) -> Outcome {
    let target = Target::start(broken).await;
    let spec = target.spec();
    let options = Options { seed: 7, ..Options::default() };
    let plan = plan(&spec, &options);
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let run =
        run(&spec, &plan, &options, Journal::in_memory(), Afterwards::CleanUp, &mut Silent, stopped).await.unwrap();
    let report = report(&spec, &plan, &run, Advisories::Reported);
    Outcome { target, spec, plan, run, report }
}

/// Checks that are unproven, by id.
fn unproven(report: &Report) -> BTreeSet<&str> {
    report.unproven.iter().map(|row| row.check.as_str()).collect()
}

#[tokio::test]
async fn a_sound_target_is_isolated_and_left_as_it_was() {
    let outcome = verify(Broken::Nothing).await;
    assert_eq!(outcome.report.verdict, Overall::Isolated, "{:#?}", outcome.report.unproven);
    assert!(outcome.report.findings.is_empty(), "{:#?}", outcome.report.findings);
    assert_eq!(outcome.run.left_behind, Vec::<String>::new());
    let left: Vec<_> = outcome.target.contents().iter().map(|case| case["id"].to_string()).collect();
    assert_eq!(left, ["\"seed-1\"", "\"seed-2\""]);
    assert_eq!(outcome.report.coverage.not_probed, Vec::<String>::new());
}

#[tokio::test]
async fn a_leak_is_found_and_named_where_it_is() {
    let outcome = verify(Broken::ReadsLeak).await;
    assert_eq!(outcome.report.verdict, Overall::Leak);
    let found: BTreeSet<_> = outcome.report.findings.iter().map(|f| (f.check.as_str(), f.operation.as_str())).collect();
    assert!(found.contains(&("api.swap-path-tenant", "GET /tenants/{tenant}/cases/{case}")), "{found:?}");
    let reads = found.iter().filter(|(_, operation)| *operation == "GET /tenants/{tenant}/cases/{case}").count();
    assert_eq!(reads, found.len(), "only the faulty operation leaks: {found:?}");
    let finding = &outcome.report.findings[0];
    assert!(finding.reproduce.starts_with("curl ") && finding.reproduce.contains("_TOKEN"), "{}", finding.reproduce);
}

/// Each control broken on purpose: what the run comes to, and that nothing is called a leak.
#[tokio::test]
async fn a_broken_control_is_unproven_never_a_leak_never_isolated() {
    for (broken, expected) in [
        (Broken::ObjectMissing, Overall::Unproven),
        (Broken::CanaryStripped, Overall::Unproven),
        (Broken::AttackThrottled, Overall::Unproven),
        (Broken::AttackFails, Overall::Unproven),
        (Broken::AttackRedirected, Overall::Unproven),
        (Broken::SearchLags, Overall::Unproven),
        (Broken::EchoIn404, Overall::Isolated),
        (Broken::VictimRevoked, Overall::Unproven),
    ] {
        let outcome = verify(broken).await;
        let leaks: Vec<_> = outcome.report.findings.iter().filter(|f| f.kind == "leak").collect();
        assert!(leaks.is_empty(), "{broken:?}: {leaks:#?}");
        assert_eq!(outcome.report.verdict, expected, "{broken:?}: {:?}", unproven(&outcome.report));
    }
}

#[tokio::test]
async fn a_broken_control_reaches_only_the_checks_that_rely_on_it() {
    let lagging = verify(Broken::SearchLags).await;
    assert!(
        lagging.report.unproven.iter().all(|row| row.operation.contains("/search")),
        "{:?}",
        lagging.report.unproven
    );
    for broken in [Broken::ObjectMissing, Broken::CanaryStripped] {
        let outcome = verify(broken).await;
        assert!(matches!(outcome.run.ending, Ending::SetupFailed(_)), "{broken:?}: {:?}", outcome.run.ending);
    }
}

#[tokio::test]
async fn a_denial_to_credentials_that_open_nothing_shows_nothing() {
    let outcome = verify(Broken::AttackerDead).await;
    assert_eq!(outcome.report.verdict, Overall::Unproven);
    for result in outcome.run.results.iter().filter(|result| result.attacker == 0 && result.owner.is_some()) {
        assert!(matches!(result.verdict, Verdict::Unproven(_)), "{}: {:?}", result.about.id, result.verdict);
    }
}

#[tokio::test]
async fn a_replay_sends_the_same_and_concludes_the_same() {
    for broken in [Broken::Nothing, Broken::ReadsLeak, Broken::VictimRevoked, Broken::CanaryStripped] {
        let live = verify(broken).await;
        // Offline: the recorded variables stand for the environment, placeholders for secrets.
        let today = time::Date::from_calendar_date(2026, time::Month::January, 1).unwrap();
        let text = live.target.text();
        let spec = watertight_spec::parse(std::path::Path::new("x"), &text, &live.run.header.variables, today).unwrap();
        let again = plan(&spec, &live.run.header.options);
        let replayed = replay(&spec, &again, &live.run.header, &live.run.trace);
        assert_eq!(replayed.divergences, [], "{broken:?}");
        let judged = judge(&spec, &replayed.results, &live.run.trace, Advisories::Reported);
        let recorded = judge(&live.spec, &live.run.results, &live.run.trace, Advisories::Reported);
        assert_eq!(judged.summary, recorded.summary, "{broken:?}");
        assert_eq!(judged.unproven, recorded.unproven, "{broken:?}");
        assert_eq!(judged.verdict, recorded.verdict, "{broken:?}");
        assert_eq!(again.checks.len(), live.plan.checks.len());
    }
}

#[tokio::test]
async fn a_changed_request_in_the_trace_is_named() {
    let live = verify(Broken::Nothing).await;
    let mut events = live.run.trace.events().to_vec();
    let (at, changed) = events
        .iter_mut()
        .enumerate()
        .filter(|(_, event)| matches!(event.owner, watertight_probe::trace::Owner::Check(_)))
        .find_map(|(at, event)| match &mut event.what {
            What::Exchange(exchange) if exchange.request.method == "GET" => Some((at, exchange)),
            _ => None,
        })
        .unwrap();
    changed.request.target.push('x');
    let trace: Trace = events.into_iter().collect();
    let replayed = replay(&live.spec, &live.plan, &live.run.header, &trace);
    assert!(replayed.divergences.iter().any(|d| d.seq == u64::try_from(at).unwrap()), "{:?}", replayed.divergences);
}

/// As after `kill -9`: the journal on disk, the run gone.
#[tokio::test]
async fn what_a_killed_run_left_behind_is_removed_by_its_journal_and_by_a_sweep() {
    let target = Target::start(Broken::Nothing).await;
    let spec = target.spec();
    let options = Options { seed: 7, ..Options::default() };
    let plan = plan(&spec, &options);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let (stop, stopped) = tokio::sync::watch::channel(false);
    struct Stop(tokio::sync::watch::Sender<bool>);
    impl Watch for Stop {
        fn progress(&mut self, done: usize, _: usize, _: &str) {
            if done > 10 {
                let _ = self.0.send(true);
            }
        }
    }
    let journal = Journal::create(&path).unwrap();
    let run = run(&spec, &plan, &options, journal, Afterwards::Leave, &mut Stop(stop), stopped).await.unwrap();
    assert_eq!(run.ending, Ending::Interrupted);
    assert!(target.contents().len() > 2, "nothing was left to remove");
    // One object is not in the journal: its line was cut off by the kill.
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().collect();
    let created = kept.iter().rposition(|line| line.contains("\"created\"")).unwrap();
    let without: Vec<&str> = kept.iter().enumerate().filter(|(n, _)| *n != created).map(|(_, line)| *line).collect();
    std::fs::write(&path, without.join("\n") + "\n").unwrap();
    let cleaned = clean_journal(&spec, Journal::resume(&path).unwrap()).await.unwrap();
    assert_eq!(cleaned.left_behind, Vec::<String>::new());
    let left: Vec<_> = target.contents().iter().map(|case| case["id"].to_string()).collect();
    assert_eq!(left, ["\"seed-1\"", "\"seed-2\""]);
    assert!(Journal::resume(&path).unwrap().is_clean());
}
