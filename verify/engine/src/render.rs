//! A call as it goes out: with the real credentials in a live run, with their placeholders when a bundle is judged.
//!
//! Every secret travels as a [`Text`], a pair of what is sent and what is shown. A request is rendered once, from
//! pairs, so what the log shows cannot differ from what was sent in anything but the secrets; and a replay, in which
//! both halves are placeholders, renders the very text that the log holds.

mod files;
mod logins;

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use watertight_spec::{Credential, FileForm, PrivateKey, Setting, Spec, TokenCommand, Totp, UploadedFile, Who};

use self::files::file_of;
use self::logins::{act_request, token_request};
use crate::call::{Address, BOUNDARY, Call, Caller, Forged, Forgery, Payload, encode};
use crate::credentials::{Carried, Jar, assertion, totp};
use crate::log::{IssuedSession, Sender, Sent, Written, escaped};
use crate::moment::Moments;
use crate::redact::Goes;

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
    /// Both halves, one behind the other.
    fn and(&self, joint: &str, other: &Self) -> Self {
        Self::secret(format!("{}{joint}{}", self.real(), other.real()), format!("{}{joint}{}", self.shown, other.shown))
    }
    /// A path and query with one more parameter.
    fn with_parameter(&self, name: &str, value: &Self) -> Self {
        let joint = if self.shown.contains('?') { '&' } else { '?' };
        let name = encode(name);
        Self::secret(
            format!("{}{joint}{name}={}", self.real(), encode(value.real())),
            format!("{}{joint}{name}={}", self.shown, value.shown),
        )
    }
    /// What is shown within an encoding: a placeholder stays as it is, so that it is the same everywhere.
    pub(crate) fn shown_in(&self, encode: impl Fn(&str) -> String) -> String {
        match self.kind {
            TextKind::Plain => encode(&self.shown),
            TextKind::Secret => self.shown.clone(),
        }
    }
}

/// A request ready for the wire, and as the log shows it.
pub(crate) struct Rendered {
    pub(crate) origin: url::Url,
    pub(crate) method: String,
    pub(crate) target: Text,
    pub(crate) headers: Vec<(String, Text)>,
    pub(crate) body: Option<Text>,
    /// How both halves of that stand for its bytes.
    pub(crate) written: Written,
    pub(crate) sender: Sender,
    pub(crate) by: String,
}

impl Rendered {
    /// Bytes of it, as it is shown: the same in a replay.
    fn length(&self) -> usize {
        let texts = self.headers.iter().map(|(_, value)| value).chain([&self.target]).chain(&self.body);
        texts.map(|text| text.shown.len()).sum()
    }

    /// With the time in place of every moment, for a request that is sent so many milliseconds after `moments` began.
    pub(crate) fn sent_at(mut self, moments: &Moments, at: u64) -> Self {
        let texts = self.headers.iter_mut().map(|(_, value)| value).chain([&mut self.target]).chain(&mut self.body);
        for text in texts {
            if let Some(shown) = moments.put(&text.shown, at) {
                let real = moments.put(text.real(), at).unwrap_or_else(|| text.real().to_owned());
                *text = Text { real: real.into(), shown, kind: text.kind };
            }
        }
        self
    }

    pub(crate) fn sent(&self) -> Sent {
        Sent {
            method: self.method.clone(),
            origin: self.origin.origin().ascii_serialization(),
            target: self.target.shown().to_owned(),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), value.shown().to_owned())).collect(),
            body: self.body.as_ref().map(|body| body.shown().to_owned()),
            written: self.written,
        }
    }
}

/// What rendering needs to know of secrets.
pub(crate) trait Secrets {
    /// What a principal's session carries, and the event that brought it.
    fn session(&self, who: Who) -> Option<(u64, Carried)>;
    /// What the steps of a principal's log-in have set and told so far.
    fn jar(&self, who: Who) -> Jar;
    /// What stands for a secret of the spec.
    fn shown(&self, secret: &str) -> String;
    /// A principal's current token, and the event that brought it.
    fn current(&self, who: Who) -> Option<(u64, Text)>;
    /// What an event brought, with the principal for whom it was issued.
    fn issued(&self, seq: u64) -> Option<(Who, Held)>;
    /// A token made from a genuine one.
    fn forge(&self, genuine: &Text, what: &Forged) -> Result<Text, String>;
    /// A signed assertion.
    fn sign(&self, key: &PrivateKey, claims: &BTreeMap<String, String>) -> Result<Text, String>;
    /// A one-time code that was not sent before.
    fn one_time_code(&self, totp: &Totp) -> Result<Text, String>;
    /// Text that came from the target, as it was before it was redacted.
    fn as_it_was(&self, text: &str, goes: Goes) -> String;
}

