//! One connection: how it is made, and one exchange over it.

use std::collections::HashMap;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use watertight_spec::{Address, Spec, Who};

use super::certificate::{CertificateError, resolver};
use super::decode::decode;
use super::pool::{Key, Protocol};
use super::{Answered, Bounds, Came, Config, HttpError, MAX_HEADER_BYTES, MAX_HEADERS, Outgoing, Written};
use crate::log::Failure;

/// How TLS is spoken, as far as it can be.
pub(super) struct Tls {
    configs: Result<Configs, String>,
    /// Of those who show a certificate.
    certified: HashMap<Who, Configs>,
    /// Where the hosts and ports are that no resolver is asked for.
    found: HashMap<(String, u16), Address>,
}

struct Configs {
    any: Config,
    http1: Config,
}

impl Configs {
    fn of(config: &rustls::ClientConfig) -> Self {
        let with = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            Arc::new(config)
        };
        Self { any: with(&[b"h2", b"http/1.1"]), http1: with(&[b"http/1.1"]) }
    }
}

impl Tls {
    /// With the machine's own trusted roots.
    pub(super) fn of_machine() -> Self {
        match rustls::ClientConfig::with_platform_verifier() {
            Ok(config) => Self::new(config),
            Err(error) => Self {
                configs: Err(format!("no trusted roots: {error}")),
                certified: HashMap::new(),
                found: HashMap::new(),
            },
        }
    }

    pub(super) fn new(config: rustls::ClientConfig) -> Self {
        Self { configs: Ok(Configs::of(&config)), certified: HashMap::new(), found: HashMap::new() }
    }

    /// With the certificates of a spec's principals.
    ///
    /// # Errors
    /// One of them, or its key, can't be used.
    pub(super) fn with_certificates(mut self, spec: &Spec) -> Result<Self, CertificateError> {
        for (who, principal) in spec.tenant_ixs().flat_map(|tenant| spec.principals(tenant)) {
            let Some(certificate) = &principal.certificate else { continue };
            let whose = || spec.name_of(who);
            let shown = resolver(certificate).map_err(|why| CertificateError { whose: whose(), why })?;
            let Ok(Configs { any, .. }) = &self.configs else { continue };
            let mut config = rustls::ClientConfig::clone(any);
            config.client_auth_cert_resolver = shown;
            // A session that goes on shows no certificate again.
            config.resumption = Resumption::disabled();
            self.certified.insert(who, Configs::of(&config));
        }
        Ok(self)
    }

    /// With these hosts and ports found at other addresses.
    pub(super) fn finding(self, found: HashMap<(String, u16), Address>) -> Self {
        Self { found, ..self }
    }

    /// A new connection.
    pub(super) async fn connect(&self, out: &Outgoing, key: &Key) -> Result<Connection, HttpError> {
        let Key { host, port, protocol, .. } = key;
        let stream = match self.found.get(&(host.clone(), *port)) {
            Some(Address { host, port }) => TcpStream::connect((host.as_str(), *port)).await,
            None => TcpStream::connect((resolved(host), *port)).await,
        };
        let stream = stream.map_err(|error| (Failure::Connect, format!("can't connect to {host}:{port}: {error}")))?;
        let _ = stream.set_nodelay(true);
        if out.origin.scheme() != "https" {
            return http1(stream).await;
        }
        let configs = match out.certificate.and_then(|who| self.certified.get(&who)) {
            Some(certified) => certified,
            None => self.configs.as_ref().map_err(|why| (Failure::Connect, why.clone()))?,
        };
        let config = match protocol {
            Protocol::Any => &configs.any,
            Protocol::Http1 => &configs.http1,
        };
        let name = ServerName::try_from(host.clone())
            .map_err(|_| (Failure::Connect, format!("{host} is no name that a certificate could have")))?;
        let stream = TlsConnector::from(Arc::clone(config))
            .connect(name, stream)
            .await
            .map_err(|error| (Failure::Connect, format!("no TLS with {host}:{port}: {error}")))?;
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => http2(stream).await,
            _ => http1(stream).await,
        }
    }
}

/// What is asked of the resolver: names below `localhost` are this machine, whether it knows them or not (RFC 6761 6.3).
fn resolved(host: &str) -> &str {
    if host.ends_with(".localhost") { "localhost" } else { host }
}

