//! The artifacts of a run, and what reading them back must notice.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use watertight_evidence::style::Palette;
use watertight_evidence::{Account, BundleError, bundle, html, junit, text};
use watertight_model::{Severity, Surface};
use watertight_probe::CheckResult;
use watertight_probe::check::About;
use watertight_probe::judge::{Evidence, Verdict};
use watertight_probe::plan::{LeftOut, Options, Plan, plan};
use watertight_probe::report::{Advisories, Report, report};
use watertight_probe::request::Intent;
use watertight_probe::run::{Ending, Header, Run, TRACE_SCHEMA};
use watertight_probe::trace::{Event, Exchange, Outcome, Owner, Received, Sent, Trace, What};
use watertight_probe::world::World;
use watertight_spec::{Spec, parse};

const fn about(id: &'static str, surface: Surface, severity: Severity) -> About {
    let (title, does) = ("What it shows", "What it sends.");
    About { id, surface, severity, cwe: &["CWE-639"], title, does, judges: "How.", origin: "A bug.", mend: "So." }
}

static SWAP: About = about("api.swap-path-tenant", Surface::Api, Severity::Critical);
static EXISTENCE: About = about("oracle.existence", Surface::Oracle, Severity::Medium);
static EXPIRED: About = about("token.expired", Surface::Token, Severity::High);

/// What a hostile target puts wherever it can.
const HOSTILE: &str = "<script>alert(1)</script>\u{1b}[2J\u{9b}31m\u{202e}\u{0}]]>&\"'";

const SPEC: &str = r#"
[target]
name = "casework"
url = "http://127.0.0.1:8080"
[tenancy]
locator = "path"
[[tenant]]
id = "north"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/token"
client_id = "n"
client_secret = "$N_SECRET"
[[tenant]]
id = "south"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/token"
client_id = "s"
client_secret = "$S_SECRET"
[[resource]]
name = "case"
path = "/tenants/{tenant}/cases"
create = { title = "{canary}" }
"#;

/// A run whose checks concluded what a test says.
struct Told {
    spec: Spec,
    plan: Plan,
    run: Run,
    report: Report,
    advisories: Advisories,
}

impl Told {
    fn new(results: Vec<CheckResult>, ending: Ending) -> Self {
        Self::with(results, ending, Advisories::Reported)
    }

    fn with(results: Vec<CheckResult>, ending: Ending, advisories: Advisories) -> Self {
        let env: BTreeMap<String, String> =
            [("N_SECRET", "hush-n"), ("S_SECRET", "hush-s")].map(|(k, v)| (k.into(), v.into())).into();
        let today = time::Date::from_calendar_date(2026, time::Month::June, 15).unwrap();
        let spec = parse(Path::new("watertight.toml"), SPEC, &env, today).unwrap();
        let options = Options { seed: 7, ..Options::default() };
        let mut plan = plan(&spec, &options);
        plan.left_out = vec![LeftOut {
            check: "api.path-spelling",
            operation: "GET /tenants/{tenant}/cases".into(),
            why: "excluded until 2030-01-31: a proxy".into(),
        }];
        let header = Header {
            schema: TRACE_SCHEMA.into(),
            tool: "0.1.0".into(),
            options,
            salt: 1,
            started: 1_781_517_600,
            variables: BTreeMap::from([("N_SECRET".into(), "[redacted:aa]".into())]),
        };
        let run = Run {
            header,
            trace: trace(),
            results,
            world: World::default(),
            ending,
            left_behind: vec![],
            requests: 2,
            took: Duration::from_millis(3210),
        };
        let report = report(&spec, &plan, &run, advisories);
        Self { spec, plan, run, report, advisories }
    }

    fn account(&self) -> Account<'_> {
        let Self { spec, plan, run, report, advisories } = self;
        Account { spec, plan, run, report, advisories: *advisories }
    }

    fn text(&self) -> String {
        text::render(&self.account(), Path::new("watertight-report"), Palette::Plain)
    }
}

fn trace() -> Trace {
    let event = |seq: u64, body: &str| Event {
        seq,
        owner: Owner::Check(0),
        what: What::Exchange(Box::new(Exchange {
            seq,
            at: seq,
            took: 1,
            tenant: Some(0),
            by: "north/service".into(),
            intent: Intent::Across,
            request: Sent {
                method: "GET".into(),
                origin: "http://127.0.0.1:8080".into(),
                target: "/tenants/south/cases/case-1".into(),
                headers: vec![("authorization".into(), "Bearer [redacted:aa]".into())],
                body: None,
            },
            outcome: Outcome::Response(Received {
                status: 200,
                headers: vec![("content-type".into(), "application/json".into())],
                body: body.into(),
                length: body.len(),
            }),
            hits: vec![],
            token: None,
            signature: None,
            callbacks: vec![],
        })),
    };
    let waited = Event { seq: 2, owner: Owner::Check(0), what: What::Waited { ms: 50 } };
    [event(0, "{\"title\":\"x\"}"), event(1, HOSTILE), waited].into_iter().collect()
}

