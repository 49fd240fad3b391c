//! What a check asks the engine to send. Credentials are named, never held: only the engine turns a [`Caller`] into
//! bytes, and the log shows a placeholder in their place.

mod address;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use watertight_spec::{ActIx, Effect, FileForm, LoginStep, ObjectId, OperationIx, ResourceIx, Spec, TenantIx, Who};

use crate::log::Written;
pub(crate) use address::Piece;

pub use address::{Address, PATH_SEGMENT, encode};

/// One thing to do on the network.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// A request to the target's API.
    Api(Request),
    /// A request for a token, at a principal's token endpoint or login.
    Token(TokenCall),
    /// What ends, or gives, someone's access; or its undoing.
    Act(ActCall),
    /// An issuer's metadata (OpenID Connect Discovery 1.0, 4).
    Discovery {
        /// The issuer, as the spec gives it.
        issuer: String,
    },
    /// An issuer's key set, against which a token issued in this run is then checked.
    Keys {
        /// Where the issuer's metadata says that its keys are.
        url: String,
        /// The event that brought the token.
        token: u64,
    },
}

/// A request to the target's API.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Whose credential goes with it.
    pub caller: Caller,
    /// The tenant at whose URL it is sent.
    pub at: TenantIx,
    /// A further tenant that its body names: where that is obeyed, it writes there.
    pub reaches: Option<TenantIx>,
    /// Upper-case method.
    pub method: String,
    /// Another origin than that of the tenant's URL; then the address is the whole path.
    pub origin: Option<Box<Url>>,
    /// Path and query.
    pub address: Address,
    /// Further headers, in order, duplicates and all.
    pub headers: Vec<(String, String)>,
    /// What it brings.
    pub body: Option<Payload>,
    /// What it does to data if it is let in: a tape for reading sends nothing but reads.
    pub effect: Effect,
    /// What the journal must know of it.
    pub mark: Mark,
    /// Whether a tenant stays within its own, or tries to cross.
    pub intent: Intent,
    /// The operation of the spec that it is a request of; none where the spec has it elsewhere (`whoami`).
    pub operation: Option<OperationIx>,
}

/// What a request brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// `application/json`
    Json(Value),
    /// `application/x-www-form-urlencoded`: members, in order.
    Form(Vec<(String, String)>),
    /// `multipart/form-data`: parts, in order.
    Multipart(Vec<Part>),
    /// Text of a media type.
    Text {
        /// The type.
        kind: String,
        /// The text.
        text: String,
    },
}

/// A part of a `multipart/form-data` body (RFC 7578).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name of the member.
    pub name: String,
    /// Where the part is a file, which.
    pub file: Option<UploadedFile>,
    /// What is in it; within the form of the file, where that has one.
    pub text: String,
}

/// What a file that is uploaded is called, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub kind: String,
    /// What is around its text.
    pub form: FileForm,
}

/// Between the parts of a multipart body. No text of a spec has it.
pub(crate) const BOUNDARY: &str = "watertight-part-7d1b0c5e9f";

impl Payload {
    /// Whether this text is in it, as it was before it was encoded.
    pub fn mentions(&self, text: &str) -> bool {
        match self {
            Self::Json(json) => json.to_string().contains(text),
            Self::Form(members) => members.iter().any(|(_, value)| value.contains(text)),
            Self::Multipart(parts) => parts.iter().any(|part| part.text.contains(text)),
            Self::Text { text: whole, .. } => whole.contains(text),
        }
    }
    /// How its bytes are written where they are shown: a body that holds a picture or an archive is no text.
    pub(crate) fn written(&self) -> Written {
        let is_packed = |part: &Part| part.file.as_ref().is_some_and(|file| file.form != FileForm::Text);
        match self {
            Self::Multipart(parts) if parts.iter().any(is_packed) => Written::Escaped,
            _ => Written::Plain,
        }
    }
    /// Its media type.
    pub fn kind(&self) -> String {
        match self {
            Self::Json(_) => "application/json".to_owned(),
            Self::Form(_) => "application/x-www-form-urlencoded".to_owned(),
            Self::Multipart(_) => format!("multipart/form-data; boundary={BOUNDARY}"),
            Self::Text { kind, .. } => kind.clone(),
        }
    }
}

/// Whether a tenant stays within its own, or tries to cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// An ordinary request of a tenant in its own data: set-up, control, read-back. `api.own-view` judges all of them.
    Own,
    /// An attempt to reach another tenant.
    Across,
}

