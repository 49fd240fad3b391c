//! The one spec of the double. What varies is set by functions: how a request names its tenant, how tenants prove
//! themselves, which tenants and principals there are, and a few further lines.

use std::collections::BTreeMap;
use std::path::Path;

use watertight_spec::Spec;

use crate::api::life::OPERATOR;
use crate::clients::{CLIENTS, Client, TENANTS};
use crate::spec_text::{LIVES, REMOTE, RESOURCES, TARGET, TOKENS};

/// How a request names its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Located {
    Path,
    Header,
    Token,
}

/// How tenants prove themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// `X-Api-Key`
    Key,
    /// Tokens that can be read.
    Jwt,
    /// Tokens that can't.
    Opaque,
}

/// A spec of the double, in the making.
#[derive(Clone, Debug)]
pub struct Fixture {
    pub(crate) located: Located,
    pub(crate) proof: Proof,
    pub(crate) has_own_urls: bool,
    tenants: usize,
    only: Vec<&'static str>,
    principals: Vec<&'static str>,
    changes: Vec<(String, String)>,
    further: String,
    secrets: BTreeMap<String, String>,
}

impl Default for Fixture {
    fn default() -> Self {
        Self::by_path()
    }
}

impl Fixture {
    /// `/tenants/{tenant}/cases`; three tenants with API keys, and one of south's that names no tenant.
    pub fn by_path() -> Self {
        Self {
            located: Located::Path,
            proof: Proof::Key,
            tenants: TENANTS.len(),
            only: RESOURCES.iter().map(|(name, _)| *name).collect(),
            has_own_urls: false,
            principals: vec!["service", "nameless"],
            changes: Vec::new(),
            further: String::new(),
            secrets: CLIENTS.iter().map(|c| (c.variable.to_owned(), c.secret.to_owned())).collect(),
        }
    }

    /// `/cases`, and the tenant in `X-Tenant-Id`.
    pub fn by_header() -> Self {
        Self { located: Located::Header, ..Self::by_path() }
    }

    /// `/cases`, and the tenant in the credential alone.
    pub fn by_token() -> Self {
        Self { located: Located::Token, ..Self::by_path() }
    }

    /// Tokens of north and south that can be read. North has an impostor: its own issuer says that it is south's.
    pub fn tokens() -> Self {
        Self::by_path().two_tenants().only(&["case", "bucket", "further"]).jwt().principals(&["service", "impostor"])
    }

    /// North and south alone.
    pub fn two_tenants(self) -> Self {
        Self { tenants: 2, ..self }
    }

    /// North, south and north-east.
    pub fn all_tenants(self) -> Self {
        Self { tenants: TENANTS.len(), ..self }
    }

