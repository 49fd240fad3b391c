//! The folder of a run: judged, resumed, moved aside, cleaned up after.

use serde_json::Value;

use crate::desk::*;

#[test]
fn an_unreachable_target_exits_4_and_leaves_a_bundle_that_judges_the_same() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    let output = desk.run(&["verify", "--format", "json", "--seed", "7"]);
    assert_eq!(code(&output), 4, "{}", err(&output));
    let document = json(&output);
    assert_eq!(document["schema"], "watertight.run/1");
    assert_eq!((&document["verdict"], &document["seed"]), (&Value::from("unproven"), &Value::from(7)));
    assert_eq!(
        (&document["unproven"][0]["check"], &document["unproven"][0]["reason"]),
        (&"run".into(), &"unreachable".into())
    );
    let dir = desk.path("watertight-report");
    assert_eq!(serde_json::from_str::<Value>(&read(&dir, "run.json")).unwrap(), document);
    let junit = read(&dir, "junit.xml");
    assert!(junit.starts_with("<?xml") && junit.contains("<error") && !junit.contains("<failure"), "{junit}");
    for file in std::fs::read_dir(&dir).unwrap() {
        let path = file.unwrap().path();
        assert!(!contains(&path, "hush-"), "a secret is in {}", path.display());
    }
    // The same verdict again, of the same trace: unproven.
    let judged = desk.run(&["judge"]);
    assert_eq!(code(&judged), 2, "{}{}", out(&judged), err(&judged));
    assert!(
        out(&judged).starts_with("same") && out(&judged).contains("incomplete: nothing was tried"),
        "{}",
        out(&judged)
    );
    let judged = json(&desk.run(&["judge", "watertight-report", "--format", "json"]));
    assert_eq!((&judged["same"], &judged["verdict"]), (&Value::from(true), &Value::from("unproven")));
}

#[test]
fn judge_names_the_line_of_a_changed_byte() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    assert_eq!(code(&desk.run(&["verify"])), 4);
    let path = desk.path("watertight-report/trace.jsonl");
    let sound = std::fs::read_to_string(&path).unwrap();
    // The header is line 1, event 0 says that the run began.
    let changed = sound.replacen("\"seq\":1,", "\"seq\":9,", 1);
    assert_ne!(sound, changed);
    std::fs::write(&path, changed).unwrap();
    let is_named = || {
        let output = desk.run(&["judge", "--format", "json"]);
        assert_eq!(code(&output), 3);
        let judged = json(&output);
        assert_eq!(judged["same"], false);
        let difference = &judged["differences"][0];
        assert_eq!((&difference["file"], &difference["line"]), (&Value::from("trace.jsonl"), &Value::from(3)));
        assert!(out(&desk.run(&["judge"])).contains("trace.jsonl line 3"));
    };
    is_named();
    // The same in the folder of a run that was killed before it could write the manifest.
    std::fs::remove_file(desk.path("watertight-report/manifest.json")).unwrap();
    is_named();
}

#[test]
fn the_log_of_a_killed_run_is_judged_up_to_its_last_whole_line() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    assert_eq!(code(&desk.run(&["verify"])), 4);
    let dir = desk.path("watertight-report");
    std::fs::remove_file(dir.join("manifest.json")).unwrap();
    let sound = read(&dir, "trace.jsonl");
    // The first event must be there: it says with what the run began.
    let second_line = sound.match_indices('\n').nth(1).unwrap().0 + 1;
    for end in [second_line, second_line + 40, sound.len() - 1, sound.len()] {
        std::fs::write(dir.join("trace.jsonl"), &sound[..end]).unwrap();
        let output = desk.run(&["judge", "--format", "json"]);
        let judged = json(&output);
        assert_eq!((code(&output), &judged["same"], &judged["complete"]), (2, &true.into(), &false.into()), "{judged}");
        assert!(judged["decided"].as_u64() < judged["trials"].as_u64(), "{judged}");
        let said = out(&desk.run(&["judge"]));
        assert!(said.contains("incomplete: the run was interrupted after 0 of "), "{said}");
        assert!(said.contains("watertight verify --resume watertight-report finishes it"), "{said}");
    }
}

#[test]
fn a_run_that_was_killed_before_it_sent_anything_is_incomplete_and_begins_anew() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    assert_eq!(code(&desk.run(&["verify"])), 4);
    let dir = desk.path("watertight-report");
    let sound = read(&dir, "trace.jsonl");
    let first_line = sound.find('\n').unwrap() + 1;
    std::fs::remove_file(dir.join("manifest.json")).unwrap();
    let is_incomplete = || {
        let output = desk.run(&["judge", "--format", "json"]);
        let judged = json(&output);
        assert_eq!((code(&output), &judged["same"], &judged["complete"]), (2, &true.into(), &false.into()), "{judged}");
        assert!(out(&desk.run(&["judge"])).contains("the run ended before it sent anything; begin a new one"));
        let resumed = desk.run(&["verify", "--resume", "watertight-report"]);
        assert_eq!(code(&resumed), 3);
        assert!(err(&resumed).contains("without --resume, a new one begins"), "{}", err(&resumed));
        let cleaned = desk.run(&["clean"]);
        assert_eq!(code(&cleaned), 0, "{}", err(&cleaned));
        assert!(out(&cleaned).starts_with("nothing to remove"), "{}", out(&cleaned));
    };
    for end in [0, first_line - 1, first_line, first_line + 20] {
        std::fs::write(dir.join("trace.jsonl"), &sound[..end]).unwrap();
        is_incomplete();
    }
    for file in ["trace.jsonl", "journal.jsonl"] {
        std::fs::remove_file(dir.join(file)).unwrap();
        is_incomplete();
    }
    assert_eq!(code(&desk.run(&["verify"])), 4, "a new run begins in the same folder");
}

