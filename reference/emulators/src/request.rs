//! From the bytes of a token request to a client's claim to be someone, and what it asks for.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

/// What a client asks for, beside being who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// Scopes asked for; empty when the request names none.
    pub scopes: BTreeSet<String>,
    /// The API that the token is to be for, when not the default one.
    pub audience: Option<String>,
}

/// Credentials as presented, not yet believed.
pub(crate) struct Presented {
    pub(crate) client_id: String,
    pub(crate) secret: SecretString,
    pub(crate) by: Method,
}

/// How the client authenticates (RFC 6749 2.3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Basic,
    Post,
}

/// Why a token request cannot be served; each is an error code of RFC 6749 5.2 or RFC 8707 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request is not well-formed.
    InvalidRequest(&'static str),
    /// Unknown client or wrong secret, never told apart; challenged when it used the header.
    InvalidClient { challenge: bool },
    /// Another grant than client credentials.
    UnsupportedGrantType,
    /// A scope outside the registration.
    InvalidScope,
    /// An API that is not registered.
    InvalidTarget,
}

/// Reads the form of `POST /oauth/token` with its headers.
pub(crate) fn parse(headers: &HeaderMap, form: Vec<(String, String)>) -> Result<(Presented, TokenRequest), Refusal> {
    let mut fields = Fields::new(form)?;
    let presented = credentials(headers, &mut fields)?;
    match fields.take("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::UnsupportedGrantType),
        None => return Err(Refusal::InvalidRequest("grant_type is missing")),
    }
    let scopes =
        fields.take("scope").unwrap_or_default().split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect();
    let audience = match (fields.take("audience"), fields.take("resource")) {
        (Some(audience), Some(resource)) if audience != resource => {
            return Err(Refusal::InvalidRequest("audience and resource disagree"));
        }
        (audience, resource) => audience.or(resource),
    };
    Ok((presented, TokenRequest { scopes, audience }))
}

/// Form parameters: each at most once, and an empty one counts as left out (RFC 6749 3.2).
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn new(form: Vec<(String, String)>) -> Result<Self, Refusal> {
        let mut fields = BTreeMap::new();
        for (name, value) in form {
            if fields.insert(name, value).is_some() {
                return Err(Refusal::InvalidRequest("a parameter occurs more than once"));
            }
        }
        fields.retain(|_, value| !value.is_empty());
        Ok(Self(fields))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }
}

fn credentials(headers: &HeaderMap, fields: &mut Fields) -> Result<Presented, Refusal> {
    let (id, secret) = (fields.take("client_id"), fields.take("client_secret"));
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    let Some(authorization) = authorizations.next() else {
        return match (id, secret) {
            (Some(client_id), Some(secret)) => {
                Ok(Presented { client_id, secret: SecretString::from(secret), by: Method::Post })
            }
            _ => Err(Refusal::InvalidClient { challenge: false }),
        };
    };
    if authorizations.next().is_some() {
        return Err(Refusal::InvalidRequest("the Authorization header occurs more than once"));
    }
    let (client_id, basic_secret) =
        authorization.to_str().ok().and_then(basic).ok_or(Refusal::InvalidClient { challenge: true })?;
    // RFC 6749 2.3: a client uses one method of authentication in a request.
    if secret.is_some() || id.is_some_and(|id| id != client_id) {
        return Err(Refusal::InvalidRequest("the client authenticates in two ways"));
    }
    Ok(Presented { client_id, secret: basic_secret, by: Method::Basic })
}

/// `Basic base64(form-encoded id ":" form-encoded secret)`, RFC 6749 2.3.1.
fn basic(header: &str) -> Option<(String, SecretString)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id)?, SecretString::from(form_decoded(secret)?)))
}

fn form_decoded(text: &str) -> Option<String> {
    percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
