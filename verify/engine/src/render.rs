//! A call as it goes out: with the real credentials in a live run, with their placeholders when a bundle is judged.
//!
//! Every secret travels as a [`Text`], a pair of what is sent and what is shown. A request is rendered once, from
//! pairs, so what the log shows cannot differ from what was sent in anything but the secrets; and a replay, in which
//! both halves are placeholders, renders the very text that the log holds.
//!
//! - here: requests, and what rendering must be told. [`text`]: the pair.
//! - [`mod@authorization`]: what a request proves itself with. [`logins`]: requests for tokens, and of acts.
//! - [`body`], [`files`]: what a request brings.
//! - [`placeholders`]: what a replay knows of secrets.

mod authorization;
mod body;
mod files;
mod logins;
mod placeholders;
mod text;

use std::collections::BTreeMap;

use watertight_spec::{PrivateKey, Setting, Spec, Totp, Who};

pub(crate) use self::authorization::forged_label;
use self::authorization::{Authorization, authorization};
use self::body::{body_of, form_body, form_text, returned};
use self::logins::{act_request, token_request};
pub(crate) use self::placeholders::Placeholders;
pub(crate) use self::text::Text;
use crate::call::{Address, Call, Forged, Payload, encode};
use crate::credentials::{Carried, Jar};
use crate::log::{Sender, Sent, Written};
use crate::moment::Moments;
use crate::redact::Goes;

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
        texts.map(|text| text.shown().len()).sum()
    }

    /// With the time in place of every moment, for a request that is sent so many milliseconds after `moments` began.
    pub(crate) fn sent_at(mut self, moments: &Moments, at: u64) -> Self {
        let texts = self.headers.iter_mut().map(|(_, value)| value).chain([&mut self.target]).chain(&mut self.body);
        for text in texts {
            if let Some(sent) = text.sent_at(moments, at) {
                *text = sent;
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
            // What a session adds to every form makes a form of a request that brings nothing.
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

/// A text of the spec: shown, unless its variable is a secret elsewhere.
fn setting(setting: &Setting, spec: &Spec, secrets: &dyn Secrets) -> Text {
    match setting.is_secret(spec) {
        true => Text::secret(setting.text(), secrets.shown(setting.text())),
        false => Text::plain(setting.text()),
    }
}
