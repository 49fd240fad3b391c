//! A spec of two tenants, and an engine that performs calls for one trial.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tempfile::TempDir;
use watertight_engine::call::{Call, Caller, Request};
use watertight_engine::journal::Journal;
use watertight_engine::log::{Event, Failure, Header, LogReader, LogWriter, Source, What};
use watertight_engine::marker::RunTag;
use watertight_engine::{Access, Clock, Engine, Fed, Future, Job, Player, Script, Seen, Setting, Tape, Width};
use watertight_spec::{Spec, TenantIx, Who};

pub(crate) const SECRET: &str = "s3cret/of+north=";

/// The spec, as text: north has a client, south whatever is given.
pub(crate) fn text(url: &str, environment: &str, limits: &str, south: &str) -> String {
    format!(
        r#"
[target]
name = "hostile"
url = "{url}"
environment = "{environment}"
[limits]
timeout = "2s"
body = 65536
rate = 10000
{limits}
[tenancy]
locator = "path"
[tokens]
kind = "opaque"
[[tenant]]
id = "north"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "{url}/token"
client_id = "north-client"
client_secret = "$NORTH_SECRET"
[[tenant]]
id = "south"
[[tenant.principal]]
name = "service"
{south}
[[resource]]
name = "case"
path = "/tenants/{{tenant}}/cases"
create = {{ title = "{{canary}}" }}
"#
    )
}

/// South's credentials where nothing else is said.
pub(crate) const BASIC: &str = "grant = \"basic\"\nusername = \"south\"\npassword = \"$SOUTH_PASSWORD\"";

/// A P-256 key, in PEM.
pub(crate) fn private_key() -> &'static str {
    static PEM: LazyLock<String> = LazyLock::new(|| rcgen::KeyPair::generate().unwrap().serialize_pem());
    &PEM
}

/// Parsed.
pub(crate) fn parsed(text: &str) -> Arc<Spec> {
    parsed_in(Path::new(""), text)
}

/// Of a file in this folder.
pub(crate) fn parsed_in(folder: &Path, text: &str) -> Arc<Spec> {
    let known = [
        ("NORTH_SECRET", SECRET),
        ("SOUTH_PASSWORD", "pässword of south"),
        ("SOUTH_KEY", private_key()),
        ("SOUTH_TOTP", SEED),
        ("SOUTH_LANG", "lang-of-south"),
        ("SOUTH_CSRF", "csrf-of-south"),
    ];
    let variables: BTreeMap<String, String> = known.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    parsed_with(&folder.join("test.toml"), text, &variables)
}

fn parsed_with(path: &Path, text: &str, variables: &BTreeMap<String, String>) -> Arc<Spec> {
    let today = time::Date::from_calendar_date(2026, time::Month::January, 1).unwrap();
    Arc::new(watertight_spec::parse(path, text, variables, today).unwrap_or_else(|p| panic!("{p}")))
}

/// With the usual credentials.
pub(crate) fn spec(url: &str, environment: &str, limits: &str) -> Arc<Spec> {
    parsed(&text(url, environment, limits, BASIC))
}

/// A seed of one-time codes.
pub(crate) const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A clock that stands still, a minute after 1970 began, until someone sleeps.
#[derive(Clone)]
struct Hand(Rc<Cell<Duration>>);

impl Clock for Hand {
    fn now(&self) -> Duration {
        self.0.get()
    }
    fn sleep(&self, time: Duration) -> LocalBoxFuture<'static, ()> {
        self.0.set(self.0.get() + time);
        async {}.boxed_local()
    }
}

/// An engine with a folder of its own.
pub(crate) struct Bed {
    pub(crate) folder: TempDir,
    pub(crate) spec: Arc<Spec>,
    pub(crate) tag: RunTag,
    pub(crate) engine: Engine,
    time: Hand,
    _stop: tokio::sync::watch::Sender<bool>,
}

impl Bed {
    pub(crate) fn new(spec: Arc<Spec>) -> Self {
        Self::within(tempfile::tempdir().unwrap(), spec)
    }

