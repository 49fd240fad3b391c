//! The verifier knows no target by name.

use crate::{SourceFile, assert_clean, repository};

/// `verify` knows nothing of any target, least of all of the one that the examples verify.
fn named_targets(files: &[SourceFile]) -> Vec<String> {
    let name = "kinto";
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("verify/")) {
        if file.path.to_lowercase().contains(name) {
            complaints.push(format!("{}: a file of verify/ is named after a target", file.path));
        }
        for (number, _) in (1..).zip(file.text.lines()).filter(|(_, line)| line.to_lowercase().contains(name)) {
            complaints.push(format!("{}:{number}: verify/ names the target '{name}'", file.path));
        }
    }
    complaints
}

#[test]
fn a_target_named_in_verify_is_complained_of() {
    let bad = SourceFile::new("verify/engine/src/lib.rs", "// as KintoServer does\nlet name = \"kinto\";\n");
    assert_eq!(named_targets(&[bad]).len(), 2);
    assert_eq!(named_targets(&[SourceFile::new("verify/engine/tests/Kinto.toml", "")]).len(), 1);
    assert!(named_targets(&[SourceFile::new("examples/kinto/README.md", "Kinto")]).is_empty());
}

#[test]
fn verify_knows_no_target_by_name() {
    assert_clean(named_targets(&repository()));
}
