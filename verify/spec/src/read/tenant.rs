//! `[[tenant]]`

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;
use url::Url;

use super::person::{self, Guest};
use super::principal::{self, Drafted};
use super::target::TargetUrl;
use super::unshared;
use crate::diagnostic::printable;
use crate::ix::PrincipalIx;
use crate::keys::{PRINCIPAL, TENANT, suggest};
use crate::reader::{At, Reader, Table, Value, in_order};
use crate::spec::credential::Credential;
use crate::spec::{Membership, Principal, Tenant, TenantName};
use crate::template::symbols::is_reserved;
use crate::values::integer;

const MOST_TENANTS: usize = 50;
const MOST_PRINCIPALS: usize = 50;

/// The tenants' ids, known before all else so that references to them can be checked.
pub(super) struct Roster {
    ids: Vec<TenantName>,
    /// Whether every id could be read; if not, an unknown one may be among those.
    whole: bool,
}

impl Roster {
    /// Every tenant whose id could be read.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &TenantName> {
        self.ids.iter()
    }

    /// The tenant that a text names; noted where there is none.
    pub(super) fn find<'t>(&self, reader: &mut Reader<'t, '_>, text: At<&str>) -> Option<TenantName> {
        let id = reader.expand(text)?;
        let found = self.ids.iter().find(|known| known.as_str() == id.value);
        if found.is_none() && self.whole {
            let help = suggest(&id.value, self.ids.iter().map(TenantName::as_str));
            reader.report.note(id.span, format!("`{}` is no [[tenant]]", printable(&id.value)), help);
        }
        found.cloned()
    }
}

/// What could be read of all tenants.
pub(super) struct Tenants {
    pub(super) roster: Roster,
    pub(super) complete: Option<Vec<Tenant>>,
    /// Names of `values`, of any tenant.
    pub(super) values: BTreeSet<String>,
}

pub(super) fn tenants<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>, target_url: &TargetUrl) -> Tenants {
    let tables = reader.tables(root, "tenant", &TENANT, MOST_TENANTS);
    let ids: Vec<_> = tables.iter().map(|table| id(reader, table)).collect();
    note_repeated(reader, ids.iter().flatten(), "two tenants have the id");
    let shown: Vec<_> = tables.iter().map(|table| name(reader, table)).collect();
    note_repeated(reader, shown.iter().flatten(), "two tenants have the name");
    let roster = Roster {
        whole: ids.iter().all(Option::is_some),
        ids: ids.iter().flatten().filter_map(|id| TenantName::new(id.value.clone())).collect(),
    };
    let guests = person::guests(reader, root, &roster);
    let values: Vec<Values> = tables.iter().map(|table| values(reader, table)).collect();
    let names: BTreeSet<String> = values.iter().flat_map(BTreeMap::keys).cloned().collect();
    note_missing(reader, &tables, &values, &names);
    let drafts: Vec<_> = tables
        .iter()
        .zip(ids.iter().zip(&shown))
        .zip(values)
        .map(|((table, (id, name)), values)| {
            let called = Called { id: id.as_ref(), name: name.as_ref() };
            draft(reader, table, called, values, (&roster, &guests), target_url)
        })
        .collect();
    if drafts.len() < 2 && (root.lacks("tenant") || !drafts.is_empty()) {
        let span = tables.first().map_or_else(|| root.span.clone(), |table| table.span.clone());
        let message = format!("isolation is between tenants: two at least, here {}", drafts.len());
        reader.report.note(span, message, "add a [[tenant]] with an id and a [[tenant.principal]]");
    }
    let secrets = drafts.iter().flat_map(|(_, principals)| principals).flat_map(|draft| &draft.secrets);
    secrets.for_each(|secret| reader.variables.note_key(&secret.value));
    // What is a person's, or staff's, is the same in several tenants.
    let own = drafts.iter().zip(&tables).map(|((_, principals), table)| {
        let listed = table.get("principal").and_then(|value| value.get_ref().as_array()).map_or(0, |items| items.len());
        principals.get(..listed).unwrap_or(principals.as_slice())
    });
    unshared::check(reader, own);
    let complete = drafts.into_iter().map(|(tenant, _)| tenant).collect::<Option<Vec<_>>>();
    Tenants { roster, complete: complete.map(name_credentials), values: names }
}

