//! Requests that are not REST: what they name, and where, is for the spec to say.

use std::collections::BTreeSet;

use serde_json::Value;
use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Concluded, Fixture, Picked, Switch, Verified};

use crate::support::{holds, is_of_data};

async fn remote(switches: &[Switch]) -> Verified {
    Bed::with(Fixture::remote(), switches).await.verify(is_of_data).await
}

fn of_check<'c>(concluded: &'c [Concluded], check: &str) -> Vec<&'c Concluded> {
    concluded.iter().filter(|one| one.check == check).collect()
}

/// What is denied is a success here, with an error in it that names the id. Ids are numbers, and texts are refused.
#[tokio::test]
async fn procedures_that_deny_in_a_success_are_isolated_and_leave_nothing_behind() {
    let sound = remote(&[]).await;
    let concluded = sound.concluded();
    let swapped = of_check(&concluded, "api.swap-item");
    let mut subjects: Vec<&str> = swapped.iter().map(|one| one.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(
        subjects,
        ["POST /rpc (case.delete)", "POST /rpc (case.patch)", "POST /rpc (case.read)", "POST /rpc (close-case)"]
    );
    for one in &concluded {
        assert!(one.is_isolated() || one.is_not_applicable(), "{one:#?}");
    }
    assert!(swapped.iter().all(|one| one.is_isolated()));
    assert_eq!(sound.run.left_behind, Vec::<String>::new());
    assert_eq!(sound.replay().divergences, []);
}

#[tokio::test]
async fn an_id_in_a_body_is_attacked_like_one_in_a_path() {
    for (switch, name) in [
        (ReadByIdAlone, "case.read"),
        (UpdateByIdAlone, "case.patch"),
        (DeleteByIdAlone, "case.delete"),
        (CloseByIdAlone, "close-case"),
    ] {
        let leaky = remote(&[switch, IdsOfTenant]).await;
        let concluded = leaky.concluded();
        let found: Vec<&str> = concluded.iter().filter(|one| one.is_leak()).map(|one| one.subject.as_str()).collect();
        let subject = format!("POST /rpc ({name})");
        assert!(!found.is_empty() && found.iter().all(|one| *one == subject), "{switch:?}: {found:?}");
        assert!(leaky.watched().iter().all(|one| !one.is_leak()), "{switch:?}");
    }
}

pub(crate) const LINKS: &str = r#"
[[resource]]
name = "link"
path = "/tenants/{tenant}/links"
create = { title = "{canary}", case = "{case}" }
"#;

/// South tries to link to north's cases, and the other way round.
async fn links(switches: &[Switch]) -> Vec<Concluded> {
    let fixture = Fixture::by_path().only(&["case"]).two_tenants().further(LINKS);
    let switches = [switches, &[IdsOfTenant]].concat();
    let bed = Bed::with(fixture, &switches).await;
    let is_tried = |one: &Picked| one.check == "api.child-of-foreign-parent" && one.subject.starts_with("POST ");
    let verified = bed.verify(is_tried).await;
    assert_eq!(verified.run.left_behind, Vec::<String>::new());
    verified.concluded()
}

/// Refused as invalid is how such a target denies: it does so with an id that never existed.
#[tokio::test]
async fn what_a_body_names_is_planted_before_and_may_not_be_anothers() {
    let sound = links(&[]).await;
    assert!(sound.len() == 2 && sound.iter().all(Concluded::is_isolated), "{sound:#?}");
    let leaky = links(&[LinkToAny]).await;
    assert!(leaky.len() == 2 && leaky.iter().all(Concluded::is_leak), "{leaky:#?}");
    let careless = links(&[LinkToNothing]).await;
    assert!(careless.iter().all(|one| one.is_finding() && !one.is_leak()), "{careless:#?}");
}

/// What the links of [`LINKS`] can do besides, in which role, and which check tries the case that it names.
const BESIDE: [(&str, &str, &str); 4] = [
    ("", "PUT /tenants/{tenant}/links/{link}", "api.child-of-foreign-parent"),
    ("update = { case = \"{case}\" }", "PATCH /tenants/{tenant}/links/{link}", "api.child-of-foreign-parent"),
    (
        "delete = \"DELETE /tenants/{tenant}/links/{link}?case={case}\"",
        "DELETE /tenants/{tenant}/links/{link}?case={case}",
        "api.child-of-foreign-parent",
    ),
    (
        "read = \"GET /tenants/{tenant}/links/{link}?case={case}\"",
        "GET /tenants/{tenant}/links/{link}?case={case}",
        "api.swap-item",
    ),
];

/// What `check` concludes of a request that names a case beside a link.
async fn beside(line: &str, subject: &str, check: &str, switches: &[Switch]) -> Vec<Concluded> {
    let fixture = Fixture::by_path().only(&["case"]).two_tenants().further(&format!("{LINKS}{line}\n"));
    let switches = [switches, &[IdsOfTenant]].concat();
    let verified = Bed::with(fixture, &switches).await.verify(|one| one.check == check && one.subject == subject).await;
    assert_eq!(verified.run.left_behind, Vec::<String>::new());
    let concluded = verified.concluded();
    assert_eq!(concluded.len(), 2, "{subject}");
    concluded
}

/// Whatever the role of a request is: the link is the attacker's own, and the case beside it is not.
#[tokio::test]
async fn what_a_request_names_beside_ones_own_object_may_not_be_anothers() {
    for (line, subject, check) in BESIDE {
        let sound = beside(line, subject, check, &[]).await;
        assert!(sound.iter().all(Concluded::is_isolated), "{sound:#?}");
        let leaky = beside(line, subject, check, &[BesideAny]).await;
        assert!(leaky.iter().all(Concluded::is_leak), "{subject}: {leaky:#?}");
    }
}

/// What an update names is dropped there, the owner's as well.
#[tokio::test]
async fn what_an_update_names_and_the_target_drops_is_isolated() {
    for (line, subject, check) in &BESIDE[..2] {
        let sound = beside(line, subject, check, &[LinksStay]).await;
        assert!(sound.iter().all(Concluded::is_isolated), "{sound:#?}");
        let careless = beside(line, subject, check, &[LinkToNothing]).await;
        assert!(careless.iter().all(|one| one.is_finding() && !one.is_leak()), "{careless:#?}");
    }
}

pub(crate) const ATTACH: &str = r#"
[[operation]]
name = "attach"
request = "POST /tenants/{tenant}/cases/{case}/attach"
body = { note = "{note}" }
effect = "change"
"#;

/// The case is the attacker's own, and the note beside it is not.
#[tokio::test]
async fn an_operation_may_not_name_anothers_object_beside_ones_own() {
    let attached = async |switches: &[Switch]| {
        let fixture = Fixture::by_path().only(&["case", "note"]).two_tenants().further(ATTACH);
        let switches = [switches, &[IdsOfTenant]].concat();
        let is_attach = |one: &Picked| one.subject.ends_with("/attach");
        let verified = Bed::with(fixture, &switches).await.verify(is_attach).await;
        assert_eq!(verified.run.left_behind, Vec::<String>::new());
        verified.concluded()
    };
    let sound = attached(&[]).await;
    assert!(sound.iter().all(Concluded::is_isolated), "{sound:#?}");
    assert_eq!(of_check(&sound, "api.child-of-foreign-parent").len(), 2);
    for switch in [AttachToAny, AttachUnseen] {
        let leaky = attached(&[switch]).await;
        let found: Vec<&Concluded> = leaky.iter().filter(|one| one.is_leak()).collect();
        assert!(found.len() == 2 && found.iter().all(|one| one.check == "api.child-of-foreign-parent"), "{leaky:#?}");
    }
}

/// Nothing can be done about it, so it is said once for each kind, and is no failure.
#[tokio::test]
async fn what_the_spec_can_not_remove_stays_and_is_counted() {
    let fixture = Fixture::remote().two_tenants().change("\ndelete = { request", "\n# {");
    let verified = Bed::with(fixture, &[]).await.verify(|one| one.check == "api.list-own").await;
    assert_eq!(verified.run.left_behind, Vec::<String>::new());
    assert_eq!(verified.run.staying, ["6 of case stay: the spec has no request that removes one"]);
}

/// The tenant's place is named by a value of its own, and what is created has values of many forms.
fn with_values() -> Fixture {
    let id = |name: &str| format!("id = \"{name}\"\n");
    let with = |name: &str| format!("{}values = {{ org = \"{name}\", limit = 7 }}\n", id(name));
    let create = r#"create = { title = "{canary}", externalRef = "{uuid}", mail = "{email}", count = "{int}", price = "{number}", slug = "{slug}", most = "{limit}" }"#;
    Fixture::by_path()
        .only(&["case"])
        .two_tenants()
        .change("{tenant}", "{org}")
        .change(r#"create = { title = "{canary}", externalRef = "{unique}" }"#, create)
        .change(&id("north"), &with("north"))
        .change(&id("south"), &with("south"))
}

#[tokio::test]
async fn values_are_typed_unique_and_the_tenants_own() {
    let verified = Bed::with(with_values(), &[]).await.verify(is_of_data).await;
    let mut refs = BTreeSet::new();
    for (_, exchange) in verified.exchanges() {
        let is_create = exchange.request.method == "POST" && exchange.request.target.ends_with("/cases");
        let body = exchange.request.body.as_deref().filter(|_| is_create);
        let Some(body) = body.and_then(|body| serde_json::from_str::<Value>(body).ok()) else { continue };
        assert!(body["count"].is_u64() && body["price"].is_f64() && body["most"] == 7, "{body}");
        assert!(body["mail"].as_str().unwrap().ends_with("@example.com"), "{body}");
        let reference = body["externalRef"].as_str().unwrap();
        assert!(reference.len() == 36 && reference.as_bytes()[14] == b'8', "{reference}");
        refs.insert(reference.to_owned());
    }
    assert!(refs.len() > 6, "{refs:?}");
    let concluded = verified.concluded();
    assert!(concluded.iter().all(holds), "{concluded:#?}");
    assert!(!of_check(&concluded, "oracle.name-taken").is_empty());
    let leaky = Bed::with(with_values(), &[PathBelieved]).await;
    let leaky = leaky.verify(|one| one.check == "api.swap-path-tenant").await.concluded();
    assert!(leaky.iter().any(|one| one.is_leak() && one.subject == "GET /tenants/{org}/cases/{case}"), "{leaky:#?}");
}

/// An operation of which its owner sees nothing.
const LOOK: &str = r#"
[[operation]]
name = "touch-case"
request = "POST /rpc"
body = { method = "case.get", params = { id = "{case}" } }
effect = "change"
"#;

/// A success with an error in it that nothing explains, and another one for an id that never existed. It decides nothing by
/// itself: what is read is unproven, and what is written is isolated only where its effect would have been seen.
#[tokio::test]
async fn an_error_that_nothing_explains_counts_only_where_an_effect_would_have_been_seen() {
    let fixture = Fixture::remote().two_tenants().further(LOOK);
    let is_swap = |one: &Picked| one.check == "api.swap-item";
    let concluded = Bed::with(fixture, &[ForeignForbidden, IdsOfTenant]).await.verify(is_swap).await.concluded();
    let of = |name: &str| {
        let subject = format!("POST /rpc ({name})");
        let found: Vec<&Concluded> = concluded.iter().filter(|one| one.subject == subject).collect();
        assert_eq!(found.len(), 2, "{name}");
        found
    };
    for (name, reason) in [("case.read", "UnclearAnswer"), ("touch-case", "EffectUnseen")] {
        let is_so = |one: &&Concluded| one.is_unproven() && format!("{one:?}").contains(reason);
        assert!(of(name).iter().all(is_so), "{:#?}", of(name));
    }
    for name in ["case.patch", "case.delete", "close-case"] {
        assert!(of(name).iter().all(|one| one.is_isolated()), "{:#?}", of(name));
    }
}
