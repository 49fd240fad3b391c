//! A small tenant API in memory, sound until a flaw or a broken control is switched on, and a driver that runs checks
//! against it as the dispatcher does: through the tape, one request at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use serde_json::{Value, json};
use watertight_spec::{Names, Spec};

use super::{Kind, setup};
use crate::check::Check;
use crate::judge::Verdict;
use crate::marker::{RunTag, Scanner};
use crate::request::{Call, Caller, Intent, Request};
use crate::tape::{Halt, Tape};
use crate::trace::{Event, Exchange, Outcome, Owner, Received, Sent, What};
use crate::world::{Marker, World};

/// A bug of the API, or a way in which it keeps the verifier from telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Switch {
    // Flaws.
    PathBelieved,
    HeaderBelieved,
    LastHeaderBelieved,
    HeaderWidens,
    QueryBelieved,
    ReadByIdAlone,
    UpdateByIdAlone,
    DeleteByIdAlone,
    CloseByIdAlone,
    BodyTenantHonoured,
    UpdateMoves,
    ListAll,
    SecondPageAll,
    SearchAll,
    SearchTotalAll,
    CountAll,
    FieldOfAnother,
    CacheWithoutTenant,
    NamelessIsFirst,
    MissingIsFirst,
    UnknownIsOwn,
    CaseFolded,
    ChildOfAnyParent,
    FoundByParentAlone,
    ForeignForbidden,
    DenialCarriesRecord,
    DeletesAndDenies,
    UniqueEverywhere,
    // Broken controls.
    VictimMissing,
    CanaryStripped,
    AcrossThrottled,
    AcrossFails,
    AcrossRedirected,
    AcrossRedirectedWithRecord,
    AcrossEmpty,
    SearchNever,
    NextUnreadable,
    NextUnsaid,
    PathIgnored,
    UpdatesRefused,
    // Harmless habits.
    DenialEchoes,
    SearchLags,
    HeaderLocated,
    FuzzySearch,
    ActivatesLater,
    ReplicaLags,
    AnyParentOfForm,
    OfficeShared,
    SchemaTicks,
    // What else the spec says.
    SpecWithSettings,
    SpecCreatesExisting,
    SchemaPublic,
}

use Switch::*;

const NAMES: [&str; 3] = ["north", "south", "east"];

const SPEC: &str = r#"
[target]
name = "testbed"
url = "http://127.0.0.1:1"
environment = "test"
settle = "40ms"

[tenancy]
locator = "path"
fields = ["tenantId"]

[[tenant]]
id = "north"
[[tenant.principal]]
name = "service"
grant = "header"
header = "X-Api-Key"
value = "$NORTH"

[[tenant]]
id = "south"
[[tenant.principal]]
name = "service"
grant = "header"
header = "X-Api-Key"
value = "$SOUTH"
[[tenant.principal]]
name = "nameless"
grant = "header"
header = "X-Api-Key"
value = "$NAMELESS"
names = "none"

[[tenant]]
id = "east"
[[tenant.principal]]
name = "service"
grant = "header"
header = "X-Api-Key"
value = "$EAST"

[[resource]]
name = "case"
path = "/tenants/{tenant}/cases"
create = { title = "{canary}", externalRef = "{unique}" }
update = { title = "{canary}" }
search = "GET /tenants/{tenant}/search?q={canary.public}"
count = "GET /tenants/{tenant}/cases/facets"
page = { size = "limit=2" }

[[resource]]
name = "task"
parent = "case"
create = { title = "{canary}" }

[[resource]]
name = "note"
path = "/tenants/{tenant}/notes"
create = { title = "{canary}" }
ids = "client"

[[resource]]
name = "bucket"
path = "/buckets"
create = { title = "{canary}" }
ids = "client"

[[resource]]
name = "user"
path = "/tenants/{tenant}/users"
existing = { north = "user-17", south = "user-90", east = "user-5" }

[[operation]]
name = "close-case"
request = "POST /tenants/{tenant}/cases/{case}/close"
effect = "change"

[[operation]]
name = "summary"
request = "GET /tenants/{tenant}/cases/{case}/summary"

[[operation]]
name = "my-cases"
request = "GET /me/cases"
"#;

/// An operation whose answer is the same for all.
const SCHEMA: &str = r#"
[[operation]]
name = "schema"
request = "GET /tenants/{tenant}/cases/{case}/schema"
"#;

/// The spec of the API in memory; with `HeaderLocated` it takes the tenant from a header.
fn spec(switches: &[Switch]) -> Spec {
    let by_header = || SPEC.replace("/tenants/{tenant}", "").replace("\"path\"", "\"header:X-Tenant-Id\"");
    let mut text = if switches.contains(&HeaderLocated) { by_header() } else { SPEC.to_owned() };
    if switches.contains(&SpecWithSettings) {
        text +=
            "\n[[operation]]\nname = \"settings\"\nrequest = \"PUT /tenants/{tenant}/settings\"\neffect = \"change\"\n";
    }
    if switches.contains(&SpecCreatesExisting) {
        text = text.replace("existing = {", "create = { name = \"{canary}\", ref = \"{unique}\" }\nexisting = {");
    }
    if switches.contains(&SchemaPublic) {
        text.push_str(SCHEMA);
    }
    parsed(&text)
}

/// A spec over the credentials of the testbed.
pub(crate) fn parsed(text: &str) -> Spec {
    let names = ["NORTH", "SOUTH", "EAST", "NAMELESS"];
    let env: BTreeMap<String, String> = names.iter().map(|n| ((*n).to_owned(), format!("key-of-{n}"))).collect();
    let today = time::Date::from_ordinal_date(2026, 1).unwrap();
    match watertight_spec::parse(Path::new("testbed.toml"), text, &env, today) {
        Ok(spec) => spec,
        Err(problems) => panic!("{problems:?}"),
    }
}

#[derive(Clone, Debug)]
struct Record {
    tenant: usize,
    kind: &'static str,
    id: String,
    parent: Option<String>,
    body: Value,
    born: u64,
}

