//! One HTTP/1.1 exchange over a fresh connection, with a bound on everything.
//!
//! hyper's low-level connection writes the request as it is given: no normalised paths, no merged or dropped headers,
//! no redirects, no connection shared between tenants. What comes back is hostile until it has been counted.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::trace::Failure;

/// Bytes of response headers accepted.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Response headers accepted.
const MAX_HEADERS: usize = 200;

/// What is sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) origin: &'a Url,
    pub(crate) method: &'a str,
    /// Path and query, as they stand.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: Option<Vec<u8>>,
}

/// What came back, decoded.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Why nothing came back that could be judged.
pub(crate) type WireError = (Failure, String);

/// Bounds of one exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) timeout: Duration,
    pub(crate) body: usize,
}

/// The network, as far as TLS goes.
#[derive(Clone)]
pub(crate) struct Wire {
    tls: Result<TlsConnector, String>,
}

impl Wire {
    /// With the machine's own trusted roots.
    pub(crate) fn new() -> Self {
        let tls = rustls::ClientConfig::with_platform_verifier()
            .map(|config| TlsConnector::from(Arc::new(config)))
            .map_err(|error| format!("no trusted roots: {error}"));
        Self { tls }
    }

    /// Sends, and reads the whole answer within the bounds.
    pub(crate) async fn exchange(&self, out: Outgoing<'_>, bounds: Bounds) -> Result<Answered, WireError> {
        match tokio::time::timeout(bounds.timeout, self.unbounded(out, bounds)).await {
            Ok(result) => result,
            Err(_) => Err((Failure::Timeout, format!("no complete answer within {:?}", bounds.timeout))),
        }
    }

    async fn unbounded(&self, out: Outgoing<'_>, bounds: Bounds) -> Result<Answered, WireError> {
        let request = build(&out)?;
        let host = out.origin.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = out.origin.port_or_known_default().unwrap_or(80);
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(|error| (Failure::Connect, format!("can't connect to {host}:{port}: {error}")))?;
        let _ = stream.set_nodelay(true);
        if out.origin.scheme() == "https" {
            let tls = self.tls.as_ref().map_err(|why| (Failure::Connect, why.clone()))?;
            let name = ServerName::try_from(host.to_owned())
                .map_err(|_| (Failure::Connect, format!("{host} is no name that a certificate could have")))?;
            let stream = tls
                .connect(name, stream)
                .await
                .map_err(|error| (Failure::Connect, format!("no TLS with {host}:{port}: {error}")))?;
            talk(stream, request, bounds).await
        } else {
            talk(stream, request, bounds).await
        }
    }
}

fn build(out: &Outgoing<'_>) -> Result<http::Request<Full<Bytes>>, WireError> {
    let refuse = |what: &str| (Failure::Refused, format!("{what} can't be sent over HTTP/1.1"));
    let mut headers = HeaderMap::new();
    for (name, value) in out.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse("a header name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| refuse("a header value"))?;
        headers.append(name, value);
    }
    let method = Method::from_bytes(out.method.as_bytes()).map_err(|_| refuse("the method"))?;
    let target: Uri = out.target.parse().map_err(|_| refuse("the path"))?;
    let mut request = http::Request::new(Full::new(Bytes::from(out.body.clone().unwrap_or_default())));
    *request.method_mut() = method;
    *request.uri_mut() = target;
    *request.headers_mut() = headers;
    Ok(request)
}

async fn talk<S>(stream: S, request: http::Request<Full<Bytes>>, bounds: Bounds) -> Result<Answered, WireError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| {
        if error.is_parse_too_large() {
            (Failure::TooLarge, format!("the answer's headers go beyond {MAX_HEADER_BYTES} bytes"))
        } else {
            (Failure::Protocol, format!("no HTTP/1.1 answer: {error}"))
        }
    };
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // The connection ends with its sender; the task must not outlive this exchange.
    let driver = tokio::spawn(connection);
    let result = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let (parts, body) = response.into_parts();
        // hyper bounds its buffer, which is not quite the same.
        let size: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > MAX_HEADER_BYTES {
            return Err((Failure::TooLarge, format!("the answer's headers go beyond {MAX_HEADER_BYTES} bytes")));
        }
        let raw = collect(body, bounds.body).await?;
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
        let body = decode(&headers, raw, bounds.body)?;
        Ok(Answered { status: parts.status.as_u16(), headers, body })
    }
    .await;
    driver.abort();
    result
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| (Failure::Protocol, format!("the answer broke off: {error}")))?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > limit {
                return Err((Failure::TooLarge, format!("the answer's body goes beyond {limit} bytes")));
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

/// We ask for no encoding; a target that encodes all the same must not hide a marker in it.
fn decode(headers: &[(String, Vec<u8>)], raw: Vec<u8>, limit: usize) -> Result<Vec<u8>, WireError> {
    let encodings = headers.iter().filter(|(name, _)| name == "content-encoding");
    let named: Vec<String> = encodings
        .flat_map(|(_, value)| {
            String::from_utf8_lossy(value).split(',').map(|e| e.trim().to_lowercase()).collect::<Vec<_>>()
        })
        .filter(|e| !e.is_empty() && e != "identity")
        .collect();
    if named.len() > 3 {
        return Err((Failure::Protocol, "the answer is encoded more than three times over".into()));
    }
    named.iter().rev().try_fold(raw, |bytes, encoding| match encoding.as_str() {
        "gzip" | "x-gzip" => inflate(flate2::read::MultiGzDecoder::new(bytes.as_slice()), limit),
        "deflate" => inflate(flate2::read::ZlibDecoder::new(bytes.as_slice()), limit),
        other => Err((Failure::Protocol, format!("the answer is encoded as {other:?}, which was not asked for"))),
    })
}

fn inflate(decoder: impl Read, limit: usize) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .take(bound)
        .read_to_end(&mut bytes)
        .map_err(|error| (Failure::Protocol, format!("the answer does not decompress: {error}")))?;
    if bytes.len() > limit {
        return Err((Failure::TooLarge, format!("the answer decompresses to more than {limit} bytes")));
    }
    Ok(bytes)
}
