//! What a plan says is what a run does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use watertight_checks::plan::{Attacked, Options, Outline, Place, Plan, Stands, plan};
use watertight_engine::log::{Exchange, Sent, Source};
use watertight_spec::{Operation, Spec};
use watertight_testbed::Switch::IdsOfTenant;
use watertight_testbed::{Bed, Fixture, Verified, spec_of};

use crate::described::{ATTACH, LINKS};

const RENAME: &str = "\n[[operation]]\nname = \"rename-user\"\nrequest = \"PATCH /tenants/{tenant}/users/{user}\"\n\
                      body = { title = \"{canary}\" }\neffect = \"change\"\n";

fn fixtures() -> [(&'static str, Fixture); 6] {
    let two = |fixture: Fixture| fixture.two_tenants();
    [
        ("path", two(Fixture::by_path()).further(LINKS).further(ATTACH)),
        ("header", two(Fixture::by_header()).only(&["case", "task", "note"])),
        ("token", two(Fixture::by_token()).only(&["case", "task", "bucket"])),
        ("procedures", two(Fixture::remote())),
        ("tokens", Fixture::tokens()),
        // What may not be changed is not sent.
        ("existing", two(Fixture::by_path()).only(&["user"]).further(RENAME)),
    ]
}

async fn verified(fixture: Fixture) -> Verified {
    Bed::with(fixture, &[IdsOfTenant]).await.verify(|_| true).await
}

/// What each trial has sent.
fn sent(verified: &Verified) -> BTreeMap<usize, Vec<Exchange>> {
    let mut sent: BTreeMap<usize, Vec<Exchange>> = BTreeMap::new();
    for (source, exchange) in verified.exchanges() {
        if let Source::Trial(index) = source {
            sent.entry(index).or_default().push(exchange);
        }
    }
    sent
}

#[tokio::test]
async fn a_trial_that_a_plan_shows_is_sent_and_no_other() {
    let mut is_any_silent = false;
    for (name, fixture) in fixtures() {
        let verified = verified(fixture).await;
        let sent = sent(&verified);
        for (index, why) in verified.plan.silent(&verified.spec).iter().enumerate() {
            let trial = &verified.plan.trials[index];
            assert_eq!(sent.contains_key(&index), why.is_none(), "{name}: {trial:?} {why:?}");
            is_any_silent |= why.is_some();
        }
    }
    assert!(is_any_silent, "nothing here is left out");
}

/// In the requests of an attacker there is, at each place that the plan names, what is the victim's.
#[tokio::test]
async fn a_place_that_a_plan_names_is_attacked_there() {
    let mut seen = BTreeSet::new();
    for (name, fixture) in fixtures() {
        let verified = verified(fixture).await;
        let sent = sent(&verified);
        for attacked in Outline::new(&verified.spec, &verified.plan).attacked {
            let op = verified.spec.operations.iter().find(|op| op.name == attacked.operation).unwrap();
            for place in &attacked.places {
                for check in &place.checks {
                    if let Some(is_tried) = is_tried(&verified, &sent, op, place, check) {
                        assert!(is_tried, "{name}: {check} of {} at {:?}", attacked.operation, place.part);
                        seen.insert((place.part.kind, matches!(place.stands, Stands::Tenant)));
                    }
                }
            }
        }
    }
    let all = [("body", false), ("header", true), ("path", false), ("path", true)];
    assert_eq!(seen, BTreeSet::from(all));
}

/// Whether some request of this check's holds there what is the victim's. None where that is not to be seen in a request.
fn is_tried(
    verified: &Verified,
    sent: &BTreeMap<usize, Vec<Exchange>>,
    op: &Operation,
    place: &Place,
    check: &str,
) -> Option<bool> {
    // These name no tenant, or one that is none.
    let is_of_none = ["api.no-tenant", "api.unknown-tenant", "api.path-spelling"].contains(&check);
    let is_theirs: fn(&Spec, usize, &str) -> bool = match &place.stands {
        Stands::Tenant if !is_of_none => |spec, victim, held| held.contains(spec.tenants[victim].id.as_str()),
        Stands::OwnObject(kind) | Stands::OtherObject(kind) if kind == "user" => {
            |_, victim, held| held.contains(["user-17", "user-90"][victim])
        }
        // An id ends with the number of its tenant and its own; those that clients choose do not.
        Stands::OwnObject(kind) | Stands::OtherObject(kind) if !["note", "bucket"].contains(&kind.as_str()) => {
            |_, victim, held| {
                held.trim_start_matches(|c: char| !c.is_ascii_digit()).starts_with(&(victim + 1).to_string())
            }
        }
        _ => return None,
    };
    if place.part.kind.starts_with("added-") {
        return None;
    }
    let of_check = verified
        .plan
        .trials
        .iter()
        .enumerate()
        .filter(|(_, trial)| trial.check.id == check && trial.subject.operation() == Some(op.ix));
    let mut tried = of_check.flat_map(|(index, trial)| {
        let victim = trial.pair.victim.number();
        let own = format!("{}/", verified.spec[trial.pair.attacker].id);
        let requests = sent.get(&index).into_iter().flatten();
        let by_attacker = requests.filter(move |one| one.by.starts_with(&own) && one.operation == Some(op.ix));
        by_attacker
            .filter_map(|one| held(&one.request, op, place))
            .map(move |held| is_theirs(&verified.spec, victim, &held))
    });
    Some(tried.any(|is_theirs| is_theirs))
}

/// What a request holds in a place.
fn held(sent: &Sent, op: &Operation, place: &Place) -> Option<String> {
    let at = place.part.at.as_deref()?;
    match place.part.kind {
        "path" => {
            let segments =
                |path: &str| path.split('?').next().unwrap().split('/').rev().map(str::to_owned).collect::<Vec<_>>();
            let number = segments(&op.request.path.to_string()).iter().position(|segment| segment == at)?;
            segments(&sent.target).get(number).cloned()
        }
        "header" => sent.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(at)).map(|(_, value)| value.clone()),
        "body" => {
            let body: Value = serde_json::from_str(sent.body.as_deref()?).ok()?;
            Some(body.pointer(at)?.to_string())
        }
        _ => None,
    }
}

