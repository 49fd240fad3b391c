//! Targets that go by an id alone, and tenants whose objects have the same ids: what such a target does may concern neither
//! attacker nor victim, and an answer about that one says nothing of the victim's.

use std::collections::BTreeSet;

use watertight_checks::bracket::Untried;
use watertight_checks::verdict::{Reason, Verdict};
use watertight_testbed::Switch::*;
use watertight_testbed::{Concluded, Fixture, Picked, Switch};

use crate::described::LINKS;
use crate::support::{run, run_with};

const TASKS: &str = "GET /tenants/{tenant}/cases/{case}/tasks";

fn swaps_item(one: &Picked, subject: &str) -> bool {
    one.check == "api.swap-item" && one.subject == subject
}

/// North has an empty case at the id of south's: its empty list is not south's.
#[tokio::test]
async fn an_empty_list_below_ones_own_parent_says_nothing_of_the_victims() {
    let concluded = run(&[ChildrenByParentAlone, NorthAhead(6)], |one| {
        swaps_item(one, TASKS) && (one.attacker, one.victim) == (0, 1)
    })
    .await;
    assert_eq!(concluded.len(), 1);
    assert!(concluded[0].is_leak(), "{concluded:#?}");
}

/// Another trial has given the attacker a case of that id, which is gone again when it is asked whether there is one.
#[tokio::test]
async fn an_empty_list_below_what_was_ones_own_for_a_moment_isolates_nothing() {
    let switches = [ChildrenByParentAlone, OwnParentForAMoment];
    // By itself, so that it is the switch alone that is in the way.
    for pair in [(0, 1), (1, 0)] {
        let concluded = run_with(Fixture::by_path().two_tenants(), &switches, |one| {
            swaps_item(one, TASKS) && (one.attacker, one.victim) == pair
        })
        .await;
        assert_eq!(concluded.len(), 1);
        assert!(concluded[0].is_leak(), "{concluded:#?}");
    }
}

/// A write by the id alone goes to the first tenant that has the id. Where that is a third one, the victim sees nothing.
#[tokio::test]
async fn a_write_by_id_alone_that_hits_a_third_tenant_isolates_no_pair() {
    for (switch, subject) in [
        (UpdateByIdAlone, "PATCH /tenants/{tenant}/cases/{case}"),
        (DeleteByIdAlone, "DELETE /tenants/{tenant}/cases/{case}"),
        (CloseByIdAlone, "POST /tenants/{tenant}/cases/{case}/close"),
    ] {
        let fixture = Fixture::by_path().only(&["case", "further"]).one_at_a_time();
        let concluded = run_with(fixture, &[switch, NorthAhead(6)], |one| swaps_item(one, subject)).await;
        assert_eq!(concluded.len(), 6);
        let isolated: Vec<&Concluded> = concluded.iter().filter(|one| one.is_isolated()).collect();
        assert!(isolated.is_empty(), "{switch:?}: {isolated:#?}");
        assert!(concluded.iter().any(Concluded::is_leak), "{switch:?}: {concluded:#?}");
    }
}

/// Whether north has an object at the id can't be said: its answer is an error. Where it has one, it is hit.
#[tokio::test]
async fn a_write_where_a_third_tenants_answer_decides_nothing_isolates_no_pair() {
    let fixture = Fixture::by_path().only(&["case", "further"]).one_at_a_time();
    let switches = [UpdateByIdAlone, NorthAhead(40), EarlierUnreadable];
    let concluded = run_with(fixture, &switches, |one| swaps_item(one, "PATCH /tenants/{tenant}/cases/{case}")).await;
    assert_eq!(concluded.len(), 6);
    let isolated: Vec<&Concluded> = concluded.iter().filter(|one| one.is_isolated()).collect();
    assert!(isolated.is_empty(), "{isolated:#?}");
    assert!(concluded.iter().any(Concluded::is_unproven), "{concluded:#?}");
}

/// South asks for an object of north-east's, and is shown north's.
#[tokio::test]
async fn a_third_tenants_data_in_an_answer_is_a_leak_too() {
    let read = "GET /tenants/{tenant}/cases/{case}";
    let fixture = Fixture::by_path().only(&["case"]).one_at_a_time();
    let concluded = run_with(fixture, &[ReadByIdAlone, SouthApart], |one| swaps_item(one, read)).await;
    let told = |one: &Concluded| match &one.verdict {
        Verdict::Leak(evidence) => evidence.lines.join("; "),
        other => panic!("{other:?}"),
    };
    let of_north: BTreeSet<(usize, usize)> = concluded
        .iter()
        .filter(|one| told(one).contains(" of north in the body"))
        .map(|one| (one.attacker, one.victim))
        .collect();
    assert!(of_north.contains(&(1, 2)), "{concluded:#?}");
}

