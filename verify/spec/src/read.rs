//! The sections of a spec, a file each, in the order in which they depend on each other.

mod endpoint;
mod exclude;
mod family;
mod file;
mod implied;
mod needs;
mod operation;
mod page;
mod principal;
mod request;
mod resource;
mod session;
mod target;
mod tenant;
mod tokens;
mod unshared;

use std::collections::BTreeMap;

use self::exclude::Whole;
use crate::keys::ROOT;
use crate::reader::{Reader, Table};
use crate::spec::{Locator, Source, Spec};
use crate::template::Symbol;

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
    let limits = target::limits(reader, root);
    let tenancy = target::tenancy(reader, root);
    let resources = resource::resources(reader, root, &tenants.roster, tenants.values);
    let tokens = tokens::tokens(reader, root, &resources.names);
    let mut operations = resources.implied;
    let known = resources.complete.as_deref().unwrap_or_default();
    let written = operation::operations(reader, root, (&resources.names, known), &mut operations);
    operation::tell_apart(&mut operations);
    let whole = match (&resources.complete, written) {
        (Some(_), Some(())) => Whole::Yes,
        _ => Whole::No,
    };
    let excludes = exclude::excludes(reader, root, &operations, whole, today);

    if root.lacks("resource") && root.lacks("operation") {
        let help = format!("add a {} for each kind of object", ROOT.example("resource"));
        reader.report.note(root.span.clone(), "the spec has no [[resource]] and no [[operation]]", help);
    }
    let tenancy = tenancy?;
    let resources = resources.complete;
    let names_tenant = |operation: &crate::spec::Operation| operation.request.path.symbols().any(Symbol::names_tenant);
    if tenancy.value.locator == Locator::Path
        && let (Some(resources), Some(())) = (&resources, written)
        && !(resources.is_empty() && operations.is_empty())
        && !operations.iter().any(names_tenant)
    {
        let help = "write `{tenant}` where paths name the tenant, or `locator = \"token\"` if they do not";
        reader.report.note(tenancy.span, "no path holds `{tenant}`, though the locator is the path", help);
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
        excludes: excludes?,
        variables: BTreeMap::new(),
    })
}
