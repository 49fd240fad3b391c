//! What is done in a tenant, in which mode, who says which tenant it is, and in which state the tenant is.

use crate::named::named;

named! {
    /// Where a tenant is in its life (isolation 25). What each state allows is a rule of `enforce`, not of this type.
    "tenant status",
    TenantStatus {
        /// Being set up; nobody uses it yet.
        Provisioning = "provisioning",
        /// In normal use.
        Active = "active",
        /// Halted, for instance over an incident or an unpaid bill; may come back.
        Suspended = "suspended",
        /// May be looked at, not changed.
        ReadOnly = "read-only",
        /// Leaving: its data is handed out and then removed.
        Offboarding = "offboarding",
        /// Switched off.
        Disabled = "disabled",
        /// Gone; the name stays taken, so that nobody inherits it.
        Deleted = "deleted",
    }
}

named! {
    /// What kind of thing an operation does, as far as a tenant's status is concerned.
    "operation class",
    OperationClass {
        /// Opens a session in the tenant.
        Login = "login",
        /// Reads the tenant's data.
        Read = "read",
        /// Creates, changes or removes the tenant's data.
        Write = "write",
        /// Hands the tenant its data in bulk.
        Export = "export",
        /// Runs work in the background for the tenant.
        Job = "job",
        /// Delivers or consumes an event of the tenant.
        Event = "event",
        /// Administers the tenant itself: members, clients, settings, status.
        Administer = "administer",
    }
}

named! {
    /// In which capacity somebody acts in a tenant (isolation 24). Only the first is an ordinary request.
    "access mode",
    AccessMode {
        /// A member, or a client of the tenant, acting for itself.
        NormalUser = "normal-user",
        /// Staff looking at the tenant as one of the platform's tenants.
        PlatformAdmin = "platform-admin",
        /// Staff acting within the tenant, in their own name.
        SupportActingAsTenant = "support-acting-as-tenant",
        /// Staff acting with the effective rights of a member.
        UserImpersonation = "user-impersonation",
        /// Emergency access beyond ordinary grants.
        BreakGlass = "break-glass",
    }
}

named! {
    /// Where in a request a tenant was named (isolation 7.1). How far each is trusted is a rule of `enforce`.
    "assertion source",
    AssertionSource {
        /// The host name that the request was sent to.
        Host = "host",
        /// A segment of the path.
        Path = "path",
        /// A claim of the bearer token.
        TokenClaim = "token-claim",
        /// The active tenant of a session kept on the server.
        ServerSession = "server-session",
        /// The tenant that the OAuth client is registered for.
        ClientRegistration = "client-registration",
        /// A header that a gateway has signed.
        GatewaySignedHeader = "gateway-signed-header",
        /// Any other header, which every caller can write.
        Header = "header",
        /// The query of the URL.
        Query = "query",
        /// A field of the body.
        Body = "body",
    }
}
