//! A clock, a signer, a key endpoint, and the registry that ties them together.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header::LOCATION},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};
use tokio::sync::watch;
use watertight_core::{BearerToken, TokenFacts, TokenRejection, TokenVerifier};
use watertight_identity::{Algorithm, Clock, IssuerEntry, IssuerRegistry, JwtVerifier, KeyPolicy, KeySets, TokenType};
use watertight_model::TenantId;

/// The calendar when a test begins.
pub(crate) const START: u64 = 1_800_000_000;
/// The issuer of most tests.
pub(crate) const ISSUER: &str = "https://idp.example";
/// Default window of [`KeyPolicy`].
pub(crate) const WINDOW: u64 = 10;
/// `max_stale` of [`entry`].
pub(crate) const MAX_STALE: u64 = 600;

/// Both readings advance by hand alone.
#[derive(Default)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(START) + self.uptime()
    }

    fn uptime(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// A private key under a name.
pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: String,
    private: EncodingKey,
}

impl Signer {
    pub(crate) fn es256(kid: &str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self { algorithm: Algorithm::Es256, kid: kid.to_owned(), private: EncodingKey::from_ec_der(pkcs8.as_ref()) }
    }

    pub(crate) fn rs256(kid: &str) -> Self {
        let pkcs8: Pkcs8V1Der<'static> = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8.as_ref()));
        let private = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        Self { algorithm: Algorithm::Rs256, kid: kid.to_owned(), private }
    }

    fn library_algorithm(&self) -> jsonwebtoken::Algorithm {
        self.algorithm.name().parse().unwrap()
    }

    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.library_algorithm()).unwrap();
        jwk.common.key_id = Some(self.kid.clone());
        serde_json::to_value(jwk).unwrap()
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.algorithm.name(), "typ": "at+jwt", "kid": self.kid })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    pub(crate) fn sign_as(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// Signs what is given, byte for byte.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let signature = crypto::sign(message.as_bytes(), &self.private, self.library_algorithm()).unwrap();
        format!("{message}.{signature}")
    }
}

pub(crate) fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// Sound claims for a tenant.
pub(crate) fn claims_for(tenant: &str) -> Value {
    json!({
        "iss": ISSUER, "sub": "clerk-1", "aud": "case-api", "client_id": "north-service", "tenant_id": tenant,
        "scope": "case:read case:write", "iat": START, "nbf": START, "exp": START + 300, "jti": "one",
    })
}

pub(crate) fn with(mut value: Value, name: &str, to: Value) -> Value {
    value[name] = to;
    value
}

pub(crate) fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name).unwrap();
    value
}

/// An HTTP endpoint that records whatever it is asked, and can be made to fail or to hang.
#[derive(Clone)]
pub(crate) struct Endpoint {
    base: String,
    state: Arc<EndpointState>,
}

struct EndpointState {
    body: Mutex<String>,
    location: Mutex<Option<String>>,
    status: AtomicU16,
    asked: watch::Sender<Vec<String>>,
    open: watch::Sender<bool>,
}

