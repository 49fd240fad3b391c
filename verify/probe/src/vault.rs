//! Credentials and tokens: the real ones in a live run, only their placeholders when a bundle is judged offline.
//!
//! Every secret travels as a [`Text`], a pair of what is sent and what is shown. A request is rendered once, from
//! pairs, so what the trace shows cannot differ from what was sent in anything but the secrets; and a replay, in which
//! both halves are placeholders, renders the very text that the trace holds.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use watertight_spec::{ClientAuth, Credential, LoginEncoding, LoginValue, Spec};

use crate::request::{Call, Caller, Forged, Intent, TokenCall, Who};
use crate::trace::Sent;

/// What is sent, and what is shown in its place.
#[derive(Clone)]
pub(crate) struct Text {
    real: SecretString,
    shown: String,
    kind: TextKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TextKind {
    Plain,
    Secret,
}

impl Text {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        let shown = text.into();
        Self { real: shown.clone().into(), shown, kind: TextKind::Plain }
    }
    pub(crate) fn secret(real: impl Into<String>, shown: impl Into<String>) -> Self {
        Self { real: real.into().into(), shown: shown.into(), kind: TextKind::Secret }
    }
    pub(crate) fn real(&self) -> &str {
        self.real.expose_secret()
    }
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }
    /// Both halves put through the same frame.
    fn framed(&self, frame: impl Fn(&str) -> String) -> Self {
        Self { real: frame(self.real()).into(), shown: frame(&self.shown), kind: self.kind }
    }
    /// What is shown within an encoding: a placeholder stays as it is, so that it is the same everywhere.
    fn shown_in(&self, encode: impl Fn(&str) -> String) -> String {
        match self.kind {
            TextKind::Plain => encode(&self.shown),
            TextKind::Secret => self.shown.clone(),
        }
    }
}

/// A request ready for the wire, and as the trace shows it.
pub(crate) struct Rendered {
    pub(crate) origin: url::Url,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Text)>,
    pub(crate) body: Option<Text>,
    pub(crate) tenant: Option<usize>,
    pub(crate) by: String,
    pub(crate) intent: Intent,
}

impl Rendered {
    pub(crate) fn sent(&self) -> Sent {
        Sent {
            method: self.method.clone(),
            origin: self.origin.origin().ascii_serialization(),
            target: self.target.clone(),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), value.shown().to_owned())).collect(),
            body: self.body.as_ref().map(|body| body.shown().to_owned()),
        }
    }
}

/// What rendering needs to know of secrets.
pub(crate) trait Secrets {
    /// What stands for a secret of the spec.
    fn shown(&self, secret: &str) -> String;
    /// A principal's current token.
    fn current(&self, who: Who) -> Option<Text>;
    /// The token that an exchange brought, with the principal for whom it was issued.
    fn issued(&self, seq: u64) -> Option<(Who, Text)>;
    /// A token made from a genuine one.
    fn forge(&self, genuine: &Text, what: &Forged) -> Result<Text, String>;
}

/// A call as it goes out.
pub(crate) fn render(call: &Call, spec: &Spec, secrets: &dyn Secrets) -> Result<Rendered, String> {
    match call {
        Call::Api(request) => {
            let tenant = spec.tenants.get(request.at).ok_or("no such tenant")?;
            let (who, by, auth) = authorization(&request.caller, spec, secrets)?;
            let mut headers = vec![];
            if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
                headers.push(("host".to_owned(), Text::plain(host(&tenant.url))));
            }
            headers.extend(common());
            headers.extend(auth);
            let body = request.body.as_ref().map(|json| Text::plain(json.to_string()));
            if body.is_some() {
                headers.push(("content-type".to_owned(), Text::plain("application/json")));
            }
            headers.extend(request.headers.iter().map(|(name, value)| (name.clone(), Text::plain(value.clone()))));
            // A target's own base path (`https://host/api`) comes before the path of the spec.
            let base = tenant.url.path().trim_end_matches('/');
            let target = format!("{base}{}", request.target);
            Ok(Rendered {
                origin: tenant.url.clone(),
                method: request.method.clone(),
                target,
                headers,
                body,
                tenant: who.map(|w| w.tenant),
                by,
                intent: request.intent,
            })
        }
        Call::Token(ask) => token_request(ask, spec, secrets),
        Call::Discovery { issuer } => {
            let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
            fetch(&url)
        }
        Call::Keys { url, .. } => fetch(url),
    }
}

