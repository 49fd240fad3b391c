//! The text of the one spec, in parts.

/// With `@URL@` for the server's.
pub(crate) const TARGET: &str = r#"
[target]
name = "testbed"
url = "@URL@"
environment = "test"
settle = "40ms"

[limits]
requests = 1000000
rate = 10000
timeout = "5s"
"#;

/// With `@ISSUERS@` for the tenants' issuers.
pub(crate) const TOKENS: &str = r#"
[tokens]
kind = "jwt"
issuers = [@ISSUERS@]
tenant_claim = "tenant_id"
audience = "shared"
audiences = ["case-api"]
max_lifetime = "1h"
leeway = "0s"
expiry_wait = "2s"
forbidden_scope = "platform:admin"
whoami = { request = "GET /whoami", tenant = "$.tenant" }
elsewhere = { audience = "other-api" }
"#;

/// Kinds of objects, and what else can be done with them: by the names for [`Fixture::only`](crate::Fixture::only).
pub(crate) const RESOURCES: [(&str, &str); 6] = [
    (
        "case",
        r#"
[[resource]]
name = "case"
path = "/tenants/{tenant}/cases"
create = { title = "{canary}", externalRef = "{unique}" }
update = { title = "{canary}" }
search = "GET /tenants/{tenant}/search?q={canary.public}"
count = "GET /tenants/{tenant}/cases/facets"
page = { size = "limit=2" }
"#,
    ),
    (
        "task",
        r#"
[[resource]]
name = "task"
parent = "case"
create = { title = "{canary}" }
"#,
    ),
    (
        "note",
        r#"
[[resource]]
name = "note"
path = "/tenants/{tenant}/notes"
create = { title = "{canary}" }
ids = "client"
"#,
    ),
    (
        "bucket",
        r#"
[[resource]]
name = "bucket"
path = "/buckets"
create = { title = "{canary}" }
ids = "client"
"#,
    ),
    (
        "user",
        r#"
[[resource]]
name = "user"
path = "/tenants/{tenant}/users"
existing = { north = "user-17", south = "user-90", north-east = "user-5" }
"#,
    ),
    (
        "further",
        r#"
[[operation]]
name = "close-case"
request = "POST /tenants/{tenant}/cases/{case}/close"
effect = "change"

[[operation]]
name = "archive"
request = "POST /tenants/{tenant}/cases/archive?title=wt"
effect = "change"
changes = ["case"]

[[operation]]
name = "summary"
request = "GET /tenants/{tenant}/cases/{case}/summary"

[[operation]]
name = "my-cases"
request = "GET /me/cases"
"#,
    ),
];

/// Cases as procedures.
pub(crate) const REMOTE: &str = r#"
[[resource]]
name = "case"
id = "$.result.id"
list = { request = "POST /rpc", body = { method = "case.list" } }
create = { request = "POST /rpc", body = { method = "case.add", params = { title = "{canary}", externalRef = "{unique}" } } }
read = { request = "POST /rpc", body = { method = "case.get", params = { id = "{case}" } } }
patch = { request = "POST /rpc", body = { method = "case.rename", params = { id = "{case}", title = "{canary}" } } }
delete = { request = "POST /rpc", body = { method = "case.remove", params = { id = "{case}" } } }

[[operation]]
name = "close-case"
request = "POST /rpc"
body = { method = "case.close", params = { id = "{case}" } }
effect = "change"
"#;

/// Who runs the double, and what it does to tenants.
pub(crate) const LIVES: &str = r#"
[[staff]]
name = "operator"
grant = "header"
header = "X-Operator"
value = "$OPERATOR"

[[act]]
name = "suspend"
kind = "suspend"
of = "all"
by = "operator"
request = "POST /operator/{tenant}/suspend"
undo = "POST /operator/{tenant}/resume"
within = "100ms"

[[act]]
name = "freeze"
kind = "read-only"
of = "all"
by = "operator"
request = "POST /operator/{tenant}/freeze"
undo = "POST /operator/{tenant}/resume"
within = "100ms"
"#;
