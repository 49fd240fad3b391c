//! Data of another tenant, under the caller's own roof.

use reqwest::Method;
use serde_json::json;

use crate::lab::{Lab, Symptom, show};

const SECRET: &str = "secret of south";

pub(crate) const SYMPTOMS: &[(&str, Symptom)] = &[
    ("record-read-by-id-alone", |lab| Box::pin(shows_foreign(lab))),
    ("record-replaced-by-id-alone", |lab| Box::pin(spoils_foreign(lab, Method::PUT))),
    ("record-patched-by-id-alone", |lab| Box::pin(spoils_foreign(lab, Method::PATCH))),
    ("record-deleted-by-id-alone", |lab| Box::pin(async move { deletes_foreign(lab).await == Some(204) })),
    ("delete-answers-404-and-deletes", |lab| Box::pin(async move { deletes_foreign(lab).await == Some(404) })),
    ("record-closed-by-id-alone", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let id = lab.foreign_case(&south).await;
            lab.call(Method::POST, &format!("/tenants/agency-north/cases/{id}/close"), &north, None).await;
            lab.get(&format!("/me/cases/{id}"), &south).await.json()["status"] == "closed"
        })
    }),
    ("many-closed-without-tenant", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let id = lab.foreign_case(&south).await;
            lab.call(Method::POST, "/tenants/agency-north/cases/close?q=secret", &north, None).await;
            lab.get(&format!("/me/cases/{id}"), &south).await.json()["status"] == "closed"
        })
    }),
    ("next-case-of-all-tenants", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let body = json!({ "title": SECRET, "externalRef": "waits" });
            lab.call(Method::POST, "/me/cases", &south, Some(body)).await;
            let id = lab.case(&north, "to be closed").await;
            lab.call(Method::POST, &format!("/me/cases/{id}/close"), &north, None).await.shows(SECRET)
        })
    }),
    ("summary-cache-key-without-tenant", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let own = lab.get("/me/cases/case-1/summary", &south).await;
            assert!(own.shows("Agency South"));
            lab.get("/me/cases/case-1/summary", &north).await.shows("Agency South")
        })
    }),
    ("list-without-tenant", |lab| {
        Box::pin(async move { pages(lab).await.iter().any(|page| page.contains("Agency South")) })
    }),
    ("second-page-without-tenant", |lab| {
        Box::pin(async move {
            let pages = pages(lab).await;
            assert!(!pages[0].contains("Agency South"));
            pages.iter().any(|page| page.contains("Agency South"))
        })
    }),
    ("search-without-tenant", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            lab.foreign_case(&south).await;
            assert!(lab.get("/me/search?q=secret", &south).await.shows(SECRET));
            lab.get("/tenants/agency-north/search?q=secret", &north).await.shows(SECRET)
        })
    }),
    ("search-facets-global", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let count = async || lab.get("/tenants/agency-north/cases/facets", &north).await.json()["total"].as_u64();
            let before = count().await.unwrap();
            lab.foreign_case(&south).await;
            count().await.unwrap() == before + 1
        })
    }),
    ("body-tenant-honoured-at-create", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let body = json!({ "title": "planted by north", "tenantId": "agency-south" });
            lab.call(Method::POST, "/tenants/agency-north/cases", &north, Some(body)).await;
            lab.get("/me/cases", &south).await.shows("planted by north")
        })
    }),
    ("update-moves-record", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let mut arrived = Vec::new();
            for method in [Method::PUT, Method::PATCH] {
                let title = format!("moved by {method}");
                let id = lab.case(&north, "stays").await;
                let body = json!({ "title": title, "tenantId": "agency-south" });
                lab.call(method, &format!("/tenants/agency-north/cases/{id}"), &north, Some(body)).await;
                let is_gone = !lab.get(&format!("/me/cases/{id}"), &north).await.is_ok();
                arrived.push(lab.get("/me/cases", &south).await.shows(&title) && is_gone);
            }
            assert_eq!(arrived[0], arrived[1]);
            arrived[0]
        })
    }),
    ("child-linked-under-foreign-parent", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let id = lab.foreign_case(&south).await;
            let path = format!("/tenants/agency-north/cases/{id}/tasks");
            lab.call(Method::POST, &path, &north, Some(json!({ "title": "hung in by north" }))).await;
            lab.get(&format!("/me/cases/{id}/tasks"), &south).await.shows("hung in by north")
        })
    }),
    ("children-listed-by-parent-id-alone", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let id = lab.foreign_case(&south).await;
            lab.task(&south, &id, "task of south").await;
            lab.get(&format!("/tenants/agency-north/cases/{id}/tasks"), &north).await.shows("task of south")
        })
    }),
    ("foreign-told-from-nonexistent", |lab| {
        Box::pin(async move {
            let (foreign, nowhere) = told(lab).await;
            foreign.0 != nowhere.0
        })
    }),
    ("foreign-told-by-message", |lab| {
        Box::pin(async move {
            let (foreign, nowhere) = told(lab).await;
            foreign.0 == nowhere.0 && foreign.1 != nowhere.1
        })
    }),
    ("denial-carries-record", |lab| {
        Box::pin(async move {
            let (foreign, _) = told(lab).await;
            foreign.0 == 403 && foreign.1.contains(SECRET)
        })
    }),
    ("redirect-carries-record", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let id = lab.foreign_case(&south).await;
            let answer = lab.get(&format!("/tenants/agency-north/cases/{id}"), &north).await;
            answer.status == 302 && answer.shows(SECRET) && answer.headers.contains_key("location")
        })
    }),
    ("unique-ref-is-global", |lab| {
        Box::pin(async move {
            let (north, south) = lab.both().await;
            let named = || Some(json!({ "title": "x", "externalRef": "ONCE-1" }));
            assert!(lab.call(Method::POST, "/me/cases", &south, named()).await.is_ok());
            lab.call(Method::POST, "/me/cases", &north, named()).await.status == 409
        })
    }),
];