fn result(check: &str, attacker: usize, operation: &str, verdict: Verdict) -> CheckResult {
    let about = [&SWAP, &EXISTENCE, &EXPIRED].into_iter().find(|about| about.id == check).unwrap();
    CheckResult { about, attacker, victim: 1 - attacker, operation: operation.into(), verdict, owner: Some(0) }
}

fn evidence(line: &str) -> Evidence {
    Evidence {
        lines: vec![line.into(), "#0 north/service GET /tenants/south/cases/case-1 → 200".into()],
        exchanges: vec![0],
    }
}

const READ: &str = "GET /tenants/{tenant}/cases/{case}";
const LIST: &str = "GET /tenants/{tenant}/cases";

fn isolated() -> Told {
    let both = |check: &str, operation: &str| [0, 1].map(|a| result(check, a, operation, Verdict::Isolated));
    let mut results = both("api.swap-path-tenant", READ).to_vec();
    results.extend(both("api.swap-path-tenant", LIST));
    results.extend(both("oracle.existence", READ));
    results.push(result("token.expired", 0, READ, Verdict::NotApplicable("no token dies soon enough".into())));
    Told::new(results, Ending::Complete)
}

fn leaking() -> Told {
    let check = "api.swap-path-tenant";
    let leak = |line: &str| Verdict::Leak(evidence(line));
    Told::new(
        vec![
            result(check, 0, READ, leak("the answer holds the victim's marker")),
            result(check, 1, READ, leak("the answer holds the victim's marker")),
            result(check, 0, LIST, leak(HOSTILE)),
            result(check, 1, LIST, Verdict::Isolated),
            result("oracle.existence", 0, READ, Verdict::Advisory(evidence("names in use are told apart"))),
            result("oracle.existence", 1, READ, Verdict::Unproven(format!("throttled: #12 {HOSTILE}"))),
            result("oracle.existence", 1, LIST, Verdict::Unproven("throttled: #13 north/service GET / → 429".into())),
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
    insta::assert_snapshot!(isolated().text());
}

#[test]
fn the_account_of_a_leak_neutralises_what_the_target_sent() {
    let text = leaking().text();
    assert!(!acts(&text), "{text:?}");
    insta::assert_snapshot!(text);
}

#[test]
fn the_account_of_a_run_that_could_not_be_set_up() {
    let why = format!("north could not plant a case: {HOSTILE}");
    let told = Told::new(vec![], Ending::SetupFailed(why));
    assert!(!acts(&told.text()));
    insta::assert_snapshot!(told.text());
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

/// Whether a position lies inside a tag, where an attribute would act.
fn in_tag(page: &str, at: usize) -> bool {
    let before = &page[..at];
    before.rfind('<') > before.rfind('>')
}

#[test]
fn the_policy_of_a_page_allows_its_own_style_and_nothing_else() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = html::render(&isolated().account());
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style.as_bytes()));
    let policy =
        format!("content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\"");
    assert!(page.contains(&policy), "{policy}");
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn a_page_says_what_the_verdict_means_and_shows_each_cell_in_words() {
    let page = html::render(&isolated().account());
    assert!(page.contains("no leak observed over this surface, with these controls"));
    assert!(page.contains("isolated 2</td>"), "{page}");
    let page = html::render(&leaking().account());
    for said in
        ["leak 2/2</td>", "advisory 1</td>", "unproven 2/2</td>", "$NORTH_TOKEN", "a proxy", "NORTH_TOKEN=$(curl"]
    {
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
    // Two more: the surface on which a pair of tenants shows no isolation, and what was left out.
    assert_eq!((cases.len(), names.len()), (told.run.results.len() + 2, cases.len()));
    let count = |tag: &str| xml.matches(tag).count();
    assert_eq!((count("<failure"), count("<error"), count("<skipped")), (3, 3, 1));
}

#[test]
fn junit_numbers_cases_that_would_share_a_name_and_skips_what_was_not_applicable() {
    let twice = || result("oracle.existence", 0, READ, Verdict::NotApplicable("nothing".into()));
    let told = Told::new(vec![twice(), twice()], Ending::Interrupted);
    let xml = junit::render(&told.account()).unwrap();
    assert!(xml.contains("{case} (2)\""), "{xml}");
    assert_eq!((xml.matches("<skipped").count(), xml.matches("<error").count()), (3, 1));
}

#[test]
fn a_denied_advisory_is_a_failure_and_is_remembered_by_the_bundle() {
    let results = vec![result("oracle.existence", 0, READ, Verdict::Advisory(evidence("told apart")))];
    let told = Told::with(results, Ending::Complete, Advisories::Denied);
    assert!(junit::render(&told.account()).unwrap().contains("<failure"));
    let folder = tempfile::tempdir().unwrap();
    bundle::write(folder.path(), &told.account()).unwrap();
    assert_eq!(bundle::read(folder.path()).unwrap().advisories, Advisories::Denied);
}

#[test]
fn a_bundle_reads_back_as_it_was_written() {
    let told = leaking();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new/report");
    let journal = bundle::begin(&dir, &told.spec).unwrap();
    assert_eq!(journal, dir.join("journal.jsonl"));
    bundle::write(&dir, &told.account()).unwrap();
    let read = bundle::read(&dir).unwrap();
    assert_eq!(read.trace, told.run.trace);
    assert_eq!(read.report, told.report);
    assert_eq!(read.spec, SPEC);
    assert_eq!(read.ending, Ending::Complete);
    assert_eq!(format!("{:?}", read.header), format!("{:?}", told.run.header));
    let (path, text) = bundle::recorded_spec(&dir).unwrap();
    assert!(path.is_absolute() && path.ends_with("watertight.toml"));
    assert_eq!(text, SPEC);
}

#[test]
fn a_new_run_does_not_leave_the_evidence_of_the_last_one_beside_its_own() {
    let told = isolated();
    let folder = tempfile::tempdir().unwrap();
    bundle::write(folder.path(), &told.account()).unwrap();
    bundle::begin(folder.path(), &told.spec).unwrap();
    let names: BTreeSet<String> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["spec.toml".into(), "origin.json".into()]));
    assert!(matches!(bundle::read(folder.path()), Err(BundleError::Missing { file }) if file == "manifest.json"));
}

