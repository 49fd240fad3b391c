//! Tokens that the issuer did not sign, or not like this (RFC 8725 3.1, 3.10, 3.11).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, crypto};
use serde_json::{Value, json};
use watertight_core::TokenRejection as No;
use watertight_identity::{Algorithm, TokenType};

use crate::support::{Endpoint, ISSUER, North, Signer, World, entry, message, with, without};

#[tokio::test]
async fn a_sound_token_of_either_algorithm_is_believed_and_read() {
    let (rsa, ec) = (Signer::rs256("key-1"), Signer::es256("key-1"));
    for signer in [rsa, ec] {
        let endpoint = Endpoint::serving(&[&signer]).await;
        let world = World::of(vec![entry("agency-north", ISSUER, &endpoint.url())]);
        let facts = world.verify("agency-north", &signer.sign(&North::claims())).await.unwrap();
        assert_eq!(facts.issuer.as_str(), ISSUER);
        assert_eq!(facts.subject.as_str(), "clerk-1");
        assert_eq!(facts.client.as_str(), "north-service");
        assert_eq!(facts.scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>(), ["case:read", "case:write"]);
        assert_eq!(facts.tenant_claim.unwrap().as_str(), "agency-north");
    }
}

#[tokio::test]
async fn alg_none_is_refused_in_every_spelling() {
    let north = North::new().await;
    let signature = north.token().rsplit('.').next().unwrap().to_owned();
    for alg in ["none", "None", "NONE", "nOnE", "none ", "\u{0}none", "", "null"] {
        let message =
            message(&with(north.signer.header(), "alg", json!(alg)).to_string(), &North::claims().to_string());
        for token in [format!("{message}."), format!("{message}.{signature}")] {
            assert_eq!(north.verify(&token).await, Err(No::Algorithm), "{alg:?}");
        }
    }
    for alg in [json!(null), json!(["none"]), json!(0), json!(false)] {
        assert_eq!(north.with_header("alg", alg.clone()).await, Err(No::Malformed), "{alg}");
    }
    let header = without(north.signer.header(), "alg");
    assert_eq!(north.verify(&north.signer.sign_as(&header, &North::claims())).await, Err(No::Malformed));
    assert_eq!(north.endpoint.fetches(), 0, "nothing is fetched for a token that cannot pass");
}

#[tokio::test]
async fn hmac_with_the_public_key_as_secret_is_refused() {
    let signer = Signer::rs256("key-1");
    let endpoint = Endpoint::serving(&[&signer]).await;
    let world = World::of(vec![entry("agency-north", ISSUER, &endpoint.url())]);
    let modulus = URL_SAFE_NO_PAD.decode(signer.jwk()["n"].as_str().unwrap()).unwrap();
    for secret in [signer.jwk().to_string().into_bytes(), modulus] {
        for (name, algorithm) in [("HS256", jsonwebtoken::Algorithm::HS256), ("HS512", jsonwebtoken::Algorithm::HS512)]
        {
            let message = message(&with(signer.header(), "alg", json!(name)).to_string(), &North::claims().to_string());
            let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(&secret), algorithm).unwrap();
            assert_eq!(world.verify("agency-north", &format!("{message}.{signature}")).await, Err(No::Algorithm));
        }
    }
}

#[tokio::test]
async fn an_algorithm_that_the_entry_does_not_name_is_refused_although_the_key_is_right() {
    let north = North::trusting(|entry| entry.algorithms = [Algorithm::Rs256].into()).await;
    assert_eq!(north.verify(&north.token()).await, Err(No::Algorithm));
    for alg in ["RS384", "PS256", "ES384", "EdDSA", "es256", "ES256 "] {
        assert_eq!(north.with_header("alg", json!(alg)).await, Err(No::Algorithm), "{alg}");
    }
}

#[tokio::test]
async fn a_key_serves_its_own_algorithm_alone() {
    let north = North::new().await;
    assert_eq!(north.with_header("alg", json!("RS256")).await, Err(No::UnknownKey));
}

#[tokio::test]
async fn a_key_in_the_header_is_never_used() {
    let (north, attacker) = (North::new().await, Signer::es256("key-1"));
    let embedded = with(attacker.header(), "jwk", attacker.jwk());
    assert_eq!(north.verify(&attacker.sign_as(&embedded, &North::claims())).await, Err(No::Signature));
    let renamed = with(embedded, "kid", json!("attacker"));
    assert_eq!(north.verify(&attacker.sign_as(&renamed, &North::claims())).await, Err(No::UnknownKey));
    // The header is not a reason for refusal by itself: beside the right key it is just not looked at.
    assert!(north.with_header("jwk", attacker.jwk()).await.is_ok());
}

#[tokio::test]
async fn key_locations_in_the_header_cause_no_fetch() {
    let (north, attacker) = (North::new().await, Signer::es256("key-1"));
    let listener = Endpoint::serving(&[&attacker]).await;
    for member in ["jku", "x5u"] {
        let header = with(attacker.header(), member, json!(listener.url()));
        assert_eq!(north.verify(&attacker.sign_as(&header, &North::claims())).await, Err(No::Signature));
        let header = with(header, "kid", json!("attacker"));
        assert_eq!(north.verify(&attacker.sign_as(&header, &North::claims())).await, Err(No::UnknownKey));
    }
    assert_eq!(listener.fetches(), 0);
    assert_eq!(north.endpoint.asked(), ["/keys"]);
}

