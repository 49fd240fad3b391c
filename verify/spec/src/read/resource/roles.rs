//! What may be done with the objects of a kind.

use toml::de::DeValue;

use super::super::implied::Convention;
use super::is_request;
use crate::keys::RESOURCE;
use crate::reader::{Reader, Table};
use crate::spec::Role;

pub(super) const ROLES: [(&str, Role); 6] = [
    ("list", Role::List),
    ("create", Role::Create),
    ("read", Role::Read),
    ("replace", Role::Replace),
    ("patch", Role::Patch),
    ("delete", Role::Delete),
];

/// `methods`, or what the convention gives.
pub(super) fn roles<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, convention: &Convention) -> Vec<Role> {
    let may_create = table.get("create").is_some();
    let is_disposable = table.get("disposable").is_some();
    let may_patch = convention.update.is_some() || (convention.create.is_none() && may_create);
    let is_singleton = is_set(table, "singleton");
    let Some(value) = table.get("methods") else {
        let implied = |role: &Role| match role {
            Role::Read if is_singleton => true,
            Role::Patch if is_singleton => may_patch && is_disposable,
            _ if is_singleton => false,
            Role::List | Role::Read => true,
            Role::Patch => may_create && may_patch,
            _ => may_create,
        };
        return ROLES.iter().map(|(_, role)| *role).filter(implied).collect();
    };
    let Some(items) = value.get_ref().as_array() else {
        reader.wrong_type(value, "`methods`", "a list", RESOURCE.example("methods"));
        return Vec::new();
    };
    let mut roles = Vec::new();
    for item in items.iter() {
        let Some(role) = reader.choice(item, &ROLES) else { continue };
        let reads = matches!(role, Role::List | Role::Read);
        if !(may_create || reads || (is_disposable && role != Role::Create)) {
            let help = "add `create`, or leave this out: objects that the run has not made are changed only where they are `disposable`";
            reader.report.note(item.span(), "this needs `create`", help);
        } else if role == Role::Patch && !may_patch && !is_request(table.get("patch")) {
            let help = format!("add `update = {}`", RESOURCE.example("update"));
            reader.report.note(item.span(), "nothing to patch with: no member of `create` holds `{canary}`", help);
        }
        roles.push(role);
    }
    roles
}

/// Whether a flag is set.
pub(super) fn is_set(table: &Table<'_>, key: &'static str) -> bool {
    matches!(table.get(key).map(|value| value.get_ref()), Some(DeValue::Boolean(true)))
}
