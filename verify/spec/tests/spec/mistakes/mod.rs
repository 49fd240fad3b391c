//! Every mistake, where it is and what is said of it.

mod file;
mod resources;
mod shown;
mod tenants;

use crate::examples::read;

/// The least that is sound.
pub(crate) const SMALL: &str = r#"
[target]
name = "casework"
url = "http://127.0.0.1:8080"

[tenancy]
locator = "path"

[[tenant]]
id = "north"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/token"
client_id = "$NORTH_CLIENT_ID"
client_secret = "$NORTH_CLIENT_SECRET"

[[tenant]]
id = "south"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/token"
client_id = "$SOUTH_CLIENT_ID"
client_secret = "$SOUTH_CLIENT_SECRET"

[[resource]]
name = "case"
path = "/tenants/{tenant}/cases"
create = { title = "{canary}" }
"#;

/// What is said of `SMALL` after some edits: a line a mistake.
pub(crate) fn said(edits: &[(&str, &str)]) -> String {
    let text = edited(edits);
    let Err(problems) = read(&text) else { panic!("no mistake was seen after {edits:?}") };
    for problem in problems.iter() {
        assert!(!problem.help.is_empty() && problem.line <= text.lines().count().max(1), "{problem:?}");
    }
    let lines: Vec<_> =
        problems.iter().map(|p| format!("{}: `{}` {} → {}", p.line, p.text, p.message, p.help)).collect();
    lines.join("\n")
}

pub(crate) fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(SMALL.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "nothing to edit: {from}");
        text.replacen(from, to, 1)
    })
}

/// One after the other, each edit alone.
pub(crate) fn each(edits: &[(&str, &str)]) -> String {
    edits.iter().map(|edit| said(&[*edit])).collect::<Vec<_>>().join("\n\n")
}

/// `SMALL` with more at its end.
pub(crate) fn and(more: &str) -> String {
    let end = "create = { title = \"{canary}\" }\n";
    said(&[(end, &format!("{end}{more}"))])
}

#[test]
fn the_small_spec_is_sound() {
    assert!(read(SMALL).is_ok());
}
