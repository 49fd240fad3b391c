//! Mistakes in the file as a whole, and in its first sections.

use watertight_spec::Color;

use super::{and, each, edited};
use crate::examples::read;

#[test]
fn not_toml() {
    insta::assert_snapshot!(each(&[
        ("name = \"casework\"", "name = \"casework"),
        ("[tenancy]", "[tenancy"),
        ("name = \"casework\"", "name = \"a\"\nname = \"b\""),
    ]), @r#"
    3: `` this is not TOML: invalid basic string, expected `"` → https://toml.io shows how; further mistakes are looked for once this one is fixed

    6: `` this is not TOML: unclosed table, expected `]` → https://toml.io shows how; further mistakes are looked for once this one is fixed

    4: `name` this is not TOML: duplicate key → https://toml.io shows how; further mistakes are looked for once this one is fixed
    "#);
}

#[test]
fn too_many() {
    let many = "[[exclude]]\ncheck = \"a.b\"\nreason = \"r\"\nexpires = 2027-01-31\n".repeat(501);
    insta::assert_snapshot!(and(&many), @"2031: `[[exclude]]` 501 of [[exclude]] → at most 500 are read; split the spec");
}

#[test]
fn keys() {
    insta::assert_snapshot!(each(&[
        ("name = \"casework\"", "nmae = \"casework\""),
        ("[tenancy]", "[tenency]"),
        ("[tenancy]", "[tenants]\n[tenancy]"),
        ("locator = \"path\"", "locator = \"path\"\nzzzzzzz = 1"),
        ("path = \"/tenants", "page = { sise = \"limit=2\" }\npath = \"/tenants"),
        ("[[resource]]", "[resource]"),
        ("[target]\n", "[target]\nsettle = 2\n"),
        ("[target]\nname = \"casework\"\nurl = \"http://127.0.0.1:8080\"", "target = 1"),
        ("name = \"casework\"", "name = 1"),
        ("name = \"casework\"", "name = \" \""),
    ]), @r#"
    3: `nmae` unknown key `nmae` in [target] → did you mean `name`?

    6: `tenency` unknown key `tenency` in the spec → did you mean `tenancy`?

    6: `tenants` unknown key `tenants` in the spec → did you mean `tenant`?

    8: `zzzzzzz` unknown key `zzzzzzz` in [tenancy] → one of: locator, fields

    29: `sise` unknown key `sise` in page → did you mean `size`?

    27: `resource` `resource` must be a list of tables, not a table → write [[resource]]

    3: `2` a duration must be a string, not an integer → for example "10s"

    2: `1` `target` must be a table, not an integer → for example [target]

    3: `1` this must be a string, not an integer → for example "text in quotes"

    3: `" "` this is empty → write a value, or leave the key out
    "#);
}

#[test]
fn missing_sections() {
    insta::assert_snapshot!(read("").unwrap_err().to_string(), @r#"
    error: [target] is missing
    --> watertight.toml:1:1
     = help: add [target], with `name = "casework-staging"` and `url = "https://api.staging.example.com"`

    error: [tenancy] is missing
    --> watertight.toml:1:1
     = help: add [tenancy], with `locator = "path"` and `fields = ["tenantId"]`

    error: isolation is between tenants: two at least, here 0
    --> watertight.toml:1:1
     = help: add a [[tenant]] with an id and a [[tenant.principal]]

    error: the spec has no [[resource]] and no [[operation]]
    --> watertight.toml:1:1
     = help: add a [[resource]] for each kind of object

    watertight.toml: 4 mistakes
    "#);
}

#[test]
fn target_and_limits() {
    insta::assert_snapshot!(each(&[
        ("url = \"http://127.0.0.1:8080\"", ""),
        ("url = \"http://127.0.0.1:8080\"", "url = \"127.0.0.1\""),
        ("url = \"http://127.0.0.1:8080\"", "url = \"ftp://127.0.0.1\""),
        ("url = \"http://127.0.0.1:8080\"", "url = \"http://me:hunter2@127.0.0.1\""),
        ("url = \"http://127.0.0.1:8080\"", "url = \"http://127.0.0.1/?a=b\""),
        ("url = \"http://127.0.0.1:8080\"", "url = \"http://127.0.0.1/#a\""),
        ("[tenancy]", "settle = \"soon\"\n[tenancy]"),
        ("[tenancy]", "settle = \"6m\"\n[tenancy]"),
        ("[tenancy]", "environment = \"prod\"\n[tenancy]"),
        ("[tenancy]", "[limits]\nrate = 0\nrequests = \"many\"\ntimeout = \"0s\"\nconcurrency = 257\ntime = \"25h\"\n[tenancy]"),
    ]), @r#"
    9: `[[tenant]]` no URL: neither [target] nor this tenant has one → add `url` to [target] if all tenants share it, else to each [[tenant]]
    18: `[[tenant]]` no URL: neither [target] nor this tenant has one → add `url` to [target] if all tenants share it, else to each [[tenant]]

    4: `"127.0.0.1"` this is no URL: relative URL without a base → write it in full: "https://api.example.com"

    4: `"ftp://127.0.0.1"` `ftp` is no scheme that can be used here → write http:// or https://

    4: `"***************************"` a URL holds no user name or password → take it out; credentials go to [[tenant.principal]], secrets to variables

    4: `"http://127.0.0.1/?a=b"` a base URL has no query → end it with the path

    4: `"http://127.0.0.1/#a"` a URL that is called has no fragment → leave out `#` and what follows

    6: `"soon"` `soon` is no duration that fits here → a number and a unit, from 0s to 5m: "200ms", "10s", "1h"

    6: `"6m"` `6m` is no duration that fits here → a number and a unit, from 0s to 5m: "200ms", "10s", "1h"

    6: `"prod"` `prod` is not known here → one of: test, staging, production

    7: `0` this number is out of bounds → write a number from 1 to 100000
    8: `"many"` this must be an integer, not a string → for example 1
    9: `"0s"` `0s` is no duration that fits here → a number and a unit, from 1ms to 5m: "200ms", "10s", "1h"
    10: `257` this number is out of bounds → write a number from 1 to 256
    11: `"25h"` `25h` is no duration that fits here → a number and a unit, from 1s to 24h: "200ms", "10s", "1h"
    "#);
}

#[test]
fn variables() {
    insta::assert_snapshot!(each(&[
        ("$NORTH_CLIENT_ID", "$NORTH_CLIENT"),
        ("$NORTH_CLIENT_ID", "$EMPTY"),
        ("$NORTH_CLIENT_ID", "${NORTH}"),
        ("$NORTH_CLIENT_SECRET", "$UNSET_SECRET"),
    ]), @r#"
    15: `"$NORTH_CLIENT"` the variable `NORTH_CLIENT` is not set → set it: `export NORTH_CLIENT=…`, or name a file that does in `env_file`

    15: `"$EMPTY"` the variable `EMPTY` is empty → give it a value: `export EMPTY=…`

    15: `"********"` this begins with `$` but names no variable → a variable is `$` and letters, digits and `_`, and is the whole value: "$NORTH_URL"

    16: `"$UNSET_SECRET"` the variable `UNSET_SECRET` is not set → set it: `export UNSET_SECRET=…`, or name a file that does in `env_file`
    "#);
}

#[test]
fn secrets_in_the_file_are_refused_and_not_shown() {
    let secret = "\"$NORTH_CLIENT_SECRET\"";
    let spoken = each(&[
        (secret, "\"hunter2\""),
        (secret, "\"$hunter2-hunter2\""),
        (secret, "12345678"),
        (secret, "\"\"\"\nhunter2\nhunter2\"\"\""),
        ("client_secret =", "client_secert = \"hunter2\" #"),
        ("grant = \"client_credentials\"", "password = \"hunter2\"\ngrant = \"client_credentials\""),
        ("grant = \"client_credentials\"", "password = \"hunter2\""),
    ]);
    insta::assert_snapshot!(spoken, @r#"
    16: `"*******"` `client_secret` must be a variable: a secret is never written in a spec → write `client_secret = "$NAME"` and set the variable, or name a file in `env_file`

    16: `"****************"` this begins with `$` but names no variable → a variable is `$` and letters, digits and `_`, and is the whole value: "$NORTH_URL"

    16: `********` `client_secret` must be a variable: a secret is never written in a spec → write `client_secret = "$NAME"` and set the variable, or name a file in `env_file`

    16: `"""` `client_secret` must be a variable: a secret is never written in a spec → write `client_secret = "$NAME"` and set the variable, or name a file in `env_file`

    16: `client_secert` unknown key `client_secert` in [[tenant.principal]] → did you mean `client_secret`?

    13: `password` `password` means nothing with grant "client_credentials" → leave it out; with this grant go token_url, client_id, client_secret, client_auth, private_key, key_id, key_algorithm, scope, params

    11: `[[tenant.principal]]` [[tenant.principal]] has no `grant` → add `grant = "client_credentials"`
    "#);
    for edit in [
        (secret, "\"hunter2\""),
        (secret, "\"hunter2\" = 1"),
        (secret, "\"\"\"\nhunter2"),
        ("id = \"north\"", "id = \"north\"\npasword = \"hunter2\""),
        ("id = \"north\"", "id = \"north\"\nprinciple = [{ client_secret = \"hunter2\" }]"),
        (secret, "'hunter2"),
        (secret, "\"\"\"\nhunter2\nhunter2\"\"\""),
        ("client_secret =", "client_secert = \"hunter2\" #"),
        ("http://127.0.0.1:8080", "http://me:hunter2@127.0.0.1:bad"),
    ] {
        let problems = read(&edited(&[edit])).unwrap_err();
        let everything = format!("{problems} {problems:?} {}", problems.render(Color::Always));
        assert!(!everything.contains("hunter2"), "{everything}");
    }
}
