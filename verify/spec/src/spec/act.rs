//! `[[act]]`: what ends, or gives, someone's access to a tenant. Field docs give the TOML key they come from.

use std::time::Duration;

use crate::ix::{ActIx, TenantIx, Who};
use crate::spec::credential::LoginStep;

/// An act, in one of the tenants in which it can be done.
#[derive(Clone, Debug)]
pub struct Act {
    /// Its own place in [`Spec::acts`](crate::Spec::acts).
    pub ix: ActIx,
    /// `name`
    pub name: String,
    /// `kind`
    pub kind: ActKind,
    /// In which tenant.
    pub tenant: TenantIx,
    /// `of`: whose access it is about; at least one.
    pub of: Vec<Who>,
    /// `by`: who does it; else the first that it is `of`.
    pub by: Who,
    /// `request`, and what belongs to it.
    pub request: LoginStep,
    /// `undo`: what takes it back.
    pub undo: Option<LoginStep>,
    /// `within`: how long the credentials of whoever lost access may still be good. Default 5 s.
    pub within: Duration,
    /// Line of `[[act]]`, from 1.
    pub line: usize,
}

/// What an act does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActKind {
    /// `"logout"`
    Logout,
    /// `"revoke"`: a token, a session or a key.
    Revoke,
    /// `"switch"`: a session of a person goes over to another of its tenants.
    Switch,
    /// `"remove-member"`
    RemoveMember,
    /// `"disable"`: an account or a key.
    Disable,
    /// `"delete"`: an account, a key or a tenant.
    Delete,
    /// `"suspend"`: a tenant.
    Suspend,
    /// `"read-only"`: a tenant.
    ReadOnly,
    /// `"support"`: someone from outside is let in, and `undo` ends that.
    Support,
}

/// What no longer opens the tenant after an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The credential that was held. A new one may be had.
    Held,
    /// Any credential, also one that is asked for afterwards.
    Every,
    /// The same for whatever writes. Reading goes on.
    Writes,
}

impl ActKind {
    /// Every kind with its word.
    pub const ALL: [(&str, Self); 9] = [
        ("logout", Self::Logout),
        ("revoke", Self::Revoke),
        ("switch", Self::Switch),
        ("remove-member", Self::RemoveMember),
        ("disable", Self::Disable),
        ("delete", Self::Delete),
        ("suspend", Self::Suspend),
        ("read-only", Self::ReadOnly),
        ("support", Self::Support),
    ];

    /// What no longer opens the tenant after it; of [`Support`](Self::Support), after its end.
    pub fn ends(self) -> Ends {
        match self {
            Self::Logout | Self::Revoke | Self::Switch => Ends::Held,
            Self::ReadOnly => Ends::Writes,
            Self::RemoveMember | Self::Disable | Self::Delete | Self::Suspend | Self::Support => Ends::Every,
        }
    }
}
