//! Which tenant a request is about, and who learns what of the others.

use serde_json::json;

use crate::service::{Seen, ada, get_as, raw_token, send, token};

fn is_forbidden(seen: &Seen) {
    assert_eq!(seen.status, 403, "{seen:?}");
    assert_eq!(seen.body, r#"{"type":"about:blank","title":"Forbidden","status":403}"#);
}

#[tokio::test]
async fn a_member_gets_the_scope_of_its_own_tenant() {
    for uri in
        ["/tenants/agency-north/cases", "/tenants/Agency-North/cases", "/me/cases", "/tenants/agency%2Dnorth/cases"]
    {
        let seen = get_as(&ada("agency-north"), uri, &[]).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, "agency-north"), "{uri}");
    }
}

#[tokio::test]
async fn a_path_that_contradicts_the_token_is_denied() {
    is_forbidden(&get_as(&ada("agency-north"), "/tenants/agency-south/cases", &[]).await);
}

/// Envoy CVE-2021-32777, in the path: the guard must not decide on the first name while a handler acts on the last.
#[tokio::test]
async fn bug_16_a_path_that_names_two_tenants_is_denied_whichever_is_the_callers() {
    for route in ["copies", "peers"] {
        for (first, second) in [("agency-north", "agency-south"), ("agency-south", "agency-north")] {
            is_forbidden(&get_as(&ada("agency-north"), &format!("/tenants/{first}/{route}/{second}"), &[]).await);
        }
        for second in ["agency-nowhere", "not%20a%20tenant"] {
            is_forbidden(&get_as(&ada("agency-north"), &format!("/tenants/agency-north/{route}/{second}"), &[]).await);
        }
        let agreeing = get_as(&ada("agency-north"), &format!("/tenants/agency-north/{route}/Agency-North"), &[]).await;
        assert_eq!((agreeing.status, agreeing.body.as_str()), (200, "agency-north"), "{route}");
        let nobody = send("GET", &format!("/tenants/agency-north/{route}/agency-south"), &[], "").await;
        assert_eq!(nobody.status, 401, "{route}");
    }
}

#[tokio::test]
async fn a_path_parameter_of_another_spelling_names_the_tenant_as_well() {
    let nameless = token(&json!({"sub": "ada"}));
    for base in ["/by-id", "/by-camel", "/by-org"] {
        for other in ["agency-south", "agency-nowhere", "not%20a%20tenant"] {
            is_forbidden(&get_as(&ada("agency-north"), &format!("{base}/{other}/cases"), &[]).await);
        }
        for token in [&ada("agency-north"), &nameless] {
            let seen = get_as(token, &format!("{base}/agency-north/cases"), &[]).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, "agency-north"), "{base}");
        }
    }
}

#[tokio::test]
async fn unknown_foreign_inactive_and_non_member_are_the_same_bytes() {
    let foreign = get_as(&ada("agency-north"), "/tenants/agency-south/cases", &[]).await;
    is_forbidden(&foreign);

    // Tenants that the token doesn't name.
    for path in ["agency-nowhere", "agency-shut", "agency-broken", "agency-keyless", "x", "...", "a%20b", "%2e%2e%2e"] {
        let uri = format!("/tenants/{path}/cases");
        assert_eq!(get_as(&ada("agency-north"), &uri, &[]).await, foreign, "{uri}");
    }
    // Tenants that the token names.
    let stranger = token(&json!({"sub": "eve", "tenant_id": "agency-north"}));
    assert_eq!(get_as(&stranger, "/tenants/agency-north/cases", &[]).await, foreign);
    assert_eq!(get_as(&stranger, "/me/cases", &[]).await, foreign);
    for tenant in ["agency-nowhere", "agency-shut"] {
        assert_eq!(get_as(&ada(tenant), &format!("/tenants/{tenant}/cases"), &[]).await, foreign, "{tenant}");
        assert_eq!(get_as(&ada(tenant), "/me/cases", &[]).await, foreign, "{tenant}");
    }
}

