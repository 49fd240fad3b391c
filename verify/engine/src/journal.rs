//! The journal: what the run created and has not yet removed, on disk before the next request goes out. A run that is
//! killed leaves it behind, and `watertight clean` reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use watertight_spec::{ActIx, ObjectId, ResourceIx, Role, Spec};

use crate::call::{ActCall, Half, Intent, Mark, ObjectName, Request};
use crate::links::object_at;
use crate::log::Exchange;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// The run has begun: everything that it creates carries this tag.
    Began {
        /// [`crate::marker::RunTag::text`]
        tag: String,
    },
    /// A request that may create an object is about to be sent.
    Intends {
        /// Name of the resource.
        resource: String,
    },
    /// It never reached the target.
    Unsent {
        /// Name of the resource.
        resource: String,
    },
    /// An object exists.
    Created(Item),
    /// It is gone.
    Removed(Name),
    /// An act that can be taken back is about to be done.
    Does(ActName),
    /// It was taken back, or refused.
    Undid(ActName),
    /// The run removed all that it created.
    Cleaned,
    /// A line of another version's, or what a kill left of one: something may be there.
    #[serde(skip)]
    Unreadable,
}

/// An act in a tenant, in the words of the spec.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ActName {
    /// Name of the act.
    pub act: String,
    /// Tenant id.
    pub tenant: String,
}

impl ActName {
    /// In the words of a spec.
    pub fn of(spec: &Spec, act: ActIx) -> Self {
        Self { act: spec[act].name.clone(), tenant: spec[spec[act].tenant].id.to_string() }
    }

    /// What it means in a spec; none if it is not there.
    pub fn meant(&self, spec: &Spec) -> Option<ActIx> {
        spec.act_ixs().find(|act| Self::of(spec, *act) == *self)
    }
}

/// An object that the run created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which.
    pub name: Name,
    /// Who says so.
    pub said_by: SaidBy,
}

/// An [`ObjectName`] in the words of the spec: a journal is read when the places in it may have changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    /// Tenant id.
    pub tenant: String,
    /// Name of the resource.
    pub resource: String,
    /// Names of the resources of other objects that name it, and their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<(String, ObjectId)>,
    /// Its own id.
    pub id: ObjectId,
}

impl Name {
    /// In the words of a spec.
    pub fn of(spec: &Spec, object: &ObjectName) -> Self {
        Self {
            tenant: spec[object.tenant].id.to_string(),
            resource: spec[object.resource].name.clone(),
            above: object.above.iter().map(|(above, id)| (spec[*above].name.clone(), id.clone())).collect(),
            id: object.id.clone(),
        }
    }

    /// What it means in a spec; none if a tenant or a resource in it is not there.
    pub fn meant(&self, spec: &Spec) -> Option<ObjectName> {
        let resource = |name: &str| spec.resource_ixs().find(|resource| spec[*resource].name == name);
        Some(ObjectName {
            tenant: spec.tenant_ixs().find(|tenant| spec[*tenant].id.as_str() == self.tenant)?,
            resource: resource(&self.resource)?,
            above: self.above.iter().map(|(name, id)| Some((resource(name)?, id.clone()))).collect::<Option<_>>()?,
            id: self.id.clone(),
        })
    }
}

impl fmt::Display for Name {
    /// `case case-7 of agency-north`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, resource, above, id } = self;
        write!(f, "{resource} {id}")?;
        above.iter().rev().try_for_each(|(above, id)| write!(f, " of {above} {id}"))?;
        write!(f, " of {tenant}")
    }
}

/// Whose answer told of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SaidBy {
    /// The answer to its owner's own create.
    Owner,
    /// The answer to an attack: the id may be that of an object that was there before. It is removed only if it carries
    /// the run's tag.
    Attack,
}

/// An append-only file, and what it comes to.
#[derive(Debug)]
pub struct Journal {
    file: Option<File>,
    state: State,
}

/// What the lines of a journal come to.
#[derive(Debug, Default)]
struct State {
    tag: Option<String>,
    /// Requests that may have created something.
    intents: u64,
    /// Those of them that never reached the target.
    unsent: u64,
    /// Lines that say nothing.
    unreadable: u64,
    is_cleaned: bool,
    lines: u64,
    /// With the line that told of it.
    existing: BTreeMap<Name, (u64, Item)>,
    /// Acts that were not taken back.
    done: BTreeSet<ActName>,
}