fn common() -> Vec<(String, Text)> {
    [
        ("user-agent", concat!("watertight/", env!("CARGO_PKG_VERSION"))),
        ("accept", "application/json, */*;q=0.5"),
        ("accept-encoding", "identity"),
    ]
    .map(|(name, value)| (name.to_owned(), Text::plain(value)))
    .to_vec()
}

fn host(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn fetch(url: &str) -> Result<Rendered, String> {
    let url: url::Url = url.parse().map_err(|_| format!("{url:?} is no URL"))?;
    Ok(Rendered {
        method: "GET".into(),
        target: origin_form(&url),
        headers: [vec![("host".to_owned(), Text::plain(host(&url)))], common()].concat(),
        body: None,
        tenant: None,
        by: "anonymous".into(),
        intent: Intent::Own,
        origin: url,
    })
}

fn origin_form(url: &url::Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// `tenant/principal`, as people read it.
pub(crate) fn label(spec: &Spec, who: Who) -> String {
    let tenant = spec.tenants.get(who.tenant);
    let principal = tenant.and_then(|t| t.principals.get(who.principal));
    format!("{}/{}", tenant.map_or("?", |t| t.id.as_str()), principal.map_or("?", |p| p.name.as_str()),)
}

fn credential(spec: &Spec, who: Who) -> Result<&Credential, String> {
    let principal = spec.tenants.get(who.tenant).and_then(|t| t.principals.get(who.principal));
    principal.map(|p| &p.credential).ok_or_else(|| "no such principal".into())
}

type Authorization = (Option<Who>, String, Vec<(String, Text)>);

fn authorization(caller: &Caller, spec: &Spec, secrets: &dyn Secrets) -> Result<Authorization, String> {
    let bearer = |token: Text| vec![("authorization".to_owned(), token.framed(|t| format!("Bearer {t}")))];
    match caller {
        Caller::Anonymous => Ok((None, "anonymous".into(), vec![])),
        Caller::Own(who) => {
            let headers = match credential(spec, *who)? {
                Credential::Basic { username, password } => {
                    let real = STANDARD.encode(format!("{username}:{}", password.expose_secret()));
                    let shown = secrets.shown(password.expose_secret());
                    vec![("authorization".to_owned(), Text::secret(format!("Basic {real}"), format!("Basic {shown}")))]
                }
                Credential::Header { header, value } => {
                    let value = value.expose_secret();
                    vec![(header.clone(), Text::secret(value, secrets.shown(value)))]
                }
                Credential::ClientCredentials { .. } | Credential::Login { .. } => {
                    let token = secrets.current(*who).ok_or_else(|| format!("{} has no token", label(spec, *who)))?;
                    bearer(token)
                }
            };
            Ok((Some(*who), label(spec, *who), headers))
        }
        Caller::Issued(seq) => {
            let (who, token) = secrets.issued(*seq).ok_or_else(|| format!("exchange {seq} brought no token"))?;
            Ok((Some(who), label(spec, who), bearer(token)))
        }
        Caller::Forged(what) => {
            let genuine = secrets.current(what.who).ok_or_else(|| format!("{} has no token", label(spec, what.who)))?;
            let token = secrets.forge(&genuine, what)?;
            Ok((Some(what.who), format!("{} (forged)", label(spec, what.who)), bearer(token)))
        }
    }
}

/// What the trace shows of a forged token: what was done, the claims that were set, as JSON, and to which token.
pub(crate) fn forged_label(genuine: &str, what: &Forged) -> String {
    let claims: serde_json::Map<String, Value> =
        what.claims.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    format!("[forged {:?} | {} | from {genuine}]", what.forgery, Value::Object(claims))
}

fn token_request(ask: &TokenCall, spec: &Spec, secrets: &dyn Secrets) -> Result<Rendered, String> {
    let label = label(spec, ask.who);
    match credential(spec, ask.who)? {
        Credential::ClientCredentials { token_url, client_id, client_secret, scope, client_auth } => {
            let secret = match ask.secret_of {
                None => client_secret.expose_secret(),
                Some(other) => match credential(spec, other)? {
                    Credential::ClientCredentials { client_secret, .. } => client_secret.expose_secret(),
                    _ => return Err("the other principal has no client secret".into()),
                },
            };
            let secret = Text::secret(secret, secrets.shown(secret));
            let mut form = vec![("grant_type".to_owned(), Text::plain("client_credentials"))];
            form.extend(ask.scope.as_ref().or(scope.as_ref()).map(|s| ("scope".to_owned(), Text::plain(s.clone()))));
            form.extend(ask.extra.iter().map(|(name, value)| (name.clone(), Text::plain(value.clone()))));
            let mut headers = vec![];
            match client_auth {
                // RFC 6749 2.3.1: id and secret are form-encoded before they are joined.
                ClientAuth::Basic => {
                    let real = STANDARD.encode(format!("{}:{}", form_text(client_id), form_text(secret.real())));
                    let shown = format!("Basic {client_id}:{}", secret.shown());
                    headers.push(("authorization".to_owned(), Text::secret(format!("Basic {real}"), shown)));
                }
                ClientAuth::Post => {
                    form.push(("client_id".to_owned(), Text::plain(client_id.clone())));
                    form.push(("client_secret".to_owned(), secret));
                }
            }
            Ok(post(token_url, headers, "application/x-www-form-urlencoded", form_body(&form), ask.who, label))
        }
        Credential::Login { url, method, fields, encoding, .. } => {
            let values: Vec<(String, Text)> = fields
                .iter()
                .map(|(name, value)| match value {
                    LoginValue::Plain(text) => (name.clone(), Text::plain(text.clone())),
                    LoginValue::Secret(secret) => {
                        let secret = secret.expose_secret();
                        (name.clone(), Text::secret(secret, secrets.shown(secret)))
                    }
                })
                .collect();
            let (kind, body) = match encoding {
                LoginEncoding::Form => ("application/x-www-form-urlencoded", form_body(&values)),
                LoginEncoding::Json => ("application/json", json_body(&values)),
            };
            let mut rendered = post(url, vec![], kind, body, ask.who, label);
            rendered.method.clone_from(method);
            Ok(rendered)
        }
        Credential::Basic { .. } | Credential::Header { .. } => Err(format!("{label} uses no tokens")),
    }
}

fn post(url: &url::Url, auth: Vec<(String, Text)>, kind: &str, body: Text, who: Who, by: String) -> Rendered {
    let mut headers = vec![("host".to_owned(), Text::plain(host(url)))];
    headers.extend(common());
    headers.extend(auth);
    headers.push(("content-type".to_owned(), Text::plain(kind)));
    Rendered {
        origin: url.clone(),
        method: "POST".into(),
        target: origin_form(url),
        headers,
        body: Some(body),
        tenant: Some(who.tenant),
        by,
        intent: Intent::Own,
    }
}

fn form_text(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn form_body(fields: &[(String, Text)]) -> Text {
    let encode = |pick: &dyn Fn(&Text) -> String| {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", form_text(name), pick(value))).collect();
        pairs.join("&")
    };
    Text::secret(encode(&|value| form_text(value.real())), encode(&|value| value.shown_in(form_text)))
}

fn json_body(fields: &[(String, Text)]) -> Text {
    let encode = |pick: &dyn Fn(&Text) -> String| {
        Value::Object(fields.iter().map(|(name, value)| (name.clone(), Value::String(pick(value)))).collect())
            .to_string()
    };
    Text::secret(encode(&|value| value.real().to_owned()), encode(&|value| value.shown().to_owned()))
}

/// What a replay knows: placeholders.
#[derive(Default)]
pub(crate) struct Placeholders {
    pub(crate) current: BTreeMap<Who, String>,
    pub(crate) issued: BTreeMap<u64, (Who, String)>,
}

impl Secrets for Placeholders {
    fn shown(&self, secret: &str) -> String {
        secret.to_owned()
    }
    fn current(&self, who: Who) -> Option<Text> {
        self.current.get(&who).map(|p| Text::secret(p.clone(), p.clone()))
    }
    fn issued(&self, seq: u64) -> Option<(Who, Text)> {
        self.issued.get(&seq).map(|(who, p)| (*who, Text::secret(p.clone(), p.clone())))
    }
    fn forge(&self, genuine: &Text, what: &Forged) -> Result<Text, String> {
        let label = forged_label(genuine.shown(), what);
        Ok(Text::secret(label.clone(), label))
    }
}