impl Endpoint {
    pub(crate) async fn serving(keys: &[&Signer]) -> Self {
        let state = Arc::new(EndpointState {
            body: Mutex::default(),
            location: Mutex::default(),
            status: AtomicU16::new(200),
            asked: watch::Sender::new(Vec::new()),
            open: watch::Sender::new(true),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let endpoint = Self { base, state };
        endpoint.publish(keys);
        endpoint
    }

    /// Replaces the key set.
    pub(crate) fn publish(&self, keys: &[&Signer]) {
        self.publish_text(json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string());
    }

    pub(crate) fn publish_text(&self, text: String) {
        *self.state.body.lock().unwrap() = text;
    }

    pub(crate) fn fail_with(&self, status: u16) {
        self.state.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn redirect_to(&self, url: &str) {
        self.fail_with(302);
        *self.state.location.lock().unwrap() = Some(url.to_owned());
    }

    /// Requests are taken and not answered until [`Endpoint::release`].
    pub(crate) fn hang(&self) {
        self.state.open.send_replace(false);
    }

    pub(crate) fn release(&self) {
        self.state.open.send_replace(true);
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/keys", self.base)
    }

    /// Every request so far, as method and request target.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.asked.borrow().clone()
    }

    pub(crate) fn fetches(&self) -> usize {
        self.asked().len()
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn reached(&self, count: usize) {
        self.state.asked.subscribe().wait_for(|asked| asked.len() >= count).await.unwrap();
    }
}

async fn answer(State(state): State<Arc<EndpointState>>, uri: Uri) -> (StatusCode, HeaderMap, String) {
    state.asked.send_modify(|asked| asked.push(uri.to_string()));
    state.open.subscribe().wait_for(|open| *open).await.unwrap();
    let mut headers = HeaderMap::new();
    if let Some(location) = &*state.location.lock().unwrap() {
        headers.insert(LOCATION, location.parse().unwrap());
    }
    let status = StatusCode::from_u16(state.status.load(Ordering::SeqCst)).unwrap();
    (status, headers, state.body.lock().unwrap().clone())
}

pub(crate) fn tenant(id: &str) -> TenantId {
    id.parse().unwrap()
}

/// How a tenant trusts an issuer whose keys are at `jwks_url`.
pub(crate) fn entry(tenant_id: &str, issuer: &str, jwks_url: &str) -> IssuerEntry {
    IssuerEntry {
        tenant: tenant(tenant_id),
        issuer: issuer.parse().unwrap(),
        jwks_url: jwks_url.parse().unwrap(),
        algorithms: Algorithm::ALL.iter().copied().collect(),
        token_type: TokenType::AtJwt,
        audiences: ["case-api".parse().unwrap()].into(),
        clients: ["north-service".parse().unwrap()].into(),
        tenant_claim: "tenant_id".to_owned(),
        leeway: Duration::from_secs(5),
        max_stale: Duration::from_secs(MAX_STALE),
    }
}

/// A verifier with its clock.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) keys: Arc<KeySets>,
    verifier: Arc<JwtVerifier>,
}

impl World {
    pub(crate) fn of(entries: Vec<IssuerEntry>) -> Self {
        Self::with_policy(entries, KeyPolicy::default())
    }

    pub(crate) fn with_policy(entries: Vec<IssuerEntry>, policy: KeyPolicy) -> Self {
        let clock = Arc::new(TestClock::default());
        let keys = Arc::new(KeySets::with_clock(policy, Arc::clone(&clock) as Arc<dyn Clock>).unwrap());
        Self { clock, keys: Arc::clone(&keys), verifier: verifier(entries, keys) }
    }

    /// The same keys and clock under another registry.
    pub(crate) fn registering(&self, entries: Vec<IssuerEntry>) -> Self {
        Self { verifier: verifier(entries, Arc::clone(&self.keys)), ..self.clone() }
    }

    pub(crate) async fn verify(&self, tenant_id: &str, token: &str) -> Result<TokenFacts, TokenRejection> {
        let token = BearerToken::parse(token)?;
        self.verifier.verify(&tenant(tenant_id), &token).await
    }
}

fn verifier(entries: Vec<IssuerEntry>, keys: Arc<KeySets>) -> Arc<JwtVerifier> {
    Arc::new(JwtVerifier::new(Arc::new(IssuerRegistry::new(entries).unwrap()), keys))
}

/// One tenant, `agency-north`, that trusts one issuer with one ES256 key.
pub(crate) struct North {
    pub(crate) world: World,
    pub(crate) signer: Signer,
    pub(crate) endpoint: Endpoint,
}

impl North {
    pub(crate) async fn new() -> Self {
        Self::trusting(|_| {}).await
    }

    pub(crate) async fn trusting(change: impl FnOnce(&mut IssuerEntry)) -> Self {
        let signer = Signer::es256("key-1");
        let endpoint = Endpoint::serving(&[&signer]).await;
        let mut entry = entry("agency-north", ISSUER, &endpoint.url());
        change(&mut entry);
        Self { world: World::of(vec![entry]), signer, endpoint }
    }

    pub(crate) fn claims() -> Value {
        claims_for("agency-north")
    }

    pub(crate) fn token(&self) -> String {
        self.signer.sign(&Self::claims())
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<TokenFacts, TokenRejection> {
        self.world.verify("agency-north", token).await
    }

    /// The outcome for sound claims in which one was changed.
    pub(crate) async fn with_claim(&self, name: &str, value: Value) -> Result<TokenFacts, TokenRejection> {
        self.verify(&self.signer.sign(&with(Self::claims(), name, value))).await
    }

    /// The outcome for sound claims of which one is missing.
    pub(crate) async fn without_claim(&self, name: &str) -> Result<TokenFacts, TokenRejection> {
        self.verify(&self.signer.sign(&without(Self::claims(), name))).await
    }

    /// The outcome for a sound header in which one member was changed.
    pub(crate) async fn with_header(&self, name: &str, value: Value) -> Result<TokenFacts, TokenRejection> {
        self.verify(&self.signer.sign_as(&with(self.signer.header(), name, value), &Self::claims())).await
    }
}