    /// With a folder that is there already.
    pub(crate) fn within(folder: TempDir, spec: Arc<Spec>) -> Self {
        let tag = RunTag::new(1, 2);
        let header = Header::new(&spec, 2, serde_json::Value::Null);
        let log = LogWriter::create(folder.path(), &header).unwrap();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let time = Hand(Rc::new(Cell::new(Duration::from_secs(60))));
        let setting = Setting {
            spec: Arc::clone(&spec),
            tag: tag.clone(),
            log,
            journal: Journal::create(&folder.path().join("journal.jsonl")).unwrap(),
            part: 1,
            observer: Box::new(|_| {}),
            clock: Box::new(time.clone()),
        };
        let engine = Engine::new(setting, stopped).unwrap();
        Self { folder, spec, tag, engine, time, _stop: stop }
    }

    /// The time of day.
    pub(crate) fn time(&self) -> Duration {
        self.time.now()
    }

    pub(crate) fn north(&self) -> Who {
        self.who(0)
    }

    pub(crate) fn south(&self) -> Who {
        self.who(1)
    }

    pub(crate) fn tenant(&self, number: usize) -> TenantIx {
        self.spec.tenant_ixs().nth(number).unwrap()
    }

    fn who(&self, number: usize) -> Who {
        self.spec.caller(self.tenant(number)).unwrap()
    }

    /// A reading at north's URL.
    pub(crate) fn get(&self, caller: Caller, path: &str) -> Call {
        Call::Api(self.request(caller, "GET", path))
    }

    pub(crate) fn request(&self, caller: Caller, method: &str, path: &str) -> Request {
        Request::read(caller, self.tenant(0), method, path)
    }

    /// What came of calls, one after the other.
    pub(crate) async fn perform(&self, calls: Vec<Call>) -> Vec<Seen> {
        self.run(Access::Write, performing(calls)).await
    }

    pub(crate) async fn one(&self, call: Call) -> Seen {
        self.perform(vec![call]).await.pop().unwrap()
    }

    /// What came of calls, from the record alone: with what it has in place of variables, and where there are no files.
    pub(crate) fn judged(&self, calls: Vec<Call>) -> Vec<Seen> {
        let events = self.events();
        let variables = events.iter().find_map(|event| match &event.what {
            What::Began(part) => Some(part.variables.clone()),
            _ => None,
        });
        let spec = parsed_with(Path::new("/nowhere/spec.toml"), &self.spec.source.text, &variables.unwrap());
        let mut player = Player::new(spec, self.tag.clone());
        assert!(matches!(player.begin(job(0, Access::Write, performing(calls))), Fed::GoesOn));
        for event in events {
            match player.feed(event) {
                Fed::GoesOn => {}
                Fed::Done(seen) => return seen.unwrap(),
                Fed::Diverges(divergence) => panic!("{divergence:?}"),
            }
        }
        panic!("the script does not end")
    }

    /// What a script yields.
    pub(crate) async fn run<T: 'static>(
        &self,
        access: Access,
        script: impl for<'t> Fn(&'t Tape) -> Future<'t, T> + 'static,
    ) -> T {
        let mut output = None;
        let job = job(0, access, script);
        self.engine.run([job], Width::Limits, |_, done| output = done).await;
        output.unwrap()
    }

    /// What was recorded.
    pub(crate) fn events(&self) -> Vec<Event> {
        LogReader::open(self.folder.path()).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// Every byte of every file, bodies unpacked.
    pub(crate) fn recorded(&self) -> String {
        let mut all = serde_json::to_string(&self.events()).unwrap();
        for event in self.events() {
            if let Some(received) = event.exchange().and_then(|exchange| exchange.response()) {
                all.push_str(received.body.text());
            }
        }
        for file in std::fs::read_dir(self.folder.path()).unwrap() {
            all.push_str(&String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()));
        }
        all
    }
}

/// A script that performs calls.
fn performing(calls: Vec<Call>) -> impl for<'t> Fn(&'t Tape) -> Future<'t, Vec<Seen>> + 'static {
    move |t| {
        let calls = calls.clone();
        Box::pin(async move {
            let mut seen = Vec::new();
            for call in calls {
                seen.push(t.call(call).await);
            }
            seen
        })
    }
}

/// A script of a trial.
pub(crate) fn job<T: 'static>(
    index: usize,
    access: Access,
    script: impl for<'t> Fn(&'t Tape) -> Future<'t, T> + 'static,
) -> Job<T> {
    Job {
        source: Source::Trial(index),
        label: format!("test {index}"),
        planted: Rc::default(),
        script: Script::Plant(Rc::new(script)),
        access,
        caller: None,
        tenants: Vec::new(),
    }
}

/// Why there is no response.
pub(crate) fn failure(exchange: &Seen) -> Option<Failure> {
    exchange.failure()
}
