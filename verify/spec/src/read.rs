//! The sections of a spec, a file each, in the order in which they depend on each other.

mod act;
mod command;
mod cookies;
mod endpoint;
mod exclude;
mod family;
mod file;
mod implied;
mod needs;
mod operation;
mod page;
mod person;
mod principal;
mod request;
mod resource;
mod session;
mod target;
mod tenant;
mod tokens;
mod totp;
mod unshared;
mod written;

use std::collections::BTreeMap;

use self::exclude::Whole;
use crate::keys::ROOT;
use crate::locator::{Locator, Way};
use crate::reader::{At, Reader, Table};
use crate::spec::{Operation, Source, Spec, Tenancy, Tenant};

/// Reads all sections, whatever is wrong in some; `None` when one is incomplete.
pub(crate) fn document<'t>(
    reader: &mut Reader<'t, '_>,
    root: &Table<'t>,
    source: Source,
    today: time::Date,
) -> Option<Spec> {
    // Before any variable is looked up.
    target::env_file(reader, root, &source.path);
    let url = target::url(reader, root);
    let tenants = tenant::tenants(reader, root, &url);
    let target = target::target(reader, root, url);
    let common = target::common(reader, root);
    let limits = target::limits(reader, root);
    let tenancy = target::tenancy(reader, root);
    let resources = resource::resources(reader, root, &tenants.roster, tenants.values);
    let mut tokens = tokens::tokens(reader, root, &resources.names);
    let mut operations = resources.implied;
    let known = resources.complete.as_deref().unwrap_or_default();
    let written = operation::operations(reader, root, (&resources.names, known), &mut operations);
    if let Some(tenancy) = &tenancy {
        let whoami = tokens.iter_mut().flatten().flat_map(|tokens| &mut tokens.whoami);
        let requests = operations.iter_mut().map(|operation| &mut operation.request);
        for request in requests.chain(whoami.map(|whoami| &mut whoami.request)) {
            common.write_into(request);
            tenancy.value.locators.iter().for_each(|locator| locator.write_into(request));
        }
    }
    operation::tell_apart(&mut operations);
    let whole = match (&resources.complete, written) {
        (Some(_), Some(())) => Whole::Yes,
        _ => Whole::No,
    };
    let acts = act::acts(reader, root, tenants.complete.as_deref());
    let excludes = exclude::excludes(reader, root, &operations, whole, today);

    if root.lacks("resource") && root.lacks("operation") {
        let help = format!("add a {} for each kind of object", ROOT.example("resource"));
        reader.report.note(root.span.clone(), "the spec has no [[resource]] and no [[operation]]", help);
    }
    let tenancy = tenancy?;
    let resources = resources.complete;
    if let (Whole::Yes, Some(tenants)) = (whole, &tenants.complete) {
        note_unused(reader, &tenancy, tenants, &operations);
    }
    Some(Spec {
        source,
        target: target?,
        limits,
        tenancy: tenancy.value,
        tokens: tokens?,
        tenants: tenants.complete?,
        resources: resources?,
        operations,
        acts: acts?,
        excludes: excludes?,
        variables: BTreeMap::new(),
    })
}

/// Notes a locator by which no request names its tenant.
fn note_unused(reader: &mut Reader<'_, '_>, tenancy: &At<Tenancy>, tenants: &[Tenant], operations: &[Operation]) {
    let in_path =
        |operation: &Operation| operation.request.ways().iter().any(|way| matches!(way, Way::Path | Way::Query));
    for locator in &tenancy.value.locators {
        let (message, help) = match locator {
            Locator::Path if !operations.is_empty() && !operations.iter().any(in_path) => (
                "no path holds `{tenant}`, though the locator is the path",
                "write `{tenant}` where paths name the tenant, or `locator = \"token\"` if they do not",
            ),
            Locator::Host if tenants.windows(2).all(|two| matches!(two, [a, b] if a.url == b.url)) => (
                "all tenants have the same URL, though the locator is the host",
                "write `{tenant}` in the `url` of [target], as in \"https://{tenant}.example.com\", or give each [[tenant]] a `url`",
            ),
            _ => continue,
        };
        reader.report.note(tenancy.span.clone(), message, help);
    }
}
