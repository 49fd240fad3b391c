//! Genuine credentials where they must open nothing.

use std::time::Duration;

use watertight_checks::check::Phase;
use watertight_checks::verdict::{Reason, Verdict};
use watertight_engine::log::{Source, What};
use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Entrance, Fixture, Switch, Verified};

use super::{all, caught, check, has_impostor, is_advisory};

#[tokio::test]
async fn a_client_opened_by_anothers_secret_is_a_leak_tried_once_and_last() {
    const ID: &str = "token.client-with-foreign-secret";
    assert_eq!(caught(&all(&[AnySecret]).await), [ID]);
    let bed = Bed::with(Fixture::tokens(), &[AnySecret]).await;
    let verified = bed.verify(|one| one.check == ID).await;
    assert_eq!(verified.concluded().len(), 2);
    assert!(verified.plan.trials.iter().all(|trial| trial.phase == Phase::Last));
    for one in verified.concluded() {
        assert!(one.is_leak(), "{one:?}");
    }
    let crossing = bed.seen().into_iter().filter(|seen| seen.entrance == Entrance::Token && seen.crosses);
    assert_eq!(crossing.count(), 2, "one for each");
}

#[tokio::test]
async fn one_tenants_issuer_believed_for_another_is_a_leak() {
    let concluded = all(&[IssuerBelieved]).await;
    assert_eq!(caught(&concluded), ["token.foreign-issuer"]);
    assert_eq!(concluded.iter().filter(|one| one.is_leak()).count(), 2, "by path and by token alone");
}

#[tokio::test]
async fn an_impostor_whose_token_does_not_name_the_victim_proves_nothing() {
    for claim in ["null", "\"north\""] {
        let mut concluded = check("token.foreign-issuer", &[Claim("tenant_id", claim)]).await;
        concluded.retain(has_impostor);
        assert_eq!(concluded.len(), 2);
        for one in concluded {
            assert!(one.is_unproven() && format!("{one:?}").contains("does not name south"), "{one:?}");
        }
    }
}

#[tokio::test]
async fn a_credential_that_must_name_no_tenant_and_names_one_proves_nothing() {
    let judged = async |switches: &[Switch]| {
        let bed = Bed::with(Fixture::tokens().principals(&["service", "nameless"]), switches).await;
        let is_tried = |check: &str, subject: &str| check == "api.no-tenant" && subject == "GET /me/cases";
        let verified = bed.verify(|one| one.attacker == 1 && is_tried(one.check, &one.subject)).await;
        let concluded = verified.concluded();
        assert_eq!(concluded.len(), 1);
        concluded.into_iter().next().unwrap()
    };
    let sound = judged(&[]).await;
    assert!(sound.is_isolated(), "{sound:?}");
    let names_one = judged(&[Claim("tenant_id", "\"{tenant}\"")]).await;
    assert!(names_one.is_unproven() && format!("{names_one:?}").contains("names a tenant"), "{names_one:?}");
}

async fn expired(switches: &[Switch]) -> Verified {
    Bed::with(Fixture::tokens(), switches).await.verify(|one| one.check == "token.expired").await
}

/// How long trials waited in all.
fn waited(verified: &Verified) -> Duration {
    let waited = verified.events().into_iter().filter_map(|event| match (event.source, event.what) {
        (Source::Trial(_), What::Waited { ms }) => Some(Duration::from_millis(ms)),
        _ => None,
    });
    waited.sum()
}

#[tokio::test]
async fn a_dead_token_that_works_is_an_advisory_after_life_and_leeway() {
    let verified = expired(&[ExpiryIgnored, Lifetime(1)]).await;
    assert_eq!(verified.concluded().len(), 2, "two tenants");
    for one in verified.concluded() {
        assert!(is_advisory(&one), "{one:?}");
    }
    assert_eq!(waited(&verified), Duration::from_secs(2 * (1 + 1)));
    assert_eq!(caught(&all(&[ExpiryIgnored, Lifetime(1)]).await), ["token.expired"]);
}

#[tokio::test]
async fn a_token_that_lives_too_long_is_not_waited_out_and_that_is_said() {
    let verified = expired(&[]).await;
    for one in verified.concluded() {
        assert!(matches!(&one.verdict, Verdict::NotApplicable(nothing) if nothing.why.contains("300 s")), "{one:?}");
    }
    assert_eq!(waited(&verified), Duration::ZERO);
}

#[tokio::test]
async fn a_token_for_another_api_that_works_is_an_advisory() {
    let concluded = all(&[AudienceIgnored]).await;
    assert_eq!(caught(&concluded), ["token.foreign-audience"]);
    assert!(concluded.iter().filter(|one| one.check == "token.foreign-audience").all(is_advisory), "{concluded:?}");
}

#[tokio::test]
async fn a_token_for_another_api_that_was_over_before_it_was_used_decides_nothing() {
    let concluded = check("token.foreign-audience", &[AudienceIgnored, LifetimeElsewhere(0)]).await;
    assert!(!concluded.is_empty());
    for one in concluded {
        let is_over = matches!(&one.verdict, Verdict::Unproven(why) if why.reason == Reason::NoToken);
        assert!(is_over, "{one:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_ignores_the_other_audience_gives_nothing_to_try() {
    for one in check("token.foreign-audience", &[Claim("aud", "\"case-api\"")]).await {
        assert!(one.is_not_applicable(), "{one:?}");
    }
}
