//! Lists are read to their end, or nothing is said of what they do not show.

use watertight_checks::verdict::{Reason, Verdict};
use watertight_testbed::Fixture;
use watertight_testbed::Switch::*;

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
