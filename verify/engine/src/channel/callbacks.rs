//! The verifier's own listener on loopback: it serves the attacker's key set, and any call to it is recorded in the inbox
//! [`CALLBACKS`](super::inbox::CALLBACKS).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::arrivals::{Arrival, Arrivals};
use crate::log::{Called, InboundKind};

/// Characters of a call's path that are looked through.
const LONGEST_PATH: usize = 8_000;
/// Headers of a call that are recorded.
const MAX_HEADERS: usize = 50;
/// Bytes of a header's value that are recorded.
const MAX_VALUE: usize = 1_000;
/// Connections at once; others wait until one of them ends.
const MOST_CONNECTIONS: usize = 64;
/// How long one connection may last.
const LONGEST_CONNECTION: Duration = Duration::from_secs(10);
/// Until the next try when no call can be accepted.
const AFTER_FAILURE: Duration = Duration::from_millis(20);
/// Bytes of a call's body that are recorded.
const MAX_BODY: usize = 16 * 1024;

/// Where calls come from.
pub(crate) trait Accept: Send + 'static {
    /// The next connection.
    fn accept(&mut self) -> impl Future<Output = std::io::Result<TcpStream>> + Send;
}

impl Accept for TcpListener {
    async fn accept(&mut self) -> std::io::Result<TcpStream> {
        Ok(Self::accept(self).await?.0)
    }
}

/// Listens until dropped.
pub(crate) struct Listener {
    origin: String,
    task: JoinHandle<()>,
}

impl Listener {
    /// On a free loopback port, answering every request with `body`. Each call is handed on as it comes.
    pub(crate) async fn start(body: String, connect: impl FnOnce() -> Arrivals) -> std::io::Result<Self> {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("http://{}", socket.local_addr()?);
        let task = tokio::spawn(serve(socket, body, connect()));
        Ok(Self { origin, task })
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

async fn serve(mut socket: impl Accept, body: String, calls: Arrivals) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok(stream) = socket.accept().await else {
            // Too many open files, for a moment: a listener that is gone would look like a target that never calls.
            tokio::time::sleep(AFTER_FAILURE).await;
            continue;
        };
        let (body, calls) = (body.clone(), calls.clone());
        tokio::spawn(async move {
            let _place = place;
            let _ = tokio::time::timeout(LONGEST_CONNECTION, answer(stream, body, calls)).await;
        });
    }
}

async fn answer(stream: TcpStream, body: String, calls: Arrivals) -> hyper::Result<()> {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (body, calls) = (body.clone(), calls.clone());
        async move {
            calls.push(arrived(request).await);
            let response = hyper::Response::builder()
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body)))
                .unwrap_or_default();
            Ok::<_, Infallible>(response)
        }
    });
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
}

async fn arrived(request: hyper::Request<Incoming>) -> Arrival {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().chars().take(LONGEST_PATH).collect();
    let headers = parts.headers.iter().take(MAX_HEADERS);
    let headers = headers
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().iter().take(MAX_VALUE).copied().collect()))
        .collect();
    // A body beyond the bound is not recorded; that there was a call is what counts.
    let body = Limited::new(body, MAX_BODY).collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let kind = InboundKind::Callback(Called { method: parts.method.to_string(), path });
    Arrival { kind, headers, body }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::arrivals::arrivals;
    use super::*;

    /// Fails as often as it says, then accepts.
    struct Failing(usize, TcpListener);

    impl Accept for Failing {
        async fn accept(&mut self) -> std::io::Result<TcpStream> {
            match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    Err(std::io::Error::other("too many open files"))
                }
                None => Accept::accept(&mut self.1).await,
            }
        }
    }

    async fn call(origin: &str) -> String {
        let mut stream = TcpStream::connect(origin).await.unwrap();
        stream.write_all(b"GET /run/jwks.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_listener_that_could_not_accept_for_a_while_still_tells_of_calls() {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = socket.local_addr().unwrap().to_string();
        let (calls, mut received) = arrivals();
        let task = tokio::spawn(serve(Failing(3, socket), "{}".to_owned(), calls));
        assert!(call(&origin).await.ends_with("{}"));
        let arrival = received.take_waiting().pop().unwrap();
        assert!(matches!(&arrival.kind, InboundKind::Callback(called) if called.path == "/run/jwks.json"));
        task.abort();
    }

    #[tokio::test]
    async fn connections_that_say_nothing_take_no_more_than_their_places() {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = socket.local_addr().unwrap().to_string();
        let (calls, _received) = arrivals();
        let task = tokio::spawn(serve(socket, "{}".to_owned(), calls));
        let mut idle = Vec::new();
        for _ in 0..MOST_CONNECTIONS {
            idle.push(TcpStream::connect(&origin).await.unwrap());
        }
        let waiting = tokio::time::timeout(Duration::from_millis(200), call(&origin)).await;
        assert!(waiting.is_err(), "every place is taken");
        idle.clear();
        assert!(call(&origin).await.ends_with("{}"));
        task.abort();
    }
}
