//! Connections that are kept alive, each for one credential at one origin.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::{Outgoing, Reuse};

/// Idle connections kept for one credential at one origin.
const MOST_IDLE: usize = 64;
/// How long an idle connection is trusted for a request that may be sent again.
const IDLE_FOR_READS: Duration = Duration::from_secs(30);
/// For one that may not: a server that closes a connection does so when it has been idle for a while.
const IDLE_FOR_WRITES: Duration = Duration::from_millis(500);

/// What may share a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) scheme: String,
    pub(super) host: String,
    pub(super) port: u16,
    reuse: Reuse,
    /// A request whose `host` is another than the origin's can't be told in HTTP/2.
    pub(super) protocol: Protocol,
}

/// What is offered to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Protocol {
    /// HTTP/2 where it is spoken, else HTTP/1.1.
    Any,
    /// HTTP/1.1, as written.
    Http1,
}

impl Key {
    pub(super) fn of(out: &Outgoing) -> Self {
        let host = out.origin.host_str().unwrap_or_default();
        let authority = out.origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut hosts = out.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host"));
        let is_usual = hosts.next().is_some_and(|(_, value)| *value == authority) && hosts.next().is_none();
        let is_plain_path = out.target.starts_with('/') && !out.target.starts_with("//");
        Self {
            scheme: out.origin.scheme().to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            port: out.origin.port_or_known_default().unwrap_or(80),
            reuse: out.reuse,
            protocol: if is_usual && is_plain_path { Protocol::Any } else { Protocol::Http1 },
        }
    }
}

/// Idle connections.
#[derive(Default)]
pub(super) struct Pool {
    idle: RefCell<HashMap<Key, Vec<(Instant, Connection)>>>,
}

impl Pool {
    /// A connection that has not been idle for too long.
    pub(super) fn take(&self, key: &Key, reads: bool) -> Option<Connection> {
        let most = if reads { IDLE_FOR_READS } else { IDLE_FOR_WRITES };
        let mut idle = self.idle.borrow_mut();
        let kept = idle.get_mut(key)?;
        if let Some(shared) = kept.iter().find_map(|(_, connection)| connection.shared()) {
            return Some(shared);
        }
        while let Some((since, connection)) = kept.pop() {
            if since.elapsed() <= most && connection.is_open() {
                return Some(connection);
            }
        }
        None
    }

    /// For the next request of the same kind, if the connection is still open.
    pub(super) fn keep(&self, key: Key, connection: Connection) {
        if key.reuse == Reuse::Never || !connection.is_open() {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        let kept = idle.entry(key).or_default();
        let is_shared = connection.shared().is_some();
        if kept.len() < MOST_IDLE && (!is_shared || kept.is_empty()) {
            kept.push((Instant::now(), connection));
        }
    }
}