/// What an event brought.
pub(crate) enum Held {
    /// A token.
    Token(Text),
    /// What a session carries.
    Session(Carried),
}

/// Why a call can't be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unrendered {
    /// There is no token.
    NoToken(String),
    /// Anything else.
    Other(String),
}

impl From<String> for Unrendered {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

impl From<&str> for Unrendered {
    fn from(why: &str) -> Self {
        Self::Other(why.to_owned())
    }
}

/// Bytes of a request as it is shown. It may hold what a target handed out, and a line of the log has it whole.
const LONGEST: usize = 4 << 20;

/// A call as it goes out.
pub(crate) fn render(call: &Call, spec: &Spec, secrets: &dyn Secrets) -> Result<Rendered, Unrendered> {
    let rendered = unbounded(call, spec, secrets)?;
    match rendered.length() > LONGEST {
        true => Err(format!("the request would be longer than {LONGEST} bytes").into()),
        false => Ok(rendered),
    }
}

fn unbounded(call: &Call, spec: &Spec, secrets: &dyn Secrets) -> Result<Rendered, Unrendered> {
    match call {
        Call::Api(request) => {
            let tenant = &spec[request.at];
            let origin = request.origin.as_deref().unwrap_or(&tenant.url);
            let Authorization { sender, by, headers: auth, query, form } =
                authorization(&request.caller, origin, spec, secrets)?;
            // What all forms have may be all that one has.
            let is_write = !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
            let bare = Payload::Form(Vec::new());
            let payload = request.body.as_ref().or((is_write && !form.is_empty()).then_some(&bare));
            let mut headers = vec![];
            if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
                headers.push(("host".to_owned(), Text::plain(host(origin))));
            }
            let is_given = |name: &str| request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
            headers.extend(common().into_iter().filter(|(name, _)| !is_given(name)));
            headers.extend(auth);
            let names_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
            if let Some(payload) = payload.filter(|_| !request.headers.iter().any(names_type)) {
                headers.push(("content-type".to_owned(), Text::plain(payload.kind())));
            }
            let body = payload.map(|payload| body_of(payload, &form, secrets));
            headers.extend(request.headers.iter().map(|(name, value)| (name.clone(), returned(value, secrets))));
            let headers = with_one_cookie_header(headers);
            // A target's own base path (`https://host/api`) comes before the path of the spec.
            let base = match &request.origin {
                Some(_) => "",
                None => tenant.url.path().trim_end_matches('/'),
            };
            let target = address(&request.address, secrets).framed(|path| format!("{base}{path}"));
            let target = query.iter().fold(target, |target, (name, value)| target.with_parameter(name, value));
            let written = payload.map_or(Written::Plain, Payload::written);
            let (origin, method) = (origin.clone(), request.method.clone());
            Ok(Rendered { origin, method, target, headers, body, written, sender, by })
        }
        Call::Token(ask) => token_request(ask, spec, secrets),
        Call::Act(ask) => act_request(ask, spec, secrets),
        Call::Discovery { issuer } => {
            let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
            fetch(&url)
        }
        Call::Keys { url, .. } => fetch(url),
    }
}

/// Those of a session and those that name the tenant: all cookies are in one header (RFC 6265 5.4).
fn with_one_cookie_header(headers: Vec<(String, Text)>) -> Vec<(String, Text)> {
    let mut joined: Vec<(String, Text)> = Vec::with_capacity(headers.len());
    let is_cookie = |name: &str| name.eq_ignore_ascii_case("cookie");
    for (name, value) in headers {
        match joined.iter_mut().find(|(other, _)| is_cookie(other) && is_cookie(&name)) {
            Some((_, first)) => *first = first.and("; ", &value),
            None => joined.push((name, value)),
        }
    }
    joined
}

