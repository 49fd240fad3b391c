//! `[[tenant.principal]]`

use std::cell::Cell;
use std::time::Duration;

use secrecy::SecretString;
use toml::de::DeValue;
use url::Url;

use super::command::command;
use super::cookies::cookies;
use super::endpoint::endpoint;
use super::session::session;
use super::tenant::Roster;
use super::totp::{login_text, note_unsent, totp};
use crate::diagnostic::printable;
use crate::ix::PrincipalIx;
use crate::keys::{PRINCIPAL, suggest};
use crate::reader::{At, Reader, Table, in_order};
use crate::setting::Setting;
use crate::spec::credential::{ClientCertificate, Credential, LoginEncoding, LoginValue};
use crate::spec::{Enters, Membership, Names, Principal, Usage};
use crate::values::integer;
use crate::variables::name_of;

pub(super) const LEAST_LIFETIME: Duration = Duration::from_secs(1);
pub(super) const LONGEST_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// What could be read of a principal, and what must not be shared between tenants.
pub(super) struct Drafted {
    pub(super) principal: Option<Principal>,
    pub(super) name: Option<At<String>>,
    /// Token endpoint and client id.
    pub(super) client: Option<(Url, At<Setting>)>,
    /// Names of variables.
    pub(super) secrets: Vec<At<String>>,
}

impl Drafted {
    /// Nothing is read yet.
    pub(super) fn new() -> Self {
        Self { principal: None, name: None, client: None, secrets: Vec::new() }
    }
}

/// Where a principal belongs, as far as that could be read.
#[derive(Clone, Copy)]
pub(super) struct Home<'a> {
    /// Its tenant's id.
    pub(super) tenant: Option<&'a str>,
    /// What people are shown of the tenant.
    pub(super) called: Option<&'a str>,
    /// Its tenant's URL.
    pub(super) url: Option<&'a Url>,
    /// From 0, within the tenant.
    pub(super) place: usize,
    /// The names of all principals of the tenant, in order.
    pub(super) colleagues: &'a [Option<&'a str>],
    /// In which tenants it is.
    pub(super) membership: &'a Membership,
    /// Of an act by which a person goes over to another tenant, that one's id.
    pub(super) to: Option<&'a str>,
    /// Whether its log-in has named the tenant.
    pub(super) is_named: &'a Cell<bool>,
}

