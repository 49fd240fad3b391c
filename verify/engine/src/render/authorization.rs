//! What a request proves itself with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use watertight_spec::{Credential, Spec, TokenCommand, Who};

use super::{Held, Secrets, Text, Unrendered};
use crate::call::{Caller, Forged, Forgery};
use crate::log::Sender;

/// What a request is sent with, and as whom.
pub(super) struct Authorization {
    pub(super) sender: Sender,
    pub(super) by: String,
    pub(super) headers: Vec<(String, Text)>,
    /// Parameters of the query.
    pub(super) query: Vec<(String, Text)>,
    /// What forms have besides their own members.
    pub(super) form: Vec<(String, Text)>,
}

impl Authorization {
    pub(super) fn new(sender: Sender, by: String, headers: Vec<(String, Text)>) -> Self {
        Self { sender, by, headers, query: Vec::new(), form: Vec::new() }
    }
}

/// What a caller proves itself with in a request to an origin.
pub(super) fn authorization(
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
