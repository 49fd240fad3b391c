//! A run whose checks concluded what a test says, with a log on disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use watertight_checks::bracket::{self, Attack};
use watertight_checks::check::{Check, Subject};
use watertight_checks::plan::{LeftOut, Options, Plan, plan};
use watertight_checks::run::{Ending, Run, TrialResult};
use watertight_checks::verdict::{Evidence, Shows, Stop, Verdict};
use watertight_engine::log::{Body, Exchange, Header, LogWriter, Outcome, Part, Received, Sender, Source, What};
use watertight_evidence::report::{Advisories, Report, report};
use watertight_evidence::style::Palette;
use watertight_evidence::{Account, bundle, text};
use watertight_model::{Severity, Surface};
use watertight_spec::{OperationIx, Pair, Spec, parse};

const fn check(id: &'static str, surface: Surface, severity: Severity) -> Check {
    Check {
        id,
        surface,
        severity,
        cwe: &["CWE-639"],
        title: "What it shows",
        does: "What it sends.",
        judges: "How.",
        origin: "A bug.",
        fix: "So.",
        requests: 3,
    }
}

static SWAP: Check = check("api.swap-path-tenant", Surface::Api, Severity::Critical);
static EXISTENCE: Check = check("oracle.existence", Surface::Oracle, Severity::Medium);
static EXPIRED: Check = check("token.expired", Surface::Token, Severity::High);

/// What a hostile target puts wherever it can.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\u{1b}[2J\u{9b}31m\u{202e}\u{0}]]>&\"'";

pub(crate) const SPEC: &str = r#"
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
[[exclude]]
check = "coverage"
reason = "tried elsewhere"
expires = 2030-01-31
"#;

pub(crate) const READ: &str = "GET /tenants/{tenant}/cases/{case}";
pub(crate) const LIST: &str = "GET /tenants/{tenant}/cases";

/// What the log shows in place of the secret of north's client.
pub(crate) const PLACEHOLDER: &str = "redacted-aaaaaaaaaaaa";

/// A run, told.
pub(crate) struct Told {
    pub(crate) spec: Spec,
    plan: Plan,
    pub(crate) run: Run,
    pub(crate) report: Report,
    advisories: Advisories,
    folder: TempDir,
}

/// What one trial concluded: check, attacker (0 north, 1 south), operation, verdict.
pub(crate) type Row = (&'static str, usize, &'static str, Verdict);

impl Told {
    pub(crate) fn new(rows: Vec<Row>, ending: Ending) -> Self {
        Self::with(rows, ending, Advisories::Reported)
    }

    pub(crate) fn with(rows: Vec<Row>, ending: Ending, advisories: Advisories) -> Self {
        let spec = spec();
        let options = Options { seed: 7, ..Options::default() };
        let mut plan = plan(&spec, &options);
        plan.left_out = vec![LeftOut {
            check: "api.path-spelling",
            subject: Subject::Operation(labelled(&spec, LIST)),
            operation: LIST.into(),
            why: "excluded until 2030-01-31: a proxy".into(),
        }];
        let header = Header::new(&spec, 1, serde_json::to_value(&options).unwrap());
        let folder = tempfile::tempdir().unwrap();
        record(folder.path(), &header, &[exchange("{\"title\":\"x\"}"), exchange(HOSTILE)]);
        let run = Run {
            header,
            results: rows.into_iter().map(|row| result(&spec, row)).collect(),
            planted: Rc::default(),
            ending,
            left_behind: vec![],
            staying: vec![],
            requests: 2,
            took: Duration::from_millis(3210),
            started: 1_781_517_600,
        };
        let report = report(&spec, &plan, &run, folder.path(), advisories).unwrap();
        Self { spec, plan, run, report, advisories, folder }
    }

    /// With a report of what its run is now.
    pub(crate) fn told_again(self) -> Self {
        let report = report(&self.spec, &self.plan, &self.run, self.dir(), self.advisories).unwrap();
        Self { report, ..self }
    }

