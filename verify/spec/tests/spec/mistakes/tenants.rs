//! Mistakes in tenants, their grants and tokens, and in how a request names its tenant.

use super::{SMALL, and, each, edited, said};
use crate::examples::read;

#[test]
fn values() {
    insta::assert_snapshot!(each(&[
        ("id = \"south\"", "id = \"south\"\nvalues = { project = 7 }"),
        ("id = \"south\"", "id = \"south\"\nvalues = 7"),
        ("id = \"south\"", "id = \"south\"\nvalues = { uuid = 7, \"a b\" = 7, list = [] }"),
    ]), @r#"
    9: `[[tenant]]` this tenant has no value `project`, and another has → add it: values = { project = … }

    20: `*` `values` must be a table, not an integer → for example { project = 7 }

    20: `uuid` `uuid` cannot name a value → letters, digits, `-` and `_`, and none of the symbols that every spec has
    20: `"a b"` `a b` cannot name a value → letters, digits, `-` and `_`, and none of the symbols that every spec has
    20: `[]` a value must be a text, a whole number, true or false, not a list → for example 7
    "#);
}

#[test]
fn grants_of_a_token_endpoint() {
    let grant = |text: &str| format!("grant = \"{text}\"\nusername = \"x\"");
    let (password, refresh, bearer) = (grant("password"), grant("refresh_token"), grant("jwt_bearer"));
    insta::assert_snapshot!(each(&[
        ("grant = \"client_credentials\"", &password),
        ("grant = \"client_credentials\"", &refresh),
        ("grant = \"client_credentials\"", &format!("{bearer}\nprivate_key = \"-----BEGIN\"\nkey_algorithm = \"HS256\"")),
        ("grant = \"client_credentials\"", "grant = \"client_credentials\"\nclient_auth = \"private_key_jwt\""),
        ("grant = \"client_credentials\"", "grant = \"client_credentials\"\nparams = { password = \"x\" }\nuse = \"often\""),
    ]), @r#"
    11: `[[tenant.principal]]` [[tenant.principal]] has no `password` → add `password = "$NORTH_PASSWORD"`

    11: `[[tenant.principal]]` [[tenant.principal]] has no `refresh_token` → add `refresh_token = "$NORTH_REFRESH_TOKEN"`
    14: `username` `username` means nothing with grant "refresh_token" → leave it out; with this grant go refresh_token, token_url, client_id, client_secret, client_auth, private_key, key_id, key_algorithm, scope, params

    11: `[[tenant.principal]]` [[tenant.principal]] has no `claims` → add `claims = { iss = "client-n", sub = "robot@north.example.com", aud = "https://idp.staging.example.com" }`
    14: `username` `username` means nothing with grant "jwt_bearer" → leave it out; with this grant go claims, token_url, client_id, client_secret, client_auth, private_key, key_id, key_algorithm, scope, params
    15: `"**********"` `private_key` must be a variable: a secret is never written in a spec → write `private_key = "$NAME"` and set the variable, or name a file in `env_file`
    16: `"HS256"` `HS256` is not known here → did you mean `RS256`?

    11: `[[tenant.principal]]` [[tenant.principal]] has no `private_key` → add `private_key = "$NORTH_PRIVATE_KEY"`

    14: `"*"` `password` must be a variable: a secret is never written in a spec → write `password = "$NAME"` and set the variable, or name a file in `env_file`
    15: `"often"` `often` is not known here → one of: all, tokens, acts
    "#);
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

    24: `"$NORTH_CLIENT_ID"` another tenant has the client `client-n` too → give each tenant its own client: with a shared client the tenants can't be distinguished

    24: `"$TWIN_CLIENT_ID"` another tenant has the client `client-n` too → give each tenant its own client: with a shared client the tenants can't be distinguished

    24: `"client-n"` another tenant has the client `client-n` too → give each tenant its own client: with a shared client the tenants can't be distinguished

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
        (grant, "grant = \"implicit\""),
        (grant, "grant = \"header\"\nheader = \"X Key\""),
        (grant, "grant = \"header\"\nheader = \"Host\"\nvalue = \"$NORTH_CLIENT_SECRET\""),
        (grant, "grant = \"basic\""),
        (grant, "grant = \"login\""),
        (grant, "grant = \"login\"\nrequest = \"GET /login\"\njson = { a = 1 }\nform = {}\ntoken = \"token\""),
        (grant, "grant = \"login\"\nrequest = \"POST login\"\njson = { password = \"hunter2\", user = 1 }\ntoken = \"$.t\""),
    ]), @r#"
    13: `"implicit"` `implicit` is not known here → one of: client_credentials, password, refresh_token, jwt_bearer, basic, header, login, session, cookies, command, certificate

    11: `[[tenant.principal]]` [[tenant.principal]] has no `value` → add `value = "$NORTH_API_KEY"`
    14: `"X Key"` `X Key` is no header name → letters, digits and `-`: "X-Tenant-Id"
    15: `token_url` `token_url` means nothing with grant "header" → leave it out; with this grant go header, value, headers, query
    16: `client_id` `client_id` means nothing with grant "header" → leave it out; with this grant go header, value, headers, query
    17: `client_secret` `client_secret` means nothing with grant "header" → leave it out; with this grant go header, value, headers, query

    14: `"Host"` `Host` belongs to the connection → write the header that the platform reads, such as "X-Tenant-Id"
    16: `token_url` `token_url` means nothing with grant "header" → leave it out; with this grant go header, value, headers, query
    17: `client_id` `client_id` means nothing with grant "header" → leave it out; with this grant go header, value, headers, query
    18: `client_secret` `client_secret` means nothing with grant "header" → leave it out; with this grant go header, value, headers, query

    11: `[[tenant.principal]]` [[tenant.principal]] has no `password` → add `password = "$NORTH_PASSWORD"`
    11: `[[tenant.principal]]` [[tenant.principal]] has no `username` → add `username = "north"`
    14: `token_url` `token_url` means nothing with grant "basic" → leave it out; with this grant go username, password
    15: `client_id` `client_id` means nothing with grant "basic" → leave it out; with this grant go username, password
    16: `client_secret` `client_secret` means nothing with grant "basic" → leave it out; with this grant go username, password

    11: `[[tenant.principal]]` [[tenant.principal]] has no `json` → add `json = { user = "north", password = "$NORTH_PASSWORD" }`
    11: `[[tenant.principal]]` [[tenant.principal]] has no `request` → add `request = "POST /login"`
    11: `[[tenant.principal]]` [[tenant.principal]] has no `token` → add `token = "$.session.token"`
    14: `token_url` `token_url` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime, totp, totp_digits, totp_period, totp_algorithm
    15: `client_id` `client_id` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime, totp, totp_digits, totp_period, totp_algorithm
    16: `client_secret` `client_secret` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime, totp, totp_digits, totp_period, totp_algorithm

    14: `"GET /login"` a login is a POST or PUT request → method, space, URL or path: "POST /login"
    16: `form` both `json` and `form` → keep the one that the login expects
    17: `"token"` `token` is no JSONPath → RFC 9535, from the root `$`: "$.data.id"
    18: `token_url` `token_url` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime, totp, totp_digits, totp_period, totp_algorithm
    19: `client_id` `client_id` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime, totp, totp_digits, totp_period, totp_algorithm
    20: `client_secret` `client_secret` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime, totp, totp_digits, totp_period, totp_algorithm

    14: `"POST login"` this is no URL: relative URL without a base → write it in full: "https://api.example.com"
    15: `"*******"` `password` must be a variable: a secret is never written in a spec → write `password = "$NAME"` and set the variable, or name a file in `env_file`
    17: `token_url` `token_url` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime, totp, totp_digits, totp_period, totp_algorithm
    18: `client_id` `client_id` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime, totp, totp_digits, totp_period, totp_algorithm
    19: `client_secret` `client_secret` means nothing with grant "login" → leave it out; with this grant go request, json, form, token, lifetime, totp, totp_digits, totp_period, totp_algorithm
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
        ("\"path\"", "[]"),
        ("\"path\"", "[\"path\", \"token\", \"path\"]"),
        ("\"path\"", "[\"path\", \"query:\", \"cookie:a b\", \"body:a..b\", \"host:north\", 7]"),
        ("\"path\"", "[\"path\", \"host\"]"),
    ]), @r#"
    7: `"paths"` `paths` is no locator → did you mean `path`?

    7: `"header:"` `` is no header name → letters, digits and `-`: "X-Tenant-Id"

    7: `"header:X Tenant"` `X Tenant` is no header name → letters, digits and `-`: "X-Tenant-Id"

    7: `"header:Content-Length"` `Content-Length` belongs to the connection → write the header that the platform reads, such as "X-Tenant-Id"

    7: `"path"` no path holds `{tenant}`, though the locator is the path → write `{tenant}` where paths name the tenant, or `locator = "token"` if they do not

    7: `[]` there is no locator → write how requests name their tenant: "path", "host", "header:NAME", or "token"

    7: `"path"` this locator is there already → name each way once

    7: `"query:"` `query:` is no locator → one of: host, path, token, header:NAME, query:NAME, cookie:NAME, body:NAME
    7: `"cookie:a b"` `cookie:a b` is no locator → did you mean `cookie:NAME`?
    7: `"body:a..b"` `body:a..b` is no locator → one of: host, path, token, header:NAME, query:NAME, cookie:NAME, body:NAME
    7: `"host:north"` `host:north` is no locator → one of: host, path, token, header:NAME, query:NAME, cookie:NAME, body:NAME
    7: `7` this must be a string, not an integer → for example "text in quotes"

    7: `["path", "host"]` all tenants have the same URL, though the locator is the host → write `{tenant}` in the `url` of [target], as in "https://{tenant}.example.com", or give each [[tenant]] a `url`
    "#);
}

