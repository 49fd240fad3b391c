//! Nothing is found in a sound API, and nothing is left in it.

use std::collections::BTreeSet;

use watertight_checks::run::Ending;
use watertight_engine::log::Source;
use watertight_testbed::{Bed, Concluded, Fixture, Switch};

use crate::support::{holds, is_of_data, is_souths, run_with};

#[tokio::test]
async fn a_sound_api_is_isolated_and_left_as_it_was() {
    let bed = Bed::start(&[]).await;
    let before = bed.contents();
    let verified = bed.verify(is_of_data).await;
    assert_eq!(verified.run.planted.failures, []);
    assert_eq!(verified.run.ending, Ending::Complete);
    let concluded = verified.concluded();
    for one in &concluded {
        let is_known = one.check == "oracle.name-taken" && one.subject == "PUT /buckets/{bucket}";
        assert!(holds(one) || (is_known && one.is_finding() && !one.is_leak()), "{one:?}");
    }
    let tried: BTreeSet<&str> = concluded.iter().map(|one| one.check).collect();
    assert_eq!(tried.len(), 17, "{tried:?}");
    assert_eq!(verified.run.left_behind, Vec::<String>::new());
    assert_eq!(bed.contents(), before, "every check removes what it made");
    let watched = verified.watched();
    assert_eq!(watched.len(), 6);
    for one in watched {
        assert!(one.is_isolated(), "{one:?}");
    }
}

#[tokio::test]
async fn a_sound_target_with_tokens_is_isolated_and_left_as_it_was() {
    let bed = Bed::with(Fixture::by_path().two_tenants().opaque(), &[]).await;
    let before = bed.contents();
    let verified = bed.verify(|one| one.attacker == 0).await;
    assert!(verified.concluded().iter().all(|one| !one.is_unproven() && !one.is_leak()), "{:#?}", verified.concluded());
    assert_eq!(verified.run.left_behind, Vec::<String>::new());
    assert_eq!(bed.contents(), before);
}

/// As Django REST framework has them by default.
#[tokio::test]
async fn paths_may_end_with_a_slash() {
    let bed = Bed::with(Fixture::slashed(), &[Switch::Slashes]).await;
    let before = bed.contents();
    let verified = bed.verify(is_of_data).await;
    assert_eq!(verified.run.planted.failures, []);
    assert!(verified.concluded().len() > 100 && verified.concluded().iter().all(holds), "{:#?}", verified.concluded());
    assert_eq!((&verified.run.left_behind, bed.contents()), (&Vec::<String>::new(), before));
    let flawed =
        run_with(Fixture::slashed(), &[Switch::Slashes, Switch::ReadByIdAlone], |one| one.check == "api.swap-item");
    assert!(flawed.await.iter().any(|one| one.is_leak() && one.subject.ends_with("{task}/")));
}

#[tokio::test]
async fn a_tenant_in_a_header_is_swapped_and_left_out_there() {
    for one in run_with(Fixture::by_header(), &[], |one| one.attacker == 0).await {
        let is_known = one.check == "oracle.name-taken" && one.is_finding() && !one.is_leak();
        assert!(is_known || holds(&one), "{one:?}");
    }
    for (switch, check) in [(Switch::PathBelieved, "api.swap-path-tenant"), (Switch::MissingIsFirst, "api.no-tenant")] {
        let found = run_with(Fixture::by_header(), &[switch], |one| one.check == check).await;
        assert!(found.iter().any(|one| one.is_leak()), "{switch:?}: {found:#?}");
    }
}

#[tokio::test]
async fn what_was_planted_is_read_back_before_it_is_removed() {
    let bed = Bed::start(&[]).await;
    let verified = bed.verify(|one| one.check == "api.count-own" && is_souths(one)).await;
    let concluded = verified.concluded();
    let counted: Vec<&Concluded> = concluded.iter().filter(|one| one.is_isolated()).collect();
    assert!(counted.len() == 1 && concluded.iter().all(holds), "{concluded:?}");
    let (mut read, mut removed) = (BTreeSet::new(), 0);
    for (owner, exchange) in verified.exchanges() {
        match (owner, exchange.request.method.as_str()) {
            (Source::Trial(_), "GET") => drop(read.insert(exchange.request.target)),
            (Source::Trial(_), "DELETE") => {
                assert!(read.contains(&exchange.request.target), "{}", exchange.line());
                removed += 1;
            }
            _ => {}
        }
    }
    assert_eq!(removed, 2, "once in each round");
}
