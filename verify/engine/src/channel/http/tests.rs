//! HTTP/2 where it is offered, and HTTP/1.1 where a request can't be told in it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

type Seen = Arc<Mutex<Vec<(http::Version, String)>>>;

/// A server that offers HTTP/2 and HTTP/1.1, and a client that trusts it.
async fn offering() -> (Http, Url, Seen) {
    let (config, url, seen) = serving(None).await;
    (Http::with(config), url, seen)
}

/// A server, which may ask for certificates, and how a client trusts it.
async fn serving(clients: Option<Arc<dyn ClientCertVerifier>>) -> (rustls::ClientConfig, Url, Seen) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let server = rustls::ServerConfig::builder();
    let server = match clients {
        Some(clients) => server.with_client_cert_verifier(clients),
        None => server.with_no_client_auth(),
    };
    let mut server = server.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
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
                let shown = stream.get_ref().1.peer_certificates().map(|chain| chain[0].to_vec());
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
                    log.lock().unwrap().push((request.version(), target));
                    let body = Bytes::from(shown.clone().unwrap_or_else(|| b"ok".to_vec()));
                    async move { Ok::<_, Infallible>(hyper::Response::new(Full::new(body))) }
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (client, url, seen)
}

fn get(origin: &Url, target: &str, host: &str) -> Outgoing {
    Outgoing {
        origin: origin.clone(),
        method: "GET".into(),
        target: target.into(),
        headers: vec![("host".into(), host.into()), ("x-a".into(), "1".into()), ("x-a".into(), "2".into())],
        body: None,
        reuse: Reuse::OfAnonymous,
        certificate: None,
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

/// A spec whose two principals have certificates, or these texts in their place.
fn certified(north: (&str, &str), south: (&str, &str)) -> Spec {
    const SPEC: &str = r#"
[target]
name = "t"
url = "https://localhost:1"
[tenancy]
locator = "token"
[[tenant]]
id = "north"
principal = [{ name = "p", grant = "certificate", certificate = "$NORTH", certificate_key = "$NORTH_KEY" }]
[[tenant]]
id = "south"
principal = [{ name = "p", grant = "certificate", certificate = "$SOUTH", certificate_key = "$SOUTH_KEY" }]
[[resource]]
name = "case"
path = "/cases"
create = { title = "{canary}" }
"#;
    let variables = [("NORTH", north.0), ("NORTH_KEY", north.1), ("SOUTH", south.0), ("SOUTH_KEY", south.1)];
    let variables: std::collections::BTreeMap<String, String> =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let today = time::Date::from_ordinal_date(2026, 1).unwrap();
    watertight_spec::parse(std::path::Path::new("t.toml"), SPEC, &variables, today).unwrap()
}

#[tokio::test]
async fn each_principal_shows_its_own_certificate_and_no_other_and_anonymous_requests_show_none() {
    let made = || rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
    let (north, south) = (made(), made());
    let mut trusted = rustls::RootCertStore::empty();
    [&north, &south].into_iter().for_each(|one| trusted.add(one.cert.der().clone()).unwrap());
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let clients = WebPkiClientVerifier::builder(Arc::new(trusted)).allow_unauthenticated().build().unwrap();
    let (config, url, _) = serving(Some(clients)).await;
    let pem = |one: &rcgen::CertifiedKey<rcgen::KeyPair>| (one.cert.pem(), one.signing_key.serialize_pem());
    let (of_north, of_south) = (pem(&north), pem(&south));
    let spec = certified((&of_north.0, &of_north.1), (&of_south.0, &of_south.1));
    let http = Http { pool: Pool::default(), tls: Tls::new(config).with_certificates(&spec).unwrap() };
    let host = format!("localhost:{}", url.port().unwrap());
    let bounds = Bounds { timeout: std::time::Duration::from_secs(5), body: 4096 };
    let who = |tenant: usize| spec.caller(spec.tenant_ixs().nth(tenant).unwrap()).unwrap();
    for (who, reuse, shown) in [
        (Some(who(0)), Reuse::Of(who(0)), north.cert.der().to_vec()),
        (Some(who(1)), Reuse::Of(who(1)), south.cert.der().to_vec()),
        (None, Reuse::OfAnonymous, b"ok".to_vec()),
        (Some(who(0)), Reuse::Never, north.cert.der().to_vec()),
    ] {
        let asked = Outgoing { certificate: who, reuse, ..get(&url, "/", &host) };
        let answered = http.exchange(&asked, bounds).await.ok().unwrap();
        assert_eq!(answered.body, shown, "{who:?}");
    }
}

#[test]
fn a_certificate_without_its_key_is_told_by_whose_it_is_and_shows_no_secret() {
    let made = || rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
    let (north, other) = (made(), made());
    let (chain, key) = (north.cert.pem(), north.signing_key.serialize_pem());
    for (wrong, says) in [("hush", "no private key in PEM"), (&other.signing_key.serialize_pem(), "does not fit")] {
        let error = Http::of(&certified((&chain, &key), (&chain, wrong))).err().unwrap().to_string();
        assert!(error.contains("south/p") && error.contains(says) && !error.contains("hush"), "{error}");
    }
}
