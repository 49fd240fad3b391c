//! Where the objects of a kind come from, and what the file says of each tenant's.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::super::tenant::Roster;
use crate::keys::RESOURCE;
use crate::object_id::ObjectId;
use crate::reader::{At, Reader, Table, Value, in_order};
use crate::spec::{Supply, TenantName};
use crate::values::integer;

/// Of each tenant one, which has no id.
pub(super) fn one_each(roster: &Roster) -> Supply {
    let one = || vec![ObjectId::text("-")];
    Supply::Known(roster.tenants().map(|tenant| (tenant.clone(), one())).collect())
}

/// `existing`: by tenant, or as each tenant's list shows them.
pub(super) fn supply<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, roster: &Roster) -> Supply {
    match table.get("existing") {
        Some(value) if value.get_ref().is_str() => {
            reader.choice(value, &[("listed", ())]);
            Supply::Listed
        }
        _ => match by_tenant(reader, table, "existing", roster, known_ids) {
            known if known.is_empty() => Supply::Made,
            known => Supply::Known(known),
        },
    }
}

/// Objects of one tenant: one, or a list of them.
fn known_ids<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>) -> Option<Vec<ObjectId>> {
    const MOST_KNOWN: usize = 50;
    let Some(items) = value.get_ref().as_array() else { return known_id(reader, value).map(|id| vec![id]) };
    if items.is_empty() || items.len() > MOST_KNOWN {
        reader.report.note(value.span(), "a list of one to 50 ids goes here", "[\"case-1\", \"case-2\"]");
        return None;
    }
    items.iter().map(|item| known_id(reader, item)).collect()
}

/// An object that exists: a number in the file is one in JSON.
fn known_id<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>) -> Option<ObjectId> {
    match value.get_ref() {
        DeValue::Integer(number) => ObjectId::of(&integer(number)?.into()),
        _ => reader.expanded(value).map(|text| ObjectId::text(text.value)),
    }
}

/// A value for each tenant.
pub(super) fn by_tenant<'t, 'e, T>(
    reader: &mut Reader<'t, 'e>,
    table: &Table<'t>,
    key: &'static str,
    roster: &Roster,
    read: impl Fn(&mut Reader<'t, 'e>, &'t Value<'t>) -> Option<T>,
) -> BTreeMap<TenantName, T> {
    let Some(value) = table.get(key) else { return BTreeMap::new() };
    let Some(entries) = value.get_ref().as_table() else {
        reader.wrong_type(value, &format!("`{key}`"), "a table", RESOURCE.example(key));
        return BTreeMap::new();
    };
    let mut values = BTreeMap::new();
    for (key, value) in in_order(entries) {
        let tenant = roster.find(reader, At { value: key.value, span: key.span });
        let value = read(reader, value);
        if let (Some(tenant), Some(value)) = (tenant, value) {
            values.insert(tenant, value);
        }
    }
    values
}
