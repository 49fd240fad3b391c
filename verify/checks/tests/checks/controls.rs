//! Each control broken on purpose: nothing is proven, and nothing is called a leak.

use std::collections::BTreeSet;

use watertight_checks::run::Ending;
use watertight_checks::verdict::{Reason, Verdict};
use watertight_engine::call::Intent;
use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Concluded, Fixture, Picked, Switch};

use crate::support::{is_of_data, is_souths, run, run_with};

/// Checks whose attack may be a request that any tenant makes in its own: the double can't tell that it crosses. What
/// breaks these is in `brackets`.
const ORDINARY: [&str; 3] = ["api.list-own", "api.count-own", "cache.cross-tenant-hit"];

#[tokio::test]
async fn a_broken_control_is_unproven_and_never_a_leak_nor_isolated() {
    for switch in [AcrossThrottled, AcrossFails] {
        for one in run(&[switch], |one| is_souths(one) && !ORDINARY.contains(&one.check)).await {
            assert!(one.is_unproven() || one.is_not_applicable(), "{switch:?}: {one:?}");
        }
    }
}

/// As it is with targets for people: whoever has nothing to see there is led to the page where one logs in.
#[tokio::test]
async fn an_attempt_that_leads_to_a_login_is_refused() {
    let reads = |one: &Picked| one.check == "api.header-tenant" && one.subject.ends_with("/cases/{case}");
    let concluded = run(&[AcrossRedirected], reads).await;
    assert!(!concluded.is_empty() && concluded.iter().all(Concluded::is_isolated), "{concluded:#?}");
}

/// What the verdicts of a run come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overall {
    Isolated,
    Unproven,
}

#[tokio::test]
async fn a_broken_control_is_unproven_never_a_leak_never_isolated() {
    for (switch, expected) in [
        (KeepsNothing, Overall::Unproven),
        (CanaryStripped, Overall::Unproven),
        (AcrossThrottled, Overall::Unproven),
        (AcrossFails, Overall::Unproven),
        (SearchNever, Overall::Unproven),
        (DenialEchoes, Overall::Isolated),
        (VictimRevoked, Overall::Unproven),
    ] {
        let concluded = run_with(cases(), &[switch], |_| true).await;
        let leaks: Vec<_> = concluded.iter().filter(|one| one.is_leak()).collect();
        assert!(leaks.is_empty(), "{switch:?}: {leaks:#?}");
        let doubts: Vec<_> = concluded.iter().filter(|one| one.is_unproven()).collect();
        let overall = if doubts.is_empty() { Overall::Isolated } else { Overall::Unproven };
        assert_eq!(overall, expected, "{switch:?}: {doubts:#?}");
    }
}

fn cases() -> Fixture {
    Fixture::by_path().two_tenants().only(&["case"]).opaque()
}

#[tokio::test]
async fn a_broken_control_reaches_only_the_checks_that_rely_on_it() {
    let lagging = run_with(cases(), &[SearchNever], |_| true).await;
    let unproven: BTreeSet<&str> =
        lagging.iter().filter(|one| one.is_unproven()).map(|one| one.subject.as_str()).collect();
    assert_eq!(unproven.into_iter().collect::<Vec<_>>(), ["GET /tenants/{tenant}/search?q={canary.public}"]);
    for switch in [KeepsNothing, CanaryStripped] {
        let verified = Bed::with(cases(), &[switch]).await.verify(is_of_data).await;
        assert!(matches!(verified.run.ending, Ending::SetupFailed(_)), "{switch:?}: {:?}", verified.run.ending);
    }
}

#[tokio::test]
async fn a_denial_to_credentials_that_open_nothing_shows_nothing() {
    let concluded = run_with(cases(), &[AttackerDead], |one| one.attacker == 0).await;
    assert!(!concluded.is_empty());
    for one in concluded {
        assert_eq!(reason(&one), Some(Reason::AttackerShutOut), "{one:?}");
    }
}

/// Why it is unproven, if it is.
fn reason(one: &Concluded) -> Option<Reason> {
    match &one.verdict {
        Verdict::Unproven(unproven) => Some(unproven.reason),
        _ => None,
    }
}

/// It is the same for an object that never existed. A write is not decided by that: its effect might only come later.
#[tokio::test]
async fn an_empty_success_is_a_denial_of_a_single_object() {
    let (read, create) = ("GET /tenants/{tenant}/cases/{case}", "POST /tenants/{tenant}/cases");
    let is_either = |subject: &str| subject == read || subject == create;
    let concluded = run(&[AcrossEmpty], |one| one.check == "api.swap-path-tenant" && is_either(&one.subject)).await;
    assert_eq!(concluded.len(), 12);
    for one in concluded {
        assert!(if one.subject == read { one.is_isolated() } else { one.is_unproven() }, "{one:?}");
    }
}

