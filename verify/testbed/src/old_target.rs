//! A small tenant API, sound, with one way at a time to break what a check relies on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use watertight_spec::Spec;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Nothing,
    /// A create answers 201 and keeps nothing.
    ObjectMissing,
    /// What is written loses its text.
    CanaryStripped,
    /// A request across the boundary is answered with 429.
    AttackThrottled,
    /// A request across the boundary is answered with 503.
    AttackFails,
    /// A request across the boundary is redirected to a login page.
    AttackRedirected,
    /// Search finds an object only long after `settle`.
    SearchLags,
    /// A 404 repeats the path that was asked for.
    EchoIn404,
    /// After some requests, south's tokens are worth nothing, and no new one is granted.
    VictimRevoked,
    /// North's own credentials are worth nothing.
    AttackerDead,
    /// Not a control: the boundary itself. A read by id alone.
    ReadsLeak,
}

pub(crate) const SETTLE: Duration = Duration::from_millis(80);

#[derive(Default)]
struct Data {
    cases: BTreeMap<(String, String), (Value, Option<Instant>)>,
    serial: u64,
    south_requests: u32,
}

#[derive(Clone)]
struct Api {
    broken: Broken,
    data: Arc<Mutex<Data>>,
}

/// A running API.
pub(crate) struct Target {
    pub(crate) url: String,
    data: Arc<Mutex<Data>>,
}

impl Target {
    pub(crate) async fn start(broken: Broken) -> Self {
        let data: Arc<Mutex<Data>> = Arc::default();
        for (tenant, id) in [("north", "seed-1"), ("south", "seed-2")] {
            let case = json!({ "id": id, "tenantId": tenant, "title": "before the run" });
            data.lock().unwrap().cases.insert((tenant.into(), id.into()), (case, None));
        }
        let api = Api { broken, data: Arc::clone(&data) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(api);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, data }
    }

    /// Everything that it holds.
    pub(crate) fn contents(&self) -> Vec<Value> {
        self.data.lock().unwrap().cases.values().map(|(case, _)| case.clone()).collect()
    }

    pub(crate) fn spec(&self) -> Spec {
        let text = self.text();
        let today = time::Date::from_calendar_date(2026, time::Month::January, 1).unwrap();
        watertight_spec::parse(Path::new("test.toml"), &text, &variables(), today).unwrap_or_else(|p| panic!("{p}"))
    }

    pub(crate) fn text(&self) -> String {
        let tenant = |id: &str, upper: &str| {
            format!(
                "[[tenant]]\nid = \"{id}\"\n[[tenant.principal]]\nname = \"service\"\ngrant = \"client_credentials\"\n\
                 token_url = \"{}/token\"\nclient_id = \"{id}\"\nclient_secret = \"${upper}_SECRET\"\n",
                self.url
            )
        };
        format!(
            "[target]\nname = \"small\"\nurl = \"{}\"\nenvironment = \"test\"\nsettle = \"{}ms\"\n\
             [limits]\nrate = 10000\ntimeout = \"2s\"\n[tenancy]\nlocator = \"path\"\nfields = [\"tenantId\"]\n\
             [tokens]\nkind = \"opaque\"\nwhoami = {{ request = \"GET /me\", tenant = \"$.tenantId\" }}\n{}{}\
             [[resource]]\nname = \"case\"\npath = \"/tenants/{{tenant}}/cases\"\ncreate = {{ title = \"{{canary}}\" }}\n\
             search = \"GET /tenants/{{tenant}}/search?q={{canary.public}}\"\npage = {{ size = \"limit=2\", next = \"$.next\" }}\n",
            self.url,
            SETTLE.as_millis(),
            tenant("north", "NORTH"),
            tenant("south", "SOUTH"),
        )
    }
}

