//! Each flaw is found by its check, and named where it is.

use std::collections::{BTreeMap, BTreeSet};

use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Concluded, Fixture, Switch};

use crate::support::{is_of_data, run, run_with};

/// Switch, check, operation.
const FLAWS: [(Switch, &str, &str); 44] = [
    (PathBelieved, "api.swap-path-tenant", "GET /tenants/{tenant}/cases/{case}"),
    (PathBelieved, "api.swap-path-tenant", "GET /tenants/{tenant}/cases"),
    (PathBelieved, "api.swap-path-tenant", "POST /tenants/{tenant}/cases"),
    (PathBelieved, "api.swap-path-tenant", "PATCH /tenants/{tenant}/cases/{case}"),
    (PathBelieved, "api.swap-path-tenant", "DELETE /tenants/{tenant}/cases/{case}"),
    (PathBelieved, "api.swap-path-tenant", "POST /tenants/{tenant}/cases/{case}/close"),
    (PathBelieved, "api.swap-path-tenant", "GET /tenants/{tenant}/cases/facets"),
    (PathBelieved, "api.swap-path-tenant", "GET /tenants/{tenant}/users/{user}"),
    (PathBelieved, "api.change-own", "POST /tenants/{tenant}/cases/archive?title=wt"),
    (ArchivesAll, "api.change-own", "POST /tenants/{tenant}/cases/archive?title=wt"),
    (ListAll, "api.list-own", "GET /tenants/{tenant}/users"),
    (ReadByIdAlone, "api.swap-item", "GET /tenants/{tenant}/users/{user}"),
    (HeaderBelieved, "api.header-tenant", "GET /tenants/{tenant}/cases"),
    (LastHeaderBelieved, "api.header-tenant", "GET /tenants/{tenant}/cases/{case}"),
    (QueryBelieved, "api.query-tenant", "GET /tenants/{tenant}/cases/{case}"),
    (ReadByIdAlone, "api.swap-item", "GET /tenants/{tenant}/cases/{case}"),
    (ReadByIdAlone, "api.swap-item", "GET /tenants/{tenant}/cases/{case}/tasks/{task}"),
    (UpdateByIdAlone, "api.swap-item", "PATCH /tenants/{tenant}/cases/{case}"),
    (UpdateByIdAlone, "api.swap-item", "PUT /tenants/{tenant}/notes/{note}"),
    (DeleteByIdAlone, "api.swap-item", "DELETE /tenants/{tenant}/cases/{case}"),
    (FoundByParentAlone, "api.swap-item", "GET /tenants/{tenant}/cases/{case}/tasks/{task}"),
    (FoundByParentAlone, "api.swap-item", "PATCH /tenants/{tenant}/cases/{case}/tasks/{task}"),
    (FoundByParentAlone, "api.swap-item", "DELETE /tenants/{tenant}/cases/{case}/tasks/{task}"),
    (CloseByIdAlone, "api.swap-item", "POST /tenants/{tenant}/cases/{case}/close"),
    (BodyTenantHonoured, "api.body-tenant-create", "POST /tenants/{tenant}/cases"),
    (UpdateMoves, "api.body-tenant-update", "PATCH /tenants/{tenant}/cases/{case}"),
    (ListAll, "api.list-own", "GET /tenants/{tenant}/cases"),
    (SecondPageAll, "api.list-own", "GET /tenants/{tenant}/cases"),
    (FieldOfAnother, "api.list-own", "GET /tenants/{tenant}/cases"),
    (SearchAll, "api.search-own", "GET /tenants/{tenant}/search?q={canary.public}"),
    (SearchTotalAll, "api.search-own", "GET /tenants/{tenant}/search?q={canary.public}"),
    (CountAll, "api.count-own", "GET /tenants/{tenant}/cases/facets"),
    (CacheWithoutTenant, "cache.cross-tenant-hit", "GET /tenants/{tenant}/cases/{case}/summary"),
    (EdgeCache, "cache.cross-tenant-hit", "GET /me/cases"),
    (UniqueReplays, "oracle.name-taken", "POST /tenants/{tenant}/cases"),
    (UniqueTakesOver, "oracle.name-taken", "POST /tenants/{tenant}/cases"),
    (NamelessIsFirst, "api.no-tenant", "GET /me/cases"),
    (MissingIsFirst, "api.no-tenant", "GET /tenants/{tenant}/cases"),
    (CaseFolded, "api.path-spelling", "GET /tenants/{tenant}/cases/{case}"),
    (ChildOfAnyParent, "api.child-of-foreign-parent", "POST /tenants/{tenant}/cases/{case}/tasks"),
    (ForeignForbidden, "oracle.existence", "GET /tenants/{tenant}/cases/{case}"),
    (DenialCarriesRecord, "api.swap-path-tenant", "GET /tenants/{tenant}/cases/{case}"),
    (RedirectCarriesRecord, "api.swap-path-tenant", "GET /tenants/{tenant}/cases/{case}"),
    (DeletesAndDenies, "api.swap-path-tenant", "DELETE /tenants/{tenant}/cases/{case}"),
];

