//! The rules of the repository that the compiler does not check: which room (crate) may use which, who may pay what a
//! scope still owes, what must not be in the sources, and that every source that is cited has an entry. Every rule is a
//! function from text to complaints. It is first shown a text that breaks it, then the real repository.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The rooms, top to bottom within each house: (house, room, its folder). Packages are `watertight-<room>`.
const ROOMS: &[(House, &str, &str)] = &[
    (House::Cli, "cli", "cli"),
    (House::Bench, "bench", "bench"),
    (House::Reference, "faults", "reference/faults"),
    (House::Reference, "casework", "reference/casework"),
    (House::Reference, "emulators", "reference/emulators"),
    (House::Verify, "testbed", "verify/testbed"),
    (House::Verify, "evidence", "verify/evidence"),
    (House::Verify, "checks", "verify/checks"),
    (House::Verify, "engine", "verify/engine"),
    (House::Verify, "spec", "verify/spec"),
    (House::Enforce, "guard", "enforce/guard"),
    (House::Enforce, "scoped", "enforce/scoped"),
    (House::Enforce, "control", "enforce/control"),
    (House::Enforce, "identity", "enforce/identity"),
    (House::Enforce, "core", "enforce/core"),
    (House::Model, "model", "model"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum House {
    Cli,
    Bench,
    Reference,
    Verify,
    Enforce,
    Model,
}

/// A file of the repository, by its path from the root.
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Lines with their number from 1, without those that are only comment.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

// ── arrows ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// An arrow from a package to one that it depends on. `kind` is what cargo calls it: normal, dev or build.
fn arrow_allowed(from: &str, to: &str, kind: &str) -> bool {
    let (Some((from_house, from_rank)), Some((to_house, to_rank))) = (place(from), place(to)) else {
        return false;
    };
    match (from_house, to_house) {
        (House::Cli | House::Bench | House::Verify, House::Verify) if to == TESTBED => kind == "dev" && to != from,
        (House::Verify, House::Verify) if from == TESTBED => to != "watertight-evidence",
        // Evidence → checks → engine → spec.
        (House::Verify, House::Verify) => from_rank < to_rank,
        (House::Cli | House::Bench, House::Reference | House::Verify | House::Enforce | House::Model) => true,
        (House::Reference, House::Enforce | House::Model) => true,
        (House::Enforce | House::Verify, House::Model) => true,
        // Casework is unaware of identity providers that are emulated, as it is of faults.
        (House::Reference, House::Reference) => from == "watertight-faults" && to != from,
        // A star: all know core, and none knows another. Control alone may know identity, since it is the one that
        // implements identity's ports; as long as all its ports are core's, it has no such arrow.
        (House::Enforce, House::Enforce) => match to {
            "watertight-core" => from != to,
            "watertight-identity" => from == "watertight-control",
            _ => false,
        },
        _ => false,
    }
}

/// What tests of the verify rooms run against. Nothing that is shipped may contain it.
const TESTBED: &str = "watertight-testbed";

fn place(package: &str) -> Option<(House, usize)> {
    let room = package.strip_prefix("watertight-")?;
    let rank = ROOMS.iter().position(|(_, name, _)| *name == room)?;
    ROOMS.get(rank).map(|(house, ..)| (*house, rank))
}

/// Complaints about the arrows between the workspace's packages in what `cargo metadata` says.
fn forbidden_arrows(metadata: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = package["name"].as_str().unwrap_or_default();
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        match ROOMS.iter().find(|(_, room, _)| from.strip_prefix("watertight-") == Some(*room)) {
            None => complaints.push(format!("{from} is no room of the house: add it to ROOMS and ARCHITECTURE.md")),
            Some((_, _, folder)) if !manifest.ends_with(&format!("/{folder}/Cargo.toml")) => {
                complaints.push(format!("{from} belongs in {folder}, not where {manifest} is"));
            }
            Some(_) => {}
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let kind = dependency["kind"].as_str().unwrap_or("normal");
            if to.starts_with("watertight") && !arrow_allowed(from, to, kind) {
                complaints.push(format!("{from} → {to} ({kind} dependency): not an arrow of ARCHITECTURE.md"));
            }
        }
    }
    complaints
}

#[test]
fn arrows_upwards_and_across_are_complained_of_and_downward_ones_are_not() {
    let allowed = [
        ("cli", "faults"),
        ("cli", "evidence"),
        ("cli", "guard"),
        ("cli", "model"),
        ("bench", "engine"),
        ("bench", "casework"),
        ("bench", "guard"),
        ("bench", "model"),
        ("faults", "casework"),
        ("faults", "emulators"),
        ("casework", "guard"),
        ("emulators", "model"),
        ("guard", "core"),
        ("scoped", "core"),
        ("control", "core"),
        ("control", "identity"),
        ("identity", "core"),
        ("guard", "model"),
        ("core", "model"),
        ("evidence", "checks"),
        ("evidence", "engine"),
        ("evidence", "spec"),
        ("checks", "engine"),
        ("checks", "spec"),
        ("engine", "spec"),
        ("testbed", "checks"),
        ("testbed", "engine"),
        ("testbed", "spec"),
        ("spec", "model"),
    ];
    for (from, to) in allowed {
        for kind in ["normal", "dev", "build"] {
            assert!(is_allowed(from, to, kind), "{from} → {to} is on the whitelist");
        }
        assert!(!is_allowed(to, from, "normal"), "{to} → {from} points upwards");
    }
    for (from, to) in [
        ("cli", "bench"),
        ("bench", "cli"),
        ("casework", "faults"),
        ("casework", "emulators"),
        ("emulators", "casework"),
        ("casework", "engine"),
        ("verify", "model"),
        ("guard", "scoped"),
        ("guard", "control"),
        ("guard", "identity"),
        ("scoped", "control"),
        ("scoped", "identity"),
        ("scoped", "guard"),
        ("control", "scoped"),
        ("identity", "control"),
        ("engine", "core"),
        ("checks", "casework"),
        ("evidence", "casework"),
        ("faults", "checks"),
        ("testbed", "evidence"),
        ("testbed", "core"),
        ("core", "core"),
        ("model", "core"),
        ("guard", "util"),
        ("util", "model"),
    ] {
        for kind in ["normal", "dev", "build"] {
            assert!(!is_allowed(from, to, kind), "{from} → {to} is not on the whitelist");
        }
    }
}

#[test]
fn the_testbed_is_for_tests_alone() {
    for from in ["cli", "bench", "evidence", "checks", "engine", "spec"] {
        assert!(is_allowed(from, "testbed", "dev"), "tests of {from} may use the testbed");
        for kind in ["normal", "build"] {
            assert!(!is_allowed(from, "testbed", kind), "{from} must not contain the testbed");
        }
    }
    for from in ["testbed", "casework", "faults", "guard", "model"] {
        assert!(!is_allowed(from, "testbed", "dev"), "{from} has nothing to do with the testbed");
    }
}

fn is_allowed(from: &str, to: &str, kind: &str) -> bool {
    arrow_allowed(&format!("watertight-{from}"), &format!("watertight-{to}"), kind)
}

#[test]
fn every_kind_of_dependency_is_an_arrow() {
    for kind in [Value::Null, "dev".into(), "build".into()] {
        let metadata = serde_json::json!({"packages": [{
            "name": "watertight-engine", "manifest_path": "/x/verify/engine/Cargo.toml",
            "dependencies": [{"name": "watertight-core", "kind": kind}, {"name": "serde", "kind": null}],
        }]});
        assert_eq!(forbidden_arrows(&metadata).len(), 1, "{metadata}");
    }
    let unknown_or_misplaced = serde_json::json!({"packages": [
        {"name": "watertight-util", "manifest_path": "/x/util/Cargo.toml", "dependencies": []},
        {"name": "watertight-core", "manifest_path": "/x/verify/core/Cargo.toml", "dependencies": []},
    ]});
    assert_eq!(forbidden_arrows(&unknown_or_misplaced).len(), 2);
}

#[test]
fn arrows_of_the_repository_are_those_of_architecture_md() {
    let metadata = cargo_metadata();
    assert_eq!(metadata["packages"].as_array().map(Vec::len), Some(ROOMS.len()), "a room is missing or new");
    assert_clean(forbidden_arrows(&metadata));
}

// ── payment ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Who may name `core::payment`, which settles what a scope owes: the room that opens data, the faulty versions of it,
/// core itself, and tests of the guard (which must show what happens when nothing pays).
const MAY_PAY: &[&str] = &["enforce/scoped/", "enforce/core/", "enforce/guard/tests/", "reference/faults/"];

fn strange_payers(files: &[SourceFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && file.path != THIS_FILE) {
        if MAY_PAY.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        // In the guard's own files, the unit tests are at the end.
        let tests_from = file.code().find(|(_, line)| file.path.starts_with("enforce/guard/") && is_test_gate(line));
        let end = tests_from.map_or(usize::MAX, |(number, _)| number);
        for (number, _) in file.code().take_while(|(number, _)| *number < end).filter(|(_, l)| has_word(l, "payment")) {
            complaints
                .push(format!("{}:{number}: only enforce/scoped and the faults settle what a scope owes", file.path));
        }
    }
    complaints
}

fn is_test_gate(line: &str) -> bool {
    line.trim() == "#[cfg(test)]"
}

#[test]
fn whoever_else_settles_a_scope_is_complained_of() {
    let call = "fn f() {\n    core::payment::settle(scope, Term::ResourceBelongsToTenant);\n}\n";
    let braces = "use watertight_core::{Denial, payment};\n";
    for path in ["reference/casework/src/cases.rs", "cli/src/main.rs", "enforce/guard/src/layer.rs"] {
        assert_eq!(strange_payers(&[SourceFile::new(path, call)]).len(), 1, "{path}");
        assert_eq!(strange_payers(&[SourceFile::new(path, braces)]).len(), 1, "{path}");
    }
    for path in ["enforce/scoped/src/db.rs", "reference/faults/src/lib.rs", "enforce/guard/tests/guard.rs"] {
        assert!(strange_payers(&[SourceFile::new(path, call)]).is_empty(), "{path}");
    }
    let in_tests = format!("#[cfg(test)]\nmod tests {{\n{call}}}\n");
    assert!(strange_payers(&[SourceFile::new("enforce/guard/src/layer.rs", &in_tests)]).is_empty());
    assert_eq!(strange_payers(&[SourceFile::new("reference/casework/src/cases.rs", &in_tests)]).len(), 1);
    let comment = "// `payment` is for scoped alone\nfn repayments() {}\n";
    assert!(strange_payers(&[SourceFile::new("cli/src/main.rs", comment)]).is_empty());
}

#[test]
fn only_scoped_and_the_faults_settle_what_a_scope_owes() {
    assert_clean(strange_payers(&repository()));
}

// ── verify knows no target ──────────────────────────────────────────────────────────────────────────────────────────

/// `verify` knows nothing of any target, least of all of the one that the examples verify.
fn named_targets(files: &[SourceFile]) -> Vec<String> {
    let name = "kinto";
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("verify/")) {
        if file.path.to_lowercase().contains(name) {
            complaints.push(format!("{}: a file of verify/ is named after a target", file.path));
        }
        for (number, _) in (1..).zip(file.text.lines()).filter(|(_, line)| line.to_lowercase().contains(name)) {
            complaints.push(format!("{}:{number}: verify/ names the target '{name}'", file.path));
        }
    }
    complaints
}

