//! What shows many objects: exports, filters, totals.

use watertight_checks::verdict::Verdict;
use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Concluded, Fixture, Switch, Verified};

use crate::described::LINKS;

/// A read that names no object, and a view of the same table.
const EXPORTS: &str = r#"
views = { export = "GET /tenants/{tenant}/cases.csv" }

[[operation]]
name = "mine.csv"
request = "GET /me/cases.csv"
"#;

async fn exports(switches: &[Switch]) -> Verified {
    // The views are those of the last resource: cases.
    let fixture = Fixture::by_path().only(&["case"]).two_tenants().further(EXPORTS);
    Bed::with(fixture, switches).await.verify(|one| ["api.list-own", "api.count-own"].contains(&one.check)).await
}

fn of<'c>(concluded: &'c [Concluded], check: &str, subject: &str) -> Vec<&'c Concluded> {
    concluded.iter().filter(|one| one.check == check && one.subject == subject).collect()
}

const EXPORT: &str = "GET /tenants/{tenant}/cases.csv";
const MINE: &str = "GET /me/cases.csv";

#[tokio::test]
async fn an_export_shows_its_callers_own_alone() {
    let sound = exports(&[]).await.concluded();
    for subject in [EXPORT, MINE] {
        let one = of(&sound, "api.list-own", subject);
        assert!(one.len() == 2 && one.iter().all(|one| one.is_isolated()), "{subject}: {one:#?}");
    }
    assert!(sound.iter().all(|one| one.is_isolated() || one.is_not_applicable()), "{sound:#?}");
    let leaky = exports(&[ExportAll]).await.concluded();
    let found: Vec<&Concluded> = leaky.iter().filter(|one| one.is_leak()).collect();
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found.iter().all(|one| one.check == "api.list-own" && [EXPORT, MINE].contains(&one.subject.as_str())));
}

#[tokio::test]
async fn a_total_beside_a_list_is_the_callers_own() {
    let list = "GET /tenants/{tenant}/cases";
    let sound = exports(&[ListCounts]).await.concluded();
    let counted = of(&sound, "api.count-own", list);
    assert!(counted.len() == 2 && counted.iter().all(|one| one.is_isolated()), "{counted:#?}");
    let leaky = exports(&[ListCountsAll]).await.concluded();
    let found: Vec<&Concluded> = leaky.iter().filter(|one| one.is_leak()).collect();
    assert!(found.len() == 2 && found.iter().all(|one| one.subject == list), "{found:#?}");
}

/// Its first page may be full of its reader's own: then its total tells first, and what a reader finds on later pages is the
/// same leak.
#[tokio::test]
async fn a_list_of_all_tenants_that_counts_them_as_well_is_one_leak() {
    let verified = exports(&[SecondPageAll, ListCountsAll]).await;
    let found: Vec<_> = verified.run.results.iter().filter(|one| matches!(one.verdict, Verdict::Leak(_))).collect();
    assert!(found.len() == 2 && found.iter().all(|one| one.check.id == "api.list-own"), "{found:#?}");
    for one in found {
        assert!(one.also_seen.iter().any(|seen| seen.check.id == "api.count-own"), "{one:#?}");
    }
}

/// Refused as no valid choice is how such a target denies.
#[tokio::test]
async fn a_filter_by_anothers_object_shows_nothing_of_it() {
    let filtered = async |switches: &[Switch]| {
        let views = format!("{LINKS}views = {{ of-case = \"GET /tenants/{{tenant}}/links?case={{case}}\" }}\n");
        let fixture = Fixture::by_path().only(&["case"]).two_tenants().further(&views);
        let switches = [switches, &[IdsOfTenant]].concat();
        let is_tried = |one: &watertight_testbed::Picked| ["api.swap-item", "api.list-own"].contains(&one.check);
        let concluded = Bed::with(fixture, &switches).await.verify(is_tried).await.concluded();
        concluded.into_iter().filter(|one| one.subject.contains("?case=")).collect::<Vec<Concluded>>()
    };
    let sound = filtered(&[]).await;
    assert!(sound.len() == 4 && sound.iter().all(Concluded::is_isolated), "{sound:#?}");
    let leaky = filtered(&[FilterReplacesScope]).await;
    let found: Vec<&Concluded> = leaky.iter().filter(|one| one.is_leak()).collect();
    assert!(found.len() == 2 && found.iter().all(|one| one.check == "api.swap-item"), "{leaky:#?}");
}

/// What names the caller alone, and what is the same for everyone.
const UNMARKED: &str = r#"
[[operation]]
name = "who"
request = "GET /whoami"

[[operation]]
name = "schema"
request = "GET /cases/any/schema"
"#;

