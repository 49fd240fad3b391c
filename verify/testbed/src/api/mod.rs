//! The tenant API: cases with tasks, notes, buckets, users. Sound until a switch says otherwise.
//!
//! - here: from a request to what answers it.
//! - [`tenant`]: in which tenant a request acts, and what it gets that acts in none.
//! - [`crossing`]: whether a request reaches beyond its sender's tenant.
//! - [`items`], [`lists`], [`creates`]: what is done there. [`life`]: what ends it.
//! - [`records`]: what there is.

mod creates;
mod crossing;
mod items;
pub(crate) mod life;
mod lists;
mod records;
mod tenant;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::answer::{Answer, Asked};
use crate::caller::Caller;
use crate::clients::TENANTS;
use crate::fixture::Located;
use crate::seen::Presented;
use crate::switch::Switch;
use records::Record;

/// How long a count is kept.
const A_WHILE: Duration = Duration::from_millis(300);

/// The API.
pub(crate) struct Api {
    switches: Vec<Switch>,
    located: Located,
    records: Vec<Record>,
    /// Of which tenant, which kind and which id: what was there once.
    removed: BTreeSet<(usize, &'static str, String)>,
    counters: BTreeMap<(usize, &'static str), usize>,
    cache: BTreeMap<String, Value>,
    /// What was read, by path and query.
    edge: BTreeMap<String, (Answer, Instant)>,
    /// Objects whose next reading goes to a replica that has not caught up.
    lagging: BTreeSet<(&'static str, String)>,
    /// Which tenants have asked for a second page.
    paged: Cell<[bool; TENANTS.len()]>,
    /// What was passed over in a list.
    passed_over: RefCell<BTreeSet<String>>,
    /// Which tenants have asked for the tasks of which cases that are another's.
    asked_below: RefCell<BTreeSet<(usize, String)>>,
    /// How often the schema was read.
    schemas: usize,
    /// How many requests came with each tenant's credentials.
    requests: [usize; TENANTS.len()],
    lives: life::Lives,
}

/// What came with a request to an operation, once it is known in which tenant it acts.
struct Call<'a> {
    tenant: usize,
    asked: &'a Asked,
    /// Whether a header adds everyone's cases.
    is_widened: bool,
}

/// An object that a path names.
#[derive(Clone, Copy)]
struct At<'a> {
    kind: &'static str,
    id: &'a str,
    /// The case above it.
    parent: Option<&'a str>,
}

/// With numbers in place of ids: 7 for `case-7`.
fn numbered(json: Value) -> Value {
    match json {
        Value::Array(items) => items.into_iter().map(numbered).collect(),
        Value::Object(members) => {
            let number = |value: &Value| value.as_str()?.strip_prefix("case-")?.parse::<u64>().ok();
            let own = |(name, value): (String, Value)| match number(&value).filter(|_| name == "id") {
                Some(number) => (name, number.into()),
                None => (name, numbered(value)),
            };
            Value::Object(members.into_iter().map(own).collect())
        }
        other => other,
    }
}

impl Api {
    pub(crate) fn new(switches: &[Switch], located: Located) -> Self {
        let ahead = switches.iter().find_map(|s| if let Switch::NorthAhead(cases) = s { Some(*cases) } else { None });
        let ahead = ahead.unwrap_or(0);
        let is = |switch| switches.contains(&switch);
        Self {
            switches: switches.to_vec(),
            located,
            records: [
                records::before_any_run(is(Switch::OfficeShared), ahead),
                if is(Switch::NorthTasksLater) { records::later_tasks() } else { Vec::new() },
            ]
            .concat(),
            removed: BTreeSet::new(),
            counters: BTreeMap::from([
                ((0, "case"), ahead),
                ((0, "task"), if is(Switch::NorthTasksLater) { records::LATER_TASKS } else { 0 }),
                ((1, "case"), if is(Switch::SouthApart) { 1000 } else { 0 }),
            ]),
            cache: BTreeMap::new(),
            edge: BTreeMap::new(),
            lagging: BTreeSet::new(),
            paged: Cell::new([false; TENANTS.len()]),
            passed_over: RefCell::default(),
            asked_below: RefCell::default(),
            schemas: 0,
            requests: [0; TENANTS.len()],
            lives: life::Lives::default(),
        }
    }

    fn is(&self, switch: Switch) -> bool {
        self.switches.contains(&switch)
    }

    /// Everything that it holds.
    pub(crate) fn contents(&self) -> Vec<Value> {
        self.records.iter().map(|record| record.body.clone()).collect()
    }

