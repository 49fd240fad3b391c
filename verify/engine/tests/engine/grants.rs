//! What is sent to a token endpoint, for each grant and each way in which a client proves itself.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::PublicKeyData as _;
use serde_json::Value;
use watertight_engine::call::Caller;
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, parsed, private_key, text};

/// A token endpoint that brings a new refresh token with every answer. What was sent to it, and what the log has of that.
async fn sent(south: &str) -> (Vec<String>, String) {
    let (url, seen) = serve(|stream, head| async move {
        let body = match head.starts_with("POST /token") {
            true => r#"{"access_token":"token-0123-access","refresh_token":"newer-refresh-77","expires_in":0}"#,
            false => "{}",
        };
        reply(stream, "", body.as_bytes()).await;
    })
    .await;
    let bed = Bed::new(parsed(&text(&url, "test", "", &format!("token_url = \"{url}/token\"\n{south}"))));
    for _ in 0..2 {
        let exchange = bed.one(bed.get(Caller::Own(bed.south()), "/x")).await;
        assert_eq!(exchange.status(), Some(200), "{south}: {:?}", exchange.outcome);
    }
    let seen = seen.lock().unwrap().iter().filter(|head| head.starts_with("POST /token")).cloned().collect();
    (seen, bed.recorded())
}

fn form(request: &str) -> Vec<(String, String)> {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    url::form_urlencoded::parse(body.as_bytes()).map(|(name, value)| (name.into(), value.into())).collect()
}

fn member(request: &str, name: &str) -> Option<String> {
    form(request).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

#[tokio::test]
async fn a_users_password_is_sent_with_the_applications_client_and_further_members() {
    let grant = "grant = \"password\"\nusername = \"south\"\npassword = \"$SOUTH_PASSWORD\"\n";
    let (seen, recorded) = sent(&format!("{grant}params = {{ audience = \"case-api\" }}")).await;
    let of = |name: &str| member(&seen[0], name);
    assert_eq!(of("grant_type").as_deref(), Some("password"));
    assert_eq!(of("username").as_deref(), Some("south"));
    assert_eq!(of("password").as_deref(), Some("pässword of south"));
    assert_eq!(of("audience").as_deref(), Some("case-api"));
    assert_eq!(of("client_id"), None);
    assert!(!seen[0].to_lowercase().contains("authorization:"), "no client is named");
    assert!(!recorded.contains("ssword of south"), "{recorded}");

    let (seen, _) = sent(&format!("{grant}client_id = \"app\"")).await;
    assert_eq!(member(&seen[0], "client_id").as_deref(), Some("app"), "a public client names itself");
}

#[tokio::test]
async fn a_refresh_token_is_replaced_by_the_one_that_its_use_brings() {
    let (seen, recorded) = sent("grant = \"refresh_token\"\nrefresh_token = \"$SOUTH_PASSWORD\"").await;
    let used: Vec<_> = seen.iter().map(|request| member(request, "refresh_token").unwrap()).collect();
    assert_eq!(used, ["pässword of south", "newer-refresh-77"]);
    assert!(!recorded.contains("newer-refresh-77") && !recorded.contains("ssword of south"), "{recorded}");
}

#[tokio::test]
async fn assertions_are_signed_with_the_clients_key_and_are_never_in_the_log() {
    let key = "private_key = \"$SOUTH_KEY\"\nkey_id = \"k-1\"\nkey_algorithm = \"ES256\"\n";
    let client = format!("grant = \"client_credentials\"\nclient_id = \"s\"\nclient_auth = \"private_key_jwt\"\n{key}");
    let bearer = format!("grant = \"jwt_bearer\"\nclaims = {{ iss = \"s\", sub = \"robot\", aud = \"idp\" }}\n{key}");
    for (south, name, subject) in [(client, "client_assertion", "s"), (bearer, "assertion", "robot")] {
        let (seen, recorded) = sent(&south).await;
        let assertions: Vec<_> = seen.iter().map(|request| member(request, name).unwrap()).collect();
        let claims: Vec<Value> = assertions.iter().map(|assertion| verified(assertion)).collect();
        assert_eq!(claims[0]["sub"], subject);
        assert_eq!(claims[0]["iss"], "s");
        assert_ne!(claims[0]["jti"], claims[1]["jti"], "each is used once");
        assert!(!recorded.contains(&assertions[0]) && !recorded.contains("PRIVATE KEY"), "{recorded}");
    }
}

#[tokio::test]
async fn a_key_that_does_not_sign_is_said() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"{}")).await;
    let south = format!(
        "token_url = \"{url}/token\"\ngrant = \"client_credentials\"\nclient_id = \"s\"\n\
         client_auth = \"private_key_jwt\"\nprivate_key = \"$SOUTH_PASSWORD\""
    );
    let bed = Bed::new(parsed(&text(&url, "test", "", &south)));
    let exchange = bed.one(bed.get(Caller::Own(bed.south()), "/x")).await;
    assert_eq!(exchange.status(), None);
    assert!(bed.recorded().contains("`private_key` does not sign"), "{}", bed.recorded());
    assert!(seen.lock().unwrap().is_empty(), "nothing is sent without it");
}

fn verified(assertion: &str) -> Value {
    let pair = rcgen::KeyPair::from_pem(private_key()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_aud = false;
    let header = jsonwebtoken::decode_header(assertion).unwrap();
    assert_eq!(header.kid.as_deref(), Some("k-1"));
    // What a decoder takes is the point alone: the last 65 bytes of the key's structure.
    let der = pair.der_bytes();
    let point = der.last_chunk::<65>().unwrap();
    jsonwebtoken::decode::<Value>(assertion, &DecodingKey::from_ec_der(point), &validation).unwrap().claims
}
