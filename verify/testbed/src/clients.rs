//! The tenants of the double, and their ordinary credentials: API keys, or clients of the tenant's own issuer.

/// Ids of the tenants, as paths and claims spell them. One is a part of another.
pub(crate) const TENANTS: [&str; 3] = ["north", "south", "north-east"];

/// A set of credentials.
#[derive(Debug)]
pub(crate) struct Client {
    /// Name of the principal in the spec.
    pub(crate) principal: &'static str,
    /// Whose it is.
    pub(crate) tenant: usize,
    /// The tenant that it names.
    pub(crate) names: Option<usize>,
    /// The variable of the spec that holds its secret.
    pub(crate) variable: &'static str,
    /// API key or client secret.
    pub(crate) secret: &'static str,
}

/// All of them.
pub(crate) static CLIENTS: [Client; 5] = [
    client("service", 0, Some(0), "NORTH", "secret-of-north-0123"),
    client("impostor", 0, Some(1), "IMPOSTOR", "secret-of-impostor-4"),
    client("service", 1, Some(1), "SOUTH", "secret-of-south-5678"),
    client("nameless", 1, None, "NAMELESS", "secret-of-nameless-9"),
    client("service", 2, Some(2), "EAST", "secret-of-east-01234"),
];

const fn client(
    principal: &'static str,
    tenant: usize,
    names: Option<usize>,
    variable: &'static str,
    secret: &'static str,
) -> Client {
    Client { principal, tenant, names, variable, secret }
}

impl Client {
    /// Its id at the token endpoint.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}", TENANTS[self.tenant], self.principal)
    }
}

/// The client with this id.
pub(crate) fn client_of(id: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.id() == id)
}

/// The tenant of this name.
pub(crate) fn tenant(name: &str) -> Option<usize> {
    TENANTS.iter().position(|known| *known == name)
}
