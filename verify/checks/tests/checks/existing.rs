//! Objects that the run does not make: named in the spec or found in lists, looked at by whatever shows them, and changed only
//! where the spec says so.

use std::collections::BTreeSet;

use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Concluded, Fixture, Picked, Switch, Verified};

use crate::support::holds;

const KNOWN: &str = "existing = { north = \"user-17\", south = \"user-90\", north-east = \"user-5\" }";

/// Users, in place of what the spec says of them.
async fn users(supply: &str, switches: &[Switch], keep: impl Fn(&Picked) -> bool) -> Verified {
    let fixture = Fixture::by_path().only(&["user"]).change(KNOWN, supply);
    Bed::with(fixture, switches).await.verify(keep).await
}

fn leaks(concluded: &[Concluded]) -> BTreeSet<(&str, &str)> {
    concluded.iter().filter(|one| one.is_leak()).map(|one| (one.check, one.subject.as_str())).collect()
}

const READ: &str = "GET /tenants/{tenant}/users/{user}";
const RENAME: &str = r#"
disposable = true
methods = ["list"]

[[operation]]
name = "rename-user"
request = "PATCH /tenants/{tenant}/users/{user}"
body = { title = "{canary}" }
effect = "change"
"#;

#[tokio::test]
async fn objects_may_be_those_that_lists_show() {
    let is_tried = |one: &Picked| ["api.swap-item", "api.list-own"].contains(&one.check);
    let sound = users("existing = \"listed\"", &[], is_tried).await;
    assert!(sound.concluded().len() == 12 && sound.concluded().iter().all(holds), "{:#?}", sound.concluded());
    let leaky = users("existing = \"listed\"", &[ReadByIdAlone], is_tried).await.concluded();
    assert_eq!(leaks(&leaky), BTreeSet::from([("api.swap-item", READ)]));
}

/// There is no reading of a single one here: what became of it is seen in its owner's list.
#[tokio::test]
async fn what_is_disposable_is_changed_and_seen_in_the_list() {
    for supply in ["existing = \"listed\"", KNOWN] {
        let supply = format!("{supply}{RENAME}");
        let is_tried = |one: &Picked| one.check == "api.swap-item" || one.check == "api.swap-path-tenant";
        let sound = users(&supply, &[], is_tried).await.concluded();
        let renamed: Vec<&Concluded> = sound.iter().filter(|one| one.subject.starts_with("PATCH")).collect();
        assert!(renamed.len() == 12 && renamed.iter().all(|one| one.is_isolated()), "{supply}: {renamed:#?}");
        let leaky = users(&supply, &[UpdateByIdAlone], is_tried).await.concluded();
        let subject = "PATCH /tenants/{tenant}/users/{user}";
        assert_eq!(leaks(&leaky), BTreeSet::from([("api.swap-item", subject)]), "{supply}: {leaky:#?}");
    }
}

#[tokio::test]
async fn what_is_not_disposable_is_not_changed() {
    let supply = format!("{KNOWN}{}", RENAME.replace("disposable = true", ""));
    let verified = users(&supply, &[UpdateByIdAlone], |one| one.subject.starts_with("PATCH")).await;
    assert!(verified.exchanges().iter().all(|(_, exchange)| exchange.request.method != "PATCH"));
    let concluded = verified.concluded();
    assert!(!concluded.is_empty() && concluded.iter().all(Concluded::is_not_applicable), "{concluded:#?}");
    assert!(concluded.iter().any(|one| format!("{one:?}").contains("`disposable`")), "{concluded:#?}");
}

/// One shows what is done, another is attacked.
#[tokio::test]
async fn what_destroys_needs_two_disposable_objects() {
    let supply = format!("{KNOWN}{}", RENAME.replace("PATCH", "DELETE").replace("\"change\"", "\"destroy\""));
    let is_tried = |one: &Picked| one.check.starts_with("api.") && one.subject.starts_with("DELETE");
    let concluded = users(&supply, &[], is_tried).await.concluded();
    assert!(!concluded.is_empty() && concluded.iter().all(Concluded::is_unproven), "{concluded:#?}");
    assert!(concluded.iter().all(|one| format!("{one:?}").contains("name further ones")), "{concluded:#?}");
}
