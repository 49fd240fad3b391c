//! The attacker's own server on loopback: it serves the forged key set, and any call to it is a finding.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Calls remembered for one check.
const MAX_CALLS: usize = 10;
/// Checks for which calls are remembered.
const MAX_TOPICS: usize = 10_000;
/// Characters of a call's path remembered.
const MAX_PATH: usize = 200;

/// Listens until dropped.
pub(crate) struct Listener {
    origin: String,
    calls: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// On a free loopback port, answering every request with `body`.
    pub(crate) async fn start(body: String) -> std::io::Result<Self> {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("http://{}", socket.local_addr()?);
        let calls = Arc::default();
        let task = tokio::spawn(serve(socket, body, Arc::clone(&calls)));
        Ok(Self { origin, calls, task })
    }

    /// Where one check's key set can be fetched.
    pub(crate) fn url(&self, topic: &str) -> String {
        format!("{}/{topic}/jwks.json", self.origin)
    }

    /// The calls made for one check so far.
    pub(crate) fn calls(&self, topic: &str) -> Vec<String> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).get(topic).cloned().unwrap_or_default()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: TcpListener, body: String, calls: Arc<Mutex<BTreeMap<String, Vec<String>>>>) {
    while let Ok((stream, _)) = socket.accept().await {
        let (body, calls) = (body.clone(), Arc::clone(&calls));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let path = request.uri().path().to_owned();
            let topic: String =
                path.trim_start_matches('/').split('/').next().unwrap_or_default().chars().take(MAX_PATH).collect();
            let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
            let is_known = calls.contains_key(&topic) || calls.len() < MAX_TOPICS;
            let seen = calls.entry(if is_known { topic } else { String::new() }).or_default();
            if seen.len() < MAX_CALLS {
                seen.push(format!("{} {path}", request.method()).chars().take(MAX_PATH).collect());
            }
            let response = hyper::Response::builder()
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body.clone())))
                .unwrap_or_default();
            async move { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
