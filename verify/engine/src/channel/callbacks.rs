//! The verifier's own listener on loopback: it serves the attacker's key set, and any call to it is recorded in the inbox
//! [`CALLBACKS`](super::inbox::CALLBACKS).

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::log::Called;

/// Calls that wait to be recorded; a target that makes more at once is not listened to any longer.
const MAX_WAITING: usize = 1_000;
/// Characters of a call's path that are looked through.
const LONGEST_PATH: usize = 8_000;
/// Characters of it that are recorded, once secrets are replaced in it.
pub(crate) const MAX_PATH: usize = 200;
/// Headers of a call that are recorded.
const MAX_HEADERS: usize = 50;
/// Bytes of a header's value that are recorded.
const MAX_VALUE: usize = 1_000;
/// Until the next try when no call can be accepted.
const AFTER_FAILURE: Duration = Duration::from_millis(20);
/// Bytes of a call's body that are recorded.
const MAX_BODY: usize = 16 * 1024;

/// A call, as it came.
pub(crate) struct Arrived {
    pub(crate) called: Called,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Listens until dropped.
pub(crate) struct Listener {
    origin: String,
    task: JoinHandle<()>,
}

impl Listener {
    /// On a free loopback port, answering every request with `body`. Each call is handed on as it comes.
    pub(crate) async fn start(body: String) -> std::io::Result<(Self, mpsc::Receiver<Arrived>)> {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("http://{}", socket.local_addr()?);
        let (calls, received) = mpsc::channel(MAX_WAITING);
        let task = tokio::spawn(serve(socket, body, calls));
        Ok((Self { origin, task }, received))
    }

    /// Where one trial's key set can be fetched.
    pub(crate) fn url(&self, topic: &str) -> String {
        format!("{}/{topic}/jwks.json", self.origin)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: TcpListener, body: String, calls: mpsc::Sender<Arrived>) {
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            // Too many open files, for a moment: a listener that is gone would look like a target that never calls.
            tokio::time::sleep(AFTER_FAILURE).await;
            continue;
        };
        let (body, calls) = (body.clone(), calls.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (body, calls) = (body.clone(), calls.clone());
            async move {
                // Full: the run has more calls than it could ever judge.
                let _ = calls.try_send(arrived(request).await);
                let response = hyper::Response::builder()
                    .header("content-type", "application/json")
                    .body(Full::new(Bytes::from(body)))
                    .unwrap_or_default();
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn arrived(request: hyper::Request<Incoming>) -> Arrived {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().chars().take(LONGEST_PATH).collect();
    let headers = parts.headers.iter().take(MAX_HEADERS);
    let headers = headers
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().iter().take(MAX_VALUE).copied().collect()))
        .collect();
    // A body beyond the bound is not recorded; that there was a call is what counts.
    let body = Limited::new(body, MAX_BODY).collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    Arrived { called: Called { method: parts.method.to_string(), path }, headers, body }
}
