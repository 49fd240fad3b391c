//! What must not be in the sources.

use crate::{SourceFile, assert_clean, has_word, repository};

/// Lints can be silenced where they apply; these must not be in the sources at all. Spelled in parts, so that this file
/// passes its own rule.
const NOT_IN_RUST: &[&str] =
    &[concat!("to", "do!("), concat!("unimple", "mented!("), concat!("db", "g!("), concat!("#[ig", "nore")];

/// Folders of one machine.
const NOT_ANYWHERE: &[&str] =
    &[concat!("/", "tmp/"), concat!("/", "root/"), concat!("/", "work/"), concat!("/", "home/")];

fn debris(files: &[SourceFile]) -> Vec<String> {
    let unsafe_word = concat!("un", "safe");
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in (1..).zip(file.text.lines()) {
            for path in NOT_ANYWHERE.iter().filter(|path| line.contains(**path)) {
                complaints.push(format!("{}:{number}: '{path}' is a path of one machine", file.path));
            }
        }
        for (number, line) in file.code().filter(|_| file.is_rust()) {
            for stub in NOT_IN_RUST.iter().filter(|stub| line.contains(**stub)) {
                complaints.push(format!("{}:{number}: '{stub}' is a stub or debris", file.path));
            }
            if has_word(line, unsafe_word) {
                complaints.push(format!("{}:{number}: {unsafe_word} code", file.path));
            }
        }
    }
    complaints
}

#[test]
fn stubs_debris_and_paths_of_one_machine_are_complained_of() {
    for stub in NOT_IN_RUST {
        let line = format!("    {stub}\n");
        assert_eq!(debris(&[SourceFile::new("cli/src/main.rs", &line)]).len(), 1, "{stub}");
        assert!(debris(&[SourceFile::new("CONTRIBUTING.md", &line)]).is_empty(), "{stub} may be spoken of");
    }
    for path in NOT_ANYWHERE {
        let line = format!("see {path}notes\n");
        assert_eq!(debris(&[SourceFile::new("README.md", &line)]).len(), 1, "{path}");
        assert!(debris(&[SourceFile::new("Cargo.lock", &line)]).is_empty(), "{path}");
    }
    let word = concat!("un", "safe");
    for line in [format!("{word} {{ go() }}"), format!("{word} fn go() {{}}"), format!("    {word}")] {
        assert_eq!(debris(&[SourceFile::new("cli/src/main.rs", &line)]).len(), 1, "{line}");
    }
    for line in [format!("#![forbid({word}_code)]"), format!("style-src '{word}-inline'"), format!("// {word} is")] {
        assert!(debris(&[SourceFile::new("cli/src/main.rs", &line)]).is_empty(), "{line}");
    }
}

#[test]
fn no_stub_no_debris_no_path_of_one_machine_is_in_the_repository() {
    assert_clean(debris(&repository()));
}
