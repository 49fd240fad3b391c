//! The catalogue is sound in itself, and every fault in it is shown by a test.

use std::collections::BTreeSet;

use watertight_faults::{ALL, by_name};

use crate::{data, forged, issuers, tenants};

/// Ids of the checks that catch the faults of another implementation as well: each must have a fault here.
const CHECKS: &[&str] = &[
    "token.issuer",
    "token.audience-wildcard",
    "token.audience-unlisted",
    "token.tenant-claim",
    "token.scope-drift",
    "token.scope-escalation",
    "token.lifetime",
    "token.shared-secret",
    "token.signature",
    "token.whoami",
    "token.client-with-foreign-secret",
    "token.forged-none",
    "token.forged-hmac",
    "token.altered-claim",
    "token.empty-signature",
    "token.unknown-kid",
    "token.embedded-key",
    "token.key-url",
    "token.unknown-crit",
    "token.expired",
    "token.foreign-audience",
    "token.foreign-issuer",
    "api.swap-path-tenant",
    "api.swap-item",
    "api.list-own",
    "api.search-own",
    "api.count-own",
    "api.body-tenant-create",
    "api.body-tenant-update",
    "api.header-tenant",
    "api.query-tenant",
    "api.no-tenant",
    "api.unknown-tenant",
    "api.path-spelling",
    "api.change-own",
    "api.child-of-foreign-parent",
    "api.own-view",
    "cache.cross-tenant-hit",
    "oracle.existence",
    "oracle.name-taken",
    "life.access-ends",
];

#[test]
fn every_fault_is_shown_by_a_test_and_found_by_its_name() {
    let shown = [tenants::SYMPTOMS, data::SYMPTOMS, forged::SYMPTOMS, issuers::SYMPTOMS];
    let shown: BTreeSet<&str> = shown.into_iter().flatten().map(|(name, _)| *name).collect();
    let named: BTreeSet<&str> = ALL.iter().map(|fault| fault.name).collect();
    assert_eq!(shown, named);
    assert_eq!(named.len(), ALL.len(), "a name occurs twice");
    assert!(named.iter().all(|name| by_name(name).is_some_and(|fault| fault.name == *name)));
    assert!(by_name("none-such").is_none());
}

#[test]
fn every_fault_names_one_to_three_checks_and_its_operations() {
    for fault in ALL.iter() {
        assert!((1..=3).contains(&fault.caught_by.len()), "{fault:?}");
        assert!(!fault.operations.is_empty() && !fault.summary.is_empty() && !fault.origin.is_empty(), "{fault:?}");
        let ids: Vec<&&str> = fault.caught_by.iter().chain(fault.consequences).collect();
        assert!(ids.iter().all(|id| CHECKS.contains(id)), "{fault:?} names a check that does not exist");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{fault:?} names a check twice");
        let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(fault.name.chars().all(is_kebab), "{fault:?}");
    }
}

#[test]
fn every_check_is_tripped_by_a_fault() {
    let tripped: BTreeSet<&str> = ALL.iter().flat_map(|fault| fault.caught_by).copied().collect();
    let idle: Vec<&&str> = CHECKS.iter().filter(|id| !tripped.contains(**id)).collect();
    assert!(idle.is_empty(), "no fault is caught by {idle:?}");
}

#[test]
fn an_operation_is_the_faults_by_its_label_or_by_its_beginning() {
    let at_token = by_name("token-lives-a-month").unwrap();
    assert!(at_token.is_at("token agency-north/service"));
    assert!(!at_token.is_at("GET /me/cases"));
    let at_delete = by_name("record-deleted-by-id-alone").unwrap();
    assert!(at_delete.is_at("DELETE /tenants/{tenant}/cases/{case}"));
    assert!(!at_delete.is_at("DELETE /tenants/{tenant}/cases/{case}/tasks/{task}"));
}
