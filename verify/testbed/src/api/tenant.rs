//! In which tenant a request acts, and what it gets that acts in none.

use super::{Api, At};
use crate::answer::{Answer, Asked, decode};
use crate::clients::{TENANTS, tenant};
use crate::fixture::Located;
use crate::switch::Switch;

impl Api {
    /// The tenant that a request acts in; none is a denial. `named` is what the credential names.
    pub(super) fn tenant(&self, named: Option<usize>, asked: &Asked) -> Option<usize> {
        let Some(own) = named else { return self.is(Switch::NamelessIsFirst).then_some(0) };
        if let Some(believed) = self.believed(asked) {
            return tenant(&believed);
        }
        match self.located {
            Located::Token => self.by_url(own, asked),
            Located::Header => self.by_header(own, asked),
            Located::Path => self.by_path(own, asked),
        }
    }

    /// What says the tenant without any authority, and is believed.
    fn believed(&self, asked: &Asked) -> Option<String> {
        let mut headers = asked.all("x-tenant-id");
        if self.is(Switch::HeaderBelieved)
            && let Some(first) = headers.next()
        {
            return Some(first.to_owned());
        }
        if self.is(Switch::LastHeaderBelieved) && asked.all("x-tenant-id").count() > 1 {
            return asked.all("x-tenant-id").next_back().map(str::to_owned);
        }
        asked.parameter("tenantId").filter(|_| self.is(Switch::QueryBelieved)).map(str::to_owned)
    }

    /// Only the credential names the tenant; where each has a URL of its own, it must be that one.
    fn by_url(&self, own: usize, asked: &Asked) -> Option<usize> {
        let Some(name) = asked.base.strip_prefix("/at/") else { return Some(own) };
        match tenant(name) {
            Some(there) if there == own || self.believes_place(asked) => Some(there),
            _ => self.is(Switch::PathIgnored).then_some(own),
        }
    }

    fn by_header(&self, own: usize, asked: &Asked) -> Option<usize> {
        let named: Vec<Option<usize>> = asked.all("x-tenant-id").map(tenant).collect();
        match named.as_slice() {
            [Some(there)] if *there == own || self.believes_place(asked) => Some(*there),
            [] if self.is(Switch::MissingIsFirst) => Some(0),
            _ => None,
        }
    }

    fn by_path(&self, own: usize, asked: &Asked) -> Option<usize> {
        let mut parts = asked.path.split('/').skip(1);
        match (parts.next(), parts.next()) {
            (Some("tenants"), Some(segment)) => {
                let segment = decode(segment);
                match tenant(&segment) {
                    Some(there) if there == own || self.believes_place(asked) => Some(there),
                    Some(_) => self.is(Switch::PathIgnored).then_some(own),
                    None if self.is(Switch::CaseFolded) => tenant(&segment.to_lowercase()),
                    None if self.is(Switch::MissingIsFirst) && segment.is_empty() => Some(0),
                    None if self.is(Switch::UnknownIsOwn) => Some(own),
                    None => None,
                }
            }
            (Some("cases"), _) => self.is(Switch::MissingIsFirst).then_some(0),
            _ => Some(own),
        }
    }

    fn believes_place(&self, asked: &Asked) -> bool {
        let is_case =
            asked.path.rsplit_once('/').is_some_and(|(above, id)| above.ends_with("/cases") && id != "facets");
        let reads_case = asked.method == "GET" && is_case;
        self.is(Switch::PathBelieved) || (self.is(Switch::PathBelievedWhenReading) && reads_case)
    }

    /// What a request gets that is not let in to a tenant.
    pub(super) fn deny(&mut self, named: Option<usize>, asked: &Asked) -> Answer {
        let segments = asked.segments();
        let found = match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["tenants", name, "cases", id] => {
                let owner = TENANTS.iter().position(|known| known == name);
                let at = At { kind: "case", id, parent: None };
                self.records.iter().position(|record| Some(record.tenant) == owner && record.is_at(at))
            }
            _ => None,
        };
        let Some(index) = found.filter(|_| named.is_some()) else { return self.nothing(asked) };
        let record = self.records[index].body.to_string();
        if self.is(Switch::DenialCarriesRecord) {
            return Answer::new(403, record);
        }
        if self.is(Switch::RedirectCarriesRecord) {
            return Answer::new(302, record).header("location", "/login");
        }
        if asked.method == "DELETE"
            && [Switch::DeletesAndDenies, Switch::DeletesAndDeniesOnce].iter().any(|s| self.is(*s))
        {
            self.remove(index);
            self.switches.retain(|switch| *switch != Switch::DeletesAndDeniesOnce);
        }
        if self.is(Switch::ForeignForbidden) {
            return Answer::problem(403, "forbidden", "");
        }
        self.nothing(asked)
    }

    /// That there is nothing here.
    pub(super) fn nothing(&self, asked: &Asked) -> Answer {
        if self.is(Switch::NothingIsForbidden) {
            return Answer::problem(403, "forbidden", "");
        }
        if self.is(Switch::NothingIsNull) {
            return Answer::ok(&serde_json::json!({ "item": null, "asked": asked.path }));
        }
        Answer::problem(404, "not found", if self.is(Switch::DenialEchoes) { &asked.path } else { "" })
    }
}