#[test]
fn a_target_named_in_verify_is_complained_of() {
    let bad = SourceFile::new("verify/engine/src/lib.rs", "// as KintoServer does\nlet name = \"kinto\";\n");
    assert_eq!(named_targets(&[bad]).len(), 2);
    assert_eq!(named_targets(&[SourceFile::new("verify/engine/tests/Kinto.toml", "")]).len(), 1);
    assert!(named_targets(&[SourceFile::new("examples/kinto/README.md", "Kinto")]).is_empty());
}

#[test]
fn verify_knows_no_target_by_name() {
    assert_clean(named_targets(&repository()));
}

// ── lints ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/// A member of the workspace that does not say `[lints] workspace = true` escapes all of them.
fn without_lints(files: &[SourceFile]) -> Vec<String> {
    let manifests = ROOMS.iter().map(|(_, _, folder)| format!("{folder}/Cargo.toml"));
    manifests
        .filter_map(|path| {
            let Some(manifest) = files.iter().find(|file| file.path == path) else {
                return Some(format!("{path} does not exist"));
            };
            let mut lines = manifest.text.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
            let inherits = lines.find(|line| !line.is_empty()) == Some("workspace = true");
            (!inherits).then(|| format!("{path}: write [lints] workspace = true"))
        })
        .collect()
}

