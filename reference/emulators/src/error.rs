//! Why an identity provider could not start or could not sign.

/// Failure of the emulator itself; a refused request is an answer, not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdpError {
    /// Two registered clients have the same id.
    #[error("client `{client}` is registered twice: give each client of an issuer its own id")]
    DuplicateClient {
        /// The id that occurs twice.
        client: String,
    },
    /// An audience is the empty string.
    #[error("an audience of the issuer is empty: name the API that its tokens are for")]
    EmptyAudience,
    /// A client's tokens would have expired on arrival.
    #[error("client `{client}` has a token lifetime below one second: give it at least one")]
    NoLifetime {
        /// The client concerned.
        client: String,
    },
    /// The cryptographic library refused to make a key.
    #[error("could not generate a {alg} signing key")]
    KeyGeneration {
        /// Algorithm of the key.
        alg: &'static str,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
    /// The cryptographic library refused to sign, or to describe its own key.
    #[error("could not sign a token")]
    Signing(#[source] jsonwebtoken::errors::Error),
    /// The system clock is set to a time before 1970.
    #[error("the system clock is before 1970: set it")]
    Clock,
    /// No loopback port could be had.
    #[error("could not listen on 127.0.0.1")]
    Listen(#[source] std::io::Error),
}
