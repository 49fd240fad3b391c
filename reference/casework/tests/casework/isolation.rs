//! What an agency is answered about another's data: the same as about an agency that does not exist.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderValue, Request};
use serde_json::{Value, json};
use watertight_casework::routes::{ROUTES, Verb};
use watertight_model::{TenantId, TenantStatus};

use crate::world::{Reply, SHARED, World, norths_worker_in, request, signed, token, worker};

/// Every scoped operation, as a line with this tenant and these ids, and a body that it would take.
fn operations(base: &str) -> Vec<(String, Option<Value>)> {
    let scoped = ROUTES.iter().filter(|route| route.scope().is_some() && route.operation != "whoami");
    let lines = scoped.map(|route| {
        let path = route.path.replace("{case}", "case-1").replace("{task}", "task-1");
        let query = if route.operation == "searchCases" { "?q=a" } else { "" };
        let line = format!("{} {base}{path}{query}", route.verb.method());
        (line, route.takes.map(|_| json!({"title": "taken over"})))
    });
    lines.collect()
}

/// Everything that an agency can see of itself.
async fn state(world: &World, who: &str) -> Vec<Reply> {
    let mut seen = Vec::new();
    for path in ["cases", "cases/facets", "search?q=a", "cases/case-1", "cases/case-1/tasks", "cases/case-1/summary"] {
        seen.push(world.get(who, &format!("/me/{path}")).await);
    }
    seen
}

#[tokio::test]
async fn every_operation_is_denied_alike_at_a_foreign_and_at_no_tenant() {
    let world = World::new().await;
    let before = state(&world, "south").await;
    assert!(operations("").len() >= 16);
    // The first stops at the contradiction of claim and path. The others agree with the path and get as far as the
    // directory: client and member are north's in the second, the member alone in the third.
    let tokens: [fn(&str) -> String; 3] = [
        |_| worker("north"),
        norths_worker_in,
        |tenant| {
            signed(&json!({
                "iss": SHARED, "tenant_id": tenant, "scope": "case:read case:write",
                "client_id": "south-worker", "sub": "svc-north-worker",
            }))
        },
    ];
    for token in tokens {
        for ((foreign, body), (nobody, _)) in
            operations("/tenants/agency-south").into_iter().zip(operations("/tenants/agency-nobody"))
        {
            let foreign_reply = world.send(request(&token("agency-south"), &foreign, body.clone())).await;
            let nobody_reply = world.send(request(&token("agency-nobody"), &nobody, body)).await;
            assert_eq!(foreign_reply.status, 403, "{foreign}");
            assert_eq!(foreign_reply, nobody_reply, "{foreign}");
            assert!(!foreign_reply.text().contains("agency"), "{}", foreign_reply.text());
        }
    }
    assert_eq!(state(&world, "south").await, before);
}

#[tokio::test]
async fn a_foreign_id_in_the_own_tenant_is_answered_as_one_that_is_nobodys() {
    let world = World::new().await;
    let before = state(&world, "west").await;
    // North has cases 1 to 3, west 1 to 5.
    for (line, body) in operations("/me").into_iter().filter(|(line, _)| line.contains("case-1")) {
        let foreign = world.ask("north", &line.replace("case-1", "case-5"), body.clone()).await;
        let nobodys = world.ask("north", &line.replace("case-1", "case-77"), body.clone()).await;
        let no_id = world.ask("north", &line.replace("case-1", &"x".repeat(300)), body).await;
        assert_eq!(foreign.status, 404, "{line}");
        assert_eq!(foreign, nobodys, "{line}");
        assert_eq!(foreign, no_id, "{line}");
    }
    assert_eq!(state(&world, "west").await, before);
}

#[tokio::test]
async fn the_same_id_shows_each_agency_its_own_case_also_through_the_cache() {
    let world = World::new().await;
    for _ in 0..2 {
        for who in ["north", "south", "west"] {
            for path in ["/me/cases/case-1", "/me/cases/case-1/summary", "/me/cases/case-1/tasks/task-1"] {
                let seen = world.get(who, path).await.expect(200);
                assert_eq!(seen["tenantId"], format!("agency-{who}"));
                assert!(seen["title"].as_str().unwrap().to_lowercase().contains(&format!("agency {who}")), "{seen}");
            }
        }
    }
}

