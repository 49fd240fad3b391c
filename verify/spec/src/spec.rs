//! The specification of a run, as types. Field docs give the TOML key they come from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json_path::JsonPath;
use url::Url;

use crate::act::Act;
use crate::credential::{ClientCertificate, Credential};
use crate::env::Variable;
use crate::ix::{OperationIx, ResourceIx};
use crate::locator::Locator;
use crate::object_id::ObjectId;
use crate::template::{BodyTemplate, PathTemplate, Symbol, TextTemplate, objects_of};

/// Everything that a run needs to know of its target.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Where the text came from, for findings that point at a line.
    pub source: Source,
    /// `[target]`
    pub target: Target,
    /// `[limits]`
    pub limits: Limits,
    /// `[tenancy]`
    pub tenancy: Tenancy,
    /// `[tokens]`; absent where credentials are no tokens (basic, API keys).
    pub tokens: Option<Tokens>,
    /// `[[tenant]]`, at least two, in the order of the file.
    pub tenants: Vec<Tenant>,
    /// `[[resource]]`, parents before children.
    pub resources: Vec<Resource>,
    /// Every operation: those that each resource implies by convention, then `[[operation]]`.
    pub operations: Vec<Operation>,
    /// `[[act]]`, each once for every tenant in which it can be done.
    pub acts: Vec<Act>,
    /// `[[exclude]]`, those not yet expired.
    pub excludes: Vec<Exclude>,
    /// Every `$NAME` that the file uses, with what it stood for (a secret's value is not printable).
    pub variables: BTreeMap<String, Variable>,
}

/// The text that a [`Spec`] was parsed from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path as the user gave it.
    pub path: PathBuf,
    /// The whole file. Secrets are never in it: they are `$NAME`.
    pub text: String,
}

/// `[target]`: what is verified.
#[derive(Clone, Debug)]
pub struct Target {
    /// `name`
    pub name: String,
    /// `url`: base of every path; a tenant may have its own.
    pub url: Option<Url>,
    /// `address`: where every connection to the target is made, whatever its names resolve to.
    pub address: Option<Address>,
    /// `hosts`: further origins that answers may lead to.
    pub hosts: Vec<Url>,
    /// `environment`
    pub environment: TargetEnvironment,
    /// `settle`: how long an asynchronous effect may take to show. Default 2 s, at most 5 min.
    pub settle: Duration,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name, or an IP address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// What kind of installation the target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetEnvironment {
    /// `"test"`
    Test,
    /// `"staging"` (the default)
    Staging,
    /// `"production"`: refused without `--allow-production`, and then only reads are sent.
    Production,
}

/// `[limits]`: bounds of a run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `requests`: at most this many in a run. Default 20 000.
    pub requests: u64,
    /// `rate`: at most this many a second. Default 100.
    pub rate: u32,
    /// `timeout` of one request, connection to last byte. Default 10 s.
    pub timeout: Duration,
    /// `body`: bytes read of one response body, after decompression. Default 4 MiB.
    pub body: usize,
    /// `pages`: pages followed of one list, to 32 MiB at most. Default 50.
    pub pages: usize,
    /// `concurrency`: at most this many requests under way at once, 1 to 256. Default 8.
    pub concurrency: usize,
    /// `time`: a whole run may take this long, 1 s to 24 h. Default 2 h.
    pub time: Duration,
}

/// `[tenancy]`: how requests and data name a tenant.
#[derive(Clone, Debug)]
pub struct Tenancy {
    /// `locator`: at least one. What one writes is in every [request](RequestTemplate) already.
    pub locators: Vec<Locator>,
    /// `fields`: JSON members whose value must be the caller's tenant wherever they occur.
    pub fields: Vec<String>,
}