#[tokio::test]
async fn each_flaw_is_a_leak_of_its_check_and_names_the_operation() {
    let mut by_switch: BTreeMap<Switch, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for (switch, check, operation) in FLAWS {
        by_switch.entry(switch).or_default().insert((check, operation));
    }
    for (switch, expected) in by_switch {
        let concluded = run(&[switch], |one| expected.contains(&(one.check, one.subject.as_str()))).await;
        for (check, operation) in expected {
            let is_there = concluded.iter().any(|one| one.is_leak() && one.check == check && one.subject == operation);
            assert!(is_there, "{switch:?}: {check} on {operation}, but {concluded:#?}");
        }
    }
}

/// An operation that is said to change two kinds, and changes one: of the other nothing is known.
#[tokio::test]
async fn a_kind_of_which_nothing_is_seen_to_change_is_not_isolated_by_another() {
    let fixture = Fixture::by_path().two_tenants().only(&["case", "note", "further"]);
    let of_two = fixture.clone().change("changes = [\"case\"]", "changes = [\"case\", \"note\"]");
    for (fixture, is_isolated) in [(fixture, true), (of_two, false)] {
        let concluded = run_with(fixture, &[], |one| one.check == "api.change-own").await;
        assert_eq!(concluded.len(), 2);
        for one in &concluded {
            assert_eq!((one.is_isolated(), one.is_unproven()), (is_isolated, !is_isolated), "{one:?}");
        }
    }
}

#[tokio::test]
async fn a_leak_is_found_and_named_where_it_is() {
    const READ: &str = "GET /tenants/{tenant}/cases/{case}";
    let fixture = Fixture::by_path().two_tenants().only(&["case"]).opaque();
    let found = run_with(fixture, &[PathBelievedWhenReading], |_| true).await;
    let found: BTreeSet<(&str, &str)> =
        found.iter().filter(|one| one.is_leak()).map(|one| (one.check, one.subject.as_str())).collect();
    assert!(found.contains(&("api.swap-path-tenant", READ)), "{found:?}");
    assert!(found.iter().all(|(_, operation)| *operation == READ), "only the faulty operation leaks: {found:?}");
}

#[tokio::test]
async fn a_second_page_that_leaks_by_itself_is_no_doing_of_a_header_or_a_query() {
    let is_tried = |check: &str| check == "api.header-tenant" || check == "api.query-tenant";
    let verified = Bed::start(&[SecondPageAll]).await.verify(|one| is_tried(one.check)).await;
    assert!(!verified.concluded().is_empty());
    assert_eq!(verified.leaks(), BTreeSet::new());
}

/// What the plain request opens is not told again for a header, a parameter or a cache that has nothing to do with it.
#[tokio::test]
async fn what_is_found_by_its_id_alone_is_blamed_on_that_alone() {
    const READ: &str = "GET /tenants/{tenant}/cases/{case}";
    for flaw in [vec![ReadByIdAlone, SouthApart], vec![ReadByIdAlone, IdsOfTenant]] {
        let fixture = Fixture::by_path().two_tenants().only(&["case"]);
        let all = run_with(fixture, &flaw, |one| one.subject == READ).await;
        let blamed: BTreeSet<&str> = all.iter().filter(|one| one.is_finding()).map(|one| one.check).collect();
        assert_eq!(blamed, BTreeSet::from(["api.swap-item"]), "{flaw:?}");
    }
}

