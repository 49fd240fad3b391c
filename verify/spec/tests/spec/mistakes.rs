//! Every mistake, where it is and what is said of it.

use watertight_spec::Color;

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
fn and(more: &str) -> String {
    let end = "create = { title = \"{canary}\" }\n";
    said(&[(end, &format!("{end}{more}"))])
}

#[test]
fn the_small_spec_is_sound() {
    assert!(read(SMALL).is_ok());
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

    error: the spec names nothing that tenants hold
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

    13: `password` `password` means nothing with grant "client_credentials" → leave it out; with this grant go token_url, client_id, client_secret, scope, client_auth

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

#[test]
fn tenants() {
    let south = &SMALL[SMALL.rfind("[[tenant]]").unwrap()..SMALL.find("[[resource]]").unwrap()];
    insta::assert_snapshot!(each(&[
        (south, ""),
        ("id = \"south\"", "id = \"north\""),
        ("id = \"south\"", "id = \"none\""),
        ("id = \"south\"", ""),
        ("$SOUTH_CLIENT_ID", "$NORTH_CLIENT_ID"),
        ("$SOUTH_CLIENT_ID", "$TWIN_CLIENT_ID"),
        ("$SOUTH_CLIENT_ID", "client-n"),
        ("$SOUTH_CLIENT_SECRET", "$NORTH_CLIENT_SECRET"),
        ("name = \"service\"", "name = \"service\"\nnames = \"nowhere\""),
        ("name = \"service\"", "name = \"service\"\nnames = \"south\""),
        ("[[tenant]]\nid = \"south\"", "[[tenant.principal]]\nname = \"service\"\ngrant = \"basic\"\nusername = \"a:b\"\npassword = \"$NORTH_CLIENT_SECRET\"\n[[tenant]]\nid = \"south\""),
    ]), @r#"
    9: `[[tenant]]` isolation is between tenants: two at least, here 1 → add a [[tenant]] with an id and a [[tenant.principal]]

    19: `"north"` two tenants have the id `north` → give each its own

    19: `"none"` `none` cannot be a tenant's id here → write the id as the platform spells it in paths, headers and tokens

    18: `[[tenant]]` [[tenant]] has no `id` → add `id = "agency-north"`

    24: `"$NORTH_CLIENT_ID"` another tenant has the client `client-n` too → give each tenant its own client: one that serves two could not be told apart

    24: `"$TWIN_CLIENT_ID"` another tenant has the client `client-n` too → give each tenant its own client: one that serves two could not be told apart

    24: `"client-n"` another tenant has the client `client-n` too → give each tenant its own client: one that serves two could not be told apart

    25: `"$NORTH_CLIENT_SECRET"` another tenant has the secret `$NORTH_CLIENT_SECRET` too → give each tenant its own secret, in a variable of its own

    13: `"nowhere"` `nowhere` is no [[tenant]] → one of: north, south

    9: `[[tenant]]` this tenant has no principal that calls for it → add a [[tenant.principal]] with its credentials (and without `names`)

    19: `"service"` two principals of this tenant have the name `service` → give each its own
    21: `"a:b"` a user name of basic authentication holds no `:` → RFC 7617, 2
    "#);
}

#[test]
fn the_same_client_id_at_another_issuer_is_another_client() {
    let text = edited(&[("$SOUTH_CLIENT_ID", "client-n")]);
    let last = text.rfind("8081/token").unwrap();
    let text = format!("{}8082/token{}", &text[..last], &text[last + "8081/token".len()..]);
    assert!(read(&text).is_ok());
}

#[test]
fn grants() {
    let grant = "grant = \"client_credentials\"";
    insta::assert_snapshot!(each(&[
        (grant, "grant = \"password\""),
        (grant, "grant = \"header\"\nheader = \"X Key\""),
        (grant, "grant = \"header\"\nheader = \"Host\"\nvalue = \"$NORTH_CLIENT_SECRET\""),
        (grant, "grant = \"basic\""),
        (grant, "grant = \"login\""),
        (grant, "grant = \"login\"\nrequest = \"GET /login\"\njson = { a = 1 }\nform = {}\ntoken = \"token\""),
        (grant, "grant = \"login\"\nrequest = \"POST login\"\njson = { password = \"hunter2\", user = 1 }\ntoken = \"$.t\""),
    ]), @r#"
    13: `"password"` `password` is not known here → one of: client_credentials, basic, header, login

    11: `[[tenant.principal]]` [[tenant.principal]] has no `value` → add `value = "$NORTH_API_KEY"`
    14: `"X Key"` `X Key` is no header name → letters, digits and `-`: "X-Tenant-Id"
    15: `token_url` `token_url` means nothing with grant "header" → leave it out; with this grant go header, value
    16: `client_id` `client_id` means nothing with grant "header" → leave it out; with this grant go header, value
    17: `client_secret` `client_secret` means nothing with grant "header" → leave it out; with this grant go header, value

    14: `"Host"` `Host` belongs to the connection → write the header that the platform reads, such as "X-Tenant-Id"
    16: `token_url` `token_url` means nothing with grant "header" → leave it out; with this grant go header, value
    17: `client_id` `client_id` means nothing with grant "header" → leave it out; with this grant go header, value
    18: `client_secret` `client_secret` means nothing with grant "header" → leave it out; with this grant go header, value

    11: `[[tenant.principal]]` [[tenant.principal]] has no `password` → add `password = "$NORTH_PASSWORD"`
    11: `[[tenant.principal]]` [[tenant.principal]] has no `username` → add `username = "north"`
    14: `token_url` `token_url` means nothing with grant "basic" → leave it out; with this grant go username, password
    15: `client_id` `client_id` means nothing with grant "basic" → leave it out; with this grant go username, password
    16: `client_secret` `client_secret` means nothing with grant "basic" → leave it out; with this grant go username, password

    11: `[[tenant.principal]]` [[tenant.principal]] has no `json` → add `json = { user = "north", password = "$NORTH_PASSWORD" }`
    11: `[[tenant.principal]]` [[tenant.principal]] has no `request` → add `request = "POST /login"`
    11: `[[tenant.principal]]` [[tenant.principal]] has no `token` → add `token = "$.session.token"`
    14: `token_url` `token_url` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime
    15: `client_id` `client_id` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime
    16: `client_secret` `client_secret` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime

    14: `"GET /login"` a login is a POST or PUT request → method, space, URL or path: "POST /login"
    16: `form` both `json` and `form` → keep the one that the login expects
    17: `"token"` `token` is no JSONPath → RFC 9535, from the root `$`: "$.data.id"
    18: `token_url` `token_url` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime
    19: `client_id` `client_id` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime
    20: `client_secret` `client_secret` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime

    14: `"POST login"` this is no URL: relative URL without a base → write it in full: "https://api.example.com"
    15: `"*******"` `password` must be a variable: a secret is never written in a spec → write `password = "$NAME"` and set the variable, or name a file in `env_file`
    15: `1` this must be a string, not an integer → for example "text in quotes"
    17: `token_url` `token_url` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime
    18: `client_id` `client_id` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime
    19: `client_secret` `client_secret` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime
    "#);
}

#[test]
fn tokens() {
    insta::assert_snapshot!(and(r#"
[tokens]
kind = "jwe"
issuers = "http://idp"
audience = "both"
audiences = [1, "$UNSET"]
max_lifetime = "forever"
leeway = "2h"
whoami = { request = "GET me", tenant = "tenantId" }
elsewhere = "billing"
"#), @r#"
    33: `"jwe"` `jwe` is not known here → did you mean `jwt`?
    34: `"http://idp"` this must be a list, not a string → for example ["one", "two"]
    35: `"both"` `both` is not known here → one of: shared, per-tenant
    36: `1` this must be a string, not an integer → for example "text in quotes"
    36: `"$UNSET"` the variable `UNSET` is not set → set it: `export UNSET=…`, or name a file that does in `env_file`
    37: `"forever"` `forever` is no duration that fits here → a number and a unit, from 1s to 8760h: "200ms", "10s", "1h"
    38: `"2h"` `2h` is no duration that fits here → a number and a unit, from 0s to 1h: "200ms", "10s", "1h"
    39: `me` a path begins with one `/` → for example "/tenants/{tenant}/cases"
    39: `"tenantId"` `tenantId` is no JSONPath → RFC 9535, from the root `$`: "$.data.id"
    40: `"billing"` this must be a table, not a string → for example { name = "value" }
    "#);
}

#[test]
fn locators() {
    insta::assert_snapshot!(each(&[
        ("\"path\"", "\"paths\""),
        ("\"path\"", "\"header:\""),
        ("\"path\"", "\"header:X Tenant\""),
        ("\"path\"", "\"header:Content-Length\""),
        ("/tenants/{tenant}/cases", "/cases"),
    ]), @r#"
    7: `"paths"` `paths` is no locator → did you mean `path`?

    7: `"header:"` `` is no header name → letters, digits and `-`: "X-Tenant-Id"

    7: `"header:X Tenant"` `X Tenant` is no header name → letters, digits and `-`: "X-Tenant-Id"

    7: `"header:Content-Length"` `Content-Length` belongs to the connection → write the header that the platform reads, such as "X-Tenant-Id"

    7: `"path"` no path holds `{tenant}`, though the locator is the path → write `{tenant}` where paths name the tenant, or `locator = "token"` if they do not
    "#);
}

#[test]
fn resources() {
    insta::assert_snapshot!(each(&[
        ("name = \"case\"", ""),
        ("name = \"case\"", "name = \"tenant\""),
        ("name = \"case\"", "name = \"a case\""),
        ("path = \"/tenants/{tenant}/cases\"", ""),
        ("path = \"/tenants", "path = \"tenants"),
        ("/tenants/{tenant}/cases", "/tenants/{tenant}/cases?x=1"),
        ("/tenants/{tenant}/cases", "/tenants/{tenant}/a case"),
        ("create = { title = \"{canary}\" }", ""),
        ("create = { title = \"{canary}\" }", "create = \"{canary}\""),
        ("create = { title = \"{canary}\" }", "existing = { nroth = \"case-1\", south = \"\" }"),
        ("create = { title = \"{canary}\" }", "existing = { north = \"1\" }\nmethods = [\"read\", \"delete\", \"export\"]"),
        ("create = { title = \"{canary}\" }", "create = { title = \"x\" }\nmethods = [\"patch\"]"),
        ("create = {", "id = \"id\"\nids = \"mine\"\ncreate = {"),
        ("create = {", "page = { size = \"2\", next = \"$.n\", next_header = \"Next\" }\ncreate = {"),
        ("create = {", "search = \"DELETE /tenants/{tenant}/cases\"\ncount = \"/count\"\ncreate = {"),
    ]), @r#"
    27: `[[resource]]` [[resource]] has no `name` → add `name = "case"`

    28: `"tenant"` `tenant` is a symbol already → choose another name

    28: `"a case"` `a case` cannot name a resource → letters, digits, `-` and `_`, a letter first: paths name it `{case}`

    27: `[[resource]]` [[resource]] has no `path` → add `path = "/tenants/{tenant}/cases"`

    29: `"tenants/{tenant}/cases"` a path begins with one `/` → for example "/tenants/{tenant}/cases"

    29: `"/tenants/{tenant}/cases?x=1"` a collection's path has no query and no `/` at its end → a collection's path alone: `/{case}` is appended to it for an object

    29: `"/tenants/{tenant}/a case"` ` ` cannot be in a path → percent-encode it

    27: `[[resource]]` no objects: neither `create` nor `existing` → add `create = { title = "{canary}" }`, or where nothing may be created `existing = { agency-north = "case-1", agency-south = "case-9" }`

    30: `"{canary}"` `create` must be a table, not a string → for example { title = "{canary}" }

    30: `nroth` `nroth` is no [[tenant]] → did you mean `north`?
    30: `""` this is empty → write a value, or leave the key out

    31: `"delete"` this needs `create` → add `create`, or leave this out: objects that the run has not made are never changed
    31: `"export"` `export` is not known here → one of: list, create, read, replace, patch, delete

    31: `"patch"` nothing to patch with: no member of `create` holds `{canary}` → add `update = { title = "{canary}" }`

    30: `"id"` `id` is no JSONPath → RFC 9535, from the root `$`: "$.data.id"
    31: `"mine"` `mine` is not known here → one of: server, client

    30: `"2"` `2` is no query parameter → name and value: "limit=2"
    30: `next_header` both `next` and `next_header` → keep the one that names the next page

    30: `/tenants/{tenant}/cases` a `search` reads, DELETE does not → GET or POST
    31: `"/count"` this is no request → method, space, path: "GET /me"
    "#);
}

#[test]
fn parents() {
    insta::assert_snapshot!([
        and("[[resource]]\nname = \"task\"\nparent = \"csae\"\ncreate = { a = \"{canary}\" }"),
        and("[[resource]]\nname = \"a\"\nparent = \"b\"\ncreate = { a = \"{canary}\" }\n[[resource]]\nname = \"b\"\nparent = \"a\"\ncreate = { a = \"{canary}\" }"),
        and("[[resource]]\nname = \"a\"\nparent = \"a\"\ncreate = { a = \"{canary}\" }"),
        and("[[resource]]\nname = \"case\"\npath = \"/tenants/{tenant}/others\"\ncreate = { a = \"{canary}\" }"),
    ].join("\n\n"), @r#"
    33: `"csae"` `csae` is no [[resource]] → did you mean `case`?

    33: `"b"` this resource is its own ancestor → leave out `parent` in the outermost, and give that one a `path`

    33: `"a"` this resource is its own ancestor → leave out `parent` in the outermost, and give that one a `path`

    32: `"case"` two resources have the name `case` → give each its own
    "#);
}

#[test]
fn templates() {
    insta::assert_snapshot!(each(&[
        ("{tenant}", "{tennant}"),
        ("{tenant}", "{tenant"),
        ("{tenant}", "tenant}"),
        ("{tenant}/cases", "{tenant}/cases/{case}"),
        ("{tenant}/cases", "{tenant}/{canary}"),
        ("{canary}", "{canry} and {what}"),
        ("{canary}", "{canary} {"),
        ("{canary}", "{case}"),
        ("\"{canary}\"", "\"\\u0041 {oops}\""),
        ("\"{canary}\"", "1979-05-27"),
        ("\"{canary}\"", "[nan, \"{oops}\"]"),
        ("create =", "search = \"GET /tenants/{tenant}/s?q={canary}\"\ncreate ="),
        ("create =", "count = \"GET /tenants/{tenant}/cases/{case}\"\ncreate ="),
    ]), @r#"
    29: `{tennant}` `{tennant}` is no symbol → did you mean `tenant`?

    29: `{` this brace has no partner → close it: `{tenant}`

    29: `}` this brace has no partner → close it: `{tenant}`

    29: `{case}` nothing binds `{case}` here → bound here: {tenant}; an object is bound by the path that names it

    29: `{canary}` `{canary}` can be in bodies only → write `{canary.public}`, its searchable half

    30: `{canry}` `{canry}` is no symbol → did you mean `canary`?
    30: `{what}` `{what}` is no symbol → one of: tenant, canary, canary.public, unique, case

    30: `{` this brace has no partner → close it: `{canary}`; a brace itself is written twice: `{{`

    30: `{case}` nothing binds `{case}` here → bound here: {tenant}, {canary}, {canary.public}, {unique}; an object is bound by the path that names it

    30: `"\u0041 {oops}"` `{oops}` is no symbol → one of: tenant, canary, canary.public, unique, case

    30: `1979-05-27` JSON has no dates → put it in quotes

    30: `nan` JSON has no such number → a finite number of at most 64 bits
    30: `{oops}` `{oops}` is no symbol → one of: tenant, canary, canary.public, unique, case

    30: `{canary}` `{canary}` can be in bodies only → write `{canary.public}`, its searchable half

    30: `{case}` nothing binds `{case}` here → bound here: {tenant}, {canary.public}; an object is bound by the path that names it
    "#);
}

#[test]
fn operations() {
    insta::assert_snapshot!([
        and("[[operation]]\nname = \"close\"\nrequest = \"POST /tenants/{tenant}/cases/{case}/close\""),
        and("[[operation]]\nname = \"case.read\"\nrequest = \"GET /x\""),
        and("[[operation]]\nname = \"a b\"\nrequest = \"get /x\"\neffect = \"write\""),
        and("[[operation]]\nname = \"a\"\nrequest = \"TRACE /x\"\n[[operation]]\nname = \"a\"\nrequest = \"GET\""),
        and("[[operation]]\nname = \"a\"\nrequest = \"POST /x/{tenant}\"\neffect = \"change\"\nbody = { of = \"{case}\" }"),
    ].join("\n\n"), @r#"
    31: `[[operation]]` POST may write, and no `effect` says what → add `effect = "read"`, "create", "change" or "destroy": production sends only reads

    32: `"case.read"` `case.read` names another operation already → give each its own name; resources name theirs `case.read`

    32: `"a b"` `a b` cannot name an operation → letters, digits, `-`, `_` and `.`
    33: `get` `get` is no method that is sent here → did you mean `GET`?
    34: `"write"` `write` is not known here → one of: read, create, change, destroy

    33: `TRACE` `TRACE` is no method that is sent here → one of: GET, HEAD, POST, PUT, PATCH, DELETE
    35: `"a"` `a` names another operation already → give each its own name; resources name theirs `case.read`
    36: `"GET"` this is no request → method, space, path: "GET /me"

    35: `{case}` nothing binds `{case}` here → bound here: {tenant}, {canary}, {canary.public}, {unique}; an object is bound by the path that names it
    "#);
}

#[test]
fn exclusions() {
    insta::assert_snapshot!([
        and("[[exclude]]\ncheck = \"api.path-spelling\""),
        and("[[exclude]]\ncheck = \"a.b\"\nreason = \"r\"\nexpires = 2026-06-14"),
        and("[[exclude]]\ncheck = \"a.b\"\nreason = \"r\"\nexpires = \"2027-01-31\""),
        and("[[exclude]]\ncheck = \"a.b\"\nreason = \"\"\nexpires = 2027-01-31T00:00:00Z\noperation = \"case.raed\""),
    ].join("\n\n"), @r#"
    31: `[[exclude]]` [[exclude]] has no `expires` → add `expires = 2027-01-31`
    31: `[[exclude]]` [[exclude]] has no `reason` → add `reason = "the proxy normalises paths; ticket 123"`

    34: `2026-06-14` this exclusion expired: today is 2026-06-15 → fix what it leaves out and delete it, or give it a later day

    34: `"2027-01-31"` `expires` must be a date without quotes and time, not a string → for example 2027-01-31

    33: `""` this is empty → write a value, or leave the key out
    34: `2027-01-31T00:00:00Z` `expires` must be a date without quotes and time, not a date and time → for example 2027-01-31
    35: `"case.raed"` no operation is named `case.raed` → did you mean `case.read`?
    "#);
}

#[test]
fn too_many() {
    let many = "[[exclude]]\ncheck = \"a.b\"\nreason = \"r\"\nexpires = 2027-01-31\n".repeat(501);
    insta::assert_snapshot!(and(&many), @"2031: `[[exclude]]` 501 of [[exclude]] → at most 500 are read; split the spec");
}

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
       = help: give each tenant its own client: one that serves two could not be told apart

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
