//! What a run leaves on disk: a log that can be judged again, and a journal by which its objects are removed.

use std::path::Path;

use watertight_checks::judge::{Replayed, replay};
use watertight_checks::plan::Plan;
use watertight_checks::run::{Afterwards, Ending, JOURNAL, Watch, clean_journal};
use watertight_engine::journal::Journal;
use watertight_engine::log::{Asker, LogReader, LogWriter, Source, What};
use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Fixture, Switch, Verified};

use crate::described::LINKS;

fn cases() -> Fixture {
    Fixture::by_path().two_tenants().only(&["case"]).opaque()
}

async fn verify(switches: &[Switch]) -> Verified {
    Bed::with(cases(), switches).await.verify(|_| true).await
}

#[tokio::test]
async fn a_replay_sends_the_same_and_concludes_the_same() {
    for switches in [vec![], vec![PathBelievedWhenReading], vec![VictimRevoked], vec![CanaryStripped]] {
        let live = verify(&switches).await;
        assert_same(&live, &live.replay(), &switches);
    }
    // With forged tokens, calls to the listener, and tokens for other APIs.
    let bed = Bed::with(Fixture::tokens(), &[KeysFetched]).await;
    let live = bed.verify(|one| one.check.starts_with("token.")).await;
    assert_same(&live, &live.replay(), &[KeysFetched]);
}

fn assert_same(live: &Verified, replayed: &Replayed, switches: &[Switch]) {
    assert_eq!(replayed.divergences, [], "{switches:?}");
    assert_eq!(replayed.results.len(), live.run.results.len());
    for (again, recorded) in replayed.results.iter().zip(&live.run.results) {
        assert_eq!((again.check.id, again.pair, again.subject), (recorded.check.id, recorded.pair, recorded.subject));
        assert_eq!(again.verdict, recorded.verdict, "{switches:?}: {}", recorded.check.id);
    }
}

#[tokio::test]
async fn a_changed_request_in_the_trace_is_named() {
    let live = verify(&[]).await;
    // By someone who makes the chain of hashes good again.
    let (folder, changed) = (tempfile::tempdir().unwrap(), change_a_request(live.folder.path()));
    let mut writer = LogWriter::create(folder.path(), &live.run.header).unwrap();
    for (owner, what) in changed.events {
        writer.append(owner, what).unwrap();
    }
    writer.flush().unwrap();
    let replayed = replayed_in(&live.spec, &live.plan, folder.path());
    assert!(replayed.divergences.iter().any(|d| d.seq == changed.seq), "{:?}", replayed.divergences);
}

struct Changed {
    seq: u64,
    events: Vec<(Asker, What)>,
}

/// The events of a log, with another path in the first reading of a trial.
fn change_a_request(folder: &Path) -> Changed {
    let mut changed = None;
    let events = LogReader::open(folder).unwrap().map(|event| {
        let mut event = event.unwrap();
        if let (Source::Trial(_), What::Exchange(exchange), None) = (event.source, &mut event.what, changed)
            && exchange.request.method == "GET"
        {
            exchange.request.target.push('x');
            changed = Some(event.seq);
        }
        (event.asker(), event.what)
    });
    let events = events.collect();
    Changed { seq: changed.unwrap(), events }
}

fn replayed_in(spec: &std::sync::Arc<watertight_spec::Spec>, plan: &Plan, folder: &Path) -> Replayed {
    replay(spec, plan, folder).unwrap()
}

struct StopAfter(usize, tokio::sync::watch::Sender<bool>);

impl Watch for StopAfter {
    fn progress(&mut self, done: usize, _: usize, _: &str) {
        if done > self.0 {
            let _ = self.1.send(true);
        }
    }
}

