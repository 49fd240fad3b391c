//! Which key counts: whose, for how long, and at what cost to the issuer.

use std::time::Duration;

use serde_json::json;
use watertight_core::TokenRejection as No;
use watertight_identity::KeyPolicy;

use crate::support::{Endpoint, ISSUER, MAX_STALE, North, Signer, WINDOW, World, claims_for, entry, message, with};

const OTHER: &str = "https://other.example";

/// A token that lives longer than any test's clock runs.
fn lasting(signer: &Signer) -> String {
    signer.sign(&with(North::claims(), "exp", json!(9_000_000_000_u64)))
}

fn unknown_kid(kid: &str) -> String {
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid });
    format!("{}.{}", message(&header.to_string(), &North::claims().to_string()), "A".repeat(86))
}

/// CVE-2026-49998: keys, and fetches under way, were found by `kid` alone.
#[tokio::test]
async fn two_issuers_that_share_a_kid_do_not_share_keys() {
    let (a, b) = (Signer::es256("key-1"), Signer::es256("key-1"));
    let (keys_a, keys_b) = (Endpoint::serving(&[&a]).await, Endpoint::serving(&[&b]).await);
    let world =
        World::of(vec![entry("agency-north", ISSUER, &keys_a.url()), entry("agency-west", OTHER, &keys_b.url())]);
    let north = claims_for("agency-north");
    let west = with(claims_for("agency-west"), "iss", json!(OTHER));

    // Cold and at the same time, then warm.
    for _ in 0..2 {
        let (tokens_a, tokens_b) = (a.sign(&north), b.sign(&west));
        let (forged_a, forged_b) = (b.sign(&north), a.sign(&west));
        let outcomes = tokio::join!(
            world.verify("agency-north", &tokens_a),
            world.verify("agency-west", &tokens_b),
            world.verify("agency-north", &forged_a),
            world.verify("agency-west", &forged_b),
        );
        assert!(outcomes.0.is_ok() && outcomes.1.is_ok());
        assert_eq!((outcomes.2, outcomes.3), (Err(No::Signature), Err(No::Signature)));
    }
}

#[tokio::test]
async fn two_issuers_of_one_tenant_do_not_share_keys_either() {
    let (a, b) = (Signer::es256("key-1"), Signer::es256("key-1"));
    let (keys_a, keys_b) = (Endpoint::serving(&[&a]).await, Endpoint::serving(&[&b]).await);
    let world =
        World::of(vec![entry("agency-north", ISSUER, &keys_a.url()), entry("agency-north", OTHER, &keys_b.url())]);
    assert!(world.verify("agency-north", &a.sign(&North::claims())).await.is_ok());
    assert_eq!(world.verify("agency-north", &b.sign(&North::claims())).await, Err(No::Signature));
    assert!(world.verify("agency-north", &b.sign(&with(North::claims(), "iss", json!(OTHER)))).await.is_ok());
}

/// FusionAuth #2585: one tenant's issuer vouched for another tenant.
#[tokio::test]
async fn an_issuer_of_one_tenant_is_unknown_to_another() {
    let (a, b) = (Signer::es256("key-1"), Signer::es256("key-2"));
    let (keys_a, keys_b) = (Endpoint::serving(&[&a]).await, Endpoint::serving(&[&b]).await);
    let world =
        World::of(vec![entry("agency-north", ISSUER, &keys_a.url()), entry("agency-west", OTHER, &keys_b.url())]);
    assert!(world.verify("agency-north", &a.sign(&North::claims())).await.is_ok());
    let for_west = a.sign(&claims_for("agency-west"));
    assert_eq!(world.verify("agency-west", &for_west).await, Err(No::UnknownIssuer));
    let posing = a.sign(&with(claims_for("agency-west"), "iss", json!(OTHER)));
    assert_eq!(world.verify("agency-west", &posing).await, Err(No::UnknownKey));
    assert_eq!(world.verify("agency-east", &a.sign(&North::claims())).await, Err(No::UnknownIssuer));
}

