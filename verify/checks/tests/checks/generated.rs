//! Replay is exact for every spec: generated specs over a hostile target, live and judged.
//!
//! What the target answers is nothing that a sane one would: statuses, bodies, cursors, tokens and echoes at random. None
//! of it may make the replay send something else, or conclude something else, than the run did.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::AsyncWriteExt as _;
use watertight_checks::judge::replay;
use watertight_checks::plan::{Depth, Options, plan};
use watertight_checks::run::{Afterwards, Order, Resume, Run, Silent, TrialResult};
use watertight_engine::log::{LogReader, What};
use watertight_spec::Spec;
use watertight_testbed::raw::serve;

/// What a spec is made of.
#[derive(Clone, Debug)]
struct Draft {
    locator: &'static str,
    grants: [usize; 2],
    nested: bool,
    client_ids: bool,
    existing: bool,
    views: bool,
    tokens: &'static str,
    depth: Depth,
    seed: u64,
}

fn drafts() -> impl Strategy<Value = Draft> {
    (
        prop_oneof![Just("path"), Just("header:X-Tenant"), Just("token")],
        [0..GRANTS.len(), 0..GRANTS.len()],
        any::<[bool; 4]>(),
        prop_oneof![Just("jwt"), Just("opaque")],
        prop_oneof![Just(Depth::Full), Just(Depth::Full), Just(Depth::ReadsOnly)],
        any::<u64>(),
    )
        .prop_map(|(locator, grants, [nested, client_ids, existing, views], tokens, depth, seed)| Draft {
            locator,
            grants,
            nested,
            client_ids,
            existing,
            views,
            tokens,
            depth,
            seed,
        })
}

/// Ways to prove oneself; `@` is the tenant's name in capitals, `%` the target's URL. One variable is both a client's id
/// and a member of a login.
const GRANTS: [&str; 6] = [
    "grant = \"header\"\nheader = \"X-Api-Key\"\nvalue = \"$@_KEY\"",
    "grant = \"basic\"\nusername = \"@\"\npassword = \"$@_KEY\"",
    "grant = \"client_credentials\"\ntoken_url = \"%/token\"\nclient_id = \"$@_ID\"\nclient_secret = \"$@_KEY\"",
    "grant = \"client_credentials\"\ntoken_url = \"%/token\"\nclient_id = \"c-@\"\nclient_secret = \"$@_KEY\"\nclient_auth = \"post\"\nscope = \"a b\"",
    "grant = \"login\"\nrequest = \"POST /login\"\nform = { client = \"$@_ID\", password = \"$@_KEY\" }\ntoken = \"$.access_token\"",
    "grant = \"login\"\nrequest = \"POST /login\"\njson = { client = \"$@_ID\", password = \"$@_KEY\", app = \"x\" }\ntoken = \"$.access_token\"\nlifetime = \"1h\"",
];

impl Draft {
    fn text(&self, url: &str) -> String {
        let prefix = if self.locator == "path" { "/tenants/{tenant}" } else { "" };
        let mut text = format!(
            "[target]\nname = \"generated\"\nurl = \"{url}\"\nenvironment = \"test\"\nsettle = \"2ms\"\n[limits]\nrate = 10000\n\
             requests = 250\ntimeout = \"300ms\"\n[tenancy]\nlocator = \"{}\"\nfields = [\"tenantId\"]\n[tokens]\nkind = \"{}\"\n\
             tenant_claim = \"tenant_id\"\nissuers = [\"{url}\"]\nleeway = \"1s\"\nexpiry_wait = \"0s\"\n",
            self.locator, self.tokens
        );
        if self.tokens == "opaque" {
            text = text.replace("tenant_claim = \"tenant_id\"\n", "");
        }
        for (tenant, grant) in ["north", "south"].into_iter().zip(self.grants) {
            let grant = GRANTS[grant].replace('@', &tenant.to_uppercase()).replace('%', url);
            text += &format!("[[tenant]]\nid = \"{tenant}\"\n[[tenant.principal]]\nname = \"service\"\n{grant}\n");
        }
        text += &format!(
            "[[resource]]\nname = \"case\"\npath = \"{prefix}/cases\"\ncreate = {{ title = \"{{canary}}\", ref = \"{{unique}}\", due = \"{{now+1h}}\", day = \"from {{today-3d}}\" }}\n"
        );
        if self.client_ids {
            text += "ids = \"client\"\n";
        }
        if self.views {
            text += &format!(
                "search = \"GET {prefix}/search?q={{canary.public}}&since={{now-30m}}\"\ncount = \"GET {prefix}/count\"\n"
            );
        }
        if self.nested {
            text += "[[resource]]\nname = \"task\"\nparent = \"case\"\ncreate = { title = \"{canary}\" }\n";
        }
        if self.existing {
            text += &format!(
                "[[resource]]\nname = \"user\"\npath = \"{prefix}/users\"\nexisting = {{ north = \"u-1\", south = \"u-2\" }}\n"
            );
        }
        text
    }
}

