//! How mistakes are shown.

use watertight_spec::Color;

use super::{SMALL, edited};
use crate::examples::read;

/// The spec of ten different mistakes.
const TEN: &str = r#"
[target]
name = "casework"
url = "ftp://127.0.0.1:8080"

[limits]
timeuot = "10s"

[tenancy]
locator = "path"

[tokens]
kind = "jwt"
max_lifetime = "an hour"
whoami = { request = "GET /me", tenant = "tenantId" }

[[tenant]]
id = "north"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/token"
client_id = "$NORTH_CLIENT_ID"
client_secret = "hunter2"

[[tenant]]
id = "south"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/token"
client_id = "$NORTH_CLIENT_ID"
client_secret = "$NOT_SET"

[[resource]]
name = "case"
path = "/tenants/{tenent}/cases"
create = { title = "{canary}" }

[[resource]]
name = "task"
parent = "cases"
create = { title = "{canary}" }

[[operation]]
name = "close-case"
request = "POST /tenants/{tenant}/cases/{case}/close"
"#;

#[test]
fn ten_mistakes_are_ten_problems_at_their_lines() {
    let problems = read(TEN).unwrap_err();
    let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [4, 7, 14, 15, 24, 32, 33, 37, 42, 45]);
    insta::assert_snapshot!(problems.to_string(), @r#"
    error: `ftp` is no scheme that can be used here
     --> watertight.toml:4:7
      |
    4 | url = "ftp://127.0.0.1:8080"
      |       ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write http:// or https://

    error: unknown key `timeuot` in [limits]
     --> watertight.toml:7:1
      |
    7 | timeuot = "10s"
      | ^^^^^^^
      |
      = help: did you mean `timeout`?

    error: `an hour` is no duration that fits here
      --> watertight.toml:14:16
       |
    14 | max_lifetime = "an hour"
       |                ^^^^^^^^^
       |
       = help: a number and a unit, from 1s to 8760h: "200ms", "10s", "1h"

    error: `tenantId` is no JSONPath
      --> watertight.toml:15:42
       |
    15 | whoami = { request = "GET /me", tenant = "tenantId" }
       |                                          ^^^^^^^^^^
       |
       = help: RFC 9535, from the root `$`: "$.data.id"

    error: `client_secret` must be a variable: a secret is never written in a spec
      --> watertight.toml:24:17
       |
    24 | client_secret = "*******"
       |                 ^^^^^^^^^
       |
       = help: write `client_secret = "$NAME"` and set the variable, or name a file in `env_file`

    error: another tenant has the client `client-n` too
      --> watertight.toml:32:13
       |
    32 | client_id = "$NORTH_CLIENT_ID"
       |             ^^^^^^^^^^^^^^^^^^
       |
       = help: give each tenant its own client: with a shared client the tenants can't be distinguished

    error: the variable `NOT_SET` is not set
      --> watertight.toml:33:17
       |
    33 | client_secret = "$NOT_SET"
       |                 ^^^^^^^^^^
       |
       = help: set it: `export NOT_SET=…`, or name a file that does in `env_file`

    error: `{tenent}` is no symbol
      --> watertight.toml:37:18
       |
    37 | path = "/tenants/{tenent}/cases"
       |                  ^^^^^^^^
       |
       = help: did you mean `tenant`?

    error: `cases` is no [[resource]]
      --> watertight.toml:42:10
       |
    42 | parent = "cases"
       |          ^^^^^^^
       |
       = help: did you mean `case`?

    error: POST may write, and no `effect` says what
      --> watertight.toml:45:1
       |
    45 | [[operation]]
       | ^^^^^^^^^^^^^
       |
       = help: add `effect = "read"`, "create", "change" or "destroy": production sends only reads

    watertight.toml: 10 mistakes
    "#);
    let crlf = read(&format!("\u{feff}{}", TEN.replace('\n', "\r\n"))).unwrap_err();
    assert_eq!(crlf.iter().map(|problem| problem.line).collect::<Vec<_>>(), lines);
    assert_eq!(crlf.to_string(), problems.to_string());
}

#[test]
fn colour_adds_nothing_but_escapes() {
    let problems = read(TEN).unwrap_err();
    let styled = problems.render(Color::Always);
    let mut plain = String::new();
    let mut rest = styled.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_ne!(styled, plain);
    assert_eq!(plain, problems.render(Color::Never));
}

#[test]
fn nothing_in_a_message_can_steer_a_terminal() {
    let text = edited(&[("name = \"casework\"", "\"a\\u001b[2J\\u202e\" = 1\nname = \"casework\"")]);
    let shown = read(&text).unwrap_err().to_string();
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
}

#[test]
fn a_flood_of_mistakes_is_counted_and_not_all_shown() {
    let keys: String = (0..20_000).map(|n| format!("k{n} = 1\n")).collect();
    let problems = read(&format!("{keys}{SMALL}")).unwrap_err();
    assert_eq!(problems.count(), 20_000);
    assert!(problems.to_string().ends_with("20000 mistakes, the first 100 of them shown"));
}
