//! The three agencies, and how they are asked.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use watertight_casework::seeds::{AGENCIES, SeedIssuer};
use watertight_casework::{AgencyIssuer, Config, Platform, Ports, Sound};
use watertight_core::{Answer, BearerToken, TokenFacts, TokenRejection, TokenVerifier};
use watertight_identity::Algorithm;
use watertight_model::TenantId;

pub(crate) const SHARED: &str = "https://shared.example";
pub(crate) const OWN: &str = "https://own.example";

/// A platform with the seeded agencies.
pub(crate) struct World {
    router: Router,
    pub(crate) sound: Sound,
    _dir: TempDir,
}

/// An answer, read to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{} {:?}", self.status, self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    /// The JSON body of an answer with this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|ports| ports).await
    }

    /// With other ports than the sound ones.
    pub(crate) async fn with(change: impl FnOnce(Ports) -> Ports) -> Self {
        Self::of(change, |_| ()).await
    }

    /// With an agency of this name as well, which has north's issuer, client and subject.
    pub(crate) async fn with_agency(name: &str) -> Self {
        let add = |config: &mut Config| {
            let mut agency = config.agencies.first().unwrap().clone();
            agency.tenant = name.parse().unwrap();
            config.agencies.push(agency);
        };
        Self::of(|ports| ports, add).await
    }

    async fn of(change: impl FnOnce(Ports) -> Ports, configure: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(&dir);
        configure(&mut config);
        let platform = Platform::open(&config, |sound| {
            let mut ports = sound.ports();
            ports.guard.verifier = Arc::new(Unsigned);
            change(ports)
        });
        let platform = platform.await.unwrap();
        Self { router: platform.router(), sound: platform.sound().clone(), _dir: dir }
    }

    /// The service itself, to be asked from within a port.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    }

    /// Asks as the worker of an agency: `north`, `south` or `west`.
    pub(crate) async fn ask(&self, who: &str, line: &str, body: Option<Value>) -> Reply {
        self.send(request(&worker(who), line, body)).await
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Reply {
        self.ask(who, &format!("GET {path}"), None).await
    }
}

pub(crate) fn config(dir: &TempDir) -> Config {
    let issuer = |url: &str, algorithm| AgencyIssuer {
        issuer: url.parse().unwrap(),
        jwks_url: format!("{url}/jwks").parse().unwrap(),
        algorithm,
    };
    let (shared, own) = (issuer(SHARED, Algorithm::Rs256), issuer(OWN, Algorithm::Es256));
    Config {
        data_dir: dir.path().to_owned(),
        audience: "case-api".parse().unwrap(),
        agencies: AGENCIES.iter().map(|agency| agency.with(&shared, &own).unwrap()).collect(),
        operator_key: OPERATOR.into(),
    }
}

/// What opens the operator's side.
pub(crate) const OPERATOR: &str = "operator-key-of-this-test";

/// A request: `"GET /me"`, with a token unless it is empty.
pub(crate) fn request(token: &str, line: &str, body: Option<Value>) -> Request<Body> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    match body {
        None => request.body(Body::empty()).unwrap(),
        Some(json) => request.header("content-type", "application/json").body(Body::from(json.to_string())).unwrap(),
    }
}

pub(crate) fn worker(who: &str) -> String {
    token(who, "worker", "case:read case:write")
}

/// A token of north's worker that names this tenant.
pub(crate) fn norths_worker_in(tenant: &str) -> String {
    signed(&json!({
        "iss": SHARED, "tenant_id": tenant, "scope": "case:read case:write",
        "client_id": "north-worker", "sub": "svc-north-worker",
    }))
}

pub(crate) fn token(who: &str, role: &str, scope: &str) -> String {
    let tenant = format!("agency-{who}");
    let agency = AGENCIES.iter().find(|agency| agency.tenant == tenant).unwrap();
    let issuer = if agency.issuer == SeedIssuer::Shared { SHARED } else { OWN };
    signed(&json!({
        "iss": issuer, "tenant_id": tenant, "scope": scope,
        "client_id": format!("{who}-{role}"), "sub": format!("svc-{who}-{role}"),
    }))
}

pub(crate) fn signed(claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{}", part(&json!({"alg": "RS256"})), part(claims), URL_SAFE_NO_PAD.encode("signature"))
}

/// Takes every claim at its word, but asks for all of them.
struct Unsigned;

impl TokenVerifier for Unsigned {
    fn verify<'a>(&'a self, _: &'a TenantId, token: &'a BearerToken) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        Box::pin(async move { facts(token.expose()).ok_or(TokenRejection::Malformed) })
    }
}

fn facts(token: &str) -> Option<TokenFacts> {
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?).ok()?;
    let text = |name: &str| claims.get(name)?.as_str();
    Some(TokenFacts {
        issuer: text("iss")?.parse().ok()?,
        subject: text("sub")?.parse().ok()?,
        client: text("client_id")?.parse().ok()?,
        scopes: text("scope")?.split(' ').map(|scope| scope.parse().unwrap()).collect(),
        tenant_claim: text("tenant_id").map(|name| name.parse().unwrap()),
        expires_at: SystemTime::now() + Duration::from_secs(60),
    })
}
