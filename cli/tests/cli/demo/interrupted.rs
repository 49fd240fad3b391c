//! Runs that were killed or interrupted: judged, resumed, cleaned up after.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::kept::{Kept, signal};
use crate::desk::*;

impl Kept {
    /// A run against the platform, stopped with this signal as soon as its log and its journal say that it may be. It
    /// has no time to end by itself before that.
    fn stopped(&self, arguments: &[&str], with: &str, is_time: impl Fn(&Path) -> bool) -> Option<i32> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watertight"));
        command.args(["verify", "demo/demo.toml"]).args(arguments);
        command.current_dir(self.desk.folder.path()).env_clear();
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let folder = self.desk.path("watertight-report");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !is_time(&folder) {
            let is_late = std::time::Instant::now() > deadline || run.try_wait().unwrap().is_some();
            assert!(!is_late, "it was not caught in time");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        signal(with, &run);
        run.wait().unwrap().code()
    }

    /// Of many differences, the first.
    fn judged(&self) -> (i32, Value) {
        let output = self.desk.run(&["judge", "--format", "json"]);
        let mut judged = json(&output);
        judged["differences"].as_array_mut().unwrap().truncate(1);
        (code(&output), judged)
    }
}

/// So many objects are in the journal.
fn has_created(count: usize) -> impl Fn(&Path) -> bool {
    move |folder| {
        let journal = std::fs::read_to_string(folder.join("journal.jsonl")).unwrap_or_default();
        journal.matches("\"created\"").count() >= count
    }
}

/// So many events are in the log.
fn has_recorded(count: u64) -> impl Fn(&Path) -> bool {
    move |folder| std::fs::metadata(folder.join("trace.index")).is_ok_and(|file| file.len() >= count * 8)
}

#[test]
fn a_run_that_was_killed_is_cleaned_up_after() {
    let kept = Kept::start(&[]);
    let contents = || [kept.contents("agency-north", "NORTH_TOKEN"), kept.contents("agency-south", "SOUTH_TOKEN")];
    let before = contents();
    assert!(!before[0].as_array().unwrap().is_empty());
    assert_eq!(kept.stopped(&[], "KILL", has_created(12)), None);
    assert_ne!(contents()[0], before[0], "it had created nothing yet");

    let cleaned = kept.desk.run(&["clean"]);
    assert_eq!(code(&cleaned), 0, "{}{}", out(&cleaned), err(&cleaned));
    let removed: usize = out(&cleaned).split(' ').next().unwrap().parse().unwrap();
    assert!(removed >= 10, "{}", out(&cleaned));
    assert_eq!(contents(), before);
    assert_eq!(out(&kept.desk.run(&["clean"])), "nothing to remove: that run cleaned up after itself\n");
    let is_scratch = |name: &str| name.starts_with(".clean");
    let names = std::fs::read_dir(kept.desk.path("watertight-report")).unwrap();
    assert!(names.map(|file| file.unwrap().file_name()).all(|name| !is_scratch(name.to_str().unwrap())));
}

#[test]
fn a_killed_run_is_judged_resumed_and_cleaned() {
    let kept = Kept::start(&[]);
    let contents = || [kept.contents("agency-north", "NORTH_TOKEN"), kept.contents("agency-south", "SOUTH_TOKEN")];
    let before = contents();
    assert_eq!(kept.stopped(&["--seed", "9"], "KILL", has_recorded(5_000)), None);
    let (exit, judged) = kept.judged();
    assert_eq!((exit, &judged["same"], &judged["complete"]), (2, &true.into(), &false.into()), "{judged}");
    let (decided, trials) = (judged["decided"].as_u64().unwrap(), judged["trials"].as_u64().unwrap());
    assert!(decided >= 50 && decided + 50 <= trials, "{judged}");
    let said = out(&kept.desk.run(&["judge"]));
    let note = format!(
        "incomplete: the run was interrupted after {decided} of {trials} trials; watertight verify --resume \
         watertight-report finishes it"
    );
    assert!(said.contains(&note), "{said}");

    let tried = |events: &str| -> BTreeSet<u64> { owners(events).collect() };
    let trace = || kept.desk.read("watertight-report/trace.jsonl");
    let first_part = trace();
    let output = kept.desk.run(&["verify", "--resume", "watertight-report", "--format", "json"]);
    let document = json(&output);
    assert_eq!((code(&output), &document["verdict"]), (0, &"isolated".into()), "{}", document["unproven"]);
    assert_eq!(document["seed"], 9);
    let whole = trace();
    assert!(whole.starts_with(first_part.rsplit_once('\n').unwrap().0), "the log so far was rewritten");
    let second_part = &whole[first_part.rfind('\n').unwrap() + 1..];
    // What was decided before is not tried again: of what both parts tried, only what was under way is there twice.
    let again = tried(&first_part).intersection(&tried(second_part)).count();
    let under_way = tried(&first_part).len() as u64 - decided;
    assert!(again as u64 <= under_way, "{again} trials were tried again, {under_way} were under way");

    let (exit, judged) = kept.judged();
    assert_eq!((exit, &judged["same"], &judged["complete"]), (0, &true.into(), &true.into()), "{judged}");
    assert_eq!((&judged["decided"], &judged["trials"]), (&trials.into(), &trials.into()));
    assert_eq!(contents(), before);
    assert_eq!(out(&kept.desk.run(&["clean"])), "nothing to remove: that run cleaned up after itself\n");
    let finished = kept.desk.run(&["verify", "--resume", "watertight-report"]);
    assert_eq!(code(&finished), 3);
    assert!(err(&finished).contains("that run is finished: nothing is left to do"), "{}", err(&finished));
}

/// The trials whose events are in these lines, cut off or not.
fn owners(events: &str) -> impl Iterator<Item = u64> {
    events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()?["event"]["source"]["trial"].as_u64())
}

#[test]
fn an_interrupted_run_cleans_up_exits_130_and_can_be_resumed() {
    let kept = Kept::start(&[]);
    let before = kept.contents("agency-north", "NORTH_TOKEN");
    assert_eq!(kept.stopped(&[], "INT", has_created(60)), Some(130));
    assert_eq!(kept.contents("agency-north", "NORTH_TOKEN"), before);
    let (exit, judged) = kept.judged();
    assert_eq!((exit, &judged["same"], &judged["complete"]), (2, &true.into(), &false.into()), "{judged}");
    let output = kept.desk.run(&["verify", "--resume", "watertight-report"]);
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    let (exit, judged) = kept.judged();
    assert_eq!((exit, &judged["same"], &judged["complete"]), (0, &true.into(), &true.into()), "{judged}");
    assert_eq!(kept.contents("agency-north", "NORTH_TOKEN"), before);
}
