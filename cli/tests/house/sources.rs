//! Every source that is cited has an entry.

use std::collections::BTreeSet;

use crate::{SourceFile, assert_clean, repository};

/// Where everything has an entry that is cited and that readers cannot look up by its number alone.
const SOURCES: &str = "docs/sources.md";

/// Citations that have no entry in the text of [`SOURCES`], and citations in an old wording that no entry can have.
fn unresolved(files: &[SourceFile], sources_text: &str) -> Vec<String> {
    let headings = sources_text.lines().filter_map(|line| line.strip_prefix("### ")?.split_once(':'));
    let entries: BTreeSet<String> =
        headings.flat_map(|(cited, _)| citations(&words(cited))).map(|(_, citation)| citation).collect();
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| may_cite(file)) {
        let words = words(&file.text);
        let missing = citations(&words).into_iter().filter(|(_, citation)| !entries.contains(citation));
        complaints.extend(
            missing.map(|(number, citation)| format!("{}:{number}: '{citation}' has no entry in {SOURCES}", file.path)),
        );
        complaints.extend(outdated(&words).into_iter().map(|(number, wording)| {
            format!("{}:{number}: '{wording}' is no citation: write it as {SOURCES} does", file.path)
        }));
    }
    complaints
}

fn may_cite(file: &SourceFile) -> bool {
    let is_read_by_people = [".rs", ".md", ".toml"].iter().any(|ending| file.path.ends_with(ending));
    is_read_by_people && file.path != SOURCES && !file.is_here()
}

/// The words of a text, each with the number of its line, without what begins a comment or goes on with a string: a
/// citation may be broken over two lines.
fn words(text: &str) -> Vec<(usize, &str)> {
    let words = (1..).zip(text.lines()).flat_map(|(number, line)| line.split_whitespace().map(move |w| (number, w)));
    words.filter(|(_, word)| !["//", "///", "//!", "#", "\\"].contains(word)).collect()
}

/// Every `isolation 28.2`, `guide 1`, `genblaze #68`, `CVE-2026-94215`, `GHSA-x937-hj6v-793p` and `Istio-2021-005`.
fn citations(words: &[(usize, &str)]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, &(number, word)) in words.iter().enumerate() {
        let opened = unopened(word).to_lowercase();
        if ["isolation", "guide"].contains(&opened.as_str()) {
            let sections = listed(&words[at + 1..], section);
            found.extend(sections.into_iter().map(|cited| (number, format!("{opened} {cited}"))));
        }
        if is_project(word) {
            let issues = listed(&words[at + 1..], issue);
            found.extend(issues.into_iter().map(|cited| (number, format!("{} {cited}", unopened(word)))));
        }
        found.extend(advisories(word).map(|cited| (number, cited.to_owned())));
    }
    found
}

/// Wordings of which a reader cannot tell what they refer to.
fn outdated(words: &[(usize, &str)]) -> Vec<(usize, String)> {
    let is_outdated = |one: &str, next: &str| match unopened(one) {
        "seed" | "Seed" if next.starts_with('(') => one.contains("Seed"),
        "seed" | "Seed" | "issue" => section(next).is_some(),
        "Seed:" => true,
        "guide's" => next.starts_with("section"),
        "real-bugs" => true,
        _ => false,
    };
    let pairs = words.iter().zip(words.iter().skip(1));
    let outdated = pairs.filter(|((_, one), (_, next))| is_outdated(one, next));
    outdated.map(|((number, one), (_, next))| (*number, format!("{} {next}", unopened(one)))).collect()
}

/// A word without the brackets and quotes that open before it.
fn unopened(word: &str) -> &str {
    word.trim_start_matches(['(', '[', '"', '\'', '`'])
}

/// What `read` finds at the start of each of these words, as long as commas join them: `17, 18.1: …` are two sections.
fn listed<'w>(words: &[(usize, &'w str)], read: fn(&'w str) -> Option<&'w str>) -> Vec<&'w str> {
    let mut found = Vec::new();
    for &(_, word) in words {
        let Some(cited) = read(word) else { break };
        found.push(cited);
        if !word.ends_with(',') {
            break;
        }
    }
    found
}

