//! Where nothing can be planted, what only its owner reads tells whose an object is.

use watertight_engine::planted::Marker;
use watertight_testbed::Bed;
use watertight_testbed::Switch::*;

use crate::support::run;

const USERS: &str = "GET /tenants/{tenant}/users";

#[tokio::test]
async fn what_only_the_owner_reads_is_a_witness_and_what_all_read_is_none() {
    let verified = Bed::start(&[]).await.verify(|_| false).await;
    let user = verified.run.planted.objects().iter().find(|object| object.id == "user-90").unwrap();
    let values = ["90009090", "Office of Harbour and Customs", "Sol Sundgren-Solberg"];
    assert_eq!(user.marker, Marker::Witnessed(values.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn a_value_that_stands_in_another_tenants_own_list_is_no_witness() {
    let concluded = run(&[OfficeShared], |one| one.check == "api.list-own" && one.subject == USERS).await;
    assert!(!concluded.is_empty() && !concluded.iter().any(|one| one.is_leak()), "{concluded:#?}");
    // And yet what is the victim's alone remains one.
    let leaky = run(&[OfficeShared, ListAll], |one| one.check == "api.list-own" && one.subject == USERS).await;
    assert_eq!(leaky.iter().filter(|one| one.is_leak()).count(), 6, "{leaky:#?}");
}

#[tokio::test]
async fn the_time_of_a_change_in_the_validator_of_a_list_is_no_content() {
    let is_norths = |one: &watertight_testbed::Picked| {
        one.check == "api.list-own" && one.subject == USERS && (one.attacker, one.victim) == (0, 1)
    };
    for (switch, leaks) in [(BadgeInValidator, false), (BadgeInHeader, true)] {
        let concluded = run(&[switch], is_norths).await;
        assert_eq!(concluded.len(), 1);
        assert!(if leaks { concluded[0].is_leak() } else { concluded[0].is_isolated() }, "{concluded:?}");
    }
}
