//! The chain from end to end, with each answer of each port turned bad in its turn.

use watertight_core::{
    Assertions, BearerToken, ReasonCode, RoleTable, Standing, Term, TokenRejection, Unavailable, payment, status_allows,
};
use watertight_model::{AccessMode, AssertionSource, OperationClass, TenantStatus};

use crate::ports::{World, answered, candidate, clerks_read, enter, north, read_case, south, walk};

fn denied(change: impl FnOnce(&mut World)) -> ReasonCode {
    let mut world = World::sound();
    change(&mut world);
    let denial = enter(&world).unwrap_err();
    assert_eq!(denial.tenant(), Some(&north()), "the log says in which tenant it happened");
    denial.reason()
}

#[test]
fn a_sound_request_gets_a_scope_that_knows_who_acts_where() {
    let scope = enter(&World::sound()).unwrap();
    assert_eq!(scope.tenant(), &north());
    assert_eq!(scope.class(), OperationClass::Read);
    assert_eq!(scope.action().as_str(), "case.read");
    assert!(scope.may_read() && !scope.may_write());
    let who = scope.principal();
    assert_eq!(who.subject().as_str(), "ada");
    assert_eq!(who.issuer().as_str(), "https://idp.example");
    assert_eq!(who.client().as_str(), "north-app");
    assert_eq!(who.membership_version(), 7);
    assert_eq!(who.access_mode(), AccessMode::NormalUser);
    assert_eq!(who.tenant_source(), AssertionSource::Path);
}

#[test]
fn every_rejection_of_the_token_ends_the_chain() {
    for rejection in [TokenRejection::Signature, TokenRejection::Expired, TokenRejection::KeysUnavailable] {
        assert_eq!(denied(|world| world.token = Err(rejection)), ReasonCode::Token(rejection));
    }
}

#[test]
fn a_verified_claim_of_another_tenant_ends_the_chain_though_the_verifier_said_yes() {
    let reason = denied(|world| world.token.as_mut().unwrap().tenant_claim = Some(south()));
    assert_eq!(reason, ReasonCode::Token(TokenRejection::TenantClaim));
}

#[test]
fn a_claim_that_named_the_tenant_must_come_back_verified() {
    let reason = denied(|world| world.token.as_mut().unwrap().tenant_claim = None);
    assert_eq!(reason, ReasonCode::Token(TokenRejection::TenantClaim));
}

#[test]
fn a_token_without_tenant_claim_serves_where_the_path_names_the_tenant() {
    let mut world = World::sound();
    world.token.as_mut().unwrap().tenant_claim = None;
    let by_path = Assertions::new().assert(AssertionSource::Path, "agency-north").resolve().unwrap();
    assert!(walk(&world, by_path, OperationClass::Read, &read_case(), &clerks_read()).is_ok());
}

#[test]
fn unknown_tenant_client_and_member_are_denied() {
    assert_eq!(denied(|world| world.tenant = Ok(None)), ReasonCode::TenantUnknown);
    assert_eq!(denied(|world| world.client = Ok(None)), ReasonCode::ClientUnknown);
    assert_eq!(denied(|world| world.membership = Ok(None)), ReasonCode::NotMember);
}

#[test]
fn inactive_client_and_membership_are_denied() {
    let client = |world: &mut World| world.client.as_mut().unwrap().as_mut().unwrap().active = Standing::Inactive;
    assert_eq!(denied(client), ReasonCode::ClientInactive);
    let member = |world: &mut World| world.membership.as_mut().unwrap().as_mut().unwrap().standing = Standing::Inactive;
    assert_eq!(denied(member), ReasonCode::MembershipInactive);
}

/// Keycloak CVE-2026-94215: a cache below the port that forgets the tenant is caught by looking at what it answered.
#[test]
fn bug_27_a_record_of_another_tenant_is_refused_whatever_was_asked() {
    let foreign = ReasonCode::ForeignAnswer;
    assert_eq!(denied(|world| world.tenant.as_mut().unwrap().as_mut().unwrap().id = south()), foreign);
    assert_eq!(denied(|world| world.client.as_mut().unwrap().as_mut().unwrap().tenant = south()), foreign);
    let other_client = |world: &mut World| {
        world.client.as_mut().unwrap().as_mut().unwrap().id = "south-app".parse().unwrap();
    };
    assert_eq!(denied(other_client), foreign);
    assert_eq!(denied(|world| world.membership.as_mut().unwrap().as_mut().unwrap().tenant = south()), foreign);
}

#[test]
fn a_directory_that_cannot_tell_is_neither_a_yes_nor_a_no() {
    let down = || Unavailable("database is locked".to_owned());
    assert_eq!(denied(|world| world.tenant = Err(down())), ReasonCode::DirectoryUnavailable);
    assert_eq!(denied(|world| world.client = Err(down())), ReasonCode::DirectoryUnavailable);
    assert_eq!(denied(|world| world.membership = Err(down())), ReasonCode::DirectoryUnavailable);
}

