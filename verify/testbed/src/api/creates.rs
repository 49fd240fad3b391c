//! What makes an object.

use serde_json::json;

use super::{Api, At, Call};
use crate::answer::{Answer, decode};
use crate::clients::tenant;
use crate::switch::Switch;

impl Api {
    pub(super) fn create_case(&mut self, call: &Call<'_>) -> Answer {
        let body = &call.asked.body;
        let is_everyones = self.is(Switch::UniqueEverywhere);
        let mut cases = self.records.iter().filter(|r| r.kind == "case" && (is_everyones || r.tenant == call.tenant));
        let taken = self.records.iter().position(|record| {
            record.kind == "case" && record.body["externalRef"] == body["externalRef"] && record.tenant != call.tenant
        });
        if let Some(index) = taken.filter(|_| self.is(Switch::UniqueReplays)) {
            return Answer::ok(&self.records[index].body);
        }
        if let Some(index) = taken.filter(|_| self.is(Switch::UniqueTakesOver)) {
            self.records[index].body["title"] = body["title"].clone();
            return Answer::json(201, &json!({ "id": self.records[index].id }));
        }
        if cases.any(|record| record.body["externalRef"] == body["externalRef"]) {
            return Answer::problem(409, "taken", "");
        }
        let named = body["tenantId"].as_str().and_then(tenant);
        let owner = named.filter(|_| self.is(Switch::BodyTenantHonoured)).unwrap_or(call.tenant);
        let id = self.next_id(owner, "case");
        Answer::json(201, &self.store(owner, At { kind: "case", id: &id, parent: None }, body))
    }

    /// A link names the case that it is of in its body. What is not there can't be named.
    pub(super) fn create_link(&mut self, call: &Call<'_>) -> Answer {
        let case = call.asked.body["case"].as_str().unwrap_or_default();
        let is_there = self.is(Switch::LinkToNothing) || self.find(call, "case", case, Switch::LinkToAny).is_some();
        if !is_there {
            return Answer::problem(422, "no such case", case);
        }
        let id = self.next_id(call.tenant, "link");
        Answer::json(201, &self.store(call.tenant, At { kind: "link", id: &id, parent: None }, &call.asked.body))
    }

    /// Changes a link, and which case it is of.
    pub(super) fn relink(&mut self, call: &Call<'_>, id: &str) -> Answer {
        let Some(link) = self.find(call, "link", id, Switch::UpdateByIdAlone) else { return self.missing(call, id) };
        if let Some(case) = call.asked.body["case"].as_str() {
            if !self.is(Switch::LinkToNothing) && self.find(call, "case", case, Switch::BesideAny).is_none() {
                return Answer::problem(422, "no such case", case);
            }
            self.records[link].body["case"] = json!(case);
        }
        self.item(call, At { kind: "link", id, parent: None })
    }

    /// Reads or removes a link, and a parameter names a case: its title is shown with the link.
    pub(super) fn link_beside(&mut self, call: &Call<'_>, id: &str) -> Answer {
        let case = call.asked.parameter("case").map(decode).unwrap_or_default();
        let Some(link) = self.find(call, "link", id, Switch::ReadByIdAlone) else { return self.missing(call, id) };
        let Some(case) = self.find(call, "case", &case, Switch::BesideAny) else { return self.missing(call, &case) };
        match call.asked.method.as_str() {
            "GET" => Answer::ok(&json!({ "link": self.records[link].body, "of": self.records[case].title() })),
            _ => self.item(call, At { kind: "link", id, parent: None }),
        }
    }

    /// Attaches a case to a note, which the body names.
    pub(super) fn attach(&mut self, call: &Call<'_>, id: &str) -> Answer {
        let note = call.asked.body["note"].as_str().unwrap_or_default();
        let is_unseen = self.is(Switch::AttachUnseen);
        let alone = if is_unseen { Switch::AttachUnseen } else { Switch::AttachToAny };
        let Some(case) = self.find(call, "case", id, Switch::CloseByIdAlone) else { return self.missing(call, id) };
        let Some(note) = self.find(call, "note", note, alone) else {
            return Answer::problem(422, "no such note", note);
        };
        self.records[case].body["attached"] = json!(true);
        if !is_unseen {
            self.records[note].body["case"] = json!(id);
        }
        Answer::ok(&json!({ "attached": true }))
    }

    pub(super) fn create_task(&mut self, call: &Call<'_>, parent: &str) -> Answer {
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let has_form = parent.strip_prefix("case-").is_some_and(is_number);
        let owner = if self.is(Switch::AnyParentOfForm) && has_form {
            call.tenant
        } else {
            let Some(above) = self.find(call, "case", parent, Switch::ChildOfAnyParent) else {
                return self.missing(call, parent);
            };
            self.records[above].tenant
        };
        let id = self.next_id(owner, "task");
        Answer::json(201, &self.store(owner, At { kind: "task", id: &id, parent: Some(parent) }, &call.asked.body))
    }
}
