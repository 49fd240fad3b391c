//! `[[resource]]`, and the operations that each implies.

mod roles;
mod supply;

use std::collections::BTreeSet;

use serde_json_path::JsonPath;
use toml::de::DeValue;

use self::roles::{ROLES, is_set, roles};
use self::supply::{by_tenant, one_each, supply};
use super::family::{Family, family};
use super::implied::{Convention, Creates, named};
use super::needs;
use super::page::paging;
use super::request::May;
use super::tenant::Roster;
use crate::diagnostic::printable;
use crate::ix::{OperationIx, ResourceIx};
use crate::keys::RESOURCE;
use crate::reader::{Reader, Table, Value, in_order};
use crate::spec::{
    Effect, IdSource, Operation, Origin, RequestTemplate, Resource, Role, Supply, TenantName, last_member,
};
use crate::template::spots::Spot;
use crate::template::symbols::{IN_BODY, IN_COLLECTION, Objects, Scope};
use crate::template::{BodyTemplate, JsonTemplate, PathTemplate, Piece, Symbol};

const MOST_RESOURCES: usize = 100;

/// What could be read of all resources.
pub(super) struct Resources {
    /// Names and places, of broken ones too.
    pub(super) names: Objects,
    pub(super) implied: Vec<Operation>,
    pub(super) complete: Option<Vec<Resource>>,
}

pub(super) fn resources<'t>(
    reader: &mut Reader<'t, '_>,
    root: &Table<'t>,
    roster: &Roster,
    values: BTreeSet<String>,
) -> Resources {
    let tables = reader.tables(root, "resource", &RESOURCE, MOST_RESOURCES);
    let family = family(reader, &tables, values);
    let mut read: Vec<Option<Resource>> = Vec::new();
    let mut items: Vec<Item> = Vec::new();
    let mut implied = Vec::new();
    for (place, at) in family.order.iter().enumerate() {
        let Some(table) = tables.get(*at) else { continue };
        let draft = Draft { family: &family, ix: ResourceIx::new(place), at: *at, items: &items };
        let (resource, item) = draft.read(reader, table, roster, &mut implied);
        read.push(resource);
        items.push(item);
    }
    let mut complete: Option<Vec<Resource>> = read.into_iter().collect();
    if let Some(resources) = &mut complete {
        let spans = family.order.iter().map(|at| tables.get(*at).map(|table| table.span.clone()).unwrap_or_default());
        needs::relate(reader, resources, &implied, &spans.collect::<Vec<_>>());
    }
    Resources { names: family.objects, implied, complete }
}

/// The path of a resource's objects, for those below.
enum Item {
    At(PathTemplate),
    /// They are named otherwise.
    Elsewhere,
    /// It could not be read.
    Unknown,
}

/// A resource about to be read, and what is known of those before it, its parent among them.
struct Draft<'a> {
    family: &'a Family,
    ix: ResourceIx,
    /// Its position in the file.
    at: usize,
    items: &'a [Item],
}

