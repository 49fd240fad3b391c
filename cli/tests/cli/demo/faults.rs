//! Every fault is caught where it is; without one there is nothing to find.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::{faults, texts};
use crate::desk::*;
use crate::documents::current;

#[test]
fn an_unknown_fault_exits_3_and_says_what_was_meant() {
    let desk = Desk::new();
    let name = faults()[0]["fault"].as_str().unwrap().to_owned();
    let output = desk.run(&["demo", "--fault", &format!("{name}x")]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains(&format!("did you mean `{name}`?")), "{}", err(&output));
    assert!(!desk.path("watertight-report").exists());
}

#[test]
fn every_fault_names_the_checks_that_catch_it() {
    let known = json(&Desk::new().run(&["explain", "--format", "json"]));
    let known: BTreeSet<&str> = known.as_array().unwrap().iter().map(|a| a["check"].as_str().unwrap()).collect();
    let faults = faults();
    let names: BTreeSet<&str> = faults.iter().map(|fault| fault["fault"].as_str().unwrap()).collect();
    assert!(names.len() == faults.len() && names.len() >= 20, "{names:?}");
    for fault in &faults {
        let caught_by = texts(&fault["caught_by"]);
        assert!((1..=3).contains(&caught_by.len()), "{fault}");
        for check in caught_by.into_iter().chain(texts(&fault["consequences"])) {
            assert!(known.contains(check), "{check} of {fault}");
        }
    }
}

#[test]
fn every_check_has_a_fault_that_trips_it() {
    let faults = faults();
    let tripped: BTreeSet<&str> =
        faults.iter().flat_map(|f| [texts(&f["caught_by"]), texts(&f["consequences"])].concat()).collect();
    let known = json(&Desk::new().run(&["explain", "--format", "json"]));
    let untripped: Vec<&str> = known
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["check"].as_str().unwrap())
        .filter(|check| !tripped.contains(check))
        .collect();
    assert!(untripped.is_empty(), "{untripped:?}");
}

#[test]
fn docs_of_the_faults_are_current() {
    let mut page = String::from(
        "# The faults\n\nThe reference platform is sound. `watertight demo --fault NAME` gives it one of these bugs, which the run must \
         then catch: at\nleast one of the checks that catch it reports the operation, and no other check reports anything but the bug's\n\
         consequences. A test holds that for every row. This page is made from the catalogue: `UPDATE_DOCS=1 cargo nextest run\n\
         -p watertight-cli docs` writes it anew.\n\n| Fault | What the platform does | Origin | Caught by | Consequences |\n|---|---|---|---|---|\n",
    );
    let link = |checks: &Value| {
        let links: Vec<String> =
            texts(checks).iter().map(|check| format!("[`{check}`](checks.md#{})", check.replace('.', ""))).collect();
        links.join(", ")
    };
    let cell = |text: &Value| text.as_str().unwrap().replace('|', "\\|").replace('<', "\\<");
    for fault in faults() {
        let (name, summary, origin) = (cell(&fault["fault"]), cell(&fault["summary"]), cell(&fault["origin"]));
        let (caught_by, consequences) = (link(&fault["caught_by"]), link(&fault["consequences"]));
        writeln!(page, "| `{name}` | {summary} | {origin} | {caught_by} | {consequences} |").unwrap();
    }
    current("faults.md", &page);
}

#[test]
fn the_sound_platform_is_isolated_and_its_bundle_judges_the_same() {
    let desk = Desk::new();
    let output = desk.run(&["demo", "--format", "json", "--seed", "11", "--require-coverage"]);
    let document = json(&output);
    assert_eq!(code(&output), 0, "{:#} {}", document["unproven"], document["coverage"]);
    assert_eq!(document["verdict"], "isolated");
    assert_eq!(document["summary"]["unproven"], 0);
    assert!(document["summary"]["checks"].as_u64().unwrap() >= 200, "{}", document["summary"]);
    assert_eq!(document["findings"], Value::Array(vec![]));
    assert!(!desk.path("watertight-report/demo.env").exists());
    let judged = desk.run(&["judge"]);
    assert_eq!(code(&judged), 0, "{}", out(&judged));
}

/// What a run with a fault must show.
fn caught(fault: &Value) -> Result<(), String> {
    let desk = Desk::new();
    let name = fault["fault"].as_str().unwrap();
    let output = desk.run(&["demo", "--fault", name, "--format", "json", "--seed", "3"]);
    let document = json(&output);
    let findings = document["findings"].as_array().unwrap();
    let (caught_by, consequences) = (texts(&fault["caught_by"]), texts(&fault["consequences"]));
    let operations = texts(&fault["operations"]);
    let is_at = |finding: &Value| {
        let operation = finding["operation"].as_str().unwrap();
        operations.iter().any(|o| operation == *o || (o.ends_with(' ') && operation.starts_with(o)))
    };
    let check = |finding: &Value| finding["check"].as_str().unwrap().to_owned();
    if code(&output) != 1 {
        return Err(format!("{name}: exit {}, {}", code(&output), document["summary"]));
    }
    let telling = findings.iter().find(|f| caught_by.contains(&check(f).as_str()) && is_at(f));
    let Some(telling) = telling else {
        let found: BTreeSet<String> = findings.iter().map(|f| format!("{} {}", check(f), f["operation"])).collect();
        return Err(format!("{name}: not caught as it should be, but {found:?}"));
    };
    if telling["reproduce"].as_str().unwrap().is_empty() {
        return Err(format!("{name}: no reproduction: {telling}"));
    }
    let strange: BTreeSet<String> = findings
        .iter()
        .map(check)
        .filter(|c| !caught_by.contains(&c.as_str()) && !consequences.contains(&c.as_str()))
        .collect();
    if !strange.is_empty() {
        return Err(format!("{name}: {strange:?} report something as well"));
    }
    let judged = desk.run(&["judge"]);
    if code(&judged) != 1 {
        return Err(format!("{name}: judged again, exit {}: {}", code(&judged), out(&judged)));
    }
    Ok(())
}

#[test]
fn every_fault_is_caught_where_it_is_and_nothing_else_is_reported() {
    let faults = faults();
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get()).min(faults.len());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let take = || faults.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        std::iter::from_fn(take).filter_map(|fault| caught(fault).err()).collect::<Vec<String>>()
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