impl State {
    fn note(&mut self, entry: &Entry) {
        self.lines = self.lines.saturating_add(1);
        self.is_cleaned = matches!(entry, Entry::Cleaned);
        match entry {
            Entry::Began { tag } => self.tag = Some(tag.clone()),
            Entry::Intends { .. } => self.intents = self.intents.saturating_add(1),
            Entry::Unsent { .. } => self.unsent = self.unsent.saturating_add(1),
            Entry::Created(item) => {
                self.existing.entry(item.name.clone()).or_insert_with(|| (self.lines, item.clone()));
            }
            Entry::Removed(name) => drop(self.existing.remove(name)),
            Entry::Does(act) => drop(self.done.insert(act.clone())),
            Entry::Undid(act) => drop(self.done.remove(act)),
            Entry::Unreadable => self.unreadable = self.unreadable.saturating_add(1),
            Entry::Cleaned => {}
        }
    }
}

impl Journal {
    /// At this path; an earlier run's journal there must have been cleaned, or moved away.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        Ok(Self { file: Some(file), state: State::default() })
    }

    /// Continues a journal left by a run that was killed.
    ///
    /// # Errors
    /// There is none, or it can't be read.
    pub fn resume(path: &Path) -> std::io::Result<Self> {
        let mut state = State::default();
        read(path)?.iter().for_each(|entry| state.note(entry));
        let mut file = OpenOptions::new().append(true).open(path)?;
        // A line that a kill cut off must not swallow the next one.
        file.write_all(b"\n")?;
        Ok(Self { file: Some(file), state })
    }

    /// Without a file.
    #[cfg(test)]
    fn in_memory() -> Self {
        Self { file: None, state: State::default() }
    }

    /// Adds a line, and has it on disk before it returns.
    ///
    /// # Errors
    /// The file can't be written to.
    pub fn write(&mut self, entry: &Entry) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_string(entry)?;
            line.push('\n');
            file.write_all(line.as_bytes())?;
        }
        self.state.note(entry);
        Ok(())
    }

    /// What exists still, the newest first.
    pub fn remaining(&self) -> Vec<Item> {
        let mut items: Vec<&(u64, Item)> = self.state.existing.values().collect();
        items.sort_by_key(|(line, _)| std::cmp::Reverse(*line));
        items.into_iter().map(|(_, item)| item.clone()).collect()
    }

    /// Acts that were done, or may have been, and not taken back.
    pub fn done(&self) -> Vec<ActName> {
        self.state.done.iter().cloned().collect()
    }

    /// The run's tag, if it ever began.
    pub fn tag(&self) -> Option<&str> {
        self.state.tag.as_deref()
    }

    /// Whether the run cleaned up after itself, or had nothing to clean up.
    pub fn is_clean(&self) -> bool {
        let made_nothing = self.state.intents == self.state.unsent && self.state.unreadable == 0;
        self.state.is_cleaned || (made_nothing && self.state.done.is_empty())
    }
}

/// What the journal must say of an act before it is sent: one that can be taken back.
pub(crate) fn before(spec: &Spec, ask: &ActCall) -> Option<Entry> {
    (ask.half == Half::Do && spec[ask.act].undo.is_some()).then(|| Entry::Does(ActName::of(spec, ask.act)))
}

/// What it must say when it was answered. One that was refused did nothing.
pub(crate) fn after(spec: &Spec, ask: &ActCall, answer: &Exchange) -> Option<Entry> {
    let is_over = match (ask.half, answer.status()) {
        (Half::Do, Some(400..500)) | (Half::Undo, Some(200..400)) => true,
        (Half::Do | Half::Undo, _) => false,
    };
    is_over.then(|| Entry::Undid(ActName::of(spec, ask.act)))
}

/// What the journal must say of a request that succeeded. What can't be found in the answer is found by the sweep.
pub(crate) fn entry(spec: &Spec, request: &Request, exchange: &Exchange) -> Option<Entry> {
    if !exchange.lets_in() {
        return None;
    }
    match &request.mark {
        // Where it only leads on, it is not said that anything is gone.
        Mark::Removes(_) if !exchange.succeeded() => None,
        Mark::Nothing => None,
        Mark::Removes(object) => Some(Entry::Removed(Name::of(spec, object))),
        Mark::Creates { resource, owner, named, above } => {
            let id = named.clone().or_else(|| id_in(spec, *resource, exchange))?;
            let object = ObjectName { tenant: *owner, resource: *resource, above: above.clone(), id };
            let said_by = match request.intent {
                Intent::Own => SaidBy::Owner,
                Intent::Across => SaidBy::Attack,
            };
            Some(Entry::Created(Item { name: Name::of(spec, &object), said_by }))
        }
    }
}

