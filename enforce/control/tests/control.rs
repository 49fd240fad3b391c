//! The register of tenants, asked as the chain of types asks it.

#![expect(clippy::unwrap_used, reason = "what the helpers cannot set up fails the test")]

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;
use watertight_control::{ControlError, ControlStore, IssuerRegistration};
use watertight_core::{Directory, Standing};
use watertight_model::{ClientId, Issuer, Role, Subject, TenantId, TenantStatus};

const ISSUER: &str = "https://issuer.example";

struct Register {
    store: ControlStore,
    dir: TempDir,
}

/// North and south with one issuer, registered for each; the same client and the same subject in both.
async fn register() -> Register {
    let dir = tempfile::tempdir().unwrap();
    let store = ControlStore::open_file(&dir.path().join("control.db")).await.unwrap();
    for name in ["agency-north", "agency-south"] {
        store.add_tenant(&tenant(name), name, TenantStatus::Active).await.unwrap();
        store.register_issuer(&registration(name)).await.unwrap();
        store.add_member(&tenant(name), &issuer(), &subject("clerk"), &roles(&["clerk"])).await.unwrap();
    }
    Register { store, dir }
}

fn registration(name: &str) -> IssuerRegistration {
    IssuerRegistration {
        tenant: tenant(name),
        issuer: issuer(),
        jwks_url: format!("{ISSUER}/jwks.json"),
        algorithms: BTreeSet::from(["ES256".to_owned(), "RS256".to_owned()]),
        token_type: "at+jwt".to_owned(),
        audiences: BTreeSet::from(["casework".parse().unwrap()]),
        clients: BTreeSet::from([client("portal")]),
        tenant_claim: "tenant_id".to_owned(),
        leeway: Duration::from_secs(30),
    }
}

fn tenant(text: &str) -> TenantId {
    text.parse().unwrap()
}

fn issuer() -> Issuer {
    ISSUER.parse().unwrap()
}

fn client(text: &str) -> ClientId {
    text.parse().unwrap()
}

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

fn roles(texts: &[&str]) -> BTreeSet<Role> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn every_change_of_status_is_visible_at_once_and_to_one_tenant_alone() {
    let register = register().await;
    let (north, south) = (tenant("agency-north"), tenant("agency-south"));
    for &status in TenantStatus::ALL {
        register.store.set_status(&north, status).await.unwrap();
        assert_eq!(register.store.tenant(&north).await.unwrap().unwrap().status, status);
        assert_eq!(register.store.tenant(&south).await.unwrap().unwrap().status, TenantStatus::Active);
    }
}

#[tokio::test]
async fn tenants_are_unknown_until_they_are_registered() {
    let register = register().await;
    let west = tenant("agency-west");
    assert_eq!(register.store.tenant(&west).await.unwrap(), None);
    let refused = register.store.set_status(&west, TenantStatus::Active).await.unwrap_err();
    assert!(matches!(refused, ControlError::Unknown { what: "tenant", .. }), "{refused:?}");
    let names: Vec<TenantId> = register.store.tenants().await.unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!(names, [tenant("agency-north"), tenant("agency-south")]);
}

#[tokio::test]
async fn ids_that_differ_in_case_are_one_tenant_and_the_second_is_refused() {
    let register = register().await;
    for spelling in ["Agency-North", "AGENCY-NORTH", "agency-north"] {
        let refused = register.store.add_tenant(&tenant(spelling), "Another", TenantStatus::Active).await.unwrap_err();
        assert!(matches!(refused, ControlError::Taken { what: "tenant", .. }), "{refused:?}");
        assert_eq!(register.store.tenant(&tenant(spelling)).await.unwrap().unwrap().display_name, "agency-north");
    }
}

#[tokio::test]
async fn a_row_written_past_the_types_in_capitals_is_refused_by_the_database() {
    let register = register().await;
    let engine = SqlitePool::connect_with(SqliteConnectOptions::new().filename(register.dir.path().join("control.db")));
    let insert = "INSERT INTO tenants (tenant_id, status, display_name) VALUES ('Agency-North', 'active', 'x')";
    let refused = sqlx::query(insert).execute(&engine.await.unwrap()).await.unwrap_err();
    assert!(refused.as_database_error().unwrap().is_check_violation());
}