impl Home<'_> {
    /// What a name between braces stands for in this tenant.
    pub(super) fn symbol(&self, name: &str) -> Option<&str> {
        let found = match name {
            "tenant" => self.tenant,
            "tenant.name" => self.called,
            "to" => return self.to,
            _ => None,
        };
        if found.is_some() {
            self.is_named.set(true);
        }
        found
    }

    /// A text of a log-in. A person says there which tenant it enters.
    pub(super) fn entering(&self, text: &str) -> String {
        match (self.membership, self.tenant, self.called) {
            (Membership::Several(..), Some(id), Some(name)) => {
                let written = text.replace("{tenant}", id).replace("{tenant.name}", name);
                if written != text {
                    self.is_named.set(true);
                }
                written
            }
            _ => text.to_owned(),
        }
    }

    /// Another principal of the tenant; noted where there is none.
    pub(super) fn colleague(&self, reader: &mut Reader<'_, '_>, name: At<&str>) -> Option<PrincipalIx> {
        let found = self.colleagues.iter().position(|known| *known == Some(name.value));
        match found {
            Some(place) if place == self.place => {
                let help = "name one that may make accounts, or leave `as` out";
                reader.report.note(name.span, "this principal is not there before its own log-in", help);
                None
            }
            Some(place) => Some(PrincipalIx::new(place)),
            None => {
                let help = suggest(name.value, self.colleagues.iter().copied().flatten());
                let message = format!("`{}` is no principal of this tenant", printable(name.value));
                reader.report.note(name.span, message, help);
                None
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    ClientCredentials,
    Password,
    RefreshToken,
    JwtBearer,
    Basic,
    Header,
    Login,
    Session,
    Cookies,
    Command,
    Certificate,
}

const GRANTS: [(&str, Grant); 11] = [
    ("client_credentials", Grant::ClientCredentials),
    ("password", Grant::Password),
    ("refresh_token", Grant::RefreshToken),
    ("jwt_bearer", Grant::JwtBearer),
    ("basic", Grant::Basic),
    ("header", Grant::Header),
    ("login", Grant::Login),
    ("session", Grant::Session),
    ("cookies", Grant::Cookies),
    ("command", Grant::Command),
    ("certificate", Grant::Certificate),
];

/// Keys of a token endpoint, and these.
macro_rules! of_endpoint {
    ($($further:literal),*) => {
        &[$($further,)* "token_url", "client_id", "client_secret", "client_auth", "private_key", "key_id",
          "key_algorithm", "scope", "params"]
    };
}

/// Keys of a log-in, and these.
macro_rules! of_log_in {
    ($($further:literal),*) => {
        &[$($further,)* "lifetime", "totp", "totp_digits", "totp_period", "totp_algorithm"]
    };
}

impl Grant {
    /// Keys that have a meaning with this grant, besides `name`, `grant`, `names` and `use`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::ClientCredentials => of_endpoint!(),
            Self::Password => of_endpoint!("username", "password"),
            Self::RefreshToken => of_endpoint!("refresh_token"),
            Self::JwtBearer => of_endpoint!("claims"),
            Self::Basic => &["username", "password"],
            Self::Header => &["header", "value", "headers", "query"],
            Self::Login => of_log_in!("request", "json", "form", "token"),
            Self::Session => of_log_in!("steps", "headers", "form"),
            Self::Cookies => &["cookies", "storage", "headers", "form"],
            Self::Command => &["command", "token", "header", "lifetime"],
            Self::Certificate => &["certificate", "certificate_key"],
        }
    }
}

pub(super) fn principal<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    home: &Home<'_>,
    roster: &Roster,
) -> Drafted {
    let mut draft = Drafted::new();
    draft.name = reader.need(table, "name").and_then(|value| reader.expanded(value));
    let names = match table.find("names") {
        Some(value) => reader.text(value).and_then(|text| names(reader, text, home.tenant, roster)),
        None => Some(Names::Own),
    };
    let usages = [("all", Usage::All), ("tokens", Usage::Tokens), ("acts", Usage::Acts)];
    let usage = match table.find("use") {
        Some(value) => reader.choice(value, &usages),
        None if *home.membership == Membership::Nowhere => Some(Usage::Acts),
        None => Some(Usage::All),
    };
    let grant = reader.need(table, "grant").and_then(|value| reader.choice(value, &GRANTS));
    let credential = grant.and_then(|grant| {
        note_foreign_keys(reader, table, grant);
        match grant {
            Grant::ClientCredentials | Grant::Password | Grant::RefreshToken | Grant::JwtBearer => {
                endpoint(reader, table, grant, &mut draft, home).map(Credential::Endpoint)
            }
            Grant::Basic => basic(reader, table, &mut draft),
            Grant::Header => header(reader, table, &mut draft),
            Grant::Login => login(reader, table, &mut draft, home),
            Grant::Session => session(reader, table, &mut draft, home),
            Grant::Cookies => cookies(reader, table, &mut draft, home.url),
            Grant::Command => command(reader, table),
            Grant::Certificate => {
                reader.need(table, "certificate")?;
                Some(Credential::Keys { headers: Vec::new(), query: Vec::new() })
            }
        }
    });
    let certificate = certificate(reader, table, &mut draft);
    let env_name = env_name(table, home, draft.name.as_ref());
    let line = reader.line(table.span.start);
    draft.principal = (|| {
        let name = draft.name.as_ref()?.value.clone();
        let membership = match (home.membership, home.is_named.get()) {
            (Membership::Several(tenants, _), true) => Membership::Several(tenants.clone(), Enters::AtLogIn),
            (membership, _) => membership.clone(),
        };
        let (credential, certificate) = (credential?, certificate?);
        Some(Principal { name, credential, certificate, names: names?, usage: usage?, membership, env_name, line })
    })();
    draft
}

