//! The rules of the repository that the compiler does not check, one a file. Every rule is a function from text to
//! complaints. It is first shown a text that breaks it, then the real repository.

#![cfg(test)]

mod arrows;
mod debris;
mod lints;
mod payment;
mod sockets;
mod sources;
mod targets;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The files here speak of what they forbid.
const HERE: &str = "cli/tests/house/";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every text file that is, or with the next `git add` would be, part of the repository.
fn repository() -> Vec<SourceFile> {
    let listed = stdout(Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]));
    let files: Vec<SourceFile> = listed
        .split('\0')
        .filter(|path| !path.is_empty())
        // Deleted but not yet committed, or not text.
        .filter_map(|path| fs::read_to_string(root().join(path)).ok().map(|text| SourceFile::new(path, &text)))
        .collect();
    // What none of the rules could complain of, if the list were empty or of another place.
    assert!(files.iter().any(SourceFile::is_here), "git ls-files does not list {HERE}");
    files
}

fn cargo_metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    serde_json::from_str(&stdout(&mut command)).unwrap()
}

fn stdout(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn assert_clean(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// A file of the repository, by its path from the root.
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    fn is_here(&self) -> bool {
        self.path.starts_with(HERE)
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Lines with their number from 1, without those that are only comment.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Whether `word` is in the line as an identifier: not within another, nor hyphenated (`'unsafe-inline'` in CSP).
fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}
