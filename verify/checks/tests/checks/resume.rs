//! A run that was interrupted goes on: what is decided stays decided, and nothing of it is tried again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use watertight_checks::judge::replay;
use watertight_checks::plan::{Options, plan};
use watertight_checks::run::{Afterwards, Ending, Order, Resume, Run, Watch};
use watertight_checks::verdict::{Reason, Verdict};
use watertight_engine::log::{Event, LogReader, Source, What};
use watertight_spec::Spec;
use watertight_testbed::{Bed, Fixture};

/// Stops the run after so many trials.
struct StopAfter(usize, tokio::sync::watch::Sender<bool>);

impl Watch for StopAfter {
    fn progress(&mut self, done: usize, _: usize, _: &str) {
        if done >= self.0 {
            let _ = self.1.send(true);
        }
    }
}

async fn carry_out(spec: &Arc<Spec>, folder: &Path, resume: Resume, most: usize) -> Run {
    let options = Options { seed: 7, ..Options::default() };
    let order = Order {
        spec: Arc::clone(spec),
        plan: Rc::new(plan(spec, &options)),
        options,
        folder: folder.to_owned(),
        // As after a kill: what the first part created is still there.
        afterwards: if resume == Resume::Fresh { Afterwards::Leave } else { Afterwards::CleanUp },
        resume,
    };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    order.begin().unwrap().carry_out(&mut StopAfter(most, stop), stopped).await.unwrap()
}

fn events(folder: &Path) -> Vec<Event> {
    LogReader::open(folder).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn what_is_decided_is_not_tried_again_and_the_whole_is_judged_the_same() {
    // Tokens and secrets: each part of a run has placeholders of its own for them.
    let bed = Bed::with(Fixture::by_path().two_tenants().opaque(), &[]).await;
    let before = bed.contents();
    let spec = bed.spec();
    let folder = tempfile::tempdir().unwrap();
    let first = carry_out(&spec, folder.path(), Resume::Fresh, 60).await;
    assert_eq!(first.ending, Ending::Interrupted);
    let past = replay(&spec, &plan(&spec, &Options { seed: 7, ..Options::default() }), folder.path()).unwrap();
    assert_eq!(past.divergences, []);
    assert!(past.decided >= 40, "{}", past.decided);
    let until = events(folder.path()).len();

    let second = carry_out(&spec, folder.path(), Resume::Continue, usize::MAX).await;
    assert_eq!(second.ending, Ending::Complete);
    assert_eq!(second.left_behind, Vec::<String>::new());
    assert_eq!(bed.contents(), before, "both parts are cleaned up after");
    let all = events(folder.path());
    let tried = |events: &[Event]| -> BTreeSet<usize> {
        events
            .iter()
            .filter_map(|event| if let Source::Trial(index) = event.source { Some(index) } else { None })
            .collect()
    };
    let is_decided = |index: &usize| match &first.results[*index].verdict {
        Verdict::Unproven(unproven) => unproven.reason != Reason::Unfinished,
        _ => true,
    };
    let (early, late) = (tried(&all[..until]), tried(&all[until..]));
    let again: Vec<usize> = early.intersection(&late).copied().filter(is_decided).collect();
    assert_eq!(again, Vec::<usize>::new(), "decided, and tried again");
    assert_eq!(all.iter().filter(|event| matches!(event.what, What::Began(_))).count(), 2);
    // What the first part left would make every list longer.
    let first_source = all[until..].iter().map(|event| event.source).find(|source| *source != Source::Engine);
    assert_eq!(first_source, Some(Source::Cleanup), "what an earlier part left is removed first");

    // Offline: the first part's variables are the environment.
    let What::Began(part) = &all[0].what else { panic!("{:?}", all[0]) };
    let variables: BTreeMap<String, String> = part.variables.clone();
    let today = time::Date::from_calendar_date(2026, time::Month::January, 1).unwrap();
    let offline = Arc::new(watertight_spec::parse(Path::new("x"), &bed.text(), &variables, today).unwrap());
    let options = Options { seed: 7, ..Options::default() };
    let replayed = replay(&offline, &plan(&offline, &options), folder.path()).unwrap();
    assert_eq!(replayed.divergences, []);
    let verdicts = |results: &[watertight_checks::run::TrialResult]| -> Vec<String> {
        results.iter().map(|one| format!("{} {:?} {:?}", one.check.id, one.pair, one.verdict)).collect()
    };
    assert_eq!(verdicts(&replayed.results), verdicts(&second.results));
}

/// As when a run is killed while it cleans up: every trial is decided, and there is no report.
#[tokio::test]
async fn a_run_that_has_decided_everything_is_still_finished() {
    let bed = Bed::with(Fixture::by_path().two_tenants().only(&["case"]), &[]).await;
    let before = bed.contents();
    let spec = bed.spec();
    let folder = tempfile::tempdir().unwrap();
    let first = carry_out(&spec, folder.path(), Resume::Fresh, usize::MAX).await;
    let second = carry_out(&spec, folder.path(), Resume::Continue, usize::MAX).await;
    assert_eq!((first.ending, second.ending), (Ending::Complete, Ending::Complete));
    assert_eq!(bed.contents(), before);
    let replayed = replay(&spec, &plan(&spec, &Options { seed: 7, ..Options::default() }), folder.path()).unwrap();
    assert_eq!(replayed.divergences, []);
    for results in [&second.results, &replayed.results] {
        assert!(results.iter().all(|one| matches!(one.verdict, Verdict::Isolated(_) | Verdict::NotApplicable(_))));
    }
}

/// With another spec the events would be those of other trials, and a leak among them would be lost.
#[tokio::test]
async fn a_run_does_not_go_on_with_another_spec_or_where_its_log_is_not_what_it_would_send() {
    let bed = Bed::with(Fixture::by_path().two_tenants().only(&["case"]), &[]).await;
    let spec = bed.spec();
    let folder = tempfile::tempdir().unwrap();
    carry_out(&spec, folder.path(), Resume::Fresh, 10).await;
    let options = Options { seed: 7, ..Options::default() };
    let order = |text: &str, options: &Options| {
        let today = time::Date::from_calendar_date(2026, time::Month::January, 1).unwrap();
        let spec = Arc::new(watertight_spec::parse(Path::new("x"), text, &bed.variables(), today).unwrap());
        let plan = Rc::new(plan(&spec, options));
        let (folder, afterwards) = (folder.path().to_owned(), Afterwards::CleanUp);
        Order { spec, plan, options: options.clone(), folder, afterwards, resume: Resume::Continue }
    };
    let refused = |order: Order| order.begin().err().expect("it must not go on").to_string();
    let excluded =
        format!("{}\n[[exclude]]\ncheck = \"api.swap-item\"\nreason = \"later\"\nexpires = 2030-01-01\n", bed.text());
    let why = refused(order(&excluded, &options));
    assert!(why.contains("another spec"), "{why}");
    // The plan of another seed, under options that say nothing of it: as by a version that plans otherwise.
    let other = Options { seed: 8, ..Options::default() };
    let why = refused(Order { options: options.clone(), ..order(&bed.text(), &other) });
    assert!(why.contains("not what would be sent now"), "{why}");
    assert!(order(&bed.text(), &options).begin().is_ok());
}
