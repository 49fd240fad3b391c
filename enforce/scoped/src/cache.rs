//! A bounded cache whose key type carries the tenant.
//!
//! Keys are structs compared field by field. A joined string such as `tenant:key` lets a delimiter inside one part
//! reach into the other (CVE-2025-59936), and a key without the tenant answers one tenant with another's data.

use std::time::Duration;

use moka::sync::Cache;
use watertight_core::TenantScope;
use watertight_model::TenantId;

use crate::payment;

/// Where a cached value lives: tenant, kind of value, and the name within both. Equal only if all three are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantCacheKey {
    tenant: TenantId,
    namespace: &'static str,
    key: String,
}

impl TenantCacheKey {
    /// The key of `namespace` and `key` within the scope's tenant: there is no other way to name a tenant here.
    pub fn new(scope: &TenantScope, namespace: &'static str, key: &str) -> Self {
        Self { tenant: scope.tenant().clone(), namespace, key: key.to_owned() }
    }
}

/// How much a cache may hold, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Most entries held, over all tenants; the least useful are dropped first.
    pub entries: u64,
    /// How long an entry is answered after it was put.
    pub time_to_live: Duration,
}

/// A value was offered by a scope that has not read tenant data through this crate, so nothing vouches that the value
/// belongs to the tenant. Load the value through [`crate::db`] with the same scope, then put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cache refused a value: its scope has not read tenant data yet; load the value through the scope, then put it")]
pub struct UnpaidScope;

/// A cache shared by all tenants in which none can name another's entry.
#[derive(Clone, Debug)]
pub struct ScopedCache<V>
where
    V: Clone + Send + Sync + 'static,
{
    entries: Cache<TenantCacheKey, V>,
}

impl<V> ScopedCache<V>
where
    V: Clone + Send + Sync + 'static,
{
    /// An empty cache.
    pub fn new(limits: CacheLimits) -> Self {
        let entries = Cache::builder().max_capacity(limits.entries).time_to_live(limits.time_to_live).build();
        Self { entries }
    }

    /// The value that this tenant put, if it is still held. A hit pays the scope's owed terms, since only a scope that
    /// had paid its own could put; a miss pays nothing, since the data must still come from somewhere. A scope that
    /// may not read the tenant's data always misses.
    pub fn get(&self, scope: &TenantScope, namespace: &'static str, key: &str) -> Option<V> {
        if !scope.may_read() {
            return None;
        }
        let found = self.entries.get(&TenantCacheKey::new(scope, namespace, key))?;
        payment::pay(scope);
        Some(found)
    }

    /// Holds a value for this tenant.
    ///
    /// # Errors
    /// [`UnpaidScope`] if the scope still owes a term.
    pub fn put(&self, scope: &TenantScope, namespace: &'static str, key: &str, value: V) -> Result<(), UnpaidScope> {
        if !payment::is_paid(scope) {
            return Err(UnpaidScope);
        }
        self.entries.insert(TenantCacheKey::new(scope, namespace, key), value);
        Ok(())
    }

    /// Forgets this tenant's value, to be called whenever the data behind it changes. Another tenant's value under the
    /// same name stays.
    pub fn evict(&self, scope: &TenantScope, namespace: &'static str, key: &str) {
        self.entries.invalidate(&TenantCacheKey::new(scope, namespace, key));
    }
}
