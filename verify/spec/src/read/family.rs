//! Which resource is whose parent, and an order in which parents come before children.

use std::collections::BTreeSet;

use super::tenant::note_repeated;
use crate::diagnostic::printable;
use crate::ix::ResourceIx;
use crate::keys::suggest;
use crate::reader::{At, Reader, Table};
use crate::template::symbols::{Objects, is_reserved};

/// Names and parents of all resources, read before the rest of any.
pub(super) struct Family {
    /// Positions in the file, parents first.
    pub(super) order: Vec<usize>,
    /// By position in the file: the name, where it could be read.
    pub(super) names: Vec<Option<String>>,
    /// By position in the file: the position of the parent.
    pub(super) parents: Vec<Option<usize>>,
    /// From names to places in `order`, which are those in the spec.
    pub(super) objects: Objects,
}

impl Family {
    /// Of a resource's position in the file.
    pub(super) fn ix(&self, at: usize) -> Option<ResourceIx> {
        self.order.iter().position(|known| *known == at).map(ResourceIx::new)
    }
}

pub(super) fn family<'t>(reader: &mut Reader<'t, '_>, tables: &[Table<'t>], values: BTreeSet<String>) -> Family {
    let names: Vec<_> = tables.iter().map(|table| name(reader, table, &values)).collect();
    note_repeated(reader, names.iter().flatten(), "two resources have the name");
    let mut parents: Vec<_> = tables.iter().map(|table| parent(reader, table, &names)).collect();
    let order = parents_first(reader, tables, &mut parents);
    let mut objects = Objects { values, ..Objects::default() };
    for (place, name) in order.iter().enumerate().filter_map(|(place, at)| Some((place, names.get(*at)?.as_ref()?))) {
        objects.resources.entry(name.value.clone()).or_insert(ResourceIx::new(place));
    }
    Family { order, names: names.into_iter().map(|name| name.map(|name| name.value)).collect(), parents, objects }
}

fn name<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, values: &BTreeSet<String>) -> Option<At<String>> {
    let name = reader.need(table, "name").and_then(|value| reader.text(value))?;
    let fits = name.value.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let (message, help) = if !fits {
        ("cannot name a resource", "letters, digits, `-` and `_`, a letter first: paths name it `{case}`")
    } else if is_reserved(name.value) || values.contains(name.value) {
        ("is a symbol already", "choose another name")
    } else {
        return Some(name.map(str::to_owned));
    };
    reader.report.note(name.span, format!("`{}` {message}", printable(name.value)), help);
    None
}

fn parent<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, names: &[Option<At<String>>]) -> Option<usize> {
    let text = table.get("parent").and_then(|value| reader.text(value))?;
    let found = names.iter().position(|name| name.as_ref().is_some_and(|name| name.value == text.value));
    if found.is_none() && names.iter().all(Option::is_some) {
        let help = suggest(text.value, names.iter().flatten().map(|name| name.value.as_str()));
        reader.report.note(text.span, format!("`{}` is no [[resource]]", printable(text.value)), help);
    }
    found
}

/// Cuts and notes each cycle once.
fn parents_first<'t>(reader: &mut Reader<'t, '_>, tables: &[Table<'t>], parents: &mut [Option<usize>]) -> Vec<usize> {
    let mut order = Vec::new();
    let mut placed = BTreeSet::new();
    for start in 0..tables.len() {
        let mut line = Vec::new();
        let mut next = Some(start);
        while let Some(at) = next.filter(|at| !placed.contains(at)) {
            if line.contains(&at) {
                if let Some(table) = tables.get(at) {
                    let span = table.get("parent").map_or_else(|| table.span.clone(), |value| value.span());
                    let help = "leave out `parent` in the outermost, and give that one a `path`";
                    reader.report.note(span, "this resource is its own ancestor", help);
                }
                if let Some(parent) = line.last().and_then(|last| parents.get_mut(*last)) {
                    *parent = None;
                }
                break;
            }
            line.push(at);
            next = parents.get(at).copied().flatten();
        }
        for at in line.into_iter().rev() {
            placed.insert(at);
            order.push(at);
        }
    }
    order
}