pub(crate) fn variables() -> BTreeMap<String, String> {
    [("NORTH_SECRET", "north-secret-0123"), ("SOUTH_SECRET", "south-secret-4567")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

async fn answer(State(api): State<Api>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8_lossy(&body).into_owned();
    if uri.path() == "/token" {
        return api.token(&headers);
    }
    let bearer = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let Some(caller) = bearer.strip_prefix("Bearer token-of-").and_then(|t| t.split('-').next()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if caller == "south" && api.south_is_revoked() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if uri.path() == "/me" {
        return axum::Json(json!({ "tenantId": caller })).into_response();
    }
    let segments: Vec<&str> = uri.path().trim_start_matches('/').split('/').collect();
    match segments.as_slice() {
        ["tenants", tenant, rest @ ..] if *tenant == caller => {
            api.within(caller, &method, rest, uri.query().unwrap_or_default(), &text, uri.path())
        }
        ["tenants", tenant, rest @ ..] => api.across(&method, tenant, rest, uri.path()),
        _ => api.missing(uri.path()),
    }
}

impl Api {
    fn token(&self, headers: &HeaderMap) -> Response {
        use base64::Engine as _;
        let basic = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let pair = base64::engine::general_purpose::STANDARD
            .decode(basic.trim_start_matches("Basic "))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let client = match pair.as_str() {
            "north:north-secret-0123" if self.broken != Broken::AttackerDead => "north",
            "south:south-secret-4567" if !self.south_is_revoked() => "south",
            _ => return (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "invalid_client" }))).into_response(),
        };
        let mut data = self.data.lock().unwrap();
        data.serial += 1;
        let token = format!("token-of-{client}-{:08}", data.serial);
        axum::Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 600 })).into_response()
    }

    fn south_is_revoked(&self) -> bool {
        let mut data = self.data.lock().unwrap();
        data.south_requests += 1;
        self.broken == Broken::VictimRevoked && data.south_requests > 25
    }

    fn missing(&self, path: &str) -> Response {
        let detail = if self.broken == Broken::EchoIn404 { format!("there is no {path}") } else { "not found".into() };
        (StatusCode::NOT_FOUND, axum::Json(json!({ "detail": detail }))).into_response()
    }

    fn across(&self, method: &Method, tenant: &str, rest: &[&str], path: &str) -> Response {
        match self.broken {
            Broken::AttackThrottled => StatusCode::TOO_MANY_REQUESTS.into_response(),
            Broken::AttackFails => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Broken::AttackRedirected => (StatusCode::FOUND, [("location", "/login")]).into_response(),
            Broken::ReadsLeak => match (method.as_str(), rest) {
                ("GET", ["cases", id]) => self.read(tenant, id, path),
                _ => self.missing(path),
            },
            _ => self.missing(path),
        }
    }

    fn within(&self, tenant: &str, method: &Method, rest: &[&str], query: &str, body: &str, path: &str) -> Response {
        let sent: Value = serde_json::from_str(body).unwrap_or_default();
        match (method.as_str(), rest) {
            ("GET", ["cases"]) => self.list(tenant, query, |_, _| true),
            ("GET", ["search"]) => {
                let term = query.trim_start_matches("q=").to_owned();
                let lag = if self.broken == Broken::SearchLags { SETTLE * 50 } else { Duration::ZERO };
                self.list(tenant, "", |case, born| {
                    case["title"].as_str().unwrap_or_default().contains(&term)
                        && born.is_none_or(|born| born.elapsed() >= lag)
                })
            }
            ("POST", ["cases"]) => self.create(tenant, &sent),
            ("GET", ["cases", id]) => self.read(tenant, id, path),
            ("PUT" | "PATCH", ["cases", id]) => self.change(tenant, id, &sent, path),
            ("DELETE", ["cases", id]) => {
                match self.data.lock().unwrap().cases.remove(&(tenant.to_owned(), (*id).to_owned())) {
                    Some(_) => StatusCode::NO_CONTENT.into_response(),
                    None => self.missing(path),
                }
            }
            (_, ["cases", ..]) => StatusCode::METHOD_NOT_ALLOWED.into_response(),
            _ => self.missing(path),
        }
    }

    fn title(&self, sent: &Value) -> Value {
        if self.broken == Broken::CanaryStripped { json!("") } else { sent["title"].clone() }
    }

    fn create(&self, tenant: &str, sent: &Value) -> Response {
        let mut data = self.data.lock().unwrap();
        data.serial += 1;
        let id = format!("c{:06x}", data.serial * 0x9e37);
        let case = json!({ "id": id, "tenantId": tenant, "title": self.title(sent) });
        if self.broken != Broken::ObjectMissing {
            data.cases.insert((tenant.to_owned(), id), (case.clone(), Some(Instant::now())));
        }
        (StatusCode::CREATED, axum::Json(case)).into_response()
    }

    fn read(&self, tenant: &str, id: &str, path: &str) -> Response {
        match self.data.lock().unwrap().cases.get(&(tenant.to_owned(), id.to_owned())) {
            Some((case, _)) => axum::Json(case.clone()).into_response(),
            None => self.missing(path),
        }
    }

    fn change(&self, tenant: &str, id: &str, sent: &Value, path: &str) -> Response {
        let title = self.title(sent);
        match self.data.lock().unwrap().cases.get_mut(&(tenant.to_owned(), id.to_owned())) {
            Some((case, _)) => {
                case["title"] = title;
                axum::Json(case.clone()).into_response()
            }
            None => self.missing(path),
        }
    }

    fn list(&self, tenant: &str, query: &str, fits: impl Fn(&Value, Option<Instant>) -> bool) -> Response {
        let number = |name: &str| {
            query
                .split('&')
                .filter_map(|p| p.split_once('='))
                .find(|(n, _)| *n == name)
                .and_then(|(_, v)| v.parse().ok())
        };
        let (offset, limit): (usize, usize) = (number("offset").unwrap_or(0), number("limit").unwrap_or(100));
        let data = self.data.lock().unwrap();
        let all: Vec<&Value> = data
            .cases
            .iter()
            .filter(|((t, _), (case, born))| t == tenant && fits(case, *born))
            .map(|(_, (c, _))| c)
            .collect();
        let items: Vec<&Value> = all.iter().copied().skip(offset).take(limit).collect();
        let end = offset + limit;
        let next = (end < all.len()).then(|| format!("/tenants/{tenant}/cases?limit={limit}&offset={end}"));
        axum::Json(json!({ "items": items, "next": next })).into_response()
    }
}
