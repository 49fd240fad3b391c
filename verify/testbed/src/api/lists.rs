//! Many objects at once: lists with pages, search, counts.

use serde_json::{Value, json};

use super::records::{LATER, Record, SOUTHS_BADGE};
use super::{Api, Call};
use crate::answer::{Answer, decode};
use crate::clients::{CLIENTS, Client, TENANTS};
use crate::switch::Switch;

impl Api {
    /// A tenant's settings, its own keys among them.
    pub(super) fn settings(&self, call: &Call<'_>) -> Answer {
        let is_shown = |client: &&Client| client.tenant == call.tenant || self.is(Switch::SettingsShowKeys);
        let keys: Vec<&str> = CLIENTS.iter().filter(is_shown).map(|client| client.secret).collect();
        let of = if self.is(Switch::SettingsOfAnother) { (call.tenant + 1) % TENANTS.len() } else { call.tenant };
        Answer::ok(&json!({ "language": "nl", "integrations": keys, "tenantId": TENANTS[of] }))
    }

    /// Everyone's names, badges and offices, as bare texts: what the platform tells all of its users.
    pub(super) fn directory(&self) -> Answer {
        let users = self.records.iter().filter(|record| record.kind == "user");
        let told = ["name", "badge", "office"].map(|member| users.clone().map(move |user| user.body[member].clone()));
        Answer::ok(&json!({ "known": told.into_iter().flatten().collect::<Vec<Value>>() }))
    }

    pub(super) fn list(&self, call: &Call<'_>, kind: &'static str, parent: Option<&str>) -> Answer {
        let number = |name| call.asked.parameter(name).and_then(|value| value.parse::<usize>().ok());
        let usual = if self.is(Switch::PagesMove) { 2 } else { 50 };
        let (limit, from) = (number("limit").unwrap_or(usual), number("from"));
        if self.is(Switch::FirstPageEmpty) && from.is_none() {
            return Answer::ok(&json!({ "items": [], "next": format!("?limit={limit}&from=0") }));
        }
        let is_foreign =
            |record: &Record| record.tenant != call.tenant && record.body["tenantId"] == TENANTS[call.tenant];
        if self.is(Switch::ForeignBreaksLists) && self.records.iter().any(is_foreign) {
            return match self.is(Switch::BrokenListsSucceed) {
                true => Answer::ok(&json!({ "data": null, "errors": [{ "message": "it can't be listed" }] })),
                false => Answer::problem(500, "it can't be listed", ""),
            };
        }
        let (is_further, from) = (from.is_some(), from.unwrap_or(0));
        let is_everyones = self.is(Switch::ListAll)
            || (self.is(Switch::SecondPageAll) && from > 0)
            || (self.is(Switch::SecondPageAllOnce) && from > 0 && self.is_first_further_page(call.tenant))
            || (call.is_widened && kind == "case");
        let listed = self.records.iter().filter(|record| {
            record.kind == kind
                && (is_everyones || record.tenant == call.tenant)
                && (parent.is_none() || record.parent.as_deref() == parent)
                && !self.is_missing(call.tenant)
        });
        let items: Vec<Value> = listed.map(|record| self.listed(record, call.tenant)).collect();
        let page = items.iter().skip(from).take(limit);
        let page: Vec<&Value> = page.filter(|item| !is_further || self.has_its_place(item)).collect();
        let end = from + limit;
        let next = (end < items.len() && !self.is(Switch::NextUnsaid)).then(|| self.link(call, limit, end));
        let next = if self.is(Switch::NextUnreadable) { json!(next.map(|_| end)) } else { json!(next) };
        let mut shown = json!({ "items": page, "next": next });
        if self.is(Switch::ListCounts) || self.is(Switch::ListCountsAll) {
            let is_counted = |record: &&Record| self.is(Switch::ListCountsAll) || record.tenant == call.tenant;
            let of_kind = self.records.iter().filter(|record| record.kind == kind);
            shown["count"] = json!(of_kind.filter(is_counted).count());
        }
        let mut answer = Answer::ok(&shown);
        answer.body.push_str(&" ".repeat(self.padding()));
        if self.is(Switch::SecondPageBroken) && is_further {
            answer.body.truncate(answer.body.len() / 2);
        }
        match (self.is(Switch::BadgeInValidator), self.is(Switch::BadgeInHeader)) {
            (true, _) => answer.header("etag", format!("\"{SOUTHS_BADGE}\"")),
            (_, true) => answer.header("x-last", SOUTHS_BADGE.to_string()),
            _ => answer,
        }
    }

    /// Whether an object is on the page on which it would be.
    fn has_its_place(&self, item: &Value) -> bool {
        !self.is(Switch::PagesMove) || !self.passed_over.borrow_mut().insert(item["id"].to_string())
    }

