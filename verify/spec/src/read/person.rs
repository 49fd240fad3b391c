//! `[[person]]` and `[[staff]]`: principals that are listed in several tenants.

use std::collections::BTreeSet;

use super::tenant::Roster;
use crate::keys::{PERSON, STAFF};
use crate::reader::{Reader, Table};
use crate::spec::{Enters, Membership};

const MOST: usize = 50;

/// A principal that is in several tenants: it is read anew for each.
pub(super) struct Guest<'t> {
    pub(super) table: Table<'t>,
    pub(super) membership: Membership,
}

impl Guest<'_> {
    /// Whether it is listed in a tenant.
    pub(super) fn is_in(&self, tenant: Option<&str>) -> bool {
        match &self.membership {
            Membership::Several(tenants, _) => tenants.iter().any(|member| Some(member.as_str()) == tenant),
            Membership::Nowhere => true,
            Membership::One => false,
        }
    }
}

/// Persons, then staff.
pub(super) fn guests<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>, roster: &Roster) -> Vec<Guest<'t>> {
    let persons = reader.tables(root, "person", &PERSON, MOST);
    let persons: Vec<_> = persons.into_iter().map(|table| person(reader, table, roster)).collect();
    let staff = reader.tables(root, "staff", &STAFF, MOST);
    let staff = staff.into_iter().map(|table| Guest { table, membership: Membership::Nowhere });
    persons.into_iter().chain(staff).collect()
}

fn person<'t>(reader: &mut Reader<'t, '_>, table: Table<'t>, roster: &Roster) -> Guest<'t> {
    let mut tenants = Vec::new();
    if let Some(value) = reader.need(&table, "tenants") {
        match value.get_ref().as_array() {
            Some(items) => {
                for item in items.iter() {
                    let found = reader.text(item).and_then(|text| roster.find(reader, text));
                    tenants.extend(found.filter(|tenant| !tenants.contains(tenant)));
                }
                let named: BTreeSet<_> = items.iter().map(|item| item.get_ref().as_str()).collect();
                if named.len() < 2 {
                    let help = "someone who is in one tenant alone is a [[tenant.principal]]";
                    reader.report.note(value.span(), "a person is a member of two tenants at least", help);
                }
            }
            None => reader.wrong_type(value, "`tenants`", "a list", PERSON.example("tenants")),
        }
    }
    Guest { table, membership: Membership::Several(tenants, Enters::WithEachRequest) }
}
