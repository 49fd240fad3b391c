//! How a principal proves itself, as types. Field docs give the TOML key they come from.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde_json_path::JsonPath;
use url::Url;

use crate::ix::PrincipalIx;
use crate::setting::Setting;

/// How a principal proves itself.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A token from a token endpoint: `grant = "client_credentials"`, `"password"`, `"refresh_token"` or `"jwt_bearer"`.
    Endpoint(TokenEndpoint),
    /// `grant = "basic"` (RFC 7617)
    Basic {
        /// `username`
        username: Setting,
        /// `password`, always a variable.
        password: SecretString,
    },
    /// `grant = "header"`: API keys, in one or more headers, or in the query. Each value is a variable. None of them with
    /// `grant = "certificate"`, where the [certificate](ClientCertificate) is all there is.
    Keys {
        /// `header` and `value`, or `headers`.
        headers: Vec<(String, SecretString)>,
        /// `query`
        query: Vec<(String, SecretString)>,
    },
    /// `grant = "login"`
    Login {
        /// `request`, with `json` or `form` members that may be variables.
        url: Url,
        /// Method of the request.
        method: String,
        /// The members sent.
        fields: BTreeMap<String, LoginValue>,
        /// How they are sent.
        encoding: LoginEncoding,
        /// `token`: where the answer carries it.
        token: JsonPath,
        /// `lifetime` of the token, where the answer does not say `expires_in`.
        lifetime: Option<Duration>,
        /// `totp`, if a member is a one-time code.
        totp: Option<Totp>,
    },
    /// `grant = "cookies"`: a session that was begun elsewhere.
    Cookies {
        /// `cookies`, each a variable.
        cookies: Vec<(String, SecretString)>,
        /// `storage`
        stored: Option<StoredCookies>,
        /// `headers`, each a variable.
        headers: Vec<(String, SecretString)>,
        /// `form`, each a variable.
        form: Vec<(String, SecretString)>,
    },
    /// `grant = "command"`
    Command(TokenCommand),
    /// `grant = "session"`: a log-in of one or more steps. Every request then carries the cookies that their answers set,
    /// and `headers`; a form `form` as well.
    Session {
        /// `steps`, in order, at least one.
        steps: Vec<LoginStep>,
        /// `headers`
        headers: Vec<(String, Written)>,
        /// `form`
        form: Vec<(String, Written)>,
        /// `lifetime` of the session: then it is begun anew.
        lifetime: Option<Duration>,
        /// `totp`, if a step sends a one-time code.
        totp: Option<Totp>,
    },
}

/// A certificate that a principal shows in every TLS handshake (RFC 8446 4.4.2), and its key.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// `certificate`: PEM, its own first.
    pub chain: Setting,
    /// `certificate_key`: PEM, always a variable.
    pub key: SecretString,
}

/// Those cookies of a file that go to the tenant's URL.
#[derive(Clone, Debug)]
pub struct StoredCookies {
    /// `storage`: the file, as it is written.
    pub file: String,
    /// Under what [`Spec::variables`](crate::Spec::variables) has the line.
    pub variable: String,
    /// As a `Cookie` header has them.
    pub line: SecretString,
    /// Each value. None where a record has another text in place of the line.
    pub values: Vec<SecretString>,
}

/// A program that prints a token.
#[derive(Clone, Debug)]
pub struct TokenCommand {
    /// `command`: the program.
    pub program: String,
    /// What it is given, word by word.
    pub arguments: Vec<String>,
    /// `token`: where the token is in what is printed; else it is all of that.
    pub token: Option<JsonPath>,
    /// `header` that carries the token as it is; else it goes as a bearer token.
    pub header: Option<String>,
    /// `lifetime` of the token, where it does not say so itself.
    pub lifetime: Option<Duration>,
}

/// What stands for a one-time code in a log-in: `{totp}`.
pub const CODE: &str = "totp";

/// One-time codes from a seed (RFC 6238).
#[derive(Clone, Debug)]
pub struct Totp {
    /// `totp`: in base32, always a variable.
    pub seed: SecretString,
    /// `totp_digits` of a code. Default 6.
    pub digits: u32,
    /// `totp_period`: how long one is good for, in whole seconds. Default 30 s.
    pub period: Duration,
    /// `totp_algorithm`
    pub algorithm: TotpAlgorithm,
}

/// The hash of one-time codes (RFC 6238 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotpAlgorithm {
    /// `"SHA1"` (the default)
    Sha1,
    /// `"SHA256"`
    Sha256,
    /// `"SHA512"`
    Sha512,
}

/// What stands for a text that no other log-in has: `{unique}`.
pub const UNIQUE: &str = "unique";

