//! What the server saw of a request, for tests that ask and for obstacles that choose.

/// A request as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which request it is, from 0.
    pub number: usize,
    /// At which part of the server.
    pub entrance: Entrance,
    /// The tenant whose credential it carries; at the token endpoint, whose client it names.
    pub by: Option<usize>,
    /// What that credential is.
    pub presented: Presented,
    /// Whether it reaches beyond that tenant: it names another's, or carries what must open nothing.
    pub crosses: bool,
    /// Upper-case.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
}

/// A part of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// The tenant API.
    Api,
    /// The token endpoint of a tenant's issuer.
    Token,
    /// Its metadata and keys.
    Keys,
}

/// What came as a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Nothing, or nothing that anyone knows.
    Nothing,
    /// A tenant's own.
    Own,
    /// A tenant's, but it names none.
    Nameless,
    /// A tenant's, and it names another.
    Impostor,
    /// A tenant's own token, for another API.
    ForAnotherApi,
    /// A tenant's own token, after its death.
    Dead,
    /// A token that no issuer made.
    Forged,
}
