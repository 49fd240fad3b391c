//! Lists are read to their end, or nothing is said of what they do not show.

use watertight_checks::verdict::{Reason, Verdict};
use watertight_testbed::Switch::*;
use watertight_testbed::{Concluded, Fixture, Picked};

use crate::support::{run, run_with};

const CASES: &str = "GET /tenants/{tenant}/cases";

#[tokio::test]
async fn a_list_that_lacks_objects_of_ones_own_was_not_read_to_its_end() {
    let concluded = run(&[NextUnsaid], |one| one.check == "api.list-own" && one.subject == CASES).await;
    assert!(!concluded.is_empty());
    for one in &concluded {
        assert!(one.is_unproven(), "{one:?}");
    }
    let lacks = |verdict: &Verdict| {
        matches!(verdict, Verdict::Unproven(unproven)
            if unproven.reason == Reason::NotReadToEnd && unproven.detail.contains("are not on the pages that were read"))
    };
    assert!(concluded.iter().any(|one| lacks(&one.verdict)), "{concluded:#?}");
}

#[tokio::test]
async fn a_next_link_that_cannot_be_followed_is_no_end_of_the_list() {
    let concluded = run(&[NextUnreadable], |one| one.check == "api.list-own" && one.subject == CASES).await;
    assert!(!concluded.is_empty());
    for one in concluded {
        assert!(one.is_unproven(), "{one:?}");
    }
}

#[tokio::test]
async fn a_list_that_a_header_widens_is_followed_past_the_attackers_own_objects() {
    let concluded = run(&[HeaderWidens], |one| {
        (one.attacker, one.victim) == (0, 2) && one.check == "api.header-tenant" && one.subject == CASES
    })
    .await;
    assert_eq!(concluded.len(), 1);
    assert!(concluded[0].is_leak(), "{concluded:#?}");
}

#[tokio::test]
async fn an_attack_whose_list_is_longer_than_the_limit_is_unproven() {
    for (limit, expects_isolated) in [(50, true), (1, false)] {
        let fixture = Fixture::by_path().limit(&format!("pages = {limit}"));
        let concluded =
            run_with(fixture, &[PathIgnored], |one| one.check == "api.swap-path-tenant" && one.subject == CASES).await;
        assert!(!concluded.is_empty());
        for one in concluded {
            assert!(if expects_isolated { one.is_isolated() } else { one.is_unproven() }, "{one:?}");
        }
    }
}

const CREATE: &str = "POST /tenants/{tenant}/cases";

/// What others remove meanwhile moves what is on a page.
#[tokio::test]
async fn what_arrives_and_is_passed_over_between_two_pages_is_looked_for_again() {
    let fixture = || Fixture::by_path().two_tenants().only(&["case"]).change("settle = \"40ms\"", "settle = \"0s\"");
    // North's own cases come first in all that it is shown.
    let tried = |one: &Picked| one.check == "api.body-tenant-create" && one.subject == CREATE && one.victim == 0;
    let creates = |switches| run_with(fixture(), switches, tried);
    let flawed = creates(&[PagesMove, ListAll, IdsOfTenant]).await;
    assert_eq!(flawed.len(), 1);
    assert!(flawed.iter().all(Concluded::is_leak), "{flawed:#?}");
    let sound = creates(&[PagesMove]).await;
    assert!(sound.iter().all(Concluded::is_isolated), "{sound:#?}");
}

#[tokio::test]
async fn what_arrives_in_a_list_that_is_not_read_to_its_end_is_not_known() {
    let tried = |one: &Picked| one.check == "api.body-tenant-create" && one.subject == CREATE;
    let fixture = || Fixture::by_path().two_tenants().only(&["case"]).limit("pages = 1");
    let cut_short = run_with(fixture(), &[PagesMove], tried).await;
    assert_eq!(cut_short.len(), 2);
    let not_read = |one: &Concluded| matches!(&one.verdict, Verdict::Unproven(unproven) if unproven.reason == Reason::NotReadToEnd);
    assert!(cut_short.iter().all(not_read), "{cut_short:#?}");
    assert!(run_with(fixture(), &[], tried).await.iter().all(Concluded::is_isolated));
}

#[tokio::test]
async fn what_is_lost_to_the_attacker_leaks_though_the_list_is_not_read_to_its_end() {
    let tried =
        |one: &Picked| one.check == "api.body-tenant-update" && one.subject == "PATCH /tenants/{tenant}/cases/{case}";
    let fixture = Fixture::by_path().two_tenants().only(&["case"]).limit("pages = 1");
    let moved = run_with(fixture, &[PagesMove, UpdateMoves], tried).await;
    assert_eq!(moved.len(), 2);
    assert!(moved.iter().all(Concluded::is_leak), "{moved:#?}");
}

#[tokio::test]
async fn what_makes_the_victims_list_fail_is_not_isolated() {
    let tried = |one: &Picked| one.check == "api.body-tenant-create" && one.subject == CREATE;
    for switches in
        [&[StoresTenantId, ForeignBreaksLists][..], &[StoresTenantId, ForeignBreaksLists, BrokenListsSucceed]]
    {
        let failed = run_with(Fixture::by_path().two_tenants().only(&["case"]), switches, tried).await;
        assert_eq!(failed.len(), 2);
        assert!(failed.iter().all(Concluded::is_unproven), "{switches:?} {failed:#?}");
    }
}

#[tokio::test]
async fn a_link_is_resolved_below_the_base_path_that_was_asked_whoever_asked() {
    // North asks at south's URL, and is given its own: isolated only where all pages are read there.
    let fixture = || Fixture::by_token().two_tenants().own_urls().only(&["case"]);
    for (switch, expects_isolated) in [(None, true), (Some(LinksFromRoot), true), (Some(LinksFromBase), false)] {
        let switches: Vec<_> = [Some(PathIgnored), switch].into_iter().flatten().collect();
        let concluded =
            run_with(fixture(), &switches, |one| one.check == "api.swap-path-tenant" && one.subject == "GET /cases")
                .await;
        assert_eq!(concluded.len(), 2);
        for one in concluded {
            assert!(if expects_isolated { one.is_isolated() } else { one.is_unproven() }, "{switches:?}: {one:?}");
        }
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_no_end_of_the_list() {
    // Each tenant is shown its own, and the second page of it breaks off: on that page the victim's could be.
    let check = "api.swap-path-tenant";
    let concluded = run(&[PathIgnored, SecondPageBroken], |one| one.check == check && one.subject == CASES).await;
    assert!(!concluded.is_empty());
    for one in concluded {
        let is_unread = matches!(&one.verdict, Verdict::Unproven(why) if why.reason == Reason::NotReadToEnd);
        assert!(is_unread, "{one:?}");
    }
}

#[tokio::test]
async fn a_list_of_more_bytes_than_are_kept_was_not_read_to_its_end() {
    // North's list has more than 20 pages.
    let check = "api.swap-path-tenant";
    for (padding, expects_isolated) in [(0, true), (2 << 20, false)] {
        let fixture = Fixture::by_path().only(&["case", "further"]);
        let concluded = run_with(fixture, &[PathIgnored, NorthAhead(44), Padded(padding)], |one| {
            one.check == check && one.subject == CASES && (one.attacker, one.victim) == (0, 1)
        })
        .await;
        assert_eq!(concluded.len(), 1);
        let is_cut = matches!(&concluded[0].verdict, Verdict::Unproven(why) if why.reason == Reason::NotReadToEnd);
        assert!(if expects_isolated { concluded[0].is_isolated() } else { is_cut }, "{padding}: {concluded:#?}");
    }
}
