//! Reading claims, each as the one type that it has. A claim of another type is a refusal, never an absence.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value};
use watertight_core::TokenRejection;
use watertight_model::{ClientId, Scope, Subject, TenantId};

/// The claims of a token.
pub(crate) struct Claims<'a>(pub(crate) &'a Map<String, Value>);

/// When a token counts.
pub(crate) struct Times {
    pub(crate) expires: SystemTime,
    pub(crate) issued: SystemTime,
    pub(crate) not_before: Option<SystemTime>,
}

impl Times {
    /// Judges the times against a clock that may be off by `leeway` (RFC 7519 4.1.4 to 4.1.6).
    pub(crate) fn judge(&self, now: SystemTime, leeway: Duration) -> Result<(), TokenRejection> {
        let has_begun = |begin: SystemTime| begin <= now + leeway;
        if self.expires + leeway <= now {
            return Err(TokenRejection::Expired);
        }
        if !has_begun(self.issued) || !self.not_before.is_none_or(has_begun) {
            return Err(TokenRejection::NotYetValid);
        }
        Ok(())
    }
}

impl<'a> Claims<'a> {
    pub(crate) fn issuer(&self) -> Result<&'a str, TokenRejection> {
        self.text("iss")?.ok_or(TokenRejection::MissingClaim("iss"))
    }

    pub(crate) fn subject(&self) -> Result<Subject, TokenRejection> {
        let subject = self.text("sub")?.ok_or(TokenRejection::MissingClaim("sub"))?;
        Subject::try_from(subject).map_err(|_| TokenRejection::Malformed)
    }

    /// `client_id` (RFC 9068 2.2), or `azp` from issuers that know only that. Two that disagree name nobody.
    pub(crate) fn client(&self) -> Result<ClientId, TokenRejection> {
        let client = match (self.text("client_id")?, self.text("azp")?) {
            (Some(client), Some(party)) if client != party => return Err(TokenRejection::Client),
            (client, party) => client.or(party).ok_or(TokenRejection::MissingClaim("client_id"))?,
        };
        ClientId::try_from(client).map_err(|_| TokenRejection::Malformed)
    }

    /// `aud`, a string or an array of strings (RFC 7519 4.1.3).
    pub(crate) fn audiences(&self) -> Result<Vec<&'a str>, TokenRejection> {
        match self.0.get("aud") {
            None => Err(TokenRejection::MissingClaim("aud")),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(many)) => {
                many.iter().map(Value::as_str).collect::<Option<_>>().ok_or(TokenRejection::Malformed)
            }
            Some(_) => Err(TokenRejection::Malformed),
        }
    }

    /// `scope`, separated by spaces (RFC 8693 4.2); none when it is left out.
    pub(crate) fn scopes(&self) -> Result<BTreeSet<Scope>, TokenRejection> {
        let scopes = self.text("scope")?.unwrap_or_default();
        let scopes = scopes.split(' ').filter(|scope| !scope.is_empty());
        scopes.map(Scope::try_from).collect::<Result<_, _>>().map_err(|_| TokenRejection::Malformed)
    }

    /// The tenant, from the claim that is registered to name it. There is no token without one.
    pub(crate) fn tenant(&self, claim: &str) -> Result<TenantId, TokenRejection> {
        let tenant = self.0.get(claim).and_then(Value::as_str).ok_or(TokenRejection::TenantClaim)?;
        TenantId::try_from(tenant).map_err(|_| TokenRejection::TenantClaim)
    }

    pub(crate) fn times(&self) -> Result<Times, TokenRejection> {
        Ok(Times {
            expires: self.time("exp")?.ok_or(TokenRejection::MissingClaim("exp"))?,
            issued: self.time("iat")?.ok_or(TokenRejection::MissingClaim("iat"))?,
            not_before: self.time("nbf")?,
        })
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, TokenRejection> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenRejection::Malformed),
        }
    }

    /// Seconds since 1970 (RFC 7519 section 2), with or without a fraction; up to the end of the year 9999.
    fn time(&self, name: &str) -> Result<Option<SystemTime>, TokenRejection> {
        const YEAR_10000: f64 = 253_402_300_800.0;
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| (0.0..YEAR_10000).contains(seconds));
        let since = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        since.map(|since| Some(UNIX_EPOCH + since)).ok_or(TokenRejection::Malformed)
    }
}