#[tokio::test]
async fn lists_searches_and_counts_show_own_cases_alone() {
    let world = World::new().await;
    for (who, cases) in [("north", 3), ("south", 4), ("west", 5)] {
        for path in ["cases", "search?q=agency", "search?q=REF-"] {
            let list = world.get(who, &format!("/me/{path}")).await.expect(200);
            assert_eq!(list["total"], cases, "{who} {path}");
            let items = list["items"].as_array().unwrap();
            assert_eq!(items.len(), cases);
            assert!(items.iter().all(|case| case["tenantId"] == format!("agency-{who}")));
        }
        assert_eq!(world.get(who, "/me/cases/facets").await.expect(200)["total"], cases);
    }
}

#[tokio::test]
async fn a_cursor_of_another_agency_shows_own_cases_alone() {
    let world = World::new().await;
    let souths = world.get("south", "/me/cases?limit=2").await.expect(200)["next"].as_str().unwrap().to_owned();
    let list = world.get("north", &souths).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["tenantId"], "agency-north");
}

#[tokio::test]
async fn a_body_that_names_another_tenant_stores_nothing_and_one_that_agrees_does() {
    let world = World::new().await;
    let (north, south) = (state(&world, "north").await, state(&world, "south").await);
    let lines = [
        "POST /me/cases",
        "PUT /me/cases/case-1",
        "PATCH /me/cases/case-1",
        "POST /me/cases/case-1/tasks",
        "PUT /me/cases/case-1/tasks/task-1",
        "PATCH /me/cases/case-1/tasks/task-1",
        "POST /me/cases/case-1/close",
        "DELETE /me/cases/case-1/tasks/task-1",
        "DELETE /me/cases/case-1",
    ];
    let mut denials = Vec::new();
    for line in lines {
        for named in
            [json!("agency-south"), json!("agency-nobody"), json!(""), json!(null), json!(7), json!(["agency-north"])]
        {
            let body = json!({"title": "moved", "tenantId": named});
            denials.push(world.ask("north", line, Some(body)).await);
        }
    }
    assert!(denials.iter().all(|reply| reply.status == 403 && *reply == denials[0]), "{denials:#?}");
    assert_eq!((state(&world, "north").await, state(&world, "south").await), (north, south));

    for line in lines {
        let body = json!({"title": "kept", "tenantId": "Agency-North"});
        let kept = world.ask("north", line, Some(body)).await;
        assert!(kept.status.is_success(), "{line}: {}", kept.text());
        if kept.status != 204 {
            assert_eq!(kept.json()["tenantId"], "agency-north");
        }
    }
}

/// Every line that would succeed without a body, or with one that says no more than a title.
const CHANGES: [&str; 5] = [
    "POST /me/cases",
    "PATCH /me/cases/case-1",
    "POST /me/cases/case-1/close",
    "DELETE /me/cases/case-1/tasks/task-1",
    "DELETE /me/cases/case-1",
];

fn with_body(line: &str, body: &str) -> Request<Body> {
    let mut request = request(&worker("north"), line, Some(Value::Null));
    *request.body_mut() = Body::from(body.to_owned());
    request
}

/// Who reads the first of two equal names sees another tenant than who reads the last.
#[tokio::test]
async fn a_body_that_says_anything_twice_is_a_bad_request() {
    let world = World::new().await;
    let before = state(&world, "north").await;
    for line in CHANGES {
        for body in [
            r#"{"tenantId":"agency-south","title":"T","tenantId":"agency-north"}"#,
            r#"{"tenantId":"agency-north","title":"T","tenantId":"agency-north"}"#,
            r#"{"tenantId":"agency-south","title":"T","t\u0065nantId":"agency-north"}"#,
            r#"{"title":"S","title":"T"}"#,
            r#"{"title":"T","note":{"a":1,"a":2}}"#,
        ] {
            assert_eq!(world.send(with_body(line, body)).await.status, 400, "{line} {body}");
        }
    }
    assert_eq!(state(&world, "north").await, before);
}