#[tokio::test]
async fn what_nothing_marks_is_compared_with_what_the_other_tenant_is_told() {
    let compared = async |switches: &[Switch]| {
        let fixture = Fixture::by_token().only(&["case"]).two_tenants().further(UNMARKED);
        let is_tried = |one: &watertight_testbed::Picked| {
            let subject = ["GET /whoami", "GET /cases/any/schema"].contains(&one.subject.as_str());
            subject && ["api.list-own", "cache.cross-tenant-hit"].contains(&one.check)
        };
        Bed::with(fixture, switches).await.verify(is_tried).await.concluded()
    };
    let sound = compared(&[]).await;
    let one = of(&sound, "api.list-own", "GET /whoami");
    assert!(one.len() == 2 && one.iter().all(|one| one.is_isolated()), "{one:#?}");
    // The same for both, with a number in it, and not for everyone: it may be about either.
    let one = of(&sound, "api.list-own", "GET /cases/any/schema");
    assert!(one.len() == 2 && one.iter().all(|one| one.is_not_applicable()), "{one:#?}");
    let cached = compared(&[EdgeCache]).await;
    let found: Vec<&Concluded> = cached.iter().filter(|one| one.is_leak()).collect();
    assert!(!found.is_empty(), "{cached:#?}");
    let is_the_caches = |one: &&&Concluded| one.check == "cache.cross-tenant-hit" && one.subject == "GET /whoami";
    assert_eq!(found.iter().filter(is_the_caches).count(), found.len(), "{found:#?}");
    assert!(of(&cached, "api.list-own", "GET /whoami").iter().all(|one| one.is_unproven()), "{cached:#?}");
}

/// Where both tenants have as many at rest (south has one case from before any run), a cached number and one's own are the same.
#[tokio::test]
async fn a_cached_total_is_told_though_both_have_as_many() {
    let compared = async |switches: &[Switch]| {
        let is_tried = |one: &watertight_testbed::Picked| {
            one.check == "cache.cross-tenant-hit" && one.subject == "GET /cases/facets"
        };
        let fixture = Fixture::by_token().only(&["case"]).two_tenants();
        Bed::with(fixture, switches).await.verify(is_tried).await.concluded()
    };
    for ahead in [0, 1, 2] {
        let sound = compared(&[NorthAhead(ahead)]).await;
        assert!(sound.len() == 2 && sound.iter().all(Concluded::is_isolated), "{ahead}: {sound:#?}");
        let kept_for_each = compared(&[NorthAhead(ahead), CountKeptForEach]).await;
        assert!(!kept_for_each.iter().any(Concluded::is_leak), "{ahead}: {kept_for_each:#?}");
        let cached = compared(&[NorthAhead(ahead), EdgeCache]).await;
        assert!(cached.len() == 2 && cached.iter().all(Concluded::is_leak), "{ahead}: {cached:#?}");
    }
}

/// What is told changes while no one does anything, and is no clock: who asks first decides what both are told.
#[tokio::test]
async fn a_total_that_is_kept_for_a_moment_for_whoever_asks_is_no_clock() {
    let fixture = Fixture::by_token().only(&["case"]).two_tenants().change("settle = \"40ms\"", "settle = \"800ms\"");
    let is_tried =
        |one: &watertight_testbed::Picked| one.check == "api.count-own" && one.subject == "GET /cases/facets";
    let kept = Bed::with(fixture, &[CountKeptAWhile]).await.verify(is_tried).await.concluded();
    assert!(kept.len() == 2 && kept.iter().all(Concluded::is_leak), "{kept:#?}");
}

/// A filter that shows its owner nothing shows whoever asks for it nothing as well: that says nothing.
#[tokio::test]
async fn a_filter_that_shows_its_owner_nothing_proves_nothing() {
    let views = format!("{LINKS}views = {{ of-none = \"GET /tenants/{{tenant}}/links?case=no-{{case}}\" }}\n");
    let fixture = Fixture::by_path().only(&["case"]).two_tenants().further(&views);
    let is_tried = |one: &watertight_testbed::Picked| one.check == "api.swap-item" && one.subject.contains("?case=no-");
    for switches in [vec![IdsOfTenant], vec![IdsOfTenant, FilterReplacesScope]] {
        let concluded = Bed::with(fixture.clone(), &switches).await.verify(is_tried).await.concluded();
        assert!(concluded.len() == 2 && concluded.iter().all(Concluded::is_unproven), "{concluded:#?}");
    }
}

/// What names the object alone below which it looks.
const BELOW: &str = r#"
[[operation]]
name = "links-of"
request = "GET /tenants/{tenant}/links?case={case}"
"#;

/// An empty list for its owner, as for whatever never existed, is no control. One that differs from that is.
#[tokio::test]
async fn an_operation_that_shows_its_owner_nothing_proves_nothing() {
    let fixture = Fixture::by_path().only(&["case"]).two_tenants().further(BELOW);
    let is_tried = |one: &watertight_testbed::Picked| one.check == "api.swap-item" && one.subject.contains("/links");
    let concluded =
        async |switches: &[Switch]| Bed::with(fixture.clone(), switches).await.verify(is_tried).await.concluded();
    let refusing = concluded(&[IdsOfTenant]).await;
    assert!(refusing.len() == 2 && refusing.iter().all(Concluded::is_isolated), "{refusing:#?}");
    let empty = concluded(&[IdsOfTenant, FilterReplacesScope]).await;
    let is_told = |one: &Concluded| one.is_unproven() && format!("{one:?}").contains("describe what it shows");
    assert!(empty.len() == 2 && empty.iter().all(is_told), "{empty:#?}");
}
