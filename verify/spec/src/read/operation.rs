//! `[[operation]]`: what does not fit the convention.

use std::collections::{BTreeMap, BTreeSet};

use super::request::May;
use crate::diagnostic::printable;
use crate::ix::{OperationIx, ResourceIx};
use crate::keys::{OPERATION, suggest};
use crate::reader::{At, Reader, Table, Value};
use crate::spec::{Effect, Operation, Origin, RequestTemplate, Resource, Role, Supply};
use crate::template::Symbol;
use crate::template::spots::Spot;
use crate::template::symbols::Objects;

const MOST_OPERATIONS: usize = 500;
const EFFECTS: [(&str, Effect); 4] =
    [("read", Effect::Read), ("create", Effect::Create), ("change", Effect::Change), ("destroy", Effect::Destroy)];

/// Appends to those that resources imply; `None` when one could not be read.
pub(super) fn operations<'t>(
    reader: &mut Reader<'t, '_>,
    root: &Table<'t>,
    known: (&Objects, &[Resource]),
    operations: &mut Vec<Operation>,
) -> Option<()> {
    let tables = reader.tables(root, "operation", &OPERATION, MOST_OPERATIONS);
    let mut taken: BTreeSet<String> = operations.iter().map(|operation| operation.name.clone()).collect();
    let mut whole = Some(());
    for table in &tables {
        match operation(reader, table, operations, known, &mut taken) {
            Some(operation) => operations.push(operation),
            None => whole = None,
        }
    }
    whole
}

fn operation<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    before: &[Operation],
    (objects, resources): (&Objects, &[Resource]),
    taken: &mut BTreeSet<String>,
) -> Option<Operation> {
    let name = reader.need(table, "name").and_then(|value| reader.text(value)).and_then(|name| {
        let fits = name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let note = if !fits {
            Some(("cannot name an operation", "letters, digits, `-`, `_` and `.`"))
        } else if !taken.insert(name.value.to_owned()) {
            Some(("names another operation already", "give each its own name; resources name theirs `case.read`"))
        } else {
            None
        };
        match note {
            Some((message, help)) => {
                reader.report.note(name.span, format!("`{}` {message}", printable(name.value)), help);
                None
            }
            None => Some(name.value.to_owned()),
        }
    });
    let request = reader.request_of(table, May { objects, but: None });
    let effect = effect(reader, table, request.as_ref().map(|request| request.method.as_str()));
    if let Some(effect) = effect {
        reader.only_read(table, effect);
    }
    let changes = changes(reader, table, effect, (objects, resources));
    let after = after(reader, table, effect, before);
    let request = request?;
    let resource = match table.get("concerns") {
        Some(value) => Some(named_in(reader, value, &request, objects)?),
        None => concerned(&request, effect, resources),
    };
    Some(Operation {
        ix: OperationIx::new(before.len()),
        name: name?,
        is_ambiguous: false,
        request,
        role: Role::Custom,
        origin: Origin::Written,
        effect: effect?,
        resource,
        changes: changes?,
        after: after?,
        line: reader.line(table.span.start),
    })
}

/// Marks those of which method and path are not enough.
pub(super) fn tell_apart(operations: &mut [Operation]) {
    let mut alike: BTreeMap<String, Vec<RequestTemplate>> = BTreeMap::new();
    for Operation { request, .. } in operations.iter() {
        let requests = alike.entry(request.to_string()).or_default();
        if !requests.contains(request) {
            requests.push(request.clone());
        }
    }
    for operation in operations {
        operation.is_ambiguous = alike.get(&operation.request.to_string()).is_some_and(|requests| requests.len() > 1);
    }
}

/// The object that a request is about: the last one in its path, else the last one that it names anywhere. What destroys is
/// about what it names below that; and what writes, rather about what may be changed.
fn concerned(request: &RequestTemplate, effect: Option<Effect>, resources: &[Resource]) -> Option<ResourceIx> {
    let named = request.objects();
    let parent_of = |one: ResourceIx| resources.get(one.number()).and_then(|resource| resource.parent);
    let Some(last) = request.path.objects().last().copied() else {
        let may_change = |one: &&ResourceIx| {
            let resource = resources.get(one.number());
            resource.is_some_and(|resource| resource.supply == Supply::Made || resource.is_disposable)
        };
        // What is set is deeper in a body than what it is set on: `{ ids = ["{issue}"], set = { assignee = "{user}" } }`.
        let may_be_changed: Vec<ResourceIx> = named.iter().filter(may_change).copied().collect();
        let depth = |kind: &ResourceIx| depth_of(request, *kind);
        let least = may_be_changed.iter().map(depth).min();
        let changed = may_be_changed.into_iter().rev().find(|kind| Some(depth(kind)) == least);
        let changed = changed.filter(|_| effect.is_some_and(|effect| effect != Effect::Read));
        return changed.or(named.last().copied());
    };
    let is_below = |one: &&ResourceIx| {
        std::iter::successors(parent_of(**one), |above| parent_of(*above)).any(|above| above == last)
    };
    let below = named.iter().rev().find(is_below).filter(|_| effect == Some(Effect::Destroy));
    Some(below.copied().unwrap_or(last))
}

