//! HTTP, with a bound on everything.
//!
//! hyper's low-level connections write the request as it is given: no normalised paths, no merged or dropped headers, no
//! redirects. Connections are kept alive for one credential at a time ([`Reuse`]): nothing is shared between principals, nor
//! between a principal's own token and one that was forged from it. What comes back is hostile until it has been counted.

mod certificate;
mod connection;
mod decode;
mod pool;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::Full;
use hyper::body::Bytes;
use url::Url;
use watertight_spec::{Spec, Who};

use crate::log::Failure;
pub(crate) use certificate::CertificateError;
use connection::{Lost, Tls};
use pool::Pool;

/// Bytes of response headers accepted.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Response headers accepted.
const MAX_HEADERS: usize = 200;

/// What is sent.
pub(crate) struct Outgoing {
    pub(crate) origin: Url,
    pub(crate) method: String,
    /// Path and query, as they are written.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    /// Over whose connection it may be sent.
    pub(crate) reuse: Reuse,
    /// Whose certificate is shown, where that principal has one.
    pub(crate) certificate: Option<Who>,
}

/// Over whose connections a request may be sent: a target may keep what it knows of a credential with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reuse {
    /// Those of requests without a credential.
    OfAnonymous,
    /// Those of a principal's own credential.
    Of(Who),
    /// One of its own: it carries a particular token, or a forged one.
    Never,
}

/// What came back, decoded.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Why nothing came back that could be judged.
pub(crate) type HttpError = (Failure, String);

/// An exchange that came to no complete answer.
pub(crate) struct Unfinished {
    pub(crate) error: HttpError,
    /// What there is of an answer, within the bounds: its body as far as it came, as it was sent.
    pub(crate) came: Option<Answered>,
}

impl From<HttpError> for Unfinished {
    /// Where nothing came.
    fn from(error: HttpError) -> Self {
        Self { error, came: None }
    }
}

/// What has come so far.
type Came = RefCell<Option<Answered>>;

/// Bounds of one exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) timeout: Duration,
    pub(crate) body: usize,
}

/// The connections of a run.
pub(crate) struct Http {
    pool: Pool,
    tls: Tls,
}

impl Http {
    /// With the machine's own trusted roots, to where the spec says that its target is, and with its certificates.
    ///
    /// # Errors
    /// A certificate or its key can't be used.
    pub(crate) fn of(spec: &Spec) -> Result<Self, CertificateError> {
        let urls = spec.target.url.iter().chain(spec.tenants.iter().map(|tenant| &tenant.url));
        let named = urls.filter_map(|url| {
            Some((url.host_str()?.trim_matches(['[', ']']).to_owned(), url.port_or_known_default()?))
        });
        let found =
            spec.target.address.iter().flat_map(|address| named.clone().map(move |name| (name, address.clone())));
        let tls = Tls::of_machine().finding(found.collect()).with_certificates(spec)?;
        Ok(Self { pool: Pool::default(), tls })
    }

    /// With another configuration of TLS.
    #[cfg(test)]
    pub(crate) fn with(config: rustls::ClientConfig) -> Self {
        Self { pool: Pool::default(), tls: Tls::new(config) }
    }

    /// Sends, and reads the whole answer within the bounds.
    pub(crate) async fn exchange(&self, out: &Outgoing, bounds: Bounds) -> Result<Answered, Unfinished> {
        let came = Came::default();
        let error = match tokio::time::timeout(bounds.timeout, self.unbounded(out, bounds, &came)).await {
            Ok(Ok(answered)) => return Ok(answered),
            Ok(Err(error)) => error,
            Err(_) => (Failure::Timeout, format!("no complete answer within {:?}", bounds.timeout)),
        };
        Err(Unfinished { error, came: came.into_inner() })
    }

    /// Over a connection that is kept alive, if there is one, else over a new one. No write is ever sent twice: what may
    /// have reached the target on a connection that died is sent again only if it reads.
    async fn unbounded(&self, out: &Outgoing, bounds: Bounds, came: &Came) -> Result<Answered, HttpError> {
        let request = build(out)?;
        let reads = matches!(out.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        let key = pool::Key::of(out);
        if let Some(mut kept) = self.pool.take(&key, reads) {
            match kept.exchange(request.clone(), bounds, came).await {
                Ok(answered) => {
                    self.pool.keep(key, kept);
                    return Ok(answered);
                }
                Err(Lost { was_sent, was_answered, error }) if was_answered || (was_sent && !reads) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        let mut fresh = self.tls.connect(out, &key).await?;
        let answered = fresh.exchange(request, bounds, came).await.map_err(|lost| lost.error)?;
        self.pool.keep(key, fresh);
        Ok(answered)
    }
}

/// A request before it is known over what it will go.
type Written = http::Request<Full<Bytes>>;

fn build(out: &Outgoing) -> Result<Written, HttpError> {
    let refuse = |what: &str| (Failure::Refused, format!("{what} can't be sent over HTTP"));
    let mut headers = HeaderMap::new();
    for (name, value) in &out.headers {
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

/// Shared by all connections of a run.
type Config = Arc<rustls::ClientConfig>;

#[cfg(test)]
mod tests;
