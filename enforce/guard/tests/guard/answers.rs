//! What the guard answers, and what it makes of a handler's answer.

use watertight_core::{Denial, DenialClass, ReasonCode, Term, TokenRejection};
use watertight_guard::{ProblemDetails, RenderDenial};
use watertight_model::{OperationClass, TenantStatus};

use crate::service::{Seen, ada, get_as, get_through_two_guards, send};

const FORBIDDEN: &str = r#"{"type":"about:blank","title":"Forbidden","status":403}"#;

async fn me(path: &str) -> Seen {
    get_as(&ada("agency-north"), path, &[]).await
}

#[tokio::test]
async fn no_token_is_unauthenticated_and_says_which_scheme() {
    for uri in ["/me/cases", "/tenants/agency-north/cases", "/tenants/agency-nowhere/cases", "/tenants/.../cases"] {
        let seen = send("GET", uri, &[], "").await;
        assert_eq!(seen.status, 401, "{uri}");
        assert_eq!(seen.header("www-authenticate"), Some("Bearer"));
        assert_eq!(seen.header("content-type"), Some("application/problem+json"));
        assert_eq!(seen.body, r#"{"type":"about:blank","title":"Unauthorized","status":401}"#);
    }
}

#[tokio::test]
async fn what_is_no_bearer_token_is_unauthenticated() {
    let good = ada("agency-north");
    let long = format!("Bearer {}", "a".repeat(9000));
    let spaced = format!("Bearer {good} {good}");
    let listed = format!("Bearer {good}, Bearer {good}");
    for value in ["", "Bearer", "Bearer ", "Basic YTpi", "Token x", &good, &long, &spaced, &listed] {
        assert_eq!(send("GET", "/me/cases", &[("authorization", value)], "").await.status, 401, "{value}");
    }
    for value in [format!("bearer {good}"), format!("BEARER  {good}")] {
        assert_eq!(send("GET", "/me/cases", &[("authorization", &value)], "").await.status, 200, "{value}");
    }
    let elsewhere = format!("/me/cases?access_token={good}");
    assert_eq!(send("GET", &elsewhere, &[], "").await.status, 401, "a token in the URL is none");
}

#[tokio::test]
async fn an_action_that_the_policy_does_not_allow_is_forbidden() {
    let seen = me("/me/forbidden").await;
    assert_eq!((seen.status, seen.body.as_str()), (403, FORBIDDEN));
}

/// Envoy Gateway #8781: a guard on a route never replaces the one around it; what either denies is denied.
#[tokio::test]
async fn bug_23_a_guard_within_a_guard_can_only_tighten() {
    assert_eq!(get_through_two_guards(&["case.list"], &["case.list"]).await, 200);
    assert_eq!(get_through_two_guards(&[], &["case.list"]).await, 403);
    assert_eq!(get_through_two_guards(&["case.list"], &[]).await, 403);
}

#[tokio::test]
async fn a_directory_that_cannot_tell_is_unavailable() {
    assert_eq!(get_as(&ada("agency-broken"), "/me/cases", &[]).await.status, 503);
}

/// A route that nobody classified is a bug of the service; neither let through nor silently denied.
#[tokio::test]
async fn an_unregistered_route_is_an_internal_error() {
    let seen = me("/me/forgotten").await;
    assert_eq!(seen.status, 500);
    assert_eq!(seen.body, r#"{"type":"about:blank","title":"Internal Server Error","status":500}"#);
    let anonymous = send("POST", "/me/forgotten-method", &[], "").await;
    assert_eq!(anonymous.status, 500);
}

#[tokio::test]
async fn a_method_that_a_route_does_not_offer_is_not_allowed() {
    for method in ["PUT", "DELETE", "TRACE", "BREW"] {
        let seen = send(method, "/me/cases", &[], "").await;
        assert_eq!(seen.status, 405, "{method}");
        assert_eq!(seen.header("allow"), Some("GET, POST"));
    }
}

#[tokio::test]
async fn head_is_guarded_as_get() {
    let authorization = format!("Bearer {}", ada("agency-north"));
    let own = send("HEAD", "/tenants/agency-north/cases", &[("authorization", &authorization)], "").await;
    assert_eq!(own.status, 200);
    let foreign = send("HEAD", "/tenants/agency-south/cases", &[("authorization", &authorization)], "").await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn a_handler_that_asks_for_a_scope_without_a_guard_is_an_internal_error() {
    let authorization = format!("Bearer {}", ada("agency-north"));
    assert_eq!(send("GET", "/unguarded", &[("authorization", &authorization)], "").await.status, 500);
    assert_eq!(send("GET", "/health", &[], "").await.status, 200);
}

#[tokio::test]
async fn a_success_with_a_term_still_owed_is_an_internal_error_without_the_data() {
    let seen = me("/me/debtor").await;
    assert_eq!(seen.status, 500);
    assert!(!seen.body.contains("cases"), "{seen:?}");
}

#[tokio::test]
async fn a_redirect_with_a_term_still_owed_is_an_internal_error_without_the_place() {
    let seen = me("/me/moved").await;
    assert_eq!(seen.status, 500);
    assert_eq!(seen.header("location"), None);
}

#[tokio::test]
async fn a_record_that_is_missing_in_the_own_tenant_is_not_found_and_owes_nothing() {
    let seen = me("/tenants/agency-north/cases/case-1").await;
    assert_eq!(seen.status, 404);
    assert_eq!(seen.body, r#"{"type":"about:blank","title":"Not Found","status":404}"#);
}

/// Everything that can be denied, with the most telling details.
fn denials() -> Vec<Denial> {
    let tenant = "agency-secret".parse().unwrap();
    [
        ReasonCode::DuplicateHeader,
        ReasonCode::RequestMalformed,
        ReasonCode::TooManyAssertions,
        ReasonCode::TokenAbsent,
        ReasonCode::Token(TokenRejection::UnknownIssuer),
        ReasonCode::Token(TokenRejection::KeysUnavailable),
        ReasonCode::Token(TokenRejection::MissingClaim("exp")),
        ReasonCode::TenantAbsent,
        ReasonCode::TenantConflict,
        ReasonCode::TenantMalformed,
        ReasonCode::TenantUnknown,
        ReasonCode::TenantStatus(TenantStatus::Suspended, OperationClass::Read),
        ReasonCode::ClientUnknown,
        ReasonCode::ClientInactive,
        ReasonCode::NotMember,
        ReasonCode::MembershipInactive,
        ReasonCode::ActionNotAllowed,
        ReasonCode::ResourceMissing,
        ReasonCode::DirectoryUnavailable,
        ReasonCode::RouteUnregistered,
        ReasonCode::GuardMissing,
        ReasonCode::ForeignAnswer,
        ReasonCode::DebtUnpaid(Term::DataAccessConstrained),
    ]
    .map(|reason| Denial::new(reason).about(&tenant).because("secret detail"))
    .to_vec()
}

#[tokio::test]
async fn an_answer_is_a_function_of_the_class_alone() {
    use http_body_util::BodyExt;
    for class in DenialClass::ALL {
        let mut first: Option<(String, String)> = None;
        for denial in denials().iter().filter(|denial| denial.class() == *class) {
            let (parts, body) = ProblemDetails.render(denial).into_parts();
            assert_eq!(parts.status.as_u16(), class.status());
            let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
            assert!(!body.contains("secret"), "{body}");
            serde_json::from_str::<serde_json::Value>(&body).unwrap();
            let seen = (format!("{:?}", parts.headers), body);
            assert_eq!(first.get_or_insert_with(|| seen.clone()), &seen, "{denial}");
        }
        assert!(first.is_some(), "no denial of {class:?} was tried");
    }
}
