//! Documents that are made from the program are current.

use std::path::Path;

use crate::desk::*;

/// Compares a page with what the program says; `UPDATE_DOCS=1` writes it anew.
pub(crate) fn current(page: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs").join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == made, "docs/{page} is not current: UPDATE_DOCS=1 cargo nextest run -p watertight-cli docs");
}

#[test]
fn docs_of_the_checks_are_current() {
    let output = Desk::new().run(&["explain", "--format", "markdown"]);
    assert_eq!(code(&output), 0);
    current("checks.md", &out(&output));
}

/// Every recipe of `watertight init --example` is in the page, as it is written.
#[test]
fn docs_of_the_recipes_are_current() {
    const BEGIN: &str = "<!-- recipes -->\n";
    const END: &str = "<!-- end of recipes -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/spec.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let recipes = watertight_spec::RECIPES.map(|(name, text)| {
        let (title, spec) = text.split_once('\n').unwrap();
        let title = title.trim_start_matches("# ");
        format!("\n### `{name}`\n\n{title}\n\n```toml\n{}\n```\n", spec.trim())
    });
    current("spec.md", &[before, BEGIN, &recipes.concat(), "\n", END, after].concat());
}

/// The two tables of the page are made from the program; the rest is written by hand.
#[test]
fn docs_of_the_reasons_are_current() {
    const HEAD: &str = "| Reason | Means | What usually helps |\n|---|---|---|\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/reading-a-report.md");
    let page = std::fs::read_to_string(path).unwrap();
    let row = |name: &str, says: &str, remedy: &str| format!("| `{name}` | {says} | {remedy} |\n");
    let of_trials = watertight_checks::verdict::Reason::ALL.map(|r| row(r.name(), r.says(), r.remedy()));
    let of_runs = watertight_evidence::report::Whole::ALL.map(|w| row(w.name(), w.says(), w.remedy()));
    let parts: Vec<&str> = page.split(HEAD).collect();
    let [before, first, second] = parts[..] else { panic!("two tables of reasons are expected") };
    let after = |part: &str| part.split_once("\n\n").unwrap().1.to_owned();
    let tables = [of_trials.concat(), of_runs.concat()];
    let made = [before, HEAD, &tables[0], "\n", &after(first), HEAD, &tables[1], "\n", &after(second)].concat();
    current("reading-a-report.md", &made);
}
