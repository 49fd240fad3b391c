//! Requests that bring what a principal proves itself with, of token endpoints and the steps of log-ins; and acts, which
//! are written as those steps are.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use watertight_spec::{
    CODE, Client, ClientProof, Credential, LoginEncoding, LoginStep, LoginValue, SecretGoes, Spec, TokenEndpoint,
    TokenGrant, Who,
};

use super::{
    Authorization, Rendered, Secrets, Text, Unrendered, authorization, common, form_body, form_text, host, origin_form,
    setting, with_one_cookie_header,
};
use crate::call::{ActCall, Caller, TokenCall};
use crate::credentials::{Jar, REFRESH_TOKEN};
use crate::log::{Sender, Written};

pub(super) fn token_request(ask: &TokenCall, spec: &Spec, secrets: &dyn Secrets) -> Result<Rendered, Unrendered> {
    let label = spec.name_of(ask.who);
    match &spec[ask.who].credential {
        Credential::Endpoint(endpoint) => of_endpoint(ask, endpoint, spec, secrets),
        credential @ Credential::Login { url, method, fields, encoding, .. } => {
            let jar = with_code(Jar::default(), credential, ask, secrets)?;
            let members = fields.iter().map(|(name, value)| (name.as_str(), value));
            let (kind, body) = login_body(*encoding, members, &jar, secrets)?;
            let mut rendered = post(url, vec![], kind, body, ask.who, label);
            rendered.method.clone_from(method);
            Ok(rendered)
        }
        credential @ Credential::Session { steps, .. } => {
            let step = steps.get(ask.step).ok_or_else(|| format!("{label} has no step {}", ask.step))?;
            let jar = with_code(secrets.jar(ask.who).before(ask, steps), credential, ask, secrets)?;
            match step.by {
                // The cookies are those of the log-in, and none of its maker's.
                Some(principal) => {
                    let maker = Caller::Own(Who { tenant: ask.who.tenant, principal });
                    let with = authorization(&maker, &step.origin, spec, secrets)?;
                    written_request(step, &jar.without_cookies(), with, secrets)
                }
                None => {
                    let sender = Sender::Principal { who: ask.who, token: None };
                    written_request(step, &jar, Authorization::new(sender, label, vec![]), secrets)
                }
            }
        }
        Credential::Basic { .. } | Credential::Keys { .. } | Credential::Cookies { .. } | Credential::Command(_) => {
            Err(format!("{label} sends no request for a token").into())
        }
    }
}

/// With the one-time code that is sent, if one is.
fn with_code(mut jar: Jar, credential: &Credential, ask: &TokenCall, secrets: &dyn Secrets) -> Result<Jar, Unrendered> {
    if let Some(totp) = credential.code_of(ask.step) {
        jar.keep(CODE, secrets.one_time_code(totp)?);
    }
    Ok(jar)
}