#[test]
fn where_the_target_is() {
    insta::assert_snapshot!(each(&[
        ("url = \"http://127.0.0.1:8080\"", "url = \"http://127.0.0.1:8080\"\naddress = \"127.0.0.1\""),
        ("url = \"http://127.0.0.1:8080\"", "url = \"http://127.0.0.1:8080\"\naddress = \"http://127.0.0.1:80/x\""),
        ("url = \"http://127.0.0.1:8080\"", "url = \"http://{tenant}.localhost:8080?a=1\""),
        ("url = \"http://127.0.0.1:8080\"", "url = \"http://{tenant}.localhost:8080/{x}\""),
        ("url = \"http://127.0.0.1:8080\"", "url = \"http://127.0.0.1:8080\"\nheaders = { Host = \"x\", A = \"ä\", B = 1 }\nquery = { \"a=\" = \"1\" }"),
    ]), @r#"
    5: `"127.0.0.1"` `127.0.0.1` is no address → host and port: "127.0.0.1:8443", "[::1]:8443"

    5: `"http://127.0.0.1:80/x"` `http://127.0.0.1:80/x` is no address → host and port: "127.0.0.1:8443", "[::1]:8443"

    4: `"http://{tenant}.localhost:8080?a=1"` a base URL has no query → end it with the path

    4: `"http://{tenant}.localhost:8080/{x}"` braces in this URL mean nothing → take the braces out; `{tenant}` and `{tenant.name}` may be in the `url` of [target]

    5: `Host` `Host` belongs to the connection → write the header that the platform reads, such as "X-Tenant-Id"
    5: `"ä"` a header holds one line of ASCII → write it without other characters
    5: `1` this must be a string, not an integer → for example "text in quotes"
    6: `"a="` `a=` is no parameter of a query → its name alone: { api-version = "2026-01-01" }
    "#);
    let unfit = said(&[("http://127.0.0.1:8080", "http://{tenant}.localhost"), ("\"north\"", "\"north/x\"")]);
    insta::assert_snapshot!(unfit, @r#"10: `"north/x"` `north/x` cannot be a part of the target's `url` → give the tenant a `url` of its own, or write another symbol than `{tenant}` there"#);
    let repeated =
        said(&[("id = \"north\"", "id = \"north\"\nname = \"N\""), ("id = \"south\"", "id = \"south\"\nname = \"N\"")]);
    insta::assert_snapshot!(repeated, @r#"21: `"N"` two tenants have the name `N` → give each its own"#);
}

#[test]
fn one_time_codes() {
    let login = |more: &str| {
        format!(
            "grant = \"login\"\nrequest = \"POST /login\"\ntoken = \"$.t\"\n{more}\n[[tenant.principal]]\nname = \"b\"\ngrant = \"client_credentials\""
        )
    };
    let session = |more: &str| {
        format!("grant = \"session\"\n{more}\n[[tenant.principal]]\nname = \"b\"\ngrant = \"client_credentials\"")
    };
    let seed = "totp = \"$NORTH_CLIENT_SECRET\"";
    insta::assert_snapshot!(each(&[
        ("grant = \"client_credentials\"", &login("json = { otp = \"{totp}\" }")),
        ("grant = \"client_credentials\"", &login("json = { otp = \"{totp}\" }\ntotp = \"GEZDGNBVGY3TQOJQ\"")),
        ("grant = \"client_credentials\"", &login(&format!("json = {{ otp = \"123\" }}\n{seed}"))),
        ("grant = \"client_credentials\"", &login("json = { user = \"x\" }\ntotp_digits = 6")),
        ("grant = \"client_credentials\"", &login(&format!(
            "json = {{ otp = \"{{totp}}\" }}\n{seed}\ntotp_digits = 9\ntotp_period = \"1500ms\"\ntotp_algorithm = \"MD5\""
        ))),
        ("grant = \"client_credentials\"", &login(&format!("json = {{ otp = \"{{totp}}\" }}\n{seed}\ntotp_period = \"10500ms\""))),
        ("grant = \"client_credentials\"", &session("steps = [{ request = \"POST /login\", form = { otp = \"{totp}\" } }]")),
        ("grant = \"client_credentials\"", &session(&format!(
            "{seed}\nheaders = {{ X-Otp = \"{{totp}}\" }}\n\
             steps = [{{ request = \"POST /login\", form = {{ otp = \"{{totp}}\" }}, take = {{ totp = \"$.totp\" }} }}]"
        ))),
        ("grant = \"client_credentials\"", &format!("grant = \"client_credentials\"\n{seed}")),
        ("client_secret = \"$SOUTH_CLIENT_SECRET\"", &format!(
            "client_secret = \"$SOUTH_CLIENT_SECRET\"\n[[tenant.principal]]\nname = \"b\"\ngrant = \"login\"\n\
             request = \"POST /login\"\ntoken = \"$.t\"\njson = {{ otp = \"{{totp}}\" }}\n{seed}"
        )),
    ]), @r#"
    16: `"{totp}"` `{totp}` stands for no one-time code here → a log-in sends it, no later request does; its seed is the principal's: totp = "$NORTH_TOTP"

    17: `"****************"` `totp` must be a variable: a secret is never written in a spec → write `totp = "$NAME"` and set the variable, or name a file in `env_file`

    17: `totp` nothing sends a code made from `totp` → write `{totp}` where the platform expects the code: json = { otp = "{totp}" }

    11: `[[tenant.principal]]` [[tenant.principal]] has no `totp` → add `totp = "$NORTH_TOTP"`

    18: `9` this number is out of bounds → write a number from 6 to 8
    19: `"1500ms"` `1500ms` is no duration that fits here → a number and a unit, from 10s to 2m: "200ms", "10s", "1h"
    20: `"MD5"` `MD5` is not known here → one of: SHA1, SHA256, SHA512

    18: `"10500ms"` a period has whole seconds (RFC 6238 4.1) → for example "30s"

    14: `"{totp}"` `{totp}` stands for no one-time code here → a log-in sends it, no later request does; its seed is the principal's: totp = "$NORTH_TOTP"

    15: `"{totp}"` `{totp}` stands for no one-time code here → a log-in sends it, no later request does; its seed is the principal's: totp = "$NORTH_TOTP"
    16: `totp` `totp` is not taken from an answer → choose another name: `{totp}` is a one-time code, made from `totp`

    14: `totp` `totp` means nothing with grant "client_credentials" → leave it out; with this grant go token_url, client_id, client_secret, client_auth, private_key, key_id, key_algorithm, scope, params

    32: `"$NORTH_CLIENT_SECRET"` another tenant has the secret `$NORTH_CLIENT_SECRET` too → give each tenant its own secret, in a variable of its own
    "#);
}

#[test]
fn commands() {
    let grant = |text: &str| {
        let other = "[[tenant.principal]]\nname = \"b\"\ngrant = \"client_credentials\"";
        ("grant = \"client_credentials\"", format!("grant = \"command\"\n{text}\n{other}"))
    };
    let all = [
        grant(""),
        grant("command = \"./print-token.sh north\""),
        grant("command = []"),
        grant("command = [\"./print-token.sh\", 7, \"\", \"$UNSET\", \"$NORTH_CLIENT_SECRET\"]"),
        grant("command = [\"./t\"]\ntoken = \"token\"\nheader = \"Host\"\nlifetime = \"long\"\nscope = \"x\""),
    ];
    insta::assert_snapshot!(each(&all.each_ref().map(|(from, to)| (*from, to.as_str()))), @r#"
    11: `[[tenant.principal]]` [[tenant.principal]] has no `command` → add `command = ["./print-token.sh", "north"]`

    14: `"./print-token.sh north"` `command` must be a list: the program, then each of its arguments, not a string → for example ["./print-token.sh", "north"]

    14: `[]` a command of 0 words → from 1 to 64 words: ["./print-token.sh", "north"]

    14: `7` this must be a string, not an integer → for example "text in quotes"
    14: `""` this is empty → write a value, or leave the key out
    14: `"$UNSET"` the variable `UNSET` is not set → set it: `export UNSET=…`, or name a file that does in `env_file`
    14: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 20, so it cannot be shown here → give the value a variable of its own

    15: `"token"` `token` is no JSONPath → RFC 9535, from the root `$`: "$.data.id"
    16: `"Host"` `Host` belongs to the connection → write the header that the platform reads, such as "X-Tenant-Id"
    17: `"long"` `long` is no duration that fits here → a number and a unit, from 1s to 8760h: "200ms", "10s", "1h"
    18: `scope` `scope` means nothing with grant "command" → leave it out; with this grant go command, token, header, lifetime
    "#);
}

#[test]
fn cookies() {
    let grant = |text: &str| {
        let other = "[[tenant.principal]]\nname = \"b\"\ngrant = \"client_credentials\"";
        ("grant = \"client_credentials\"", format!("grant = \"cookies\"\n{text}\n{other}"))
    };
    let all = [
        grant(""),
        grant("cookies = {}"),
        grant("cookies = \"sid=1\"\ntoken = \"$.t\""),
        grant(
            "cookies = { sid = \"literal\", \"a b\" = \"$NORTH_CLIENT_SECRET\" }\nheaders = { Host = \"$NORTH_CLIENT_SECRET\" }",
        ),
        grant("storage = \"missing.json\""),
        grant("storage = \"Cargo.toml\""),
    ];
    insta::assert_snapshot!(each(&all.each_ref().map(|(from, to)| (*from, to.as_str()))), @r#"
    11: `[[tenant.principal]]` [[tenant.principal]] has no `cookies` → add `cookies = { sessionid = "$NORTH_SESSION" }`

    14: `cookies` no cookie is named → write the one that holds the session

    14: `"*****"` `cookies` must be a table, not a string → for example { sessionid = "$NORTH_SESSION" }
    15: `token` `token` means nothing with grant "cookies" → leave it out; with this grant go cookies, storage, headers, form

    14: `"*******"` `sid` must be a variable: a secret is never written in a spec → write `sid = "$NAME"` and set the variable, or name a file in `env_file`
    14: `"a b"` `a b` is no name of a cookie → as the browser shows it: "sessionid"
    15: `Host` `Host` belongs to the connection → write the header that the platform reads, such as "X-Tenant-Id"

    14: `"missing.json"` `missing.json` cannot be read: No such file or directory (os error 2) → save it again where someone has logged in there, from Playwright or as a cookies.txt

    14: `"Cargo.toml"` `Cargo.toml` is neither JSON with `cookies` nor a cookies.txt: line 1 has no seven members → save it again where someone has logged in there, from Playwright or as a cookies.txt
    "#);
}
