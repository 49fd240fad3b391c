//! A service of three tenants with ports that answer from memory.
//!
//! Tokens are unsigned and the fake verifier believes what they say, as long as the issuer is registered for the
//! tenant: what is tried here is the guard, not signatures.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use watertight_core::{
    Action, Answer, BearerToken, ClientRecord, Directory, MembershipRecord, ReasonCode, RoleTable, Standing,
    TenantRecord, TokenFacts, TokenRejection, TokenVerifier, Unavailable,
};
use watertight_guard::{
    ClassifyRoute, Guard, GuardLayer, HttpAssertions, ProblemDetails, Refused, Scoped, unverified_claim,
};
use watertight_model::{AssertionSource, ClientId, Issuer, OperationClass, Subject, TenantId, TenantStatus};

/// An answer, whole: what a caller can tell apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

struct Fake;

const ISSUER: &str = "https://idp.example";

impl TokenVerifier for Fake {
    fn verify<'a>(
        &'a self,
        tenant: &'a TenantId,
        token: &'a BearerToken,
    ) -> Answer<'a, Result<TokenFacts, TokenRejection>> {
        let text = |claim| match unverified_claim(token, claim).pop() {
            Some(Value::String(text)) => Ok(text),
            _ => Err(TokenRejection::MissingClaim(claim)),
        };
        Box::pin(async move {
            if !token.expose().ends_with(".signed") {
                return Err(TokenRejection::Signature);
            }
            if tenant.as_str() == "agency-keyless" {
                return Err(TokenRejection::KeysUnavailable);
            }
            Ok(TokenFacts {
                issuer: ISSUER.parse().unwrap(),
                subject: text("sub")?.parse().unwrap(),
                client: "app".parse().unwrap(),
                scopes: BTreeSet::from(["case:use".parse().unwrap()]),
                tenant_claim: text("tenant_id").ok().and_then(|claim| claim.parse().ok()),
                expires_at: SystemTime::UNIX_EPOCH,
            })
        })
    }
}

impl Directory for Fake {
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Result<Option<TenantRecord>, Unavailable>> {
        Box::pin(async move {
            let status = match id.as_str() {
                "agency-north" | "agency-south" => TenantStatus::Active,
                "agency-frozen" => TenantStatus::ReadOnly,
                "agency-shut" => TenantStatus::Disabled,
                "agency-broken" => return Err(Unavailable("database is locked".to_owned())),
                _ => return Ok(None),
            };
            Ok(Some(TenantRecord { id: id.clone(), status, display_name: id.to_string() }))
        })
    }

    fn client<'a>(
        &'a self,
        tenant: &'a TenantId,
        client: &'a ClientId,
    ) -> Answer<'a, Result<Option<ClientRecord>, Unavailable>> {
        Box::pin(async move {
            Ok(Some(ClientRecord { tenant: tenant.clone(), id: client.clone(), active: Standing::Active }))
        })
    }

    fn membership<'a>(
        &'a self,
        tenant: &'a TenantId,
        _: &'a Issuer,
        subject: &'a Subject,
    ) -> Answer<'a, Result<Option<MembershipRecord>, Unavailable>> {
        Box::pin(async move {
            Ok((subject.as_str() == "ada").then(|| MembershipRecord {
                tenant: tenant.clone(),
                version: 1,
                roles: BTreeSet::from(["clerk".parse().unwrap()]),
                standing: Standing::Active,
            }))
        })
    }
}

impl ClassifyRoute for Fake {
    fn action(&self, method: &Method, path: &str) -> Option<Action> {
        let (name, class) = match (method.as_str(), path) {
            ("GET", "/tenants/{tenant}/cases" | "/me/cases" | "/me/debtor" | "/me/moved") => {
                ("case.list", OperationClass::Read)
            }
            (
                "GET",
                "/tenants/{tenant}/copies/{tenant}"
                | "/tenants/{tenant}/peers/{tenantId}"
                | "/by-id/{tenant_id}/cases"
                | "/by-camel/{tenantId}/cases"
                | "/by-org/{org}/cases",
            ) => ("case.list", OperationClass::Read),
            ("GET", "/tenants/{tenant}/cases/{case}") => ("case.read", OperationClass::Read),
            ("POST", "/tenants/{tenant}/cases" | "/me/cases") => ("case.create", OperationClass::Write),
            ("GET", "/me/forbidden") => ("case.purge", OperationClass::Read),
            _ => return None,
        };
        let required_scope = "case:use".parse().unwrap();
        Some(Action { name: name.parse().unwrap(), class, required_scope })
    }
}