/// `[tokens]`: what holds of access tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// `kind`
    pub kind: TokenKind,
    /// `issuers`: every `iss` that a token may have.
    pub issuers: Vec<String>,
    /// `tenant_claim`: a member of the claims that names the tenant.
    pub tenant_claim: Option<String>,
    /// `audience`
    pub audience: AudienceRule,
    /// `audiences`: every `aud` that a token may have.
    pub audiences: Vec<String>,
    /// `max_lifetime`: of an access token.
    pub max_lifetime: Option<Duration>,
    /// `leeway`: how long after `exp` the target may still accept. Default 60 s.
    pub leeway: Duration,
    /// `expiry_wait`: a token that lives at most this long is waited out by `token.expired`. Default 10 s.
    pub expiry_wait: Duration,
    /// `whoami`: a call that answers with the caller's tenant.
    pub whoami: Option<WhoAmI>,
    /// `elsewhere`: form parameters with which the token endpoint grants a token for another API than this one.
    pub elsewhere: BTreeMap<String, String>,
    /// `forbidden_scope`: a scope that none of the clients may be granted.
    pub forbidden_scope: Option<String>,
}

/// Whether a token can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A JWS in compact form (RFC 7519).
    Jwt,
    /// Only the platform can read it.
    Opaque,
}

/// Whether tenants share an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudienceRule {
    /// One API audience for all tenants.
    Shared,
    /// Each tenant has its own; the tenant id must occur in it.
    PerTenant,
}

/// `whoami = { request = "GET /me", tenant = "$.tenantId" }`
#[derive(Clone, Debug)]
pub struct WhoAmI {
    /// The call.
    pub request: RequestTemplate,
    /// Where the answer names the tenant.
    pub tenant: JsonPath,
}

/// A tenant's id as the target spells it: opaque, never parsed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TenantName(String);

impl TenantName {
    /// Any non-empty text.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }
    /// As the target spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[[tenant]]`
#[derive(Clone, Debug)]
pub struct Tenant {
    /// `id`
    pub id: TenantName,
    /// `name`: what people are shown, and `{tenant.name}`. Default: the id.
    pub name: String,
    /// `url`, else the target's.
    pub url: Url,
    /// `values`: what is written for the tenant in place of their names.
    pub values: BTreeMap<String, serde_json::Value>,
    /// `[[tenant.principal]]`, at least one that [names its own tenant](Names::Own); the first such is the tenant's
    /// default caller.
    pub principals: Vec<Principal>,
}

impl Tenant {
    /// The principal that calls for this tenant unless a check wants another.
    pub fn caller(&self) -> Option<&Principal> {
        self.principals.iter().find(|principal| principal.may_call())
    }
}

/// `[[tenant.principal]]`: one set of ordinary credentials.
#[derive(Clone, Debug)]
pub struct Principal {
    /// `name`, unique within the tenant.
    pub name: String,
    /// `grant` and what belongs to it.
    pub credential: Credential,
    /// `certificate` and `certificate_key`, with any grant.
    pub certificate: Option<ClientCertificate>,
    /// `names`
    pub names: Names,
    /// `use`
    pub usage: Usage,
    /// Where it belongs.
    pub membership: Membership,
    /// What a reproduction calls the credential: `NORTH_TOKEN`.
    pub env_name: String,
    /// Line of `[[tenant.principal]]`, from 1.
    pub line: usize,
}

impl Principal {
    /// Whether it may call for its tenant by default.
    pub(crate) fn may_call(&self) -> bool {
        self.names == Names::Own && self.usage != Usage::Acts && self.membership == Membership::One
    }
}

/// In which tenants a principal is a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// In the one that it is listed in: `[[tenant.principal]]`.
    One,
    /// `[[person]]`: it is listed in each of these, and enters one at a time.
    Several(Vec<TenantName>, Enters),
    /// `[[staff]]`: in none. It is listed in all, since it acts on each.
    Nowhere,
}

/// By what a person enters one of its tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enters {
    /// Its log-in names the tenant, so that its credential is good for that one.
    AtLogIn,
    /// Each request names the tenant.
    WithEachRequest,
}

/// What a principal is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// `"all"` (the default): the plain attacks are tried with it as well.
    All,
    /// `"tokens"`: only the checks of tokens and secrets use it.
    Tokens,
    /// `"acts"`: only acts concern it, or are done by it.
    Acts,
}

/// Which tenant a principal's credential names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Its own (the default).
    Own,
    /// `"none"`: it names no tenant, so it must open nothing.
    Nothing,
    /// Another tenant's id, vouched for by this tenant's own issuer: it must open nothing.
    Other(TenantName),
}