/// A number that follows from the request's place in the run: the target's mood.
static TURN: AtomicU64 = AtomicU64::new(0);

/// An answer of a target that means no good.
fn class_of(head: &str) -> Vec<u8> {
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let dice = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let body = head.split("\r\n\r\n").nth(1).unwrap_or_default();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let jws = "eyJhbGciOiJSUzI1NiJ9.eyJ0ZW5hbnRfaWQiOiJub3J0aCIsImV4cCI6OTk5OTk5OTk5OX0.c2lnbmF0dXJl";
    let json = match dice % 9 {
        0 => format!("{{\"id\":\"{turn}\",\"echo\":{body:?},\"next\":\"{path}?cursor={jws}-{turn}\"}}"),
        1 => format!(
            "{{\"id\":{turn},\"secret\":\"s-{turn}-abcdefGHIJ\",\"tenantId\":\"south\",\"items\":[{{\"id\":\"u-1\"}}]}}"
        ),
        2 => format!("{{\"access_token\":\"{jws}{turn}\",\"expires_in\":600,\"id\":\"key-{turn}\"}}"),
        3 => format!(
            "{{\"access_token\":\"opaque-token-{turn}\",\"token\":\"t-{turn}-0123456789\",\"id\":\"redacted-0123456789ab\"}}"
        ),
        4 => "[]".to_owned(),
        5 => body.to_owned(),
        6 => format!("{{\"items\":[{body}],\"total\":{turn},\"next\":\"/x?token=Ab%2B{turn}%3D0123456\"}}")
            .replace("[]", "[0]"),
        7 => "<html>\u{1b}[2J".to_owned(),
        _ => format!("{{\"data\":{{\"id\":\"{}\"}}}}", "k".repeat(600)),
    };
    let status = match dice % 17 {
        0 => "404 Not Found",
        1 => "403 Forbidden",
        2 => "429 Slow",
        3 => "500 Oops",
        4 => "302 Found\r\nlocation: /cases?token=abcDEF0123456789",
        5 => "409 Conflict",
        6 => "201 Created\r\nlocation: /cases/loc-9",
        _ => "200 OK\r\nset-cookie: sid=cookie-Value-0123456789; Path=/",
    };
    let length = json.len() + usize::from(dice.is_multiple_of(23));
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{json}").into_bytes()
}

fn parsed(text: &str, variables: &BTreeMap<String, String>) -> Arc<Spec> {
    let today = time::Date::from_calendar_date(2026, time::Month::January, 1).unwrap();
    Arc::new(
        watertight_spec::parse(Path::new("x.toml"), text, variables, today).unwrap_or_else(|p| panic!("{p}\n{text}")),
    )
}

fn verdicts(results: &[TrialResult]) -> Vec<String> {
    results.iter().map(|one| format!("{} {:?} {:?} {:?}", one.check.id, one.pair, one.subject, one.verdict)).collect()
}

async fn live(spec: &Arc<Spec>, options: &Options, folder: &Path) -> Run {
    let order = Order {
        spec: Arc::clone(spec),
        plan: Rc::new(plan(spec, options)),
        options: options.clone(),
        folder: folder.to_owned(),
        afterwards: Afterwards::CleanUp,
        resume: Resume::Fresh,
    };
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    order.begin().unwrap().carry_out(&mut Silent, stopped).await.unwrap()
}

fn check(draft: &Draft) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (url, _) = serve(|mut stream, head| async move { drop(stream.write_all(&class_of(&head)).await) }).await;
        let text = draft.text(&url);
        let variables = ["NORTH_KEY", "NORTH_ID", "SOUTH_KEY", "SOUTH_ID"];
        let value =
            |name: &str| if name.ends_with("_KEY") { format!("{name} of/the+run=7") } else { format!("{name}-shown") };
        let variables = variables.map(|name| (name.to_owned(), value(name))).into();
        let folder = tempfile::tempdir().unwrap();
        let options = Options { seed: draft.seed, only: None, depth: draft.depth };
        let recorded = live(&parsed(&text, &variables), &options, folder.path()).await;
        // Offline: the recorded variables are the environment, placeholders for secrets.
        let first = LogReader::open(folder.path()).unwrap().next().unwrap().unwrap();
        let What::Began(part) = first.what else { panic!("{first:?}") };
        let spec = parsed(&text, &part.variables);
        let replayed = replay(&spec, &plan(&spec, &options), folder.path()).unwrap();
        assert_eq!(replayed.divergences, [], "{draft:?}");
        assert_eq!(verdicts(&replayed.results), verdicts(&recorded.results), "{draft:?}");
        let trace = std::fs::read_to_string(folder.path().join("trace.jsonl")).unwrap();
        assert!(!trace.contains("of/the+run=7") && !trace.contains("cookie-Value"), "{draft:?}");
    });
}

#[test]
fn a_replay_is_exact_for_every_spec_over_a_hostile_target() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(16);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&drafts(), |draft| {
            check(&draft);
            Ok(())
        })
        .unwrap();
}