#[tokio::test]
async fn a_deleted_tenant_stays_deleted_and_its_name_taken() {
    let register = register().await;
    let north = tenant("agency-north");
    register.store.set_status(&north, TenantStatus::Deleted).await.unwrap();
    for &status in TenantStatus::ALL {
        let refused = register.store.set_status(&north, status).await.unwrap_err();
        assert!(matches!(refused, ControlError::Deleted { .. }), "{refused:?}");
    }
    let refused = register.store.add_tenant(&north, "Heir", TenantStatus::Active).await.unwrap_err();
    assert!(matches!(refused, ControlError::Taken { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_client_belongs_to_the_tenant_that_registered_it() {
    let register = register().await;
    let (north, south) = (tenant("agency-north"), tenant("agency-south"));
    register.store.add_client(&north, &issuer(), &client("norths-job")).await.unwrap();
    let found = register.store.client(&north, &client("norths-job")).await.unwrap().unwrap();
    assert_eq!((found.tenant, found.id, found.active), (north, client("norths-job"), Standing::Active));
    assert_eq!(register.store.client(&south, &client("norths-job")).await.unwrap(), None);
    assert_eq!(register.store.client(&south, &client("PORTAL")).await.unwrap(), None, "exact, not similar");
}

#[tokio::test]
async fn an_inactive_client_is_inactive_at_once_in_its_tenant_alone() {
    let register = register().await;
    let (north, south) = (tenant("agency-north"), tenant("agency-south"));
    for standing in [Standing::Inactive, Standing::Active, Standing::Inactive] {
        register.store.set_client_standing(&north, &client("portal"), standing).await.unwrap();
        assert_eq!(register.store.client(&north, &client("portal")).await.unwrap().unwrap().active, standing);
        assert_eq!(register.store.client(&south, &client("portal")).await.unwrap().unwrap().active, Standing::Active);
    }
    let refused = register.store.set_client_standing(&north, &client("nobody"), Standing::Inactive).await.unwrap_err();
    assert!(matches!(refused, ControlError::Unknown { what: "client", .. }), "{refused:?}");
}

#[tokio::test]
async fn an_inactive_member_is_inactive_at_once_in_its_tenant_alone() {
    let register = register().await;
    let (north, south) = (tenant("agency-north"), tenant("agency-south"));
    register.store.set_member_standing(&north, &issuer(), &subject("clerk"), Standing::Inactive).await.unwrap();
    let norths = register.store.membership(&north, &issuer(), &subject("clerk")).await.unwrap().unwrap();
    assert_eq!((norths.standing, norths.version), (Standing::Inactive, 2));
    let souths = register.store.membership(&south, &issuer(), &subject("clerk")).await.unwrap().unwrap();
    assert_eq!((souths.standing, souths.version), (Standing::Active, 1));
}

#[tokio::test]
async fn a_change_of_roles_replaces_them_at_once_and_counts_the_version_up() {
    let register = register().await;
    let north = tenant("agency-north");
    for (version, now) in [(2, roles(&["auditor", "lead"])), (3, roles(&[])), (4, roles(&["clerk"]))] {
        register.store.set_member_roles(&north, &issuer(), &subject("clerk"), &now).await.unwrap();
        let found = register.store.membership(&north, &issuer(), &subject("clerk")).await.unwrap().unwrap();
        assert_eq!((found.version, found.roles), (version, now));
    }
    let souths =
        register.store.membership(&tenant("agency-south"), &issuer(), &subject("clerk")).await.unwrap().unwrap();
    assert_eq!(souths.roles, roles(&["clerk"]));
}

#[tokio::test]
async fn a_subject_of_another_issuer_is_another_subject() {
    let register = register().await;
    let (north, other) = (tenant("agency-north"), "https://other.example".parse().unwrap());
    assert_eq!(register.store.membership(&north, &other, &subject("clerk")).await.unwrap(), None);
    let slash: Issuer = format!("{ISSUER}/").parse().unwrap();
    assert_eq!(register.store.membership(&north, &slash, &subject("clerk")).await.unwrap(), None);
    for refused in [
        register.store.add_member(&north, &other, &subject("clerk"), &roles(&[])).await.unwrap_err(),
        register.store.add_client(&north, &other, &client("portal-two")).await.unwrap_err(),
    ] {
        assert!(matches!(refused, ControlError::Unknown { what: "issuer", .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn nobody_is_registered_twice() {
    let register = register().await;
    let north = tenant("agency-north");
    for refused in [
        register.store.register_issuer(&registration("agency-north")).await.unwrap_err(),
        register.store.add_client(&north, &issuer(), &client("portal")).await.unwrap_err(),
        register.store.add_member(&north, &issuer(), &subject("clerk"), &roles(&["admin"])).await.unwrap_err(),
    ] {
        assert!(matches!(refused, ControlError::Taken { .. }), "{refused:?}");
    }
    let found = register.store.membership(&north, &issuer(), &subject("clerk")).await.unwrap().unwrap();
    assert_eq!(found.roles, roles(&["clerk"]), "a refused registration grants nothing");
}

#[tokio::test]
async fn registrations_read_as_they_were_written() {
    let register = register().await;
    let all = [registration("agency-north"), registration("agency-south")];
    assert_eq!(register.store.issuers().await.unwrap(), all);
}

#[tokio::test]
async fn a_registration_that_would_accept_anything_or_nothing_is_refused_whole() {
    let register = register().await;
    register.store.add_tenant(&tenant("agency-west"), "West", TenantStatus::Active).await.unwrap();
    let sound = registration("agency-west");
    for (field, entry) in [
        ("audiences", IssuerRegistration { audiences: BTreeSet::new(), ..sound.clone() }),
        ("algorithms", IssuerRegistration { algorithms: BTreeSet::new(), ..sound.clone() }),
        ("jwks_url", IssuerRegistration { jwks_url: String::new(), ..sound.clone() }),
        ("token_type", IssuerRegistration { token_type: "\n".to_owned(), ..sound.clone() }),
    ] {
        let refused = register.store.register_issuer(&entry).await.unwrap_err();
        assert!(matches!(refused, ControlError::Field { field: found, .. } if found == field), "{refused:?}");
    }
    let nowhere = register.store.register_issuer(&registration("agency-nowhere")).await.unwrap_err();
    assert!(matches!(nowhere, ControlError::Unknown { what: "tenant", .. }), "{nowhere:?}");
    assert_eq!(register.store.issuers().await.unwrap().len(), 2);
    register.store.register_issuer(&sound).await.unwrap();
}

#[tokio::test]
async fn sql_in_names_stays_text() {
    let register = register().await;
    let north = tenant("agency-north");
    let hostile = "x' OR '1'='1'; DROP TABLE members; --";
    assert_eq!(register.store.client(&north, &client(hostile)).await.unwrap(), None);
    assert_eq!(register.store.membership(&north, &issuer(), &subject(hostile)).await.unwrap(), None);
    register.store.add_member(&north, &issuer(), &subject(hostile), &roles(&[])).await.unwrap();
    assert!(register.store.membership(&north, &issuer(), &subject(hostile)).await.unwrap().is_some());
    assert!(register.store.membership(&north, &issuer(), &subject("clerk")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_book_that_cannot_be_read_is_unavailable_and_never_empty() {
    let register = register().await;
    let north = tenant("agency-north");
    let engine = SqlitePool::connect_with(SqliteConnectOptions::new().filename(register.dir.path().join("control.db")));
    let unknown = "UPDATE tenants SET status = 'thriving' WHERE tenant_id = 'agency-north'";
    sqlx::query(unknown).execute(&engine.await.unwrap()).await.unwrap();
    assert!(register.store.tenant(&north).await.is_err(), "an unknown status is no status");

    register.store.close().await;
    assert!(register.store.tenant(&tenant("agency-south")).await.is_err());
    assert!(register.store.client(&north, &client("portal")).await.is_err());
    assert!(register.store.membership(&north, &issuer(), &subject("clerk")).await.is_err());
}

#[tokio::test]
async fn a_database_without_foreign_keys_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        SqliteConnectOptions::new().filename(dir.path().join("c.db")).create_if_missing(true).foreign_keys(false);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    assert!(matches!(ControlStore::open(&pool).await, Err(ControlError::ForeignKeysOff)));
}