#[tokio::test]
async fn an_operation_that_takes_no_body_still_hears_one() {
    let world = World::new().await;
    let before = state(&world, "north").await;
    for (line, _) in operations("/me").into_iter().filter(|(_, body)| body.is_none()) {
        world.send(with_body(&line, r#"{"tenantId":"agency-south"}"#)).await.expect(403);
        for body in ["[]", "null", "tenantId=agency-south", "{"] {
            assert_eq!(world.send(with_body(&line, body)).await.status, 400, "{line} {body}");
        }
        let mut form = with_body(&line, "tenantId=agency-south");
        form.headers_mut().insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
        world.send(form).await.expect(415);
    }
    assert_eq!(state(&world, "north").await, before);
    for body in ["", "{}", r#"{"tenantId":"agency-north"}"#] {
        world.send(with_body("POST /me/cases/case-1/close", body)).await.expect(200);
    }
}

/// `null`, `true` and `12345` are names that a tenant may have; written without quotes they are no names.
#[tokio::test]
async fn a_tenant_in_a_body_that_is_no_text_never_agrees() {
    for (name, unquoted) in [("null", json!(null)), ("true", json!(true)), ("12345", json!(12345))] {
        let world = World::with_agency(name).await;
        for line in CHANGES {
            let body = json!({"title": "T", "tenantId": unquoted});
            let reply = world.send(request(&norths_worker_in(name), line, Some(body))).await;
            assert_eq!(reply.status, 403, "{line} in {name}: {}", reply.text());
        }
        let body = json!({"title": "T", "tenantId": name});
        world.send(request(&norths_worker_in(name), "POST /me/cases", Some(body))).await.expect(201);
    }
}

#[tokio::test]
async fn headers_and_query_never_choose_the_tenant() {
    let world = World::new().await;
    let named = |name: &'static str, value: &'static str| {
        let mut request = request(&worker("north"), "GET /me/cases/case-1", None);
        request.headers_mut().insert(name, HeaderValue::from_static(value));
        request
    };
    world.send(named("x-tenant-id", "agency-south")).await.expect(403);
    world.get("north", "/me/cases/case-1?tenantId=agency-south").await.expect(403);
    world.send(named("x-tenant-id", "agency-north")).await.expect(200);
    for (name, value) in
        [("x-forwarded-host", "agency-south.example"), ("x-original-url", "/tenants/agency-south/cases/case-1")]
    {
        assert_eq!(world.send(named(name, value)).await.expect(200)["tenantId"], "agency-north", "{name}");
    }
}

#[tokio::test]
async fn a_token_without_a_tenant_opens_nothing() {
    let world = World::new().await;
    let nameless = signed(&json!({
        "iss": SHARED, "scope": "case:read case:write", "client_id": "north-worker", "sub": "svc-north-worker",
    }));
    for line in ["GET /me", "GET /me/cases", "GET /me/cases/case-1", "POST /me/cases"] {
        let body = line.starts_with("POST").then(|| json!({"title": "T"}));
        world.send(request(&nameless, line, body)).await.expect(401);
    }
    let mut named = request(&nameless, "GET /me/cases", None);
    named.headers_mut().insert("x-tenant-id", HeaderValue::from_static("agency-north"));
    world.send(named).await.expect(401);
    for line in ["GET /tenants//cases", "GET /tenants/%20/cases"] {
        world.send(request(&nameless, line, None)).await.expect(403);
        world.ask("north", line, None).await.expect(403);
    }
}

#[tokio::test]
async fn no_token_opens_nothing_and_learns_nothing() {
    let world = World::new().await;
    let mut replies = Vec::new();
    for base in ["/me", "/tenants/agency-south", "/tenants/agency-nobody"] {
        for (line, body) in operations(base) {
            replies.push(world.send(request("", &line, body)).await);
        }
    }
    assert!(replies.iter().all(|reply| reply.status == 401 && *reply == replies[0]));
}

#[tokio::test]
async fn a_member_of_another_agency_is_none_here_even_with_a_matching_claim() {
    let world = World::new().await;
    let crossed = signed(&json!({
        "iss": SHARED, "tenant_id": "agency-south", "scope": "case:read",
        "client_id": "north-worker", "sub": "svc-north-worker",
    }));
    world.send(request(&crossed, "GET /me/cases", None)).await.expect(403);
}

#[tokio::test]
async fn readers_and_reading_tokens_change_nothing() {
    let world = World::new().await;
    let before = state(&world, "north").await;
    let by_role = token("north", "reader", "case:read case:write");
    let by_scope = token("north", "worker", "case:read");
    for token in [by_role, by_scope] {
        for (line, body) in operations("/me") {
            let expected = if line.starts_with("GET") { 200 } else { 403 };
            assert_eq!(world.send(request(&token, &line, body)).await.status, expected, "{line}");
        }
    }
    let only_writes = token("north", "worker", "case:write");
    world.send(request(&only_writes, "GET /me/cases", None)).await.expect(403);
    assert_eq!(state(&world, "north").await, before);
}

#[tokio::test]
async fn a_status_holds_from_the_next_request_on() {
    let world = World::new().await;
    let south: TenantId = "agency-south".parse().unwrap();
    for (status, read, write) in [
        (TenantStatus::ReadOnly, 200, 403),
        (TenantStatus::Suspended, 403, 403),
        (TenantStatus::Disabled, 403, 403),
        (TenantStatus::Active, 200, 200),
    ] {
        world.sound.control.set_status(&south, status).await.unwrap();
        assert_eq!(world.get("south", "/me/cases/case-1").await.status, read, "{status}");
        assert_eq!(world.ask("south", "POST /me/cases/case-1/close", None).await.status, write, "{status}");
        assert_eq!(world.get("north", "/me/cases").await.status, 200);
    }
}

#[tokio::test]
async fn who_am_i_says_what_the_token_says() {
    let world = World::new().await;
    let scopes = json!(["case:read", "case:write"]);
    assert_eq!(
        world.get("west", "/me").await.expect(200),
        json!({"tenantId": "agency-west", "subject": "svc-west-worker", "clientId": "west-worker", "scopes": scopes})
    );
}

#[tokio::test]
async fn an_answer_from_unconstrained_data_never_leaves() {
    struct Careless(watertight_casework::domain::CaseSummary);
    impl watertight_casework::ports::SummaryCache for Careless {
        fn get(
            &self,
            _: &watertight_core::TenantScope,
            _: &watertight_model::ResourceId,
        ) -> Option<watertight_casework::domain::CaseSummary> {
            Some(self.0.clone())
        }
        fn put(&self, _: &watertight_core::TenantScope, _: watertight_casework::domain::CaseSummary) {}
        fn evict(&self, _: &watertight_core::TenantScope, _: &watertight_model::ResourceId) {}
    }
    let summary = watertight_casework::domain::CaseSummary {
        id: "case-1".parse().unwrap(),
        tenant_id: "agency-south".parse().unwrap(),
        title: "south's own".parse().unwrap(),
        status: watertight_casework::domain::CaseStatus::Open,
        tasks: 1,
    };
    let world = World::with(|mut ports| {
        ports.summaries = Arc::new(Careless(summary));
        ports
    })
    .await;
    let reply = world.get("north", "/me/cases/case-1/summary").await;
    assert_eq!(reply.status, 500);
    assert!(!reply.text().contains("south"), "{}", reply.text());
}

#[test]
fn operations_of_this_file_reach_every_verb() {
    for verb in [Verb::Get, Verb::Post, Verb::Put, Verb::Patch, Verb::Delete] {
        assert!(operations("").iter().any(|(line, _)| line.starts_with(verb.method().as_str())));
    }
}