fn names<'t>(reader: &mut Reader<'t, '_>, text: At<&'t str>, tenant: Option<&str>, roster: &Roster) -> Option<Names> {
    if text.value == "none" {
        return Some(Names::Nothing);
    }
    let named = roster.find(reader, text)?;
    Some(if Some(named.as_str()) == tenant { Names::Own } else { Names::Other(named) })
}

/// None where it can't be read; without one where there is none.
fn certificate<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    draft: &mut Drafted,
) -> Option<Option<ClientCertificate>> {
    if table.get("certificate").is_none() && table.get("certificate_key").is_none() {
        return Some(None);
    }
    let chain = reader.need(table, "certificate").and_then(|value| reader.setting(value));
    let key = reader.need(table, "certificate_key").and_then(|value| reader.secret("certificate_key", value));
    let chain = chain.filter(|chain| {
        // A bundle's record has another text in place of a secret, as where one variable holds the key too.
        let is_secret = chain.value.variable().is_some_and(|variable| reader.variables.is_secret(variable));
        let is_pem = is_secret || chain.value.text().contains("-----BEGIN CERTIFICATE-----");
        if !is_pem {
            let help =
                "the certificate in PEM, as in `-----BEGIN CERTIFICATE-----`; or `$NAME` of a variable that holds it";
            reader.report.note(chain.span.clone(), "this is no certificate", help);
        }
        is_pem
    });
    let (name, key) = key?;
    draft.secrets.push(name);
    Some(Some(ClientCertificate { chain: chain?.value, key }))
}

/// A key of another grant would be ignored; better to say so.
fn note_foreign_keys<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, grant: Grant) {
    let word = GRANTS.iter().find(|(_, known)| *known == grant).map_or("", |(word, _)| word);
    for key in table.keys() {
        let common = ["name", "grant", "names", "use", "tenants", "certificate", "certificate_key"].contains(&key);
        if table.get(key).is_some() && !common && !grant.keys().contains(&key) {
            let help = format!("leave it out; with this grant go {}", grant.keys().join(", "));
            reader.report.note(table.key_span(key), format!("`{key}` means nothing with grant \"{word}\""), help);
        }
    }
}

fn basic<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, draft: &mut Drafted) -> Option<Credential> {
    let username = reader.need(table, "username").and_then(|value| reader.setting(value));
    let password = reader.need(table, "password").and_then(|value| reader.secret("password", value));
    let username = username.filter(|name| {
        // A bundle's record has another text in place of a secret, so nothing may depend on it.
        let is_secret = name.value.variable().is_some_and(|variable| reader.variables.is_secret(variable));
        let sound = is_secret || !name.value.text().contains(':');
        if !sound {
            reader.report.note(name.span.clone(), "a user name of basic authentication holds no `:`", "RFC 7617, 2");
        }
        sound
    });
    let (variable, password) = password?;
    draft.secrets.push(variable);
    Some(Credential::Basic { username: username?.value, password })
}

fn header<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, draft: &mut Drafted) -> Option<Credential> {
    let headers = keys(reader, table, "headers");
    let query = keys(reader, table, "query");
    let is_alone = table.get("headers").is_none() && table.get("query").is_none();
    let mut headers = headers?;
    if is_alone || table.get("header").is_some() || table.get("value").is_some() {
        let header = reader.need(table, "header").and_then(|value| reader.text(value));
        let header = header.and_then(|name| reader.header_name(name));
        let value = reader.need(table, "value").and_then(|value| reader.secret("value", value));
        let value = value?;
        headers.push(Key { name: header?, value });
    }
    let query = query?;
    // Of several, one may be the application's and the same for all tenants.
    if let [one] = headers.iter().chain(&query).collect::<Vec<_>>().as_slice() {
        draft.secrets.push(one.value.0.clone());
    }
    let secrets = |keys: Vec<Key>| keys.into_iter().map(|key| (key.name, key.value.1)).collect();
    Some(Credential::Keys { headers: secrets(headers), query: secrets(query) })
}

