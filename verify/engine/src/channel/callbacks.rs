//! The verifier's own listener on loopback: it serves the attacker's key set, and any call to it is recorded in the inbox
//! [`CALLBACKS`](super::inbox::CALLBACKS).

use std::convert::Infallible;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::log::Called;

/// Calls that wait to be recorded; a target that makes more at once is not listened to any longer.
const MAX_WAITING: usize = 1_000;
/// Characters of a call's path that are recorded.
const MAX_PATH: usize = 200;

/// Listens until dropped.
pub(crate) struct Listener {
    origin: String,
    task: JoinHandle<()>,
}

impl Listener {
    /// On a free loopback port, answering every request with `body`. Each call is handed on as it comes.
    pub(crate) async fn start(body: String) -> std::io::Result<(Self, mpsc::Receiver<Called>)> {
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

async fn serve(socket: TcpListener, body: String, calls: mpsc::Sender<Called>) {
    while let Ok((stream, _)) = socket.accept().await {
        let (body, calls) = (body.clone(), calls.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let path: String = request.uri().path().chars().take(MAX_PATH).collect();
            // Full: the run has more calls than it could ever judge.
            let _ = calls.try_send(Called { method: request.method().to_string(), path });
            let response = hyper::Response::builder()
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body.clone())))
                .unwrap_or_default();
            async move { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