/// `[[resource]]`: one kind of object. A few lines yield the whole attack matrix.
#[derive(Clone, Debug)]
pub struct Resource {
    /// `name`: also the symbol that stands for an object's id in paths (`{case}`).
    pub name: String,
    /// `parent`, else the last other object that the path of its create, list or read names.
    pub parent: Option<ResourceIx>,
    /// Other resources whose objects its requests name, its parent among them: set-up plants those before.
    pub needs: Vec<ResourceIx>,
    /// How many resources come before it in that order.
    pub depth: usize,
    /// `ids`
    pub ids: IdSource,
    /// `id`: where the answer to a create, and an item, name the id. Default `$.id`.
    pub id: JsonPath,
    /// `id_header`: a header of the answer to a create that has it instead.
    pub id_header: Option<String>,
    /// `page`
    pub page: Paging,
    /// Where its objects come from.
    pub supply: Supply,
    /// `singleton`: each tenant has exactly one, which no request names: settings, an account.
    pub is_singleton: bool,
    /// `disposable`: whether objects that exist already may be changed.
    pub is_disposable: bool,
    /// `shows`: by what a tenant's existing object is recognised, where that is not left to the run.
    pub shows: BTreeMap<TenantName, String>,
    /// Line of `[[resource]]`, from 1.
    pub line: usize,
}

/// Where the objects of a resource come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Supply {
    /// `create`: the run makes them.
    Made,
    /// `existing = { … }`: known ones, by tenant. Then nothing is created.
    Known(BTreeMap<TenantName, Vec<ObjectId>>),
    /// `existing = "listed"`: those that a tenant's own list shows. Then nothing is created.
    Listed,
}

impl Supply {
    /// Those that are known of a tenant.
    pub fn known(&self, tenant: &TenantName) -> &[ObjectId] {
        match self {
            Self::Known(known) => known.get(tenant).map_or(&[], Vec::as_slice),
            Self::Made | Self::Listed => &[],
        }
    }
}

/// Who chooses an object's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdSource {
    /// `"server"` (the default): create is `POST collection`.
    Server,
    /// `"client"`: create is `PUT item`, in a namespace that all tenants may share.
    Client,
}

/// `page = { size = "limit=2", next = "$.next" }`: how lists come in pages.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// `size`: query parameter that asks for small pages, so that there is a second one.
    pub size: Option<String>,
    /// How a page leads to the next one.
    pub next: NextPage,
    /// `more`: where a page says whether there is a next one.
    pub more: Option<JsonPath>,
}

/// How a page leads to the next one.
#[derive(Clone, Debug, Default)]
pub enum NextPage {
    /// As is usual: `Link: rel=next`, or a URL in the body that is called `next`.
    #[default]
    Usual,
    /// `next`: a URL or a path.
    Link(JsonPath),
    /// `next_header`: a response header that has it.
    Header(String),
    /// `cursor`: a parameter that has the value which the page names at `next`.
    Cursor {
        /// The parameter.
        parameter: Parameter,
        /// Where its value is.
        at: JsonPath,
    },
    /// `number`: a parameter that counts pages, from 1 unless the request has another.
    Number(Parameter),
    /// `offset`: a parameter that counts objects.
    Offset(Parameter),
}

/// A parameter of a request for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// Of the query.
    Query(String),
    /// `"body:params.cursor"`: a member of the body.
    Body(Vec<String>),
}

/// One thing that the target lets a caller do.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its own place in [`Spec::operations`].
    pub ix: OperationIx,
    /// `case.read`, or `name` of an `[[operation]]`.
    pub name: String,
    /// Whether another operation has the same method and path and is not the same request, so that these don't tell which of
    /// them is meant.
    pub is_ambiguous: bool,
    /// What is sent.
    pub request: RequestTemplate,
    /// What it is within its resource.
    pub role: Role,
    /// Whether the spec writes it, or implies it.
    pub origin: Origin,
    /// What it does to data.
    pub effect: Effect,
    /// The resource whose object it concerns.
    pub resource: Option<ResourceIx>,
    /// `changes`: kinds of which it changes or destroys what its caller has, whatever the ids: all that fit a filter, say.
    pub changes: Vec<ResourceIx>,
    /// Line that declares it, from 1.
    pub line: usize,
}

