//! The operator's side: a tenant is suspended, or made read-only, and let go again.

use std::collections::BTreeSet;

use super::Api;
use crate::answer::{Answer, Asked};
use crate::clients::{TENANTS, tenant};
use crate::switch::Switch;

/// What opens the operator's side.
pub(crate) const OPERATOR: &str = "operator-of-the-double-4471";

/// In what state tenants are.
#[derive(Default)]
pub(super) struct Lives {
    suspended: BTreeSet<usize>,
    read_only: BTreeSet<usize>,
    /// Tokens that were there when a tenant was suspended.
    tokens: BTreeSet<String>,
}

impl Api {
    /// What the operator asks, if it is the operator who asks: `POST /operator/north/suspend`.
    pub(super) fn operate(&mut self, asked: &Asked) -> Option<Answer> {
        let segments = asked.segments();
        let [_, named, what] = segments.as_slice() else { return None };
        if asked.header("x-operator") != Some(OPERATOR) || !asked.path.starts_with("/operator/") {
            return None;
        }
        let (Some(of), false) = (tenant(named), self.is(Switch::ActsRefused)) else {
            return Some(Answer::problem(403, "not by you", ""));
        };
        if what == "resume" && self.is(Switch::NotResumed) {
            return Some(Answer::new(204, ""));
        }
        let all: Vec<usize> = (0..TENANTS.len()).collect();
        let whom = if self.is(Switch::SuspendsAll) { all } else { vec![of] };
        for of in whom {
            match what.as_str() {
                "suspend" => self.lives.suspended.insert(of),
                "freeze" => self.lives.read_only.insert(of),
                "resume" => self.lives.suspended.remove(&of) | self.lives.read_only.remove(&of),
                _ => return None,
            };
        }
        Some(Answer::new(204, ""))
    }

    /// Whether a tenant's life does not allow a request.
    pub(super) fn is_ended(&self, of: usize, asked: &Asked) -> bool {
        self.lives.suspended.contains(&of) || (self.lives.read_only.contains(&of) && asked.method != "GET")
    }

    /// What a tenant's request gets that its life does not allow.
    pub(super) fn ended(&mut self, of: usize, asked: &Asked) -> Option<Answer> {
        let token = asked.header("authorization").unwrap_or_default();
        if !self.lives.suspended.contains(&of) {
            self.lives.tokens.insert(token.to_owned());
        }
        let is_served = self.is(Switch::SuspendedServed)
            || (self.is(Switch::NewTokensServed) && !self.lives.tokens.contains(token));
        if self.lives.suspended.contains(&of) && !is_served {
            return Some(Answer::problem(if self.is(Switch::SuspendedUnknown) { 401 } else { 403 }, "suspended", ""));
        }
        let is_written =
            self.is(Switch::ReadOnlyWritten) || (self.is(Switch::ReadOnlyChanged) && asked.method == "PATCH");
        if self.lives.read_only.contains(&of) && asked.method != "GET" && !is_written {
            return Some(Answer::problem(423, "read-only", ""));
        }
        None
    }
}
