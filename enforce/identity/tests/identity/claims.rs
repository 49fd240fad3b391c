//! What a correctly signed token has to say, and how.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use watertight_core::TokenRejection as No;
use watertight_identity::{IssuerRegistry, RegistryError};

use crate::support::{ISSUER, North, START, entry, with, without};

/// The leeway of the entry in use.
const LEEWAY: u64 = 5;

/// CVE-2026-25537: text in place of a number was taken for an absent claim.
#[tokio::test]
async fn a_time_of_the_wrong_type_is_refused_never_absent() {
    let north = North::new().await;
    for name in ["exp", "nbf", "iat"] {
        for wrong in [
            json!("1800000300"),
            json!("soon"),
            json!(null),
            json!(true),
            json!([START]),
            json!({}),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
        ] {
            assert_eq!(north.with_claim(name, wrong.clone()).await, Err(No::Malformed), "{name} {wrong}");
        }
    }
}

#[tokio::test]
async fn required_claims_are_named_when_missing() {
    let north = North::new().await;
    for name in ["iss", "sub", "aud", "exp", "iat", "client_id"] {
        assert_eq!(north.without_claim(name).await, Err(No::MissingClaim(name)), "{name}");
    }
    for name in ["nbf", "jti", "scope"] {
        assert!(north.without_claim(name).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn texts_of_the_wrong_type_are_refused() {
    let north = North::new().await;
    for name in ["iss", "sub", "client_id", "azp", "scope"] {
        for wrong in [json!(null), json!(1), json!(["x"]), json!({})] {
            assert_eq!(north.with_claim(name, wrong.clone()).await, Err(No::Malformed), "{name} {wrong}");
        }
    }
    assert_eq!(north.with_claim("sub", json!("")).await, Err(No::Malformed));
    assert_eq!(north.with_claim("scope", json!("case:read \u{7f}")).await, Err(No::Malformed));
}

#[tokio::test]
async fn a_token_dies_at_exp_and_the_leeway() {
    let north = North::new().await;
    let token = north.token();
    let facts = north.verify(&token).await.unwrap();
    assert_eq!(facts.expires_at, UNIX_EPOCH + Duration::from_secs(START + 300));
    north.world.clock.advance(300 + LEEWAY - 1);
    assert!(north.verify(&token).await.is_ok());
    north.world.clock.advance(1);
    assert_eq!(north.verify(&token).await, Err(No::Expired));
}

/// GHSA-x937-hj6v-793p: a token that passed once was served from a cache after its end.
#[tokio::test]
async fn a_token_that_passed_before_is_refused_after_its_end() {
    let north = North::new().await;
    let token = north.token();
    assert!(north.verify(&token).await.is_ok());
    north.world.clock.advance(400);
    assert_eq!(north.verify(&token).await, Err(No::Expired));
    assert_eq!(north.without_claim("iat").await, Err(No::MissingClaim("iat")));
}

#[tokio::test]
async fn a_token_counts_from_nbf_and_iat_with_the_leeway() {
    let north = North::new().await;
    for name in ["nbf", "iat"] {
        assert!(north.with_claim(name, json!(START + LEEWAY)).await.is_ok(), "{name}");
        assert_eq!(north.with_claim(name, json!(START + LEEWAY + 1)).await, Err(No::NotYetValid), "{name}");
        assert_eq!(north.with_claim(name, json!(START as f64 + 5.5)).await, Err(No::NotYetValid), "{name}");
    }
    assert!(north.with_claim("exp", json!(START as f64 + 0.5)).await.is_ok());
}

#[tokio::test]
async fn the_audience_is_a_registered_one_in_either_form() {
    let north = North::new().await;
    for good in [json!("case-api"), json!(["case-api"]), json!(["billing-api", "case-api"])] {
        assert!(north.with_claim("aud", good.clone()).await.is_ok(), "{good}");
    }
    for other in [
        json!("billing-api"),
        json!(["billing-api"]),
        json!([]),
        json!(""),
        json!("*"),
        json!(["*"]),
        json!("case-api "),
        json!("Case-API"),
        json!("case-api billing-api"),
    ] {
        assert_eq!(north.with_claim("aud", other.clone()).await, Err(No::Audience), "{other}");
    }
    for wrong in [json!(null), json!(1), json!({"case-api": 1}), json!(["case-api", 1]), json!([["case-api"]])] {
        assert_eq!(north.with_claim("aud", wrong.clone()).await, Err(No::Malformed), "{wrong}");
    }
}

#[tokio::test]
async fn the_tenant_claim_is_there_and_names_the_tenant() {
    let north = North::new().await;
    assert_eq!(north.without_claim("tenant_id").await, Err(No::TenantClaim));
    for wrong in [
        json!("agency-south"),
        json!(""),
        json!("*"),
        json!(null),
        json!(1),
        json!(true),
        json!(["agency-north"]),
        json!(["agency-north", "agency-south"]),
        json!({"id": "agency-north"}),
        json!("agency-north "),
        json!("agency-north\u{0}"),
    ] {
        assert_eq!(north.with_claim("tenant_id", wrong.clone()).await, Err(No::TenantClaim), "{wrong}");
    }
    assert!(north.with_claim("tenant_id", json!("Agency-North")).await.is_ok(), "tenants are compared without case");
}

#[tokio::test]
async fn the_tenant_is_read_from_the_registered_claim_alone() {
    let north = North::trusting(|entry| entry.tenant_claim = "org".to_owned()).await;
    assert_eq!(north.verify(&north.token()).await, Err(No::TenantClaim));
    let moved = with(without(North::claims(), "tenant_id"), "org", json!("agency-north"));
    assert!(north.verify(&north.signer.sign(&moved)).await.is_ok());
}

#[tokio::test]
async fn only_registered_clients_count() {
    let north = North::new().await;
    for other in ["south-service", "North-Service", "north-service "] {
        assert_eq!(north.with_claim("client_id", json!(other)).await, Err(No::Client), "{other}");
    }
    let by_azp = with(without(North::claims(), "client_id"), "azp", json!("north-service"));
    assert!(north.verify(&north.signer.sign(&by_azp)).await.is_ok());
    assert_eq!(north.with_claim("azp", json!("south-service")).await, Err(No::Client), "azp contradicts client_id");
    let nobody = North::trusting(|entry| entry.clients.clear()).await;
    assert_eq!(nobody.verify(&nobody.token()).await, Err(No::Client));
}

#[tokio::test]
async fn the_issuer_is_compared_byte_for_byte() {
    let north = North::new().await;
    for other in
        [format!("{ISSUER}/"), ISSUER.to_uppercase(), format!("{ISSUER}:443"), ISSUER[..10].to_owned(), String::new()]
    {
        assert_eq!(north.with_claim("iss", Value::String(other.clone())).await, Err(No::UnknownIssuer), "{other}");
    }
    assert_eq!(north.endpoint.fetches(), 0);
}

#[test]
fn a_registry_takes_each_issuer_of_a_tenant_once_and_keeps_its_rules() {
    let sound = || entry("agency-north", ISSUER, "https://idp.example/keys");
    assert!(matches!(IssuerRegistry::new(vec![sound(), sound()]), Err(RegistryError::Duplicate { .. })));
    assert!(IssuerRegistry::new(vec![sound(), entry("agency-south", ISSUER, "https://idp.example/keys")]).is_ok());
    let breaks: [fn(&mut watertight_identity::IssuerEntry); 6] = [
        |entry| entry.algorithms.clear(),
        |entry| entry.audiences.clear(),
        |entry| entry.tenant_claim.clear(),
        |entry| entry.leeway = Duration::from_secs(301),
        |entry| entry.max_stale = Duration::ZERO,
        |entry| entry.max_stale = Duration::from_secs(86_401),
    ];
    for break_rule in breaks {
        let mut entry = sound();
        break_rule(&mut entry);
        assert!(matches!(IssuerRegistry::new(vec![entry]), Err(RegistryError::Rule { .. })));
    }
}