/// A value that may have come from the target.
fn returned(text: &str, secrets: &dyn Secrets) -> Text {
    Text::secret(secrets.as_it_was(text, Goes::Bare), text)
}

/// What a request brings; `form` is what every form has of the session, in place of members of its own.
fn body_of(payload: &Payload, form: &[(String, Text)], secrets: &dyn Secrets) -> Text {
    let is_own = |name: &str| !form.iter().any(|(other, _)| other == name);
    match payload {
        Payload::Json(json) => returned_json(json, secrets),
        Payload::Form(members) => {
            let own = members.iter().filter(|(name, _)| is_own(name));
            let own = own.map(|(name, value)| (name.clone(), returned(value, secrets)));
            form_body(&own.chain(form.iter().cloned()).collect::<Vec<_>>())
        }
        Payload::Multipart(parts) => {
            let own = parts.iter().filter(|part| is_own(&part.name));
            let own = own.map(|part| (part.name.as_str(), part.file.as_ref(), returned(&part.text, secrets)));
            let further = form.iter().map(|(name, text)| (name.as_str(), None, text.clone()));
            multipart_body(&own.chain(further).collect::<Vec<_>>(), payload.written())
        }
        Payload::Text { text, .. } => returned(text, secrets),
    }
}

/// RFC 7578 4: each part with its name, and a file with its own and its type.
fn multipart_body(parts: &[(&str, Option<&UploadedFile>, Text)], written: Written) -> Text {
    let show = |bytes: &[u8]| match written {
        Written::Plain => String::from_utf8_lossy(bytes).into_owned(),
        Written::Escaped => escaped(bytes),
    };
    let whole = |pick: &dyn Fn(&Text) -> String| {
        let mut body = String::new();
        for (name, file, text) in parts {
            let mut head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"");
            if let Some(UploadedFile { name, kind, .. }) = file {
                head += &format!("; filename=\"{name}\"\r\ncontent-type: {kind}");
            }
            let content = file_of(file.map_or(FileForm::Text, |file| file.form), pick(text).as_bytes());
            body += &format!("{}\r\n\r\n{}\r\n", show(head.as_bytes()), show(&content));
        }
        body + &format!("--{BOUNDARY}--\r\n")
    };
    Text::secret(whole(&|text| text.real().to_owned()), whole(&|text| text.shown().to_owned()))
}

/// The same in every text of a document.
fn returned_json(json: &Value, secrets: &dyn Secrets) -> Text {
    fn real(json: &Value, secrets: &dyn Secrets) -> Value {
        match json {
            Value::String(text) => Value::String(secrets.as_it_was(text, Goes::Bare)),
            Value::Array(items) => items.iter().map(|item| real(item, secrets)).collect(),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), real(value, secrets))).collect())
            }
            other => other.clone(),
        }
    }
    Text::secret(real(json, secrets).to_string(), json.to_string())
}

fn address(address: &Address, secrets: &dyn Secrets) -> Text {
    use crate::call::Piece;
    let real: String = address
        .pieces()
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => secrets.as_it_was(text, Goes::AsWritten),
            Piece::Value(value) => encode(&secrets.as_it_was(value, Goes::Bare)),
        })
        .collect();
    Text::secret(real, address.shown())
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

fn fetch(url: &str) -> Result<Rendered, Unrendered> {
    let url: url::Url = url.parse().map_err(|_| format!("{url:?} is no URL"))?;
    Ok(Rendered {
        method: "GET".into(),
        target: Text::plain(origin_form(&url)),
        headers: [vec![("host".to_owned(), Text::plain(host(&url)))], common()].concat(),
        body: None,
        written: Written::Plain,
        sender: Sender::Anonymous,
        by: "anonymous".into(),
        origin: url,
    })
}

