//! The issuers: each tenant has one, with a token endpoint, metadata and keys.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::answer::{Answer, Asked};
use crate::clients::{Client, TENANTS, client_of};
use crate::fixture::{Fixture, Proof};
use crate::keys::{self, Signer};
use crate::seen::Presented;
use crate::switch::Switch;

/// The audience of this API.
pub(crate) const AUDIENCE: &str = "case-api";
const SCOPE: [&str; 2] = ["case:read", "case:write"];
const LIFETIME: u32 = 300;

/// A token that was granted.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) client: &'static Client,
    pub(crate) audience: String,
    pub(crate) dies: Instant,
}

/// A request at a token endpoint.
pub(crate) struct TokenRequest {
    /// The client that it names.
    client: Option<&'static Client>,
    secret: String,
    form: BTreeMap<String, String>,
}

impl TokenRequest {
    pub(crate) fn new(asked: &Asked) -> Self {
        let form = form(&asked.text);
        let basic = asked.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let basic = basic.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
        // RFC 6749 2.3.1: each half is form-encoded.
        let plain = |text: &str| form_text(text);
        let (id, secret) = match basic.as_deref().and_then(|pair| pair.split_once(':')) {
            Some((id, secret)) => (plain(id), plain(secret)),
            None => {
                let member = |name: &str| form.get(name).cloned().unwrap_or_default();
                (member("client_id"), member("client_secret"))
            }
        };
        Self { client: client_of(&id), secret, form }
    }

    /// The tenant whose client it names.
    pub(crate) fn by(&self) -> Option<usize> {
        self.client.map(|client| client.tenant)
    }

    /// Whether it asks for what it must not be given.
    pub(crate) fn crosses(&self, fixture: &Fixture) -> bool {
        !self.is_authentic(fixture) || self.scope().split(' ').any(|word| !SCOPE.contains(&word))
    }

    pub(crate) fn presented(&self, fixture: &Fixture) -> Presented {
        if self.is_authentic(fixture) { Presented::Own } else { Presented::Nothing }
    }

    fn is_authentic(&self, fixture: &Fixture) -> bool {
        self.client.is_some_and(|client| fixture.variables().get(client.variable) == Some(&self.secret))
    }

    fn scope(&self) -> String {
        self.form.get("scope").cloned().unwrap_or_else(|| SCOPE.join(" "))
    }
}

fn form(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn form_text(text: &str) -> String {
    url::form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// Tokens, and how they are granted.
#[derive(Debug, Default)]
pub(crate) struct Issuers {
    /// By their text.
    pub(crate) issued: BTreeMap<String, Issued>,
    serial: u64,
}

impl Issuers {
    /// The answer of a token endpoint (RFC 6749 5).
    pub(crate) fn grant(
        &mut self,
        request: &TokenRequest,
        fixture: &Fixture,
        switches: &[Switch],
        url: &str,
    ) -> Answer {
        let refuse = |status, error: &str| Answer::json(status, &json!({ "error": error }));
        let is = |switch| switches.contains(&switch);
        let Some(client) = request.client else { return refuse(401, "invalid_client") };
        if !request.is_authentic(fixture) && !is(Switch::AnySecret) {
            return refuse(401, "invalid_client");
        }
        let scope = request.scope();
        if scope.split(' ').any(|word| !SCOPE.contains(&word)) && !is(Switch::AnyScope) {
            return refuse(400, "invalid_scope");
        }
        let find = |pick: fn(&Switch) -> Option<u32>| switches.iter().find_map(pick);
        let lifetime = find(|s| if let Switch::Lifetime(seconds) = s { Some(*seconds) } else { None });
        let elsewhere = find(|s| if let Switch::LifetimeElsewhere(seconds) = s { Some(*seconds) } else { None });
        let audience = request.form.get("audience").cloned().unwrap_or_else(|| AUDIENCE.to_owned());
        let lifetime = elsewhere.filter(|_| audience != AUDIENCE).or(lifetime).unwrap_or(LIFETIME);
        self.serial += 1;
        let token = if fixture.proof == Proof::Jwt && !is(Switch::OpaqueTokens) {
            let claims = self.claims(client, &audience, &scope, lifetime, switches, url);
            keys::sign(&claims, if is(Switch::SignedByAnother) { Signer::Another } else { Signer::Published })
        } else {
            format!("opaque-token-{:08}-of-{}", self.serial, client.id())
        };
        let dies = Instant::now() + Duration::from_secs(lifetime.into());
        self.issued.insert(token.clone(), Issued { client, audience, dies });
        let said = switches.iter().find_map(|s| if let Switch::AnswerScope(scope) = s { Some(*scope) } else { None });
        Answer::ok(&json!({
            "access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": said.unwrap_or(&scope),
        }))
    }

    fn claims(
        &self,
        client: &Client,
        audience: &str,
        scope: &str,
        lifetime: u32,
        switches: &[Switch],
        url: &str,
    ) -> Value {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let own = TENANTS[client.tenant];
        let mut claims = json!({
            "iss": format!("{url}/issuers/{own}"), "aud": audience, "sub": client.id(), "client_id": client.id(),
            "iat": now, "exp": now + u64::from(lifetime), "scope": scope, "jti": self.serial.to_string(),
        });
        if let Some(named) = client.names {
            claims["tenant_id"] = json!(TENANTS[named]);
        }
        for switch in switches {
            if let Switch::Claim(name, json) = switch {
                claims[*name] = serde_json::from_str(&json.replace("{tenant}", own)).unwrap();
            }
        }
        claims
    }
}

/// Metadata (OpenID Connect Discovery 1.0, 4) and keys of the issuer at this path, if it is one.
pub(crate) fn published(path: &str, url: &str) -> Option<Answer> {
    let (issuer, document) = path.strip_prefix("/issuers/")?.split_once('/')?;
    let issuer = TENANTS.iter().find(|tenant| **tenant == issuer)?;
    let issuer = format!("{url}/issuers/{issuer}");
    match document {
        ".well-known/openid-configuration" => Some(Answer::ok(&json!({
            "issuer": issuer, "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        }))),
        "keys" => Some(Answer::ok(&keys::key_set())),
        _ => None,
    }
}