/// `concerns = "issue"`: of what it names, what the request is about.
fn named_in<'t>(
    reader: &mut Reader<'t, '_>,
    value: &'t Value<'t>,
    request: &RequestTemplate,
    objects: &Objects,
) -> Option<ResourceIx> {
    let name = reader.text(value)?;
    let kind = objects.resources.get(name.value).copied().filter(|kind| request.objects().contains(kind));
    if kind.is_none() {
        let help = "one of the resources that the request names in braces";
        reader.report.note(name.span, format!("the request names no `{}`", printable(name.value)), help);
    }
    kind
}

/// `after = "queue.add"`: an operation that its owner sends before, for the same objects.
fn after<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    effect: Option<Effect>,
    before: &[Operation],
) -> Option<Option<OperationIx>> {
    let Some(value) = table.get("after") else { return Some(None) };
    if !matches!(effect?, Effect::Change | Effect::Destroy) {
        let help = "add `effect = \"change\"` or \"destroy\", or leave `after` out";
        reader.report.note(table.key_span("after"), "what has this effect undoes nothing", help);
        return None;
    }
    let name = reader.text(value)?;
    let found = before.iter().find(|operation| operation.name == name.value);
    if found.is_none() {
        let help = suggest(name.value, before.iter().map(|operation| operation.name.as_str()));
        reader.report.note(name.span, format!("`{}` is no operation before this one", printable(name.value)), help);
    }
    found.map(|operation| Some(operation.ix))
}

/// In how many members of a body a kind is named, one within the other. Which element of a list it is says nothing.
fn depth_of(request: &RequestTemplate, kind: ResourceIx) -> usize {
    let of = |spot: Spot| match spot {
        Spot::Json(pointer) => pointer.split('/').skip(1).filter(|name| name.parse::<usize>().is_err()).count(),
        _ => 1,
    };
    let spots = request.spots().into_iter().filter(|(_, symbol)| **symbol == Symbol::Object(kind));
    spots.map(|(spot, _)| of(spot)).min().unwrap_or_default()
}

/// `changes = ["task"]`: what it is done to that no symbol names.
fn changes<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    effect: Option<Effect>,
    (objects, resources): (&Objects, &[Resource]),
) -> Option<Vec<ResourceIx>> {
    let Some(value) = table.get("changes") else { return Some(Vec::new()) };
    if !matches!(effect?, Effect::Change | Effect::Destroy) {
        let help = "add `effect = \"change\"` or \"destroy\", or leave `changes` out";
        reader.report.note(table.key_span("changes"), "what has this effect changes nothing", help);
        return None;
    }
    let Some(names) = value.get_ref().as_array() else {
        reader.wrong_type(value, "this", "a list of resources", "[\"task\"]");
        return None;
    };
    let mut kinds = Some(Vec::new());
    for name in names {
        let kind = reader.text(name).and_then(|name| made(reader, name, (objects, resources)));
        match (kind, &mut kinds) {
            (Some(kind), Some(known)) if !known.contains(&kind) => known.push(kind),
            (Some(_), _) => {}
            (None, _) => kinds = None,
        }
    }
    kinds
}

/// A resource of this name whose objects the run makes: nothing else may be changed without being named.
fn made(
    reader: &mut Reader<'_, '_>,
    name: At<&str>,
    (objects, resources): (&Objects, &[Resource]),
) -> Option<ResourceIx> {
    let Some(kind) = objects.resources.get(name.value).copied() else {
        let help = suggest(name.value, objects.resources.keys().map(String::as_str));
        reader.report.note(name.span, format!("`{}` is no resource", printable(name.value)), help);
        return None;
    };
    if resources.get(kind.number()).is_none_or(|resource| resource.supply == Supply::Made) {
        return Some(kind);
    }
    let message = format!("no {} is made by the run, so none can be seen to change", printable(name.value));
    reader.report.note(name.span, message, "name a resource that is created, or leave it out");
    None
}

/// Only what a method promises never to change needs no declaration (RFC 9110 9.2.1).
fn effect<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, method: Option<&str>) -> Option<Effect> {
    if let Some(value) = table.get("effect") {
        return reader.choice(value, &EFFECTS);
    }
    match method? {
        "GET" | "HEAD" => Some(Effect::Read),
        method => {
            let help = "add `effect = \"read\"`, \"create\", \"change\" or \"destroy\": production sends only reads";
            let message = format!("{method} may write, and no `effect` says what");
            reader.report.note(table.span.clone(), message, help);
            None
        }
    }
}
