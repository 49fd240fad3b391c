//! The identity provider as its clients see it, over real HTTP on loopback.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking, too")]

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{DecodingKey, crypto, jwk::JwkSet};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use watertight_emulators::{
    Alg, Claims, Grant, Idp, IdpClient, IdpConfig, IdpError, IssuerBehaviour, RunningIdp, ScopeRefused, SignsWith,
};

const SECRET: &str = "s3cret:with colon+plus%";

fn client(id: &str, tenant: Option<&str>) -> IdpClient {
    IdpClient {
        id: id.to_owned(),
        secret: SECRET.into(),
        tenant_claim: tenant.map(str::to_owned),
        subject: format!("{id}-service"),
        scopes: ["case:read", "case:write"].map(str::to_owned).into(),
        lifetime: Duration::from_secs(300),
    }
}

fn config(alg: Alg) -> IdpConfig {
    let mut config =
        IdpConfig::sound(alg, "case-api", vec![client("north", Some("agency-north")), client("bare", None)]);
    config.other_audiences.insert("billing-api".to_owned());
    config
}

async fn running(alg: Alg) -> RunningIdp {
    Idp::start(config(alg)).await.unwrap()
}

async fn with_behaviour(behaviour: impl IssuerBehaviour + 'static) -> RunningIdp {
    Idp::start(IdpConfig { behaviour: Arc::new(behaviour), ..config(Alg::Es256) }).await.unwrap()
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        let mut out = String::new();
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() { out.push(byte.into()) } else { out.push_str(&format!("%{byte:02X}")) }
        }
        out
    };
    fields.iter().map(|(n, v)| format!("{}={}", escape(n), escape(v))).collect::<Vec<_>>().join("&")
}