impl Draft<'_> {
    /// The resource, and the path of its objects.
    fn read<'t>(
        &self,
        reader: &mut Reader<'t, '_>,
        table: &Table<'t>,
        roster: &Roster,
        implied: &mut Vec<Operation>,
    ) -> (Option<Resource>, Item) {
        let name = self.family.names.get(self.at).cloned().flatten();
        let parent = self.parent();
        let collection = self.collection(reader, table, name.as_deref(), parent);
        let (is_sound, collection) = (collection.is_some(), collection.flatten());
        let ids = table
            .get("ids")
            .and_then(|value| reader.choice(value, &[("server", IdSource::Server), ("client", IdSource::Client)]));

        let create = if is_request(table.get("create")) {
            table.get("create").and_then(|value| reader.request(value, self.any(), None, Effect::Create))
        } else {
            let body = self.members(reader, table, "create", self.any());
            if body.is_some() && is_sound && collection.is_none() {
                let help = "add `path`, or say where it is sent: { request = \"POST /cases\", body = { title = \"{canary}\" } }";
                reader.report.note(table.key_span("create"), "this is a body, and nothing says where it is sent", help);
            }
            body.zip(collection.clone()).map(|(body, path)| RequestTemplate {
                body: Some(BodyTemplate::Json(body)),
                ..RequestTemplate::bare("POST", path)
            })
        };
        // A create that names the object that it makes leaves the id to the client.
        let names_own = |create: &RequestTemplate| create.mentions(&Symbol::Object(self.ix));
        let is_named = create.as_ref().is_some_and(names_own);
        let id = table.get("id").map(|value| reader.json_path(value));
        if ids.is_none() && !is_request(table.get("create")) {
            let member = id.clone().flatten().map_or_else(|| "id".to_owned(), |id| last_member(&id));
            self.names_by_id(reader, table, create.as_ref(), &member);
        }
        if ids == Some(IdSource::Server) && is_named {
            let help = "leave `ids` out, or name another object";
            reader.report.note(
                table.key_span("create"),
                "what is created is named, and the server chooses its id",
                help,
            );
        }
        let creates = if ids == Some(IdSource::Client) { Creates::AtObject } else { Creates::InCollection };
        let ids = ids.unwrap_or(if is_named { IdSource::Client } else { IdSource::Server });
        let update = self.members(reader, table, "update", self.any()).map(BodyTemplate::Json);
        let body = create.as_ref().and_then(|create| create.body.clone());
        let update = update.or_else(|| body.as_ref().and_then(marked_members));

        let is_singleton = self.is_singleton(reader, table);
        let supply = if is_singleton { one_each(roster) } else { supply(reader, table, roster) };
        let is_disposable = table.get("disposable").is_some_and(|value| reader.flag(value, "disposable"));
        if is_disposable && table.lacks("existing") && !is_singleton {
            let help = "leave it out: what the run has made, it may change";
            reader.report.note(table.key_span("disposable"), "`disposable` without `existing`", help);
        }
        let shows = by_tenant(reader, table, "shows", roster, |reader, value| Some(reader.expanded(value)?.value));
        let is_unknown = |tenant: &&TenantName| matches!(&supply, Supply::Known(known) if !known.contains_key(*tenant));
        if let Some(tenant) = shows.keys().find(is_unknown) {
            let message = format!("`shows` names {}, of which no object is known", printable(tenant.as_str()));
            reader.report.note(table.key_span("shows"), message, "name its object under `existing` as well");
        }
        if !is_singleton {
            self.has_objects(reader, table);
        }
        let id_header = table.get("id_header").and_then(|value| reader.text(value));
        let id_header = id_header.and_then(|name| reader.header_name(name)).map(|name| name.to_ascii_lowercase());
        let page = paging(reader, table);
        let convention = name.clone().zip(collection).map(|(name, collection)| Convention {
            item: if is_singleton { collection.clone() } else { self.item(&collection, name) },
            collection,
            creates,
            create: body,
            update: update.clone(),
        });
        let before = implied.len();
        self.operations(reader, table, convention.as_ref(), create, update, implied);
        let read = implied.get(before..).unwrap_or_default().iter().find(|operation| operation.role == Role::Read);
        let described = read.map(|read| read.request.path.clone()).filter(|path| !path.to_string().contains('?'));
        let item = match convention.map(|convention| convention.item).or(described) {
            Some(path) => Item::At(path),
            None if is_sound => Item::Elsewhere,
            None => Item::Unknown,
        };
        let resource = || {
            is_sound.then_some(())?;
            Some(Resource {
                name: name?,
                parent,
                needs: Vec::new(),
                depth: 0,
                ids,
                id: match id {
                    Some(id) => id?,
                    None => JsonPath::parse("$.id").ok()?,
                },
                id_header,
                page,
                supply,
                is_singleton,
                is_disposable,
                shows,
                line: reader.line(table.span.start),
            })
        };
        (resource(), item)
    }

    /// The body of a create may name what it creates as nothing but its id.
    fn names_by_id(
        &self,
        reader: &mut Reader<'_, '_>,
        table: &Table<'_>,
        create: Option<&RequestTemplate>,
        member: &str,
    ) {
        let is_elsewhere = |(spot, symbol): &(Spot, &Symbol)| {
            let is_id = matches!(spot, Spot::Json(pointer) if pointer.rsplit('/').next() == Some(member));
            **symbol == Symbol::Object(self.ix) && !is_id
        };
        if create.is_some_and(|create| create.spots().iter().any(is_elsewhere)) {
            let message = format!("what is created is named, and not in `{member}`, its id");
            let help = "as its id alone: `id = \"$.key\"` and `create = { key = \"{case}\", title = \"{canary}\" }`";
            reader.report.note(table.key_span("create"), message, help);
        }
    }

    /// Appends the operation of each role: as it is described, else by convention.
    fn operations<'t>(
        &self,
        reader: &mut Reader<'t, '_>,
        table: &Table<'t>,
        convention: Option<&Convention>,
        create: Option<RequestTemplate>,
        update: Option<BodyTemplate>,
        implied: &mut Vec<Operation>,
    ) {
        let Some(name) = self.family.names.get(self.at).and_then(Option::as_ref) else { return };
        let by_convention = match convention {
            Some(convention) => roles(reader, table, convention),
            None => Vec::new(),
        };
        let mut add = |reader: &Reader<'t, '_>, key: &'static str, role: Role, request: RequestTemplate| {
            let (verb, effect) = named(role);
            let (ix, name) = (OperationIx::new(implied.len()), format!("{name}.{verb}"));
            let line = reader.line(if table.get(key).is_some() { table.key_span(key).start } else { table.span.start });
            let resource = Some(self.ix);
            // `create` says what is created, in a request that is conventional.
            let is_written = is_request(table.get(key)) || table.get("methods").is_some();
            let origin = if is_written { Origin::Written } else { Origin::Convention };
            implied.push(Operation {
                ix,
                name,
                is_ambiguous: false,
                request,
                role,
                origin,
                effect,
                resource,
                changes: Vec::new(),
                after: None,
                line,
            });
        };
        for (key, role) in ROLES {
            let request = if role == Role::Create {
                // Told apart above: a request, or the body of the conventional one.
                match is_request(table.get(key)) {
                    true => create.clone(),
                    false => convention.filter(|_| by_convention.contains(&role)).map(|c| c.request(role)),
                }
            } else if let Some(value) = table.get(key) {
                let body = match role {
                    Role::Replace => create.as_ref().and_then(|create| create.body.clone()),
                    Role::Patch => update.clone(),
                    _ => None,
                };
                self.described(reader, table, (key, role), value, body)
            } else {
                convention.filter(|_| by_convention.contains(&role)).map(|convention| convention.request(role))
            };
            if let Some(request) = request {
                add(reader, key, role, request);
            }
        }
        for (key, role) in [("search", Role::Search), ("count", Role::Count)] {
            let Some(value) = table.get(key) else { continue };
            if let Some(request) = self.reading(reader, table, (key, role), value) {
                add(reader, key, role, request);
            }
        }
        self.views(reader, table, name, implied);
    }

    /// A request that shows many objects, or numbers about them.
    fn reading<'t>(
        &self,
        reader: &mut Reader<'t, '_>,
        table: &Table<'t>,
        (key, role): (&'static str, Role),
        value: &'t Value<'t>,
    ) -> Option<RequestTemplate> {
        let request = self.described(reader, table, (key, role), value, None)?;
        let is_read = matches!(request.method.as_str(), "GET" | "HEAD" | "POST");
        if !is_read {
            let message = format!("what is under `{key}` reads, {} does not", request.method);
            reader.report.note(value.span(), message, "GET or POST");
        }
        is_read.then_some(request)
    }

    /// `views`: each by the name that the file gives it. One that is asked for words of an object is a search.
    fn views<'t>(&self, reader: &mut Reader<'t, '_>, table: &Table<'t>, name: &str, implied: &mut Vec<Operation>) {
        let Some(value) = table.get("views") else { return };
        let Some(entries) = value.get_ref().as_table() else {
            reader.wrong_type(value, "`views`", "a table", RESOURCE.example("views"));
            return;
        };
        for (view, value) in in_order(entries) {
            let taken = ROLES.iter().map(|(verb, _)| *verb).chain(["search", "count"]);
            let fits = view.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            let note = match (fits && !view.value.is_empty(), taken.into_iter().any(|verb| verb == view.value)) {
                (false, _) => Some(("cannot name a view", "letters, digits, `-` and `_`")),
                (true, true) => Some(("is what another operation is called", "choose another name")),
                (true, false) => None,
            };
            if let Some((message, help)) = note {
                reader.report.note(view.span, format!("`{}` {message}", printable(view.value)), help);
                continue;
            }
            let Some(request) = self.reading(reader, table, ("views", Role::View), value) else { continue };
            let role = if request.mentions(&Symbol::CanaryPublic) { Role::Search } else { Role::View };
            implied.push(Operation {
                ix: OperationIx::new(implied.len()),
                name: format!("{name}.{}", view.value),
                is_ambiguous: false,
                request,
                role,
                origin: Origin::Written,
                effect: Effect::Read,
                resource: Some(self.ix),
                changes: Vec::new(),
                after: None,
                line: reader.line(view.span.start),
            });
        }
    }

    /// The request that a key describes.
    fn described<'t>(
        &self,
        reader: &mut Reader<'t, '_>,
        table: &Table<'t>,
        (key, role): (&'static str, Role),
        value: &'t Value<'t>,
        body: Option<BodyTemplate>,
    ) -> Option<RequestTemplate> {
        let is_of_one = matches!(role, Role::Read | Role::Replace | Role::Patch | Role::Delete);
        let but = if is_of_one { None } else { Some(self.ix) };
        let request = reader.request(value, May { but, ..self.any() }, body, named(role).1)?;
        let is_singleton = is_set(table, "singleton");
        if is_of_one && !is_singleton && !request.mentions(&Symbol::Object(self.ix)) {
            let name = self.family.names.get(self.at).cloned().flatten().unwrap_or_default();
            let message = format!("this names no `{{{name}}}`");
            reader.report.note(
                value.span(),
                message,
                format!(
                    "write `{{{name}}}` where the id is, as in {}; what has no id of its own is an [[operation]] of what it joins",
                    RESOURCE.example(key)
                ),
            );
            return None;
        }
        Some(request)
    }

    /// Any object.
    fn any(&self) -> May<'_> {
        May { objects: &self.family.objects, but: None }
    }

    /// `singleton`, which goes with none of the keys that are about many objects.
    fn is_singleton<'t>(&self, reader: &mut Reader<'t, '_>, table: &Table<'t>) -> bool {
        let is_singleton = table.get("singleton").is_some_and(|value| reader.flag(value, "singleton"));
        for key in ["create", "existing", "list", "delete", "search", "page", "ids", "id"] {
            if is_singleton && table.get(key).is_some() {
                let help = "leave one of them out: of a singleton each tenant has exactly one, and no request names it";
                reader.report.note(table.key_span(key), format!("`{key}` of a singleton"), help);
            }
        }
        is_singleton
    }

    fn has_objects<'t>(&self, reader: &mut Reader<'t, '_>, table: &Table<'t>) {
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
    }

    /// The path of an object in a collection.
    fn item(&self, collection: &PathTemplate, name: String) -> PathTemplate {
        let symbol = Piece::Symbol(Symbol::Object(self.ix), name);
        let slash = Piece::Text("/".to_owned());
        appended(collection, if ends_with_slash(collection) { vec![symbol, slash] } else { vec![slash, symbol] })
    }

    fn parent(&self) -> Option<ResourceIx> {
        self.family.ix(self.family.parents.get(self.at).copied().flatten()?)
    }

    /// The path of the convention; none where all requests are described.
    fn collection<'t>(
        &self,
        reader: &mut Reader<'t, '_>,
        table: &Table<'t>,
        name: Option<&str>,
        parent: Option<ResourceIx>,
    ) -> Option<Option<PathTemplate>> {
        if let Some(value) = table.get("path") {
            let text = reader.text(value)?;
            if text.value.contains('?') {
                let help = "a collection's path alone: `/{case}` is appended to it for an object";
                reader.report.note(text.span, "a collection's path has no query", help);
                return None;
            }
            let others = self.family.objects.resources.values().copied().filter(|other| *other != self.ix).collect();
            let scope = Scope { objects: &self.family.objects, bound: Some(others), others: IN_COLLECTION };
            return reader.path(&text, &scope).map(Some);
        }
        let above = match parent {
            Some(parent) => match self.items.get(parent.number())? {
                Item::At(path) => Some(path),
                Item::Elsewhere => None,
                Item::Unknown => return None,
            },
            // One that is named and can't be found is noted already.
            None if table.get("parent").is_some() => return None,
            None => None,
        };
        let Some(above) = above else {
            if is_described(table) {
                return Some(None);
            }
            reader.need(table, "path");
            return None;
        };
        let name = name?;
        let below = if ends_with_slash(above) { format!("{name}s/") } else { format!("/{name}s") };
        Some(Some(appended(above, vec![Piece::Text(below)])))
    }

    /// `create` or `update`: a JSON object.
    fn members<'t>(
        &self,
        reader: &mut Reader<'t, '_>,
        table: &Table<'t>,
        key: &'static str,
        may: May<'_>,
    ) -> Option<JsonTemplate> {
        let value = table.get(key)?;
        if !value.get_ref().is_table() {
            reader.wrong_type(value, &format!("`{key}`"), "a table", RESOURCE.example(key));
            return None;
        }
        reader.body(value, &may.scope(IN_BODY))
    }
}