#[test]
fn a_member_that_does_not_inherit_the_lints_is_complained_of() {
    let house = |lints: &str| -> Vec<SourceFile> {
        let manifest = |folder: &str| SourceFile::new(&format!("{folder}/Cargo.toml"), &format!("[package]\n{lints}"));
        ROOMS.iter().map(|(_, _, folder)| manifest(folder)).collect()
    };
    assert!(without_lints(&house("[lints]\nworkspace = true\n")).is_empty());
    for lints in ["", "[lints]\n", "[lints]\nworkspace = false\n", "[lints.rust]\nworkspace = true\n"] {
        assert_eq!(without_lints(&house(lints)).len(), ROOMS.len(), "{lints:?}");
    }
    assert_eq!(without_lints(&[]).len(), ROOMS.len());
}

#[test]
fn every_member_inherits_the_lints() {
    assert_clean(without_lints(&repository()));
}

// ── what must not be in the sources ─────────────────────────────────────────────────────────────────────────────────

/// Lints can be silenced where they apply; these must not be in the sources at all. Spelled in parts, so that this file
/// passes its own rule.
const NOT_IN_RUST: &[&str] =
    &[concat!("to", "do!("), concat!("unimple", "mented!("), concat!("db", "g!("), concat!("#[ig", "nore")];

