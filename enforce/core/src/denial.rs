//! The one way off the chain.

use std::fmt;

use watertight_model::{OperationClass, TenantId, TenantStatus};

use crate::decision::Term;
use crate::token::TokenRejection;

/// A request that goes no further.
///
/// Two sides, kept apart: [`Denial::reason`], [`Denial::tenant`] and [`Denial::detail`] are for the operator's log;
/// [`Denial::class`] is all that an answer may depend on. Anybody may make a denial: it opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Denial {
    reason: ReasonCode,
    tenant: Option<TenantId>,
    detail: Option<String>,
}

impl Denial {
    /// A denial for this reason.
    pub fn new(reason: ReasonCode) -> Self {
        Self { reason, tenant: None, detail: None }
    }

    /// Notes, for the log, which tenant the request tried to act in.
    #[must_use]
    pub fn about(self, tenant: &TenantId) -> Self {
        Self { tenant: Some(tenant.clone()), ..self }
    }

    /// Notes, for the log, what else an operator needs to know. Never put a secret or a whole token here.
    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Why, precisely. For logs alone.
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// The tenant that the request tried to act in, as far as it was known. For logs alone.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.tenant.as_ref()
    }

    /// What else an operator needs to know. For logs alone.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// What the outside is told.
    pub fn class(&self) -> DenialClass {
        self.reason.class()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "denied: {}", self.reason)?;
        if let Some(tenant) = &self.tenant {
            write!(f, ", in tenant {tenant}")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl From<ReasonCode> for Denial {
    fn from(reason: ReasonCode) -> Self {
        Self::new(reason)
    }
}

/// All that the outside learns from a denial; an answer is a function of this and of nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DenialClass {
    /// The request can't be read in one way only, for instance because of a header given twice.
    BadRequest400,
    /// No token, or none that is trusted here.
    Unauthenticated401,
    /// Not in this tenant, or not this action. The same for tenants that exist and tenants that don't.
    Forbidden403,
    /// Within the own tenant, there is no such thing.
    NotFound404,
    /// The platform can't find out at the moment.
    Unavailable503,
    /// A fault of the platform itself.
    Internal500,
}

impl DenialClass {
    /// Every class.
    pub const ALL: &'static [Self] = &[
        Self::BadRequest400,
        Self::Unauthenticated401,
        Self::Forbidden403,
        Self::NotFound404,
        Self::Unavailable503,
        Self::Internal500,
    ];

    /// The status code of RFC 9110.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest400 => 400,
            Self::Unauthenticated401 => 401,
            Self::Forbidden403 => 403,
            Self::NotFound404 => 404,
            Self::Unavailable503 => 503,
            Self::Internal500 => 500,
        }
    }
}

/// Why a request was denied, as precisely as the platform knows. Never shown outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReasonCode {
    /// A header that must be unique was given twice (Envoy CVE-2021-32777).
    DuplicateHeader,
    /// The request can't be read, for instance because its query is not valid.
    RequestMalformed,
    /// More places name a tenant than [`crate::Assertions::MAX`].
    TooManyAssertions,
    /// No bearer token was presented.
    TokenAbsent,
    /// The token was not accepted for the tenant.
    Token(TokenRejection),
    /// Nothing in the request that may define the tenant names one. There is no default tenant.
    TenantAbsent,
    /// Two places name different tenants.
    TenantConflict,
    /// A place names something that can't be a tenant.
    TenantMalformed,
    /// The directory has no such tenant.
    TenantUnknown,
    /// The tenant is in a status that does not allow this class of operation.
    TenantStatus(TenantStatus, OperationClass),
    /// The client is not registered for the tenant.
    ClientUnknown,
    /// The client's registration for the tenant is switched off.
    ClientInactive,
    /// The subject is not a member of the tenant.
    NotMember,
    /// The subject's membership is switched off.
    MembershipInactive,
    /// The policy does not allow the action.
    ActionNotAllowed,
    /// The action is of another class than the one that the tenant's status was asked for.
    ActionClass,
    /// A term of the isolation equation that must be proven was left open.
    TermUnproven(Term),
    /// There is no such record in the tenant.
    ResourceMissing,
    /// A port answered with a record of another tenant than the one it was asked for.
    ForeignAnswer,
    /// The directory could not be read.
    DirectoryUnavailable,
    /// A route without a registered action: a bug of the platform, never a silent denial.
    RouteUnregistered,
    /// A handler asked for a scope on a route without a guard.
    GuardMissing,
    /// A handler succeeded without its data access having been constrained to the tenant.
    DebtUnpaid(Term),
}

