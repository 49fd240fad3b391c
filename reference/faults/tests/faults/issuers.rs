//! What identity providers issue.

use secrecy::ExposeSecret;
use serde_json::Value;
use watertight_faults::{FORBIDDEN_SCOPE, SCOPE};

use crate::lab::{Lab, Symptom, audiences, scope, show};

pub(crate) const SYMPTOMS: &[(&str, Symptom)] = &[
    ("wildcard-audience", |lab| Box::pin(async move { audiences(&ordinary(lab).await).contains(&"*") })),
    ("unlisted-audience", |lab| {
        Box::pin(async move { audiences(&ordinary(lab).await).iter().any(|name| !["case-api", "*"].contains(name)) })
    }),
    ("tenant-claim-missing", |lab| Box::pin(async move { short_lived(lab).await.get("tenant_id").is_none() })),
    ("wrong-issuer-in-token", |lab| {
        Box::pin(async move { short_lived(lab).await["iss"] != lab.west().issuer.issuer_url })
    }),
    ("scopes-granted-beyond-asked", |lab| Box::pin(async move { ordinary(lab).await["scope"] != SCOPE })),
    ("admin-scope-granted", |lab| {
        Box::pin(async move {
            let client = &lab.west().service;
            let form = scope(&format!("{SCOPE} {FORBIDDEN_SCOPE}"));
            let answer = lab.ask_token(client, client.secret.expose_secret(), &form).await;
            assert_eq!(ordinary(lab).await["scope"], SCOPE);
            answer.is_ok() && answer.json()["scope"].as_str().unwrap().contains(FORBIDDEN_SCOPE)
        })
    }),
    ("token-lives-a-month", |lab| {
        Box::pin(async move {
            let life = |claims: &Value| claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
            assert_eq!(life(&short_lived(lab).await), 2);
            life(&ordinary(lab).await) > 24 * 60 * 60
        })
    }),
    ("any-secret-opens-any-client", |lab| {
        Box::pin(async move {
            let secret = lab.north().service.secret.expose_secret();
            assert!(!lab.ask_token(&lab.south().service, "guessed", &scope(SCOPE)).await.is_ok());
            lab.ask_token(&lab.south().service, secret, &scope(SCOPE)).await.is_ok()
        })
    }),
    ("shared-client-secret", |lab| {
        Box::pin(async move {
            let secret = |agency: &watertight_faults::DemoAgency| agency.service.secret.expose_secret().to_owned();
            let is_shared = secret(lab.north()) == secret(lab.south());
            assert!(!is_shared || lab.ask_token(&lab.south().service, &secret(lab.north()), "").await.is_ok());
            is_shared
        })
    }),
    ("token-signed-with-unpublished-key", |lab| {
        Box::pin(async move {
            let token = lab.token(&lab.west().brief).await;
            assert!(lab.get("/me", &lab.token(&lab.west().service).await).await.is_ok());
            lab.get("/me", &token).await.status == 401
        })
    }),
];

async fn ordinary(lab: &Lab) -> Value {
    lab.claims(&lab.west().service).await
}

async fn short_lived(lab: &Lab) -> Value {
    lab.claims(&lab.west().brief).await
}

#[tokio::test]
async fn an_issuer_decides_wrongly() {
    show(SYMPTOMS).await;
}
