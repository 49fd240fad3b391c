//! What a probe asks the session to send. Credentials are named, never held: only the session can turn a [`Caller`]
//! into bytes, and the trace shows a placeholder in their place.

use std::collections::BTreeMap;

use serde_json::Value;

/// A principal of the spec: indices into [`Spec::tenants`](watertight_spec::Spec::tenants) and its principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// Index of the tenant.
    pub tenant: usize,
    /// Index of the principal within it.
    pub principal: usize,
}

/// One thing to do on the network.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// A request to the target's API.
    Api(Request),
    /// A request for a token, at a principal's token endpoint or login.
    Token(TokenCall),
    /// An issuer's metadata (OpenID Connect Discovery 1.0, 4).
    Discovery {
        /// The issuer, as the spec gives it.
        issuer: String,
    },
    /// An issuer's key set, against which a token issued in this run is then checked.
    Keys {
        /// Where the issuer's metadata says that its keys are.
        url: String,
        /// The exchange that brought the token.
        token: u64,
    },
}

/// A request to the target's API.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Whose credential goes with it.
    pub caller: Caller,
    /// Index of the tenant at whose URL it is sent.
    pub at: usize,
    /// Upper-case method.
    pub method: String,
    /// Path and query, sent as it stands.
    pub target: String,
    /// Further headers, in order, duplicates and all.
    pub headers: Vec<(String, String)>,
    /// JSON body.
    pub body: Option<Value>,
    /// What the journal must know of it.
    pub mark: Mark,
    /// Whether a tenant stays within its own, or tries to cross.
    pub intent: Intent,
}

/// Whether a tenant stays within its own, or tries to cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// An ordinary request of a tenant in its own data: set-up, control, read-back. `api.own-view` judges all of them.
    Own,
    /// An attempt to reach another tenant.
    Across,
}

impl Request {
    /// A request without headers and body, by `caller`, at the URL of tenant `at`.
    pub fn new(caller: Caller, at: usize, method: &str, target: impl Into<String>) -> Self {
        Self {
            caller,
            at,
            method: method.to_owned(),
            target: target.into(),
            headers: Vec::new(),
            body: None,
            mark: Mark::Nothing,
            intent: Intent::Own,
        }
    }
    /// With a JSON body.
    pub fn json(mut self, body: Option<Value>) -> Self {
        self.body = body;
        self
    }
    /// With one more header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
    /// With what the journal must know.
    pub fn mark(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }
    /// The same bytes with another's credential: an attempt to cross.
    pub fn across(&self, caller: Caller) -> Self {
        Self { caller, intent: Intent::Across, ..self.clone() }
    }
}

/// What the journal must know of a request, so that everything created is removed in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It makes no object.
    Nothing,
    /// If it succeeds there is an object: removed with `DELETE {collection}/{id}`, where `{id}` comes from the answer.
    Creates {
        /// Index of the resource.
        resource: usize,
        /// Index of the tenant that will own it.
        owner: usize,
        /// The collection's path, as sent.
        collection: String,
    },
    /// If it succeeds the object at this item path is gone.
    Removes {
        /// The item's path, as sent.
        item: String,
    },
}

/// Whose credential a request carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Caller {
    /// None at all.
    Anonymous,
    /// A principal's own, renewed when it is about to expire.
    Own(Who),
    /// The very token that an exchange of this run brought, never renewed.
    Issued(u64),
    /// A token made from a principal's own.
    Forged(Forged),
}

/// A token made from a principal's own: some claims replaced, and something done to what should protect them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forged {
    /// Whose genuine token it is made from.
    pub who: Who,
    /// What is done to it.
    pub forgery: Forgery,
    /// Claims that replace or join those of the genuine token, as JSON strings: (name, value).
    pub claims: Vec<(String, String)>,
}

/// What is done to a token. Whatever it is, [`Forged::claims`] stand in the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// `alg` says that there is no signature, and there is none (RFC 8725 2.1).
    NoneAlgorithm {
        /// As spelled in the header: `none`, `None`, `nOnE`…
        spelling: &'static str,
    },
    /// HS256, keyed with the issuer's public key (RFC 8725 2.1).
    HmacWithPublicKey,
    /// Nothing but the claims: header and signature are the genuine token's.
    AlteredClaim,
    /// Signed with a key of the attacker's, under a `kid` that no one has.
    UnknownKid,
    /// Signed with a key of the attacker's that stands in the header (`jwk`; CVE-2018-0114).
    EmbeddedKey,
    /// Signed with a key of the attacker's, to be fetched from the attacker (`jku` or `x5u`; RFC 8725 3.10).
    KeyUrl {
        /// The header parameter.
        parameter: &'static str,
    },
    /// The signature left empty.
    EmptySignature,
    /// A critical extension that no one knows (RFC 7515 4.1.11), signature kept.
    UnknownCritical,
}

/// A request for a token, unlike the one that the session makes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCall {
    /// Whose endpoint, client id and secret.
    pub who: Who,
    /// Another scope than the spec's.
    pub scope: Option<String>,
    /// Further form parameters.
    pub extra: BTreeMap<String, String>,
    /// Another principal's secret in place of its own.
    pub secret_of: Option<Who>,
}

impl TokenCall {
    /// As the session itself would ask.
    pub fn plain(who: Who) -> Self {
        Self { who, scope: None, extra: BTreeMap::new(), secret_of: None }
    }
}
