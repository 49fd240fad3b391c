//! Single objects: read, updated, removed.

use serde_json::{Value, json};

use super::{Api, At, Call};
use crate::answer::Answer;
use crate::clients::tenant;
use crate::switch::Switch;

impl Api {
    /// Where a tenant's object is, or with `alone` anyone's.
    pub(super) fn find(&self, call: &Call<'_>, kind: &'static str, id: &str, alone: Switch) -> Option<usize> {
        let at = At { kind, id, parent: None };
        if self.is_missing(call.tenant) {
            return None;
        }
        let own = self.records.iter().position(|record| record.tenant == call.tenant && record.is_at(at));
        own.or_else(|| self.records.iter().position(|record| record.is_at(at)).filter(|_| self.is(alone)))
    }

    /// That an object is not there.
    pub(super) fn missing(&self, call: &Call<'_>, id: &str) -> Answer {
        if self.is(Switch::ForeignForbidden) && self.records.iter().any(|record| record.id == id) {
            return Answer::problem(403, "forbidden", "");
        }
        self.nothing(call.asked)
    }

    pub(super) fn item(&mut self, call: &Call<'_>, at: At<'_>) -> Answer {
        let Some(index) = self.find_below(call, at).or_else(|| self.in_place_of_removed(call, at)) else {
            if self.is(Switch::PutMakesOne) && call.asked.method == "PUT" {
                return Answer::json(201, &self.store(call.tenant, at, &call.asked.body));
            }
            return self.missing(call, at.id);
        };
        match call.asked.method.as_str() {
            "GET" if self.lagging.remove(&(at.kind, at.id.to_owned())) => self.missing(call, at.id),
            "GET" if self.is_unreadable(index) => Answer::obstacle(500),
            "GET" => Answer::ok(&self.shown(index)),
            "DELETE" if self.is(Switch::DeletesForbidden) => Answer::problem(403, "forbidden", ""),
            "DELETE" => {
                self.remove(index);
                match self.is(Switch::DeleteShowsAll) {
                    true => Answer::ok(&json!({ "items": self.contents() })),
                    false => Answer::new(204, ""),
                }
            }
            "PUT" | "PATCH" if self.is(Switch::UpdatesRefused) => Answer::problem(415, "merge-patch alone", ""),
            "PUT" | "PATCH" => self.update(call, index),
            _ => Answer::problem(405, "no such method", ""),
        }
    }

    /// The object, below the case that the path names.
    fn find_below(&self, call: &Call<'_>, at: At<'_>) -> Option<usize> {
        let alone = match call.asked.method.as_str() {
            "GET" => Switch::ReadByIdAlone,
            "DELETE" => Switch::DeleteByIdAlone,
            _ => Switch::UpdateByIdAlone,
        };
        let is_below = |index: usize| self.records[index].parent.as_deref() == at.parent;
        if self.is(Switch::FoundByParentAlone) && at.parent.is_some() {
            let own = self.find(call, at.kind, at.id, alone).filter(|index| is_below(*index));
            return own.or_else(|| (0..self.records.len()).find(|n| self.records[*n].is_at(at) && is_below(*n)));
        }
        self.find(call, at.kind, at.id, alone).filter(|index| is_below(*index) || self.is(alone))
    }

    /// The newest object of another tenant's, where one of the caller's own was removed.
    fn in_place_of_removed(&self, call: &Call<'_>, at: At<'_>) -> Option<usize> {
        let was_there = self.removed.contains(&(call.tenant, at.kind, at.id.to_owned()));
        let is_shown = self.is(Switch::RemovedShowsAnother) && call.asked.method == "GET" && was_there;
        let mut others = self.records.iter();
        others.rposition(|record| record.kind == at.kind && record.tenant != call.tenant).filter(|_| is_shown)
    }

