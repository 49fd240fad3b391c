//! The words in which isolation is reported.

use crate::named::named;

named! {
    /// A side of a platform on which the boundary between tenants is tried.
    "surface",
    Surface {
        /// Tokens: how they are issued and what is accepted as one.
        Token = "token",
        /// Operations of the API.
        Api = "api",
        /// Caches, as far as answers show them.
        Cache = "cache",
        /// What an answer tells about foreign things without handing them over.
        Oracle = "oracle",
        /// What becomes of access when a session, a membership or a tenant ends.
        Life = "life",
    }
}

named! {
    /// How bad a finding is.
    "severity",
    Severity {
        /// Worth fixing.
        Low = "low",
        /// Helps an attacker, without foreign data or effect by itself.
        Medium = "medium",
        /// Foreign data or effect under some condition.
        High = "high",
        /// Foreign data or effect for any tenant's ordinary user.
        Critical = "critical",
    }
}