/// Says which tenant the handler works in; holds no record, and says so.
async fn tenant(Scoped(scope): Scoped) -> String {
    scope.ledger().waive("names the scope's own tenant, and reads no record");
    scope.tenant().to_string()
}

async fn missing(Scoped(_): Scoped, Path(_): Path<(String, String)>) -> Refused {
    Refused(ReasonCode::ResourceMissing.into())
}

async fn create(Scoped(scope): Scoped, body: String) -> Response {
    scope.ledger().waive("repeats what it was told, and writes no record");
    match scope.confirm(AssertionSource::Body, &body) {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(denial) => Refused(denial).into_response(),
    }
}

/// A guard whose policy lets clerks do these things.
fn guard(allowed: &[&str]) -> GuardLayer {
    let grant = |table: RoleTable, action: &&str| table.grant("clerk".parse().unwrap(), action.parse().unwrap());
    GuardLayer::new(Guard {
        assertions: Arc::new(HttpAssertions::default()),
        verifier: Arc::new(Fake),
        directory: Arc::new(Fake),
        policy: Arc::new(allowed.iter().fold(RoleTable::new(), grant)),
        routes: Arc::new(Fake),
        render: Arc::new(ProblemDetails),
    })
}

/// Gets `/me/cases` behind two guards, one around the other, with policies of their own.
pub(crate) async fn get_through_two_guards(outer: &[&str], inner: &[&str]) -> u16 {
    let routes = Router::new().route("/me/cases", get(tenant)).route_layer(guard(inner)).route_layer(guard(outer));
    let authorization = format!("Bearer {}", ada("agency-north"));
    let request = Request::get("/me/cases").header("authorization", authorization).body(Body::empty()).unwrap();
    routes.oneshot(request).await.unwrap().status().as_u16()
}

fn service() -> Router {
    Router::new()
        .route("/tenants/{tenant}/cases", get(tenant).post(create))
        .route("/tenants/{tenant}/cases/{case}", get(missing))
        .route("/tenants/{tenant}/copies/{tenant}", get(tenant))
        .route("/tenants/{tenant}/peers/{tenantId}", get(tenant))
        .route("/by-id/{tenant_id}/cases", get(tenant))
        .route("/by-camel/{tenantId}/cases", get(tenant))
        .route("/by-org/{org}/cases", get(tenant))
        .route("/me/cases", get(tenant).post(create))
        .route("/me/debtor", get(|Scoped(_): Scoped| async { "every tenant's cases" }))
        .route("/me/moved", get(|Scoped(_): Scoped| async { Redirect::to("/agency-south/case-1") }))
        .route("/me/forbidden", get(tenant))
        .route("/me/forgotten", get(tenant))
        .route("/me/forgotten-method", post(tenant))
        .route_layer(guard(&["case.list", "case.read", "case.create"]))
        .route("/unguarded", get(tenant))
        .route("/health", get(|| async { "ok" }))
}

/// A token that says this.
pub(crate) fn token(claims: &Value) -> String {
    raw_token(&claims.to_string())
}

/// A token with this payload, whatever it is.
pub(crate) fn raw_token(payload: &str) -> String {
    format!("{}.{}.signed", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(payload))
}

/// A token of `ada`, who is a member wherever a tenant exists, that names this tenant.
pub(crate) fn ada(tenant: &str) -> String {
    token(&json!({"iss": ISSUER, "sub": "ada", "tenant_id": tenant}))
}

/// Sends a request with these headers.
pub(crate) async fn send(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Seen {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = service().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Seen {
        status: parts.status.as_u16(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// Gets a path with this token and these other headers.
pub(crate) async fn get_as(token: &str, uri: &str, headers: &[(&str, &str)]) -> Seen {
    let authorization = format!("Bearer {token}");
    let all: Vec<(&str, &str)> =
        [("authorization", authorization.as_str())].into_iter().chain(headers.iter().copied()).collect();
    send("GET", uri, &all, "").await
}