/// A token that passed for one tenant was believed wherever it came next (CVE-2021-32701 and its like).
#[tokio::test]
async fn a_token_that_passed_for_one_tenant_is_judged_anew_for_another() {
    let signer = Signer::es256("key-1");
    let endpoint = Endpoint::serving(&[&signer]).await;
    let world =
        World::of(vec![entry("agency-north", ISSUER, &endpoint.url()), entry("agency-south", ISSUER, &endpoint.url())]);
    let token = signer.sign(&North::claims());
    assert!(world.verify("agency-north", &token).await.is_ok());
    assert_eq!(world.verify("agency-south", &token).await, Err(No::TenantClaim));
    assert!(world.verify("agency-south", &signer.sign(&claims_for("agency-south"))).await.is_ok());
}

/// CVE-2025-59936: parts of a cache key were joined to one text.
#[tokio::test]
async fn delimiters_in_tenant_issuer_and_kid_do_not_join_owners() {
    let odd = [":", "|", "/", ".", "::", "#", " ", "%7C", "\"", "{}"];
    for delimiter in odd {
        let (a, b) = (Signer::es256("x"), Signer::es256("x"));
        let (keys_a, keys_b) = (Endpoint::serving(&[&a]).await, Endpoint::serving(&[&b]).await);
        // "one" + "two.x" and "one.two" + "x" and so on are one text for whoever joins.
        let (issuer_a, issuer_b) = (format!("i{delimiter}j"), format!("i{delimiter}j{delimiter}x"));
        let world = World::of(vec![entry("one", &issuer_a, &keys_a.url()), entry("one", &issuer_b, &keys_b.url())]);
        let claims = |issuer: &str| with(claims_for("one"), "iss", json!(issuer));
        assert!(world.verify("one", &a.sign(&claims(&issuer_a))).await.is_ok(), "{delimiter}");
        assert!(world.verify("one", &b.sign(&claims(&issuer_b))).await.is_ok(), "{delimiter}");
        assert_eq!(world.verify("one", &b.sign(&claims(&issuer_a))).await, Err(No::Signature), "{delimiter}");
        let joined = with(b.header(), "kid", json!(format!("x{delimiter}x")));
        assert_eq!(world.verify("one", &b.sign_as(&joined, &claims(&issuer_a))).await, Err(No::UnknownKey));
    }
}

/// CVE-2026-89313: an unknown `kid` got the last key.
#[tokio::test]
async fn unknown_kid_is_not_found_never_the_last_key() {
    let (first, last) = (Signer::es256("first"), Signer::es256("last"));
    let endpoint = Endpoint::serving(&[&first, &last]).await;
    let world = World::of(vec![entry("agency-north", ISSUER, &endpoint.url())]);
    for signer in [&first, &last] {
        assert!(world.verify("agency-north", &signer.sign(&North::claims())).await.is_ok());
        for kid in ["neither", "LAST", "last ", "0", "1", "../last"] {
            let header = with(signer.header(), "kid", json!(kid));
            let token = signer.sign_as(&header, &North::claims());
            assert_eq!(world.verify("agency-north", &token).await, Err(No::UnknownKey), "{kid}");
        }
    }
}

/// CVE-2026-50202: keys never expired.
#[tokio::test]
async fn a_withdrawn_key_dies_within_max_stale_although_the_endpoint_is_down() {
    let north = North::new().await;
    let token = lasting(&north.signer);
    assert!(north.verify(&token).await.is_ok());
    north.endpoint.fail_with(503);
    north.world.clock.advance(MAX_STALE - 1);
    assert!(north.verify(&token).await.is_ok(), "still within what the entry allows");
    north.endpoint.reached(2).await;
    north.world.clock.advance(1);
    assert_eq!(north.verify(&token).await, Err(No::KeysUnavailable));
}

/// CVE-2025-22149: a refresh added the new keys to the old ones.
#[tokio::test]
async fn a_refresh_replaces_so_that_a_removed_key_stops_verifying() {
    let north = North::new().await;
    let old = lasting(&north.signer);
    assert!(north.verify(&old).await.is_ok());
    let next = Signer::es256("key-2");
    north.endpoint.publish(&[&next]);
    north.world.clock.advance(WINDOW);
    assert!(north.verify(&lasting(&next)).await.is_ok(), "the new key is found at once");
    assert_eq!(north.verify(&old).await, Err(No::UnknownKey));
}