#[tokio::test]
async fn a_token_that_nobody_vouches_for_learns_nothing_about_any_tenant() {
    let mut answers = Vec::new();
    for tenant in ["agency-north", "agency-nowhere", "agency-shut", "agency-broken", "agency-keyless"] {
        let forged = ada(tenant).replace(".signed", ".forged");
        answers.push(get_as(&forged, &format!("/tenants/{tenant}/cases"), &[]).await);
        answers.push(get_as(&forged, "/me/cases", &[]).await);
        answers.push(get_as("opaque", &format!("/tenants/{tenant}/cases"), &[]).await);
        answers.push(send("GET", &format!("/tenants/{tenant}/cases"), &[], "").await);
    }
    // Keys that can't be fetched are no exception, even for a token that would be trusted.
    answers.push(get_as(&ada("agency-keyless"), "/me/cases", &[]).await);
    for answer in &answers {
        assert_eq!(answer.status, 401);
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn a_status_that_allows_reading_does_not_allow_writing() {
    let authorization = format!("Bearer {}", ada("agency-frozen"));
    let headers = [("authorization", authorization.as_str())];
    assert_eq!(send("GET", "/me/cases", &headers, "").await.status, 200);
    is_forbidden(&send("POST", "/me/cases", &headers, "agency-frozen").await);
}

/// Oathkeeper CVE-2026-33494: the path that is decided on is the path that is served; nothing is normalised in between.
#[tokio::test]
async fn bug_17_path_tricks_reach_no_other_tenant() {
    for uri in [
        "/tenants/agency-north/../agency-south/cases",
        "/tenants/agency-north/%2e%2e/agency-south/cases",
        "//tenants/agency-south/cases",
        "/tenants//agency-south/cases",
        "/tenants/agency-south/cases/",
        "/tenants/agency-north%2f..%2fagency-south/cases",
        "/tenants/agency-north%252f..%252fagency-south/cases",
        "/tenants/agency%252Dsouth/cases",
        "/tenants/agency-south./cases",
        "/tenants/agency-south%00/cases",
        "/tenants/agency-south;agency-north/cases",
        "/tenants/%61gency-south/cases",
        "/tenants/agency-north%ff/cases",
    ] {
        let seen = get_as(&ada("agency-north"), uri, &[]).await;
        assert!(matches!(seen.status, 400 | 403 | 404), "{uri} gave {seen:?}");
        assert!(!seen.body.contains("agency"), "{uri} gave {seen:?}");
    }
}

/// didacta #57: an unknown tenant, host or claim belongs to no tenant, and never to the first one.
#[tokio::test]
async fn bug_19_an_unknown_name_is_never_the_first_tenant() {
    is_forbidden(&get_as(&ada("agency-nowhere"), "/me/cases", &[("host", "agency-north.example")]).await);
    is_forbidden(&get_as(&ada("agency-nowhere"), "/me/cases", &[("host", "agency-nowhere")]).await);
}

/// mcp-hangar #312: no tenant, null and the empty text are no tenant, and not all tenants either.
#[tokio::test]
async fn bug_21_a_token_without_tenant_gets_none() {
    let without = token(&json!({"sub": "ada"}));
    assert_eq!(get_as(&without, "/me/cases", &[]).await.status, 401);
    for claim in [json!(null), json!(""), json!("*"), json!(0), json!(["agency-north"]), json!({"id": "agency-north"})]
    {
        let odd = token(&json!({"sub": "ada", "tenant_id": claim}));
        is_forbidden(&get_as(&odd, "/me/cases", &[]).await);
        is_forbidden(&get_as(&odd, "/tenants/agency-north/cases", &[]).await);
    }
}

/// Casbin website #221: delimiters in a name make no other tenant of it.
#[tokio::test]
async fn bug_24_delimiters_in_names_are_denied() {
    for name in ["admin::x", "agency-north|agency-south", "agency-north,agency-south", "agency-north agency-south"] {
        is_forbidden(&get_as(&ada(name), "/me/cases", &[]).await);
        is_forbidden(&get_as(&ada("agency-north"), "/me/cases", &[("x-tenant-id", name)]).await);
    }
}

#[tokio::test]
async fn a_claim_given_twice_contradicts_itself() {
    let twice = |a: &str, b: &str| raw_token(&format!(r#"{{"sub":"ada","tenant_id":"{a}","tenant_id":"{b}"}}"#));
    is_forbidden(&get_as(&twice("agency-north", "agency-south"), "/me/cases", &[]).await);
    is_forbidden(&get_as(&twice("agency-south", "agency-north"), "/me/cases", &[]).await);
}

#[tokio::test]
async fn a_tenant_in_the_body_must_be_the_scopes_own() {
    let authorization = format!("Bearer {}", ada("agency-north"));
    let headers = [("authorization", authorization.as_str())];
    assert_eq!(send("POST", "/me/cases", &headers, "agency-north").await.status, 201);
    for body in ["agency-south", "agency-nowhere", "", "*"] {
        is_forbidden(&send("POST", "/me/cases", &headers, body).await);
    }
}
