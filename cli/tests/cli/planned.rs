//! What `watertight plan` shows of each operation.

use std::fmt::Write as _;

use serde_json::json;

use crate::desk::*;

const AUTHORIZATIONS: [(&str, &str); 2] = [("NORTH_AUTHORIZATION", "hush-n"), ("SOUTH_AUTHORIZATION", "hush-s")];

fn recipe(name: &str) -> Desk {
    let desk = Desk::new();
    assert_eq!(code(&desk.run(&["init", "--example", name])), 0);
    desk
}

#[test]
fn each_operation_is_shown_with_the_places_that_are_attacked_in_it() {
    let output = recipe("jobs").run_with(&["plan"], &AUTHORIZATIONS);
    assert_eq!((code(&output), err(&output).as_str()), (0, ""));
    let text = out(&output);
    let has = |part: &str| assert!(text.contains(part), "{part}\n{text}");
    has(", over 2 tenants; nothing was sent\n");
    has("  plant contact in north, south\n");
    has(
        "\n  contact.read  GET /v1/contacts/{contact}, 10 trials\n    path {contact}   its own contact           api.swap-item, ",
    );
    has("\n    its answer       sent as it is             api.count-own, api.list-own, cache.cross-tenant-hit\n");
    has("Looked through (1)\n  every ordinary request, by api.own-view\n");
    has("tried by the other operations:\n      export.create\n");
    has("Stays after the run (1)\n  export: what is made of it: the spec has no request that removes one\n");
    has("\n  uploads: no request brings a file (`multipart`)\n");
    let quick = out(&recipe("jobs").run_with(&["plan", "--quick"], &AUTHORIZATIONS));
    assert!(!quick.contains("Stays after the run") && quick.contains("\n  only reads are sent: "), "{quick}");
    assert!(quick.contains("\n  api.swap-item, only reads are sent: contact.replace, contact.patch"), "{quick}");
}

#[test]
fn a_program_is_told_the_same() {
    let document = json(&recipe("rpc").run_with(&["plan", "--format", "json"], &AUTHORIZATIONS));
    let attacked = document["attacked"].as_array().unwrap();
    let cancel = attacked.iter().find(|one| one["operation"] == "cancel").unwrap();
    let checks = ["api.swap-item", "oracle.existence"];
    let place = json!({ "in": "body", "at": "/params/id", "stands": "own-object", "of": "task", "checks": checks });
    assert_eq!(*cancel, json!({ "operation": "cancel", "request": "POST /rpc", "trials": 4, "places": [place] }));
    assert_eq!(document["not_tried"][0]["operation"], "task.create");
    assert_eq!(document["stays"], json!([]));
    assert!(document["not_covered"].as_array().unwrap().iter().any(|gap| gap["what"] == "uploads"));
    let instances = document["checks"].as_array().unwrap().iter().map(|kind| kind["instances"].as_u64().unwrap());
    assert_eq!(document["total"], instances.sum::<u64>());
}

#[test]
fn many_operations_and_long_names_stay_in_their_columns() {
    let desk = Desk::new();
    let mut text = spec(&closed(), "");
    for number in 0..60 {
        let long = "very-long-name-of-a-thing-".repeat(1 + number % 6);
        let _ = write!(
            text,
            "[[operation]]\nname = \"{long}{number}\"\nrequest = \"POST /{long}/{{case}}/{number}\"\neffect = \"change\"\n\
             body = {{ {long} = \"{{case}}\", of = {{ of = \"{{tenant}}\" }} }}\n"
        );
    }
    desk.write("watertight.toml", &text);
    let told = out(&desk.run(&["plan"]));
    assert!(told.contains("\n    body /of/of"), "{told}");
    // A name alone may be longer: it is never cut, so that it can be looked for.
    let is_of_name = |line: &str| line.trim_start().starts_with("very-long-name");
    for line in told.lines().filter(|line| !is_of_name(line)) {
        assert!(line.chars().count() <= 110, "{line}");
    }
}
