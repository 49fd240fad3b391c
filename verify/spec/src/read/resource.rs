//! `[[resource]]`, and the operations that each implies.

use std::collections::BTreeMap;

use serde_json_path::JsonPath;

use super::family::{Family, family};
use super::implied::{self, Convention, Extra};
use super::tenant::Roster;
use crate::diagnostic::printable;
use crate::ix::ResourceIx;
use crate::keys::{PAGE, RESOURCE};
use crate::reader::{At, Reader, Table, in_order};
use crate::spec::{IdSource, Operation, Paging, Resource, Role, TenantName};
use crate::symbols::{IN_BODY, IN_COLLECTION, IN_PATH, Objects, Scope};
use crate::template::{BodyTemplate, PathTemplate, Piece, Symbol};

const MOST_RESOURCES: usize = 100;

/// What could be read of all resources.
pub(super) struct Resources {
    /// Names and places, of broken ones too.
    pub(super) names: Objects,
    pub(super) implied: Vec<Operation>,
    pub(super) complete: Option<Vec<Resource>>,
}

pub(super) fn resources<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>, roster: &Roster) -> Resources {
    let tables = reader.tables(root, "resource", &RESOURCE, MOST_RESOURCES);
    let family = family(reader, &tables);
    let mut read: Vec<Option<(Resource, PathTemplate)>> = Vec::new();
    let mut implied = Vec::new();
    for (place, at) in family.order.iter().enumerate() {
        let Some(table) = tables.get(*at) else { continue };
        let draft = Draft { family: &family, ix: ResourceIx::new(place), at: *at, earlier: &read };
        let resource = draft.read(reader, table, roster, &mut implied);
        read.push(resource);
    }
    Resources { names: family.objects, implied, complete: read.into_iter().map(|one| Some(one?.0)).collect() }
}

/// A resource about to be read, and those before it, its parent among them.
struct Draft<'a> {
    family: &'a Family,
    ix: ResourceIx,
    /// Its position in the file.
    at: usize,
    /// With the paths of their objects.
    earlier: &'a [Option<(Resource, PathTemplate)>],
}

