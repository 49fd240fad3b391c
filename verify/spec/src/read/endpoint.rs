//! `grant = "client_credentials"`, `"password"`, `"refresh_token"` and `"jwt_bearer"`: a token from a token endpoint.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::Url;

use super::principal::{Drafted, Grant, Home, form};
use crate::keys::PRINCIPAL;
use crate::reader::{At, Reader, Table, in_order};
use crate::spec::credential::{
    Client, ClientProof, KeyAlgorithm, LoginValue, PrivateKey, SecretGoes, TokenEndpoint, TokenGrant,
};

pub(super) fn endpoint<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    grant: Grant,
    draft: &mut Drafted,
    home: &Home<'_>,
) -> Option<TokenEndpoint> {
    let url = reader.need(table, "token_url").and_then(|value| reader.url(value));
    let client = client(reader, table, (grant, url.as_ref()), draft);
    let granted = granted(reader, table, grant, draft);
    let scope = reader.optional_text(table, "scope").map(|scope| home.entering(&scope));
    let params = params(reader, table, draft, home);
    Some(TokenEndpoint { url: url?, grant: granted?, client: client?, scope, params: params? })
}

/// None where it can't be read; without one where the grant needs none and none is named.
fn client<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    (grant, url): (Grant, Option<&Url>),
    draft: &mut Drafted,
) -> Option<Option<Client>> {
    let is_own = grant == Grant::ClientCredentials;
    if !is_own && table.get("client_id").is_none() {
        return Some(None);
    }
    let id = reader.need(table, "client_id").and_then(|value| reader.setting(value));
    // Only there the client is the tenant's own.
    draft.client = url.cloned().zip(id.clone()).filter(|_| is_own);
    let proof = proof(reader, table, grant, draft);
    Some(Some(Client { id: id?.value, proof: proof? }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClientAuth {
    Basic,
    Post,
    PrivateKeyJwt,
    Tls,
}

fn proof<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, grant: Grant, draft: &mut Drafted) -> Option<ClientProof> {
    let ways = [
        ("basic", ClientAuth::Basic),
        ("post", ClientAuth::Post),
        ("private_key_jwt", ClientAuth::PrivateKeyJwt),
        ("tls", ClientAuth::Tls),
    ];
    let auth = table.get("client_auth").map(|value| reader.choice(value, &ways)).unwrap_or(Some(ClientAuth::Basic));
    let is_own = grant == Grant::ClientCredentials;
    let goes = match auth? {
        ClientAuth::PrivateKeyJwt => return private_key(reader, table, draft).map(ClientProof::PrivateKey),
        ClientAuth::Tls => {
            reader.need(table, "certificate")?;
            return Some(ClientProof::Nothing);
        }
        ClientAuth::Basic => SecretGoes::InHeader,
        ClientAuth::Post => SecretGoes::InForm,
    };
    if !is_own && table.get("client_secret").is_none() {
        return Some(ClientProof::Nothing);
    }
    let (name, secret) = reader.need(table, "client_secret").and_then(|value| reader.secret("client_secret", value))?;
    // What only carries a user's grant is the application's, and the same for all tenants.
    if is_own {
        draft.secrets.push(name);
    }
    Some(ClientProof::Secret(secret, goes))
}

fn granted<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    grant: Grant,
    draft: &mut Drafted,
) -> Option<TokenGrant> {
    match grant {
        Grant::Password => {
            let username = reader.need(table, "username").and_then(|value| reader.setting(value));
            let password = own_secret(reader, table, "password", draft);
            Some(TokenGrant::Password { username: username?.value, password: password? })
        }
        Grant::RefreshToken => own_secret(reader, table, "refresh_token", draft).map(TokenGrant::RefreshToken),
        Grant::JwtBearer => {
            let claims = claims(reader, table);
            let key = private_key(reader, table, draft);
            Some(TokenGrant::JwtBearer { claims: claims?, key: key? })
        }
        Grant::ClientCredentials
        | Grant::Basic
        | Grant::Header
        | Grant::Login
        | Grant::Session
        | Grant::Cookies
        | Grant::Command
        | Grant::Certificate => Some(TokenGrant::ClientCredentials),
    }
}

/// A secret that no other tenant may have.
fn own_secret<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    key: &'static str,
    draft: &mut Drafted,
) -> Option<SecretString> {
    let (name, secret) = reader.need(table, key).and_then(|value| reader.secret(key, value))?;
    draft.secrets.push(name);
    Some(secret)
}

fn private_key<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, draft: &mut Drafted) -> Option<PrivateKey> {
    let pem = own_secret(reader, table, "private_key", draft);
    let id = reader.optional_text(table, "key_id");
    let known = [
        ("RS256", KeyAlgorithm::Rs256),
        ("PS256", KeyAlgorithm::Ps256),
        ("ES256", KeyAlgorithm::Es256),
        ("EdDSA", KeyAlgorithm::EdDsa),
    ];
    let algorithm = table.get("key_algorithm").map(|value| reader.choice(value, &known));
    Some(PrivateKey { pem: pem?, id, algorithm: algorithm.unwrap_or(Some(KeyAlgorithm::Rs256))? })
}

fn claims<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>) -> Option<BTreeMap<String, String>> {
    let value = reader.need(table, "claims")?;
    let Some(entries) = value.get_ref().as_table() else {
        reader.wrong_type(value, "`claims`", "a table", PRINCIPAL.example("claims"));
        return None;
    };
    let read: Vec<_> = in_order(entries)
        .into_iter()
        .map(|(name, value)| Some((name.value.to_owned(), reader.expanded(value)?.value)))
        .collect();
    read.into_iter().collect()
}

fn params<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    draft: &mut Drafted,
    home: &Home<'_>,
) -> Option<BTreeMap<String, LoginValue>> {
    let Some(value) = table.get("params") else { return Some(BTreeMap::new()) };
    let plain = |_: &mut Reader<'t, '_>, text: At<&str>| Some(LoginValue::Plain(home.entering(text.value)));
    form(reader, value, draft, &plain).map(|members| members.into_iter().collect())
}
