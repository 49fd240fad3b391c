//! The account of a run, for a terminal, as a page and as JUnit.

use std::collections::BTreeSet;
use std::path::Path;

use watertight_checks::bracket::Untried;
use watertight_checks::check::Subject;
use watertight_checks::run::{AlsoSeen, Ending};
use watertight_checks::verdict::{Cause as Absence, NotApplicable, Reason, Unproven, Verdict};
use watertight_evidence::report::{Advisories, Cause, FindingKind, Omitted, Overall, Report, Whole};
use watertight_evidence::style::Palette;
use watertight_evidence::{bundle, html, junit, text};
use watertight_model::Severity;

use watertight_spec::{PathTemplate, RequestTemplate};

use crate::told::{HOSTILE, LIST, READ, Told, evidence, isolated};

fn sound() -> Told {
    let both = |check: &'static str, operation: &'static str| [0, 1].map(|a| (check, a, operation, isolated()));
    let mut rows = both("api.swap-path-tenant", READ).to_vec();
    rows.extend(both("api.swap-path-tenant", LIST));
    rows.extend(both("oracle.existence", READ));
    rows.push(("token.expired", 0, READ, Verdict::NotApplicable(NotApplicable::because("no token dies soon enough"))));
    Told::new(rows, Ending::Complete)
}

fn leaking() -> Told {
    let check = "api.swap-path-tenant";
    let leak = |line: &str| Verdict::Leak(evidence(line));
    let throttled =
        |detail: String| Verdict::Unproven(Unproven { exchange: Some(2), ..Unproven::new(Reason::Throttled, detail) });
    Told::new(
        vec![
            (check, 0, READ, leak("the answer holds the victim's marker")),
            (check, 1, READ, leak("the answer holds the victim's marker")),
            (check, 0, LIST, leak(HOSTILE)),
            (check, 1, LIST, isolated()),
            ("oracle.existence", 0, READ, Verdict::Advisory(evidence("names in use are told apart"))),
            ("oracle.existence", 1, READ, throttled(format!("throttled, which is no denial: #2 {HOSTILE}"))),
            (
                "oracle.existence",
                1,
                LIST,
                throttled("throttled, which is no denial: #3 north/service GET / → 429".into()),
            ),
        ],
        Ending::Complete,
    )
}