#[test]
fn any_changed_byte_of_the_trace_is_named_by_its_line() {
    let told = leaking();
    let folder = tempfile::tempdir().unwrap();
    bundle::write(folder.path(), &told.account()).unwrap();
    let path = folder.path().join("trace.jsonl");
    let sound = std::fs::read(&path).unwrap();
    let mut line = 1;
    for at in 0..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let error = bundle::read(folder.path()).unwrap_err();
        let BundleError::Trace { line: named, .. } = error else { panic!("byte {at}: {error}") };
        assert_eq!(named, line, "byte {at}: {error}");
        line += u64::from(sound[at] == b'\n');
    }
    std::fs::write(&path, &sound).unwrap();
    assert!(bundle::read(folder.path()).is_ok());
}

#[test]
fn lines_dropped_swapped_or_cut_off_are_noticed_where_they_are() {
    let told = leaking();
    let folder = tempfile::tempdir().unwrap();
    bundle::write(folder.path(), &told.account()).unwrap();
    let path = folder.path().join("trace.jsonl");
    let sound = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = sound.lines().collect();
    let place = |text: String| {
        std::fs::write(&path, text).unwrap();
        bundle::read(folder.path()).unwrap_err().place()
    };
    let of = |order: &[usize]| order.iter().map(|i| format!("{}\n", lines[*i])).collect::<String>();
    assert_eq!(place(of(&[0, 2, 3])), (Some(2), Some(0)), "dropped");
    assert_eq!(place(of(&[0, 2, 1, 3])), (Some(2), Some(0)), "swapped");
    assert_eq!(place(of(&[0, 1, 2])), (Some(3), None), "the end dropped");
    assert_eq!(place(sound.trim_end().to_owned()).0, Some(4), "cut off");
    assert_eq!(place(String::new()).0, Some(1), "empty");
}

#[test]
fn every_other_file_of_a_bundle_is_held_against_its_hash() {
    let told = leaking();
    for file in ["run.json", "spec.toml", "report.html", "junit.xml"] {
        let folder = tempfile::tempdir().unwrap();
        bundle::write(folder.path(), &told.account()).unwrap();
        let path = folder.path().join(file);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push(' ');
        std::fs::write(&path, text).unwrap();
        let error = bundle::read(folder.path()).unwrap_err();
        assert!(matches!(&error, BundleError::Altered { file: named } if *named == file), "{error}");
        std::fs::remove_file(&path).unwrap();
        let error = bundle::read(folder.path()).unwrap_err();
        assert!(matches!(&error, BundleError::Missing { file: named } if named == file), "{error}");
    }
}