    fn update(&mut self, call: &Call<'_>, index: usize) -> Answer {
        let body = &call.asked.body;
        self.retitle(index, body);
        if self.is(Switch::StoresTenantId) && body["tenantId"].is_string() {
            self.records[index].body["tenantId"] = body["tenantId"].clone();
        }
        if self.is(Switch::UpdateMoves)
            && let Some(there) = body["tenantId"].as_str().and_then(tenant)
        {
            let moves = self.requests.iter().sum::<usize>();
            let record = &mut self.records[index];
            (record.tenant, record.id) = (there, format!("{}-moved-{moves}", record.kind));
            record.body["id"] = json!(record.id);
        }
        Answer::ok(&self.records[index].body)
    }

    fn retitle(&mut self, index: usize, body: &Value) {
        let title = if self.is(Switch::CanaryStripped) { json!("redacted") } else { body["title"].clone() };
        let (kind, id) = (self.records[index].kind, self.records[index].id.clone());
        let reaches_others = self.is(Switch::UpdatesAllOfThatId);
        for (other, record) in self.records.iter_mut().enumerate() {
            if other == index || (reaches_others && record.kind == kind && record.id == id) {
                record.body["title"] = title.clone();
            }
        }
    }

    /// Nothing by which the case could be recognised.
    pub(super) fn status(&self, call: &Call<'_>, id: &str) -> Answer {
        let Some(index) = self.find(call, "case", id, Switch::ReadByIdAlone) else { return self.missing(call, id) };
        let body = &self.records[index].body;
        Answer::ok(&json!({ "case": id, "status": body["status"], "tenantId": body["tenantId"] }))
    }

    pub(super) fn close(&mut self, call: &Call<'_>, id: &str) -> Answer {
        let Some(index) = self.find(call, "case", id, Switch::CloseByIdAlone) else { return self.missing(call, id) };
        self.records[index].body["status"] = json!("closed");
        Answer::ok(&json!({ "status": "closed" }))
    }

    /// All cases of a tenant's that have these words in their title.
    pub(super) fn archive(&mut self, call: &Call<'_>) -> Answer {
        let is_all = self.is(Switch::ArchivesAll);
        let words = call.asked.parameter("title").unwrap_or_default();
        for record in self.records.iter_mut().filter(|record| record.kind == "case") {
            if (is_all || record.tenant == call.tenant) && record.title().contains(words) {
                record.body["status"] = json!("archived");
            }
        }
        Answer::new(204, "")
    }

    /// An upsert in a tenant's own namespace.
    pub(super) fn put(&mut self, call: &Call<'_>, kind: &'static str, id: &str) -> Answer {
        match self.find(call, kind, id, Switch::UpdateByIdAlone) {
            Some(index) => {
                self.retitle(index, &call.asked.body);
                Answer::ok(&self.records[index].body)
            }
            None => Answer::json(201, &self.store(call.tenant, At { kind, id, parent: None }, &call.asked.body)),
        }
    }

    /// One namespace for all: who made a bucket owns it.
    pub(super) fn buckets(&mut self, call: &Call<'_>, rest: &[&str]) -> Answer {
        let [id] = rest else {
            return match (call.asked.method.as_str(), rest) {
                ("GET", []) => self.list(call, "bucket", None),
                _ => Answer::problem(405, "no such method", ""),
            };
        };
        let at = At { kind: "bucket", id, parent: None };
        match self.records.iter().position(|record| record.is_at(at)) {
            Some(index) if self.records[index].tenant == call.tenant => self.item(call, at),
            None if call.asked.method == "PUT" => Answer::json(201, &self.store(call.tenant, at, &call.asked.body)),
            _ => Answer::problem(403, "forbidden", ""),
        }
    }

    pub(super) fn summary(&mut self, call: &Call<'_>, id: &str) -> Answer {
        let Some(index) = self.find(call, "case", id, Switch::ReadByIdAlone) else { return self.missing(call, id) };
        let key = if self.is(Switch::CacheWithoutTenant) { id.to_owned() } else { format!("{} {id}", call.tenant) };
        let made = json!({ "title": self.records[index].body["title"] });
        Answer::ok(self.cache.entry(key).or_insert(made))
    }
}