/// Whether agency-north is shown a case of agency-south under its own roof.
async fn shows_foreign(lab: &Lab) -> bool {
    let (north, south) = lab.both().await;
    let id = lab.foreign_case(&south).await;
    let own = lab.get("/me/cases/case-1", &north).await;
    assert!(own.shows("Agency North"), "an id that both have is the caller's own: {own:?}");
    let record = lab.get(&format!("/tenants/agency-north/cases/{id}"), &north).await.shows(SECRET);
    let summary = lab.get(&format!("/tenants/agency-north/cases/{id}/summary"), &north).await.shows(SECRET);
    assert_eq!(record, summary, "a summary is made of the record");
    record
}

/// Whether agency-north writes into a case of agency-south.
async fn spoils_foreign(lab: &Lab, method: Method) -> bool {
    let (north, south) = lab.both().await;
    let id = lab.foreign_case(&south).await;
    let body = json!({ "title": "written by north" });
    lab.call(method, &format!("/tenants/agency-north/cases/{id}"), &north, Some(body)).await;
    lab.get(&format!("/me/cases/{id}"), &south).await.shows("written by north")
}

/// What agency-north is answered, if it deletes a case of agency-south.
async fn deletes_foreign(lab: &Lab) -> Option<u16> {
    let (north, south) = lab.both().await;
    let id = lab.foreign_case(&south).await;
    let answer = lab.call(Method::DELETE, &format!("/tenants/agency-north/cases/{id}"), &north, None).await;
    let is_gone = lab.get(&format!("/me/cases/{id}"), &south).await.status == 404;
    is_gone.then_some(answer.status.as_u16())
}

/// Every page of agency-north's list, two cases at a time.
async fn pages(lab: &Lab) -> Vec<String> {
    let token = lab.token(&lab.north().service).await;
    let mut next = Some("/tenants/agency-north/cases?limit=2".to_owned());
    let mut pages = Vec::new();
    while let Some(path) = next {
        assert!(pages.len() < 50, "the list has no end");
        let page = lab.get(&path, &token).await;
        assert!(page.is_ok(), "{page:?}");
        next = page.json()["next"].as_str().map(str::to_owned);
        pages.push(page.text);
    }
    let all = pages.concat();
    assert!((1..=3).all(|n| all.contains(&format!("Agency North {n}"))), "its own cases are missing: {all}");
    pages
}

/// Status and text of the answers to agency-north about a case of agency-south, and about one that never existed.
async fn told(lab: &Lab) -> ((u16, String), (u16, String)) {
    let (north, south) = lab.both().await;
    let id = lab.foreign_case(&south).await;
    let ask = async |id: &str| {
        let answer = lab.get(&format!("/tenants/agency-north/cases/{id}"), &north).await;
        (answer.status.as_u16(), answer.text)
    };
    (ask(&id).await, ask("case-4711").await)
}

#[tokio::test]
async fn one_record_is_reached_across_tenants() {
    show(&SYMPTOMS[..7]).await;
}

#[tokio::test]
async fn many_records_are_gathered_across_tenants() {
    show(&SYMPTOMS[7..13]).await;
}

#[tokio::test]
async fn answers_and_children_cross_tenants() {
    show(&SYMPTOMS[13..]).await;
}