/// As after `kill -9`: the journal on disk, the run gone.
#[tokio::test]
async fn what_a_killed_run_left_behind_is_removed_by_its_journal_and_by_a_sweep() {
    let bed = Bed::with(cases(), &[]).await;
    let before = bed.contents();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let spec = bed.spec();
    let plan = bed.plan(&spec, |_| true);
    let verified = bed.carry_out_until(spec, plan, Afterwards::Leave, &mut StopAfter(10, stop), stopped).await;
    assert_eq!(verified.run.ending, Ending::Interrupted);
    assert!(bed.records() > before.len(), "nothing was left to remove");
    // One object is not in the journal: its line was cut off by the kill.
    let path = verified.folder.path().join(JOURNAL);
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().collect();
    let created = kept.iter().rposition(|line| line.contains("\"created\"")).unwrap();
    let without: Vec<&str> = kept.iter().enumerate().filter(|(n, _)| *n != created).map(|(_, line)| *line).collect();
    std::fs::write(&path, without.join("\n") + "\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let journal = Journal::resume(&path).unwrap();
    let cleaned = clean_journal(&verified.spec, journal, folder.path(), stopped).await.unwrap();
    assert_eq!(cleaned.left_behind, Vec::<String>::new());
    assert_eq!(bed.contents(), before);
    assert!(Journal::resume(&path).unwrap().is_clean());
}

/// What a body names is not what an object is below: its list is searched all the same.
#[tokio::test]
async fn what_names_an_object_of_the_run_in_its_body_is_swept_too() {
    let bed = Bed::with(Fixture::by_path().two_tenants().only(&["case"]).further(LINKS), &[]).await;
    let before = bed.contents();
    let verified = bed.verify_under(Afterwards::Leave, |_| false).await;
    let path = verified.folder.path().join(JOURNAL);
    let text = std::fs::read_to_string(&path).unwrap();
    let is_of_link = |line: &&str| line.contains("\"created\"") && line.contains("\"resource\":\"link\"");
    assert!(text.lines().any(|line| is_of_link(&line)), "{text}");
    let without: Vec<&str> = text.lines().filter(|line| !is_of_link(line)).collect();
    std::fs::write(&path, without.join("\n") + "\n").unwrap();
    let (folder, (_stop, stopped)) = (tempfile::tempdir().unwrap(), tokio::sync::watch::channel(false));
    let journal = Journal::resume(&path).unwrap();
    let cleaned = clean_journal(&verified.spec, journal, folder.path(), stopped).await.unwrap();
    assert_eq!((cleaned.left_behind, bed.contents()), (Vec::new(), before));
}

/// A create of which no answer told makes every list searched. What a list does not show is said to be perhaps there.
#[tokio::test]
async fn a_list_that_the_clean_up_could_not_read_to_its_end_is_told() {
    for (switches, pages, why) in [
        (vec![FirstPageEmpty], "50", None),
        (vec![FirstPageEmpty, SecondPageBroken], "50", Some("is listed in a form that can't be read")),
        (vec![FirstPageEmpty], "1", Some("has more pages than are read (limits.pages")),
    ] {
        let bed = Bed::with(cases().limit(&format!("pages = {pages}")), &switches).await;
        let mut has_lost_one = false;
        bed.hinder(move |seen| {
            let is_lost = seen.method == "POST" && !has_lost_one;
            has_lost_one |= is_lost;
            is_lost.then_some(0)
        });
        let verified = bed.verify(|_| false).await;
        match why {
            None => assert_eq!(verified.run.left_behind, Vec::<String>::new()),
            Some(why) => {
                assert!(verified.run.left_behind.iter().any(|left| left.contains(why)), "{why}: {:?}", verified.run)
            }
        }
    }
}

/// What an attack has destroyed is gone, also for a target that says 403 of what is not there; what it keeps is not.
#[tokio::test]
async fn what_is_forbidden_as_if_it_never_existed_is_gone() {
    let deletes = |switches: Vec<Switch>| async move {
        let bed = Bed::with(cases(), &switches).await;
        let before = bed.contents().len();
        let verified = bed.verify(|one| one.check == "api.swap-path-tenant" && one.subject.starts_with("DELETE")).await;
        (verified, bed.contents().len() - before)
    };
    let (verified, kept) = deletes(vec![NothingIsForbidden, DeletesAndDenies]).await;
    assert!(verified.leaks().contains("api.swap-path-tenant"), "{:?}", verified.leaks());
    assert_eq!((&verified.run.left_behind, kept), (&Vec::<String>::new(), 0));
    let (verified, kept) = deletes(vec![NothingIsForbidden, DeletesForbidden]).await;
    assert!(kept > 0 && verified.run.left_behind.len() == kept, "{kept}: {:?}", verified.run.left_behind);
}