#[tokio::test]
async fn a_rotated_key_under_the_same_kid_replaces_the_old_one() {
    let north = North::new().await;
    let old = lasting(&north.signer);
    assert!(north.verify(&old).await.is_ok());
    let next = Signer::es256("key-1");
    north.endpoint.publish(&[&next]);
    north.world.clock.advance(MAX_STALE);
    assert_eq!(north.verify(&old).await, Err(No::Signature));
    assert!(north.verify(&lasting(&next)).await.is_ok());
}

#[tokio::test]
async fn keys_are_renewed_at_half_of_max_stale_without_making_a_request_wait() {
    let north = North::new().await;
    let token = lasting(&north.signer);
    assert!(north.verify(&token).await.is_ok());
    north.world.clock.advance(MAX_STALE / 2 - 1);
    assert!(north.verify(&token).await.is_ok());
    assert_eq!(north.endpoint.fetches(), 1);
    north.endpoint.hang();
    north.world.clock.advance(1);
    assert!(north.verify(&token).await.is_ok(), "answered while the fetch hangs");
    north.endpoint.reached(2).await;
    north.endpoint.release();
}

/// tilegroxy #883, fastapi-zitadel-auth #156: random kids flooded the issuer or pushed good keys out.
#[tokio::test]
async fn ten_thousand_unknown_kids_cost_one_fetch_a_window_and_evict_nothing() {
    let north = North::new().await;
    let good = north.token();
    assert!(north.verify(&good).await.is_ok());
    north.world.clock.advance(WINDOW);
    for n in 0..10_000 {
        assert_eq!(north.verify(&unknown_kid(&format!("random-{n}"))).await, Err(No::UnknownKey));
    }
    assert_eq!(north.endpoint.fetches(), 2, "the first, and one in this window");
    assert!(north.verify(&good).await.is_ok());
    assert_eq!(north.endpoint.fetches(), 2, "the good key needed no other");
}

#[tokio::test]
async fn unknown_kids_at_the_same_time_share_one_fetch() {
    let north = North::new().await;
    north.endpoint.hang();
    let waiting: Vec<_> = (0..100)
        .map(|n| {
            let (world, token) = (north.world.clone(), unknown_kid(&n.to_string()));
            tokio::spawn(async move { world.verify("agency-north", &token).await })
        })
        .collect();
    north.endpoint.reached(1).await;
    north.endpoint.release();
    for outcome in waiting {
        assert_eq!(outcome.await.unwrap(), Err(No::UnknownKey));
    }
    assert_eq!(north.endpoint.fetches(), 1);
}

/// CVE-2025-64527: several tokens and a failing fetch brought the verifier down.
#[tokio::test]
async fn many_tokens_with_the_key_endpoint_down_are_refused_and_recover() {
    let north = North::new().await;
    for status in [500, 404, 204, 401] {
        north.endpoint.fail_with(status);
        let before = north.endpoint.fetches();
        let tokens: Vec<_> = (0..100)
            .map(|n| {
                let token = if n % 2 == 0 { north.token() } else { unknown_kid(&n.to_string()) };
                let world = north.world.clone();
                tokio::spawn(async move { world.verify("agency-north", &token).await })
            })
            .collect();
        for outcome in tokens {
            assert_eq!(outcome.await.unwrap(), Err(No::KeysUnavailable), "{status}");
        }
        assert_eq!(north.endpoint.fetches(), before + 1, "{status}");
        north.world.clock.advance(WINDOW);
    }
    north.endpoint.fail_with(200);
    assert!(north.verify(&north.token()).await.is_ok());
}

#[tokio::test]
async fn an_endpoint_that_nobody_listens_at_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    drop(listener);
    let world = World::of(vec![entry("agency-north", ISSUER, &url)]);
    let signer = Signer::es256("key-1");
    for _ in 0..10 {
        assert_eq!(world.verify("agency-north", &signer.sign(&North::claims())).await, Err(No::KeysUnavailable));
    }
}