fn of_endpoint(
    ask: &TokenCall,
    endpoint: &TokenEndpoint,
    spec: &Spec,
    secrets: &dyn Secrets,
) -> Result<Rendered, Unrendered> {
    let hidden = |secret: &SecretString| {
        let secret = secret.expose_secret();
        Text::secret(secret, secrets.shown(secret))
    };
    let mut form = match &endpoint.grant {
        TokenGrant::ClientCredentials => vec![("grant_type", Text::plain("client_credentials"))],
        TokenGrant::Password { username, password } => vec![
            ("grant_type", Text::plain("password")),
            ("username", setting(username, spec, secrets)),
            ("password", hidden(password)),
        ],
        TokenGrant::RefreshToken(first) => {
            let newer = secrets.jar(ask.who).taken(REFRESH_TOKEN);
            let token = newer.unwrap_or_else(|| hidden(first));
            vec![("grant_type", Text::plain("refresh_token")), ("refresh_token", token)]
        }
        TokenGrant::JwtBearer { claims, key } => vec![
            ("grant_type", Text::plain("urn:ietf:params:oauth:grant-type:jwt-bearer")),
            ("assertion", secrets.sign(key, claims)?),
        ],
    };
    let scope = ask.scope.as_ref().or(endpoint.scope.as_ref());
    form.extend(scope.map(|scope| ("scope", Text::plain(scope.clone()))));
    let mut form: Vec<(String, Text)> = form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, value) in &endpoint.params {
        form.push((name.clone(), login_value(value, &Jar::default(), secrets)?));
    }
    // A parameter that is asked for replaces the spec's.
    form.retain(|(name, _)| !ask.extra.contains_key(name));
    form.extend(ask.extra.iter().map(|(name, value)| (name.clone(), Text::plain(value.clone()))));
    let mut headers = vec![];
    if let Some(Client { id, proof }) = &endpoint.client {
        let client_id = setting(id, spec, secrets);
        match proof {
            ClientProof::Nothing => form.push(("client_id".to_owned(), client_id)),
            ClientProof::Secret(own, goes) => {
                let secret = hidden(secret_of(ask, own, spec)?);
                match goes {
                    // RFC 6749 2.3.1: id and secret are form-encoded before they are joined.
                    SecretGoes::InHeader => {
                        let joined = format!("{}:{}", form_text(client_id.real()), form_text(secret.real()));
                        let shown = format!("Basic {}:{}", client_id.shown(), secret.shown());
                        let real = format!("Basic {}", STANDARD.encode(joined));
                        headers.push(("authorization".to_owned(), Text::secret(real, shown)));
                    }
                    SecretGoes::InForm => {
                        form.push(("client_id".to_owned(), client_id));
                        form.push(("client_secret".to_owned(), secret));
                    }
                }
            }
            ClientProof::PrivateKey(key) => {
                let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
                let claims =
                    BTreeMap::from([of("iss", id.text()), of("sub", id.text()), of("aud", endpoint.url.as_str())]);
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.push(("client_id".to_owned(), client_id));
                form.push(("client_assertion_type".to_owned(), Text::plain(kind)));
                form.push(("client_assertion".to_owned(), secrets.sign(key, &claims)?));
            }
        }
    }
    let kind = "application/x-www-form-urlencoded";
    Ok(post(&endpoint.url, headers, kind, form_body(&form), ask.who, spec.name_of(ask.who)))
}

/// The client's own secret, or another principal's in its place.
fn secret_of<'s>(ask: &TokenCall, own: &'s SecretString, spec: &'s Spec) -> Result<&'s SecretString, Unrendered> {
    let Some(other) = ask.secret_of else { return Ok(own) };
    match &spec[other].credential {
        Credential::Endpoint(endpoint) => endpoint.client_secret(),
        _ => None,
    }
    .ok_or_else(|| "the other principal has no client secret".into())
}

/// An act, with what the log-in of whom it is about has told.
pub(super) fn act_request(ask: &ActCall, spec: &Spec, secrets: &dyn Secrets) -> Result<Rendered, Unrendered> {
    let act = &spec[ask.act];
    let request = ask.request(spec).ok_or_else(|| format!("nothing undoes {}", act.name))?;
    let jar = act.of.first().map(|who| secrets.jar(*who)).unwrap_or_default();
    let with = authorization(&ask.caller, &request.origin, spec, secrets)?;
    written_request(request, &jar.without_cookies(), with, secrets)
}

/// A request of a log-in or of an act, with what the requests before it have set and told.
fn written_request(
    step: &LoginStep,
    jar: &Jar,
    with: Authorization,
    secrets: &dyn Secrets,
) -> Result<Rendered, Unrendered> {
    let LoginStep { method, origin, .. } = step;
    let lacks = |name: String| {
        Unrendered::Other(format!("nothing before {method} {} has told {name}", origin.origin().ascii_serialization()))
    };
    let mut headers = vec![("host".to_owned(), Text::plain(host(origin)))];
    headers.extend(common());
    headers.extend(jar.cookie(origin.host_str().unwrap_or_default()).map(|cookie| ("cookie".to_owned(), cookie)));
    headers.extend(with.headers);
    for (name, written) in &step.headers {
        headers.push((name.clone(), jar.written(written).map_err(lacks)?));
    }
    let body = match &step.body {
        None => None,
        Some((encoding, fields)) => {
            let members = fields.iter().map(|(name, value)| (name.as_str(), value));
            let (kind, body) = login_body(*encoding, members, jar, secrets)?;
            headers.push(("content-type".to_owned(), Text::plain(kind)));
            Some(body)
        }
    };
    let target = jar.target(&step.target).map_err(lacks)?;
    let target = with.query.iter().fold(target, |target, (name, value)| target.with_parameter(name, value));
    Ok(Rendered {
        origin: origin.clone(),
        method: method.clone(),
        target,
        headers: with_one_cookie_header(headers),
        body,
        written: Written::Plain,
        sender: with.sender,
        by: with.by,
    })
}

