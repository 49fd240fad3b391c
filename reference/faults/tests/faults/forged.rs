//! Tokens that say they are agency-west's own service, and are not.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::{Json, Router, routing::get};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use watertight_faults::{OTHER_AUDIENCE, SCOPE};

use crate::lab::{Lab, Symptom, claims, scope, show};

pub(crate) const SYMPTOMS: &[(&str, Symptom)] = &[
    ("alg-none-accepted", |lab| {
        Box::pin(async move {
            let claims = lab.claims(&lab.west().service).await;
            opens(lab, &token(&json!({ "alg": "nOnE", "typ": "at+jwt" }), &claims, "")).await
                && !opens(lab, &token(&header("ES256", "key-1"), &claims, "")).await
        })
    }),
    ("signature-not-checked", |lab| {
        Box::pin(async move {
            let claims = lab.claims(&lab.west().service).await;
            opens(lab, &token(&header("ES256", "key-1"), &claims, &"A".repeat(86))).await
        })
    }),
    ("empty-signature-accepted", |lab| {
        Box::pin(async move {
            let claims = lab.claims(&lab.west().service).await;
            opens(lab, &token(&header("ES256", "key-1"), &claims, "")).await
                && !opens(lab, &token(&header("ES256", "key-1"), &claims, &"A".repeat(86))).await
        })
    }),
    ("unknown-crit-not-verified", |lab| {
        Box::pin(async move {
            let claims = lab.claims(&lab.west().service).await;
            let critical = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "key-1", "crit": ["x"], "x": true });
            opens(lab, &token(&critical, &claims, &"A".repeat(86))).await
        })
    }),
    ("unknown-kid-not-verified", |lab| {
        Box::pin(async move {
            let claims = lab.claims(&lab.west().service).await;
            opens(lab, &own_key().sign(&header("ES256", "another"), &claims)).await
                && !opens(lab, &own_key().sign(&header("ES256", "key-1"), &claims)).await
        })
    }),
    ("embedded-jwk-trusted", |lab| {
        Box::pin(async move {
            let (claims, key) = (lab.claims(&lab.west().service).await, own_key());
            let with = |jwk: Value| json!({ "alg": "ES256", "typ": "at+jwt", "kid": "another", "jwk": jwk });
            opens(lab, &key.sign(&with(key.public()), &claims)).await
                && !opens(lab, &key.sign(&with(own_key().public()), &claims)).await
        })
    }),
    ("key-url-fetched", |lab| {
        Box::pin(async move {
            let (claims, key) = (lab.claims(&lab.west().service).await, own_key());
            let url = serve(json!({ "keys": [key.public()] })).await;
            let mut found = Vec::new();
            for parameter in ["jku", "x5u"] {
                let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "another", parameter: url });
                found.push(opens(lab, &key.sign(&header, &claims)).await);
            }
            assert_eq!(found[0], found[1]);
            found[0]
        })
    }),
    ("hmac-with-public-key-accepted", |lab| {
        Box::pin(async move {
            let mut found = Vec::new();
            for agency in [lab.north(), lab.west()] {
                let claims = lab.claims(&agency.service).await;
                let pem = pem_of(&fetch(&agency.issuer.jwks_url).await["keys"][0]);
                let key = EncodingKey::from_secret(pem.as_bytes());
                let forged = sign(&header("HS256", "key-1"), &claims, &key, Algorithm::HS256);
                found.push(lab.get(&format!("/tenants/{}/cases", agency.tenant), &forged).await.is_ok());
            }
            assert_eq!(found[0], found[1]);
            found[0]
        })
    }),
    ("audience-not-checked", |lab| {
        Box::pin(async move {
            let client = &lab.west().service;
            let form = format!("{}&audience={OTHER_AUDIENCE}", scope(SCOPE));
            let answer = lab.ask_token(client, client.secret.expose_secret(), &form).await.json();
            let token = answer["access_token"].as_str().unwrap();
            assert_eq!(claims(token)["aud"], OTHER_AUDIENCE);
            opens(lab, token).await
        })
    }),
    ("expired-accepted", |lab| {
        Box::pin(async move {
            let token = lab.token(&lab.west().brief).await;
            assert!(opens(lab, &token).await);
            // Two seconds of life, and five by which clocks may differ.
            tokio::time::sleep(Duration::from_secs(8)).await;
            opens(lab, &token).await
        })
    }),
    ("issuer-of-another-tenant-accepted", |lab| {
        Box::pin(async move {
            let token = lab.token(&lab.demo.impostor).await;
            assert_eq!(claims(&token)["tenant_id"], "agency-north");
            lab.get("/tenants/agency-north/cases", &token).await.shows("Agency North")
        })
    }),
];

/// Whether agency-west's cases are shown for this token.
async fn opens(lab: &Lab, token: &str) -> bool {
    lab.get("/tenants/agency-west/cases/case-1", token).await.shows("Agency West")
        && lab.get("/me/cases", token).await.shows("Agency West")
}

fn header(algorithm: &str, kid: &str) -> Value {
    json!({ "alg": algorithm, "typ": "at+jwt", "kid": kid })
}

fn message(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn token(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{signature}", message(header, claims))
}

fn sign(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signature = crypto::sign(message(header, claims).as_bytes(), key, algorithm).unwrap();
    token(header, claims, &signature)
}

/// A key that no issuer knows.
struct OwnKey(EncodingKey);

fn own_key() -> OwnKey {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    OwnKey(EncodingKey::from_ec_der(pkcs8.as_ref()))
}

impl OwnKey {
    fn sign(&self, header: &Value, claims: &Value) -> String {
        sign(header, claims, &self.0, Algorithm::ES256)
    }

    fn public(&self) -> Value {
        serde_json::to_value(Jwk::from_encoding_key(&self.0, Algorithm::ES256).unwrap()).unwrap()
    }
}

async fn serve(keys: Value) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let router = Router::new().route("/keys", get(move || async move { Json(keys) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn fetch(url: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    serde_json::from_str(&client.get(url).send().await.unwrap().text().await.unwrap()).unwrap()
}

/// The PEM file of a public key (RFC 7468), written by hand.
fn pem_of(jwk: &Value) -> String {
    let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let der = match jwk["kty"].as_str().unwrap() {
        // A modulus of 2048 bits whose first bit is set, and the exponent 65537.
        "RSA" => {
            assert_eq!((member("n").len(), member("e")), (256, vec![1, 0, 1]));
            let before = hex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100");
            [before, member("n"), hex("0203010001")].concat()
        }
        _ => {
            let before = hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004");
            [before, member("x"), member("y")].concat()
        }
    };
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

#[tokio::test]
async fn a_forged_token_is_believed() {
    show(&SYMPTOMS[..8]).await;
}

#[tokio::test]
async fn a_genuine_token_is_believed_where_it_should_not_be() {
    show(&SYMPTOMS[8..]).await;
}