/// What only a cache has is blamed on the cache, at each read.
#[tokio::test]
async fn what_a_cache_before_the_target_keeps_is_blamed_on_caches_alone() {
    let blamed = async |switches: &[Switch], read: &str| {
        let is_read = |one: &watertight_testbed::Picked| {
            let tried = ["api.swap-item", "api.list-own", "cache.cross-tenant-hit"];
            one.subject == read && tried.contains(&one.check)
        };
        let found = run_with(Fixture::by_token().only(&["case"]).two_tenants(), switches, is_read).await;
        found.iter().filter(|one| one.is_leak()).map(|one| one.check).collect::<BTreeSet<&str>>()
    };
    for read in ["GET /cases", "GET /cases/{case}"] {
        assert_eq!(blamed(&[EdgeCache, IdsOfTenant], read).await, BTreeSet::from(["cache.cross-tenant-hit"]), "{read}");
    }
    assert_eq!(blamed(&[ListAll], "GET /cases").await, BTreeSet::from(["api.list-own"]));
}

/// A cache would show it again: what has been shown once has been shown.
#[tokio::test]
async fn what_is_shown_only_once_is_no_caches_and_still_a_leak() {
    let fixture = Fixture::by_token().only(&["case"]).two_tenants();
    let found = run_with(fixture, &[SecondPageAllOnce], |one| one.check == "api.list-own").await;
    assert!(found.iter().any(|one| one.is_leak()), "{found:#?}");
}

#[tokio::test]
async fn an_open_path_is_no_matter_of_spelling() {
    let concluded = run(&[PathBelieved], |one| one.check == "api.path-spelling").await;
    assert!(!concluded.is_empty());
    for one in concluded {
        assert!(one.is_unproven(), "{one:?}");
    }
}

#[tokio::test]
async fn a_silent_fallback_and_a_shared_namespace_are_advisories() {
    for (switch, check) in [(UnknownIsOwn, "api.unknown-tenant"), (UniqueEverywhere, "oracle.name-taken")] {
        let concluded = run(&[switch], |one| one.check == check).await;
        assert!(concluded.iter().any(|one| one.is_finding()), "{switch:?}: {concluded:#?}");
        assert!(!concluded.iter().any(|one| one.is_leak()), "{switch:?}: {concluded:#?}");
    }
}

#[tokio::test]
async fn any_parent_whose_id_has_the_right_form_is_an_advisory_not_a_link() {
    let concluded = run(&[AnyParentOfForm], |one| one.check == "api.child-of-foreign-parent").await;
    assert!(!concluded.iter().any(Concluded::is_leak), "{concluded:#?}");
    let creates: Vec<&Concluded> = concluded.iter().filter(|one| one.subject.starts_with("POST ")).collect();
    assert_eq!(creates.len(), 6);
    assert!(creates.iter().all(|one| one.is_finding()), "{creates:#?}");
}

#[tokio::test]
async fn a_change_that_concerns_no_resource_is_never_tried() {
    let settings =
        "\n[[operation]]\nname = \"settings\"\nrequest = \"PUT /tenants/{tenant}/settings\"\neffect = \"change\"\n";
    let bed = Bed::with(Fixture::by_path().further(settings), &[]).await;
    let verified = bed.verify(|one| is_of_data(one) && one.subject.contains("/settings")).await;
    assert!(!verified.concluded().is_empty());
    for one in verified.concluded() {
        assert!(one.is_not_applicable() && format!("{one:?}").contains("settings"), "{one:?}");
    }
    assert!(!bed.seen().iter().any(|seen| seen.target.contains("/settings")));
}

#[tokio::test]
async fn where_objects_exist_none_is_created_or_changed_though_the_spec_says_how() {
    let creates = "create = { name = \"{canary}\", ref = \"{unique}\" }\nexisting = {";
    let bed = Bed::with(Fixture::by_path().change("existing = {", creates), &[]).await;
    let verified = bed.verify(|one| is_of_data(one) && one.subject.contains("/users")).await;
    assert_eq!(verified.run.planted.failures, []);
    assert!(verified.concluded().iter().any(|one| one.subject.starts_with("POST")), "{:?}", verified.concluded());
    let changes = bed.seen().into_iter().filter(|seen| seen.method != "GET" && seen.target.contains("/users"));
    assert_eq!(changes.collect::<Vec<_>>(), []);
}