/// What a log-in sends, and its media type.
fn login_body<'m>(
    encoding: LoginEncoding,
    members: impl Iterator<Item = (&'m str, &'m LoginValue)>,
    jar: &Jar,
    secrets: &dyn Secrets,
) -> Result<(&'static str, Text), Unrendered> {
    match encoding {
        LoginEncoding::Form => {
            let members = members.map(|(name, value)| Ok((name.to_owned(), login_value(value, jar, secrets)?)));
            let members: Vec<(String, Text)> = members.collect::<Result<_, Unrendered>>()?;
            Ok(("application/x-www-form-urlencoded", form_body(&members)))
        }
        LoginEncoding::Json => {
            let (mut real, mut shown) = (Map::new(), Map::new());
            for (name, value) in members {
                let (of_real, of_shown) = json_value(value, jar, secrets)?;
                real.insert(name.to_owned(), of_real);
                shown.insert(name.to_owned(), of_shown);
            }
            Ok(("application/json", Text::secret(Value::Object(real).to_string(), Value::Object(shown).to_string())))
        }
    }
}

/// A member as JSON: as it is sent, and as it is shown.
fn json_value(value: &LoginValue, jar: &Jar, secrets: &dyn Secrets) -> Result<(Value, Value), Unrendered> {
    match value {
        LoginValue::Scalar(scalar) => Ok((scalar.clone(), scalar.clone())),
        LoginValue::Table(members) => {
            let members = members.iter().map(|(name, value)| Ok((name.clone(), json_value(value, jar, secrets)?)));
            let members: Vec<(String, (Value, Value))> = members.collect::<Result<_, Unrendered>>()?;
            let of = |pick: fn(&(Value, Value)) -> &Value| {
                Value::Object(members.iter().map(|(name, both)| (name.clone(), pick(both).clone())).collect())
            };
            Ok((of(|both| &both.0), of(|both| &both.1)))
        }
        LoginValue::List(items) => {
            let items = items.iter().map(|item| json_value(item, jar, secrets));
            let (real, shown): (Vec<Value>, Vec<Value>) =
                items.collect::<Result<Vec<_>, Unrendered>>()?.into_iter().unzip();
            Ok((Value::Array(real), Value::Array(shown)))
        }
        LoginValue::Plain(_) | LoginValue::Written(_) | LoginValue::Secret(_) => {
            let text = login_value(value, jar, secrets)?;
            Ok((text.real().into(), text.shown().into()))
        }
    }
}

fn login_value(value: &LoginValue, jar: &Jar, secrets: &dyn Secrets) -> Result<Text, Unrendered> {
    match value {
        LoginValue::Plain(text) => Ok(Text::plain(text.clone())),
        LoginValue::Scalar(scalar) => Ok(Text::plain(scalar.to_string())),
        LoginValue::Table(_) | LoginValue::List(_) => Err("a form has no nested members".into()),
        LoginValue::Written(written) => {
            jar.written(written).map_err(|name| Unrendered::Other(format!("no step before it has told {name}")))
        }
        LoginValue::Secret(secret) => {
            let secret = secret.expose_secret();
            Ok(Text::secret(secret, secrets.shown(secret)))
        }
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
        target: Text::plain(origin_form(url)),
        headers,
        body: Some(body),
        written: Written::Plain,
        sender: Sender::Principal { who, token: None },
        by,
    }
}
