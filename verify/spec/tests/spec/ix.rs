//! Indices into a spec.

use watertight_spec::*;

use crate::examples::{FULL, sound};

#[test]
fn an_index_finds_its_item() {
    let spec = sound(FULL);
    let tenants: Vec<_> = spec.tenant_ixs().map(|ix| spec[ix].id.as_str()).collect();
    assert_eq!(tenants, ["agency-north", "agency-south"]);
    let resources: Vec<_> = spec.resource_ixs().map(|ix| spec[ix].name.as_str()).collect();
    assert_eq!(resources, ["case", "task", "user", "folder"]);
    let operations: Vec<_> = spec.operation_ixs().map(|ix| spec[ix].name.clone()).collect();
    assert_eq!(operations, spec.operations.iter().map(|operation| operation.name.clone()).collect::<Vec<_>>());
    assert_eq!(spec.resource_ixs().map(ResourceIx::number).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn every_tenant_attacks_every_other() {
    let pairs = |spec: &Spec| -> Vec<_> {
        spec.pairs().iter().map(|pair| (pair.attacker.number(), pair.victim.number())).collect()
    };
    assert_eq!(pairs(&sound(FULL)), [(0, 1), (1, 0)]);

    let west = "[[tenant]]\nid = \"west\"\n[[tenant.principal]]\nname = \"desk\"\ngrant = \"basic\"\nusername = \"west\"\npassword = \"$NORTH\"\n";
    let three = sound(&format!("{}{west}", crate::mistakes::SMALL));
    assert_eq!(pairs(&three), [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]);
}

#[test]
fn a_tenants_caller_is_its_first_principal_that_names_it() {
    let text = FULL
        .replace("names = \"agency-south\"", "")
        .replace("name = \"service\"", "name = \"service\"\nnames = \"none\"");
    let spec = sound(&text);
    let callers: Vec<_> = spec.tenant_ixs().filter_map(|tenant| spec.caller(tenant)).collect();
    assert_eq!(
        callers.iter().map(|who| spec.name_of(*who)).collect::<Vec<_>>(),
        ["agency-north/stray", "agency-south/desk"]
    );
    assert_eq!(spec[callers[0]].name, "stray");
    let all: Vec<_> = spec.tenant_ixs().flat_map(|tenant| spec.principals(tenant)).collect();
    let names: Vec<_> = all.iter().map(|(who, principal)| (spec.name_of(*who), principal.name.as_str())).collect();
    assert_eq!(
        names,
        [
            ("agency-north/service".to_owned(), "service"),
            ("agency-north/stray".to_owned(), "stray"),
            ("agency-south/desk".to_owned(), "desk"),
            ("agency-south/night desk".to_owned(), "night desk"),
        ]
    );
}

#[test]
fn a_tenants_further_principals_attack_too_unless_they_serve_tokens_alone() {
    let further = |text: &str| -> Vec<String> {
        let spec = sound(text);
        let all = spec.tenant_ixs().flat_map(|tenant| spec.further_attackers(tenant).collect::<Vec<_>>());
        all.map(|who| spec.name_of(who)).collect()
    };
    assert_eq!(further(FULL), Vec::<String>::new(), "stray names another tenant, night desk none");
    let own = FULL.replace("names = \"agency-south\"", "").replace("names = \"none\"", "");
    assert_eq!(further(&own), ["agency-north/stray", "agency-south/night desk"]);
    let of_tokens = own.replace("name = \"stray\"", "name = \"stray\"\nuse = \"tokens\"");
    assert_eq!(further(&of_tokens), ["agency-south/night desk"]);
}

#[test]
fn an_operation_is_found_by_resource_and_role() {
    let spec = sound(FULL);
    let name = |resource: ResourceIx, role| spec.operation_of(resource, role).map(|ix| spec[ix].name.as_str());
    let resources: Vec<_> = spec.resource_ixs().collect();
    assert_eq!(name(resources[1], Role::Delete), Some("task.delete"));
    assert_eq!(name(resources[0], Role::Custom), Some("close-case"));
    assert_eq!(name(resources[2], Role::Delete), None);
}

#[test]
fn indices_are_numbers_in_a_file_and_foreign_ones_are_told() {
    let spec = sound(FULL);
    let pair = spec.pairs()[1];
    let written = serde_json::to_value(pair).unwrap();
    assert_eq!(written, serde_json::json!({"attacker": 1, "victim": 0}));
    assert_eq!(serde_json::from_value::<Pair>(written).unwrap(), pair);

    let who = |tenant: u32, principal: u32| -> Who {
        serde_json::from_value(serde_json::json!({"tenant": tenant, "principal": principal})).unwrap()
    };
    assert!(spec.has(who(1, 1)) && spec.has_tenant(who(1, 0).tenant));
    for foreign in [who(1, 2), who(2, 0), who(u32::MAX, u32::MAX)] {
        assert!(!spec.has(foreign));
    }
    assert!(!spec.has_tenant(who(2, 0).tenant));
    assert_eq!(
        [who(1, 1), who(1, 2), who(2, 0)].map(|who| spec.name_of(who)),
        ["agency-south/night desk", "agency-south/?", "?/?"]
    );
    assert_eq!(spec.principals(who(2, 0).tenant).count(), 0);
    assert_eq!(spec.caller(who(2, 0).tenant), None);
}
