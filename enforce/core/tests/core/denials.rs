//! What the outside learns from a denial.

use watertight_core::{Denial, DenialClass, ReasonCode, Term, TokenRejection};
use watertight_model::{OperationClass, TenantStatus};

#[test]
fn unknown_foreign_inactive_and_non_member_are_one_class() {
    let mut reasons = vec![
        ReasonCode::TenantUnknown,
        ReasonCode::TenantConflict,
        ReasonCode::TenantMalformed,
        ReasonCode::ClientUnknown,
        ReasonCode::ClientInactive,
        ReasonCode::NotMember,
        ReasonCode::MembershipInactive,
        ReasonCode::ActionNotAllowed,
    ];
    for &status in TenantStatus::ALL {
        reasons.extend(OperationClass::ALL.iter().map(|&class| ReasonCode::TenantStatus(status, class)));
    }
    for reason in reasons {
        assert_eq!(reason.class(), DenialClass::Forbidden403, "{reason}");
    }
}

#[test]
fn whatever_is_wrong_with_a_token_is_one_class() {
    let rejections = [
        TokenRejection::Malformed,
        TokenRejection::UnknownIssuer,
        TokenRejection::UnknownKey,
        TokenRejection::Algorithm,
        TokenRejection::Signature,
        TokenRejection::Type,
        TokenRejection::Critical,
        TokenRejection::Issuer,
        TokenRejection::Audience,
        TokenRejection::Client,
        TokenRejection::Expired,
        TokenRejection::NotYetValid,
        TokenRejection::MissingClaim("exp"),
        TokenRejection::TenantClaim,
        // Also this one: a 503 would tell that the tenant has an issuer.
        TokenRejection::KeysUnavailable,
    ];
    for rejection in rejections {
        assert_eq!(ReasonCode::Token(rejection).class(), DenialClass::Unauthenticated401, "{rejection}");
    }
    assert_eq!(ReasonCode::TokenAbsent.class(), DenialClass::Unauthenticated401);
}

#[test]
fn a_bug_of_the_platform_is_no_denial_of_the_caller() {
    for reason in [
        ReasonCode::RouteUnregistered,
        ReasonCode::GuardMissing,
        ReasonCode::ForeignAnswer,
        ReasonCode::ActionClass,
        ReasonCode::TermUnproven(Term::Authenticated),
        ReasonCode::DebtUnpaid(Term::DataAccessConstrained),
    ] {
        assert_eq!(reason.class(), DenialClass::Internal500, "{reason}");
    }
}

#[test]
fn classes_have_the_status_codes_of_their_names() {
    for class in DenialClass::ALL {
        assert!(format!("{class:?}").ends_with(&class.status().to_string()), "{class:?}");
    }
}

#[test]
fn the_log_line_says_what_where_and_why() {
    let tenant = "agency-north".parse().unwrap();
    let denial = Denial::new(ReasonCode::TenantStatus(TenantStatus::Suspended, OperationClass::Read))
        .about(&tenant)
        .because("asked by ada");
    assert_eq!(
        denial.to_string(),
        "denied: tenant_status (read while suspended), in tenant agency-north: asked by ada"
    );
}