#[tokio::test]
async fn any_critical_header_is_refused() {
    let north = North::new().await;
    for crit in [json!(["exp"]), json!(["b64"]), json!(["https://x.example/ext"]), json!([]), json!(null)] {
        assert_eq!(north.with_header("crit", crit.clone()).await, Err(No::Critical), "{crit}");
    }
}

#[tokio::test]
async fn the_type_is_the_registered_one() {
    let strict = North::new().await;
    for typ in ["JWT", "logout+jwt", "secevent+jwt", "dpop+jwt", ""] {
        assert_eq!(strict.with_header("typ", json!(typ)).await, Err(No::Type), "{typ}");
    }
    assert!(strict.with_header("typ", json!("application/AT+jwt")).await.is_ok());
    assert_eq!(strict.with_header("typ", json!(null)).await, Err(No::Malformed));
    let untyped = strict.signer.sign_as(&without(strict.signer.header(), "typ"), &North::claims());
    assert_eq!(strict.verify(&untyped).await, Err(No::Type));

    let old = North::trusting(|entry| entry.token_type = TokenType::Jwt).await;
    let untyped = old.signer.sign_as(&without(old.signer.header(), "typ"), &North::claims());
    assert!(old.verify(&untyped).await.is_ok());
    assert!(old.with_header("typ", json!("JWT")).await.is_ok());
    assert_eq!(old.with_header("typ", json!("logout+jwt")).await, Err(No::Type));

    let any = North::trusting(|entry| entry.token_type = TokenType::Any).await;
    assert!(any.with_header("typ", json!("ours")).await.is_ok());
}

#[tokio::test]
async fn altered_claims_headers_and_signatures_are_refused() {
    let north = North::new().await;
    let token = north.token();
    let parts: Vec<&str> = token.split('.').collect();
    let other = URL_SAFE_NO_PAD.encode(with(North::claims(), "sub", json!("admin")).to_string());
    assert_eq!(north.verify(&format!("{}.{other}.{}", parts[0], parts[2])).await, Err(No::Signature));
    let mut bytes = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    bytes[10] ^= 1;
    let flipped = URL_SAFE_NO_PAD.encode(&bytes);
    for signature in ["", &parts[2][..40], &flipped, &format!("{}AAAA", parts[2]), &format!("{}==", parts[2])] {
        let token = format!("{}.{}.{signature}", parts[0], parts[1]);
        assert_eq!(north.verify(&token).await, Err(No::Signature), "{signature}");
    }
    // All-zero r and s, which some implementations of ECDSA took for valid (CVE-2022-21449).
    let zero = format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode([0_u8; 64]));
    assert_eq!(north.verify(&zero).await, Err(No::Signature));
}

#[tokio::test]
async fn texts_that_are_no_signed_token_are_malformed() {
    let north = North::new().await;
    let token = north.token();
    let signer = &north.signer;
    let header = signer.header().to_string();
    for text in [
        "a",
        "a.b",
        "a.b.c",
        "..",
        "...",
        &format!("{token}."),
        &format!(".{token}"),
        &format!("{token}.x.y"),
        &token.replace('.', "_"),
        &signer.sign_text("[]", "{}"),
        &signer.sign_text(&header, "[]"),
        &signer.sign_text(&header, "null"),
        &signer.sign_text(&header, ""),
        &signer.sign_text(&header, &format!("{} ,", North::claims())),
    ] {
        assert_eq!(north.verify(text).await, Err(No::Malformed), "{text}");
    }
}

#[tokio::test]
async fn a_claim_or_header_named_twice_is_refused() {
    let north = North::new().await;
    let twice = |json: Value, name: &str, value: &str| format!("{{\"{name}\":{value},{}", &json.to_string()[1..]);
    let header = north.signer.header();
    for (name, value) in [("tenant_id", "\"agency-south\""), ("tenant_id", "\"agency-north\""), ("exp", "9999999999")] {
        let token = north.signer.sign_text(&header.to_string(), &twice(North::claims(), name, value));
        assert_eq!(north.verify(&token).await, Err(No::Malformed), "{name}");
    }
    let token = north.signer.sign_text(&twice(header, "alg", "\"none\""), &North::claims().to_string());
    assert_eq!(north.verify(&token).await, Err(No::Malformed));
}

#[tokio::test]
async fn a_token_without_kid_finds_no_key_although_there_is_only_one() {
    let north = North::new().await;
    let token = north.signer.sign_as(&without(north.signer.header(), "kid"), &North::claims());
    assert_eq!(north.verify(&token).await, Err(No::UnknownKey));
    assert_eq!(north.with_header("kid", json!("")).await, Err(No::UnknownKey));
    assert_eq!(north.with_header("kid", json!(1)).await, Err(No::Malformed));
}