/// Folders of one machine.
const NOT_ANYWHERE: &[&str] =
    &[concat!("/", "tmp/"), concat!("/", "root/"), concat!("/", "work/"), concat!("/", "home/")];

fn debris(files: &[SourceFile]) -> Vec<String> {
    let unsafe_word = concat!("un", "safe");
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in (1..).zip(file.text.lines()) {
            for path in NOT_ANYWHERE.iter().filter(|path| line.contains(**path)) {
                complaints.push(format!("{}:{number}: '{path}' is a path of one machine", file.path));
            }
        }
        for (number, line) in file.code().filter(|_| file.is_rust()) {
            for stub in NOT_IN_RUST.iter().filter(|stub| line.contains(**stub)) {
                complaints.push(format!("{}:{number}: '{stub}' is a stub or debris", file.path));
            }
            if has_word(line, unsafe_word) {
                complaints.push(format!("{}:{number}: {unsafe_word} code", file.path));
            }
        }
    }
    complaints
}

/// Whether `word` is in the line as an identifier: not within another, nor hyphenated (`'unsafe-inline'` in CSP).
fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

#[test]
fn stubs_debris_and_paths_of_one_machine_are_complained_of() {
    for stub in NOT_IN_RUST {
        let line = format!("    {stub}\n");
        assert_eq!(debris(&[SourceFile::new("cli/src/main.rs", &line)]).len(), 1, "{stub}");
        assert!(debris(&[SourceFile::new("CONTRIBUTING.md", &line)]).is_empty(), "{stub} may be spoken of");
    }
    for path in NOT_ANYWHERE {
        let line = format!("see {path}notes\n");
        assert_eq!(debris(&[SourceFile::new("README.md", &line)]).len(), 1, "{path}");
        assert!(debris(&[SourceFile::new("Cargo.lock", &line)]).is_empty(), "{path}");
    }
    let word = concat!("un", "safe");
    for line in [format!("{word} {{ go() }}"), format!("{word} fn go() {{}}"), format!("    {word}")] {
        assert_eq!(debris(&[SourceFile::new("cli/src/main.rs", &line)]).len(), 1, "{line}");
    }
    for line in [format!("#![forbid({word}_code)]"), format!("style-src '{word}-inline'"), format!("// {word} is")] {
        assert!(debris(&[SourceFile::new("cli/src/main.rs", &line)]).is_empty(), "{line}");
    }
}

#[test]
fn no_stub_no_debris_no_path_of_one_machine_is_in_the_repository() {
    assert_clean(debris(&repository()));
}

// ── sources ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Where everything has an entry that is cited and that readers cannot look up by its number alone.
const SOURCES: &str = "docs/sources.md";