#[tokio::test]
async fn a_victim_whose_objects_are_missing_proves_nothing() {
    let concluded = run(&[VictimMissing], |one| one.victim == 1).await;
    assert!(!concluded.is_empty());
    for one in concluded {
        let concerns_case = one.subject.contains("/cases/{case}") && !one.subject.contains("facets");
        assert!(!one.is_leak(), "{one:?}");
        assert!(!concerns_case || !one.is_isolated(), "{one:?}");
    }
}

#[tokio::test]
async fn a_target_that_strips_the_marker_fails_in_set_up_and_every_check_is_unproven() {
    // What exists already is recognised by other things than a marker, and what names its tenant by that.
    let is_planted = |subject: &str| !subject.contains("/users") && subject != "GET /me/cases";
    let bed = Bed::start(&[CanaryStripped]).await;
    let verified = bed.verify(|one| is_of_data(one) && is_planted(&one.subject)).await;
    let failures = &verified.run.planted.failures;
    assert!(failures[0].why.contains("strips or changes the marker"), "{failures:?}");
    for one in verified.concluded() {
        assert!(one.is_unproven() || one.is_not_applicable(), "{one:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_at_an_id_of_which_the_attackers_own_reading_was_not_answered() {
    for switch in [AcrossThrottled, AcrossFails] {
        let verified = Bed::start(&[switch]).await.verify(|one| one.check == "api.swap-item").await;
        let exchanges = verified.exchanges();
        // Where the attacker has an object of the same id below another parent, the switch lets the reading through.
        let mut refused = BTreeSet::new();
        for (_, sent) in exchanges.iter().filter(|(_, sent)| sent.intent == Intent::Across) {
            let place = (sent.by.clone(), sent.request.target.clone());
            match (sent.request.method.as_str(), sent.status()) {
                ("GET", Some(404)) => _ = refused.insert(place),
                ("GET", _) => _ = refused.remove(&place),
                _ => assert!(refused.contains(&place), "{switch:?}: {}", sent.line()),
            }
        }
    }
}

#[tokio::test]
async fn where_a_plain_update_fails_the_victim_in_its_body_proves_nothing() {
    let concluded = run(&[UpdatesRefused], |one| one.check == "api.body-tenant-update").await;
    assert!(!concluded.is_empty());
    for one in concluded.iter().filter(|one| one.subject.starts_with("PATCH")) {
        assert!(one.is_unproven(), "{one:?}");
    }
}

#[tokio::test]
async fn a_search_that_lags_within_settle_is_waited_for_and_one_beyond_it_is_unproven() {
    let searches = async |switch: Switch| run(&[switch], |one| one.check == "api.search-own").await;
    for one in searches(SearchLags).await {
        assert!(one.is_isolated(), "{one:?}");
    }
    for one in searches(SearchNever).await {
        assert!(one.is_unproven(), "{one:?}");
    }
}

#[tokio::test]
async fn an_object_that_was_destroyed_once_and_not_when_tried_alone_is_not_called_isolated() {
    let deletes = |one: &Picked| is_souths(one) && one.check == "api.swap-path-tenant" && is_delete(one);
    let doubts: Vec<_> = run(&[DeletesAndDeniesOnce], deletes).await.iter().map(reason).collect();
    assert_eq!(doubts, [Some(Reason::Disturbed)]);
}

#[tokio::test]
async fn a_leak_that_cannot_be_tried_again_counts_as_it_was_seen() {
    let bed = Bed::with(cases(), &[DeletesAndDeniesOnce]).await;
    let mut was_attacked = false;
    bed.hinder(move |seen| {
        was_attacked |= seen.crosses && seen.method == "DELETE";
        // Nothing can be planted any more.
        (was_attacked && seen.method == "POST").then_some(500)
    });
    let verified = bed.verify(|one| is_souths(one) && one.check == "api.swap-path-tenant" && is_delete(one)).await;
    let concluded = verified.concluded();
    assert!(concluded.iter().all(Concluded::is_leak) && concluded.len() == 1, "{concluded:#?}");
}

fn is_delete(one: &Picked) -> bool {
    one.subject == "DELETE /tenants/{tenant}/cases/{case}"
}
