//! The binary as a user meets it: exit codes, what is printed where, and what is sent (or not).

#![cfg(test)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The binary in a folder of its own, without anything from this process's environment.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[("NORTH_KEY", "hush-north"), ("SOUTH_KEY", "hush-south")])
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watertight"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().envs(environment.iter().copied());
        command.output().unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// One JSON document and nothing else.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {} {}", out(output), err(output)))
}

/// A port that notices who connects.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    fn was_called(&self) -> bool {
        self.0.accept().is_ok()
    }
}

/// A port on which nothing listens.
fn closed() -> String {
    Silent::new().url()
}

/// A sound spec; `target` is added to the section of that name.
fn spec(url: &str, target: &str) -> String {
    let tenant = |id: &str| {
        format!(
            "[[tenant]]\nid = \"{id}\"\n[[tenant.principal]]\nname = \"service\"\ngrant = \"header\"\n\
             header = \"X-Api-Key\"\nvalue = \"${}_KEY\"\n",
            id.to_uppercase()
        )
    };
    format!(
        "[target]\nname = \"things\"\nurl = \"{url}\"\nsettle = \"10ms\"\n{target}\n[tenancy]\nlocator = \"path\"\n\
         {}{}[[resource]]\nname = \"case\"\npath = \"/tenants/{{tenant}}/cases\"\ncreate = {{ title = \"{{canary}}\" }}\n",
        tenant("north"),
        tenant("south")
    )
}

#[test]
fn mistakes_on_the_command_line_exit_3_and_say_what_was_meant() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    for arguments in [
        &[][..],
        &["verfy"],
        &["verify", "--format", "xml"],
        &["verify", "--seed", "x"],
        &["verify", "--deny", "everything"],
        &["verify", "missing.toml"],
        &["verify", "--only", "api.swap-itme"],
        &["explain", "api.swap-itme"],
        &["clean", "nowhere"],
        &["verify", "--resume", "nowhere"],
        &["verify", "watertight.toml", "--resume", "watertight-report"],
        &["verify", "--resume", "watertight-report", "--seed", "1"],
        &["verify", "--resume", "watertight-report", "--only", "api"],
        &["verify", "--resume", "watertight-report", "--quick"],
        &["verify", "--resume", "watertight-report", "--report", "other"],
    ] {
        let output = desk.run(arguments);
        assert_eq!((code(&output), out(&output).as_str()), (3, ""), "{arguments:?}");
        assert!(!err(&output).is_empty(), "{arguments:?}");
    }
    let output = desk.run(&["judge", "nowhere"]);
    assert_eq!(code(&output), 3);
    assert!(out(&output).contains("manifest.json"), "{}", out(&output));
    for arguments in [["verify", "--only", "api.swap-itme"].as_slice(), &["explain", "api.swap-itme"]] {
        assert!(err(&desk.run(arguments)).contains("did you mean `api.swap-item`?"), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_results() {
    let desk = Desk::new();
    for arguments in [["--help"], ["--version"]] {
        let output = desk.run(&arguments);
        assert_eq!((code(&output), err(&output).as_str()), (0, ""));
        assert!(out(&output).contains("watertight"));
    }
}

#[test]
fn ten_mistakes_in_a_spec_are_told_at_once_and_nothing_is_sent() {
    let target = Silent::new();
    let desk = Desk::new();
    let url = target.url();
    let text = format!(
        "[target]\nname = \"\"\nurl = \"{url}\"\nenvironment = \"holiday\"\nsettle = \"soon\"\ncolour = \"red\"\n\
         [limits]\nrate = 0\n[tenancy]\nlocator = \"moon\"\n\
         [[tenant]]\nid = \"north\"\n[[tenant.principal]]\nname = \"a\"\ngrant = \"basic\"\nusername = \"u\"\npassword = \"literal\"\n\
         [[tenant]]\nid = \"north\"\n[[tenant.principal]]\nname = \"b\"\ngrant = \"basic\"\nusername = \"v\"\npassword = \"$UNSET\"\n\
         [[resource]]\nname = \"case\"\npath = \"/tenants/{{tenat}}/cases\"\ncreate = {{ title = \"{{canary}}\" }}\nid = \"$[\"\n"
    );
    desk.write("watertight.toml", &text);
    for command in ["verify", "plan"] {
        let output = desk.run(&[command]);
        assert_eq!((code(&output), out(&output).as_str()), (3, ""));
        let told = err(&output);
        let count: usize = told.split("watertight.toml: ").last().unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(count >= 10, "{told}");
        for line in [2, 4, 5, 6, 8, 10, 17, 19, 24, 27, 29] {
            assert!(told.contains(&format!("watertight.toml:{line}:")), "line {line}: {told}");
        }
        assert!(!told.contains("literal"), "the secret is shown: {told}");
        assert!(!desk.path("watertight-report").exists());
    }
    assert!(!target.was_called(), "something was sent");
}

#[test]
fn production_is_refused_before_anything_is_sent() {
    let target = Silent::new();
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&target.url(), "environment = \"production\""));
    let output = desk.run(&["verify"]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("--allow-production"));
    assert!(!target.was_called() && !desk.path("watertight-report").exists());
}

