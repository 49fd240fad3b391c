//! Mistakes are told at once, and what only plans or explains sends nothing.

use crate::desk::*;

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
    assert!(cost("requests") <= cost("requests_allowed"), "{}", document["cost"]);
    assert!(!text.contains("[limits]"), "{text}");
    assert!(!target.was_called(), "something was sent");
}

#[test]
fn limits_that_end_a_run_before_its_trials_do_are_told_before_it_begins() {
    let target = Silent::new();
    let desk = Desk::new();
    let sound = spec(&target.url(), "");
    for (limits, told) in
        [("requests = 30", "allows 30: raise `requests`"), ("rate = 1\ntime = \"10s\"", "raise `time`")]
    {
        desk.write("watertight.toml", &sound.replace("[tenancy]", &format!("[limits]\n{limits}\n[tenancy]")));
        let plan = desk.run(&["plan"]);
        assert_eq!((code(&plan), err(&plan).as_str()), (0, ""));
        assert!(out(&plan).contains(told) && out(&plan).contains("stays unproven"), "{}", out(&plan));
    }
    assert!(!target.was_called(), "something was sent");
    let refuses = spec("http://127.0.0.1:1", "");
    desk.write("watertight.toml", &refuses.replace("[tenancy]", "[limits]\nrequests = 30\n[tenancy]"));
    let run = desk.run(&["verify"]);
    assert!(err(&run).contains("allows 30: raise `requests`"), "{}", err(&run));
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
    // That no check decides an operation is no check, and may be excluded all the same.
    let exclude = "[[exclude]]\ncheck = \"coverage\"\nreason = \"the same for all\"\nexpires = 2099-01-01\n";
    desk.write("watertight.toml", &format!("{sound}{exclude}"));
    assert_eq!(code(&desk.run(&["plan"])), 0);
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

/// The first line is what editors look for (a directive of taplo), and the file that it names is there.
#[test]
fn init_points_editors_to_a_schema_that_is_there() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("specs")).unwrap();
    assert_eq!(code(&desk.run(&["init", "specs/one.toml", "--example", "rpc"])), 0);
    let spec = std::fs::read_to_string(desk.path("specs/one.toml")).unwrap();
    let named = spec.lines().next().unwrap().strip_prefix("#:schema ").unwrap();
    let written = std::fs::read_to_string(desk.path("specs").join(named)).unwrap();
    let printed = desk.run(&["schema"]);
    assert_eq!((code(&printed), err(&printed).as_str()), (0, ""));
    assert_eq!(json(&printed), serde_json::from_str::<serde_json::Value>(&written).unwrap());
    assert_eq!(json(&printed)["definitions"]["exclude"]["additionalProperties"], false);
    // A second spec beside it has the same schema; a file of that name is never written over.
    std::fs::write(desk.path("specs").join(named), "{}").unwrap();
    assert_eq!(code(&desk.run(&["init", "specs/two.toml"])), 0);
    assert_eq!(std::fs::read_to_string(desk.path("specs").join(named)).unwrap(), "{}");
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
fn output_has_no_colour_and_no_progress_where_nobody_watches() {
    let desk = Desk::new();
    desk.write("watertight.toml", &spec(&closed(), ""));
    let output = desk.run(&["verify"]);
    assert!(!out(&output).contains('\u{1b}') && !err(&output).contains('\u{1b}'));
    assert_eq!(err(&output), "");
}

#[test]
fn a_command_of_the_spec_is_not_run_to_plan() {
    let target = Silent::new();
    let desk = Desk::new();
    let text = format!(
        "[target]\nname = \"t\"\nurl = \"{}\"\n[tenancy]\nlocator = \"path\"\n\
         [[tenant]]\nid = \"north\"\n[[tenant.principal]]\nname = \"a\"\ngrant = \"command\"\n\
         command = [\"touch\", \"ran\"]\n\
         [[tenant]]\nid = \"south\"\n[[tenant.principal]]\nname = \"b\"\ngrant = \"command\"\n\
         command = [\"touch\", \"ran\"]\n\
         [[resource]]\nname = \"case\"\npath = \"/tenants/{{tenant}}/cases\"\ncreate = {{ title = \"{{canary}}\" }}\n",
        target.url()
    );
    desk.write("watertight.toml", &text);
    let output = desk.run(&["plan"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(!desk.path("ran").exists());
}