/// An API key, or a cookie.
pub(super) struct Key {
    /// Of the header, of the parameter, or of the cookie.
    pub(super) name: String,
    /// With the variable.
    pub(super) value: (At<String>, SecretString),
}

/// Keys by the names of their headers, of parameters of the query, or of cookies.
pub(super) fn keys<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, key: &'static str) -> Option<Vec<Key>> {
    let Some(value) = table.get(key) else { return Some(Vec::new()) };
    let Some(entries) = value.get_ref().as_table() else {
        reader.report.hide(value.span());
        reader.wrong_type(value, &format!("`{key}`"), "a table", PRINCIPAL.example(key));
        return None;
    };
    let read: Vec<_> = in_order(entries)
        .into_iter()
        .map(|(name, value)| {
            let value = reader.secret(name.value, value)?;
            let name = match key {
                "headers" => reader.header_name(name)?,
                "cookies" => reader.cookie_name(name)?,
                _ => name.value.to_owned(),
            };
            Some(Key { name, value })
        })
        .collect();
    read.into_iter().collect()
}

fn login<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    draft: &mut Drafted,
    home: &Home<'_>,
) -> Option<Credential> {
    let request = reader.need(table, "request").and_then(|value| reader.text(value));
    let request = request.and_then(|text| log_in_at(reader, text, home));
    let token = reader.need(table, "token").and_then(|value| reader.json_path(value));
    let lifetime = table.get("lifetime").and_then(|value| reader.duration(value, LEAST_LIFETIME..=LONGEST_LIFETIME));
    let totp = totp(reader, table, draft);
    let plain = |reader: &mut Reader<'t, '_>, text: At<&str>| login_text(reader, table, home, &text);
    let sent = match (table.get("json"), table.get("form")) {
        (Some(json), None) => members(reader, json, draft, &plain).map(|fields| (fields, LoginEncoding::Json)),
        (None, Some(value)) => form(reader, value, draft, &plain).map(|fields| (fields, LoginEncoding::Form)),
        (None, None) => reader.need(table, "json").and(None),
        (Some(_), Some(_)) => {
            reader.report.note(table.key_span("form"), "both `json` and `form`", "keep the one that the login expects");
            None
        }
    };
    let (method, url) = request?;
    let (fields, encoding) = sent?;
    if !fields.iter().any(|(_, value)| value.has_code()) {
        note_unsent(reader, table)?;
    }
    let fields = fields.into_iter().collect();
    Some(Credential::Login { url, method, fields, encoding, token: token?, lifetime, totp: totp? })
}

/// `POST https://…/login`, or `POST /login` on the tenant's URL.
fn log_in_at<'t>(reader: &mut Reader<'t, '_>, text: At<&'t str>, home: &Home<'_>) -> Option<(String, Url)> {
    let Some((method, place)) = text.value.split_once(' ').filter(|(method, _)| ["POST", "PUT"].contains(method))
    else {
        let help = "method, space, URL or path: \"POST /login\"";
        reader.report.note(text.span, "a login is a POST or PUT request", help);
        return None;
    };
    let whole = match place.strip_prefix('/') {
        Some(path) => format!("{}/{path}", home.url?.as_str().trim_end_matches('/')),
        None => place.to_owned(),
    };
    let url = reader.url_of(&At { value: home.entering(&whole), span: text.span })?;
    Some((method.to_owned(), url))
}

