//! Who may pay what a scope still owes.

use crate::{SourceFile, assert_clean, has_word, repository};

/// Who may name `core::payment`, which settles what a scope owes: the room that opens data, the faulty versions of it,
/// core itself, and tests of the guard (which must show what happens when nothing pays).
const MAY_PAY: &[&str] = &["enforce/scoped/", "enforce/core/", "enforce/guard/tests/", "reference/faults/"];

fn strange_payers(files: &[SourceFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && !file.is_here()) {
        if MAY_PAY.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        // In the guard's own files, the unit tests are at the end.
        let tests_from = file.code().find(|(_, line)| file.path.starts_with("enforce/guard/") && is_test_gate(line));
        let end = tests_from.map_or(usize::MAX, |(number, _)| number);
        for (number, _) in file.code().take_while(|(number, _)| *number < end).filter(|(_, l)| has_word(l, "payment")) {
            complaints
                .push(format!("{}:{number}: only enforce/scoped and the faults settle what a scope owes", file.path));
        }
    }
    complaints
}

fn is_test_gate(line: &str) -> bool {
    line.trim() == "#[cfg(test)]"
}

#[test]
fn whoever_else_settles_a_scope_is_complained_of() {
    let call = "fn f() {\n    core::payment::settle(scope, Term::ResourceBelongsToTenant);\n}\n";
    let braces = "use watertight_core::{Denial, payment};\n";
    for path in ["reference/casework/src/cases.rs", "cli/src/main.rs", "enforce/guard/src/layer.rs"] {
        assert_eq!(strange_payers(&[SourceFile::new(path, call)]).len(), 1, "{path}");
        assert_eq!(strange_payers(&[SourceFile::new(path, braces)]).len(), 1, "{path}");
    }
    for path in ["enforce/scoped/src/db.rs", "reference/faults/src/lib.rs", "enforce/guard/tests/guard.rs"] {
        assert!(strange_payers(&[SourceFile::new(path, call)]).is_empty(), "{path}");
    }
    let in_tests = format!("#[cfg(test)]\nmod tests {{\n{call}}}\n");
    assert!(strange_payers(&[SourceFile::new("enforce/guard/src/layer.rs", &in_tests)]).is_empty());
    assert_eq!(strange_payers(&[SourceFile::new("reference/casework/src/cases.rs", &in_tests)]).len(), 1);
    let comment = "// `payment` is for scoped alone\nfn repayments() {}\n";
    assert!(strange_payers(&[SourceFile::new("cli/src/main.rs", comment)]).is_empty());
}

#[test]
fn only_scoped_and_the_faults_settle_what_a_scope_owes() {
    assert_clean(strange_payers(&repository()));
}
