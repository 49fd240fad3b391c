//! The token of a request, and what it says of itself before anybody has verified it.

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use watertight_core::{BearerToken, Denial, ReasonCode};

/// The bearer token of the request (RFC 6750 section 2.1; in no other place).
///
/// # Errors
///
/// More than one `Authorization` header, even if they agree: who reads the first and who the last would decide on
/// different callers (Envoy CVE-2021-32777). No such header, another scheme, or something that isn't a token.
pub fn bearer(headers: &HeaderMap) -> Result<BearerToken, Denial> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let value = given.next().ok_or(ReasonCode::TokenAbsent)?;
    if given.next().is_some() {
        return Err(Denial::new(ReasonCode::DuplicateHeader).because("Authorization is given more than once"));
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(ReasonCode::TokenAbsent)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Denial::new(ReasonCode::TokenAbsent).because("the Authorization header is of another scheme"));
    }
    BearerToken::parse(token.trim_start_matches(' ')).map_err(|rejection| Denial::new(ReasonCode::Token(rejection)))
}

/// Every value that a JWT's payload gives to a claim, unverified: one for each time the name occurs.
///
/// Good for contradicting, and for choosing who is to verify the token; for nothing else. An opaque token, and a payload
/// that isn't a JSON object, say nothing.
pub fn unverified_claim(token: &BearerToken, claim: &str) -> Vec<Value> {
    let payload = token.expose().split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let values = payload.and_then(|json| {
        let mut json = serde_json::Deserializer::from_slice(&json);
        ValuesOf(claim).deserialize(&mut json).ok()
    });
    values.unwrap_or_default()
}

/// Collects the values of one member of a JSON object, also if it is there more than once.
struct ValuesOf<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for ValuesOf<'_> {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Value>, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ValuesOf<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<Vec<Value>, M::Error> {
        let mut values = Vec::new();
        while let Some(name) = object.next_key::<String>()? {
            if name == self.0 {
                values.push(object.next_value()?);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(values)
    }
}
