//! Specs and variables for tests.

use std::collections::BTreeMap;
use std::path::Path;

use time::{Date, Month};
use watertight_spec::{Problems, Spec, parse};

use crate::schema::accepts;

/// The day on which all tests parse.
pub(crate) fn today() -> Date {
    Date::from_calendar_date(2026, Month::June, 15).unwrap()
}

/// Variables for every spec here; `$TWIN_CLIENT_ID` has the value of `$NORTH_CLIENT_ID`.
pub(crate) fn env() -> BTreeMap<String, String> {
    [
        ("NORTH", "agency-north"),
        ("NORTH_CLIENT_ID", "client-n"),
        ("NORTH_CLIENT_SECRET", "hush-n"),
        ("SOUTH_CLIENT_ID", "client-s"),
        ("SOUTH_CLIENT_SECRET", "hush-s"),
        ("TWIN_CLIENT_ID", "client-n"),
        ("EMPTY", ""),
        ("EVERYWHERE", "hush-everywhere"),
        ("OPERATOR", "hush-operator"),
        ("OPERATOR_KEY", "hush-key"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

pub(crate) fn read(text: &str) -> Result<Spec, Problems> {
    let read = parse(Path::new("watertight.toml"), text, &env(), today());
    if read.is_ok() {
        accepts(text);
    }
    read
}

pub(crate) fn sound(text: &str) -> Spec {
    read(text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// All sections, most keys.
pub(crate) const FULL: &str = r#"
[target]
name = "casework"
url = "http://127.0.0.1:8080"
environment = "test"
settle = "200ms"

[limits]
requests = 1000
timeout = "3s"

[tenancy]
locator = "path"
fields = ["tenantId"]

[tokens]
kind = "jwt"
issuers = ["http://127.0.0.1:8081/idp", "urn:other"]
tenant_claim = "tenant_id"
audience = "per-tenant"
audiences = ["case-api"]
max_lifetime = "1h"
leeway = "0s"
whoami = { request = "GET /me", tenant = "$.tenantId" }
elsewhere = { audience = "billing-api" }
forbidden_scope = "case:admin"

[[tenant]]
id = "$NORTH"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/oauth/token"
client_id = "$NORTH_CLIENT_ID"
client_secret = "$NORTH_CLIENT_SECRET"
scope = "case:read case:write"
client_auth = "post"
[[tenant.principal]]
name = "stray"
grant = "header"
header = "X-Api-Key"
value = "$NORTH_CLIENT_SECRET"
names = "agency-south"

[[tenant]]
id = "agency-south"
url = "https://south.example.com/v1"
[[tenant.principal]]
name = "desk"
grant = "login"
request = "POST /login"
json = { user = "south", password = "$SOUTH_CLIENT_SECRET" }
token = "$.session.token"
lifetime = "1h"
[[tenant.principal]]
name = "night desk"
grant = "basic"
username = "south"
password = "$SOUTH_CLIENT_SECRET"
names = "none"

# A child before its parent.
[[resource]]
name = "task"
parent = "case"
create = { title = "{canary}", note = "a {{brace}} of {case}", size = 3, tags = ["{unique}"], open = true }

[[resource]]
name = "case"
path = "/tenants/{tenant}/cases"
create = { title = "{canary}", externalRef = "{unique}" }
search = "GET /tenants/{tenant}/search?q={canary.public}"
count = "GET /tenants/{tenant}/cases/facets"
page = { size = "limit=2", next = "$.next" }

[[resource]]
name = "user"
path = "/tenants/{tenant}/users"
existing = { agency-north = "user-17", agency-south = "user-90" }

[[resource]]
name = "folder"
path = "/tenants/{tenant}/folders"
create = { label = "x" }
ids = "client"
methods = ["delete", "create", "read"]

[[operation]]
name = "close-case"
request = "POST /tenants/{tenant}/cases/{case}/close"
effect = "change"
changes = ["task"]
body = { reason = "{canary}", of = "{case}" }

[[operation]]
name = "health"
request = "GET /health"

[[exclude]]
check = "api.path-spelling"
operation = "case.read"
reason = "the proxy normalises paths"
expires = 2026-06-15
"#;
