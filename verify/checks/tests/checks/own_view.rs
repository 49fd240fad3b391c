//! `api.own-view`, which looks through everything that was recorded.

use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Concluded, Fixture, Switch, Verified};

use crate::support::is_of_data;

async fn verify(fixture: Fixture, switches: &[Switch], check: &str) -> Verified {
    Bed::with(fixture, switches).await.verify(|one| one.check == check).await
}

fn own_view(verified: &Verified, attacker: usize, victim: usize) -> Concluded {
    let mut watched = verified.watched().into_iter().filter(|one| one.check == "api.own-view");
    watched.find(|one| (one.attacker, one.victim) == (attacker, victim)).unwrap()
}

#[tokio::test]
async fn ordinary_answers_with_foreign_data_are_leaks_of_own_view() {
    // No trial looks at lists here.
    let leaky = verify(Fixture::by_path(), &[ListAll], "oracle.existence").await;
    assert!(own_view(&leaky, 0, 1).is_leak());
    // Where no answer shows a tenant its own, that none shows another's says nothing.
    let blind = verify(Fixture::by_path().only(&["case"]), &[CanaryStripped], "api.list-own").await;
    assert!(own_view(&blind, 0, 1).is_unproven());
}

#[tokio::test]
async fn own_view_knows_witnesses_as_well_as_canaries() {
    let users = || Fixture::by_path().only(&["user"]);
    for one in verify(users(), &[], "api.list-own").await.watched() {
        assert!(one.is_isolated(), "{one:?}");
    }
    // No trial looks at lists here.
    for one in verify(users(), &[ListAll], "oracle.existence").await.watched() {
        assert!(one.is_leak() && one.subject == "GET /tenants/{tenant}/users", "{one:?}");
    }
}

/// Which of them meets foreign data first depends on the order in which requests happen to come.
#[tokio::test]
async fn what_a_trial_has_found_is_no_finding_of_own_view_but_seen_there_as_well() {
    let verified = verify(Fixture::by_path().only(&["user"]), &[ListAll], "api.list-own").await;
    let found: Vec<_> = verified.run.results.iter().filter(|one| one.trial.is_some()).collect();
    assert!(!found.is_empty());
    for one in found {
        let seen: Vec<&str> = one.also_seen.iter().map(|seen| seen.check.id).collect();
        assert_eq!(seen, ["api.own-view"], "{one:?}");
    }
    for one in verified.watched() {
        assert!(one.is_isolated(), "{one:?}");
    }
    let replayed = verified.replay();
    assert!(replayed.results.iter().filter(|one| one.trial.is_some()).all(|one| one.also_seen.len() == 1));
}

#[tokio::test]
async fn own_view_leaves_out_clean_up_which_is_not_in_a_run_when_it_is_judged() {
    // Only removing shows anything, and nothing is removed before clean-up.
    let bed = Bed::with(Fixture::by_path().only(&["case"]), &[DeleteShowsAll]).await;
    let verified = bed.verify(|_| false).await;
    assert!(own_view(&verified, 0, 1).is_isolated());
    assert!(bed.seen().iter().any(|seen| seen.method == "DELETE"));
    let replayed = verified.replay();
    assert_eq!(replayed.divergences, []);
    assert!(replayed.results.iter().zip(&verified.run.results).all(|(again, live)| again.verdict == live.verdict));
    // The same answer to a trial's own removal is one.
    let removing = verify(Fixture::by_path().only(&["case"]), &[DeleteShowsAll], "api.count-own").await;
    assert!(own_view(&removing, 0, 1).is_leak());
}

const SETTINGS: &str = "\n[[operation]]\nname = \"settings\"\nrequest = \"GET /tenants/{tenant}/settings\"\n";

/// `tenancy.fields` must name the caller's tenant wherever they are. What the run has written itself proves nothing.
#[tokio::test]
async fn an_answer_in_which_a_declared_field_names_another_tenant_is_a_leak() {
    let fixture = || Fixture::by_path().two_tenants().only(&["case"]).further(SETTINGS);
    let check = "cache.cross-tenant-hit";
    assert!(verify(fixture(), &[], check).await.leaks().is_empty());
    let leaky = verify(fixture(), &[SettingsOfAnother], check).await;
    let found = own_view(&leaky, 0, 1);
    assert!(found.is_leak() && format!("{found:?}").contains("tenantId = south"), "{found:?}");
    // North's own case says that it is south's, since north wrote that into it.
    let written = Bed::with(fixture(), &[StoresTenantId]).await.verify(is_of_data).await;
    assert!(written.concluded().len() > 1 && written.leaks().is_empty(), "{:?}", written.leaks());
}

/// What a tenant proves itself with is in no marker: the engine knows it all the same.
#[tokio::test]
async fn an_answer_that_shows_another_tenants_credential_is_a_leak() {
    for fixture in [Fixture::by_path(), Fixture::tokens()] {
        let fixture = || fixture.clone().two_tenants().only(&["case"]).further(SETTINGS);
        let sound = verify(fixture(), &[], "cache.cross-tenant-hit").await;
        assert!(sound.leaks().is_empty(), "{:?}", sound.leaks());
        let leaky = verify(fixture(), &[SettingsShowKeys], "cache.cross-tenant-hit").await;
        let found = own_view(&leaky, 0, 1);
        assert!(
            found.is_leak() && format!("{found:?}").contains("a credential (service) of south in the body"),
            "{found:?}"
        );
        assert_eq!(leaky.replay().divergences, []);
    }
}