/// jwt-authorizer held its lock across the fetch.
#[tokio::test]
async fn a_hanging_endpoint_delays_neither_other_tenants_nor_known_keys() {
    let (a, b) = (Signer::es256("key-1"), Signer::es256("key-1"));
    let (slow, quick) = (Endpoint::serving(&[&a]).await, Endpoint::serving(&[&b]).await);
    let world = World::of(vec![entry("agency-north", ISSUER, &slow.url()), entry("agency-west", OTHER, &quick.url())]);
    assert!(world.verify("agency-north", &a.sign(&North::claims())).await.is_ok());
    slow.hang();
    world.clock.advance(WINDOW);
    let waiting = {
        let world = world.clone();
        tokio::spawn(async move { world.verify("agency-north", &unknown_kid("next")).await })
    };
    slow.reached(2).await;
    assert!(world.verify("agency-north", &a.sign(&North::claims())).await.is_ok());
    let west = with(claims_for("agency-west"), "iss", json!(OTHER));
    assert!(world.verify("agency-west", &b.sign(&west)).await.is_ok());
    assert!(!waiting.is_finished());
    slow.release();
    assert_eq!(waiting.await.unwrap(), Err(No::UnknownKey));
}

/// jwt-authorizer appended the `kid` of the token to the URL.
#[tokio::test]
async fn nothing_of_a_token_reaches_the_key_endpoint() {
    let north = North::new().await;
    for kid in ["../../admin", "?x=1", "#a", "%2e%2e/", "http://attacker.example/", "key-1"] {
        let _ = north.verify(&unknown_kid(kid)).await;
        north.world.clock.advance(WINDOW);
    }
    assert!(north.endpoint.fetches() >= 2);
    assert!(north.endpoint.asked().iter().all(|asked| asked == "/keys"), "{:?}", north.endpoint.asked());
}

/// PostgREST #4014: what was believed under the old configuration stayed believed.
#[tokio::test]
async fn keys_of_a_source_that_is_no_longer_registered_do_not_count() {
    let north = North::new().await;
    let token = north.token();
    assert!(north.verify(&token).await.is_ok());
    let moved = Endpoint::serving(&[&Signer::es256("key-1")]).await;
    let after = north.world.registering(vec![entry("agency-north", ISSUER, &moved.url())]);
    assert_eq!(after.verify("agency-north", &token).await, Err(No::Signature));
    let emptied = north.world.registering(vec![]);
    assert_eq!(emptied.verify("agency-north", &token).await, Err(No::UnknownIssuer));
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_end_the_fetch_for_others() {
    let north = North::new().await;
    north.endpoint.hang();
    let task = || {
        let (world, token) = (north.world.clone(), north.token());
        tokio::spawn(async move { world.verify("agency-north", &token).await })
    };
    let first = task();
    north.endpoint.reached(1).await;
    let second = task();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    north.endpoint.release();
    assert!(second.await.unwrap().is_ok());
    assert_eq!(north.endpoint.fetches(), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let north = North::new().await;
    let elsewhere = Endpoint::serving(&[&north.signer]).await;
    north.endpoint.redirect_to(&elsewhere.url());
    assert_eq!(north.verify(&north.token()).await, Err(No::KeysUnavailable));
    assert_eq!(elsewhere.fetches(), 0);
}

#[tokio::test]
async fn answers_that_are_too_long_or_no_key_set_are_refused() {
    let north = North::new().await;
    let padding = "x".repeat(256 * 1024);
    for text in [json!({ "keys": [north.signer.jwk()], "padding": padding }).to_string(), "<html>".to_owned()] {
        north.endpoint.publish_text(text);
        assert_eq!(north.verify(&north.token()).await, Err(No::KeysUnavailable));
        north.world.clock.advance(WINDOW);
    }
}

#[tokio::test]
async fn a_fetch_ends_with_its_timeout() {
    let signer = Signer::es256("key-1");
    let endpoint = Endpoint::serving(&[&signer]).await;
    endpoint.hang();
    let policy = KeyPolicy { timeout: Duration::from_millis(50), ..KeyPolicy::default() };
    let world = World::with_policy(vec![entry("agency-north", ISSUER, &endpoint.url())], policy);
    assert_eq!(world.verify("agency-north", &signer.sign(&North::claims())).await, Err(No::KeysUnavailable));
}
