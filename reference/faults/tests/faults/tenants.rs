//! Requests that name another tenant than the token's.

use crate::lab::{Lab, Seen, Symptom, show};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;

/// Agency-south's own titles.
const SOUTHERN: &str = "Agency South";

pub(crate) const SYMPTOMS: &[(&str, Symptom)] = &[
    ("path-tenant-over-token", |lab| Box::pin(opens(lab, "/tenants/agency-south/cases", &[]))),
    ("header-tenant-believed", |lab| {
        Box::pin(async move {
            opens(lab, "/tenants/agency-north/cases", &[("X-Tenant-Id", "agency-south")]).await
                && opens(lab, "/me/cases", &[("X-Org-Id", "agency-south")]).await
        })
    }),
    ("query-tenant-believed", |lab| Box::pin(opens(lab, "/tenants/agency-north/cases?tenantId=agency-south", &[]))),
    ("forwarded-host-believed", |lab| {
        Box::pin(async move {
            opens(lab, "/me/cases", &[("X-Forwarded-Host", "agency-south.127.0.0.1:80")]).await
                && opens(lab, "/me/cases", &[("X-Original-URL", "/tenants/agency-south/cases")]).await
        })
    }),
    ("no-tenant-falls-back-to-first", |lab| {
        Box::pin(async move {
            let token = lab.token(&lab.demo.unbound).await;
            lab.get("/me/cases", &token).await.shows("Agency North")
        })
    }),
    ("unknown-tenant-falls-back", |lab| {
        Box::pin(async move {
            as_north(lab, "/tenants/agency-east/cases", &[]).await.shows("Agency North")
                && !opens(lab, "/tenants/agency-south/cases", &[]).await
        })
    }),
    ("tenant-spelling-normalised-late", |lab| {
        Box::pin(async move {
            let mut found = Vec::new();
            for spelling in ["AGENCY-SOUTH", "agency-south.", "agency%252Dsouth", "agency-north%2F..%2Fagency-south"] {
                found.push(opens(lab, &format!("/tenants/{spelling}/cases"), &[]).await);
            }
            let is_plain_closed = !opens(lab, "/tenants/agency-south/cases", &[]).await;
            assert!(found.iter().all(|one| *one == found[0]), "{found:?}");
            found[0] && is_plain_closed
        })
    }),
    ("whoami-names-another", |lab| {
        Box::pin(async move {
            let named = as_north(lab, "/me", &[]).await.json()["tenantId"].clone();
            assert!(as_north(lab, "/me/cases", &[]).await.shows("Agency North"), "its own cases are gone");
            named != "agency-north"
        })
    }),
    ("suspended-tenant-served", |lab| {
        Box::pin(async move {
            let token = lab.token(&lab.north().service).await;
            assert!(lab.get("/me/cases", &token).await.shows("Agency North"));
            let suspended = Some(json!({"status": "suspended"}));
            let key = lab.demo.operator_key.expose_secret();
            let done = lab.call(Method::PUT, "/operator/tenants/agency-north/status", key, suspended).await;
            assert_eq!(done.status, 204);
            lab.get("/me/cases", &token).await.shows("Agency North")
        })
    }),
];

async fn as_north(lab: &Lab, path: &str, headers: &[(&str, &str)]) -> Seen {
    let token = lab.token(&lab.north().service).await;
    lab.call_with(Method::GET, path, &token, headers, None).await
}

/// Whether agency-north gets agency-south's cases there.
async fn opens(lab: &Lab, path: &str, headers: &[(&str, &str)]) -> bool {
    as_north(lab, path, headers).await.shows(SOUTHERN)
}

#[tokio::test]
async fn a_tenant_named_in_the_wrong_place_is_believed() {
    show(SYMPTOMS).await;
}