async fn http1<S>(stream: S) -> Result<Connection, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // It ends with its sender.
    tokio::spawn(connection);
    Ok(Connection::Http1(sender))
}

async fn http2<S>(stream: S) -> Result<Connection, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let most = u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX);
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(most)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    tokio::spawn(connection);
    Ok(Connection::Http2(sender))
}

/// A connection that is open, or was when it was last used.
pub(super) enum Connection {
    Http1(hyper::client::conn::http1::SendRequest<http_body_util::Full<hyper::body::Bytes>>),
    Http2(hyper::client::conn::http2::SendRequest<http_body_util::Full<hyper::body::Bytes>>),
}

/// An exchange that came to nothing, and how far it got.
pub(super) struct Lost {
    /// Whether any of it may have reached the target.
    pub(super) was_sent: bool,
    /// Whether the target has begun to answer.
    pub(super) was_answered: bool,
    pub(super) error: HttpError,
}

impl Connection {
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Http1(sender) => !sender.is_closed(),
            Self::Http2(sender) => !sender.is_closed(),
        }
    }

    /// The same connection for another request at the same time, if it can carry several.
    pub(super) fn shared(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(sender) => (!sender.is_closed()).then(|| Self::Http2(sender.clone())),
        }
    }

    pub(super) async fn exchange(&mut self, request: Written, bounds: Bounds, came: &Came) -> Result<Answered, Lost> {
        let unsent = |error: hyper::Error| Lost { was_sent: false, was_answered: false, error: broken(error) };
        let response = match self {
            Self::Http1(sender) => {
                sender.ready().await.map_err(unsent)?;
                sender.try_send_request(request).await
            }
            Self::Http2(sender) => {
                sender.ready().await.map_err(unsent)?;
                sender.try_send_request(absolute(request)).await
            }
        };
        let response = response.map_err(|mut failed| Lost {
            was_sent: failed.take_message().is_none(),
            was_answered: false,
            error: broken(failed.into_error()),
        })?;
        answered(response, bounds, came).await.map_err(|error| Lost { was_sent: true, was_answered: true, error })
    }
}

/// HTTP/2 has the host in the address, and no header for it (RFC 9113 8.3.1).
fn absolute(mut request: Written) -> Written {
    let host = request.headers_mut().remove(http::header::HOST);
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(http::uri::Scheme::HTTPS);
    parts.authority = host.and_then(|host| http::uri::Authority::try_from(host.as_bytes()).ok());
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

async fn answered(response: http::Response<Incoming>, bounds: Bounds, came: &Came) -> Result<Answered, HttpError> {
    let (parts, body) = response.into_parts();
    // hyper bounds its buffer, which is not quite the same.
    let size: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MAX_HEADER_BYTES {
        return Err((Failure::TooLarge, format!("the answer's headers go beyond {MAX_HEADER_BYTES} bytes")));
    }
    let status = parts.status.as_u16();
    let headers: Vec<_> =
        parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    came.replace(Some(Answered { status, headers, body: Vec::new() }));
    collect(body, bounds.body, came).await?;
    let whole = came.take().ok_or_else(|| (Failure::Protocol, "no answer".to_owned()))?;
    let body = decode(&whole.headers, whole.body, bounds.body)?;
    Ok(Answered { body, ..whole })
}

/// Into what has come so far.
async fn collect(mut body: Incoming, limit: usize, came: &Came) -> Result<(), HttpError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| (Failure::Protocol, format!("the answer broke off: {error}")))?;
        if let (Some(data), Some(answered)) = (frame.data_ref(), came.borrow_mut().as_mut()) {
            let may_come = limit.saturating_sub(answered.body.len());
            answered.body.extend_from_slice(data.get(..may_come).unwrap_or(data));
            if data.len() > may_come {
                return Err((Failure::TooLarge, format!("the answer's body goes beyond {limit} bytes")));
            }
        }
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn broken(error: hyper::Error) -> HttpError {
    if error.is_parse_too_large() {
        (Failure::TooLarge, format!("the answer's headers go beyond {MAX_HEADER_BYTES} bytes"))
    } else {
        (Failure::Protocol, format!("no HTTP answer: {error}"))
    }
}