fn post(idp: &RunningIdp, fields: &[(&str, &str)]) -> RequestBuilder {
    Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(&idp.token_url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded(fields))
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

async fn granted(idp: &RunningIdp, extra: &[(&str, &str)]) -> Value {
    let mut fields = vec![("grant_type", "client_credentials"), ("client_id", "north"), ("client_secret", SECRET)];
    fields.extend_from_slice(extra);
    let (status, body) = answer(post(idp, &fields)).await;
    assert_eq!(status, 200, "{body}");
    body
}

async fn refused(idp: &RunningIdp, extra: &[(&str, &str)]) -> (StatusCode, String) {
    let mut fields = vec![("client_id", "north"), ("client_secret", SECRET)];
    fields.extend_from_slice(extra);
    let (status, body) = answer(post(idp, &fields)).await;
    (status, body["error"].as_str().unwrap().to_owned())
}

async fn fetched(url: &str) -> Value {
    answer(Client::builder().no_proxy().build().unwrap().get(url)).await.1
}

fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

fn claims(answer: &Value) -> Value {
    part(answer["access_token"].as_str().unwrap(), 1)
}

async fn verifies(idp: &RunningIdp, token: &str) -> bool {
    let set: JwkSet = serde_json::from_value(fetched(&idp.jwks_url).await).unwrap();
    let jwk = set.find("key-1").unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let algorithm = part(token, 0)["alg"].as_str().unwrap().parse().unwrap();
    crypto::verify(signature, message.as_bytes(), &DecodingKey::from_jwk(jwk).unwrap(), algorithm).unwrap()
}

#[tokio::test]
async fn token_is_an_rfc_9068_access_token_that_the_key_set_verifies() {
    for alg in [Alg::Rs256, Alg::Es256] {
        let idp = running(alg).await;
        let answer = granted(&idp, &[]).await;
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(answer["expires_in"], 300);
        assert_eq!(answer["scope"], "case:read case:write");

        let token = answer["access_token"].as_str().unwrap();
        assert_eq!(part(token, 0), serde_json::json!({"alg": alg.name(), "typ": "at+jwt", "kid": "key-1"}));
        let claims = claims(&answer);
        assert_eq!(claims["iss"], idp.issuer_url);
        assert_eq!(claims["sub"], "north-service");
        assert_eq!(claims["aud"], "case-api");
        assert_eq!(claims["client_id"], "north");
        assert_eq!(claims["tenant_id"], "agency-north");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
        assert_eq!(claims["nbf"], claims["iat"]);
        assert!(verifies(&idp, token).await);
        idp.shutdown().await;
    }
}

#[tokio::test]
async fn every_token_has_its_own_id() {
    let idp = running(Alg::Es256).await;
    let (one, two) = (granted(&idp, &[]).await, granted(&idp, &[]).await);
    assert_ne!(claims(&one)["jti"], claims(&two)["jti"]);
}

#[tokio::test]
async fn a_client_without_tenant_gets_a_token_without_the_claim() {
    let idp = running(Alg::Es256).await;
    let fields = [("grant_type", "client_credentials"), ("client_id", "bare"), ("client_secret", SECRET)];
    let (_, body) = answer(post(&idp, &fields)).await;
    assert!(claims(&body).get("tenant_id").is_none());
}

#[tokio::test]
async fn two_issuers_share_the_kid_and_not_the_key() {
    let (one, two) = (running(Alg::Es256).await, running(Alg::Es256).await);
    let (first, second) = (fetched(&one.jwks_url).await, fetched(&two.jwks_url).await);
    assert_eq!(first["keys"][0]["kid"], second["keys"][0]["kid"]);
    assert_ne!(first["keys"][0]["x"], second["keys"][0]["x"]);
    let answer = granted(&one, &[]).await;
    assert!(!verifies(&two, answer["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn basic_credentials_are_form_decoded() {
    let idp = running(Alg::Es256).await;
    let credentials = STANDARD.encode("north:s3cret%3Awith+colon%2Bplus%25");
    let request = post(&idp, &[("grant_type", "client_credentials"), ("scope", "case:read")]);
    let (status, body) = answer(request.header("authorization", format!("Basic {credentials}"))).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["scope"], "case:read");
}

#[tokio::test]
async fn unknown_client_and_wrong_secret_get_the_same_answer() {
    let idp = running(Alg::Es256).await;
    let with = |id: &'static str, secret: &'static str| {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let basic = post(&idp, &[("grant_type", "client_credentials")])
            .header("authorization", format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
        [post(&idp, &fields), basic]
    };
    for (wrong, unknown) in with("north", "wrong").into_iter().zip(with("nobody", "wrong")) {
        let (wrong, unknown) = (wrong.send().await.unwrap(), unknown.send().await.unwrap());
        assert_eq!(wrong.status(), 401);
        assert_eq!(unknown.status(), 401);
        assert_eq!(wrong.headers().get("www-authenticate"), unknown.headers().get("www-authenticate"));
        assert_eq!(wrong.headers()["cache-control"], "no-store");
        let body = wrong.text().await.unwrap();
        assert!(body.contains("invalid_client"));
        assert_eq!(body, unknown.text().await.unwrap());
    }
}

#[tokio::test]
async fn a_wrong_secret_in_the_header_is_challenged() {
    let idp = running(Alg::Es256).await;
    let request = post(&idp, &[("grant_type", "client_credentials")]);
    let response = request.header("authorization", "Basic !!!").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn malformed_requests_get_the_error_code_of_their_rule() {
    let idp = running(Alg::Es256).await;
    let grant = ("grant_type", "client_credentials");
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[], "invalid_request"),
        (&[("grant_type", "")], "invalid_request"),
        (&[grant, grant], "invalid_request"),
        (&[("grant_type", "password")], "unsupported_grant_type"),
        (&[grant, ("scope", "case:admin")], "invalid_scope"),
        (&[grant, ("scope", "case:read case:admin")], "invalid_scope"),
        (&[grant, ("audience", "payroll-api")], "invalid_target"),
        (&[grant, ("resource", "*")], "invalid_target"),
        (&[grant, ("audience", "case-api"), ("resource", "billing-api")], "invalid_request"),
    ];
    for (fields, code) in cases {
        assert_eq!(refused(&idp, fields).await, (StatusCode::BAD_REQUEST, code.to_owned()), "{fields:?}");
    }
}

#[tokio::test]
async fn two_methods_of_authentication_in_one_request_are_refused() {
    let idp = running(Alg::Es256).await;
    let request =
        post(&idp, &[("grant_type", "client_credentials"), ("client_id", "north"), ("client_secret", SECRET)]);
    let (status, body) = answer(request.header("authorization", "Basic bm9ydGg6eA==")).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_request")));
}

#[tokio::test]
async fn a_token_for_another_registered_api_is_for_that_api_alone() {
    let idp = running(Alg::Es256).await;
    for parameter in ["audience", "resource"] {
        let answer = granted(&idp, &[(parameter, "billing-api")]).await;
        assert_eq!(claims(&answer)["aud"], "billing-api");
    }
}

#[tokio::test]
async fn a_subset_of_the_registered_scopes_is_granted_as_asked() {
    let idp = running(Alg::Es256).await;
    let answer = granted(&idp, &[("scope", "case:read")]).await;
    assert_eq!(answer["scope"], "case:read");
    assert_eq!(claims(&answer)["scope"], "case:read");
}

#[tokio::test]
async fn login_answers_with_a_session_token_or_the_same_refusal() {
    let idp = running(Alg::Es256).await;
    let login = |username: &str, password: &str| {
        let body = serde_json::json!({ "username": username, "password": password }).to_string();
        let http = Client::builder().no_proxy().build().unwrap();
        http.post(&idp.login_url).header("content-type", "application/json").body(body)
    };
    let (status, body) = answer(login("north", SECRET)).await;
    assert_eq!(status, 200);
    assert!(verifies(&idp, body["session"]["token"].as_str().unwrap()).await);
    let (wrong, unknown) = (answer(login("north", "x")).await, answer(login("nobody", "x")).await);
    assert_eq!(wrong.0, 401);
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn metadata_names_the_issuer_and_its_endpoints_exactly() {
    let idp = running(Alg::Es256).await;
    for path in ["openid-configuration", "oauth-authorization-server"] {
        let metadata = fetched(&format!("{}/.well-known/{path}", idp.issuer_url)).await;
        assert_eq!(metadata["issuer"], idp.issuer_url);
        assert_eq!(metadata["token_endpoint"], idp.token_url);
        assert_eq!(metadata["jwks_uri"], idp.jwks_url);
    }
}

#[tokio::test]
async fn an_oversized_body_is_refused() {
    let idp = running(Alg::Es256).await;
    let long = "x".repeat(64 * 1024);
    let (status, _) = answer(post(&idp, &[("grant_type", &long)])).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_faulty_issuer_changes_one_decision_through_the_port() {
    struct Wide;
    impl IssuerBehaviour for Wide {
        fn claims(&self, grant: Grant<'_>, draft: Claims) -> Claims {
            assert_eq!(grant.client.id, "north");
            Claims { aud: vec!["*".to_owned(), "case-api".to_owned()], ..draft }
        }
        fn grant_scopes(&self, grant: Grant<'_>) -> Result<BTreeSet<String>, ScopeRefused> {
            Ok(grant.request.scopes.clone())
        }
    }
    let idp = with_behaviour(Wide).await;
    let answer = granted(&idp, &[("scope", "case:admin")]).await;
    assert_eq!(answer["scope"], "case:admin");
    assert_eq!(claims(&answer)["aud"], serde_json::json!(["*", "case-api"]));
}

#[tokio::test]
async fn an_unpublished_key_signs_what_the_key_set_refuses() {
    struct Unpublished;
    impl IssuerBehaviour for Unpublished {
        fn signs_with(&self, _: Grant<'_>) -> SignsWith {
            SignsWith::UnpublishedKey
        }
    }
    let idp = with_behaviour(Unpublished).await;
    let answer = granted(&idp, &[]).await;
    assert!(!verifies(&idp, answer["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn a_faulty_authentication_never_admits_an_unregistered_client() {
    struct Anyone;
    impl IssuerBehaviour for Anyone {
        fn authenticate(&self, _: &IdpClient, _: &secrecy::SecretString) -> bool {
            true
        }
    }
    let idp = with_behaviour(Anyone).await;
    let fields = |id| [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", "x")];
    assert_eq!(answer(post(&idp, &fields("north"))).await.0, 200);
    assert_eq!(answer(post(&idp, &fields("nobody"))).await.0, 401);
}

#[tokio::test]
async fn a_configuration_that_breaks_a_rule_does_not_start() {
    let twice = IdpConfig::sound(Alg::Es256, "case-api", vec![client("a", None), client("a", None)]);
    assert!(matches!(Idp::start(twice).await, Err(IdpError::DuplicateClient { client }) if client == "a"));
    let no_audience = IdpConfig::sound(Alg::Es256, "", vec![]);
    assert!(matches!(Idp::start(no_audience).await, Err(IdpError::EmptyAudience)));
    let mut stillborn = client("a", None);
    stillborn.lifetime = Duration::from_millis(900);
    let dead = IdpConfig::sound(Alg::Es256, "case-api", vec![stillborn]);
    assert!(matches!(Idp::start(dead).await, Err(IdpError::NoLifetime { .. })));
}

#[tokio::test]
async fn shutdown_closes_the_port() {
    let idp = running(Alg::Es256).await;
    let url = idp.jwks_url.clone();
    idp.shutdown().await;
    assert!(Client::builder().no_proxy().build().unwrap().get(&url).send().await.unwrap_err().is_connect());
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    assert!(!format!("{:?}", client("north", None)).contains("s3cret"));
}