#[test]
fn plan_lists_what_would_run_and_sends_nothing() {
    let target = Silent::new();
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&target.url(), ""));
    let output = desk.run(&["plan"]);
    assert_eq!((code(&output), err(&output).as_str()), (0, ""));
    let text = out(&output);
    assert!(text.contains("nothing was sent") && text.contains("plant case in north"), "{text}");
    assert!(text.contains(" at 10 ms an answer, "), "{text}");
    let document = json(&desk.run(&["plan", "--format", "json", "--quick"]));
    assert_eq!(document["schema"], "watertight.plan/1");
    assert!(document["checks"].as_array().unwrap().iter().any(|check| check["check"] == "api.swap-path-tenant"));
    assert!(!document["left_out"].as_array().unwrap().is_empty(), "--quick leaves writes out");
    let cost = |name: &str| document["cost"][name].as_u64().unwrap();
    assert!(cost("requests") > 20 && cost("seconds_at_10_ms") <= cost("seconds_at_50_ms"), "{}", document["cost"]);
    assert!(!target.was_called(), "something was sent");
}

#[test]
fn an_exclusion_of_no_check_and_a_run_of_none_are_mistakes() {
    let target = Silent::new();
    let desk = Desk::new();
    let sound = spec(&target.url(), "");
    let exclude = "[[exclude]]\ncheck = \"api.swap-itme\"\nreason = \"a slip\"\nexpires = 2099-01-01\n";
    desk.write("watertight.toml", &format!("{sound}{exclude}"));
    let output = desk.run(&["verify"]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("did you mean `api.swap-item`?"), "{}", err(&output));
    desk.write("watertight.toml", &sound);
    // Without [tokens] there is no lifetime to look at.
    let output = desk.run(&["verify", "--only", "token.lifetime"]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("there is nothing to try"), "{}", err(&output));
    assert!(!target.was_called(), "something was sent");
}

#[test]
fn init_writes_a_spec_that_can_be_planned_and_never_overwrites_one() {
    let desk = Desk::new();
    assert_eq!(code(&desk.run(&["init"])), 0);
    let written = std::fs::read_to_string(desk.path("watertight.toml")).unwrap();
    let client = ["NORTH_CLIENT_ID", "NORTH_CLIENT_SECRET", "SOUTH_CLIENT_ID", "SOUTH_CLIENT_SECRET"].map(|n| (n, n));
    let plan = desk.run_with(&["plan"], &client);
    assert_eq!(code(&plan), 0, "{}", err(&plan));
    let again = desk.run(&["init"]);
    assert_eq!(code(&again), 3);
    assert!(err(&again).contains("exists already"));
    assert_eq!(std::fs::read_to_string(desk.path("watertight.toml")).unwrap(), written);
}