/// Nothing in it may move a cursor or reorder the line.
fn acts(text: &str) -> bool {
    text.chars()
        .any(|c| (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'))
}

#[test]
fn the_account_of_an_isolated_run() {
    insta::assert_snapshot!(sound().text());
}

#[test]
fn the_account_of_a_leak_escapes_what_the_target_sent() {
    let text = leaking().text();
    assert!(!acts(&text), "{text:?}");
    insta::assert_snapshot!(text);
}

/// Three operations are decided, three are not, and one of these the target does not have.
#[test]
fn an_operation_that_no_check_decided_is_unproven_and_told_in_every_artifact() {
    let mut told = sound();
    assert_eq!(told.report.verdict, Overall::Isolated);
    told.spec.excludes.clear();
    let not_offered = NotApplicable { cause: Absence::NotOffered, why: "not offered: PUT → 405".into() };
    let replace = told.spec.operation_ixs().find(|ix| told.spec[*ix].name == "case.replace").unwrap();
    told.run.results[0].subject = Subject::Operation(replace);
    told.run.results[0].verdict = Verdict::NotApplicable(not_offered);
    let patch = told.spec.operation_ixs().find(|ix| told.spec[*ix].name == "case.patch").unwrap();
    told.run.results[6].subject = Subject::Operation(patch);
    let told = told.told_again();
    assert_eq!(told.report.verdict, Overall::Unproven);
    let in_doubt: Vec<&str> = told.report.unproven.iter().map(|row| row.operation.as_str()).collect();
    assert_eq!(
        in_doubt,
        [
            "POST /tenants/{tenant}/cases",
            "PATCH /tenants/{tenant}/cases/{case}",
            "DELETE /tenants/{tenant}/cases/{case}"
        ]
    );
    let junit = junit::render(&told.account()).unwrap();
    let html = html::render(&told.account());
    let json = serde_json::to_string(&told.report).unwrap();
    for (artifact, text) in [("text", told.text()), ("html", html), ("junit", junit), ("json", json)] {
        for why in ["no token dies soon enough", "no check fits it", "not offered: PUT → 405"] {
            assert!(text.contains(why), "{artifact}: {why}: {text}");
        }
    }
}

/// What a create makes is what the other operations of its kind try.
#[test]
fn a_create_that_names_nothing_of_another_tenants_is_excused_where_its_kind_is_tried() {
    let mut told = sound();
    told.spec.excludes.clear();
    let create = told.spec.operation_ixs().find(|ix| told.spec[*ix].name == "case.create").unwrap();
    let is_excused = |told: &Told| {
        told.report.coverage.excused.iter().any(|one| one.why.contains("it names nothing of another tenant's"))
    };
    let named = told.told_again();
    assert!(!is_excused(&named), "its path names the tenant");
    let mut told = named;
    let line = RequestTemplate::bare("POST", PathTemplate::default());
    told.spec.operations[create.number()].request =
        RequestTemplate { body: told.spec[create].request.body.clone(), ..line };
    assert!(is_excused(&told.told_again()));
}

/// An exclusion outlives its reason unless someone is told.
#[test]
fn an_exclusion_from_coverage_of_what_is_covered_is_told() {
    let mut told = sound();
    assert_eq!(told.report.coverage.needless, Vec::<String>::new(), "it excuses others");
    let exclude = told.spec.excludes.iter_mut().find(|one| one.check == "coverage").unwrap();
    exclude.operation = Some("case.read".to_owned());
    let told = told.told_again();
    let read = "GET /tenants/{tenant}/cases/{case}";
    assert_eq!(told.report.coverage.needless, [read]);
    let text = told.text();
    assert!(text.contains(&format!("  excluded, and covered without: {read}\n")), "{text}");
    let html = html::render(&told.account());
    assert!(html.contains(&format!("Excluded, and covered without:</p><ul><li><code>{read}</code>")), "{html}");
}

#[test]
fn what_showed_a_leak_as_well_is_said_with_it_in_every_artifact() {
    let mut told = leaking();
    let seen = AlsoSeen { check: told.run.results[0].check, evidence: evidence("an ordinary answer shows it") };
    told.run.results[0].also_seen = vec![seen];
    let told = told.told_again();
    let junit = junit::render(&told.account()).unwrap();
    let html = html::render(&told.account());
    let json = serde_json::to_string(&told.report).unwrap();
    for (artifact, text) in [("text", told.text()), ("html", html), ("junit", junit), ("json", json)] {
        assert_eq!(text.matches("an ordinary answer shows it").count(), 1, "{artifact}: {text}");
    }
}

#[test]
fn the_account_of_a_run_that_could_not_be_set_up() {
    let why = format!("north could not plant a case: {HOSTILE}");
    let told = Told::new(vec![], Ending::SetupFailed(why));
    assert!(!acts(&told.text()));
    insta::assert_snapshot!(told.text());
}

#[test]
fn each_ending_has_words_of_its_own() {
    let endings = [
        (Ending::SetupFailed("no".into()), Whole::NothingSetUp, "nothing could be set up: no"),
        (
            Ending::Unreachable("the target is unreachable: no route".into()),
            Whole::Unreachable,
            "is unreachable: no route",
        ),
        (Ending::Interrupted, Whole::Interrupted, "the run was interrupted; no leak until then"),
        (Ending::OutOfTime, Whole::OutOfTime, "the time of the run was over"),
    ];
    for (ending, whole, said) in endings {
        let told = Told::new(vec![("api.swap-path-tenant", 0, READ, isolated())], ending);
        assert_eq!(told.report.verdict, Overall::Unproven, "{said}");
        assert_eq!(told.report.unproven[0].reason, Cause::Whole(whole));
        for artifact in [told.text(), html::render(&told.account()), junit::render(&told.account()).unwrap()] {
            assert!(artifact.contains(whole.says()) || artifact.contains(said), "{said}: {artifact}");
            assert!(artifact.contains(whole.remedy()), "{said}: {artifact}");
        }
        assert!(told.text().contains(said), "{}", told.text());
    }
}

#[test]
fn what_a_trial_could_not_try_is_told_once_an_operation_in_every_artifact() {
    let in_part = |attacker| match isolated() {
        Verdict::Isolated(proof) => {
            let proof = proof.without(Untried::IdOfBoth { made: 96 });
            ("oracle.existence", attacker, READ, Verdict::Isolated(proof))
        }
        other => panic!("{other:?}"),
    };
    let told = Told::new(vec![in_part(0), in_part(1)], Ending::Complete);
    assert_eq!(told.report.verdict, Overall::Isolated);
    let of_trials = |one: &&Omitted| one.check == "oracle.existence" && one.operation == READ;
    assert_eq!(told.report.left_out.iter().filter(of_trials).count(), 1, "{:?}", told.report.left_out);
    for artifact in [told.text(), html::render(&told.account()), junit::render(&told.account()).unwrap()] {
        assert_eq!(artifact.matches("an id that both tenants have was not tried").count(), 1, "{artifact}");
    }
}

#[test]
fn the_json_of_a_report_has_stable_names_and_reads_back() {
    let told = leaking();
    let json = serde_json::to_value(&told.report).unwrap();
    let finding = &json["findings"][0];
    for (member, value) in [
        ("check", "api.swap-path-tenant"),
        ("kind", "leak"),
        ("surface", "api"),
        ("attacker", "north"),
        ("victim", "south"),
        ("operation", LIST),
        ("severity", "critical"),
        ("shows", "foreign-data"),
    ] {
        assert_eq!(finding[member], value, "{member}");
    }
    assert_eq!(
        (&finding["cwe"][0], &json["verdict"], &json["schema"]),
        (&"CWE-639".into(), &"leak".into(), &"watertight.run/1".into())
    );
    let throttled = json["unproven"].as_array().unwrap().iter().find(|row| row["reason"] == "throttled").unwrap();
    assert_eq!((&throttled["exchange"], &throttled["attacker"]), (&2.into(), &"south".into()));
    assert!(throttled["why"].as_str().unwrap().starts_with("throttled, which is no denial: #"));
    let bare = json["unproven"].as_array().unwrap().iter().find(|row| row["check"] == "oracle.*").unwrap();
    assert_eq!((&bare["reason"], bare.get("exchange")), (&"nothing-isolated".into(), None));
    let read: Report = serde_json::from_value(json).unwrap();
    assert_eq!(read, told.report);
    assert_eq!((read.findings[0].kind, read.findings[0].severity), (FindingKind::Leak, Severity::Critical));
}

#[test]
fn no_reason_of_a_run_has_the_name_of_a_trials() {
    let names: BTreeSet<&str> =
        Reason::ALL.iter().map(|reason| reason.name()).chain(Whole::ALL.iter().map(|whole| whole.name())).collect();
    assert_eq!(names.len(), Reason::ALL.len() + Whole::ALL.len());
    let causes = Reason::ALL.map(Cause::Trial).into_iter().chain(Whole::ALL.map(Cause::Whole));
    for cause in causes {
        let json = serde_json::to_value(cause).unwrap();
        assert_eq!(json, cause.name());
        assert_eq!(serde_json::from_value::<Cause>(json).unwrap(), cause);
        assert!(!cause.says().is_empty() && !cause.remedy().is_empty());
    }
}

#[test]
fn what_is_undecided_is_grouped_by_its_reason_and_says_once_what_helps() {
    let told = leaking();
    let groups: Vec<(Cause, usize)> = told.account().unproven().iter().map(|g| (g.cause, g.rows.len())).collect();
    assert_eq!(groups, [(Cause::Trial(Reason::Throttled), 2), (Cause::Whole(Whole::NothingIsolated), 1)]);
    for artifact in [told.text(), html::render(&told.account()), junit::render(&told.account()).unwrap()] {
        assert_eq!(artifact.matches(Reason::Throttled.remedy()).count(), 1, "{artifact}");
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let told = leaking();
    let coloured = text::render(&told.account(), Path::new("watertight-report"), Palette::Ansi);
    assert_ne!(coloured, told.text());
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, told.text());
}

#[test]
fn a_page_runs_and_loads_nothing_and_escapes_what_the_target_sent() {
    let page = html::render(&leaking().account());
    assert!(!acts(&page), "{page:?}");
    assert!(!page.contains("<script"), "a script of the target is part of the page");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{1b}[2J"));
    for outside in [" src=", " href=", "url(", "@import", "<link", "<iframe", " style=", " on"] {
        let found = page.match_indices(outside).find(|(at, _)| in_tag(&page, *at));
        assert_eq!(found, None, "{outside}");
    }
}

/// Whether a position is inside a tag, where an attribute would act.
fn in_tag(page: &str, at: usize) -> bool {
    let before = &page[..at];
    before.rfind('<') > before.rfind('>')
}

#[test]
fn the_policy_of_a_page_allows_its_own_style_and_nothing_else() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = html::render(&sound().account());
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style.as_bytes()));
    let policy =
        format!("content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\"");
    assert!(page.contains(&policy), "{policy}");
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn a_page_says_what_the_verdict_means_and_shows_each_cell_in_words() {
    let page = html::render(&sound().account());
    assert!(page.contains("no leak observed over this surface, with these controls"));
    assert!(page.contains("isolated 2</td>"), "{page}");
    let page = html::render(&leaking().account());
    for said in [
        "leak 2/2</td>",
        "advisory 1</td>",
        "<dt>Fix</dt>",
        "unproven 2/2</td>",
        "$NORTH_TOKEN",
        "a proxy",
        "NORTH_TOKEN=$(curl",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(!page.contains("hush-"), "a secret is in the page");
}

#[test]
fn junit_has_a_case_of_its_own_for_each_check_and_never_shows_an_undecided_one_green() {
    let told = leaking();
    let xml = junit::render(&told.account()).unwrap();
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(allowed), "not XML 1.0: {xml:?}");
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    let cases: Vec<_> = read.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    // Six more: the surface on which a pair of tenants shows no isolation, what was left out, and four excused operations.
    assert_eq!((cases.len(), names.len()), (told.run.results.len() + 6, cases.len()));
    let count = |tag: &str| xml.matches(tag).count();
    assert_eq!((count("<failure"), count("<error"), count("<skipped")), (3, 3, 5));
}

#[test]
fn junit_numbers_cases_that_would_share_a_name_and_skips_what_was_not_applicable() {
    let twice = || ("oracle.existence", 0, READ, Verdict::NotApplicable(NotApplicable::because("nothing")));
    let told = Told::new(vec![twice(), twice()], Ending::Interrupted);
    let xml = junit::render(&told.account()).unwrap();
    assert!(xml.contains("{case} (2)\""), "{xml}");
    assert_eq!((xml.matches("<skipped").count(), xml.matches("<error").count()), (9, 1));
}

#[test]
fn a_denied_advisory_is_a_failure_and_is_remembered_by_the_bundle() {
    let rows = vec![("oracle.existence", 0, READ, Verdict::Advisory(evidence("told apart")))];
    let told = Told::with(rows, Ending::Complete, Advisories::Denied);
    assert!(junit::render(&told.account()).unwrap().contains("<failure"));
    let read = bundle::read(told.written()).unwrap();
    assert_eq!(read.finished.unwrap().advisories, Advisories::Denied);
}
