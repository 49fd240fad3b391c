//! The journal: what the run created and has not yet removed, on disk before the next request goes out. A run that is
//! killed leaves it behind, and `watertight clean` reads it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

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
        /// Where.
        collection: String,
    },
    /// It never reached the target.
    Unsent {
        /// Where.
        collection: String,
    },
    /// An object exists.
    Created(Item),
    /// It is gone.
    Removed {
        /// Id of the tenant that it belonged to: a path alone names no tenant where a header does.
        tenant: String,
        /// Its path.
        path: String,
    },
    /// The run removed all that it created.
    Cleaned,
}

/// An object that the run created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Tenant id.
    pub tenant: String,
    /// Name of the resource.
    pub resource: String,
    /// Item path.
    pub path: String,
    /// Who says so.
    pub said_by: SaidBy,
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

/// An append-only file, and what it says in memory.
#[derive(Debug)]
pub struct Journal {
    file: Option<File>,
    entries: Vec<Entry>,
}

impl Journal {
    /// At this path; an earlier run's journal there must have been cleaned.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        Ok(Self { file: Some(file), entries: Vec::new() })
    }

    /// Continues a journal left by a run that was killed.
    pub fn resume(path: &Path) -> std::io::Result<Self> {
        let entries = read(path)?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Self { file: Some(file), entries })
    }

    /// Without a file, for tests.
    pub fn in_memory() -> Self {
        Self { file: None, entries: Vec::new() }
    }

    /// Adds a line, and has it on disk before it returns.
    pub fn write(&mut self, entry: Entry) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_string(&entry)?;
            line.push('\n');
            file.write_all(line.as_bytes())?;
        }
        self.entries.push(entry);
        Ok(())
    }

    /// What exists still, the newest first.
    pub fn remaining(&self) -> Vec<Item> {
        let removed = |item: &Item, from: usize| {
            self.entries
                .iter()
                .skip(from)
                .any(|e| matches!(e, Entry::Removed { tenant, path } if *path == item.path && *tenant == item.tenant))
        };
        let mut items: Vec<Item> = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            match entry {
                Entry::Created(item) if !removed(item, at) && !items.contains(item) => items.push(item.clone()),
                _ => {}
            }
        }
        items.reverse();
        items
    }

    /// The run's tag, if it ever began.
    pub fn tag(&self) -> Option<&str> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Began { tag } => Some(tag.as_str()),
            _ => None,
        })
    }

    /// Whether the run cleaned up after itself.
    pub fn is_clean(&self) -> bool {
        match self.entries.last() {
            None | Some(Entry::Cleaned) => true,
            Some(_) => {
                let count = |is: fn(&Entry) -> bool| self.entries.iter().filter(|e| is(e)).count();
                count(|e| matches!(e, Entry::Intends { .. })) == count(|e| matches!(e, Entry::Unsent { .. }))
            }
        }
    }
}

/// Reads a journal; a last line cut off by a kill is left out.
pub fn read(path: &Path) -> std::io::Result<Vec<Entry>> {
    Ok(std::fs::read_to_string(path)?.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(path: &str) -> Item {
        Item { tenant: "a".into(), resource: "case".into(), path: path.into(), said_by: SaidBy::Owner }
    }

    #[test]
    fn what_was_created_and_not_removed_remains_newest_first() {
        let mut journal = Journal::in_memory();
        for entry in [
            Entry::Began { tag: "x".into() },
            Entry::Created(item("/1")),
            Entry::Created(item("/2")),
            Entry::Removed { tenant: "a".into(), path: "/1".into() },
            Entry::Removed { tenant: "b".into(), path: "/2".into() },
            Entry::Created(item("/3")),
        ] {
            journal.write(entry).unwrap();
        }
        assert_eq!(journal.remaining(), [item("/3"), item("/2")]);
    }

    #[test]
    fn a_create_that_never_reached_the_target_leaves_nothing_to_clean() {
        let mut journal = Journal::in_memory();
        journal.write(Entry::Intends { collection: "/c".into() }).unwrap();
        assert!(!journal.is_clean());
        journal.write(Entry::Unsent { collection: "/c".into() }).unwrap();
        assert!(journal.is_clean());
    }

    #[test]
    fn a_journal_survives_a_line_cut_off_by_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::create(&path).unwrap();
        journal.write(Entry::Intends { collection: "/c".into() }).unwrap();
        journal.write(Entry::Created(item("/c/1"))).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"created\":{\"ten");
        std::fs::write(&path, text).unwrap();
        let resumed = Journal::resume(&path).unwrap();
        assert_eq!(resumed.remaining(), [item("/c/1")]);
        assert!(!resumed.is_clean());
    }
}