#[test]
fn explain_covers_every_check_that_a_plan_lists() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    let planned = json(&desk.run(&["plan", "--format", "json"]));
    let known = json(&desk.run(&["explain", "--format", "json"]));
    let known: Vec<&str> = known.as_array().unwrap().iter().map(|check| check["check"].as_str().unwrap()).collect();
    for check in planned["checks"].as_array().unwrap() {
        assert!(known.contains(&check["check"].as_str().unwrap()), "{check}");
    }
    for check in known {
        let output = desk.run(&["explain", check]);
        assert_eq!(code(&output), 0);
        let text = out(&output);
        for part in ["What it does", "How it judges", "Where it comes from", "How to fix it"] {
            let after = text.split_once(part).unwrap().1.trim_start();
            assert!(!after.is_empty() && !after.starts_with("How"), "{check} has nothing under '{part}'");
        }
        assert_eq!(json(&desk.run(&["explain", check, "--format", "json"]))["check"], check);
    }
}

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
fn a_folder_whose_run_left_something_behind_is_moved_aside_and_never_written_over() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    let left = "{\"began\":{\"tag\":\"abc\"}}\n{\"intends\":{\"collection\":\"/tenants/north/cases\"}}\n";
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

#[test]
fn output_has_no_colour_and_no_progress_where_nobody_watches() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    let output = desk.run(&["verify"]);
    assert!(!out(&output).contains('\u{1b}') && !err(&output).contains('\u{1b}'));
    assert_eq!(err(&output), "");
}

fn read(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap()
}

/// Whether these bytes are anywhere in a file.
fn contains(path: &Path, text: &str) -> bool {
    std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

// ── documents that are made from the program ────────────────────────────────────────────────────────────────────────

/// Compares a page with what the program says; `UPDATE_DOCS=1` writes it anew.
fn current(page: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs").join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == made, "docs/{page} is not current: UPDATE_DOCS=1 cargo nextest run -p watertight-cli docs");
}

#[test]
fn docs_of_the_checks_are_current() {
    let output = Desk::new().run(&["explain", "--format", "markdown"]);
    assert_eq!(code(&output), 0);
    current("checks.md", &out(&output));
}

/// The two tables of the page are made from the program; the rest is written by hand.
#[test]
fn docs_of_the_reasons_are_current() {
    const HEAD: &str = "| Reason | Means | What usually helps |\n|---|---|---|\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/reading-a-report.md");
    let page = std::fs::read_to_string(path).unwrap();
    let row = |name: &str, says: &str, remedy: &str| format!("| `{name}` | {says} | {remedy} |\n");
    let of_trials = watertight_checks::verdict::Reason::ALL.map(|r| row(r.name(), r.says(), r.remedy()));
    let of_runs = watertight_evidence::report::Whole::ALL.map(|w| row(w.name(), w.says(), w.remedy()));
    let parts: Vec<&str> = page.split(HEAD).collect();
    let [before, first, second] = parts[..] else { panic!("two tables of reasons are expected") };
    let after = |part: &str| part.split_once("\n\n").unwrap().1.to_owned();
    let tables = [of_trials.concat(), of_runs.concat()];
    let made = [before, HEAD, &tables[0], "\n", &after(first), HEAD, &tables[1], "\n", &after(second)].concat();
    current("reading-a-report.md", &made);
}

// ── the demonstration ───────────────────────────────────────────────────────────────────────────────────────────────