/// Keycloak CVE-2026-1486, Zitadel GHSA-jj94-6f5c-65r8: however valid the token, the status as it is now decides, for
/// every status and class.
#[test]
fn bug_25_26_every_status_and_class_is_checked_on_the_way() {
    for &status in TenantStatus::ALL {
        for &class in OperationClass::ALL {
            let mut world = World::sound();
            world.tenant.as_mut().unwrap().as_mut().unwrap().status = status;
            let mut action = read_case();
            action.class = class;
            match walk(&world, candidate(), class, &action, &clerks_read()) {
                Ok(scope) => assert!(status_allows(status, class), "{class} while {status}: {scope:?}"),
                Err(denial) => {
                    assert!(!status_allows(status, class), "{class} while {status}: {denial}");
                    assert_eq!(denial.reason(), ReasonCode::TenantStatus(status, class));
                }
            }
        }
    }
}

#[test]
fn a_tenant_activated_for_reading_is_not_decided_on_for_writing() {
    for &activated in OperationClass::ALL {
        for &decided in OperationClass::ALL {
            let mut action = read_case();
            action.class = decided;
            let result = walk(&World::sound(), candidate(), activated, &action, &clerks_read());
            let mismatch = result.err().map(|denial| denial.reason());
            assert_eq!(mismatch, (activated != decided).then_some(ReasonCode::ActionClass), "{activated} {decided}");
        }
    }
}

#[test]
fn an_action_needs_both_the_role_and_the_scope() {
    let without_role = walk(&World::sound(), candidate(), OperationClass::Read, &read_case(), &RoleTable::new());
    assert_eq!(without_role.unwrap_err().reason(), ReasonCode::ActionNotAllowed);
    assert_eq!(denied(|world| world.token.as_mut().unwrap().scopes.clear()), ReasonCode::ActionNotAllowed);
    let no_roles = |world: &mut World| world.membership.as_mut().unwrap().as_mut().unwrap().roles.clear();
    assert_eq!(denied(no_roles), ReasonCode::ActionNotAllowed);
}

#[test]
fn a_denied_decision_explains_itself_to_the_log() {
    let mut world = World::sound();
    world.token.as_mut().unwrap().scopes.clear();
    let denial = enter(&world).unwrap_err();
    let detail = denial.detail().unwrap();
    for part in ["case.read in agency-north", "by ada of https://idp.example through north-app", "membership version 7"]
    {
        assert!(detail.contains(part), "{part:?} is missing from {detail}");
    }
    assert!(detail.contains("action_allowed_in_tenant failed by action_not_allowed"), "{detail}");
    assert!(detail.contains("resource_belongs_to_tenant owed"), "{detail}");
}

#[test]
fn a_scope_owes_the_last_two_terms_until_they_are_paid() {
    let scope = enter(&World::sound()).unwrap();
    let clone = scope.clone();
    assert_eq!(scope.ledger().owed(), [Term::ResourceBelongsToTenant, Term::DataAccessConstrained]);
    payment::settle(scope.ledger(), Term::Authenticated);
    assert_eq!(scope.ledger().owed().len(), 2, "a term that isn't owed can't be paid");
    payment::settle(scope.ledger(), Term::ResourceBelongsToTenant);
    assert_eq!(clone.ledger().owed(), [Term::DataAccessConstrained], "clones share the ledger");
    payment::settle(clone.ledger(), Term::DataAccessConstrained);
    assert_eq!(scope.ledger().owed(), []);
    assert_eq!(scope.ledger().waived(), None);
}

#[test]
fn a_waived_debt_says_why() {
    let scope = enter(&World::sound()).unwrap();
    scope.ledger().waive("says who the caller is, and reads no record");
    assert_eq!(scope.ledger().owed(), []);
    assert_eq!(scope.ledger().waived(), Some("says who the caller is, and reads no record"));
}

#[test]
fn a_tenant_named_late_must_be_the_scopes_own() {
    let scope = enter(&World::sound()).unwrap();
    assert!(scope.confirm(AssertionSource::Body, "Agency-North").is_ok());
    let reason = |raw| scope.confirm(AssertionSource::Body, raw).unwrap_err().reason();
    assert_eq!(reason("agency-south"), ReasonCode::TenantConflict);
    for raw in ["", "*", "agency-north ", "agency-north\0", "agency-north,agency-south"] {
        assert_eq!(reason(raw), ReasonCode::TenantMalformed, "{raw:?}");
    }
}

#[test]
fn a_bearer_token_is_a_bounded_b64token() {
    assert_eq!(
        BearerToken::parse("eyJ.a-b_c~d+e/f.==").map(|token| token.expose().to_owned()).unwrap(),
        "eyJ.a-b_c~d+e/f.=="
    );
    assert!(BearerToken::parse("header.payload.").is_ok(), "an empty signature is the verifier's to refuse");
    assert!(BearerToken::parse(&"a".repeat(BearerToken::MAX_LEN)).is_ok());
    for bad in ["", "=", "a b", "a,b", "a=b", "é", "a\n", "Bearer a"] {
        assert_eq!(BearerToken::parse(bad).err(), Some(TokenRejection::Malformed), "{bad:?}");
    }
    assert!(BearerToken::parse(&"a".repeat(BearerToken::MAX_LEN + 1)).is_err());
}

#[test]
fn the_steps_can_run_on_any_thread() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let world = World::sound();
    let token = BearerToken::parse("opaque").unwrap();
    let scope = answered(sendable(async {
        let verified = candidate().verify(&token, &world).await?;
        let active = verified.activate(OperationClass::Read, &world).await?;
        active.identify(&world).await?.decide(&read_case(), &clerks_read()).permit()
    }));
    assert!(sendable(scope).is_ok());
}
