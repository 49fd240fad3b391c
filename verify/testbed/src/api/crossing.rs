//! Whether a request reaches beyond its sender's tenant: the API has no other way to know an attack.

use super::{Api, At};
use crate::answer::{Asked, decode};
use crate::caller::Caller;
use crate::clients::{TENANTS, tenant};
use crate::fixture::Located;
use crate::seen::Presented;

/// Headers that every request has, and that name no tenant.
const ORDINARY: [&str; 7] =
    ["accept", "accept-encoding", "authorization", "content-type", "host", "user-agent", "x-api-key"];

impl Api {
    /// Whether a request reaches beyond its sender's tenant: its credential must open nothing, or it names another tenant
    /// or none, or what it names is another's, or its tenant may not do that any more.
    pub(crate) fn crosses(&self, caller: &Caller, asked: &Asked) -> bool {
        match (caller.presented, caller.of) {
            (Presented::Nothing, _) => false,
            (Presented::Own, Some(own)) => {
                self.is_ended(own, asked)
                    || self.is_misplaced(own, asked)
                    || names_another(own, asked, self.located)
                    || self.reaches_for(own, asked)
            }
            _ => true,
        }
    }

    /// Whether it is not in its sender's own place.
    fn is_misplaced(&self, own: usize, asked: &Asked) -> bool {
        let segments = asked.segments();
        if segments.iter().any(|segment| tenant(segment).is_some_and(|named| named != own)) {
            return true;
        }
        match self.located {
            Located::Token => !["", &format!("/at/{}", TENANTS[own])].contains(&asked.base.as_str()),
            Located::Header => asked.all("x-tenant-id").ne([TENANTS[own]]),
            Located::Path => match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["tenants", named, ..] => *named != TENANTS[own],
                ["me" | "buckets" | "whoami" | "login", ..] => false,
                _ => true,
            },
        }
    }

    /// Whether something that it names is another's: the object at an id, a reference, words to search for.
    fn reaches_for(&self, own: usize, asked: &Asked) -> bool {
        let segments = asked.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if items(&segments).into_iter().any(|at| self.is_anothers(own, at)) {
            return true;
        }
        let is_anothers = |holds: &dyn Fn(&super::Record) -> bool| {
            let mut there = self.records.iter().filter(|record| holds(record)).peekable();
            there.peek().is_some() && there.all(|record| record.tenant != own)
        };
        let reference = asked.body["externalRef"].as_str();
        let words = asked.parameter("q").map(decode);
        reference.is_some_and(|reference| is_anothers(&|record| record.body["externalRef"] == reference))
            || words.is_some_and(|words| is_anothers(&|record| record.title().contains(&words)))
    }

    /// The next reading of what a write names that crosses goes to a replica that has not caught up.
    pub(super) fn let_lag(&mut self, asked: &Asked) {
        if asked.method != "GET" && self.is(crate::switch::Switch::ReplicaLags) {
            let segments = asked.segments();
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            let named = items(&segments).into_iter().next_back().map(|at| (at.kind, at.id.to_owned()));
            self.lagging.extend(named);
        }
    }
}

/// Whether a header, a parameter or a member of the body names another tenant.
fn names_another(own: usize, asked: &Asked, located: Located) -> bool {
    let is_another = |text: &str| tenant(text).is_some_and(|named| named != own);
    let is_locator = |name: &str| located == Located::Header && name == "x-tenant-id";
    let mut headers = asked.headers.iter().filter(|(name, _)| !ORDINARY.contains(&name.as_str()) && !is_locator(name));
    let mut members = asked.body.as_object().into_iter().flat_map(|members| members.values());
    headers.any(|(_, value)| value.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).any(is_another))
        || asked.parameters().any(|(_, value)| is_another(&decode(value)))
        || members.any(|value| value.as_str().is_some_and(is_another))
}

/// The objects that a path names, outermost first.
fn items<'a>(segments: &[&'a str]) -> Vec<At<'a>> {
    let rest = match segments {
        ["tenants", _, rest @ ..] | ["me", rest @ ..] => rest,
        all => all,
    };
    let at = |kind, id| At { kind, id, parent: None };
    match rest {
        ["cases", case, "tasks", task, ..] => vec![at("case", *case), at("task", *task)],
        ["cases", case, ..] if !["facets", "archive"].contains(case) => vec![at("case", *case)],
        ["notes", note, ..] => vec![at("note", *note)],
        ["buckets", bucket, ..] => vec![at("bucket", *bucket)],
        ["users", user, ..] => vec![at("user", *user)],
        _ => Vec::new(),
    }
}
