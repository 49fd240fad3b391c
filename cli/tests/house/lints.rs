//! Every member inherits the lints.

use crate::arrows::ROOMS;
use crate::{SourceFile, assert_clean, repository};

/// A member of the workspace that does not say `[lints] workspace = true` escapes all of them.
fn without_lints(files: &[SourceFile]) -> Vec<String> {
    let manifests = ROOMS.iter().map(|(_, _, folder)| format!("{folder}/Cargo.toml"));
    manifests
        .filter_map(|path| {
            let Some(manifest) = files.iter().find(|file| file.path == path) else {
                return Some(format!("{path} does not exist"));
            };
            let mut lines = manifest.text.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
            let inherits = lines.find(|line| !line.is_empty()) == Some("workspace = true");
            (!inherits).then(|| format!("{path}: write [lints] workspace = true"))
        })
        .collect()
}

#[test]
fn a_member_that_does_not_inherit_the_lints_is_complained_of() {
    let house = |lints: &str| -> Vec<SourceFile> {
        let manifest = |folder: &str| SourceFile::new(&format!("{folder}/Cargo.toml"), &format!("[package]\n{lints}"));
        ROOMS.iter().map(|(_, _, folder)| manifest(folder)).collect()
    };
    assert!(without_lints(&house("[lints]\nworkspace = true\n")).is_empty());
    for lints in ["", "[lints]\n", "[lints]\nworkspace = false\n", "[lints.rust]\nworkspace = true\n"] {
        assert_eq!(without_lints(&house(lints)).len(), ROOMS.len(), "{lints:?}");
    }
    assert_eq!(without_lints(&[]).len(), ROOMS.len());
}

#[test]
fn every_member_inherits_the_lints() {
    assert_clean(without_lints(&repository()));
}