    /// With these kinds of objects alone: `case`, `task`, `note`, `bucket`, `user`; `further` are the operations besides.
    pub fn only(self, names: &[&'static str]) -> Self {
        Self { only: names.to_vec(), ..self }
    }

    /// Each tenant at a URL of its own: `/at/north`.
    pub fn own_urls(self) -> Self {
        Self { has_own_urls: true, ..self }
    }

    /// With tokens that can be read.
    pub fn jwt(self) -> Self {
        Self { proof: Proof::Jwt, ..self }
    }

    /// With tokens that can't be read.
    pub fn opaque(self) -> Self {
        Self { proof: Proof::Opaque, ..self }
    }

    /// With these principals, where a tenant has them: `service`, `nameless` (south), `impostor` (north, with tokens).
    pub fn principals(self, names: &[&'static str]) -> Self {
        Self { principals: names.to_vec(), ..self }
    }

    /// South proves itself with a key, where the others have tokens.
    pub fn south_by_key(self) -> Self {
        let south = CLIENTS.iter().find(|client| client.variable == "SOUTH").unwrap();
        let by_token = self.principal(south);
        let by_key = Self { proof: Proof::Key, ..self.clone() }.principal(south);
        self.change(&by_token, &by_key)
    }

    /// With one request at a time.
    pub fn one_at_a_time(self) -> Self {
        self.limit("concurrency = 1")
    }

    /// With one more line under `[limits]`.
    pub fn limit(self, line: &str) -> Self {
        self.change("[limits]\n", &format!("[limits]\n{line}\n"))
    }

    /// With a part of the text replaced.
    pub fn change(mut self, from: &str, to: &str) -> Self {
        self.changes.push((from.to_owned(), to.to_owned()));
        self
    }

    /// With further lines at its end.
    pub fn further(mut self, lines: &str) -> Self {
        self.further.push_str(lines);
        self
    }

    /// Cases with tasks, at paths that end with a slash; with [`Slashes`](crate::Switch::Slashes).
    pub fn slashed() -> Self {
        let fixture = Self::by_path().only(&["case", "task"]);
        ["path = \"/tenants/{tenant}/cases", "/cases/facets", "/tenants/{tenant}/search"]
            .into_iter()
            .fold(fixture, |fixture, path| fixture.change(path, &format!("{path}/")))
    }

    /// North and south, and an operator who suspends them, or makes them read-only.
    pub fn lives() -> Self {
        let fixture = Self::by_path().two_tenants().only(&["case"]).principals(&["service"]).further(LIVES);
        fixture.secret("OPERATOR", OPERATOR)
    }

    /// Cases as procedures: `POST /rpc`, and ids in the bodies.
    pub fn remote() -> Self {
        Self::by_token().only(&[]).further(REMOTE)
    }

    /// With an operation whose answer is the same for all.
    pub fn with_schema(self) -> Self {
        self.further("\n[[operation]]\nname = \"schema\"\nrequest = \"GET /tenants/{tenant}/cases/{case}/schema\"\n")
    }

    /// With another secret in this variable.
    pub fn secret(mut self, variable: &str, value: &str) -> Self {
        self.secrets.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// The spec of a server at this URL.
    pub fn text(&self, url: &str) -> String {
        let text = [self.head(), self.tenants(), self.resources(), self.further.clone()].concat();
        let text = if self.tenants < TENANTS.len() { text.replace(", north-east = \"user-5\"", "") } else { text };
        let text = match self.located {
            Located::Path => text,
            Located::Header | Located::Token => text.replace("/tenants/{tenant}", ""),
        };
        let text = self.changes.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from.as_str()), "{from} is not in the spec:\n{text}");
            text.replace(from, to)
        });
        text.replace("@URL@", url)
    }

    /// What its `$NAME`s stand for.
    pub fn variables(&self) -> BTreeMap<String, String> {
        self.secrets.clone()
    }

    fn head(&self) -> String {
        let locator = match self.located {
            Located::Path => "path",
            Located::Header => "header:X-Tenant-Id",
            Located::Token => "token",
        };
        let tokens = match self.proof {
            Proof::Key => String::new(),
            Proof::Jwt => TOKENS.to_owned(),
            Proof::Opaque => TOKENS.replace("\"jwt\"", "\"opaque\""),
        };
        let issuers: Vec<String> =
            TENANTS.iter().take(self.tenants).map(|name| format!("\"@URL@/issuers/{name}\"")).collect();
        format!("{TARGET}\n[tenancy]\nlocator = \"{locator}\"\nfields = [\"tenantId\"]\n{tokens}")
            .replace("@ISSUERS@", &issuers.join(", "))
    }

    fn resources(&self) -> String {
        RESOURCES.iter().filter(|(name, _)| self.only.contains(name)).map(|(_, text)| *text).collect()
    }

    fn tenants(&self) -> String {
        let url = |name: &str| if self.has_own_urls { format!("url = \"@URL@/at/{name}\"\n") } else { String::new() };
        let principals = |tenant: usize| {
            let own = CLIENTS.iter().filter(move |c| c.tenant == tenant && self.principals.contains(&c.principal));
            own.map(|client| self.principal(client)).collect::<String>()
        };
        let tenants = TENANTS.iter().enumerate().take(self.tenants);
        tenants.map(|(n, name)| format!("\n[[tenant]]\nid = \"{name}\"\n{}{}", url(name), principals(n))).collect()
    }

    fn principal(&self, client: &Client) -> String {
        let Client { principal, variable, tenant, .. } = client;
        let grant = match self.proof {
            Proof::Key => format!("grant = \"header\"\nheader = \"X-Api-Key\"\nvalue = \"${variable}\"\n"),
            Proof::Jwt | Proof::Opaque => format!(
                "grant = \"client_credentials\"\ntoken_url = \"@URL@/issuers/{}/token\"\nclient_id = \"{}\"\n\
                 client_secret = \"${variable}\"\nscope = \"case:read case:write\"\n",
                TENANTS[*tenant],
                client.id(),
            ),
        };
        let names = match client.names {
            None => "names = \"none\"\n".to_owned(),
            Some(own) if own == *tenant => String::new(),
            Some(other) => format!("names = \"{}\"\n", TENANTS[other]),
        };
        format!("[[tenant.principal]]\nname = \"{principal}\"\n{grant}{names}")
    }
}

/// A spec from a text.
pub fn spec_of(text: &str, variables: &BTreeMap<String, String>) -> Spec {
    let today = time::Date::from_ordinal_date(2026, 1).unwrap();
    watertight_spec::parse(Path::new("testbed.toml"), text, variables, today)
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

#[cfg(test)]
mod tests {
    use watertight_spec::Names;

    use super::*;

    #[test]
    fn every_variant_is_a_spec() {
        let variants = [
            Fixture::by_path(),
            Fixture::by_header(),
            Fixture::by_token(),
            Fixture::tokens(),
            Fixture::by_path().two_tenants().opaque(),
            Fixture::by_path().with_schema().one_at_a_time(),
            Fixture::by_token().own_urls().only(&["case"]),
            Fixture::remote(),
        ];
        for fixture in variants {
            let spec = spec_of(&fixture.text("http://127.0.0.1:1"), &fixture.variables());
            assert!(!spec.operations.is_empty());
        }
        let spec = spec_of(&Fixture::tokens().text("http://127.0.0.1:1"), &Fixture::tokens().variables());
        let names: Vec<_> = spec.tenants.iter().flat_map(|t| &t.principals).map(|p| &p.names).collect();
        assert!(matches!(names.as_slice(), [Names::Own, Names::Other(south), Names::Own] if south.as_str() == "south"));
    }
}
