//! Whether a leak is the target's own or that of a cache before it.

use watertight_engine::call::{Caller, Request};
use watertight_engine::log::Exchange;
use watertight_engine::{Seen, Tape};

use crate::verdict::{Reason, Unproven};

/// What the attacker is shown by a request that no cache can have the answer to.
pub(crate) enum Fresh {
    /// The same.
    Same,
    /// Nothing of it.
    Nothing(Seen),
}

/// The attacker asks again with a parameter that no one has ever sent. Where not even the owner may send one, or it is no
/// `GET`, nothing is known of caches.
pub(crate) async fn asked_afresh(
    t: &Tape,
    by_attacker: &Request,
    by_owner: &Request,
    is_shown: impl Fn(&Exchange) -> bool,
) -> Fresh {
    if by_attacker.method != "GET" {
        return Fresh::Same;
    }
    if !t.send(with_fresh_parameter(t, by_owner).0).await.succeeded() {
        return Fresh::Same;
    }
    let seen = t.send(with_fresh_parameter(t, by_attacker).0).await;
    if is_shown(&seen) || !matches!(seen.status(), Some(200..=299 | 400..=428 | 430..=499)) {
        return Fresh::Same;
    }
    // What is shown now and then is no cache's: it has been shown, and that stands. A cache may have been emptied meanwhile, as
    // by another trial's write, and has it again once its owner has read it.
    for _ in 0..LOOKS {
        t.send(by_owner.clone()).await;
        if is_shown(&*t.send(by_attacker.clone()).await) {
            // Nor is it shown by chance alone.
            let again = t.send(with_fresh_parameter(t, by_attacker).0).await;
            return if is_shown(&again) { Fresh::Same } else { Fresh::Nothing(seen) };
        }
    }
    Fresh::Same
}

/// How often it is looked whether a cache has what its owner has just read.
const LOOKS: usize = 3;

/// What anyone is told, without any credential: by what no cache has, unless the target refuses a parameter that it does not
/// know.
pub(crate) async fn told_to_anyone(t: &Tape, asked: &Request) -> Seen {
    let by_anyone = Request { caller: Caller::Anonymous, ..asked.clone() };
    if asked.method == "GET" {
        let seen = t.send(with_fresh_parameter(t, &by_anyone).0).await;
        if !matches!(seen.status(), Some(400 | 404 | 422)) {
            return seen;
        }
    }
    t.send(by_anyone).await
}

/// The same request with a parameter that no one has ever sent, and the value of that.
pub(super) fn with_fresh_parameter(t: &Tape, request: &Request) -> (Request, String) {
    let value = t.unique();
    (with_parameter(request, &value), value)
}

/// The same request with a parameter of this value.
pub(super) fn with_parameter(request: &Request, value: &str) -> Request {
    let address = request.address.clone().query(&format!("_={value}"));
    request.clone().to(address).crossing()
}

/// A leak that is a cache's is for the check of caches to tell.
pub(crate) fn only_cached(seen: &Exchange) -> Unproven {
    let detail = "it is shown only where a cache may have it (see cache.cross-tenant-hit)";
    Unproven::shown(Reason::PlainRequestLeaks, detail, seen)
}