type Values = BTreeMap<String, serde_json::Value>;

/// `values`: texts, numbers and flags by the names that requests have for them.
fn values<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>) -> Values {
    let Some(value) = table.get("values") else { return Values::new() };
    let Some(entries) = value.get_ref().as_table() else {
        reader.wrong_type(value, "`values`", "a table", TENANT.example("values"));
        return Values::new();
    };
    let mut values = Values::new();
    for (name, value) in in_order(entries) {
        let fits = name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !fits || is_reserved(name.value) {
            let message = format!("`{}` cannot name a value", printable(name.value));
            reader.report.note(
                name.span,
                message,
                "letters, digits, `-` and `_`, and none of the symbols that every spec has",
            );
            continue;
        }
        if let Some(read) = scalar(reader, value) {
            values.insert(name.value.to_owned(), read);
        }
    }
    values
}

fn scalar<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>) -> Option<serde_json::Value> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Some(serde_json::Value::Bool(*flag)),
        DeValue::Integer(number) => Some(integer(number)?.into()),
        DeValue::String(_) => reader.expanded(value).map(|text| serde_json::Value::String(text.value)),
        _ => {
            reader.wrong_type(value, "a value", "a text, a whole number, true or false", "7");
            None
        }
    }
}

/// What one tenant has, every tenant must have: the same requests are sent in all.
fn note_missing(reader: &mut Reader<'_, '_>, tables: &[Table<'_>], values: &[Values], names: &BTreeSet<String>) {
    for (table, values) in tables.iter().zip(values) {
        for name in names.iter().filter(|name| !values.contains_key(*name)) {
            let message = format!("this tenant has no value `{}`, and another has", printable(name));
            reader.report.note(table.span.clone(), message, format!("add it: values = {{ {name} = … }}"));
        }
    }
}

fn id<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>) -> Option<At<String>> {
    let id = reader.need(table, "id").and_then(|value| reader.expanded(value))?;
    if id.value == "none" || id.value.chars().any(char::is_control) {
        let message = format!("`{}` cannot be a tenant's id here", printable(&id.value));
        reader.report.note(id.span, message, "write the id as the platform spells it in paths, headers and tokens");
        return None;
    }
    Some(id)
}

/// What people are shown.
fn name<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>) -> Option<At<String>> {
    let name = table.get("name").and_then(|value| reader.expanded(value))?;
    if name.value.is_empty() || name.value.chars().any(char::is_control) {
        let message = format!("`{}` cannot be a tenant's name", printable(&name.value));
        reader.report.note(name.span, message, "what people call it, in one line");
        return None;
    }
    Some(name)
}

/// What a tenant is called, as far as it could be read.
#[derive(Clone, Copy)]
struct Called<'a> {
    id: Option<&'a At<String>>,
    name: Option<&'a At<String>>,
}

impl Called<'_> {
    /// What people are shown.
    fn name(&self) -> Option<&str> {
        self.name.or(self.id).map(|called| called.value.as_str())
    }

    /// A URL in which braces name the tenant: what stands for them may change nothing else in it.
    fn write_into(&self, reader: &mut Reader<'_, '_>, url: &At<String>) -> Option<Url> {
        let mut written = url.value.clone();
        for (symbol, called) in [("{tenant}", self.id), ("{tenant.name}", self.name.or(self.id))] {
            let Some(called) = called.filter(|_| written.contains(symbol)) else { continue };
            let fits = called.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
            if !fits {
                let message = format!("`{}` cannot be a part of the target's `url`", printable(&called.value));
                let help = format!("give the tenant a `url` of its own, or write another symbol than `{symbol}` there");
                reader.report.note(called.span.clone(), message, help);
                return None;
            }
            written = written.replace(symbol, &called.value);
        }
        reader.base_url_of(&At { value: written, span: url.span.clone() })
    }
}

