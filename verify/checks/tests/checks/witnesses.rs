//! Where nothing can be planted, what only its owner reads tells whose an object is.

use std::collections::BTreeSet;

use watertight_engine::planted::{Marker, Witness};
use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Fixture, Verified};

use crate::support::{is_of_data, run};

const USERS: &str = "GET /tenants/{tenant}/users";

#[tokio::test]
async fn what_only_the_owner_reads_is_a_witness_and_what_all_read_is_none() {
    let verified = Bed::start(&[]).await.verify(|_| false).await;
    let user = verified.run.planted.objects().iter().find(|object| object.id.as_str() == "user-90").unwrap();
    let together = vec!["Office of Harbour and Customs".to_owned(), "Sol Sundgren-Solberg".to_owned()];
    assert_eq!(user.marker, Marker::Witnessed(Witness { alone: vec!["90009090".to_owned()], together }));
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

/// By what the run recognises south's user, and why by nothing.
fn souths(verified: &Verified) -> (&Witness, Vec<&str>) {
    let planted = &verified.run.planted;
    let user = planted.objects().iter().find(|object| object.id.as_str() == "user-90").unwrap();
    let Marker::Witnessed(witness) = &user.marker else { panic!("{user:?}") };
    (witness, planted.failures.iter().filter(|f| f.tenant == user.tenant).map(|f| f.why.as_str()).collect())
}

/// However unlikely it is that two tenants have it in common.
#[tokio::test]
async fn what_an_ordinary_answer_shows_apart_from_the_object_is_no_witness() {
    let directory = "\n[[operation]]\nname = \"directory\"\nrequest = \"GET /tenants/{tenant}/directory\"\n";
    let fixture = Fixture::by_path().only(&["user"]).further(directory);
    let verified = Bed::with(fixture, &[]).await.verify(is_of_data).await;
    assert_eq!(verified.leaks(), BTreeSet::new());
    let (witness, failures) = souths(&verified);
    assert!(witness.is_empty(), "{witness:?}");
    assert_eq!(failures, Vec::<String>::new());
    // Answers are compared all the same; what goes by markers alone says what would help.
    let reads: Vec<_> = verified.concluded();
    let reads: Vec<_> = reads.iter().filter(|one| one.subject.ends_with("{user}") && one.victim == 1).collect();
    assert!(reads.iter().any(|one| one.check == "api.swap-item" && one.is_isolated()), "{reads:#?}");
    for one in reads {
        assert!(one.is_isolated() || (one.is_not_applicable() && format!("{one:?}").contains("`shows`")), "{one:?}");
    }
}

#[tokio::test]
async fn a_witness_may_be_named_by_hand() {
    let named = |text: &str| {
        Fixture::by_path().change("existing = {", &format!("shows = {{ south = \"{text}\" }}\nexisting = {{"))
    };
    let verified =
        Bed::with(named("Sundgren-Solberg"), &[ListAll]).await.verify(|one| one.check == "api.list-own").await;
    let (witness, failures) = souths(&verified);
    assert_eq!((witness.alone.as_slice(), failures), (["Sundgren-Solberg".to_owned()].as_slice(), vec![]));
    assert!(verified.leaks().contains("api.list-own"), "{:?}", verified.leaks());
    for (text, why) in [("Sverre", "its owner is not shown"), ("caseworker", "another tenant is shown")] {
        let verified = Bed::with(named(text), &[]).await.verify(|_| false).await;
        let (witness, failures) = souths(&verified);
        assert!(witness.is_empty() && failures.len() == 1 && failures[0].contains(why), "{text}: {failures:?}");
    }
}