impl ReasonCode {
    /// A stable name for logs and metrics; of low cardinality, and without anything from the request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DuplicateHeader => "duplicate_header",
            Self::RequestMalformed => "request_malformed",
            Self::TooManyAssertions => "too_many_assertions",
            Self::TokenAbsent => "token_absent",
            Self::Token(rejection) => rejection.reason_code(),
            Self::TenantAbsent => "tenant_absent",
            Self::TenantConflict => "tenant_conflict",
            Self::TenantMalformed => "tenant_malformed",
            Self::TenantUnknown => "tenant_unknown",
            Self::TenantStatus(..) => "tenant_status",
            Self::ClientUnknown => "client_unknown",
            Self::ClientInactive => "client_inactive",
            Self::NotMember => "not_member",
            Self::MembershipInactive => "membership_inactive",
            Self::ActionNotAllowed => "action_not_allowed",
            Self::ActionClass => "action_class",
            Self::TermUnproven(_) => "term_unproven",
            Self::ResourceMissing => "resource_missing",
            Self::ForeignAnswer => "foreign_answer",
            Self::DirectoryUnavailable => "directory_unavailable",
            Self::RouteUnregistered => "route_unregistered",
            Self::GuardMissing => "guard_missing",
            Self::DebtUnpaid(_) => "debt_unpaid",
        }
    }

    /// What the outside is told.
    ///
    /// Chosen so that one token gets one answer for all tenants but its own, whether they exist or not. Before the
    /// token is verified that is 401, whatever is wrong, even if the keys can't be fetched: a 503 would tell everybody
    /// that the tenant has an issuer. From there on it is 403, whether the tenant is unknown, inactive or one
    /// that the caller does not belong to. A name that can't be a tenant is answered as one that isn't.
    ///
    /// The class makes answers the same bytes, not the same time: a verifier that waits for keys of a tenant that has
    /// an issuer, and refuses at once where there is none, can be told apart by a clock.
    pub const fn class(self) -> DenialClass {
        match self {
            Self::DuplicateHeader | Self::RequestMalformed | Self::TooManyAssertions => DenialClass::BadRequest400,
            Self::TokenAbsent | Self::Token(_) | Self::TenantAbsent => DenialClass::Unauthenticated401,
            Self::TenantConflict
            | Self::TenantMalformed
            | Self::TenantUnknown
            | Self::TenantStatus(..)
            | Self::ClientUnknown
            | Self::ClientInactive
            | Self::NotMember
            | Self::MembershipInactive
            | Self::ActionNotAllowed => DenialClass::Forbidden403,
            Self::ResourceMissing => DenialClass::NotFound404,
            Self::DirectoryUnavailable => DenialClass::Unavailable503,
            Self::ActionClass
            | Self::TermUnproven(_)
            | Self::ForeignAnswer
            | Self::RouteUnregistered
            | Self::GuardMissing
            | Self::DebtUnpaid(_) => DenialClass::Internal500,
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TenantStatus(status, class) => {
                write!(f, "{} ({class} while {status})", self.name())
            }
            Self::TermUnproven(term) | Self::DebtUnpaid(term) => write!(f, "{} ({term})", self.name()),
            Self::Token(TokenRejection::MissingClaim(claim)) => write!(f, "{} ({claim})", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}