    pub(crate) fn account(&self) -> Account<'_> {
        let Self { spec, run, report, advisories, .. } = self;
        Account { spec, run, report, advisories: *advisories }
    }

    pub(crate) fn text(&self) -> String {
        text::render(&self.account(), Path::new("watertight-report"), Palette::Plain)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the rest of the bundle beside the log.
    pub(crate) fn written(&self) -> &Path {
        bundle::write(self.dir(), &self.account()).unwrap();
        self.dir()
    }
}

pub(crate) fn spec() -> Spec {
    let env: BTreeMap<String, String> =
        [("N_SECRET", "hush-n"), ("S_SECRET", "hush-s")].map(|(k, v)| (k.into(), v.into())).into();
    let today = time::Date::from_calendar_date(2026, time::Month::June, 15).unwrap();
    parse(Path::new("watertight.toml"), SPEC, &env, today).unwrap()
}

/// Writes a log with these exchanges, which have the numbers from 1, and a pause.
pub(crate) fn record(folder: &Path, header: &Header, exchanges: &[Exchange]) {
    let mut log = LogWriter::create(folder, header).unwrap();
    let variables = BTreeMap::from([
        ("N_SECRET".to_owned(), PLACEHOLDER.to_owned()),
        ("S_SECRET".to_owned(), "redacted-bbbbbbbbbbbb".to_owned()),
    ]);
    log.append(Source::Engine, What::Began(Part { number: 1, started: 1_781_517_600, variables })).unwrap();
    for exchange in exchanges {
        log.append(Source::Trial(0), What::Exchange(Box::new(exchange.clone()))).unwrap();
    }
    log.append(Source::Trial(0), What::Waited { ms: 50 }).unwrap();
    log.flush().unwrap();
}

/// North reads what is south's, and this is the answer.
pub(crate) fn exchange(body: &str) -> Exchange {
    let who = json!({ "tenant": 0, "principal": 0 });
    let sender: Sender = serde_json::from_value(json!({ "principal": { "who": who, "token": 0 } })).unwrap();
    let mut exchange: Exchange = serde_json::from_value(json!({
        "at": 1, "took": 1, "sender": sender, "by": "north/service", "intent": "across",
        "request": {
            "method": "GET", "origin": "http://127.0.0.1:8080", "target": "/tenants/south/cases/case-1",
            "headers": [["authorization", "Bearer redacted-cccccccccccc"]],
        },
        "outcome": { "failed": { "kind": "refused", "text": "" } },
    }))
    .unwrap();
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let (body, length) = (Body::new(body), body.len());
    exchange.outcome = Outcome::Response(Received { status: 200, headers, body, length });
    exchange
}

fn labelled(spec: &Spec, label: &str) -> OperationIx {
    spec.operation_ixs().find(|ix| spec[*ix].label() == label).unwrap()
}

fn result(spec: &Spec, (id, attacker, operation, verdict): Row) -> TrialResult {
    let check = [&SWAP, &EXISTENCE, &EXPIRED].into_iter().find(|check| check.id == id).unwrap();
    let tenant = |number: usize| spec.tenant_ixs().nth(number).unwrap();
    let pair = Pair { attacker: tenant(attacker), victim: tenant(1 - attacker) };
    let operation = labelled(spec, operation);
    TrialResult { check, pair, subject: Subject::Operation(operation), verdict, trial: Some(0), also_seen: vec![] }
}

pub(crate) fn evidence(line: &str) -> Evidence {
    Evidence {
        shows: Shows::ForeignData,
        lines: vec![line.into(), "#1 north/service GET /tenants/south/cases/case-1 → 200".into()],
        exchanges: vec![1],
    }
}

/// Only a closed bracket makes one.
pub(crate) fn isolated() -> Verdict {
    use std::task::{Context, Poll, Waker};
    let bracket = async {
        let open = bracket::open(async || Ok::<(), Stop>(())).await?;
        open.attack(Attack::Withstood).close().await
    };
    match std::pin::pin!(bracket).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(verdict)) => verdict,
        other => panic!("{other:?}"),
    }
}
