//! What only looks like a flaw is none.

use watertight_testbed::Switch::*;
use watertight_testbed::{Fixture, Switch};

use crate::support::{holds, is_souths, run, run_with};

#[tokio::test]
async fn a_denial_that_echoes_the_path_is_isolated() {
    let concluded = run(&[DenialEchoes], |one| is_souths(one) && one.check != "oracle.name-taken").await;
    assert!(!concluded.is_empty());
    for one in concluded {
        assert!(holds(&one), "{one:?}");
    }
}

async fn writes(switch: Switch) {
    let concluded = run(&[switch], |one| {
        let is_write = ["PATCH", "DELETE", "POST"].iter().any(|method| one.subject.starts_with(method));
        let is_pair = matches!(one.check, "api.swap-path-tenant" | "api.swap-item");
        is_pair && is_write && one.subject.contains("/cases/{case}") && is_souths(one)
    })
    .await;
    assert!(concluded.len() > 4, "{concluded:?}");
    for one in concluded {
        assert!(one.is_isolated(), "{one:?}");
    }
}

#[tokio::test]
async fn a_status_that_the_platform_itself_changes_after_create_is_not_the_attackers_change() {
    writes(ActivatesLater).await;
}

#[tokio::test]
async fn one_404_from_a_replica_that_lags_is_not_a_destroyed_object() {
    writes(ReplicaLags).await;
}

#[tokio::test]
async fn a_fuzzy_search_that_counts_own_words_as_well_is_no_leak() {
    let concluded = run(&[FuzzySearch], |one| one.check == "api.search-own").await;
    assert_eq!(concluded.len(), 6);
    for one in concluded {
        assert!(one.is_isolated(), "{one:?}");
    }
}

#[tokio::test]
async fn an_answer_that_only_echoes_an_id_or_the_time_is_no_victims_answer() {
    for switches in [vec![IdsOfTenant], vec![IdsOfTenant, SchemaTicks]] {
        let fixture = Fixture::by_path().with_schema();
        let concluded =
            run_with(fixture, &switches, |one| one.check == "api.swap-path-tenant" && one.subject.ends_with("/schema"))
                .await;
        assert!(!concluded.is_empty());
        for one in concluded {
            assert!(one.is_unproven(), "{switches:?}: {one:?}");
        }
    }
}

/// The id that is asked for is a part of the server's name by chance.
#[tokio::test]
async fn an_id_that_is_a_part_of_a_constant_text_tells_nothing_of_it() {
    for name in ["case-1001.internal", "127.0.0.1"] {
        let concluded = run_with(Fixture::by_path().two_tenants(), &[SouthApart, ServedBy(name)], |one| {
            one.check == "oracle.existence"
        })
        .await;
        assert!(!concluded.is_empty());
        for one in concluded {
            assert!(one.is_isolated(), "{name}: {one:?}");
        }
    }
}
