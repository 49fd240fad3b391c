//! What runs side by side changes no verdict: neither how much does, nor in which order its events come.

use std::collections::BTreeSet;

use watertight_checks::run::TrialResult;
use watertight_checks::verdict::Verdict;
use watertight_engine::log::{LogWriter, Source};
use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Fixture, Switch};

use crate::support::is_of_data;

fn kind(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Isolated(_) => "isolated".to_owned(),
        Verdict::Leak(evidence) => format!("leak: {:?}", evidence.shows),
        Verdict::Advisory(evidence) => format!("advisory: {:?}", evidence.shows),
        Verdict::Unproven(unproven) => format!("unproven: {:?}", unproven.reason),
        Verdict::NotApplicable(nothing) => format!("not applicable: {}", nothing.why),
    }
}

/// Every verdict of a run with so many requests under way at once.
async fn verdicts(width: usize, switches: &[Switch]) -> BTreeSet<String> {
    let fixture = Fixture::by_path().two_tenants().limit(&format!("concurrency = {width}"));
    let verified = Bed::with(fixture, switches).await.verify(is_of_data).await;
    let told = |one: &TrialResult| {
        format!("{} {:?} {}: {}", one.check.id, one.pair, one.subject.label(&verified.spec), kind(&one.verdict))
    };
    verified.run.results.iter().map(told).collect()
}

/// The widths of the long test, with every fault of casework, are in `scripts/soak widths`.
#[tokio::test]
async fn verdicts_are_the_same_however_much_is_under_way_at_once() {
    for switches in [vec![], vec![PathBelievedWhenReading], vec![ListAll], vec![CountAll]] {
        // Where ids count per tenant, whose object a faulty target hits may depend on the order.
        let switches = [switches, vec![IdsOfTenant]].concat();
        let one_at_a_time = verdicts(1, &switches).await;
        assert!(one_at_a_time.len() > 60, "{one_at_a_time:#?}");
        for width in [4, 32] {
            let wide = verdicts(width, &switches).await;
            let differing: Vec<_> = one_at_a_time.symmetric_difference(&wide).collect();
            assert!(differing.is_empty(), "{switches:?} at {width}: {differing:#?}");
        }
    }
}

/// Event by event among those of others, or all at once: a trial sees its own alone.
#[tokio::test]
async fn a_trial_that_is_fed_all_at_once_asks_the_same_and_concludes_the_same() {
    for switches in [vec![], vec![ListAll, UpdateByIdAlone]] {
        let live = Bed::with(Fixture::by_path().two_tenants(), &switches).await.verify(is_of_data).await;
        let mut events = live.events();
        let trials: Vec<Source> = events.iter().map(|event| event.source).filter(is_trial).collect();
        let changes = trials.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let count = trials.iter().collect::<BTreeSet<_>>().len();
        assert!(changes > 2 * count, "they ran side by side: {changes} changes among {count} trials");
        // The last trial first, and every one whole.
        let clean_up = events.split_off(events.iter().rposition(|event| is_trial(&event.source)).unwrap() + 1);
        let set_up = events.iter().position(|event| is_trial(&event.source)).unwrap();
        events[set_up..].sort_by_key(|event| match event.source {
            Source::Trial(index) => std::cmp::Reverse(index),
            _ => std::cmp::Reverse(usize::MAX),
        });
        let folder = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::create(folder.path(), &live.run.header).unwrap();
        for event in events.into_iter().chain(clean_up) {
            writer.append(event.asker(), event.what).unwrap();
        }
        writer.flush().unwrap();
        let replayed = live.replay_of(folder.path());
        assert_eq!(replayed.divergences, [], "{switches:?}");
        // What watches all answers goes by their order.
        let told = |results: &[TrialResult]| -> Vec<String> {
            let of_trials = results.iter().filter(|one| one.trial.is_some());
            of_trials.map(|one| format!("{} {}", one.check.id, kind(&one.verdict))).collect()
        };
        assert_eq!(told(&replayed.results), told(&live.run.results), "{switches:?}");
    }
}

fn is_trial(source: &Source) -> bool {
    matches!(source, Source::Trial(_))
}