fn recipe(name: &str) -> (Arc<Spec>, Plan) {
    let (_, text) = watertight_spec::RECIPES.into_iter().find(|(known, _)| *known == name).unwrap();
    planned(text)
}

fn planned(text: &str) -> (Arc<Spec>, Plan) {
    let names = text.split('"').filter_map(|word| word.strip_prefix('$'));
    let names = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
    let spec = Arc::new(spec_of(text, &names.map(|name| (name.to_owned(), format!("hush-{name}"))).collect()));
    let plan = plan(&spec, &Options::default());
    (spec, plan)
}

#[test]
fn every_operation_of_every_recipe_is_attacked_as_its_trials_are_or_said_not_to_be() {
    for (name, _) in watertight_spec::RECIPES {
        let (spec, plan) = recipe(name);
        let outline = Outline::new(&spec, &plan);
        let mut tried: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (trial, why) in plan.trials.iter().zip(plan.silent(&spec)) {
            if let (Some(operation), None) = (trial.subject.operation(), why) {
                tried.entry(&spec[operation].name).or_default().insert(trial.check.id);
            }
        }
        let checks = |one: &Attacked| one.places.iter().flat_map(|place| place.checks.clone()).collect::<BTreeSet<_>>();
        let told: BTreeMap<&str, BTreeSet<&str>> =
            outline.attacked.iter().map(|one| (one.operation.as_str(), checks(one))).collect();
        assert_eq!(told, tried, "{name}");
        let untried: BTreeSet<&str> = outline.untried.iter().map(|one| one.operation.as_str()).collect();
        let all: BTreeSet<&str> = spec.operations.iter().map(|op| op.name.as_str()).collect();
        assert_eq!(told.keys().copied().chain(untried.iter().copied()).collect::<BTreeSet<_>>(), all, "{name}");
        assert!(untried.iter().all(|name| !told.contains_key(name)), "{name}");
        assert!(outline.untried.iter().all(|one| !one.why.is_empty()), "{name}");
    }
}

fn places(name: &str, operation: &str) -> Vec<String> {
    places_in(recipe(name), operation)
}

fn places_in((spec, plan): (Arc<Spec>, Plan), operation: &str) -> Vec<String> {
    let outline = Outline::new(&spec, &plan);
    let attacked = outline.attacked.into_iter().find(|one| one.operation == operation).unwrap();
    let line = |place: Place| {
        let at = place.part.at.map(|at| format!(" {at}")).unwrap_or_default();
        format!("{}{at}: {:?} {}", place.part.kind, place.stands, Vec::from_iter(place.checks).join(" "))
    };
    attacked.places.into_iter().map(line).collect()
}

