//! `[[act]]`

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use super::principal::{Drafted, Home};
use super::session::{line, request, step, taken_by};
use super::written::Names;
use crate::diagnostic::printable;
use crate::ix::{ActIx, PrincipalIx, TenantIx, Who};
use crate::keys::{ACT, STEP, suggest};
use crate::reader::{At, Reader, Table, Value};
use crate::spec::act::{Act, ActKind, Ends};
use crate::spec::credential::{Credential, LoginStep};
use crate::spec::{Membership, Names as Named, Principal, Tenant, Usage};

const MOST_ACTS: usize = 50;
const LEAST_WITHIN: Duration = Duration::from_millis(100);
const MOST_WITHIN: Duration = Duration::from_secs(600);
const USUAL_WITHIN: Duration = Duration::from_secs(5);

/// `of = "all"`: every principal that calls or attacks for the tenant.
const ALL: &str = "all";

/// Each act once for every tenant that has the principals which it names; `None` when one could not be read.
pub(super) fn acts<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>, tenants: Option<&[Tenant]>) -> Option<Vec<Act>> {
    let tables = reader.tables(root, "act", &ACT, MOST_ACTS);
    let mut taken = BTreeSet::new();
    let mut acts = Some(Vec::new());
    for table in &tables {
        let common = common(reader, table, &mut taken);
        // Without tenants there is no telling who is meant.
        let (Some(tenants), Some(common)) = (tenants, common) else {
            acts = None;
            continue;
        };
        match in_tenants(reader, table, &common, tenants) {
            Some(read) => acts.iter_mut().for_each(|acts| acts.extend(read.iter().cloned())),
            None => acts = None,
        }
    }
    let mut acts = acts?;
    acts.iter_mut().enumerate().for_each(|(number, act)| act.ix = ActIx::new(number));
    Some(acts)
}

/// What of an act is the same in every tenant.
struct Common<'t> {
    name: String,
    kind: ActKind,
    of: Vec<At<&'t str>>,
    by: Option<At<&'t str>>,
    within: Duration,
}

fn common<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, taken: &mut BTreeSet<String>) -> Option<Common<'t>> {
    let name = reader.need(table, "name").and_then(|value| reader.text(value)).and_then(|name| {
        if taken.insert(name.value.to_owned()) {
            return Some(name.value.to_owned());
        }
        reader.report.note(
            name.span,
            format!("two acts have the name `{}`", printable(name.value)),
            "give each its own",
        );
        None
    });
    let kind = reader.need(table, "kind").and_then(|value| reader.choice(value, &ActKind::ALL));
    let of = reader.need(table, "of").and_then(|value| named(reader, value));
    let by = table.get("by").map(|value| reader.text(value));
    let within = table.get("within").map(|value| reader.duration(value, LEAST_WITHIN..=MOST_WITHIN));
    if kind == Some(ActKind::Support) && table.lacks("undo") {
        let help = "add `undo`, the request that ends it: that is when access must end";
        reader.report.note(table.span.clone(), "someone is let in, and nothing ends that", help);
        return None;
    }
    Some(Common {
        name: name?,
        kind: kind?,
        of: of?,
        by: by.map_or(Some(None), |by| by.map(Some))?,
        within: within.unwrap_or(Some(USUAL_WITHIN))?,
    })
}

/// One name, or a list of them.
fn named<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>) -> Option<Vec<At<&'t str>>> {
    let Some(items) = value.get_ref().as_array() else { return reader.text(value).map(|name| vec![name]) };
    if items.is_empty() {
        reader.report.note(value.span(), "nobody is named", format!("for example {}", ACT.example("of")));
        return None;
    }
    let names: Vec<_> = items.iter().map(|item| reader.text(item)).collect();
    names.into_iter().collect()
}

fn in_tenants<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    common: &Common<'t>,
    tenants: &[Tenant],
) -> Option<Vec<Act>> {
    for name in common.of.iter().chain(&common.by).filter(|name| name.value != ALL) {
        let known = || tenants.iter().flat_map(|tenant| &tenant.principals).map(|principal| principal.name.as_str());
        if !known().any(|known| known == name.value) {
            let names: BTreeSet<&str> = known().collect();
            let message = format!("no tenant has a principal `{}`", printable(name.value));
            reader.report.note(name.span.clone(), message, suggest(name.value, names));
            return None;
        }
    }
    let mut acts = Vec::new();
    for (number, tenant) in tenants.iter().enumerate() {
        let Some(cast) = Cast::of(common, TenantIx::new(number), tenant) else { continue };
        acts.push(in_tenant(reader, table, common, (&cast, tenant))?);
    }
    if acts.is_empty() {
        let help = "an act is done in every tenant that has all principals which it names";
        reader.report.note(table.span.clone(), "no tenant has all principals that this act names", help);
        return None;
    }
    Some(acts)
}