/// One request of a log-in, or of an act.
#[derive(Clone, Debug)]
pub struct LoginStep {
    /// `as`: another principal of the same tenant, which sends it with its own credential: one that makes accounts.
    pub by: Option<PrincipalIx>,
    /// Upper-case method of `request`.
    pub method: String,
    /// Origin of `request`.
    pub origin: Url,
    /// Path and query of `request`, percent-encoded but for what was taken.
    pub target: Written,
    /// `headers`
    pub headers: Vec<(String, Written)>,
    /// `json` or `form`, if it has either.
    pub body: Option<(LoginEncoding, Vec<(String, LoginValue)>)>,
    /// `take`: what is kept of the answer, by name.
    pub take: Vec<(String, Take)>,
}

/// Where an answer has something that a later request needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Take {
    /// A JSONPath.
    Member(JsonPath),
    /// `"header:NAME"`
    Header(String),
    /// `"cookie:NAME"`
    Cookie(String),
    /// `"field:NAME"`: the value of an `input`, or the content of a `meta` element, of this name in HTML.
    Field(String),
}

/// A text in which `{name}` stands for what a step has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(pub(crate) Vec<WrittenPart>);

/// Text, or the name of what a step has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrittenPart {
    /// As written.
    Text(String),
    /// `{name}`
    Taken(String),
}

impl Written {
    /// In order.
    pub fn parts(&self) -> &[WrittenPart] {
        &self.0
    }

    /// Where the name of something stands, between braces in the file.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            WrittenPart::Taken(name) => Some(name.as_str()),
            WrittenPart::Text(_) => None,
        })
    }

    /// Whether a one-time code is in it.
    fn has_code(&self) -> bool {
        self.names().any(|name| name == CODE)
    }
}

/// A member of a described login request.
#[derive(Clone, Debug)]
pub enum LoginValue {
    /// Written in the file.
    Plain(String),
    /// Written in the file, with what an earlier step has taken.
    Written(Written),
    /// From a variable, thus a secret.
    Secret(SecretString),
    /// A number, true or false.
    Scalar(serde_json::Value),
    /// Members of a member, of JSON alone.
    Table(Vec<(String, LoginValue)>),
    /// Items of a member, of JSON alone.
    List(Vec<LoginValue>),
}

/// How a described login request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginEncoding {
    /// `json = { … }`
    Json,
    /// `form = { … }`
    Form,
}

/// A token endpoint (RFC 6749 3.2), and how a token is asked for there.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    /// `token_url`
    pub url: Url,
    /// What the token is granted for.
    pub grant: TokenGrant,
    /// `client_id`, and what belongs to it; only `client_credentials` can't be without.
    pub client: Option<Client>,
    /// `scope`: what is asked for.
    pub scope: Option<String>,
    /// `params`: further members of the form.
    pub params: BTreeMap<String, LoginValue>,
}

impl TokenEndpoint {
    /// The secret of its client, if it has one.
    pub fn client_secret(&self) -> Option<&SecretString> {
        match &self.client.as_ref()?.proof {
            ClientProof::Secret(secret, _) => Some(secret),
            ClientProof::Nothing | ClientProof::PrivateKey(_) => None,
        }
    }

    fn secrets(&self) -> Vec<&SecretString> {
        let of_grant = match &self.grant {
            TokenGrant::Password { password, .. } => Some(password),
            TokenGrant::RefreshToken(token) => Some(token),
            TokenGrant::JwtBearer { key, .. } => Some(&key.pem),
            // Only there the client is the tenant's own.
            TokenGrant::ClientCredentials => match &self.client.as_ref().map(|client| &client.proof) {
                Some(ClientProof::Secret(secret, _)) => Some(secret),
                Some(ClientProof::PrivateKey(key)) => Some(&key.pem),
                Some(ClientProof::Nothing) | None => None,
            },
        };
        of_grant.into_iter().collect()
    }
}

/// What a token is granted for.
#[derive(Clone, Debug)]
pub enum TokenGrant {
    /// The client's own (RFC 6749 4.4).
    ClientCredentials,
    /// A user's name and password (RFC 6749 4.3).
    Password {
        /// `username`
        username: Setting,
        /// `password`, always a variable.
        password: SecretString,
    },
    /// A token that was granted before (RFC 6749 6), always a variable.
    RefreshToken(SecretString),
    /// A signed assertion (RFC 7523 2.1).
    JwtBearer {
        /// `claims`: what it says, besides `iat`, `exp` and `jti`.
        claims: BTreeMap<String, String>,
        /// What signs it.
        key: PrivateKey,
    },
}

/// A client of an OAuth 2.0 server.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`
    pub id: Setting,
    /// How it authenticates at the token endpoint (RFC 6749 2.3).
    pub proof: ClientProof,
}

