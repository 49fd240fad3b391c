//! A target may answer with a success what it does not have, or does not show: nothing is in it, whatever the status.

use watertight_testbed::Switch::*;
use watertight_testbed::{Concluded, Fixture, Picked, Switch};

use crate::support::{is_of_data, run_with};

fn fixture() -> Fixture {
    Fixture::by_path().two_tenants().only(&["case", "task", "further"])
}

async fn concluded(switches: &[Switch], keep: impl Fn(&Picked) -> bool) -> Vec<Concluded> {
    run_with(fixture(), &[&[NothingIsNull], switches].concat(), keep).await
}

#[tokio::test]
async fn a_success_that_says_what_it_says_of_ids_that_never_existed_is_a_denial() {
    let all = concluded(&[], is_of_data).await;
    let by_reads = |one: &&Concluded| one.subject.starts_with("GET");
    assert!(all.iter().filter(by_reads).count() > 20, "{all:#?}");
    for one in &all {
        assert!(one.is_isolated() || one.is_not_applicable(), "{one:#?}");
    }
}

/// No marker is in the answer, not even for its owner: it is the victim's word for word, and of an id that never existed
/// there is none.
#[tokio::test]
async fn the_victims_answer_word_for_word_is_a_leak_though_no_marker_is_in_it() {
    let status = "\n[[operation]]\nname = \"status\"\nrequest = \"GET /tenants/{tenant}/cases/{case}/status\"\n";
    for located in [Fixture::by_path, Fixture::by_token, Fixture::by_header] {
        let fixture = || located().two_tenants().only(&["case"]).further(status);
        let told = async |switches: &[Switch]| {
            run_with(fixture(), switches, |one| one.check == "api.swap-item" && one.subject.ends_with("/status")).await
        };
        for sound in [vec![], vec![SouthApart], vec![NothingIsNull], vec![SouthApart, NothingIsNull]] {
            let all = told(&sound).await;
            assert!(all.len() == 2 && all.iter().all(Concluded::is_isolated), "{sound:?}: {all:#?}");
        }
        for flawed in [vec![ReadByIdAlone, SouthApart], vec![ReadByIdAlone, SouthApart, NothingIsNull]] {
            let all = told(&flawed).await;
            assert!(all.len() == 2 && all.iter().all(Concluded::is_leak), "{flawed:?}: {all:#?}");
        }
    }
}

#[tokio::test]
async fn what_leaks_is_found_all_the_same() {
    for (switch, check, subject) in [
        (ReadByIdAlone, "api.swap-item", "GET /tenants/{tenant}/cases/{case}"),
        (ReadByIdAlone, "api.swap-item", "GET /tenants/{tenant}/cases/{case}/summary"),
        (UpdateByIdAlone, "api.swap-item", "PATCH /tenants/{tenant}/cases/{case}"),
        (DeleteByIdAlone, "api.swap-item", "DELETE /tenants/{tenant}/cases/{case}"),
        (PathBelieved, "api.swap-path-tenant", "GET /tenants/{tenant}/cases/{case}"),
        (DeletesAndDenies, "api.swap-path-tenant", "DELETE /tenants/{tenant}/cases/{case}"),
        (ForeignForbidden, "oracle.existence", "GET /tenants/{tenant}/cases/{case}"),
    ] {
        let all = concluded(&[switch], |one| one.check == check && one.subject == subject).await;
        assert!(all.iter().any(Concluded::is_leak), "{switch:?}: {all:#?}");
        assert!(!all.iter().any(Concluded::is_isolated), "{switch:?}: {all:#?}");
        // An object that is gone is not another tenant's, though the answer is a success.
        assert!(!format!("{all:?}").contains("another tenant's in its place"), "{switch:?}: {all:#?}");
    }
}

/// Nothing marks the object, and its owner is told of it what it is told of any id: nobody has seen the operation work.
#[tokio::test]
async fn a_read_that_tells_its_owner_nothing_proves_nothing() {
    let fixture = Fixture::by_token()
        .only(&["case"])
        .two_tenants()
        .change("create = { title = \"{canary}\", ", "read = \"GET /cases/{case}/schema\"\ncreate = { title = \"x\", ")
        .change("update = { title = \"{canary}\" }\n", "methods = [\"list\", \"create\", \"delete\"]\n")
        .change("search = \"GET /search?q={canary.public}\"\n", "");
    let read = |one: &Picked| one.check == "api.swap-item" && one.subject.ends_with("/schema");
    let concluded = run_with(fixture, &[SouthApart], read).await;
    assert!(!concluded.is_empty() && concluded.iter().all(Concluded::is_unproven), "{concluded:#?}");
}
