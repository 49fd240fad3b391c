//! Every mistake, where it stands and what is said of it.

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
