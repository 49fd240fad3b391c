//! What reading a folder back must notice.

use std::collections::BTreeSet;
use std::path::Path;

use watertight_checks::run::Ending;
use watertight_checks::verdict::Verdict;
use watertight_engine::log::{Header, LogError, TRACE_SCHEMA};
use watertight_evidence::{BundleError, bundle};

use crate::told::{READ, SPEC, Told, evidence, exchange, record, spec};

fn told() -> Told {
    Told::new(vec![("api.swap-path-tenant", 0, READ, Verdict::Leak(evidence("crossed")))], Ending::OutOfTime)
}

fn names(dir: &Path) -> BTreeSet<String> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_bundle_reads_back_as_it_was_written() {
    let told = told();
    let read = bundle::read(told.written()).unwrap();
    let finished = read.finished.unwrap();
    assert_eq!(finished.report, told.report);
    assert_eq!(finished.ending, Ending::OutOfTime);
    assert_eq!(finished.tail.events, 4);
    assert_eq!(read.spec, SPEC);
    assert_eq!(read.header, told.run.header);
    assert_eq!((read.began.number, read.began.started), (1, told.run.started));
}

#[test]
fn a_folder_is_made_ready_where_there_is_none_and_says_where_the_spec_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new/report");
    bundle::begin(&dir, &spec()).unwrap();
    let (path, text) = bundle::recorded_spec(&dir).unwrap();
    assert!(path.is_absolute() && path.ends_with("watertight.toml"));
    assert_eq!(text, SPEC);
}

#[test]
fn a_new_run_does_not_leave_the_evidence_of_the_last_one_beside_its_own_and_leaves_the_rest() {
    let told = told();
    let dir = told.written();
    std::fs::write(dir.join("journal.jsonl"), "").unwrap();
    std::fs::write(dir.join("notes.txt"), "mine").unwrap();
    bundle::begin(dir, &told.spec).unwrap();
    assert_eq!(names(dir), BTreeSet::from(["spec.toml".into(), "origin.json".into(), "notes.txt".into()]));
    assert!(matches!(bundle::read(dir), Err(BundleError::NotBegun)));
}

#[test]
fn a_folder_that_is_opened_again_has_its_log_and_nothing_made_from_it() {
    let told = told();
    let dir = told.written();
    bundle::reopen(dir).unwrap();
    let left = ["bodies.lz4", "spec.toml", "trace.index", "trace.jsonl"].map(str::to_owned);
    assert_eq!(names(dir), BTreeSet::from(left));
    assert!(bundle::read(dir).unwrap().finished.is_none(), "as if it had been killed");
}

#[test]
fn any_changed_byte_of_the_trace_is_named_by_its_line() {
    let told = told();
    let dir = told.written();
    let path = dir.join("trace.jsonl");
    let sound = std::fs::read(&path).unwrap();
    let mut line = 1;
    for at in 0..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let error = bundle::read(dir).unwrap_err();
        assert_eq!(error.place().0, Some(line), "byte {at}: {error}");
        assert_eq!(error.file(), "trace.jsonl");
        line += u64::from(sound[at] == b'\n');
    }
    std::fs::write(&path, &sound).unwrap();
    assert!(bundle::read(dir).is_ok());
}

#[test]
fn lines_dropped_swapped_or_cut_off_are_noticed_where_they_are() {
    let told = told();
    let dir = told.written();
    let path = dir.join("trace.jsonl");
    let sound = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = sound.lines().collect();
    let place = |text: String| {
        std::fs::write(&path, text).unwrap();
        bundle::read(dir).unwrap_err().place()
    };
    let of = |order: &[usize]| order.iter().map(|i| format!("{}\n", lines[*i])).collect::<String>();
    assert_eq!(place(of(&[0, 2, 3, 4])), (Some(2), Some(0)), "dropped");
    assert_eq!(place(of(&[0, 1, 3, 2, 4])), (Some(3), Some(1)), "swapped");
    assert_eq!(place(of(&[0, 1, 2, 3])), (Some(5), Some(3)), "the end dropped");
    assert_eq!(place(sound.trim_end().to_owned()), (Some(5), Some(3)), "cut off");
    assert_eq!(place(String::new()).0, Some(1), "empty");
}

#[test]
fn a_changed_body_is_named_by_the_line_that_has_it() {
    let told = told();
    let long = "x".repeat(4_000);
    record(told.dir(), &told.run.header, &[exchange("short"), exchange(&long)]);
    let dir = told.written();
    let path = dir.join("bodies.lz4");
    let sound = std::fs::read(&path).unwrap();
    assert!(!sound.is_empty());
    let mut changed = sound.clone();
    changed[0] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    let error = bundle::read(dir).unwrap_err();
    assert_eq!(error.place(), (Some(4), Some(2)), "{error}");
    assert!(error.to_string().contains("bodies.lz4"), "{error}");
    std::fs::write(&path, [&sound[..], b"more"].concat()).unwrap();
    let error = bundle::read(dir).unwrap_err();
    assert!(matches!(&error, BundleError::Altered { file: "bodies.lz4" }), "{error}");
}

#[test]
fn every_other_file_of_a_bundle_is_held_against_its_hash() {
    for file in ["run.json", "spec.toml", "report.html", "junit.xml", "trace.index"] {
        let told = told();
        let dir = told.written();
        let path = dir.join(file);
        let mut text = std::fs::read(&path).unwrap();
        text.push(b' ');
        std::fs::write(&path, text).unwrap();
        let error = bundle::read(dir).unwrap_err();
        assert!(matches!(&error, BundleError::Altered { file: named } if *named == file), "{error}");
        std::fs::remove_file(&path).unwrap();
        let error = bundle::read(dir).unwrap_err();
        assert!(matches!(&error, BundleError::Missing { file: named } if named == file), "{error}");
    }
}

#[test]
fn a_bundle_of_another_version_says_so() {
    let told = told();
    let dir = told.written();
    let path = dir.join("manifest.json");
    let other = std::fs::read_to_string(&path).unwrap().replace("watertight.bundle/2", "watertight.bundle/1");
    std::fs::write(&path, other).unwrap();
    let error = bundle::read(dir).unwrap_err();
    assert!(
        error.to_string().contains("\"watertight.bundle/1\", but this version reads \"watertight.bundle/2\""),
        "{error}"
    );
    let header = Header { schema: "watertight.trace/9".into(), ..told.run.header.clone() };
    assert_ne!(header.schema, TRACE_SCHEMA);
    std::fs::remove_file(&path).unwrap();
    record(dir, &header, &[]);
    let error = bundle::read(dir).unwrap_err();
    assert!(matches!(&error, BundleError::Log(LogError::Schema { .. })), "{error}");
    assert_eq!(error.file(), "trace.jsonl");
}
