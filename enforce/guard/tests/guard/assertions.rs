//! Headers and query: they contradict, and never define.

use proptest::prelude::*;
use watertight_guard::{QUERY_NAMES, TENANT_HEADERS};

use crate::service::{ada, get_as, send, token};

/// Atlas #131: a header that names another tenant than the claim is denied, whichever header it is.
#[tokio::test]
async fn bug_20_every_tenant_header_that_contradicts_is_denied() {
    for name in TENANT_HEADERS {
        for other in ["agency-south", "agency-nowhere", "", "not a tenant"] {
            for uri in ["/me/cases", "/tenants/agency-north/cases"] {
                let seen = get_as(&ada("agency-north"), uri, &[(name, other)]).await;
                assert_eq!(seen.status, 403, "{name}: {other} at {uri}");
            }
        }
        let agreeing = get_as(&ada("agency-north"), "/me/cases", &[(name, "Agency-North")]).await;
        assert_eq!((agreeing.status, agreeing.body.as_str()), (200, "agency-north"), "{name}");
    }
}

/// Atlas #114: the query does not overrule anything either.
#[tokio::test]
async fn bug_20_every_tenant_query_that_contradicts_is_denied() {
    for name in QUERY_NAMES.iter().copied().chain(["tenantId", "tenant_id", "Tenant-ID", "%74enant", "ORG_ID"]) {
        for other in ["agency-south", "agency-nowhere", "", "%61gency-south", "agency-north&tenant=agency-south"] {
            let seen = get_as(&ada("agency-north"), &format!("/me/cases?q=1&{name}={other}"), &[]).await;
            assert_eq!(seen.status, 403, "{name}={other}");
        }
        let agreeing = get_as(&ada("agency-north"), &format!("/me/cases?{name}=agency%2Dnorth"), &[]).await;
        assert_eq!((agreeing.status, agreeing.body.as_str()), (200, "agency-north"), "{name}");
    }
    assert_eq!(get_as(&ada("agency-north"), "/me/cases?q=tenant&limit=5", &[]).await.status, 200);
    assert_eq!(get_as(&ada("agency-north"), "/me/cases?tenant=%ff", &[]).await.status, 400);
}

#[tokio::test]
async fn header_and_query_never_name_the_tenant_of_a_token_without_one() {
    let without = token(&serde_json::json!({"sub": "ada"}));
    for name in TENANT_HEADERS {
        assert_eq!(get_as(&without, "/me/cases", &[(name, "agency-north")]).await.status, 401, "{name}");
    }
    for name in QUERY_NAMES {
        let uri = format!("/me/cases?{name}=agency-north");
        assert_eq!(get_as(&without, &uri, &[]).await.status, 401, "{uri}");
    }
}

/// Envoy CVE-2021-32777: with two headers, one reader may take the first and another the last.
#[tokio::test]
async fn bug_16_duplicate_tenant_headers_are_a_bad_request_even_if_they_agree() {
    for name in TENANT_HEADERS {
        for second in ["agency-north", "agency-south"] {
            let seen = get_as(&ada("agency-north"), "/me/cases", &[(name, "agency-north"), (name, second)]).await;
            assert_eq!(seen.status, 400, "{name}: {second}");
        }
    }
}

/// Envoy CVE-2021-32777, for who the caller is.
#[tokio::test]
async fn bug_16_duplicate_authorization_headers_are_a_bad_request_even_if_they_agree() {
    let north = format!("Bearer {}", ada("agency-north"));
    let south = format!("Bearer {}", ada("agency-south"));
    for (first, second) in [(&north, &north), (&north, &south), (&south, &north)] {
        let headers = [("authorization", first.as_str()), ("authorization", second.as_str())];
        assert_eq!(send("GET", "/me/cases", &headers, "").await.status, 400);
    }
}

/// oauth2-proxy CVE-2026-76835: what a proxy says about the original request is never believed.
#[tokio::test]
async fn bug_18_forwarded_headers_are_ignored() {
    for (name, value) in [
        ("x-forwarded-host", "agency-south.example"),
        ("forwarded", "host=agency-south.example;proto=https"),
        ("x-original-url", "/tenants/agency-south/cases"),
        ("x-rewrite-url", "/tenants/agency-south/cases"),
        ("x-forwarded-prefix", "/tenants/agency-south"),
        ("x-forwarded-uri", "/tenants/agency-south/cases"),
        ("x-http-method-override", "POST"),
    ] {
        for uri in ["/me/cases", "/tenants/agency-north/cases"] {
            let seen = get_as(&ada("agency-north"), uri, &[(name, value)]).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, "agency-north"), "{name} at {uri}");
        }
        let foreign = get_as(&ada("agency-north"), "/tenants/agency-south/cases", &[(name, value)]).await;
        assert_eq!(foreign.status, 403, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_headers_and_query_say_the_scope_is_the_tokens_own_or_none(
        header in prop::sample::select(TENANT_HEADERS), value in "[ -~]{0,24}|[aA]gency-(north|south)",
        query in "[ -~&&[^#\"<> `{}\\\\^|]]{0,40}|(tenant|org_id)=agency-(north|south)",
        path in prop::sample::select(vec!["/me/cases", "/tenants/agency-north/cases", "/tenants/agency-south/cases"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let uri = format!("{path}?{query}");
        let seen = runtime.block_on(get_as(&ada("agency-north"), &uri, &[(header, value.as_str())]));
        prop_assert!(matches!(seen.status, 200 | 400 | 403), "{:?}", seen);
        if seen.status == 200 {
            prop_assert_eq!(seen.body, "agency-north");
        }
    }
}
