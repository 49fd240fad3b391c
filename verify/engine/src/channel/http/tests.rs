//! HTTP/2 where it is offered, and HTTP/1.1 where a request can't be told in it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

type Seen = Arc<Mutex<Vec<(http::Version, String)>>>;

/// A server that offers HTTP/2 and HTTP/1.1, and a client that trusts it.
async fn offering() -> (Http, Url, Seen) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://localhost:{}", listener.local_addr().unwrap().port())).unwrap();
    let seen: Seen = Arc::default();
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, log) = (acceptor.clone(), Arc::clone(&log));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
                    log.lock().unwrap().push((request.version(), target));
                    async move { Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from_static(b"ok")))) }
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (Http::with(client), url, seen)
}

fn get(origin: &Url, target: &str, host: &str) -> Outgoing {
    Outgoing {
        origin: origin.clone(),
        method: "GET".into(),
        target: target.into(),
        headers: vec![("host".into(), host.into()), ("x-a".into(), "1".into()), ("x-a".into(), "2".into())],
        body: None,
        reuse: Reuse::OfAnonymous,
    }
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered_and_odd_requests_go_as_they_are_written() {
    let (http, url, seen) = offering().await;
    let host = format!("localhost:{}", url.port().unwrap());
    let bounds = Bounds { timeout: std::time::Duration::from_secs(5), body: 1024 };
    for (target, host) in
        [("/plain?a=1", host.as_str()), ("/again", &host), ("//odd//path", &host), ("/other", "victim.example")]
    {
        let answered = http.exchange(&get(&url, target, host), bounds).await.ok().unwrap();
        assert_eq!((answered.status, answered.body.as_slice()), (200, &b"ok"[..]), "{target}");
    }
    let versions: Vec<_> = seen.lock().unwrap().iter().map(|(version, _)| *version).collect();
    let (two, one) = (http::Version::HTTP_2, http::Version::HTTP_11);
    assert_eq!(versions, [two, two, one, one]);
    assert_eq!(seen.lock().unwrap()[2].1, "//odd//path");
}