/// The API.
struct Api {
    switches: BTreeSet<Switch>,
    records: Vec<Record>,
    counters: BTreeMap<(usize, &'static str), usize>,
    cache: BTreeMap<String, Value>,
    clock: u64,
    asked: usize,
    /// Whether the next reading goes to a replica that has not caught up.
    lags: bool,
    /// How often the schema was read.
    schemas: usize,
    /// Whether a header adds all tenants to a list.
    widened: bool,
}

type Answer = (u16, Vec<(String, String)>, String);

impl Api {
    fn is(&self, switch: Switch) -> bool {
        self.switches.contains(&switch)
    }

    fn answer(&mut self, caller: Option<Option<usize>>, request: &Request) -> Answer {
        self.asked += 1;
        let across = request.intent == Intent::Across;
        self.lags |= across && request.method != "GET" && self.is(ReplicaLags);
        for (switch, status) in [(AcrossThrottled, 429), (AcrossFails, 500), (AcrossRedirected, 302)] {
            if across && self.is(switch) {
                return (status, vec![("location".into(), "/login".into())], String::new());
            }
        }
        if across && self.is(AcrossEmpty) {
            return (200, vec![], String::new());
        }
        let Some(named) = caller else { return problem(401, "no credential", "") };
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if let Some((_, id)) = path.strip_suffix("/schema").and_then(|above| above.rsplit_once('/')) {
            self.schemas += 1;
            let at = if self.is(SchemaTicks) { (self.schemas - 1) / 3 } else { 0 };
            return ok(json!({ "case": id, "members": ["title"], "at": at }));
        }
        self.widened =
            self.is(HeaderWidens) && request.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("x-tenant-id"));
        let Some(tenant) = self.tenant(named, path, query, request) else {
            return self.deny(path, named, request);
        };
        let parts: Vec<String> = path.split('/').skip(1).map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let body = request.body.clone().unwrap_or_default();
        let method = request.method.as_str();
        let rest = match parts.as_slice() {
            ["tenants", _, rest @ ..] | ["me", rest @ ..] => rest,
            ["cases" | "notes" | "users" | "search", ..] => parts.as_slice(),
            ["buckets", rest @ ..] => return self.buckets(tenant, method, rest, &body),
            ["login"] => return (200, vec![], "<form>".into()),
            _ => return problem(404, "no route", path),
        };
        match (method, rest) {
            ("GET", ["search"]) => self.search(tenant, query),
            ("GET", ["cases", "facets"]) => {
                let all = self.is(CountAll);
                let total = self.records.iter().filter(|r| r.kind == "case" && (all || r.tenant == tenant)).count();
                ok(json!({ "total": total, "byStatus": { "open": total } }))
            }
            ("GET", ["cases"]) => self.list(tenant, "case", None, query),
            ("POST", ["cases"]) => self.create_case(tenant, &body),
            (_, ["cases", id]) => self.item(tenant, "case", id, None, method, &body, path),
            ("GET", ["cases", id, "summary"]) => self.summary(tenant, id, path),
            ("POST", ["cases", id, "close"]) => match self.find(tenant, "case", id, CloseByIdAlone) {
                Some(at) => {
                    self.records[at].body["status"] = json!("closed");
                    ok(json!({ "status": "closed" }))
                }
                None => self.missing(id, path),
            },
            ("GET", ["cases", parent, "tasks"]) => match self.find(tenant, "case", parent, ReadByIdAlone) {
                Some(_) => self.list(tenant, "task", Some(parent), query),
                None => self.missing(parent, path),
            },
            ("POST", ["cases", parent, "tasks"]) => self.create_task(tenant, parent, &body, path),
            (_, ["cases", parent, "tasks", id]) => self.item(tenant, "task", id, Some(parent), method, &body, path),
            ("GET", ["users"]) => self.list(tenant, "user", None, query),
            ("GET", ["users", id]) => self.item(tenant, "user", id, None, method, &body, path),
            ("GET", ["notes"]) => self.list(tenant, "note", None, query),
            ("PUT", ["notes", id]) => self.put(tenant, "note", id, &body),
            (_, ["notes", id]) => self.item(tenant, "note", id, None, method, &body, path),
            _ => problem(404, "no route", path),
        }
    }

