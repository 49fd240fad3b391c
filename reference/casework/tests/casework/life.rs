//! Cases and tasks from creation to removal, within one agency.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tower::ServiceExt;
use watertight_casework::domain::CaseSummary;
use watertight_casework::ports::SummaryCache;
use watertight_core::TenantScope;
use watertight_model::ResourceId;

use crate::world::{World, request, worker};

/// The parts of a listing, page by page.
async fn pages(world: &World, who: &str, first: &str) -> Vec<Value> {
    let mut pages = vec![world.get(who, first).await.expect(200)];
    while let Some(next) = pages.last().unwrap()["next"].as_str() {
        assert!(pages.len() < 20, "the pages never end: {next}");
        pages.push(world.get(who, next).await.expect(200));
    }
    pages
}

fn texts<'a>(items: &'a [Value], field: &str) -> Vec<&'a str> {
    items.iter().flat_map(|page| page["items"].as_array().unwrap()).map(|item| item[field].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_case_lives_from_creation_to_removal() {
    let world = World::new().await;
    for base in ["/tenants/agency-north", "/me"] {
        let made =
            world.ask("north", &format!("POST {base}/cases"), Some(json!({"title": "A", "externalRef": "X-1"}))).await;
        let location = made.headers["location"].to_str().unwrap().to_owned();
        let made = made.expect(201);
        assert_eq!(location, format!("{base}/cases/{}", made["id"].as_str().unwrap()));
        assert_eq!(made["tenantId"], "agency-north");
        assert_eq!(
            (&made["title"], &made["externalRef"], &made["status"]),
            (&"A".into(), &"X-1".into(), &"open".into())
        );
        assert!(made["createdAt"].as_str().unwrap().ends_with('Z'));
        assert_eq!(world.get("north", &location).await.expect(200), made);

        let put = world.ask("north", &format!("PUT {location}"), Some(json!({"title": "B"}))).await.expect(200);
        assert_eq!((&put["title"], &put["externalRef"]), (&"B".into(), &Value::Null));
        let patch = json!({"externalRef": "X-2", "colour": "red"});
        let patched = world.ask("north", &format!("PATCH {location}"), Some(patch)).await.expect(200);
        assert_eq!((&patched["title"], &patched["externalRef"]), (&"B".into(), &"X-2".into()));
        assert_eq!(patched.get("colour"), None, "unknown fields are ignored");
        let nulled = json!({"externalRef": null});
        let nulled = world.ask("north", &format!("PATCH {location}"), Some(nulled)).await.expect(200);
        assert_eq!(nulled["externalRef"], Value::Null);

        for _ in 0..2 {
            let closed = world.ask("north", &format!("POST {location}/close"), None).await.expect(200);
            assert_eq!(closed["status"], "closed");
        }
        assert_eq!(world.get("north", &location).await.expect(200)["status"], "closed");

        let gone = world.ask("north", &format!("DELETE {location}"), None).await;
        assert_eq!((gone.status.as_u16(), gone.bytes.len()), (204, 0));
        for line in [format!("GET {location}"), format!("DELETE {location}"), format!("POST {location}/close")] {
            world.ask("north", &line, None).await.expect(404);
        }
    }
    let next = world.ask("north", "POST /me/cases", Some(json!({"title": "C"}))).await.expect(201);
    assert_eq!(next["id"], "case-6", "ids of removed cases are not given again");
}

#[tokio::test]
async fn a_task_lives_under_its_case_and_under_no_other() {
    let world = World::new().await;
    let made = world.ask("west", "POST /me/cases/case-1/tasks", Some(json!({"title": "A"}))).await;
    assert_eq!(made.headers["location"], "/me/cases/case-1/tasks/task-6");
    let made = made.expect(201);
    assert_eq!(
        (&made["caseId"], &made["tenantId"], &made["status"]),
        (&"case-1".into(), &"agency-west".into(), &"open".into())
    );
    let path = "/tenants/agency-west/cases/case-1/tasks/task-6";
    assert_eq!(world.get("west", path).await.expect(200), made);

    let list = world.get("west", "/me/cases/case-1/tasks").await.expect(200);
    assert_eq!(texts(std::slice::from_ref(&list), "id"), ["task-1", "task-6"]);
    assert_eq!((&list["total"], &list["next"]), (&2.into(), &Value::Null));

    let done = world.ask("west", &format!("PATCH {path}"), Some(json!({"status": "done"}))).await.expect(200);
    assert_eq!((&done["title"], &done["status"]), (&"A".into(), &"done".into()));
    let put = world.ask("west", &format!("PUT {path}"), Some(json!({"title": "B"}))).await.expect(200);
    assert_eq!((&put["title"], &put["status"]), (&"B".into(), &"open".into()));

    let elsewhere = "/me/cases/case-2/tasks/task-6";
    for line in ["GET", "DELETE"] {
        world.ask("west", &format!("{line} {elsewhere}"), None).await.expect(404);
    }
    world.ask("west", &format!("PUT {elsewhere}"), Some(json!({"title": "C"}))).await.expect(404);
    assert_eq!(world.ask("west", &format!("DELETE {path}"), None).await.status, 204);
    world.get("west", path).await.expect(404);

    world.ask("west", "DELETE /me/cases/case-1", None).await.expect(204);
    for path in ["/me/cases/case-1/tasks", "/me/cases/case-1/tasks/task-1"] {
        world.get("west", path).await.expect(404);
    }
    world.ask("west", "POST /me/cases/case-1/tasks", Some(json!({"title": "late"}))).await.expect(404);
}

#[tokio::test]
async fn pages_show_every_case_once_and_lead_to_each_other() {
    let world = World::new().await;
    for base in ["/tenants/agency-west", "/me"] {
        let pages = pages(&world, "west", &format!("{base}/cases?limit=2")).await;
        assert_eq!(pages.len(), 3);
        assert_eq!(texts(&pages, "id"), ["case-1", "case-2", "case-3", "case-4", "case-5"]);
        assert!(pages.iter().all(|page| page["total"] == 5));
        assert!(pages[0]["next"].as_str().unwrap().starts_with(&format!("{base}/cases?cursor=")));
    }
    let tasks = world.get("west", "/me/cases/case-1/tasks?limit=1").await.expect(200);
    assert_eq!(tasks["next"], Value::Null);
}

#[tokio::test]
async fn search_looks_through_titles_and_references_and_pages_its_hits() {
    let world = World::new().await;
    for (path, total) in [("/me/search?q=REF-2", 1), ("/me/search?q=agency%20south", 4), ("/me/search?q=%25", 0)] {
        assert_eq!(world.get("south", path).await.expect(200)["total"], total, "{path}");
    }
    world.ask("south", "POST /me/cases", Some(json!({"title": "50% & more? (Agency South)"}))).await.expect(201);
    let hits = pages(&world, "south", "/tenants/agency-south/search?limit=1&q=%25%20%26%20more%3F").await;
    assert_eq!(texts(&hits, "id"), ["case-5"]);
    let hits = pages(&world, "south", "/tenants/agency-south/search?limit=2&q=(Agency+South").await;
    assert_eq!(texts(&hits, "id"), ["case-1", "case-2", "case-3", "case-4", "case-5"]);
}

#[tokio::test]
async fn what_a_text_finds_is_closed_together_within_one_agency() {
    let world = World::new().await;
    let mut made = Vec::new();
    for (who, title) in [("north", "flood one"), ("north", "Flood two"), ("north", "fire"), ("south", "flood")] {
        let case = world.ask(who, "POST /me/cases", Some(json!({ "title": title }))).await.expect(201);
        made.push((who, format!("/me/cases/{}", case["id"].as_str().unwrap())));
    }
    world.ask("north", "POST /me/cases/close?q=flood", None).await.expect(204);
    let mut statuses = Vec::new();
    for (who, path) in &made {
        statuses.push(world.get(who, path).await.expect(200)["status"].clone());
    }
    assert_eq!(statuses, ["closed", "closed", "open", "open"]);
    world.ask("north", "POST /me/cases/close", None).await.expect(400);
}

#[tokio::test]
async fn facets_count_by_status() {
    let world = World::new().await;
    assert_eq!(
        world.get("south", "/me/cases/facets").await.expect(200),
        json!({"total": 4, "status": {"open": 3, "closed": 1}})
    );
    world.ask("south", "POST /me/cases/case-1/close", None).await.expect(200);
    assert_eq!(world.get("south", "/me/cases/facets").await.expect(200)["status"], json!({"open": 2, "closed": 2}));
}

#[tokio::test]
async fn a_summary_follows_every_change_of_its_case_and_tasks() {
    let world = World::new().await;
    let summary = async || world.get("north", "/me/cases/case-1/summary").await.expect(200);
    assert_eq!((&summary().await["tasks"], &summary().await["status"]), (&1.into(), &"open".into()));
    world.ask("north", "POST /me/cases/case-1/tasks", Some(json!({"title": "T"}))).await.expect(201);
    assert_eq!(summary().await["tasks"], 2);
    world.ask("north", "DELETE /me/cases/case-1/tasks/task-1", None).await.expect(204);
    assert_eq!(summary().await["tasks"], 1);
    world.ask("north", "PATCH /me/cases/case-1", Some(json!({"title": "P"}))).await.expect(200);
    assert_eq!(summary().await["title"], "P");
    world.ask("north", "PUT /me/cases/case-1", Some(json!({"title": "Q"}))).await.expect(200);
    assert_eq!(summary().await["title"], "Q");
    world.ask("north", "POST /me/cases/case-1/close", None).await.expect(200);
    assert_eq!(summary().await["status"], "closed");
    world.ask("north", "DELETE /me/cases/case-1", None).await.expect(204);
    world.get("north", "/me/cases/case-1/summary").await.expect(404);
}

#[tokio::test]
async fn an_external_reference_is_taken_within_its_tenant_alone() {
    let world = World::new().await;
    let body = || Some(json!({"title": "T", "externalRef": "ONE"}));
    for who in ["north", "south"] {
        world.ask(who, "POST /me/cases", body()).await.expect(201);
        let conflict = world.ask(who, "POST /me/cases", body()).await;
        assert_eq!(conflict.headers["content-type"], "application/problem+json");
        assert_eq!(conflict.expect(409)["status"], 409);
        world.ask(who, "PUT /me/cases/case-1", body()).await.expect(409);
        world.ask(who, "PATCH /me/cases/case-1", Some(json!({"externalRef": "ONE"}))).await.expect(409);
    }
}

/// Asks for something else in the middle of the first `put`, after the summary was computed.
struct Late {
    inner: Arc<dyn SummaryCache>,
    meanwhile: Mutex<Option<(Router, Request<Body>)>>,
}

impl SummaryCache for Late {
    fn get(&self, scope: &TenantScope, case: &ResourceId) -> Option<CaseSummary> {
        self.inner.get(scope, case)
    }

    fn put(&self, scope: &TenantScope, summary: CaseSummary) {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some((router, request)) = meanwhile {
            let done = block_in_place(|| Handle::current().block_on(router.oneshot(request))).unwrap();
            assert!(done.status().is_success(), "{}", done.status());
        }
        self.inner.put(scope, summary);
    }

    fn evict(&self, scope: &TenantScope, case: &ResourceId) {
        self.inner.evict(scope, case);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_a_change_overtook_is_not_kept() {
    for (line, body, then) in [
        ("DELETE /me/cases/case-1", None, None),
        ("POST /me/cases/case-1/close", None, Some(("status", json!("closed")))),
        ("DELETE /me/cases/case-1/tasks/task-1", None, Some(("tasks", json!(0)))),
        ("PATCH /me/cases/case-1", Some(json!({"title": "P"})), Some(("title", json!("P")))),
    ] {
        let mut late = None;
        let world = World::with(|mut ports| {
            let between = Arc::new(Late { inner: Arc::clone(&ports.summaries), meanwhile: Mutex::new(None) });
            ports.summaries = Arc::<Late>::clone(&between);
            late = Some(between);
            ports
        })
        .await;
        *late.unwrap().meanwhile.lock().unwrap() = Some((world.router(), request(&worker("north"), line, body)));

        world.get("north", "/me/cases/case-1/summary").await.expect(200);
        let second = world.get("north", "/me/cases/case-1/summary").await;
        match then {
            None => drop(second.expect(404)),
            Some((field, value)) => assert_eq!(second.expect(200)[field], value, "{line}"),
        }
    }
}