/// How a client authenticates at the token endpoint.
#[derive(Clone, Debug)]
pub enum ClientProof {
    /// It only names itself: a public client, or one that its certificate proves (RFC 8705 2.1, `client_auth = "tls"`).
    Nothing,
    /// `client_secret`, always a variable, and where it goes.
    Secret(SecretString, SecretGoes),
    /// `client_auth = "private_key_jwt"`: a signed assertion (RFC 7523 2.2).
    PrivateKey(PrivateKey),
}

/// Where a client's secret goes (RFC 6749 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretGoes {
    /// `client_auth = "basic"` (the default)
    InHeader,
    /// `client_auth = "post"`
    InForm,
}

/// What signs assertions.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    /// `private_key`: PEM, always a variable.
    pub pem: SecretString,
    /// `key_id`: the `kid` of the assertion's header.
    pub id: Option<String>,
    /// `key_algorithm`
    pub algorithm: KeyAlgorithm,
}

/// How an assertion is signed (RFC 7518 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// `"RS256"` (the default)
    Rs256,
    /// `"PS256"`
    Ps256,
    /// `"ES256"`
    Es256,
    /// `"EdDSA"`
    EdDsa,
}

impl Credential {
    /// From what the one-time code is made that a step of a log-in sends, if it sends one.
    pub fn code_of(&self, step: usize) -> Option<&Totp> {
        let sends = match self {
            Self::Login { fields, .. } => fields.values().any(LoginValue::has_code),
            Self::Session { steps, .. } => steps.get(step).is_some_and(LoginStep::sends_code),
            Self::Endpoint(_) | Self::Basic { .. } | Self::Keys { .. } | Self::Cookies { .. } | Self::Command(_) => {
                false
            }
        };
        self.totp().filter(|_| sends)
    }

    /// From what its one-time codes are made, if it sends any.
    pub fn totp(&self) -> Option<&Totp> {
        match self {
            Self::Login { totp, .. } | Self::Session { totp, .. } => totp.as_ref(),
            Self::Endpoint(_) | Self::Basic { .. } | Self::Keys { .. } | Self::Cookies { .. } | Self::Command(_) => {
                None
            }
        }
    }

    /// Whether its log-in makes the account.
    pub fn makes_account(&self) -> bool {
        match self {
            Self::Session { steps, .. } => steps.iter().any(|step| step.by.is_some()),
            Self::Endpoint(_)
            | Self::Basic { .. }
            | Self::Keys { .. }
            | Self::Login { .. }
            | Self::Cookies { .. }
            | Self::Command(_) => false,
        }
    }

    /// Every secret that is in it. A client's that only carries another's grant is the application's.
    pub fn secrets(&self) -> Vec<&SecretString> {
        match self {
            Self::Endpoint(endpoint) => endpoint.secrets(),
            Self::Basic { password, .. } => vec![password],
            Self::Cookies { cookies, stored, headers, form } => {
                let written = cookies.iter().chain(headers).chain(form).map(|(_, value)| value);
                written.chain(stored.iter().flat_map(|stored| &stored.values)).collect()
            }
            Self::Command(_) => Vec::new(),
            Self::Keys { headers, query } => headers.iter().chain(query).map(|(_, value)| value).collect(),
            Self::Login { fields, totp, .. } => {
                let seed = totp.iter().map(|totp| &totp.seed);
                fields.values().flat_map(LoginValue::secrets).chain(seed).collect()
            }
            Self::Session { steps, totp, .. } => {
                let bodies = steps.iter().filter_map(|step| step.body.as_ref());
                let sent = bodies.flat_map(|(_, fields)| fields.iter().flat_map(|(_, value)| value.secrets()));
                sent.chain(totp.iter().map(|totp| &totp.seed)).collect()
            }
        }
    }
}

impl LoginStep {
    pub(crate) fn sends_code(&self) -> bool {
        let members = self.body.iter().flat_map(|(_, members)| members);
        self.headers.iter().any(|(_, written)| written.has_code())
            || members.into_iter().any(|(_, value)| value.has_code())
    }
}

impl LoginValue {
    pub(crate) fn has_code(&self) -> bool {
        match self {
            Self::Written(written) => written.has_code(),
            Self::Plain(_) | Self::Secret(_) | Self::Scalar(_) => false,
            Self::Table(members) => members.iter().any(|(_, value)| value.has_code()),
            Self::List(items) => items.iter().any(Self::has_code),
        }
    }

    fn secrets(&self) -> Vec<&SecretString> {
        match self {
            Self::Secret(secret) => vec![secret],
            Self::Plain(_) | Self::Written(_) | Self::Scalar(_) => Vec::new(),
            Self::Table(members) => members.iter().flat_map(|(_, value)| value.secrets()).collect(),
            Self::List(items) => items.iter().flat_map(Self::secrets).collect(),
        }
    }
}