    /// Answers a request. `crosses` is what [`Api::crosses`] says of it.
    pub(crate) fn answer(&mut self, caller: &Caller, asked: &Asked, crosses: bool) -> Answer {
        if let Some(answer) = self.operate(asked) {
            return answer;
        }
        if let Some(of) = caller.of {
            self.requests[of] += 1;
            if let Some(answer) = self.ended(of, asked) {
                return answer;
            }
        }
        if crosses {
            self.let_lag(asked);
            if let Some(obstacle) = self.obstacle() {
                return obstacle;
            }
        }
        match (caller.acts, caller.presented) {
            (Some(tenant), _) if self.is(Switch::EdgeCache) => self.by_edge(tenant, asked),
            (Some(tenant), _) if self.is(Switch::CountKeptAWhile) && asked.path.ends_with("/facets") => {
                self.edge.retain(|_, (_, since)| since.elapsed() < A_WHILE);
                self.kept(tenant, asked, asked.target())
            }
            (Some(tenant), _) if self.is(Switch::CountKeptForEach) && asked.path.ends_with("/facets") => {
                self.kept(tenant, asked, format!("{tenant} {}", asked.target()))
            }
            (Some(tenant), _) => self.route(Some(tenant), asked),
            (None, Presented::Nameless) => self.route(None, asked),
            (None, _) => self.refuse(caller, asked),
        }
    }

    /// What the cache has, else what it then keeps.
    fn by_edge(&mut self, tenant: usize, asked: &Asked) -> Answer {
        if asked.method != "GET" {
            self.edge.clear();
            return self.route(Some(tenant), asked);
        }
        self.kept(tenant, asked, asked.target())
    }

    fn kept(&mut self, tenant: usize, asked: &Asked, key: String) -> Answer {
        if let Some((kept, _)) = self.edge.get(&key) {
            return kept.clone();
        }
        let answer = self.route(Some(tenant), asked);
        if answer.status == 200 {
            self.edge.insert(key, (answer.clone(), Instant::now()));
        }
        answer
    }

    /// What a request that crosses gets in place of an answer.
    fn obstacle(&self) -> Option<Answer> {
        if self.is(Switch::AcrossEmpty) {
            return Some(Answer::new(200, ""));
        }
        let obstacles = [(Switch::AcrossThrottled, 429), (Switch::AcrossFails, 500), (Switch::AcrossRedirected, 302)];
        let (_, status) = obstacles.into_iter().find(|(switch, _)| self.is(*switch))?;
        Some(Answer::obstacle(status))
    }

    /// What a credential gets that opens nothing.
    fn refuse(&self, caller: &Caller, asked: &Asked) -> Answer {
        let is_forged = caller.presented == Presented::Forged;
        if is_forged && self.is(Switch::ForgedGetsRecords) {
            let in_path = asked.segments().into_iter().find_map(|segment| crate::clients::tenant(&segment));
            let of = in_path.or(caller.names);
            let records: Vec<&Value> =
                self.records.iter().filter(|record| Some(record.tenant) == of).map(|record| &record.body).collect();
            return Answer::json(403, &json!({ "items": records }));
        }
        if self.is(Switch::EmptyForAll) || (is_forged && self.is(Switch::ForgedGetsNothing)) {
            return Answer::ok(&json!({}));
        }
        Answer::problem(401, "no credential that opens anything", "")
    }

    fn route(&mut self, named: Option<usize>, asked: &Asked) -> Answer {
        if asked.path == "/login" {
            return Answer::new(200, "<form>");
        }
        if let Some((_, id)) = asked.path.strip_suffix("/schema").and_then(|above| above.rsplit_once('/')) {
            return self.schema(id);
        }
        let Some(tenant) = self.tenant(named, asked) else { return self.deny(named, asked) };
        if asked.path == "/whoami" {
            let said = self.switches.iter().find_map(|s| if let Switch::WhoAmI(id) = s { Some(*id) } else { None });
            return Answer::ok(&json!({ "tenant": said.unwrap_or(TENANTS[tenant]) }));
        }
        let is_widened = self.is(Switch::HeaderWidens) && asked.header("x-tenant-id").is_some();
        let call = Call { tenant, asked, is_widened };
        if asked.path == "/rpc" {
            return self.remote(&call);
        }
        let segments = asked.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["tenants", _, rest @ ..] | ["me", rest @ ..] => self.within(&call, rest),
            ["cases" | "notes" | "users" | "search", ..] => self.within(&call, &segments),
            ["buckets", rest @ ..] => self.buckets(&call, rest),
            _ => Answer::problem(404, "no route", &asked.path),
        }
    }