fn origin_form(url: &url::Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// What a request is sent with, and as whom.
struct Authorization {
    sender: Sender,
    by: String,
    headers: Vec<(String, Text)>,
    /// Parameters of the query.
    query: Vec<(String, Text)>,
    /// What forms have besides their own members.
    form: Vec<(String, Text)>,
}

impl Authorization {
    fn new(sender: Sender, by: String, headers: Vec<(String, Text)>) -> Self {
        Self { sender, by, headers, query: Vec::new(), form: Vec::new() }
    }
}

/// What a caller proves itself with in a request to an origin.
fn authorization(
    caller: &Caller,
    origin: &url::Url,
    spec: &Spec,
    secrets: &dyn Secrets,
) -> Result<Authorization, Unrendered> {
    // At another tenant's host it presents what it has for its own: that is the attack.
    let cookies_of = |who: Who| {
        let is_of_a_tenant = spec.tenants.iter().any(|tenant| tenant.url.host_str() == origin.host_str());
        let origin = if is_of_a_tenant { &spec[who.tenant].url } else { origin };
        origin.host_str().unwrap_or_default()
    };
    let bearer = |token: Text| vec![("authorization".to_owned(), token.framed(|t| format!("Bearer {t}")))];
    let hidden = |secret: &SecretString| {
        let secret = secret.expose_secret();
        Text::secret(secret, secrets.shown(secret))
    };
    let key = |(name, value): &(String, SecretString)| (name.clone(), hidden(value));
    let missing = |who: Who| Unrendered::NoToken(format!("{} has no token", spec.name_of(who)));
    match caller {
        Caller::Anonymous => Ok(Authorization::new(Sender::Anonymous, "anonymous".into(), vec![])),
        Caller::Own(who) => {
            let (mut used, mut in_query, mut in_form) = (None, Vec::new(), Vec::new());
            let headers = match &spec[*who].credential {
                Credential::Basic { username, password } => {
                    let real = STANDARD.encode(format!("{}:{}", username.text(), password.expose_secret()));
                    let shown = secrets.shown(password.expose_secret());
                    vec![("authorization".to_owned(), Text::secret(format!("Basic {real}"), format!("Basic {shown}")))]
                }
                Credential::Keys { headers, query } => {
                    in_query = query.iter().map(key).collect();
                    headers.iter().map(key).collect()
                }
                Credential::Cookies { cookies, stored, headers, form } => {
                    in_form = form.iter().map(key).collect();
                    let named =
                        cookies.iter().map(key).map(|(name, value)| value.framed(|text| format!("{name}={text}")));
                    let stored = stored.iter().map(|stored| hidden(&stored.line));
                    let cookies: Vec<Text> = named.chain(stored).collect();
                    let line = |pick: fn(&Text) -> &str| cookies.iter().map(pick).collect::<Vec<_>>().join("; ");
                    let cookie = Text::secret(line(Text::real), line(Text::shown));
                    std::iter::once(("cookie".to_owned(), cookie)).chain(headers.iter().map(key)).collect()
                }
                Credential::Session { .. } => {
                    let missing = || Unrendered::NoToken(format!("{} is not logged in", spec.name_of(*who)));
                    let (seq, carried) = secrets.session(*who).ok_or_else(missing)?;
                    used = Some(seq);
                    in_form = carried.form().to_vec();
                    carried.to(cookies_of(*who))
                }
                Credential::Command(TokenCommand { header: Some(name), .. }) => {
                    let (seq, token) = secrets.current(*who).ok_or_else(|| missing(*who))?;
                    used = Some(seq);
                    vec![(name.clone(), token)]
                }
                Credential::Endpoint(_) | Credential::Login { .. } | Credential::Command(_) => {
                    let (seq, token) = secrets.current(*who).ok_or_else(|| missing(*who))?;
                    used = Some(seq);
                    bearer(token)
                }
            };
            let sender = Sender::Principal { who: *who, token: used };
            Ok(Authorization {
                query: in_query,
                form: in_form,
                ..Authorization::new(sender, spec.name_of(*who), headers)
            })
        }
        Caller::Issued(seq) => {
            let brought = || Unrendered::NoToken(format!("event {seq} brought no token"));
            let (who, held) = secrets.issued(*seq).ok_or_else(brought)?;
            let (headers, form) = match held {
                Held::Token(token) => (bearer(token), Vec::new()),
                Held::Session(carried) => (carried.to(cookies_of(who)), carried.form().to_vec()),
            };
            let sender = Sender::Issued { who, token: *seq };
            Ok(Authorization { form, ..Authorization::new(sender, spec.name_of(who), headers) })
        }
        Caller::Forged(what) => {
            let (seq, genuine) = secrets.current(what.who).ok_or_else(|| missing(what.who))?;
            let token = secrets.forge(&genuine, what)?;
            let sender = Sender::Forged { forged: what.clone(), token: seq };
            Ok(Authorization::new(sender, format!("{} (forged)", spec.name_of(what.who)), bearer(token)))
        }
    }
}

/// What the log shows of a forged token: what was done, and to which token. The rest is in the event's sender.
pub(crate) fn forged_label(genuine: &str, what: &Forged) -> String {
    let done = match &what.forgery {
        Forgery::NoneAlgorithm { spelling } => format!("alg {spelling}"),
        Forgery::HmacWithPublicKey { .. } => "HS256 with the public key".to_owned(),
        Forgery::AlteredClaim => "claims altered".to_owned(),
        Forgery::UnknownKid => "unknown kid".to_owned(),
        Forgery::EmbeddedKey => "embedded key".to_owned(),
        Forgery::KeyUrl { parameter } => format!("key from {parameter}"),
        Forgery::EmptySignature => "empty signature".to_owned(),
        Forgery::UnknownCritical => "unknown crit".to_owned(),
    };
    let claims: serde_json::Map<String, Value> =
        what.claims.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    format!("[forged: {done}; {}; from {genuine}]", Value::Object(claims))
}

/// A text of the spec: shown, unless its variable is a secret elsewhere.
fn setting(setting: &Setting, spec: &Spec, secrets: &dyn Secrets) -> Text {
    match setting.is_secret(spec) {
        true => Text::secret(setting.text(), secrets.shown(setting.text())),
        false => Text::plain(setting.text()),
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

/// What a replay knows: placeholders.
#[derive(Default)]
pub(crate) struct Placeholders {
    /// Placeholders of this part of the run, by what the spec has for the secret.
    pub(crate) variables: HashMap<String, String>,
    /// By the event that brought it.
    pub(crate) issued: BTreeMap<u64, (Who, String)>,
    /// What sessions carry, by the event that brought it.
    pub(crate) sessions: BTreeMap<u64, IssuedSession>,
    /// What each principal's log-in has told so far.
    pub(crate) jars: HashMap<Who, Jar>,
    /// The token that the event at hand says it used, where a principal's current one is asked for.
    pub(crate) used: Option<u64>,
}

impl Secrets for Placeholders {
    fn shown(&self, secret: &str) -> String {
        self.variables.get(secret).cloned().unwrap_or_else(|| secret.to_owned())
    }
    fn current(&self, who: Who) -> Option<(u64, Text)> {
        let seq = self.used?;
        let (owner, token) = self.issued.get(&seq)?;
        (*owner == who).then(|| (seq, Text::secret(token.clone(), token.clone())))
    }
    fn session(&self, who: Who) -> Option<(u64, Carried)> {
        let seq = self.used?;
        let session = self.sessions.get(&seq)?;
        (session.who == who).then(|| (seq, Carried::recorded(session)))
    }
    fn jar(&self, who: Who) -> Jar {
        self.jars.get(&who).cloned().unwrap_or_default()
    }
    fn issued(&self, seq: u64) -> Option<(Who, Held)> {
        match (self.sessions.get(&seq), self.issued.get(&seq)) {
            (Some(session), _) => Some((session.who, Held::Session(Carried::recorded(session)))),
            (None, Some((who, token))) => Some((*who, Held::Token(Text::secret(token.clone(), token.clone())))),
            (None, None) => None,
        }
    }
    fn forge(&self, genuine: &Text, what: &Forged) -> Result<Text, String> {
        let label = forged_label(genuine.shown(), what);
        Ok(Text::secret(label.clone(), label))
    }
    fn sign(&self, _: &PrivateKey, _: &BTreeMap<String, String>) -> Result<Text, String> {
        Ok(Text::secret(assertion::SHOWN, assertion::SHOWN))
    }
    fn one_time_code(&self, _: &Totp) -> Result<Text, String> {
        Ok(Text::secret(totp::SHOWN, totp::SHOWN))
    }
    fn as_it_was(&self, text: &str, _: Goes) -> String {
        text.to_owned()
    }
}