#[cfg(feature = "demo")]
mod demo {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Child, Stdio};

    use super::*;

    fn faults() -> Vec<Value> {
        json(&Desk::new().run(&["demo", "--list-faults", "--format", "json"])).as_array().unwrap().clone()
    }

    fn texts(value: &Value) -> Vec<&str> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
    }

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
            let links: Vec<String> = texts(checks)
                .iter()
                .map(|check| format!("[`{check}`](checks.md#{})", check.replace('.', "")))
                .collect();
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

    /// A demonstration that stays. Killed when dropped, if it has not ended.
    struct Kept {
        child: Child,
        desk: Desk,
        told: String,
    }

    impl Kept {
        fn start(arguments: &[&str]) -> Self {
            let desk = Desk::new();
            let mut command = Command::new(env!("CARGO_BIN_EXE_watertight"));
            command.args(["demo", "--keep", "--report", "demo"]).args(arguments);
            command.current_dir(desk.folder.path()).env_clear();
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
            let mut told = String::new();
            let mut err = BufReader::new(child.stderr.take().unwrap());
            while !told.contains("fresh tokens") && err.read_line(&mut told).unwrap() > 0 {}
            assert!(told.contains("watertight verify demo/demo.toml"), "{told}");
            std::thread::spawn(move || err.read_to_end(&mut Vec::new()));
            Self { child, desk, told }
        }

        /// A command in a shell that has read `demo.env`.
        fn shell(&self, command: &str) -> Output {
            let script = format!(". demo/demo.env\n{command}");
            let path = std::env::var("PATH").unwrap();
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]).current_dir(self.desk.folder.path()).env_clear().env("PATH", path);
            shell.output().unwrap()
        }

        /// All objects of a tenant, as it sees them.
        fn contents(&self, tenant: &str, token: &str) -> Value {
            let text = self.desk.read("demo/demo.toml");
            let url = text.lines().find_map(|line| line.strip_prefix("url = ")).unwrap().trim_matches('"').to_owned();
            let list = format!("curl -sf -H \"Authorization: Bearer ${token}\" {url}/tenants/{tenant}/cases?limit=100");
            json(&self.shell(&list))["items"].clone()
        }

        fn stop(mut self) -> Desk {
            signal("TERM", &self.child);
            assert_eq!(self.child.wait().unwrap().code(), Some(0));
            assert!(!self.desk.path("demo/demo.env").exists(), "the secrets outlive the platform");
            std::mem::replace(&mut self.desk, Desk::new())
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    impl Desk {
        fn read(&self, name: &str) -> String {
            std::fs::read_to_string(self.path(name)).unwrap()
        }
    }

    fn signal(name: &str, child: &Child) {
        assert!(Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap().success());
    }

    #[test]
    fn a_kept_platform_is_verified_by_its_file_alone_and_no_secret_is_in_any_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let kept = Kept::start(&["--seed", "5"]);
        assert!(kept.told.contains(". demo/demo.env"), "{}", kept.told);
        let mode = std::fs::metadata(kept.desk.path("demo/demo.env")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let first: Value = serde_json::from_str(&kept.desk.read("demo/run.json")).unwrap();
        let output =
            kept.desk.run(&["verify", "demo/demo.toml", "--seed", "5", "--format", "json", "--report", "again"]);
        assert_eq!(code(&output), 0, "{} {}", out(&output), err(&output));
        let second = json(&output);
        for part in ["verdict", "summary", "coverage", "findings", "unproven"] {
            assert_eq!(first[part], second[part], "{part}");
        }

        let env = kept.desk.read("demo/demo.env");
        let secrets: Vec<&str> = env
            .lines()
            .filter(|line| !line.contains("_CLIENT_ID="))
            .map(|line| line.split_once('=').unwrap().1.trim_matches('\''))
            .collect();
        assert!(secrets.len() > 8 && secrets.iter().all(|secret| secret.len() >= 32));
        let mut searched = 0;
        for folder in ["demo", "again"] {
            for file in std::fs::read_dir(kept.desk.path(folder)).unwrap() {
                let path = file.unwrap().path();
                if path.ends_with("demo.env") {
                    continue;
                }
                for secret in &secrets {
                    assert!(!contains(&path, secret), "a secret is in {}", path.display());
                }
                searched += 1;
            }
        }
        assert!(searched >= 14, "{searched}");
        kept.stop();
    }

    #[test]
    fn a_reproduction_runs_as_printed() {
        let fault = faults().into_iter().find(|fault| fault["caught_by"][0] == "api.swap-path-tenant").unwrap();
        let kept = Kept::start(&["--fault", fault["fault"].as_str().unwrap()]);
        let report: Value = serde_json::from_str(&kept.desk.read("demo/run.json")).unwrap();
        let finding = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["check"] == "api.swap-path-tenant" && f["operation"].as_str().unwrap().starts_with("GET "))
            .unwrap();
        let command = finding["reproduce"].as_str().unwrap();
        assert!(command.contains("_TOKEN"), "{command}");
        let output = kept.shell(command);
        let answer = out(&output);
        assert!(answer.starts_with("HTTP/1.1 200"), "{command}\n{answer}{}", err(&output));
        assert!(answer.contains(finding["victim"].as_str().unwrap()), "{answer}");
        signal("TERM", &kept.child);
    }

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
        events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()?["event"]["owner"]["trial"].as_u64())
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
}