    /// An operation in a tenant's own.
    fn within(&mut self, call: &Call<'_>, rest: &[&str]) -> Answer {
        let at = |kind, id, parent| At { kind, id, parent };
        match (call.asked.method.as_str(), rest) {
            ("GET", ["search"]) => self.search(call),
            ("GET", ["cases", "facets"]) => self.count(call),
            ("POST", ["cases", "archive"]) => self.archive(call),
            ("GET", ["cases.csv"]) => self.export(call),
            ("GET", ["links"]) if call.asked.parameter("case").is_some() => self.filtered_links(call),
            ("GET", ["cases"]) => self.list(call, "case", None),
            ("POST", ["cases"]) => self.create_case(call),
            (_, ["cases", id]) => self.item(call, at("case", *id, None)),
            ("GET", ["cases", id, "summary"]) => self.summary(call, id),
            ("GET", ["cases", id, "status"]) => self.status(call, id),
            ("POST", ["cases", id, "close"]) => self.close(call, id),
            ("POST", ["cases", id, "attach"]) => self.attach(call, id),
            ("GET", ["cases", parent, "tasks"]) => self.list_tasks(call, parent),
            ("POST", ["cases", parent, "tasks"]) => self.create_task(call, parent),
            (_, ["cases", parent, "tasks", id]) => self.item(call, at("task", *id, Some(*parent))),
            ("GET", ["links"]) => self.list(call, "link", None),
            ("POST", ["links"]) => self.create_link(call),
            (_, ["links", id]) if self.is(Switch::LinksStay) => self.item(call, at("link", *id, None)),
            ("PUT" | "PATCH", ["links", id]) => self.relink(call, id),
            ("GET" | "DELETE", ["links", id]) if call.asked.parameter("case").is_some() => self.link_beside(call, id),
            (_, ["links", id]) => self.item(call, at("link", *id, None)),
            ("GET", ["users"]) => self.list(call, "user", None),
            ("GET", ["directory"]) => self.directory(),
            ("GET", ["settings"]) => self.settings(call),
            ("GET" | "PATCH" | "DELETE", ["users", id]) => self.item(call, at("user", *id, None)),
            ("GET", ["notes"]) => self.list(call, "note", None),
            ("PUT", ["notes", id]) => self.put(call, "note", id),
            (_, ["notes", id]) => self.item(call, at("note", *id, None)),
            _ => Answer::problem(404, "no route", &call.asked.path),
        }
    }

    /// Procedures, named in the body with their object's id, which is a number. What is denied is a success with an error
    /// in it.
    fn remote(&mut self, call: &Call<'_>) -> Answer {
        let (procedure, params) = (call.asked.body["method"].as_str(), &call.asked.body["params"]);
        if !params["id"].is_null() && !params["id"].is_u64() {
            return Answer::ok(&json!({ "error": "an id is a number" }));
        }
        let id = format!("case-{}", params["id"]);
        let (method, path) = match procedure.unwrap_or_default() {
            "case.list" => ("GET", "/me/cases".to_owned()),
            "case.add" => ("POST", "/me/cases".to_owned()),
            "case.get" => ("GET", format!("/me/cases/{id}")),
            "case.rename" => ("PATCH", format!("/me/cases/{id}")),
            "case.remove" => ("DELETE", format!("/me/cases/{id}")),
            "case.close" => ("POST", format!("/me/cases/{id}/close")),
            _ => return Answer::ok(&json!({ "error": "no such procedure" })),
        };
        let asked = Asked { method: method.to_owned(), path, body: params.clone(), ..call.asked.clone() };
        let answer = self.route(Some(call.tenant), &asked);
        match answer.status {
            200..300 => {
                let result: Value = serde_json::from_str(&answer.body).unwrap_or_default();
                Answer::ok(&json!({ "result": numbered(result) }))
            }
            status => Answer::ok(&json!({ "error": { "code": status, "of": params["id"] } })),
        }
    }

    /// The same for everyone, whatever the id.
    fn schema(&mut self, id: &str) -> Answer {
        self.schemas += 1;
        let at = if self.is(Switch::SchemaTicks) { (self.schemas - 1) / 3 } else { 0 };
        Answer::ok(&json!({ "case": id, "members": ["title"], "at": at }))
    }
}
