//! Judging the folder of a real run again: whole, killed at any point, and changed.

use std::path::Path;

use sha2::{Digest, Sha256};
use watertight_engine::log::{LogReader, LogWriter, What, hex};
use watertight_evidence::report::{Advisories, Overall, report};
use watertight_evidence::{Account, Judgement, bundle, judge};
use watertight_testbed::{Bed, Fixture, Switch, Verified};

/// A run of every check against a double of an API, with its bundle.
async fn verified(switches: &[Switch]) -> Verified {
    let fixture = Fixture::by_path().two_tenants().only(&["case"]);
    let verified = Bed::with(fixture, switches).await.verify(|_| true).await;
    let Verified { spec, plan, run, folder, .. } = &verified;
    let report = report(spec, plan, run, folder.path(), Advisories::Reported).unwrap();
    let account = Account { spec, run, report: &report, advisories: Advisories::Reported };
    bundle::write(folder.path(), &account).unwrap();
    verified
}

fn judged(dir: &Path) -> Judgement {
    judge(dir).unwrap_or_else(Judgement::from)
}

/// The first difference: file, line, and what.
fn first(judgement: &Judgement) -> (&str, Option<u64>, &str) {
    let difference = judgement.differences.first().unwrap_or_else(|| panic!("{judgement:?}"));
    (&difference.file, difference.line, &difference.what)
}

/// Rewrites the manifest, so that it fits a file that was changed.
fn vouch_for(dir: &Path, file: &str) {
    let path = dir.join("manifest.json");
    let mut manifest: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let hash = hex(&Sha256::digest(std::fs::read(dir.join(file)).unwrap()));
    manifest["files"][file] = hash.into();
    std::fs::write(&path, manifest.to_string()).unwrap();
}

#[tokio::test]
async fn a_whole_run_is_judged_the_same() {
    for (switches, verdict) in [(&[][..], Overall::Isolated), (&[Switch::ReadByIdAlone], Overall::Leak)] {
        let run = verified(switches).await;
        let judgement = judged(run.folder.path());
        assert_eq!(judgement.differences, [], "{verdict:?}");
        assert!(judgement.same && judgement.complete);
        assert_eq!((judgement.verdict, judgement.decided), (Some(verdict), judgement.trials));
        assert_eq!(judgement.note, None);
    }
}

#[tokio::test]
async fn a_run_that_was_killed_is_judged_as_far_as_its_log_goes() {
    let run = verified(&[]).await;
    let dir = run.folder.path();
    std::fs::remove_file(dir.join("manifest.json")).unwrap();
    let sound = std::fs::read(dir.join("trace.jsonl")).unwrap();
    let ends: Vec<usize> = sound.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let mut decided = 0;
    let steps = ends.len() / 60;
    for (number, end) in ends.iter().enumerate().skip(1).step_by(steps.max(1)) {
        // Now and then in the middle of a line.
        let end = if number % 2 == 0 { *end } else { end + 30 };
        std::fs::write(dir.join("trace.jsonl"), &sound[..end.min(sound.len())]).unwrap();
        let judgement = judged(dir);
        assert_eq!(judgement.differences, [], "after {number} lines");
        assert_eq!((judgement.same, judgement.complete, judgement.verdict), (true, false, Some(Overall::Unproven)));
        assert!(judgement.decided >= decided && judgement.decided <= judgement.trials);
        decided = judgement.decided;
        let note = judgement.note.unwrap();
        let said = format!("interrupted after {decided} of {} trials; watertight verify --resume ", judgement.trials);
        assert!(note.starts_with("incomplete: the run was ") && note.contains(&said), "{note}");
    }
    assert!(decided > 20, "{decided}");
}

#[tokio::test]
async fn a_leak_of_a_killed_run_stays_a_leak() {
    let run = verified(&[Switch::ReadByIdAlone]).await;
    let dir = run.folder.path();
    std::fs::remove_file(dir.join("manifest.json")).unwrap();
    let sound = std::fs::read(dir.join("trace.jsonl")).unwrap();
    std::fs::write(dir.join("trace.jsonl"), &sound[..sound.len() - 10]).unwrap();
    let judgement = judged(dir);
    assert_eq!((judgement.same, judgement.complete, judgement.verdict), (true, false, Some(Overall::Leak)));
}

#[tokio::test]
async fn a_report_that_the_log_does_not_yield_is_different() {
    let run = verified(&[Switch::ReadByIdAlone]).await;
    let dir = run.folder.path();
    let path = dir.join("run.json");
    let changed = std::fs::read_to_string(&path).unwrap().replacen("\"leak\"", "\"isolated\"", 1);
    std::fs::write(&path, changed).unwrap();
    assert_eq!(first(&judged(dir)).2, "run.json was changed: its SHA-256 is not the one in manifest.json");
    vouch_for(dir, "run.json");
    let judgement = judged(dir);
    assert_eq!(first(&judgement), ("run.json", None, "verdict: recorded isolated, judged again leak"));
    assert_eq!((judgement.same, judgement.verdict), (false, Some(Overall::Leak)));
}

#[tokio::test]
async fn a_request_that_no_script_would_have_sent_is_different_though_every_hash_fits() {
    let run = verified(&[]).await;
    let dir = run.folder.path();
    let mut events = run.events();
    let header = LogReader::open(dir).unwrap().header().clone();
    let changed = events.iter_mut().rev().find_map(|event| match &mut event.what {
        What::Exchange(exchange)
            if exchange.tenant().is_some() && matches!(event.source, watertight_engine::log::Source::Trial(_)) =>
        {
            exchange.request.target.push_str("?x=y");
            Some(event.seq)
        }
        _ => None,
    });
    let mut log = LogWriter::create(dir, &header).unwrap();
    for event in events {
        log.append(event.asker(), event.what).unwrap();
    }
    log.flush().unwrap();
    assert_eq!(first(&judged(dir)).0, "trace.jsonl", "the manifest does not fit");
    std::fs::remove_file(dir.join("manifest.json")).unwrap();
    let judgement = judged(dir);
    assert_eq!((first(&judgement).0, first(&judgement).1), ("trace.jsonl", changed.map(|seq| seq + 2)));
    assert!(!judgement.same);
}

#[tokio::test]
async fn a_manifest_that_names_another_end_of_the_log_is_different() {
    let run = verified(&[]).await;
    let dir = run.folder.path();
    let path = dir.join("manifest.json");
    let mut manifest: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let events = manifest["trace"]["events"].as_u64().unwrap();
    manifest["trace"]["events"] = (events + 1).into();
    std::fs::write(&path, manifest.to_string()).unwrap();
    let what = format!("the log ends after {events} events, where {} were recorded", events + 1);
    let judgement = judged(dir);
    assert!(first(&judgement).2.ends_with(&what), "{judgement:?}");
}
