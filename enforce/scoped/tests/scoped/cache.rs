//! The cache, with the same names in both tenants.

use std::time::Duration;

use watertight_core::TenantScope;
use watertight_model::OperationClass;
use watertight_scoped::cache::{CacheLimits, ScopedCache, TenantCacheKey, UnpaidScope};

use crate::db::World;
use crate::scope::scope;

fn cache() -> ScopedCache<String> {
    ScopedCache::new(CacheLimits { entries: 100, time_to_live: Duration::from_secs(600) })
}

/// A scope that has read its data and so owes nothing.
async fn paid(world: &World, tenant: &str) -> TenantScope {
    let scope = scope(tenant, OperationClass::Read).await;
    world.database.for_scope(&scope).rows(&crate::db::CASES).count().await.unwrap();
    scope
}

#[tokio::test]
async fn the_same_key_in_two_tenants_holds_two_values() {
    let world = World::new().await;
    let (north, south) = (paid(&world, "agency-north").await, paid(&world, "agency-south").await);
    let cache = cache();
    cache.put(&north, "case", "case-1", "north's".to_owned()).unwrap();
    assert_eq!(cache.get(&south, "case", "case-1"), None);

    cache.put(&south, "case", "case-1", "south's".to_owned()).unwrap();
    assert_eq!(cache.get(&north, "case", "case-1").as_deref(), Some("north's"));
    assert_eq!(cache.get(&south, "case", "case-1").as_deref(), Some("south's"));

    cache.evict(&south, "case", "case-1");
    assert_eq!(cache.get(&south, "case", "case-1"), None);
    assert_eq!(cache.get(&north, "case", "case-1").as_deref(), Some("north's"));
}

#[tokio::test]
async fn a_delimiter_in_a_key_does_not_reach_into_another_field() {
    let (plain, longer) = (scope("agency", OperationClass::Read).await, scope("agency-x", OperationClass::Read).await);
    let keys = [
        TenantCacheKey::new(&plain, "case", "x:1"),
        TenantCacheKey::new(&plain, "case:x", "1"),
        TenantCacheKey::new(&plain, "case", "x-case:1"),
        TenantCacheKey::new(&longer, "case", "1"),
        TenantCacheKey::new(&longer, "case", "x:1"),
    ];
    let distinct: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}

#[tokio::test]
async fn a_value_of_a_scope_that_read_nothing_is_refused() {
    let north = scope("agency-north", OperationClass::Read).await;
    let cache = cache();
    assert_eq!(cache.put(&north, "case", "case-1", "from elsewhere".to_owned()), Err(UnpaidScope));
    assert_eq!(cache.get(&north, "case", "case-1"), None);
}

#[tokio::test]
async fn a_hit_pays_the_owed_terms_and_a_miss_does_not() {
    let world = World::new().await;
    let cache = cache();
    cache.put(&paid(&world, "agency-north").await, "case", "case-1", "north's".to_owned()).unwrap();

    let next_request = scope("agency-north", OperationClass::Read).await;
    assert_eq!(cache.get(&next_request, "case", "case-2"), None);
    assert_eq!(next_request.ledger().owed().len(), 2);
    assert!(cache.get(&next_request, "case", "case-1").is_some());
    assert!(next_request.ledger().owed().is_empty());
}

#[tokio::test]
async fn what_was_waived_is_not_paid_and_what_may_not_read_misses() {
    let world = World::new().await;
    let cache = cache();
    cache.put(&paid(&world, "agency-north").await, "case", "case-1", "north's".to_owned()).unwrap();

    let waived = scope("agency-north", OperationClass::Read).await;
    waived.ledger().waive("holds no tenant data");
    assert_eq!(cache.put(&waived, "case", "case-2", "from elsewhere".to_owned()), Err(UnpaidScope));

    let login = scope("agency-north", OperationClass::Login).await;
    assert_eq!(cache.get(&login, "case", "case-1"), None);
    assert_eq!(login.ledger().owed().len(), 2);
}