/// `28.2` in `28.2;`.
fn section(word: &str) -> Option<&str> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let number = word.get(..end)?.trim_end_matches('.');
    number.starts_with(|c: char| c.is_ascii_digit()).then_some(number)
}

/// `#68` in `#68;`.
fn issue(word: &str) -> Option<&str> {
    let number = section(word.strip_prefix('#')?)?;
    word.get(..1 + number.len())
}

/// Whether this can be the name of a project, as in `reapit/foundations #7288`. What begins a block of text cannot.
fn is_project(word: &str) -> bool {
    let name = unopened(word);
    !word.starts_with("```")
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || ['-', '_', '.', '/'].contains(&c))
}

/// Ids of advisories within a word.
fn advisories(word: &str) -> impl Iterator<Item = &str> {
    ["CVE-", "GHSA-", "Istio-"].into_iter().flat_map(move |kind| {
        word.match_indices(kind).filter_map(move |(at, _)| {
            let rest = word.get(at..)?;
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
            let id = rest.get(..end)?.trim_end_matches('-');
            id.contains(|c: char| c.is_ascii_digit()).then_some(id)
        })
    })
}

#[test]
fn citations_without_an_entry_are_complained_of() {
    let sources = "\
        ### isolation 28.2: a\n\nisolation 9 is mentioned only\n\n### isolation 17: b\n\n### guide 1: c\n\n\
        ### Atlas #131, #152: d\n\n### CVE-2026-1486, GHSA-x937-hj6v-793p, reapit/foundations #7288: e\n";
    let complaints = |path: &str, text: &str| unresolved(&[SourceFile::new(path, text)], sources);
    for text in [
        "origin: \"isolation 28.2; guide 1 (drift)\",",
        "//! the equation (isolation\n//! 28.2), and `guide 1`.",
        "\"Isolation 17, 28.2: a record\"",
        "/// Atlas #131, #152 and reapit/foundations #7288: a header.",
        "Keycloak CVE-2026-1486; fast-jwt GHSA-x937-hj6v-793p (after `exp`)",
        "the isolation of 2 tenants, event `#41`, CWE-639, CVE-YYYY-NNNN, a GHSA-…\n```text\n#41 north GET /\n```",
    ] {
        assert_eq!(complaints("verify/spec/src/lib.rs", text), Vec::<String>::new(), "{text}");
    }
    for (text, count) in [
        ("origin: \"isolation 28.3\",", 1),
        ("isolation 9", 1),
        ("isolation 28", 1),
        ("Isolation 17, 18.1, 19: a record", 2),
        ("//! the equation (isolation\n//! 4)", 1),
        ("guide 2", 1),
        ("(genblaze #68)", 1),
        ("Atlas #131, #114", 1),
        ("CVE-2026-1; [CVE-2026-2](https://cve.example/CVE-2026-3)", 3),
        ("GHSA-84rm-mhfq-f476, Istio-2021-005", 2),
        ("seed 28.2", 1),
        ("Seed: a routing matrix", 1),
        ("Seed (routing matrix): a default", 1),
        ("\"the verification \\\n     guide's section 1\"", 1),
        ("/// real-bugs 19: a default", 1),
        ("FusionAuth issue 2585", 1),
    ] {
        for path in ["verify/spec/src/lib.rs", "docs/spec.md", "watertight.toml"] {
            assert_eq!(complaints(path, text).len(), count, "{text}: {:?}", complaints(path, text));
        }
        for path in ["Cargo.lock", SOURCES, "cli/tests/house/sources.rs"] {
            assert!(complaints(path, text).is_empty(), "{path}");
        }
    }
    let broken = complaints("docs/spec.md", "one\nisolation\n9");
    assert_eq!(broken, ["docs/spec.md:2: 'isolation 9' has no entry in docs/sources.md"]);
}

#[test]
fn every_citation_has_an_entry() {
    let files = repository();
    let sources = files.iter().find(|file| file.path == SOURCES).unwrap();
    assert_clean(unresolved(&files, &sources.text));
}
