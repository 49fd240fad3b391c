//! The key sets in use: fetched when needed, replaced whole, never older than allowed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;
use watertight_model::{Issuer, Kid, TenantId};

use crate::{
    algorithm::Algorithm,
    clock::{Clock, SystemClock},
    fetch::Fetcher,
    jwks::{KeySet, VerificationKey},
    registry::{IssuerEntry, JwksUrl},
};

/// How often and how long keys are fetched.
#[derive(Clone, Copy, Debug)]
pub struct KeyPolicy {
    /// After the start of a fetch, no other starts for the same tenant and issuer within this time, whatever the
    /// tokens say. Also how long a new key may take to be seen.
    pub refetch_window: Duration,
    /// Longest time of one fetch.
    pub timeout: Duration,
}

impl Default for KeyPolicy {
    /// A window of 10 seconds, a timeout of 5.
    fn default() -> Self {
        Self { refetch_window: Duration::from_secs(10), timeout: Duration::from_secs(5) }
    }
}

/// The HTTP client for key sets cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for key sets could not be set up: check the system's certificate store")]
pub struct KeySetsError(#[source] reqwest::Error);

/// Every key set in use, under its tenant, issuer and source.
///
/// Holds at most one set for each registered entry it was asked for; nothing in a token makes a new place.
pub struct KeySets {
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    window: Duration,
    slots: Mutex<HashMap<KeyOwner, Arc<Slot>>>,
}

/// Whose keys they are. A struct, so that no delimiter in a part can make two owners one (CVE-2025-59936). The source
/// belongs to it: keys of a URL that is no longer registered do not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct KeyOwner {
    tenant: TenantId,
    issuer: Issuer,
    source: JwksUrl,
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// The issuer's keys are known, and this is none of them.
    Unknown,
    /// The issuer's keys are not known, or too old to be used.
    Unavailable,
}

/// The place of one key set. The lock guards memory only; fetches run outside.
#[derive(Default)]
struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// When the last fetch started, whether it came back or not.
    attempted: Option<Duration>,
    /// Closed when the fetch under way has ended.
    flight: Option<watch::Receiver<()>>,
}

struct Held {
    keys: KeySet,
    /// When the fetch that brought the keys started: they were true then or later.
    since: Duration,
}

/// What one look into a slot says.
enum Look {
    Settled(Result<VerificationKey, NoKey>),
    Wait(watch::Receiver<()>),
}

impl KeySets {
    /// Key sets with the clocks of the operating system.
    ///
    /// # Errors
    /// [`KeySetsError`] when the HTTP client cannot be set up.
    pub fn new(policy: KeyPolicy) -> Result<Self, KeySetsError> {
        Self::with_clock(policy, Arc::new(SystemClock::new()))
    }

    /// Key sets whose ages are read from `clock`.
    ///
    /// # Errors
    /// [`KeySetsError`] when the HTTP client cannot be set up.
    pub fn with_clock(policy: KeyPolicy, clock: Arc<dyn Clock>) -> Result<Self, KeySetsError> {
        let fetcher = Fetcher::new(policy.timeout).map_err(KeySetsError)?;
        Ok(Self { fetcher, clock, window: policy.refetch_window, slots: Mutex::default() })
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The key that the issuer of `entry` calls `kid`, for `algorithm`. Waits for at most one fetch.
    pub(crate) async fn find(
        &self,
        entry: &IssuerEntry,
        kid: &Kid,
        algorithm: Algorithm,
    ) -> Result<VerificationKey, NoKey> {
        let owner =
            KeyOwner { tenant: entry.tenant.clone(), issuer: entry.issuer.clone(), source: entry.jwks_url.clone() };
        let slot = Arc::clone(locked(&self.slots).entry(owner.clone()).or_default());
        match self.look(&owner, &slot, entry.max_stale, kid, algorithm) {
            Look::Settled(answer) => answer,
            Look::Wait(mut flight) => {
                // Nothing is ever sent: the error says that the fetch has ended, in whatever way.
                let _ = flight.changed().await;
                slot.settled(self.clock.uptime(), entry.max_stale, kid, algorithm)
            }
        }
    }

    fn look(&self, owner: &KeyOwner, slot: &Arc<Slot>, max_stale: Duration, kid: &Kid, algorithm: Algorithm) -> Look {
        let now = self.clock.uptime();
        let settled = slot.settled(now, max_stale, kid, algorithm);
        let is_due = !slot.is_younger(now, max_stale / 2);
        match (settled, is_due) {
            (Ok(key), false) => Look::Settled(Ok(key)),
            (Ok(key), true) => {
                // Renewed in good time, without making anybody wait.
                let _ = self.flight(owner, slot, now);
                Look::Settled(Ok(key))
            }
            // No fetch may start now; one may have ended since the first look.
            (Err(_), _) => self
                .flight(owner, slot, now)
                .map_or_else(|| Look::Settled(slot.settled(now, max_stale, kid, algorithm)), Look::Wait),
        }
    }

    /// The fetch under way, or a new one when the window allows it.
    fn flight(&self, owner: &KeyOwner, slot: &Arc<Slot>, now: Duration) -> Option<watch::Receiver<()>> {
        let mut state = locked(&slot.0);
        if let Some(flight) = state.flight.as_ref().filter(|flight| flight.has_changed().is_ok()) {
            return Some(flight.clone());
        }
        if state.attempted.is_some_and(|attempted| now.saturating_sub(attempted) < self.window) {
            return None;
        }
        let (ended, flight) = watch::channel(());
        state.attempted = Some(now);
        state.flight = Some(flight.clone());
        drop(state);

        // A task of its own: a caller that goes away does not end the fetch that others wait for.
        let (fetcher, owner, slot) = (self.fetcher.clone(), owner.clone(), Arc::clone(slot));
        tokio::spawn(async move {
            match fetcher.fetch(&owner.source).await {
                Ok(keys) => locked(&slot.0).held = Some(Held { keys, since: now }),
                Err(error) => tracing::warn!(
                    tenant = owner.tenant.as_str(),
                    issuer = owner.issuer.as_str(),
                    error = &error as &dyn std::error::Error,
                    "a key set could not be fetched"
                ),
            }
            drop(ended);
        });
        Some(flight)
    }
}

impl Slot {
    fn settled(
        &self,
        now: Duration,
        max_stale: Duration,
        kid: &Kid,
        algorithm: Algorithm,
    ) -> Result<VerificationKey, NoKey> {
        let state = locked(&self.0);
        let held = state.held.as_ref().filter(|held| held.age(now) < max_stale).ok_or(NoKey::Unavailable)?;
        held.keys.find(kid, algorithm).ok_or(NoKey::Unknown)
    }

    fn is_younger(&self, now: Duration, age: Duration) -> bool {
        locked(&self.0).held.as_ref().is_some_and(|held| held.age(now) < age)
    }
}

impl Held {
    fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }
}

/// The state is whole after every statement, so that a panic elsewhere does not spoil it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
