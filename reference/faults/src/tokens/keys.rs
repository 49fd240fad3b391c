//! Key sets, fetched from wherever one is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url, redirect::Policy};
use serde_json::Value;
use tokio::sync::Mutex;
use watertight_casework::Agency;
use watertight_model::Issuer;

/// Longest key set, in bytes.
const MAX_BODY: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(2);

/// What the issuers publish, fetched once.
pub(crate) struct PublishedKeys {
    client: Client,
    held: Mutex<HashMap<Issuer, Arc<[Value]>>>,
}

impl PublishedKeys {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(TIMEOUT).build()?;
        Ok(Self { client, held: Mutex::default() })
    }

    /// The keys of an agency's issuer; none if they can't be had.
    pub(crate) async fn of(&self, agency: &Agency) -> Arc<[Value]> {
        let mut held = self.held.lock().await;
        if let Some(keys) = held.get(&agency.issuer.issuer) {
            return Arc::clone(keys);
        }
        let keys: Arc<[Value]> = self.fetch(agency.issuer.jwks_url.as_str()).await.into();
        if !keys.is_empty() {
            held.insert(agency.issuer.issuer.clone(), Arc::clone(&keys));
        }
        keys
    }

    /// The keys at a URL; none if they can't be had. Only this machine is asked: the bug is to be shown, not to be used.
    pub(crate) async fn fetch(&self, url: &str) -> Vec<Value> {
        let Some(url) = Url::parse(url).ok().filter(is_loopback) else { return Vec::new() };
        match self.body(url).await.map(|body| serde_json::from_slice::<Value>(&body)) {
            Ok(Ok(set)) => set.get("keys").and_then(Value::as_array).cloned().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    async fn body(&self, url: Url) -> Result<Vec<u8>, reqwest::Error> {
        let mut response = self.client.get(url).send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY {
                return Ok(Vec::new());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"))
}
