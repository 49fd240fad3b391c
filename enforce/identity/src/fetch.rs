//! Fetching a key set: one GET to the registered URL, bounded in time and size.

use std::time::Duration;

use reqwest::{Client, StatusCode, header::ACCEPT, redirect::Policy};

use crate::{
    jwks::{JwksError, KeySet},
    registry::JwksUrl,
};

/// Longest body of a key set, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// Why no key set came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the key endpoint did not answer")]
    Transport(#[source] reqwest::Error),
    #[error("the key endpoint answered {0} in place of 200")]
    Status(StatusCode),
    #[error("the key endpoint sent more than {MAX_BODY} bytes")]
    TooLong,
    #[error("the key endpoint sent no key set: {0}")]
    Document(#[from] JwksError),
}

/// The HTTP client for key sets.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher(Client);

impl Fetcher {
    /// Redirects and proxies are off: only the registered host may say what its keys are.
    pub(crate) fn new(timeout: Duration) -> Result<Self, reqwest::Error> {
        Client::builder().redirect(Policy::none()).no_proxy().referer(false).timeout(timeout).build().map(Self)
    }

    pub(crate) async fn fetch(&self, url: &JwksUrl) -> Result<KeySet, FetchError> {
        let transport = |error: reqwest::Error| FetchError::Transport(error.without_url());
        let request = self.0.get(url.url().clone()).header(ACCEPT, "application/jwk-set+json, application/json");
        let mut response = request.send().await.map_err(transport)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(FetchError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(KeySet::parse(&body)?)
    }
}