/// Whether any request is described.
fn is_described(table: &Table<'_>) -> bool {
    ROLES.iter().any(|(key, _)| is_request(table.get(key)))
}

/// Whether it is a request, not the body of one: a line, or a table in which `request` is one.
fn is_request(value: Option<&Value<'_>>) -> bool {
    match value.map(|value| value.get_ref()) {
        Some(DeValue::String(_)) => true,
        Some(DeValue::Table(table)) => table.get("request").is_some_and(|line| line.get_ref().is_str()),
        _ => false,
    }
}

fn ends_with_slash(path: &PathTemplate) -> bool {
    matches!(path.pieces().last(), Some(Piece::Text(text)) if text.ends_with('/'))
}

fn appended(path: &PathTemplate, more: Vec<Piece>) -> PathTemplate {
    PathTemplate(path.pieces().iter().cloned().chain(more).collect())
}

/// The top-level members that hold a canary.
fn marked_members(create: &BodyTemplate) -> Option<BodyTemplate> {
    let BodyTemplate::Json(JsonTemplate::Object(members)) = create else { return None };
    let marked: Vec<_> = members.iter().filter(|(_, value)| value.mentions(&Symbol::Canary)).cloned().collect();
    (!marked.is_empty()).then_some(BodyTemplate::Json(JsonTemplate::Object(marked)))
}