/// A target that shows another tenant's object where one was removed: it is gone all the same, for its owner's own delete
/// and for an attacker's.
#[tokio::test]
async fn an_object_in_whose_place_another_tenants_is_shown_is_gone() {
    let delete = "DELETE /tenants/{tenant}/cases/{case}";
    let tried = |one: &Picked| one.subject == delete && ["api.swap-item", "api.swap-path-tenant"].contains(&one.check);
    let fixture = || Fixture::by_path().only(&["case", "further"]).one_at_a_time();
    let flawed = run_with(fixture(), &[DeletesAndDenies, RemovedShowsAnother], tried).await;
    let told = |one: &Concluded| format!("{:?}", one.verdict);
    let in_its_place = "the victim is shown another tenant's in its place";
    let across = |one: &&Concluded| one.check == "api.swap-path-tenant";
    assert_eq!(flawed.iter().filter(across).count(), 6);
    assert!(flawed.iter().filter(across).all(|one| one.is_leak() && told(one).contains(in_its_place)), "{flawed:#?}");
    // Where no delete of another tenant's does anything, none is blamed for what is shown.
    let other = run_with(fixture(), &[RemovedShowsAnother], tried).await;
    assert_eq!(other.len(), 12);
    assert!(other.iter().all(Concluded::is_isolated), "{other:#?}");
}

/// What has not been read yet may be at an id at which the attacker has an object of its own: that it sees its own there
/// does not say that a cache is needed for what it is shown elsewhere.
#[tokio::test]
async fn what_the_plain_request_opens_is_blamed_on_no_cache_where_ids_meet() {
    let norths = |one: &Picked| one.check == "cache.cross-tenant-hit" && (one.attacker, one.victim) == (0, 1);
    let fixture = || Fixture::by_path().only(&["case", "task"]).one_at_a_time();
    let concluded = run_with(fixture(), &[ReadByIdAlone, NorthAhead(6), NorthTasksLater], norths).await;
    let task = concluded.iter().find(|one| one.subject.ends_with("/tasks/{task}")).unwrap();
    assert!(
        matches!(&task.verdict, Verdict::Unproven(doubt) if doubt.reason == Reason::PlainRequestLeaks),
        "{task:#?}"
    );
}

const PATCH: &str = "PATCH /tenants/{tenant}/cases/{case}";

/// What comes of south's writes to its own cases, and of north's to its own.
async fn own_writes(switches: &[Switch], further: &str) -> Vec<Concluded> {
    let fixture = Fixture::by_path().only(&["case"]).two_tenants().further(further);
    let concluded = run_with(fixture, switches, |one| swaps_item(one, PATCH)).await;
    assert_eq!(concluded.len(), 2);
    concluded
}

/// The tenants' ids are far apart: once both have one and the same, they stay close.
#[tokio::test]
async fn an_id_that_both_have_is_found_where_one_tenant_is_ahead() {
    let sound = own_writes(&[NorthAhead(70)], "").await;
    assert!(sound.iter().all(Concluded::is_isolated), "{sound:#?}");
    let leaky = own_writes(&[NorthAhead(70), UpdatesAllOfThatId], "").await;
    assert!(leaky.iter().all(Concluded::is_leak), "{leaky:#?}");
}

#[tokio::test]
async fn what_was_not_tried_because_ids_are_too_far_apart_is_said_of_what_is_isolated() {
    let untried = |one: &Concluded| match &one.verdict {
        Verdict::Isolated(proof) => proof.untried(),
        other => panic!("{other:?}"),
    };
    let apart = own_writes(&[SouthApart], "").await;
    assert!(apart.iter().all(|one| untried(one) == Some(Untried::IdOfBoth { made: 96 })), "{apart:#?}");
    let close = own_writes(&[NorthAhead(70)], "").await;
    assert!(close.iter().all(|one| untried(one).is_none()), "{close:#?}");
}

/// What the attacker has put there is its own, and in no one's way.
#[tokio::test]
async fn what_a_put_makes_at_the_victims_id_is_removed_before_the_next_is_tried() {
    let put = "PUT /tenants/{tenant}/cases/{case}";
    let update = "update = { title = \"{canary}\" }\n";
    let fixture =
        Fixture::by_path().only(&["case"]).two_tenants().change(update, &format!("{update}replace = \"{put}\"\n"));
    let told = run_with(fixture, &[PutMakesOne], |one| one.check == "oracle.existence" && one.subject == put).await;
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(Concluded::is_isolated), "{told:#?}");
}

/// Their numbers may be the same, and the ids are not.
#[tokio::test]
async fn nothing_is_said_of_ids_that_no_two_tenants_can_have() {
    let apart = own_writes(&[SouthApart, IdsBeginWithTenant], "").await;
    for one in &apart {
        assert!(matches!(&one.verdict, Verdict::Isolated(proof) if proof.untried().is_none()), "{one:#?}");
    }
}

/// A link names a case when it is made, and is never shown: nothing is to be seen of it when the case is written to.
#[tokio::test]
async fn a_write_to_all_of_one_id_is_found_whatever_names_such_an_object() {
    let unread = r#"
[[resource]]
name = "link"
path = "/tenants/{tenant}/links"
create = { title = "{canary}", case = "{case}" }
methods = ["create"]
"#;
    for further in ["", unread, LINKS] {
        let leaky = own_writes(&[UpdatesAllOfThatId], further).await;
        assert!(leaky.iter().all(Concluded::is_leak), "{further} {leaky:#?}");
    }
}