    /// The tenant that the request acts in; none is a denial.
    fn tenant(&self, named: Option<usize>, path: &str, query: &str, request: &Request) -> Option<usize> {
        let index = |name: &str| NAMES.iter().position(|n| *n == name);
        let headers = || request.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case("x-tenant-id"));
        let Some(own) = named else { return self.is(NamelessIsFirst).then_some(0) };
        if self.is(HeaderBelieved)
            && let Some((_, value)) = headers().next()
        {
            return index(value);
        }
        if self.is(LastHeaderBelieved)
            && headers().count() > 1
            && let Some((_, value)) = headers().next_back()
        {
            return index(value);
        }
        if self.is(QueryBelieved)
            && let Some(value) = query.split('&').find_map(|p| p.strip_prefix("tenantId="))
        {
            return index(value);
        }
        if self.is(HeaderLocated) {
            let named: Vec<Option<usize>> = headers().map(|(_, value)| index(value)).collect();
            return match named.as_slice() {
                [Some(there)] if *there == own || self.is(PathBelieved) => Some(*there),
                [] if self.is(MissingIsFirst) => Some(0),
                _ => None,
            };
        }
        let mut parts = path.split('/').skip(1);
        match (parts.next(), parts.next()) {
            (Some("tenants"), Some(segment)) => {
                let segment = decode(segment);
                match index(&segment) {
                    Some(there) if there == own || self.is(PathBelieved) => Some(there),
                    Some(_) => self.is(PathIgnored).then_some(own),
                    None if self.is(CaseFolded) => index(&segment.to_lowercase()),
                    None if self.is(MissingIsFirst) && segment.is_empty() => Some(0),
                    None if self.is(UnknownIsOwn) => Some(own),
                    None => None,
                }
            }
            (Some("cases"), _) => self.is(MissingIsFirst).then_some(0),
            _ => Some(own),
        }
    }

    /// What a request gets that is not let in to a tenant.
    fn deny(&mut self, path: &str, named: Option<usize>, request: &Request) -> Answer {
        let parts: Vec<String> = path.split('/').skip(1).map(decode).collect();
        let found = match parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["tenants", tenant, "cases", id] => {
                let tenant = NAMES.iter().position(|n| n == tenant);
                self.records.iter().position(|r| Some(r.tenant) == tenant && r.kind == "case" && r.id == *id)
            }
            _ => None,
        };
        let Some(at) = found.filter(|_| named.is_some()) else { return self.nothing(path) };
        if self.is(DenialCarriesRecord) {
            return (403, vec![], self.records[at].body.to_string());
        }
        if self.is(AcrossRedirectedWithRecord) {
            return (302, vec![("location".into(), "/login".into())], self.records[at].body.to_string());
        }
        if self.is(DeletesAndDenies) && request.method == "DELETE" {
            self.records.remove(at);
        }
        if self.is(ForeignForbidden) {
            return problem(403, "forbidden", "");
        }
        self.nothing(path)
    }

    fn nothing(&self, path: &str) -> Answer {
        problem(404, "not found", if self.is(DenialEchoes) { path } else { "" })
    }

    fn missing(&self, id: &str, path: &str) -> Answer {
        if self.is(ForeignForbidden) && self.records.iter().any(|r| r.id == id) {
            return problem(403, "forbidden", "");
        }
        self.nothing(path)
    }

    fn find(&self, tenant: usize, kind: &str, id: &str, alone: Switch) -> Option<usize> {
        let own = |r: &&Record| r.tenant == tenant;
        let here = |r: &Record| r.kind == kind && r.id == id;
        let at = self.records.iter().position(|r| own(&r) && here(r));
        let missing = self.is(VictimMissing) && self.asked > 40 && tenant == 1;
        match at.filter(|_| !missing) {
            None if self.is(alone) && !missing => self.records.iter().position(here),
            found => found,
        }
    }

    fn next_id(&mut self, tenant: usize, kind: &'static str) -> String {
        let of_tenant = if self.is(SchemaPublic) { tenant.to_string() } else { String::new() };
        let counter = self.counters.entry((tenant, kind)).or_default();
        *counter += 1;
        format!("{kind}-{of_tenant}{counter}")
    }

    fn store(&mut self, tenant: usize, kind: &'static str, id: String, parent: Option<String>, body: &Value) -> Value {
        let mut body = if body.is_object() { body.clone() } else { json!({}) };
        if self.is(CanaryStripped) {
            body["title"] = json!("redacted");
        }
        body["id"] = json!(id);
        body["status"] = json!("open");
        body["tenantId"] = json!(NAMES[tenant]);
        self.records.push(Record { tenant, kind, id, parent, body: body.clone(), born: self.clock });
        body
    }

    fn create_case(&mut self, tenant: usize, body: &Value) -> Answer {
        let taken = |r: &Record| {
            r.body["externalRef"] == body["externalRef"] && (r.tenant == tenant || self.is(UniqueEverywhere))
        };
        if self.records.iter().any(|r| r.kind == "case" && taken(r)) {
            return problem(409, "taken", "");
        }
        let named = NAMES.iter().position(|n| body["tenantId"] == **n);
        let tenant = named.filter(|_| self.is(BodyTenantHonoured)).unwrap_or(tenant);
        let id = self.next_id(tenant, "case");
        let body = self.store(tenant, "case", id, None, body);
        (201, vec![], body.to_string())
    }

    fn create_task(&mut self, tenant: usize, parent: &str, body: &Value, path: &str) -> Answer {
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if self.is(AnyParentOfForm) && parent.strip_prefix("case-").is_some_and(is_number) {
            let id = self.next_id(tenant, "task");
            return (201, vec![], self.store(tenant, "task", id, Some(parent.to_owned()), body).to_string());
        }
        let Some(at) = self.find(tenant, "case", parent, ChildOfAnyParent) else { return self.missing(parent, path) };
        let tenant = self.records[at].tenant;
        let id = self.next_id(tenant, "task");
        let body = self.store(tenant, "task", id, Some(parent.to_owned()), body);
        (201, vec![], body.to_string())
    }

    /// An upsert in a tenant's own namespace.
    fn put(&mut self, tenant: usize, kind: &'static str, id: &str, body: &Value) -> Answer {
        match self.find(tenant, kind, id, UpdateByIdAlone) {
            Some(at) => {
                self.records[at].body["title"] = body["title"].clone();
                ok(self.records[at].body.clone())
            }
            None => (201, vec![], self.store(tenant, kind, id.to_owned(), None, body).to_string()),
        }
    }

    /// One namespace for all; who made a bucket owns it.
    fn buckets(&mut self, tenant: usize, method: &str, rest: &[&str], body: &Value) -> Answer {
        match (method, rest) {
            ("GET", []) => self.list(tenant, "bucket", None, ""),
            (_, [id]) => match self.records.iter().position(|r| r.kind == "bucket" && r.id == *id) {
                Some(at) if self.records[at].tenant != tenant => problem(403, "forbidden", ""),
                None if method == "PUT" => {
                    (201, vec![], self.store(tenant, "bucket", (*id).to_owned(), None, body).to_string())
                }
                None => problem(403, "forbidden", ""),
                Some(_) => self.item(tenant, "bucket", id, None, method, body, ""),
            },
            _ => problem(405, "no such method", ""),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a router in one match, for tests alone")]
    fn item(
        &mut self,
        tenant: usize,
        kind: &'static str,
        id: &str,
        parent: Option<&str>,
        method: &str,
        body: &Value,
        path: &str,
    ) -> Answer {
        let alone = match method {
            "GET" => ReadByIdAlone,
            "DELETE" => DeleteByIdAlone,
            _ => UpdateByIdAlone,
        };
        let below = |r: &Record| r.kind == kind && r.id == id && r.parent.as_deref() == parent;
        let by_parent =
            || self.records.iter().position(below).filter(|_| parent.is_some() && self.is(FoundByParentAlone));
        let own =
            self.find(tenant, kind, id, alone).filter(|at| !self.is(FoundByParentAlone) || below(&self.records[*at]));
        let Some(at) = own.or_else(by_parent) else { return self.missing(id, path) };
        if parent.is_some() && self.records[at].parent.as_deref() != parent && !self.is(alone) {
            return self.missing(id, path);
        }
        match method {
            "GET" if std::mem::take(&mut self.lags) => self.missing(id, path),
            "GET" => ok(self.seen(at)),
            "DELETE" => {
                self.records.remove(at);
                (204, vec![], String::new())
            }
            "PUT" | "PATCH" if self.is(UpdatesRefused) => problem(415, "merge-patch alone", ""),
            "PUT" | "PATCH" => {
                let record = &mut self.records[at];
                record.body["title"] = body["title"].clone();
                if self.switches.contains(&UpdateMoves)
                    && let Some(there) = NAMES.iter().position(|n| body["tenantId"] == **n)
                {
                    let record = &mut self.records[at];
                    (record.tenant, record.id) = (there, format!("{kind}-moved-{}", self.asked));
                    record.body["id"] = json!(record.id);
                }
                ok(self.records[at].body.clone())
            }
            _ => problem(405, "no such method", ""),
        }
    }

    /// A record as it is read.
    fn seen(&self, at: usize) -> Value {
        let record = &self.records[at];
        let mut body = record.body.clone();
        if self.is(ActivatesLater) && record.born + 20 > self.clock && body["status"] == "open" {
            body["status"] = json!("pending");
        }
        body
    }

    fn list(&self, tenant: usize, kind: &str, parent: Option<&str>, query: &str) -> Answer {
        let number =
            |name: &str| query.split('&').find_map(|p| p.strip_prefix(name)).and_then(|v| v.parse::<usize>().ok());
        let (limit, from) = (number("limit=").unwrap_or(50), number("from=").unwrap_or(0));
        let all = self.is(ListAll) || (self.is(SecondPageAll) && from > 0);
        let all = all || (self.widened && kind == "case");
        let missing = self.is(VictimMissing) && self.asked > 40 && tenant == 1;
        let items: Vec<Value> = self
            .records
            .iter()
            .filter(|r| r.kind == kind && (all || r.tenant == tenant) && !missing)
            .filter(|r| parent.is_none() || r.parent.as_deref() == parent)
            .map(|r| r.body.clone())
            .map(|mut body| {
                if self.is(FieldOfAnother) {
                    body = json!({ "id": body["id"], "title": body["title"], "tenantId": NAMES[(tenant + 1) % 3] });
                }
                body
            })
            .collect();
        let page: Vec<&Value> = items.iter().skip(from).take(limit).collect();
        let next = (from + limit < items.len()).then(|| format!("?limit={limit}&from={}", from + limit));
        let next = next.filter(|_| !self.is(NextUnsaid));
        let next = if self.is(NextUnreadable) { json!(next.map(|_| from + limit)) } else { json!(next) };
        ok(json!({ "items": page, "next": next }))
    }

    fn search(&self, tenant: usize, query: &str) -> Answer {
        let wanted = query.split('&').find_map(|p| p.strip_prefix("q=")).unwrap_or_default().to_owned();
        let age = if self.is(SearchLags) { 20 } else { 0 };
        let found: Vec<&Record> = self
            .records
            .iter()
            .filter(|r| r.kind == "case" && r.body["title"].as_str().is_some_and(|t| t.contains(&wanted)))
            .filter(|r| r.born + age <= self.clock && !self.is(SearchNever))
            .collect();
        let own: Vec<&Value> =
            found.iter().filter(|r| self.is(SearchAll) || r.tenant == tenant).map(|r| &r.body).collect();
        let is_like = |r: &&Record| {
            let title = r.body["title"].as_str().unwrap_or_default();
            r.kind == "case" && r.tenant == tenant && title.get(..3) == wanted.get(..3)
        };
        let total = match (self.is(SearchTotalAll), self.is(FuzzySearch)) {
            (true, _) => found.len(),
            (false, true) => self.records.iter().filter(is_like).count(),
            (false, false) => own.len(),
        };
        ok(json!({ "items": own, "total": total }))
    }

    fn summary(&mut self, tenant: usize, id: &str, path: &str) -> Answer {
        let key = if self.is(CacheWithoutTenant) { id.to_owned() } else { format!("{tenant} {id}") };
        let Some(at) = self.find(tenant, "case", id, ReadByIdAlone) else { return self.missing(id, path) };
        let made = json!({ "title": self.records[at].body["title"] });
        ok(self.cache.entry(key).or_insert(made).clone())
    }
}

/// What stands in the API before any run.
fn users(switches: &[Switch]) -> Vec<Record> {
    let people = [
        (0, "user-17", "Nora Nordahl-Nilsson", 17_001_717, "Office of Immigration"),
        (1, "user-90", "Sol Sundgren-Solberg", 90_009_090, "Office of Harbour and Customs"),
        (2, "user-5", "Eva Ekberg-Eriksson", 50_005_055, "Office of Records"),
        (1, "user-91", "Siv Sandberg-Strand", 91_009_191, "Office of Immigration"),
    ];
    let all = if switches.contains(&OfficeShared) { people.len() } else { NAMES.len() };
    let record = |(tenant, id, name, badge, office): (usize, &str, &str, u32, &str)| Record {
        tenant,
        kind: "user",
        id: id.to_owned(),
        parent: None,
        body: json!({
            "id": id, "name": name, "badge": badge, "office": office, "role": "caseworker", "tenantId": NAMES[tenant],
        }),
        born: 0,
    };
    people.into_iter().take(all).map(record).collect()
}

fn ok(body: Value) -> Answer {
    (200, vec![("content-type".into(), "application/json".into())], body.to_string())
}

fn problem(status: u16, title: &str, instance: &str) -> Answer {
    (status, vec![], json!({ "title": title, "instance": instance }).to_string())
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What one instance concluded.
#[derive(Clone, Debug)]
pub(crate) struct Concluded {
    pub(crate) check: &'static str,
    pub(crate) victim: usize,
    pub(crate) operation: String,
    pub(crate) verdict: Verdict,
}

/// A run over the API in memory.
pub(crate) struct Testbed {
    spec: Spec,
    tag: RunTag,
    scanner: Scanner,
    api: Api,
    pub(crate) events: Vec<Event>,
    pub(crate) world: World,
}

impl Testbed {
    /// With set-up carried out.
    pub(crate) fn new(switches: &[Switch]) -> Self {
        let spec = spec(switches);
        let tag = RunTag::new(1, 2);
        let scanner = Scanner::new(&tag, spec.tenants.len()).unwrap();
        let api = Api {
            switches: switches.iter().copied().collect(),
            records: users(switches),
            counters: BTreeMap::new(),
            cache: BTreeMap::new(),
            clock: 0,
            asked: 0,
            schemas: 0,
            widened: false,
            lags: false,
        };
        let mut bed = Self { spec, tag, scanner, api, events: Vec::new(), world: World::default() };
        let steps = setup::steps(&bed.spec);
        let mut planted = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let mut tape = Vec::new();
            planted.push(loop {
                match bed.drive(Owner::Setup(index), &step.label, &mut tape, |tape| setup::run(tape, step)) {
                    Ok(planted) => break Ok(planted),
                    Err(Halt::Unproven(why) | Halt::NotApplicable(why)) => break Err(why),
                    Err(_) => {}
                }
            });
            bed.world = setup::world(&bed.spec, &steps, &planted);
        }
        bed
    }

    /// How many records the API holds.
    pub(crate) fn records(&self) -> usize {
        self.api.records.len()
    }

    pub(crate) fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What `api.own-view` says of everything so far.
    pub(crate) fn own_view(&self, attacker: usize, victim: usize) -> Verdict {
        super::own_view(&self.spec, &self.world, &self.events, attacker, victim)
    }

    /// What was sent so far, and its answers.
    pub(crate) fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Exchange(exchange) => Some(exchange.as_ref()),
            What::Waited { .. } => None,
        })
    }

    /// Every instance of these kinds that `wanted` picks. Pauses overlap as in a live run, and more so: after each check
    /// that is begun, one that waits goes on.
    pub(crate) fn run(&mut self, kinds: Vec<Kind>, wanted: impl Fn(&Check) -> bool) -> Vec<Concluded> {
        let instances = kinds.into_iter().flat_map(|kind| (kind.instances)(&self.spec)).filter(wanted);
        let checks: Vec<Check> = instances.collect();
        let mut tapes: Vec<Vec<Event>> = checks.iter().map(|_| Vec::new()).collect();
        let mut concluded: Vec<Option<Concluded>> = checks.iter().map(|_| None).collect();
        let mut fresh: VecDeque<usize> = (0..checks.len()).collect();
        let mut waiting: VecDeque<usize> = VecDeque::new();
        for turn in 0.. {
            let (first, second) = if turn % 2 == 0 { (&mut fresh, &mut waiting) } else { (&mut waiting, &mut fresh) };
            let Some(index) = first.pop_front().or_else(|| second.pop_front()) else { break };
            let (check, tape) = (&checks[index], &mut tapes[index]);
            let label = format!("{} {} {} {}", check.about.id, check.attacker, check.victim, check.operation);
            let verdict = match self.drive(Owner::Check(index), &label, tape, &check.machine) {
                Ok(verdict) => verdict,
                Err(Halt::NotApplicable(why)) => Verdict::NotApplicable(why),
                Err(Halt::Unproven(why)) => Verdict::Unproven(why),
                Err(_) => {
                    waiting.push_back(index);
                    continue;
                }
            };
            let (check, victim, operation) = (check.about.id, check.victim, check.operation.clone());
            concluded[index] = Some(Concluded { check, victim, operation, verdict });
        }
        concluded.into_iter().flatten().collect()
    }

    /// Until it is done, or wants to wait; then the pause is on its tape already.
    fn drive<T>(
        &mut self,
        owner: Owner,
        label: &str,
        mine: &mut Vec<Event>,
        machine: impl Fn(&Tape<'_>) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        loop {
            assert!(mine.len() < 5_000, "{label} does not end");
            let tape = Tape::new(&self.spec, &self.world, &self.tag, label.to_owned(), mine.iter().collect());
            let outcome = machine(&tape);
            let what = match &outcome {
                Err(Halt::Send(call)) => {
                    let Call::Api(request) = call.as_ref() else { panic!("an API check sends API requests") };
                    What::Exchange(Box::new(self.exchange(request)))
                }
                Err(Halt::Wait(time)) => {
                    let ms = u64::try_from(time.as_millis()).unwrap();
                    self.api.clock += ms;
                    What::Waited { ms }
                }
                _ => {
                    assert!(tape.is_spent(), "{label}");
                    return outcome;
                }
            };
            let event = Event { seq: u64::try_from(self.events.len()).unwrap(), owner, what };
            self.events.push(event.clone());
            mine.push(event);
            if matches!(outcome, Err(Halt::Wait(_))) {
                return outcome;
            }
        }
    }

    fn exchange(&mut self, request: &Request) -> Exchange {
        let (caller, tenant) = match &request.caller {
            Caller::Anonymous => (None, None),
            Caller::Own(who) => {
                let principal = &self.spec.tenants[who.tenant].principals[who.principal];
                (Some((principal.names == Names::Own).then_some(who.tenant)), Some(who.tenant))
            }
            other => panic!("{other:?}"),
        };
        let sent = format!("{} {:?} {:?}", request.target, request.headers, request.body);
        for hit in self.scanner.scan("request", sent.as_bytes()) {
            assert_eq!(Some(hit.owner), tenant, "another tenant's secret half is sent: {sent}");
        }
        let (status, headers, body) = self.api.answer(caller, request);
        let mut hits = self.scanner.scan("body", body.as_bytes());
        for (name, value) in &headers {
            hits.extend(self.scanner.scan(&format!("header {name}"), value.as_bytes()));
        }
        let sent = answered(tenant, &request.target, "");
        Exchange {
            seq: u64::try_from(self.events.len()).unwrap(),
            intent: request.intent,
            request: Sent {
                method: request.method.clone(),
                headers: request.headers.clone(),
                body: request.body.as_ref().map(Value::to_string),
                ..sent.request
            },
            outcome: Outcome::Response(Received { status, headers, length: body.len(), body }),
            hits,
            ..sent
        }
    }
}

