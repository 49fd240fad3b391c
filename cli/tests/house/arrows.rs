//! Which room (crate) may use which.

use serde_json::Value;

use crate::{assert_clean, cargo_metadata};

/// The rooms, top to bottom within each house: (house, room, its folder). Packages are `watertight-<room>`.
pub(crate) const ROOMS: &[(House, &str, &str)] = &[
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
pub(crate) enum House {
    Cli,
    Bench,
    Reference,
    Verify,
    Enforce,
    Model,
}

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
        // A star: all know core, and none knows another. The ports that control implements are core's.
        (House::Enforce, House::Enforce) => to == "watertight-core" && from != to,
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
        ("control", "identity"),
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