/// Citations that have no entry in the text of [`SOURCES`], and citations in an old wording that no entry can have.
fn unresolved(files: &[SourceFile], sources_text: &str) -> Vec<String> {
    let headings = sources_text.lines().filter_map(|line| line.strip_prefix("### ")?.split_once(':'));
    let entries: BTreeSet<String> =
        headings.flat_map(|(cited, _)| citations(&words(cited))).map(|(_, citation)| citation).collect();
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| may_cite(&file.path)) {
        let words = words(&file.text);
        let missing = citations(&words).into_iter().filter(|(_, citation)| !entries.contains(citation));
        complaints.extend(
            missing.map(|(number, citation)| format!("{}:{number}: '{citation}' has no entry in {SOURCES}", file.path)),
        );
        complaints.extend(outdated(&words).into_iter().map(|(number, wording)| {
            format!("{}:{number}: '{wording}' is no citation: write it as {SOURCES} does", file.path)
        }));
    }
    complaints
}

fn may_cite(path: &str) -> bool {
    let is_read_by_people = [".rs", ".md", ".toml"].iter().any(|ending| path.ends_with(ending));
    is_read_by_people && path != SOURCES && path != THIS_FILE
}

/// The words of a text, each with the number of its line, without what begins a comment or goes on with a string: a
/// citation may be broken over two lines.
fn words(text: &str) -> Vec<(usize, &str)> {
    let words = (1..).zip(text.lines()).flat_map(|(number, line)| line.split_whitespace().map(move |w| (number, w)));
    words.filter(|(_, word)| !["//", "///", "//!", "#", "\\"].contains(word)).collect()
}

/// Every `isolation 28.2`, `guide 1`, `genblaze #68`, `CVE-2026-94215`, `GHSA-x937-hj6v-793p` and `Istio-2021-005`.
fn citations(words: &[(usize, &str)]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, &(number, word)) in words.iter().enumerate() {
        let opened = unopened(word).to_lowercase();
        if ["isolation", "guide"].contains(&opened.as_str()) {
            let sections = listed(&words[at + 1..], section);
            found.extend(sections.into_iter().map(|cited| (number, format!("{opened} {cited}"))));
        }
        if is_project(word) {
            let issues = listed(&words[at + 1..], issue);
            found.extend(issues.into_iter().map(|cited| (number, format!("{} {cited}", unopened(word)))));
        }
        found.extend(advisories(word).map(|cited| (number, cited.to_owned())));
    }
    found
}

/// Wordings of which a reader cannot tell what they refer to.
fn outdated(words: &[(usize, &str)]) -> Vec<(usize, String)> {
    let is_outdated = |one: &str, next: &str| match unopened(one) {
        "seed" | "Seed" if next.starts_with('(') => one.contains("Seed"),
        "seed" | "Seed" | "issue" => section(next).is_some(),
        "Seed:" => true,
        "guide's" => next.starts_with("section"),
        "real-bugs" => true,
        _ => false,
    };
    let pairs = words.iter().zip(words.iter().skip(1));
    let outdated = pairs.filter(|((_, one), (_, next))| is_outdated(one, next));
    outdated.map(|((number, one), (_, next))| (*number, format!("{} {next}", unopened(one)))).collect()
}

/// A word without the brackets and quotes that open before it.
fn unopened(word: &str) -> &str {
    word.trim_start_matches(['(', '[', '"', '\'', '`'])
}

/// What `read` finds at the start of each of these words, as long as commas join them: `17, 18.1: …` are two sections.
fn listed<'w>(words: &[(usize, &'w str)], read: fn(&'w str) -> Option<&'w str>) -> Vec<&'w str> {
    let mut found = Vec::new();
    for &(_, word) in words {
        let Some(cited) = read(word) else { break };
        found.push(cited);
        if !word.ends_with(',') {
            break;
        }
    }
    found
}

/// `28.2` in `28.2;`.
fn section(word: &str) -> Option<&str> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let number = word.get(..end)?.trim_end_matches('.');
    number.starts_with(|c: char| c.is_ascii_digit()).then_some(number)
}

/// `#68` in `#68;`.
fn issue(word: &str) -> Option<&str> {
    let number = section(word.strip_prefix('#')?)?;
    word.get(..1 + number.len())
}

/// Whether this can be the name of a project, as in `reapit/foundations #7288`. What begins a block of text cannot.
fn is_project(word: &str) -> bool {
    let name = unopened(word);
    !word.starts_with("```")
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || ['-', '_', '.', '/'].contains(&c))
}