impl Operation {
    /// As findings name it: `GET /tenants/{tenant}/cases/{case}`, or `POST /rpc (case.read)` where there are several such.
    pub fn label(&self) -> String {
        let Self { name, request, .. } = self;
        match self.is_ambiguous {
            true => format!("{request} ({name})"),
            false => request.to_string(),
        }
    }
}

/// A request with symbols in it.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestTemplate {
    /// Upper-case method.
    pub method: String,
    /// Path and query.
    pub path: PathTemplate,
    /// `headers`, in the order of the file.
    pub headers: Vec<(String, TextTemplate)>,
    /// What it brings.
    pub body: Option<BodyTemplate>,
    /// `until`: what must be so before its answer counts.
    pub until: Option<Until>,
    /// `follow`: where its answer names what is then fetched; that answer counts.
    pub follow: Option<Follow>,
}

/// `until = { member = "$.status", is = "done", within = "30s" }`: as long as an answer is 202, 409 or 425, or a success of
/// which the member is something else, the request is sent again.
#[derive(Clone, Debug, PartialEq)]
pub struct Until {
    /// `member` and `is`.
    pub member: Option<(JsonPath, serde_json::Value)>,
    /// `within`: how long. Default 30 s.
    pub within: Duration,
}

impl Until {
    /// Whether an answer says that what is asked for is not ready.
    pub fn is_pending(&self, status: u16, json: Option<&serde_json::Value>) -> bool {
        let is_other = |(path, wanted): &(JsonPath, serde_json::Value)| {
            json.is_none_or(|json| path.query(json).first() != Some(wanted))
        };
        match status {
            202 | 409 | 425 => true,
            200..=299 => self.member.as_ref().is_some_and(is_other),
            _ => false,
        }
    }
}

/// `follow`: where an answer names a URL.
#[derive(Clone, Debug, PartialEq)]
pub enum Follow {
    /// A JSONPath.
    Member(JsonPath),
    /// `"header:NAME"`
    Header(String),
}

impl RequestTemplate {
    /// Method and path alone.
    pub fn bare(method: impl Into<String>, path: PathTemplate) -> Self {
        Self { method: method.into(), path, headers: Vec::new(), body: None, until: None, follow: None }
    }

    /// Every symbol in it: of the path and query, of headers, of the body.
    pub fn symbols(&self) -> Vec<&Symbol> {
        let in_headers = self.headers.iter().flat_map(|(_, value)| value.symbols());
        let in_body = self.body.iter().flat_map(BodyTemplate::symbols);
        self.path.symbols().chain(in_headers).chain(in_body).collect()
    }

    /// Whether the symbol is anywhere in it.
    pub fn mentions(&self, symbol: &Symbol) -> bool {
        self.symbols().contains(&symbol)
    }

    /// The kinds of objects that it names, each once, in the order in which it first names them.
    pub fn objects(&self) -> Vec<ResourceIx> {
        objects_of(self.symbols())
    }
}

impl fmt::Display for RequestTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Where an operation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The spec names it: an `[[operation]]`, a described request, or one of `methods`.
    Written,
    /// It follows from the convention, so a target need not have it.
    Convention,
}

/// What an operation is within its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// `GET collection`
    List,
    /// `POST collection`, or `PUT item` where clients choose ids.
    Create,
    /// `GET item`
    Read,
    /// `PUT item`
    Replace,
    /// `PATCH item`
    Patch,
    /// `DELETE item`
    Delete,
    /// `search`
    Search,
    /// `count`
    Count,
    /// One of `views`
    View,
    /// An `[[operation]]`.
    Custom,
}

/// What an operation does to data; production sends only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Read,
    /// Makes an object.
    Create,
    /// Changes one.
    Change,
    /// Destroys one.
    Destroy,
}

/// `[[exclude]]`: a check that is left out, with a reason, for a time.
#[derive(Clone, Debug)]
pub struct Exclude {
    /// `check`: a check id, or `coverage`.
    pub check: String,
    /// `operation`: an operation's name; absent for all.
    pub operation: Option<String>,
    /// `reason`
    pub reason: String,
    /// `expires`: the last day it holds.
    pub expires: time::Date,
}