    fn is_first_further_page(&self, tenant: usize) -> bool {
        let mut paged = self.paged.get();
        let is_first = !std::mem::replace(&mut paged[tenant], true);
        self.paged.set(paged);
        is_first
    }

    fn padding(&self) -> usize {
        let padding =
            self.switches.iter().find_map(|s| if let Switch::Padded(bytes) = s { Some(*bytes) } else { None });
        padding.unwrap_or(0)
    }

    /// A table, in which no value is JSON.
    pub(super) fn export(&self, call: &Call<'_>) -> Answer {
        let is_shown = |record: &&Record| record.tenant == call.tenant || self.is(Switch::ExportAll);
        let rows = self.records.iter().filter(|record| record.kind == "case").filter(is_shown);
        let rows: String = rows.map(|record| format!("{},{}\n", record.id, record.title())).collect();
        Answer::new(200, format!("id,title\n{rows}"))
    }

    /// Links to a case. A case that the tenant does not have is no valid choice.
    pub(super) fn filtered_links(&self, call: &Call<'_>) -> Answer {
        let wanted = call.asked.parameter("case").map(decode).unwrap_or_default();
        let replaces = self.is(Switch::FilterReplacesScope);
        if !replaces && self.find(call, "case", &wanted, Switch::LinkToAny).is_none() {
            return Answer::problem(400, "no valid choice", &wanted);
        }
        let is_shown = |record: &&Record| record.kind == "link" && (replaces || record.tenant == call.tenant);
        let links = self.records.iter().filter(is_shown).map(|record| &record.body);
        Answer::ok(&json!({ "items": links.filter(|link| link["case"] == wanted).collect::<Vec<_>>() }))
    }

    /// Tasks below a case.
    pub(super) fn list_tasks(&self, call: &Call<'_>, parent: &str) -> Answer {
        if self.find(call, "case", parent, Switch::ReadByIdAlone).is_some() {
            return self.list(call, "task", Some(parent));
        }
        if self.is(Switch::OwnParentForAMoment)
            && self.asked_below.borrow_mut().insert((call.tenant, parent.to_owned()))
        {
            return self.list(call, "task", Some(parent));
        }
        let anyones = self.records.iter().find(|record| record.kind == "case" && record.id == parent);
        match anyones.filter(|_| self.is(Switch::ChildrenByParentAlone)) {
            Some(case) => self.list(&Call { tenant: case.tenant, ..*call }, "task", Some(parent)),
            None => self.missing(call, parent),
        }
    }

    /// Where the next page is.
    fn link(&self, call: &Call<'_>, limit: usize, from: usize) -> String {
        let path = match (self.is(Switch::LinksFromRoot), self.is(Switch::LinksFromBase)) {
            (true, _) => format!("{}{}", call.asked.base, call.asked.path),
            (_, true) => call.asked.path.clone(),
            _ => String::new(),
        };
        format!("{path}?limit={limit}&from={from}")
    }

    fn listed(&self, record: &Record, reader: usize) -> Value {
        let body = &record.body;
        if self.is(Switch::FieldOfAnother) {
            let other = TENANTS[(reader + 1) % TENANTS.len()];
            return json!({ "id": body["id"], "title": body["title"], "tenantId": other });
        }
        body.clone()
    }

    pub(super) fn search(&self, call: &Call<'_>) -> Answer {
        let wanted = call.asked.parameter("q").map(decode).unwrap_or_default();
        let has_come = |record: &Record| !self.is(Switch::SearchLags) || record.born.elapsed() >= LATER;
        let found: Vec<&Record> = self
            .records
            .iter()
            .filter(|record| record.kind == "case" && record.title().contains(&wanted))
            .filter(|record| has_come(record) && !self.is(Switch::SearchNever))
            .collect();
        let is_everyones = self.is(Switch::SearchAll);
        let shown: Vec<&Value> =
            found.iter().filter(|r| is_everyones || r.tenant == call.tenant).map(|record| &record.body).collect();
        let is_like = |record: &&Record| {
            let is_own_case = record.kind == "case" && record.tenant == call.tenant;
            is_own_case && record.title().get(..3) == wanted.get(..3)
        };
        let total = if self.is(Switch::SearchTotalAll) {
            found.len()
        } else if self.is(Switch::FuzzySearch) {
            self.records.iter().filter(is_like).count()
        } else {
            shown.len()
        };
        Answer::ok(&json!({ "items": shown, "total": total }))
    }

    pub(super) fn count(&self, call: &Call<'_>) -> Answer {
        let is_everyones = self.is(Switch::CountAll);
        let counted = self.records.iter().filter(|r| r.kind == "case" && (is_everyones || r.tenant == call.tenant));
        let total = counted.count();
        Answer::ok(&json!({ "total": total, "byStatus": { "open": total } }))
    }
}
