//! Who asks: from a credential to the tenant in which it may act.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::answer::Asked;
use crate::clients::{CLIENTS, Client, client_of, tenant};
use crate::fixture::{Fixture, Proof};
use crate::keys::{self, KID};
use crate::seen::Presented;
use crate::switch::{Forgeable, Switch};
use crate::tokens::{AUDIENCE, Issued, Issuers};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The tenant whose credential it is; of a forged token, the one whose client it names.
    pub(crate) of: Option<usize>,
    /// What it is.
    pub(crate) presented: Presented,
    /// The tenant in which it may act.
    pub(crate) acts: Option<usize>,
    /// The tenant that it names, rightly or not.
    pub(crate) names: Option<usize>,
}

const NO_ONE: Caller = Caller { of: None, presented: Presented::Nothing, acts: None, names: None };

/// What callers are looked up in.
pub(crate) struct Registry<'r> {
    pub(crate) fixture: &'r Fixture,
    pub(crate) switches: &'r [Switch],
    pub(crate) issuers: &'r Issuers,
    /// What stood at the URL that a token names for its keys, if it was asked for.
    pub(crate) fetched: Option<&'r Value>,
}

impl Registry<'_> {
    /// Who sent a request.
    pub(crate) fn caller(&self, asked: &Asked) -> Caller {
        // Where tokens are usual, a key is one as well.
        let key = asked.header("x-api-key");
        if self.fixture.proof == Proof::Key || key.is_some() {
            let secrets = self.fixture.variables();
            let client = CLIENTS.iter().find(|client| secrets.get(client.variable).map(String::as_str) == key);
            return client.map_or(NO_ONE, |client| self.registered(client));
        }
        let Some(token) = bearer(asked) else { return NO_ONE };
        match self.issuers.issued.get(token) {
            Some(issued) => self.issued(issued),
            None => self.forged(token),
        }
    }

    /// What a client may, by its registration.
    fn registered(&self, client: &Client) -> Caller {
        let (presented, acts) = match client.names {
            None => (Presented::Nameless, None),
            Some(own) if own == client.tenant => (Presented::Own, Some(own)),
            Some(other) => (Presented::Impostor, Some(other).filter(|_| self.is(Switch::IssuerBelieved))),
        };
        Caller { of: Some(client.tenant), presented, acts, names: client.names }
    }

    fn issued(&self, issued: &Issued) -> Caller {
        let caller = self.registered(issued.client);
        let but =
            |presented, is_overlooked| Caller { presented, acts: caller.acts.filter(|_| is_overlooked), ..caller };
        if Instant::now() > issued.dies {
            but(Presented::Dead, self.is(Switch::ExpiryIgnored))
        } else if issued.audience != AUDIENCE {
            but(Presented::ForAnotherApi, self.is(Switch::AudienceIgnored))
        } else {
            caller
        }
    }

    /// A token that no issuer made: it says what it likes.
    fn forged(&self, token: &str) -> Caller {
        let Some(parts) = Parts::of(token) else { return NO_ONE };
        let text = |name: &str| parts.claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let names = tenant(text("tenant_id"));
        let client = client_of(text("client_id")).map(|client| client.tenant);
        let is_taken = self.is_taken_for_genuine(token, &parts) && (client == names || !self.is(Switch::ClientMustFit));
        Caller { of: client, presented: Presented::Forged, acts: names.filter(|_| is_taken), names }
    }

    fn is_taken_for_genuine(&self, token: &str, parts: &Parts<'_>) -> bool {
        let accepts = |forgeable| self.is(Switch::Accepts(forgeable));
        let header = |name: &str| parts.header.get(name);
        let algorithm = header("alg").and_then(Value::as_str).unwrap_or_default();
        let key_url = ["jku", "x5u"].into_iter().find(|name| header(name).is_some());
        if algorithm.eq_ignore_ascii_case("none") {
            return self
                .switches
                .iter()
                .any(|s| matches!(s, Switch::Accepts(Forgeable::Unsigned(spelling)) if *spelling == algorithm));
        }
        if algorithm == "HS256" {
            return accepts(Forgeable::KeyedWithPublicKey) && keys::is_keyed_with_public_key(token);
        }
        if let Some(key) = header("jwk") {
            return accepts(Forgeable::EmbeddedKey) && keys::is_signed_by(token, key);
        }
        if let Some(parameter) = key_url {
            let is_signed = self.fetched.is_some_and(|keys| keys::is_signed_by_any(token, keys));
            return accepts(Forgeable::KeyUrl(parameter)) && is_signed;
        }
        if header("kid").and_then(Value::as_str) != Some(KID) {
            return accepts(Forgeable::UnknownKid);
        }
        if header("crit").is_some() {
            return accepts(Forgeable::UnknownCritical);
        }
        match parts.signature {
            "" => accepts(Forgeable::EmptySignature),
            _ => accepts(Forgeable::Altered),
        }
    }

    fn is(&self, switch: Switch) -> bool {
        self.switches.contains(&switch)
    }
}

/// Where a token says that its keys are, if the switches let the API go there.
pub(crate) fn key_url(asked: &Asked, switches: &[Switch]) -> Option<String> {
    let parts = Parts::of(bearer(asked)?)?;
    let fetches = |parameter: &str| {
        switches.iter().any(|switch| match switch {
            Switch::KeysFetched => true,
            Switch::Accepts(Forgeable::KeyUrl(known)) => *known == parameter,
            _ => false,
        })
    };
    let parameter = ["jku", "x5u"].into_iter().find(|name| parts.header.get(*name).is_some())?;
    parts.header.get(parameter)?.as_str().filter(|_| fetches(parameter)).map(str::to_owned)
}

fn bearer(asked: &Asked) -> Option<&str> {
    asked.header("authorization")?.strip_prefix("Bearer ")
}

/// A JWS in compact form (RFC 7515 7.1).
struct Parts<'t> {
    header: Value,
    claims: Value,
    signature: &'t str,
}

impl<'t> Parts<'t> {
    fn of(token: &'t str) -> Option<Self> {
        let mut parts = token.split('.');
        let object = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let (header, claims, signature) = (object(parts.next()?)?, object(parts.next()?)?, parts.next()?);
        parts.next().is_none().then_some(Self { header, claims, signature })
    }
}
