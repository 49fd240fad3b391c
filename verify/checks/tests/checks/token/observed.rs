//! What is seen in a fresh token.

use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Fixture, Switch};

use super::{OBSERVATIONS, all, caught, check, has_impostor, is_advisory, of};

#[tokio::test]
async fn a_sound_platform_is_isolated_in_every_check_and_pair() {
    // Tokens that die soon enough are tried by themselves: with the others they would be renewed all the time.
    let lasting = of(Fixture::tokens(), &[], |id| id.starts_with("token.") && id != "token.expired").await;
    for one in lasting.into_iter().chain(check("token.expired", &[Lifetime(1)]).await) {
        assert!(if has_impostor(&one) { one.is_isolated() } else { one.is_not_applicable() }, "{one:?}");
    }
}

#[tokio::test]
async fn a_token_that_says_something_else_is_found_by_the_check_of_that_claim() {
    let table: [(Switch, &[&str]); 19] = [
        (Claim("iss", "\"http://evil\""), &["token.issuer"]),
        (Claim("iss", "7"), &["token.issuer"]),
        (Claim("aud", "\"*\""), &["token.audience-wildcard", "token.audience-unlisted"]),
        (Claim("aud", "[\"case-api\", \"urn:*\"]"), &["token.audience-wildcard", "token.audience-unlisted"]),
        (Claim("aud", "[]"), &["token.audience-wildcard"]),
        (Claim("aud", "null"), &["token.audience-wildcard"]),
        (Claim("aud", "{ \"a\": 1 }"), &["token.audience-wildcard"]),
        (Claim("aud", "[\"case-api\", \"billing\"]"), &["token.audience-unlisted"]),
        (Claim("tenant_id", "null"), &["token.tenant-claim"]),
        (Claim("tenant_id", "[\"north\"]"), &["token.tenant-claim"]),
        (Claim("tenant_id", "\"south\""), &["token.tenant-claim"]),
        (Claim("scope", "\"case:read case:write case:delete\""), &["token.scope-drift"]),
        (Claim("scp", "[\"case:read\"]"), &["token.scope-drift"]),
        (AnswerScope("case:read"), &["token.scope-drift"]),
        (AnyScope, &["token.scope-escalation"]),
        (Claim("exp", "99999999999"), &["token.lifetime"]),
        (Claim("exp", "\"99999999999\""), &["token.lifetime"]),
        (Claim("exp", "null"), &["token.lifetime"]),
        (SignedByAnother, &["token.signature"]),
    ];
    for (switch, expected) in table {
        let concluded = of(Fixture::tokens(), &[switch], |id| OBSERVATIONS.contains(&id)).await;
        assert_eq!(caught(&concluded), expected, "{switch:?}");
    }
}

#[tokio::test]
async fn an_observation_is_an_advisory_never_a_leak() {
    let concluded = check("token.tenant-claim", &[Claim("tenant_id", "\"south\"")]).await;
    let advisories = concluded.iter().filter(|one| is_advisory(one)).count();
    assert_eq!((advisories, concluded.len()), (1, 2), "the tenant itself is named rightly by the other's tokens");
}

#[tokio::test]
async fn a_target_that_takes_a_caller_for_another_tenants_leaks() {
    let named = |fixture: Fixture| of(fixture, &[WhoAmI("south")], |id| id == "token.whoami");
    for fixture in [Fixture::tokens(), Fixture::tokens().all_tenants()] {
        for one in named(fixture).await {
            // South is number 1. What a third tenant's callers are taken for is south's affair alone.
            assert!(if one.victim == 1 { one.is_leak() } else { one.is_isolated() }, "{one:?}");
        }
    }
    for one in check("token.whoami", &[WhoAmI("elsewhere")]).await {
        assert!(is_advisory(&one), "{one:?}");
    }
}

#[tokio::test]
async fn a_secret_that_two_tenants_share_is_found_both_ways() {
    let fixture = Fixture::tokens().secret("SOUTH", "secret-of-north-0123");
    let found = of(fixture, &[], |id| id == "token.shared-secret").await;
    assert_eq!(found.iter().filter(|one| is_advisory(one)).count(), 2, "{found:?}");
}

#[tokio::test]
async fn a_per_tenant_audience_holds_the_tenants_own_id_and_no_others() {
    // North's id is a part of north-east's.
    let fixture = || {
        let fixture = Fixture::tokens().all_tenants().principals(&["service"]);
        fixture.change("audience = \"shared\"", "audience = \"per-tenant\"").change("audiences = [\"case-api\"]\n", "")
    };
    let judged = async |aud| {
        let mut concluded = of(fixture(), &[Claim("aud", aud)], |id| id == "token.audience-unlisted").await;
        concluded.retain(|one| one.victim == (one.attacker + 1) % 3);
        concluded.sort_by_key(|one| one.attacker);
        concluded.iter().map(|one| one.is_finding()).collect::<Vec<_>>()
    };
    assert_eq!(judged("\"case-api\"").await, [true, true, true]);
    assert_eq!(judged("\"api:{tenant}\"").await, [false, false, false]);
    assert_eq!(judged("[\"api:north\", \"api:south\"]").await, [true, true, true]);
    assert_eq!(judged("\"api:north-east\"").await, [true, true, false]);
}

#[tokio::test]
async fn opaque_tokens_leave_what_reads_claims_not_applicable_and_the_rest_at_work() {
    const AT_WORK: [&str; 8] = [
        "token.scope-drift",
        "token.scope-escalation",
        "token.lifetime",
        "token.whoami",
        "token.shared-secret",
        "token.client-with-foreign-secret",
        "token.expired",
        "token.foreign-issuer",
    ];
    let opaque =
        async |switches: &[Switch], wanted: fn(&str) -> bool| of(Fixture::tokens().opaque(), switches, wanted).await;
    let lasting = opaque(&[], |id| id.starts_with("token.") && id != "token.expired").await;
    for one in lasting.into_iter().chain(opaque(&[Lifetime(1)], |id| id == "token.expired").await) {
        let is_at_work = AT_WORK.contains(&one.check) && has_impostor(&one);
        assert!(if is_at_work { one.is_isolated() } else { one.is_not_applicable() }, "{one:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_meant_to_be_readable_and_is_not_decides_nothing() {
    let concluded = all(&[OpaqueTokens]).await;
    for id in ["token.issuer", "token.audience-wildcard", "token.tenant-claim", "token.lifetime", "token.signature"] {
        assert!(concluded.iter().any(|one| one.check == id));
        for one in concluded.iter().filter(|one| one.check == id) {
            assert!(one.is_unproven(), "{one:?}");
        }
    }
}

#[tokio::test]
async fn a_spec_without_tokens_has_no_token_checks() {
    let bed = Bed::start(&[]).await;
    let plan = bed.plan(&bed.spec(), |one| one.check.starts_with("token."));
    // Only secrets are compared: every credential has one.
    assert!(!plan.trials.is_empty());
    assert!(plan.trials.iter().all(|trial| trial.check.id == "token.shared-secret"), "{:?}", plan.trials);
}