impl Draft<'_> {
    fn read<'t>(
        &self,
        reader: &mut Reader<'t, '_>,
        table: &Table<'t>,
        roster: &Roster,
        implied: &mut Vec<Operation>,
    ) -> Option<(Resource, PathTemplate)> {
        let name = self.family.names.get(self.at).cloned().flatten();
        let parent = self.parent();
        let collection = self.collection(reader, table, name.as_deref(), parent);
        let ids = table
            .get("ids")
            .and_then(|value| reader.choice(value, &[("server", IdSource::Server), ("client", IdSource::Client)]));
        let ids = ids.unwrap_or(IdSource::Server);

        // A collection that could not be read binds everything: its mistake is noted already.
        let above = collection.as_ref().map(objects_in);
        let with_own = above.clone().map(|above| above.into_iter().chain([self.ix]).collect::<Vec<_>>());
        let in_create = if ids == IdSource::Client { with_own.clone() } else { above.clone() };
        let create = self.members(reader, table, "create", in_create);
        let update = self.members(reader, table, "update", with_own);
        let update = update.or_else(|| create.as_ref().and_then(marked_members));

        let existing = by_tenant(reader, table, "existing", roster);
        let shows = by_tenant(reader, table, "shows", roster);
        if let Some(tenant) = shows.keys().find(|tenant| !existing.is_empty() && !existing.contains_key(*tenant)) {
            let message = format!("`shows` names {}, of which no object is known", printable(tenant.as_str()));
            reader.report.note(table.key_span("shows"), message, "name its object under `existing` as well");
        }
        let may_create = table.get("create").is_some();
        let none_exist = match table.get("existing") {
            Some(value) => value.get_ref().as_table().is_some_and(|table| table.is_empty()),
            None => table.lacks("existing"),
        };
        if table.lacks("create") && none_exist {
            let help = format!(
                "add `create = {}`, or where nothing may be created `existing = {}`",
                RESOURCE.example("create"),
                RESOURCE.example("existing")
            );
            reader.report.note(table.span.clone(), "no objects: neither `create` nor `existing`", help);
        }
        let id = table.get("id").map(|value| reader.json_path(value));
        let page = paging(reader, table);
        let roles = roles(reader, table, may_create, update.is_some() || (create.is_none() && may_create));
        let mut extra = |key, role| {
            let line = reader.request_line(table.get(key)?)?;
            if !matches!(line.method.as_str(), "GET" | "HEAD" | "POST") {
                let message = format!("a `{key}` reads, {} does not", line.method);
                reader.report.note(line.path.span, message, "GET or POST");
                return None;
            }
            let scope = Scope { objects: &self.family.objects, bound: above.clone(), others: IN_PATH };
            let path = reader.path(&line.path, &scope)?;
            let line_number = reader.line(table.key_span(key).start);
            Some(Extra { role, method: line.method, path, line: line_number })
        };
        let extras: Vec<_> =
            [extra("search", Role::Search), extra("count", Role::Count)].into_iter().flatten().collect();

        let (name, collection) = (name?, collection?);
        let symbol = Piece::Symbol(Symbol::Object(self.ix), name.clone());
        let slash = Piece::Text("/".to_owned());
        let item =
            appended(&collection, if ends_with_slash(&collection) { vec![symbol, slash] } else { vec![slash, symbol] });
        let resource = Resource {
            parent,
            ids,
            id: match id {
                Some(id) => id?,
                None => JsonPath::parse("$.id").ok()?,
            },
            page,
            existing,
            shows,
            line: reader.line(table.span.start),
            name,
        };
        let convention = Convention { collection, item, create, update };
        implied::operations(&resource, self.ix, &convention, &roles, extras, implied);
        Some((resource, convention.item))
    }

    fn parent(&self) -> Option<ResourceIx> {
        self.family.ix(self.family.parents.get(self.at).copied().flatten()?)
    }

    fn collection<'t>(
        &self,
        reader: &mut Reader<'t, '_>,
        table: &Table<'t>,
        name: Option<&str>,
        parent: Option<ResourceIx>,
    ) -> Option<PathTemplate> {
        if let Some(value) = table.get("path") {
            let text = reader.text(value)?;
            if text.value.contains('?') {
                let help = "a collection's path alone: `/{case}` is appended to it for an object";
                reader.report.note(text.span, "a collection's path has no query", help);
                return None;
            }
            let scope = Scope { objects: &self.family.objects, bound: Some(self.ancestors()), others: IN_COLLECTION };
            return reader.path(&text, &scope);
        }
        if table.get("parent").is_none() {
            reader.need(table, "path");
            return None;
        }
        let (_, above) = self.earlier.get(parent?.number())?.as_ref()?;
        let name = name?;
        let below = if ends_with_slash(above) { format!("{name}s/") } else { format!("/{name}s") };
        Some(appended(above, vec![Piece::Text(below)]))
    }

    /// Parent, grandparent and so on.
    fn ancestors(&self) -> Vec<ResourceIx> {
        let mut ancestors = Vec::new();
        let mut next = self.family.parents.get(self.at).copied().flatten();
        while let Some(at) = next {
            ancestors.extend(self.family.ix(at));
            next = self.family.parents.get(at).copied().flatten();
        }
        ancestors
    }

    /// `create` or `update`: a JSON object.
    fn members<'t>(
        &self,
        reader: &mut Reader<'t, '_>,
        table: &Table<'t>,
        key: &'static str,
        bound: Option<Vec<ResourceIx>>,
    ) -> Option<BodyTemplate> {
        let value = table.get(key)?;
        if !value.get_ref().is_table() {
            reader.wrong_type(value, &format!("`{key}`"), "a table", RESOURCE.example(key));
            return None;
        }
        reader.body(value, &Scope { objects: &self.family.objects, bound, others: IN_BODY })
    }
}

