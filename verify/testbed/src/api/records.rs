//! What the API holds.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Api, At};
use crate::clients::TENANTS;
use crate::switch::Switch;

/// How long what is said to come later takes: half of the spec's `settle`.
pub(super) const LATER: Duration = Duration::from_millis(20);

/// A number that south alone can read.
pub(super) const SOUTHS_BADGE: u32 = 90_009_090;

/// The title of cases that are older than any run.
const EARLIER: &str = "before any run";

/// An object.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) tenant: usize,
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) parent: Option<String>,
    pub(super) body: Value,
    pub(super) born: Instant,
}

impl Record {
    pub(super) fn is_at(&self, at: At<'_>) -> bool {
        self.kind == at.kind && self.id == at.id
    }

    pub(super) fn title(&self) -> &str {
        self.body["title"].as_str().unwrap_or_default()
    }
}

/// What is in the API before any run: a user for each tenant, and cases, not the same number for any two. North is so many
/// cases ahead.
pub(super) fn before_any_run(is_office_shared: bool, ahead: usize) -> Vec<Record> {
    let cases = [(1, "seed-1"), (2, "seed-1"), (2, "seed-2")].map(|(tenant, id)| (tenant, id.to_owned()));
    let of_north = (1..=ahead).map(|number| (0, format!("case-{number}")));
    let case = |(tenant, id): (usize, String)| Record {
        tenant,
        kind: "case",
        id: id.clone(),
        parent: None,
        body: json!({ "id": id, "title": EARLIER, "status": "open", "tenantId": TENANTS[tenant] }),
        born: Instant::now(),
    };
    cases.into_iter().chain(of_north).map(case).chain(users(is_office_shared)).collect()
}

/// The last number of those.
pub(super) const LATER_TASKS: usize = 40;

/// Set-up plants three objects for each tenant: these are at the ids of what comes after.
pub(super) fn later_tasks() -> Vec<Record> {
    let task = |number: usize| Record {
        tenant: 0,
        kind: "task",
        id: format!("task-{number}"),
        parent: Some("case-1".to_owned()),
        body: json!({ "id": format!("task-{number}"), "title": EARLIER, "status": "open", "tenantId": TENANTS[0] }),
        born: Instant::now(),
    };
    (4..=LATER_TASKS).map(task).collect()
}

fn users(is_office_shared: bool) -> Vec<Record> {
    let people = [
        (0, "user-17", "Nora Nordahl-Nilsson", 17_001_717, "Office of Immigration"),
        (1, "user-90", "Sol Sundgren-Solberg", SOUTHS_BADGE, "Office of Harbour and Customs"),
        (2, "user-5", "Eva Ekberg-Eriksson", 50_005_055, "Office of Records"),
        (1, "user-91", "Siv Sandberg-Strand", 91_009_191, "Office of Immigration"),
    ];
    let record = |(tenant, id, name, badge, office): (usize, &str, &str, u32, &str)| Record {
        tenant,
        kind: "user",
        id: id.to_owned(),
        parent: None,
        body: json!({
            "id": id, "name": name, "badge": badge, "office": office, "role": "caseworker", "tenantId": TENANTS[tenant],
        }),
        born: Instant::now(),
    };
    people.into_iter().take(if is_office_shared { 4 } else { 3 }).map(record).collect()
}

impl Api {
    /// Ids count for each tenant by itself, so that tenants have the same ones.
    pub(super) fn next_id(&mut self, tenant: usize, kind: &'static str) -> String {
        let of_tenant = if self.is(Switch::IdsOfTenant) { (tenant + 1).to_string() } else { String::new() };
        let before = if self.is(Switch::IdsBeginWithTenant) { format!("{}-", TENANTS[tenant]) } else { String::new() };
        let counter = self.counters.entry((tenant, kind)).or_default();
        *counter += 1;
        format!("{before}{kind}-{of_tenant}{counter}")
    }

    /// Keeps an object, and returns it as it is read.
    pub(super) fn store(&mut self, tenant: usize, at: At<'_>, body: &Value) -> Value {
        let mut body = if body.is_object() { body.clone() } else { json!({}) };
        if self.is(Switch::CanaryStripped) {
            body["title"] = json!("redacted");
        }
        body["id"] = json!(at.id);
        body["status"] = json!("open");
        if !self.is(Switch::StoresTenantId) || body["tenantId"].is_null() {
            body["tenantId"] = json!(TENANTS[tenant]);
        }
        if !self.is(Switch::KeepsNothing) {
            self.records.push(Record {
                tenant,
                kind: at.kind,
                id: at.id.to_owned(),
                parent: at.parent.map(str::to_owned),
                body: body.clone(),
                born: Instant::now(),
            });
        }
        body
    }

    /// Removes an object.
    pub(super) fn remove(&mut self, index: usize) {
        let record = self.records.remove(index);
        self.removed.insert((record.tenant, record.kind, record.id));
    }

    /// A record as its owner reads it.
    pub(super) fn shown(&self, index: usize) -> Value {
        let record = &self.records[index];
        let mut body = record.body.clone();
        if self.is(Switch::ActivatesLater) && record.born.elapsed() < LATER && body["status"] == "open" {
            body["status"] = json!("pending");
        }
        body
    }

    pub(super) fn is_unreadable(&self, index: usize) -> bool {
        self.is(Switch::EarlierUnreadable) && self.records[index].title() == EARLIER
    }

    /// South's set-up takes so many requests; after that its objects may be gone.
    pub(super) fn is_missing(&self, tenant: usize) -> bool {
        const SET_UP: usize = 26;
        self.is(Switch::VictimMissing) && tenant == 1 && self.requests[1] > SET_UP
    }

    /// Whether someone else has an object here, and this tenant has none.
    pub(super) fn is_anothers(&self, own: usize, at: At<'_>) -> bool {
        let mut there = self.records.iter().filter(|record| record.is_at(at)).peekable();
        there.peek().is_some() && there.all(|record| record.tenant != own)
    }
}