/// The id that an answer gives to a new object: where the spec says, in a member or a header, else at the end of `Location`
/// (RFC 9110 10.2.2). A redirect may lead anywhere: its `Location` must be that of an object of the kind.
pub fn id_in(spec: &Spec, resource: ResourceIx, exchange: &Exchange) -> Option<ObjectId> {
    if exchange.leads_on() {
        return object_at(spec, resource, exchange, exchange.led_to()?);
    }
    let described = &spec[resource];
    let in_body = || ObjectId::of(described.id.query(exchange.json()?).first()?);
    // What was only accepted (202) may be waited for at its `Location` (RFC 9110 15.3.3): that is a job of another form.
    let is_accepted = exchange.status() == Some(202);
    let in_header = || {
        let location = exchange.header("location")?;
        if is_accepted && spec.operation_of(resource, Role::List).is_some() {
            // It may name the host that a proxy has.
            let path = location.split_once("://").and_then(|(_, rest)| rest.get(rest.find('/')?..));
            return object_at(spec, resource, exchange, path.unwrap_or(location));
        }
        let path = location.split(['?', '#']).next()?;
        let segment = path.trim_end_matches('/').rsplit('/').next().filter(|s| !s.is_empty())?;
        let decoded = percent_decode_str(segment).decode_utf8().ok()?;
        Some(ObjectId::text(key_in(&decoded).unwrap_or(&decoded)))
    };
    let named = || Some(ObjectId::text(exchange.header(described.id_header.as_deref()?)?));
    in_body().or_else(named).or_else(in_header)
}

/// The key in a segment such as `Contacts(7)` or `Contacts('a')` (OData 4.01, part 2, 4.3.1).
fn key_in(segment: &str) -> Option<&str> {
    let (set, key) = segment.strip_suffix(')')?.split_once('(')?;
    let is_name = !set.is_empty() && set.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    let key = key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).unwrap_or(key);
    Some(key).filter(|key| is_name && !key.is_empty())
}

/// Reads a journal; a last line cut off by a kill is left out.
///
/// # Errors
/// It can't be read.
pub fn read(path: &Path) -> std::io::Result<Vec<Entry>> {
    // A kill may come within a character, too.
    let bytes = std::fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or_default();
    let lines = bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(|line| serde_json::from_slice(line).unwrap_or(Entry::Unreadable)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(tenant: &str, id: &str) -> Name {
        Name { tenant: tenant.into(), resource: "case".into(), above: vec![], id: ObjectId::text(id) }
    }

    fn item(id: &str) -> Item {
        Item { name: name("a", id), said_by: SaidBy::Owner }
    }

    #[test]
    fn a_key_in_parentheses_is_the_id_alone() {
        assert_eq!(key_in("Contacts(1e56-7)"), Some("1e56-7"));
        assert_eq!(key_in("Contacts('a b')"), Some("a b"));
        for other in ["1e56-7", "Contacts()", "(7)", "a b(7)", "Contacts(7"] {
            assert_eq!(key_in(other), None, "{other}");
        }
    }

    #[test]
    fn what_was_created_and_not_removed_remains_newest_first() {
        let mut journal = Journal::in_memory();
        for entry in [
            Entry::Began { tag: "x".into() },
            Entry::Created(item("/1")),
            Entry::Created(item("/2")),
            Entry::Removed(name("a", "/1")),
            Entry::Removed(name("b", "/2")),
            Entry::Created(item("/3")),
        ] {
            journal.write(&entry).unwrap();
        }
        assert_eq!(journal.remaining(), [item("/3"), item("/2")]);
    }

    #[test]
    fn a_create_that_never_reached_the_target_leaves_nothing_to_clean() {
        let mut journal = Journal::in_memory();
        journal.write(&Entry::Intends { resource: "case".into() }).unwrap();
        assert!(!journal.is_clean());
        journal.write(&Entry::Unsent { resource: "case".into() }).unwrap();
        assert!(journal.is_clean());
    }

    #[test]
    fn a_journal_with_a_line_of_another_version_may_have_left_something() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, "{\"began\":{\"tag\":\"abc\"}}\n{\"made\":{}}\n").unwrap();
        let mut journal = Journal::resume(&path).unwrap();
        assert!(!journal.is_clean());
        journal.write(&Entry::Cleaned).unwrap();
        assert!(Journal::resume(&path).unwrap().is_clean());
    }

    #[test]
    fn a_journal_survives_a_line_cut_off_by_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::create(&path).unwrap();
        journal.write(&Entry::Intends { resource: "case".into() }).unwrap();
        journal.write(&Entry::Created(item("/c/1"))).unwrap();
        let mut text = std::fs::read(&path).unwrap();
        // The first byte of a character that has two.
        text.extend_from_slice(b"{\"created\":{\"tenant\":\"\xc3");
        std::fs::write(&path, text).unwrap();
        let resumed = Journal::resume(&path).unwrap();
        assert_eq!(resumed.remaining(), [item("/c/1")]);
        assert!(!resumed.is_clean());
    }
}