#[test]
fn places_are_named_wherever_a_request_has_them() {
    assert_eq!(
        places("rest", "task.create"),
        [
            "path {case}: OtherObject(\"case\") api.child-of-foreign-parent oracle.existence",
            "path {tenant}: Tenant api.child-of-foreign-parent api.swap-path-tenant",
            "added-member tenantId: Tenant api.body-tenant-create",
        ]
    );
    assert_eq!(places("rpc", "cancel"), ["body /params/id: OwnObject(\"task\") api.swap-item oracle.existence"]);
    assert_eq!(
        places("graphql", "contact.delete"),
        ["body /variables/id: OwnObject(\"contact\") api.swap-item oracle.existence"]
    );
    assert_eq!(
        places("django", "task.create"),
        ["body /project: OtherObject(\"project\") api.child-of-foreign-parent oracle.existence"]
    );
    let filtered = places("django", "task.of-project");
    assert_eq!(filtered[0], "query project: OtherObject(\"project\") api.swap-item oracle.existence");
    assert!(places("hosts", "order.create").contains(&"host: Tenant api.swap-path-tenant".to_owned()));
    assert!(places("jsonapi", "article.read").iter().any(|place| place.starts_with("header x-tenant: Tenant ")));
    assert_eq!(places("odata", "activity.filtered")[0], "query $filter: Words api.search-own");
}

#[test]
fn a_list_of_one_is_attacked_in_a_second_element_and_one_of_two_in_both() {
    let (_, rest) = watertight_spec::RECIPES.into_iter().find(|(known, _)| *known == "rest").unwrap();
    let of_ids = |ids: &str| {
        let operation = format!(
            "[[operation]]\nname = \"close\"\nrequest = \"POST /close\"\nbody = {{ ids = [{ids}] }}\neffect = \"change\""
        );
        places_in(planned(&format!("{rest}\n{operation}")), "close")
    };
    let written = |at: &str| format!("body /ids/{at}: OwnObject(\"case\") api.swap-item oracle.existence");
    let added = "added-element /ids/1: OwnObject(\"case\") api.swap-item".to_owned();
    assert_eq!(of_ids("\"{case}\""), [written("0"), added]);
    assert_eq!(of_ids("\"{case}\", \"{case}\""), [written("0"), written("1")]);
}

#[test]
fn what_stays_and_what_is_not_covered_follow_from_the_spec() {
    let of = |name: &str| {
        let (spec, plan) = recipe(name);
        let outline = Outline::new(&spec, &plan);
        let stays: Vec<String> = outline.stays.into_iter().map(|one| one.of).collect();
        let gaps: Vec<String> = outline.gaps.into_iter().map(|gap| gap.what).collect();
        (stays, gaps)
    };
    let has = |gaps: &[String], what: &str| gaps.iter().any(|gap| gap.starts_with(what));
    let (stays, gaps) = of("uploads");
    assert_eq!(stays, Vec::<String>::new());
    assert!(!has(&gaps, "uploads") && !has(&gaps, "links"), "{gaps:?}");
    assert!(has(&gaps, "ids and tenants in queries, headers,") && has(&gaps, "streams"), "{gaps:?}");
    let (stays, gaps) = of("jobs");
    assert_eq!(stays, ["export"]);
    assert!(has(&gaps, "uploads") && !has(&gaps, "exports"), "{gaps:?}");
    let (_, gaps) = of("rest");
    assert!(!has(&gaps, "how tokens are issued") && !has(&gaps, "members of bodies"), "{gaps:?}");
}

/// Two tenants may have a project of one key: that is tried where the spec says which member is the key.
#[test]
fn an_id_that_a_create_makes_up_is_not_covered_for_two_tenants() {
    let (_, keys) = watertight_spec::RECIPES.into_iter().find(|(known, _)| *known == "keys").unwrap();
    let gaps = |create: &str| {
        let written = "create = { customer = \"{canary}\", amount = \"{int}\", currency = \"eur\" }";
        assert!(keys.contains(written));
        let (spec, plan) = planned(&keys.replace(written, create));
        let gaps: Vec<String> = Outline::new(&spec, &plan).gaps.into_iter().map(|gap| gap.what).collect();
        gaps.iter().any(|gap| gap.contains("of one `key`"))
    };
    assert!(gaps("id = \"$.key\"\ncreate = { key = \"{slug}\", customer = \"{canary}\" }"));
    assert!(!gaps("id = \"$.key\"\ncreate = { key = \"{invoice}\", customer = \"{canary}\" }"));
    assert!(!gaps("create = { key = \"{slug}\", customer = \"{canary}\" }"));
}