#[test]
fn a_run_that_can_not_go_on_keeps_its_report() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    assert_eq!(code(&desk.run(&["verify"])), 4);
    let dir = desk.path("watertight-report");
    std::fs::remove_file(dir.join("journal.jsonl")).unwrap();
    let resumed = desk.run(&["verify", "--resume", "watertight-report"]);
    assert_eq!(code(&resumed), 3, "{}", err(&resumed));
    for file in ["manifest.json", "run.json", "report.html", "junit.xml"] {
        assert!(dir.join(file).exists(), "{file}");
    }
}

#[test]
fn a_folder_whose_run_left_something_behind_is_moved_aside_and_never_written_over() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    let left = "{\"began\":{\"tag\":\"abc\"}}\n{\"intends\":{\"resource\":\"case\"}}\n";
    for aside in ["watertight-report.1", "watertight-report.2"] {
        std::fs::create_dir_all(desk.path("watertight-report")).unwrap();
        desk.write("watertight-report/journal.jsonl", left);
        let output = desk.run(&["verify", "--report", "watertight-report/"]);
        assert_eq!(code(&output), 4, "it does not stop the next run: {}", err(&output));
        let told = err(&output);
        assert!(told.contains(&format!("watertight clean {aside}")) && told.lines().count() == 1, "{told}");
        assert_eq!(read(&desk.path(aside), "journal.jsonl").trim_end(), left.trim_end());
        assert!(desk.path("watertight-report/manifest.json").exists());
    }
    // The run itself reached no one, and left nothing.
    let output = desk.run(&["verify"]);
    assert_eq!((code(&output), err(&output).as_str()), (4, ""));
}

/// The current folder can't be moved, nor can a mount: what the earlier run left is moved out of it.
#[test]
fn where_the_folder_can_not_be_moved_the_earlier_run_gets_one_within_it() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    let left = "{\"began\":{\"tag\":\"abc\"}}\n{\"intends\":{\"resource\":\"case\"}}\n";
    assert_eq!(code(&desk.run(&["verify", "--report", "."])), 4);
    let earlier = read(&desk.path("."), "run.json");
    desk.write("journal.jsonl", left);
    let output = desk.run(&["verify", "--report", "."]);
    assert_eq!(code(&output), 4, "it does not stop the next run: {}", err(&output));
    let told = err(&output);
    assert!(told.contains("watertight clean ./earlier.1") && told.lines().count() == 1, "{told}");
    let aside = desk.path("earlier.1");
    assert_eq!(read(&aside, "journal.jsonl").trim_end(), left.trim_end());
    assert!(read(&aside, "run.json") == earlier);
    // The clean-up finds the spec, and so the target, that it can't reach.
    let cleaned = desk.run(&["clean", "earlier.1"]);
    assert_eq!(code(&cleaned), 4, "{}{}", out(&cleaned), err(&cleaned));
    assert!(desk.path("manifest.json").exists() && desk.path("watertight.toml").exists());
    let output = desk.run(&["verify", "--report", "."]);
    assert_eq!((code(&output), err(&output).as_str()), (4, ""));
}

#[test]
fn a_run_that_reached_no_one_can_be_resumed_with_the_secrets_of_today() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    assert_eq!(code(&desk.run(&["verify", "--seed", "7"])), 4);
    let output = desk.run(&["verify", "--resume", "watertight-report", "--format", "json"]);
    assert_eq!((code(&output), &json(&output)["seed"]), (4, &Value::from(7)), "{}", err(&output));
    let judged = desk.run(&["judge"]);
    assert_eq!(code(&judged), 2, "{}", out(&judged));
    let missing = desk.run_with(&["verify", "--resume", "watertight-report"], &[("NORTH_KEY", "hush-north")]);
    assert_eq!(code(&missing), 3, "the secrets come from today's environment");
    assert!(err(&missing).contains("SOUTH_KEY"), "{}", err(&missing));
    let changed = read(&desk.path("watertight-report"), "trace.jsonl").replacen("\"seq\":1,", "\"seq\":9,", 1);
    desk.write("watertight-report/trace.jsonl", &changed);
    let refused = desk.run(&["verify", "--resume", "watertight-report"]);
    assert_eq!(code(&refused), 3);
    assert!(err(&refused).contains("trace.jsonl was changed at line 3"), "{}", err(&refused));
}

#[test]
fn clean_has_nothing_to_do_after_a_run_that_created_nothing() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&Silent::new().url(), ""));
    desk.write("quick.toml", &spec(&closed(), "environment = \"production\""));
    assert_eq!(code(&desk.run(&["verify", "quick.toml", "--allow-production"])), 4);
    let output = desk.run(&["clean"]);
    assert_eq!((code(&output), err(&output).as_str()), (0, ""));
}