fn draft<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    called: Called<'_>,
    values: Values,
    (roster, guests): (&Roster, &[Guest<'t>]),
    target_url: &TargetUrl,
) -> (Option<Tenant>, Vec<Drafted>) {
    let own_url = table.get("url").map(|value| reader.base_url(value));
    let url = match (own_url, target_url) {
        (Some(own), _) => own,
        (None, TargetUrl::Good(url)) => Some(url.clone()),
        (None, TargetUrl::OfEach(url)) => called.write_into(reader, url),
        (None, TargetUrl::Bad) => None,
        (None, TargetUrl::Absent) => {
            let help = "add `url` to [target] if all tenants share it, else to each [[tenant]]";
            reader.report.note(table.span.clone(), "no URL: neither [target] nor this tenant has one", help);
            None
        }
    };
    let tables = reader.tables(table, "principal", &PRINCIPAL, MOST_PRINCIPALS);
    let tenant = called.id.map(|id| id.value.as_str());
    let listed = tables.iter().map(|table| (table, &Membership::One));
    let guests = guests.iter().filter(|guest| guest.is_in(tenant)).map(|guest| (&guest.table, &guest.membership));
    let all: Vec<_> = listed.chain(guests).collect();
    let colleagues: Vec<Option<&str>> =
        all.iter().map(|(table, _)| table.get("name").and_then(|name| name.get_ref().as_str())).collect();
    let drafts: Vec<_> = all
        .iter()
        .enumerate()
        .map(|(place, (table, membership))| {
            let home = principal::Home {
                tenant,
                called: called.name(),
                url: url.as_ref(),
                place,
                colleagues: &colleagues,
                membership,
                to: None,
                is_named: &Cell::new(false),
            };
            principal::principal(reader, table, &home, roster)
        })
        .collect();
    note_repeated(
        reader,
        drafts.iter().filter_map(|draft| draft.name.as_ref()),
        "two principals of this tenant have the name",
    );
    note_makers(reader, &drafts);
    let principals: Option<Vec<Principal>> = drafts.iter().map(|draft| draft.principal.clone()).collect();
    let callable = (tables.is_empty() && !table.lacks("principal"))
        || principals.as_ref().is_none_or(|all| all.iter().any(Principal::may_call));
    if !callable {
        let help = "add a [[tenant.principal]] with its credentials (and without `names`)";
        reader.report.note(table.span.clone(), "this tenant has no principal that calls for it", help);
    }
    let tenant = (|| {
        Some(Tenant {
            id: TenantName::new(called.id?.value.clone())?,
            name: called.name()?.to_owned(),
            url: url?,
            values,
            principals: principals.filter(|_| callable)?,
        })
    })();
    (tenant, drafts)
}

/// Whoever makes accounts has one already: its own log-in needs no other.
fn note_makers(reader: &mut Reader<'_, '_>, drafts: &[Drafted]) {
    let steps = |draft: &Drafted| match draft.principal.as_ref().map(|principal| &principal.credential) {
        Some(Credential::Session { steps, .. }) => steps.clone(),
        _ => Vec::new(),
    };
    for draft in drafts {
        let makers = steps(draft).into_iter().filter_map(|step| step.by);
        let is_made = |maker: &PrincipalIx| {
            drafts.get(maker.number()).is_some_and(|maker| steps(maker).iter().any(|step| step.by.is_some()))
        };
        if let (Some(_), Some(name)) = (makers.into_iter().find(is_made), &draft.name) {
            let help = "let one make accounts (`as`) that has its own credential already";
            reader.report.note(name.span.clone(), "the account that makes this one is itself made by another", help);
        }
    }
}

/// Notes the second of two equal names.
pub(super) fn note_repeated<'a>(
    reader: &mut Reader<'_, '_>,
    names: impl Iterator<Item = &'a At<String>>,
    message: &str,
) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.value.as_str()) {
            let message = format!("{message} `{}`", printable(&name.value));
            reader.report.note(name.span.clone(), message, "give each its own");
        }
    }
}

/// Makes each principal's [`env_name`](Principal::env_name) unique among all.
fn name_credentials(mut tenants: Vec<Tenant>) -> Vec<Tenant> {
    let mut taken = BTreeSet::new();
    for principal in tenants.iter_mut().flat_map(|tenant| &mut tenant.principals) {
        let wanted = principal.env_name.clone();
        let mut number = 1_usize;
        while !taken.insert(principal.env_name.clone()) {
            number = number.saturating_add(1);
            principal.env_name = format!("{wanted}_{number}");
        }
    }
    tenants
}