fn ends_with_slash(path: &PathTemplate) -> bool {
    matches!(path.pieces().last(), Some(Piece::Text(text)) if text.ends_with('/'))
}

fn appended(path: &PathTemplate, more: Vec<Piece>) -> PathTemplate {
    PathTemplate(path.pieces().iter().cloned().chain(more).collect())
}

/// The objects that a path names.
pub(super) fn objects_in(path: &PathTemplate) -> Vec<ResourceIx> {
    let object = |piece: &Piece| match piece {
        Piece::Symbol(Symbol::Object(ix), _) => Some(*ix),
        _ => None,
    };
    path.pieces().iter().filter_map(object).collect()
}

/// The top-level members that hold a canary.
fn marked_members(create: &BodyTemplate) -> Option<BodyTemplate> {
    let BodyTemplate::Object(members) = create else { return None };
    let marked: Vec<_> = members.iter().filter(|(_, value)| value.mentions(&Symbol::Canary)).cloned().collect();
    (!marked.is_empty()).then_some(BodyTemplate::Object(marked))
}

/// A text for each tenant.
fn by_tenant<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    key: &'static str,
    roster: &Roster,
) -> BTreeMap<TenantName, String> {
    let Some(value) = table.get(key) else { return BTreeMap::new() };
    let Some(entries) = value.get_ref().as_table() else {
        reader.wrong_type(value, &format!("`{key}`"), "a table", RESOURCE.example(key));
        return BTreeMap::new();
    };
    let mut texts = BTreeMap::new();
    for (key, value) in in_order(entries) {
        let tenant = roster.find(reader, At { value: key.value, span: key.span });
        let text = reader.expanded(value);
        if let (Some(tenant), Some(text)) = (tenant, text) {
            texts.insert(tenant, text.value);
        }
    }
    texts
}

fn paging<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>) -> Paging {
    let Some(page) = reader.table(table, "page", &PAGE) else { return Paging::default() };
    let size = page.get("size").and_then(|value| reader.text(value)).and_then(|size| {
        let fits = size.value.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
            && size.value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'{' | b'}'));
        if !fits {
            let message = format!("`{}` is no query parameter", printable(size.value));
            reader.report.note(size.span, message, "name and value: \"limit=2\"");
        }
        fits.then(|| size.value.to_owned())
    });
    let next = page.get("next").and_then(|value| reader.json_path(value));
    let next_header = page.get("next_header").and_then(|value| reader.text(value));
    let next_header = next_header.and_then(|name| reader.header_name(name));
    if page.get("next").is_some() && page.get("next_header").is_some() {
        let help = "keep the one that names the next page";
        reader.report.note(page.key_span("next_header"), "both `next` and `next_header`", help);
    }
    Paging { size, next, next_header }
}

const ROLES: [(&str, Role); 6] = [
    ("list", Role::List),
    ("create", Role::Create),
    ("read", Role::Read),
    ("replace", Role::Replace),
    ("patch", Role::Patch),
    ("delete", Role::Delete),
];

/// `methods`, in the order of `ROLES`, or what the convention gives.
fn roles<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, may_create: bool, may_patch: bool) -> Vec<Role> {
    let Some(value) = table.get("methods") else {
        let implied = |role: &Role| match role {
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
        if !may_create && !matches!(role, Role::List | Role::Read) {
            let help = "add `create`, or leave this out: objects that the run has not made are never changed";
            reader.report.note(item.span(), "this needs `create`", help);
        } else if role == Role::Patch && !may_patch {
            let help = format!("add `update = {}`", RESOURCE.example("update"));
            reader.report.note(item.span(), "nothing to patch with: no member of `create` holds `{canary}`", help);
        }
        roles.push(role);
    }
    roles.sort();
    roles.dedup();
    roles
}