/// Ids of advisories within a word.
fn advisories(word: &str) -> impl Iterator<Item = &str> {
    ["CVE-", "GHSA-", "Istio-"].into_iter().flat_map(move |kind| {
        word.match_indices(kind).filter_map(move |(at, _)| {
            let rest = word.get(at..)?;
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
            let id = rest.get(..end)?.trim_end_matches('-');
            id.contains(|c: char| c.is_ascii_digit()).then_some(id)
        })
    })
}

#[test]
fn citations_without_an_entry_are_complained_of() {
    let sources = "\
        ### isolation 28.2: a\n\nisolation 9 is mentioned only\n\n### isolation 17: b\n\n### guide 1: c\n\n\
        ### Atlas #131, #152: d\n\n### CVE-2026-1486, GHSA-x937-hj6v-793p, reapit/foundations #7288: e\n";
    let complaints = |path: &str, text: &str| unresolved(&[SourceFile::new(path, text)], sources);
    for text in [
        "origin: \"isolation 28.2; guide 1 (drift)\",",
        "//! the equation (isolation\n//! 28.2), and `guide 1`.",
        "\"Isolation 17, 28.2: a record\"",
        "/// Atlas #131, #152 and reapit/foundations #7288: a header.",
        "Keycloak CVE-2026-1486; fast-jwt GHSA-x937-hj6v-793p (after `exp`)",
        "the isolation of 2 tenants, event `#41`, CWE-639, CVE-YYYY-NNNN, a GHSA-…\n```text\n#41 north GET /\n```",
    ] {
        assert_eq!(complaints("verify/spec/src/lib.rs", text), Vec::<String>::new(), "{text}");
    }
    for (text, count) in [
        ("origin: \"isolation 28.3\",", 1),
        ("isolation 9", 1),
        ("isolation 28", 1),
        ("Isolation 17, 18.1, 19: a record", 2),
        ("//! the equation (isolation\n//! 4)", 1),
        ("guide 2", 1),
        ("(genblaze #68)", 1),
        ("Atlas #131, #114", 1),
        ("CVE-2026-1; [CVE-2026-2](https://cve.example/CVE-2026-3)", 3),
        ("GHSA-84rm-mhfq-f476, Istio-2021-005", 2),
        ("seed 28.2", 1),
        ("Seed: a routing matrix", 1),
        ("Seed (routing matrix): a default", 1),
        ("\"the verification \\\n     guide's section 1\"", 1),
        ("/// real-bugs 19: a default", 1),
        ("FusionAuth issue 2585", 1),
    ] {
        for path in ["verify/spec/src/lib.rs", "docs/spec.md", "watertight.toml"] {
            assert_eq!(complaints(path, text).len(), count, "{text}: {:?}", complaints(path, text));
        }
        for path in ["Cargo.lock", SOURCES, THIS_FILE] {
            assert!(complaints(path, text).is_empty(), "{path}");
        }
    }
    let broken = complaints("docs/spec.md", "one\nisolation\n9");
    assert_eq!(broken, ["docs/spec.md:2: 'isolation 9' has no entry in docs/sources.md"]);
}

#[test]
fn every_citation_has_an_entry() {
    let files = repository();
    let sources = files.iter().find(|file| file.path == SOURCES).unwrap();
    assert_clean(unresolved(&files, &sources.text));
}

// ── the real repository ─────────────────────────────────────────────────────────────────────────────────────────────

/// This file speaks of what it forbids.
const THIS_FILE: &str = "cli/tests/house.rs";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every text file that is, or with the next `git add` would be, part of the repository.
fn repository() -> Vec<SourceFile> {
    let listed = stdout(Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]));
    let files: Vec<SourceFile> = listed
        .split('\0')
        .filter(|path| !path.is_empty())
        // Deleted but not yet committed, or not text.
        .filter_map(|path| fs::read_to_string(root().join(path)).ok().map(|text| SourceFile::new(path, &text)))
        .collect();
    // What none of the rules could complain of, if the list were empty or of another place.
    assert!(files.iter().any(|file| file.path == THIS_FILE), "git ls-files does not list {THIS_FILE}");
    files
}

fn cargo_metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    serde_json::from_str(&stdout(&mut command)).unwrap()
}

fn stdout(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn assert_clean(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