/// What a log-in sends: secrets, and what `plain` makes of any other text.
pub(super) fn members<'t, 'e>(
    reader: &mut Reader<'t, 'e>,
    value: &'t crate::reader::Value<'t>,
    draft: &mut Drafted,
    plain: &Plain<'_, 't, 'e>,
) -> Option<Vec<(String, LoginValue)>> {
    let Some(table) = value.get_ref().as_table() else {
        reader.report.hide(value.span());
        reader.wrong_type(value, "a login's members", "a table", PRINCIPAL.example("json"));
        return None;
    };
    let fields: Vec<_> = in_order(table)
        .into_iter()
        .map(|(key, value)| Some((key.value.to_owned(), member(reader, key.value, value, draft, plain)?)))
        .collect();
    fields.into_iter().collect()
}

/// One of them, with what is in it.
fn member<'t, 'e>(
    reader: &mut Reader<'t, 'e>,
    key: &str,
    value: &'t crate::reader::Value<'t>,
    draft: &mut Drafted,
    plain: &Plain<'_, 't, 'e>,
) -> Option<LoginValue> {
    let lower = key.to_lowercase();
    let is_secret = ["secret", "password", "passwd"].iter().any(|word| lower.contains(word));
    let is_variable = value.get_ref().as_str().is_some_and(|text| text.starts_with('$'));
    if is_secret || is_variable {
        let (variable, secret) = reader.secret(key, value)?;
        // A shared user name or application key is common; a shared password is not.
        if is_secret {
            draft.secrets.push(variable);
        }
        return Some(LoginValue::Secret(secret));
    }
    match value.get_ref() {
        DeValue::Boolean(flag) => Some(LoginValue::Scalar((*flag).into())),
        DeValue::Integer(number) => Some(LoginValue::Scalar(integer(number)?.into())),
        DeValue::Table(_) => members(reader, value, draft, plain).map(LoginValue::Table),
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| member(reader, key, item, draft, plain)).collect();
            items.into_iter().collect::<Option<_>>().map(LoginValue::List)
        }
        _ => {
            let text = reader.text(value)?;
            plain(reader, text)
        }
    }
}

/// The members of a form, in which nothing is nested.
pub(super) fn form<'t, 'e>(
    reader: &mut Reader<'t, 'e>,
    value: &'t crate::reader::Value<'t>,
    draft: &mut Drafted,
    plain: &Plain<'_, 't, 'e>,
) -> Option<Vec<(String, LoginValue)>> {
    let read = members(reader, value, draft, plain)?;
    let is_nested = |(_, value): &&(String, LoginValue)| matches!(value, LoginValue::Table(_) | LoginValue::List(_));
    if let Some((name, _)) = read.iter().find(is_nested) {
        let message = format!("`{}` of a form is neither a text nor a number", printable(name));
        reader.report.note(value.span(), message, "write its members one by one, or send `json`");
        return None;
    }
    Some(read)
}

/// What is made of a text that is no secret.
pub(super) type Plain<'p, 't, 'e> = dyn Fn(&mut Reader<'t, 'e>, At<&str>) -> Option<LoginValue> + 'p;

/// `$NORTH_CLIENT_ID` → `NORTH_TOKEN`; otherwise made from tenant and principal. Uniqueness comes later.
fn env_name(table: &Table<'_>, home: &Home<'_>, name: Option<&At<String>>) -> String {
    let client = table.get("client_id").and_then(|value| value.get_ref().as_str()).and_then(name_of);
    if let Some(prefix) = client.and_then(|client| client.strip_suffix("_CLIENT_ID")).filter(|p| !p.is_empty()) {
        return format!("{prefix}_TOKEN");
    }
    let tenant = upper_snake(home.called.unwrap_or_default());
    match name.filter(|_| home.place > 0) {
        Some(name) => format!("{tenant}_{}_TOKEN", upper_snake(&name.value)),
        None => format!("{tenant}_TOKEN"),
    }
}

/// A name of a variable that a shell takes.
fn upper_snake(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("T{plain}") } else { plain }
}