impl Request {
    /// A request that reads, without headers and body, by `caller`, at the URL of tenant `at`.
    pub fn read(caller: Caller, at: TenantIx, method: &str, address: impl Into<Address>) -> Self {
        Self {
            caller,
            at,
            reaches: None,
            method: method.to_owned(),
            origin: None,
            address: address.into(),
            headers: Vec::new(),
            body: None,
            effect: Effect::Read,
            mark: Mark::Nothing,
            intent: Intent::Own,
            operation: None,
        }
    }
    /// With what it brings.
    pub fn bringing(mut self, body: Option<Payload>) -> Self {
        self.body = body;
        self
    }
    /// With a further tenant in which it may write.
    pub fn reaching(mut self, tenant: TenantIx) -> Self {
        self.reaches = Some(tenant);
        self
    }
    /// With one more header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
    /// With what it does to data.
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }
    /// As a request of this operation.
    pub fn of(mut self, operation: OperationIx) -> Self {
        self.operation = Some(operation);
        self
    }
    /// With what the journal must know.
    pub fn mark(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }
    /// With another address.
    pub fn to(mut self, address: impl Into<Address>) -> Self {
        self.address = address.into();
        self
    }
    /// The same bytes with another's credential: an attempt to cross.
    pub fn across(&self, caller: Caller) -> Self {
        Self { caller, intent: Intent::Across, ..self.clone() }
    }
    /// The same, as an attempt to cross with the credential that it has.
    pub fn crossing(self) -> Self {
        Self { intent: Intent::Across, ..self }
    }
}

/// What the journal must know of a request, so that everything created is removed in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It makes no object.
    Nothing,
    /// If it succeeds there is an object, whose id the answer tells.
    Creates {
        /// What it creates.
        resource: ResourceIx,
        /// The tenant that will own it.
        owner: TenantIx,
        /// Its id, where its maker chooses that.
        named: Option<ObjectId>,
        /// The ids of the other objects that name it.
        above: Vec<(ResourceIx, ObjectId)>,
    },
    /// If it succeeds this object is gone.
    Removes(ObjectName),
}

/// What names an object in its owner's requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// Whose it is.
    pub tenant: TenantIx,
    /// What kind of object it is.
    pub resource: ResourceIx,
    /// The ids of the other objects that name it, such as the one that it is below.
    pub above: Vec<(ResourceIx, ObjectId)>,
    /// Its own.
    pub id: ObjectId,
}

/// Whose credential a request carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Caller {
    /// None at all.
    Anonymous,
    /// A principal's own, renewed when it is about to expire.
    Own(Who),
    /// The very token that an event of this run brought, never renewed.
    Issued(u64),
    /// A token made from a principal's own.
    Forged(Forged),
}

impl Caller {
    /// Whose it is, where the call itself says so.
    pub(crate) fn who(&self) -> Option<Who> {
        match self {
            Self::Own(who) | Self::Forged(Forged { who, .. }) => Some(*who),
            Self::Anonymous | Self::Issued(_) => None,
        }
    }
}

/// A token made from a principal's own: some claims replaced, and something done to what should protect them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forged {
    /// Whose genuine token it is made from.
    pub who: Who,
    /// What is done to it.
    pub forgery: Forgery,
    /// Claims that replace or join those of the genuine token, as JSON strings: (name, value).
    pub claims: Vec<(String, String)>,
}

/// What is done to a token. Whatever it is, [`Forged::claims`] are in the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forgery {
    /// `alg` says that there is no signature, and there is none (RFC 8725 2.1).
    NoneAlgorithm {
        /// As spelled in the header: `none`, `None`, `nOnE`…
        spelling: String,
    },
    /// HS256, keyed with the issuer's public key (RFC 8725 2.1).
    HmacWithPublicKey {
        /// The issuer's key set (RFC 7517), as it was fetched.
        keys: Value,
    },
    /// Nothing but the claims: header and signature are the genuine token's.
    AlteredClaim,
    /// Signed with a key of the attacker's, under a `kid` that no one has.
    UnknownKid,
    /// Signed with a key of the attacker's that is in the header (`jwk`; CVE-2018-0114).
    EmbeddedKey,
    /// Signed with a key of the attacker's, to be fetched from the attacker (`jku` or `x5u`; RFC 8725 3.10).
    KeyUrl {
        /// The header parameter.
        parameter: String,
    },
    /// The signature left empty.
    EmptySignature,
    /// A critical extension that no one knows (RFC 7515 4.1.11), signature kept.
    UnknownCritical,
}

/// A request for a token, unlike the one that the engine makes by itself.
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
    /// Which step of a log-in, from 0.
    pub step: usize,
    /// What is written for `{unique}`: the same in all steps of one log-in.
    pub unique: String,
}

/// A request of an act of the spec.
#[derive(Clone, Debug, PartialEq)]
pub struct ActCall {
    /// Which act.
    pub act: ActIx,
    /// It, or its undoing.
    pub half: Half,
    /// With whose credential: that of whoever does it, or the very one that it is about.
    pub caller: Caller,
}

/// Which of an act's two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// What ends, or gives, access.
    Do,
    /// What takes that back.
    Undo,
}

impl ActCall {
    /// The request, if the act has it.
    pub(crate) fn request<'s>(&self, spec: &'s Spec) -> Option<&'s LoginStep> {
        match self.half {
            Half::Do => Some(&spec[self.act].request),
            Half::Undo => spec[self.act].undo.as_ref(),
        }
    }
}

impl TokenCall {
    /// As the engine itself would ask.
    pub fn plain(who: Who) -> Self {
        Self { who, scope: None, extra: BTreeMap::new(), secret_of: None, step: 0, unique: String::new() }
    }
}