/// A successful reading by a tenant of what stands at a path.
pub(crate) fn answered(tenant: Option<usize>, target: &str, body: &str) -> Exchange {
    Exchange {
        seq: 0,
        at: 0,
        took: 0,
        tenant,
        by: tenant.map_or("anonymous".to_owned(), |t| NAMES[t].to_owned()),
        intent: Intent::Across,
        request: Sent {
            method: "GET".into(),
            origin: "http://127.0.0.1:1".into(),
            target: target.to_owned(),
            headers: vec![],
            body: None,
        },
        outcome: Outcome::Response(Received {
            status: 200,
            headers: vec![],
            length: body.len(),
            body: body.to_owned(),
        }),
        hits: vec![],
        token: None,
        signature: None,
        callbacks: vec![],
    }
}

mod tests {
    use super::*;
    use crate::checks::{api, cache, oracle};

    fn all() -> Vec<Kind> {
        [api::kinds(), cache::kinds(), oracle::kinds()].into_iter().flatten().collect()
    }

    fn run(switches: &[Switch], wanted: impl Fn(&str) -> bool) -> Vec<Concluded> {
        Testbed::new(switches).run(all(), |check| wanted(check.about.id))
    }

    fn leaks(concluded: &[Concluded]) -> BTreeSet<&'static str> {
        concluded.iter().filter(|c| matches!(c.verdict, Verdict::Leak(_))).map(|c| c.check).collect()
    }

    #[test]
    fn a_sound_api_is_isolated_and_left_as_it_was() {
        let mut bed = Testbed::new(&[]);
        assert_eq!(bed.world.failures, []);
        let before = bed.records();
        let concluded = bed.run(all(), |_| true);
        for one in &concluded {
            let is_known = one.check == "oracle.name-taken" && one.operation == "PUT /buckets/{bucket}";
            match &one.verdict {
                Verdict::Isolated => {}
                Verdict::Advisory(_) if is_known => {}
                other => panic!("{} {}: {other:?}", one.check, one.operation),
            }
        }
        let tried: BTreeSet<&str> = concluded.iter().map(|c| c.check).collect();
        assert_eq!(tried.len(), 16, "{tried:?}");
        assert_eq!(bed.records(), before, "every check removes what it made");
        for (attacker, victim) in super::super::kit::pairs(bed.spec()) {
            assert_eq!(bed.own_view(attacker, victim), Verdict::Isolated);
        }
    }

    #[test]
    fn each_flaw_is_a_leak_of_its_check_and_names_the_operation() {
        let cases: &[(Switch, &str, &str)] = &[
            (PathBelieved, "api.swap-path-tenant", "GET /tenants/{tenant}/cases/{case}"),
            (PathBelieved, "api.swap-path-tenant", "GET /tenants/{tenant}/cases"),
            (PathBelieved, "api.swap-path-tenant", "POST /tenants/{tenant}/cases"),
            (PathBelieved, "api.swap-path-tenant", "PATCH /tenants/{tenant}/cases/{case}"),
            (PathBelieved, "api.swap-path-tenant", "DELETE /tenants/{tenant}/cases/{case}"),
            (PathBelieved, "api.swap-path-tenant", "POST /tenants/{tenant}/cases/{case}/close"),
            (PathBelieved, "api.swap-path-tenant", "GET /tenants/{tenant}/cases/facets"),
            (PathBelieved, "api.swap-path-tenant", "GET /tenants/{tenant}/users/{user}"),
            (ListAll, "api.list-own", "GET /tenants/{tenant}/users"),
            (ReadByIdAlone, "api.swap-item", "GET /tenants/{tenant}/users/{user}"),
            (HeaderBelieved, "api.header-tenant", "GET /tenants/{tenant}/cases"),
            (LastHeaderBelieved, "api.header-tenant", "GET /tenants/{tenant}/cases/{case}"),
            (QueryBelieved, "api.query-tenant", "GET /tenants/{tenant}/cases/{case}"),
            (ReadByIdAlone, "api.swap-item", "GET /tenants/{tenant}/cases/{case}"),
            (ReadByIdAlone, "api.swap-item", "GET /tenants/{tenant}/cases/{case}/tasks/{task}"),
            (UpdateByIdAlone, "api.swap-item", "PATCH /tenants/{tenant}/cases/{case}"),
            (UpdateByIdAlone, "api.swap-item", "PUT /tenants/{tenant}/notes/{note}"),
            (DeleteByIdAlone, "api.swap-item", "DELETE /tenants/{tenant}/cases/{case}"),
            (FoundByParentAlone, "api.swap-item", "GET /tenants/{tenant}/cases/{case}/tasks/{task}"),
            (FoundByParentAlone, "api.swap-item", "PATCH /tenants/{tenant}/cases/{case}/tasks/{task}"),
            (FoundByParentAlone, "api.swap-item", "DELETE /tenants/{tenant}/cases/{case}/tasks/{task}"),
            (CloseByIdAlone, "api.swap-item", "POST /tenants/{tenant}/cases/{case}/close"),
            (BodyTenantHonoured, "api.body-tenant-create", "POST /tenants/{tenant}/cases"),
            (UpdateMoves, "api.body-tenant-update", "PATCH /tenants/{tenant}/cases/{case}"),
            (ListAll, "api.list-own", "GET /tenants/{tenant}/cases"),
            (SecondPageAll, "api.list-own", "GET /tenants/{tenant}/cases"),
            (FieldOfAnother, "api.list-own", "GET /tenants/{tenant}/cases"),
            (SearchAll, "api.search-own", "GET /tenants/{tenant}/search?q={canary.public}"),
            (SearchTotalAll, "api.search-own", "GET /tenants/{tenant}/search?q={canary.public}"),
            (CountAll, "api.count-own", "GET /tenants/{tenant}/cases/facets"),
            (CacheWithoutTenant, "cache.cross-tenant-hit", "GET /tenants/{tenant}/cases/{case}/summary"),
            (NamelessIsFirst, "api.no-tenant", "GET /me/cases"),
            (MissingIsFirst, "api.no-tenant", "GET /tenants/{tenant}/cases"),
            (CaseFolded, "api.path-spelling", "GET /tenants/{tenant}/cases/{case}"),
            (ChildOfAnyParent, "api.child-of-foreign-parent", "POST /tenants/{tenant}/cases/{case}/tasks"),
            (ForeignForbidden, "oracle.existence", "GET /tenants/{tenant}/cases/{case}"),
            (DenialCarriesRecord, "api.swap-path-tenant", "GET /tenants/{tenant}/cases/{case}"),
            (AcrossRedirectedWithRecord, "api.swap-path-tenant", "GET /tenants/{tenant}/cases/{case}"),
            (DeletesAndDenies, "api.swap-path-tenant", "DELETE /tenants/{tenant}/cases/{case}"),
        ];
        for (switch, check, operation) in cases {
            let concluded = run(&[*switch], |id| id == *check);
            let found: BTreeSet<&str> = concluded
                .iter()
                .filter(|c| matches!(c.verdict, Verdict::Leak(_)))
                .map(|c| c.operation.as_str())
                .collect();
            assert!(found.contains(operation), "{switch:?}: {check} on {operation}, but {concluded:#?}");
        }
    }

    #[test]
    fn a_second_page_that_leaks_by_itself_is_no_doing_of_a_header_or_a_query() {
        let concluded = run(&[SecondPageAll], |id| id == "api.header-tenant" || id == "api.query-tenant");
        assert_eq!(leaks(&concluded), BTreeSet::new());
    }

    #[test]
    fn an_open_path_is_no_matter_of_spelling() {
        for one in run(&[PathBelieved], |id| id == "api.path-spelling") {
            assert!(matches!(one.verdict, Verdict::Unproven(_)), "{one:?}");
        }
    }

    #[test]
    fn a_silent_fallback_and_a_shared_namespace_are_advisories() {
        for (switch, check) in [(UnknownIsOwn, "api.unknown-tenant"), (UniqueEverywhere, "oracle.name-taken")] {
            let concluded = run(&[switch], |id| id == check);
            assert!(concluded.iter().any(|c| matches!(c.verdict, Verdict::Advisory(_))), "{switch:?}: {concluded:#?}");
            assert_eq!(leaks(&concluded), BTreeSet::new());
        }
    }

    #[test]
    fn a_broken_control_is_unproven_and_never_a_leak_nor_isolated() {
        for switch in [AcrossThrottled, AcrossFails, AcrossRedirected] {
            for one in Testbed::new(&[switch]).run(all(), |check| (check.attacker, check.victim) == (1, 0)) {
                match one.verdict {
                    Verdict::Unproven(_) | Verdict::NotApplicable(_) => {}
                    other => panic!("{switch:?}: {} {}: {other:?}", one.check, one.operation),
                }
            }
        }
    }

    #[test]
    fn an_empty_success_is_no_denial_for_a_single_object() {
        for one in run(&[AcrossEmpty], |id| id == "api.swap-path-tenant") {
            let is_item = one.operation.ends_with("{case}") && one.operation.starts_with("GET");
            assert!(!matches!(one.verdict, Verdict::Leak(_)), "{one:?}");
            assert!(!is_item || matches!(one.verdict, Verdict::Unproven(_)), "{one:?}");
        }
    }

    #[test]
    fn a_victim_whose_objects_are_missing_proves_nothing() {
        for one in run(&[VictimMissing], |_| true).into_iter().filter(|c| c.victim == 1) {
            let concerns_case = one.operation.contains("/cases/{case}") && !one.operation.contains("facets");
            assert!(!matches!(one.verdict, Verdict::Leak(_)), "{one:?}");
            assert!(!concerns_case || !matches!(one.verdict, Verdict::Isolated), "{one:?}");
        }
    }

    #[test]
    fn a_target_that_strips_the_marker_fails_in_set_up_and_every_check_is_unproven() {
        let mut bed = Testbed::new(&[CanaryStripped]);
        assert!(bed.world.failures[0].why.contains("strips or changes the marker"), "{:?}", bed.world.failures);
        // What stands there already is recognised by other things than a marker.
        for one in bed.run(all(), |check| !check.operation.contains("/users")) {
            assert!(matches!(one.verdict, Verdict::Unproven(_) | Verdict::NotApplicable(_)), "{one:?}");
        }
    }

    #[test]
    fn what_only_the_owner_reads_is_a_witness_and_what_all_read_is_none() {
        let bed = Testbed::new(&[]);
        let user = bed.world.objects.iter().find(|o| o.id == "user-90").unwrap();
        let values = ["90009090", "Office of Harbour and Customs", "Sol Sundgren-Solberg"];
        assert_eq!(user.marker, Marker::Witnessed(values.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_tenant_in_a_header_is_swapped_and_left_out_there() {
        let mut bed = Testbed::new(&[HeaderLocated]);
        assert_eq!(bed.world.failures, []);
        for one in bed.run(all(), |check| check.attacker == 0) {
            let is_known = one.check == "oracle.name-taken" && matches!(one.verdict, Verdict::Advisory(_));
            assert!(is_known || one.verdict == Verdict::Isolated, "{one:?}");
        }
        for (switch, check) in [(PathBelieved, "api.swap-path-tenant"), (MissingIsFirst, "api.no-tenant")] {
            let found = run(&[HeaderLocated, switch], |id| id == check);
            assert!(leaks(&found).contains(check), "{switch:?}: {found:#?}");
        }
    }

    #[test]
    fn a_search_that_lags_within_settle_is_waited_for_and_one_beyond_it_is_unproven() {
        for one in run(&[SearchLags], |id| id == "api.search-own") {
            assert_eq!(one.verdict, Verdict::Isolated);
        }
        for one in run(&[SearchNever], |id| id == "api.search-own") {
            assert!(matches!(one.verdict, Verdict::Unproven(_)), "{one:?}");
        }
    }

    #[test]
    fn a_denial_that_echoes_the_path_is_isolated() {
        for one in run(&[DenialEchoes], |id| !id.contains("name-taken")) {
            assert_eq!(one.verdict, Verdict::Isolated, "{} {}", one.check, one.operation);
        }
    }

    #[test]
    fn ordinary_answers_with_foreign_data_are_leaks_of_own_view() {
        let mut bed = Testbed::new(&[ListAll]);
        bed.run(all(), |check| check.about.id == "api.list-own");
        assert!(matches!(bed.own_view(0, 1), Verdict::Leak(_)));
        bed.events.clear();
        assert!(matches!(bed.own_view(0, 1), Verdict::Unproven(_)));
    }

    #[test]
    fn nothing_is_written_at_an_id_of_which_the_attackers_own_reading_was_not_answered() {
        for switch in [AcrossThrottled, AcrossFails] {
            let mut bed = Testbed::new(&[switch]);
            bed.run(all(), |check| check.about.id == "api.swap-item");
            let written = bed.exchanges().find(|x| x.intent == Intent::Across && x.request.method != "GET");
            assert_eq!(written.map(Exchange::line), None, "{switch:?}");
        }
    }

    #[test]
    fn a_list_that_lacks_objects_of_ones_own_was_not_read_to_its_end() {
        let concluded = run(&[NextUnsaid], |id| id == "api.list-own");
        let lacks = |c: &&Concluded| matches!(&c.verdict, Verdict::Unproven(why) if why.contains("are not on the pages that were read"));
        assert!(concluded.iter().any(|c| lacks(&c)), "{concluded:#?}");
        let cases = concluded.iter().filter(|c| c.operation == "GET /tenants/{tenant}/cases");
        assert!(cases.into_iter().all(|c| matches!(c.verdict, Verdict::Unproven(_))), "{concluded:#?}");
    }

    #[test]
    fn a_next_link_that_cannot_be_followed_is_no_end_of_the_list() {
        let concluded = run(&[NextUnreadable], |id| id == "api.list-own");
        let mut cases = concluded.iter().filter(|c| c.operation == "GET /tenants/{tenant}/cases").peekable();
        assert!(cases.peek().is_some());
        for one in cases {
            assert!(matches!(one.verdict, Verdict::Unproven(_)), "{one:?}");
        }
    }

    #[test]
    fn a_list_that_a_header_widens_is_followed_past_the_attackers_own_objects() {
        let concluded = Testbed::new(&[HeaderWidens]).run(all(), |check| {
            let is_last = (check.attacker, check.victim) == (0, 2);
            is_last && check.about.id == "api.header-tenant" && check.operation == "GET /tenants/{tenant}/cases"
        });
        assert_eq!(leaks(&concluded), BTreeSet::from(["api.header-tenant"]), "{concluded:#?}");
    }

    #[test]
    fn an_attack_whose_list_is_longer_than_the_limit_is_unproven() {
        for (limit, expects_isolated) in [(50, true), (1, false)] {
            let mut bed = Testbed::new(&[PathIgnored]);
            bed.spec.limits.pages = limit;
            for one in bed.run(all(), |check| {
                check.about.id == "api.swap-path-tenant" && check.operation == "GET /tenants/{tenant}/cases"
            }) {
                assert_eq!(one.verdict == Verdict::Isolated, expects_isolated, "{one:?}");
                assert!(expects_isolated || matches!(one.verdict, Verdict::Unproven(_)), "{one:?}");
            }
        }
    }

    #[test]
    fn where_a_plain_update_fails_the_victim_in_its_body_proves_nothing() {
        let concluded = run(&[UpdatesRefused], |id| id == "api.body-tenant-update");
        assert!(!concluded.is_empty());
        for one in concluded.iter().filter(|c| c.operation.starts_with("PATCH")) {
            assert!(matches!(one.verdict, Verdict::Unproven(_)), "{one:?}");
        }
    }

    #[test]
    fn a_value_that_stands_in_another_tenants_own_list_is_no_witness() {
        let concluded = run(&[OfficeShared], |id| id == "api.list-own");
        assert_eq!(leaks(&concluded), BTreeSet::new(), "{concluded:#?}");
        // And yet what is the victim's alone remains one.
        let leaky = run(&[OfficeShared, ListAll], |id| id == "api.list-own");
        let is_leak = |c: &&Concluded| c.operation.ends_with("/users") && matches!(c.verdict, Verdict::Leak(_));
        assert_eq!(leaky.iter().filter(is_leak).count(), 6, "{leaky:#?}");
    }

    #[test]
    fn an_answer_that_only_echoes_an_id_or_the_time_is_no_victims_answer() {
        for switches in [vec![SchemaPublic], vec![SchemaPublic, SchemaTicks]] {
            let concluded = run(&switches, |id| id == "api.swap-path-tenant");
            let mut schemas = concluded.iter().filter(|c| c.operation.ends_with("/schema")).peekable();
            assert!(schemas.peek().is_some());
            for one in schemas {
                assert!(matches!(one.verdict, Verdict::Unproven(_)), "{switches:?}: {one:?}");
            }
        }
    }

    #[test]
    fn own_view_knows_witnesses_as_well_as_canaries() {
        for (switches, leaks) in [(vec![], false), (vec![ListAll], true)] {
            let mut bed = Testbed::new(&switches);
            bed.run(all(), |check| check.about.id == "api.list-own" && check.operation.ends_with("/users"));
            bed.events.retain(|event| match &event.what {
                What::Exchange(exchange) => exchange.request.target.contains("/users") && exchange.hits.is_empty(),
                What::Waited { .. } => true,
            });
            for (attacker, victim) in super::super::kit::pairs(bed.spec()) {
                let verdict = bed.own_view(attacker, victim);
                assert!(
                    if leaks { matches!(verdict, Verdict::Leak(_)) } else { verdict == Verdict::Isolated },
                    "{verdict:?}"
                );
            }
        }
    }

    #[test]
    fn own_view_leaves_out_clean_up_which_is_not_in_a_run_when_it_is_judged() {
        let mut bed = Testbed::new(&[ListAll]);
        bed.run(all(), |check| check.about.id == "api.list-own");
        bed.events.iter_mut().for_each(|event| event.owner = Owner::Cleanup);
        assert!(matches!(bed.own_view(0, 1), Verdict::Unproven(_)));
    }
}