/// Who is meant in one tenant.
struct Cast {
    tenant: TenantIx,
    of: Vec<Who>,
    by: Who,
}

impl Cast {
    /// None where the tenant lacks someone.
    fn of(common: &Common<'_>, tenant: TenantIx, all: &Tenant) -> Option<Self> {
        let who = |number| Who { tenant, principal: PrincipalIx::new(number) };
        let find = |name: &str| all.principals.iter().position(|principal| principal.name == name).map(who);
        let of: Vec<Who> = match common.of.as_slice() {
            [one] if one.value == ALL => {
                let is_meant = |principal: &Principal| {
                    principal.membership != Membership::Nowhere && principal.names == Named::Own
                };
                let meant = all.principals.iter().enumerate().filter(|(_, principal)| is_meant(principal));
                meant.map(|(number, _)| who(number)).collect()
            }
            names => names.iter().map(|name| find(name.value)).collect::<Option<_>>()?,
        };
        let by = match &common.by {
            Some(name) => find(name.value)?,
            None => *of.first()?,
        };
        Some(Self { tenant, of, by })
    }
}

fn in_tenant<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    common: &Common<'t>,
    (cast, tenant): (&Cast, &Tenant),
) -> Option<Act> {
    let colleagues: Vec<Option<&str>> =
        tenant.principals.iter().map(|principal| Some(principal.name.as_str())).collect();
    let to = match common.kind {
        ActKind::Switch => Some(goes_over_to(reader, common, cast, tenant)?),
        _ => None,
    };
    let home = Home {
        tenant: Some(tenant.id.as_str()),
        called: Some(&tenant.name),
        url: Some(&tenant.url),
        place: usize::MAX,
        colleagues: &colleagues,
        membership: &Membership::One,
        to: to.as_deref(),
        is_named: &Cell::new(false),
    };
    let mut draft = Drafted::new();
    let mut names = Names::of(&home);
    // What its log-in took can be named where it is about one principal alone.
    if let [one] = cast.of.as_slice()
        && let Some(Credential::Session { steps, .. }) =
            tenant.principals.get(one.principal.number()).map(|principal| &principal.credential)
    {
        names.add(steps.iter().flat_map(|step| &step.take).map(|(name, _)| name.clone()));
    }
    let request = request(reader, table, &mut draft, &names);
    names.add(taken_by(table));
    let undo = table.get("undo").map(|value| undo(reader, value, &mut draft, (&home, &names)));
    let is_needed = |who: &&Who| {
        tenant.principals.get(who.principal.number()).is_some_and(|principal| principal.usage != Usage::Acts)
    };
    if let (Ends::Every | Ends::Writes, None, Some(needed)) =
        (common.kind.ends(), &undo, cast.of.iter().find(is_needed))
    {
        let name = tenant.principals.get(needed.principal.number()).map_or("", |principal| principal.name.as_str());
        let help = "add `undo`, or let it be there for acts alone: use = \"acts\"";
        let message =
            format!("nothing gives `{}` its access back, which other checks and the clean-up need", printable(name));
        reader.report.note(table.span.clone(), message, help);
        return None;
    }
    draft.secrets.iter().for_each(|secret| reader.variables.note_key(&secret.value));
    Some(Act {
        ix: ActIx::new(0),
        name: common.name.clone(),
        kind: common.kind,
        tenant: cast.tenant,
        of: cast.of.clone(),
        by: cast.by,
        request: request?,
        undo: undo.map_or(Some(None), |undo| undo.map(Some))?,
        within: common.within,
        line: reader.line(table.span.start),
    })
}

/// The tenant to which a person's session goes over: the next of its tenants.
fn goes_over_to(reader: &mut Reader<'_, '_>, common: &Common<'_>, cast: &Cast, tenant: &Tenant) -> Option<String> {
    let person = match cast.of.as_slice() {
        [one] => tenant.principals.get(one.principal.number()),
        _ => None,
    };
    let tenants = match person.map(|person| &person.membership) {
        Some(Membership::Several(tenants, _)) => tenants.as_slice(),
        _ => &[],
    };
    let next = tenants.iter().cycle().skip_while(|one| **one != tenant.id).nth(1);
    if next.is_none() {
        let span = common.of.first()?.span.clone();
        let help = "name a [[person]], who is a member of several tenants";
        reader.report.note(span, "only a person can go over to another tenant", help);
    }
    next.map(|next| next.as_str().to_owned())
}

/// A line, or a table as that of a step.
fn undo<'t>(
    reader: &mut Reader<'t, '_>,
    value: &'t Value<'t>,
    draft: &mut Drafted,
    (home, names): (&Home<'_>, &Names<'_>),
) -> Option<LoginStep> {
    let Some(entries) = value.get_ref().as_table() else {
        let text = reader.text(value)?;
        return line(reader, text, names);
    };
    let table = reader.open(&STEP, entries, value.span());
    step(reader, &table, draft, home, names)
}
