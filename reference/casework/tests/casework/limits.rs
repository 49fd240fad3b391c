//! Bodies and queries at their bounds.

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::world::{World, request, worker};

fn raw(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/me/cases")
        .header("authorization", format!("Bearer {}", worker("north")))
        .header("content-type", content_type)
        .body(body.into())
        .unwrap()
}

#[tokio::test]
async fn fields_are_bounded_and_typed() {
    let world = World::new().await;
    for (body, says) in [
        (json!({}), "title is required"),
        (json!({"title": null}), "title must not be null"),
        (json!({"title": 7}), "title must be a text"),
        (json!({"title": ""}), "title must have 1 to 200 characters"),
        (json!({"title": "x".repeat(201)}), "title must have 1 to 200 characters"),
        (json!({"title": "a\u{0}b"}), "title must have 1 to 200 characters"),
        (json!({"title": "T", "externalRef": "x".repeat(101)}), "externalRef must have 1 to 100 characters"),
        (json!({"title": "T", "externalRef": {}}), "externalRef must be a text"),
    ] {
        let problem = world.ask("north", "POST /me/cases", Some(body)).await.expect(400);
        assert!(problem["detail"].as_str().unwrap().starts_with(says), "{problem}");
    }
    let most = json!({"title": "ä".repeat(200), "externalRef": "x".repeat(100)});
    world.ask("north", "POST /me/cases", Some(most)).await.expect(201);
    let status = json!({"title": "T", "status": "maybe"});
    world.ask("north", "PUT /me/cases/case-1/tasks/task-1", Some(status)).await.expect(400);
}

#[tokio::test]
async fn bodies_are_bounded_json_objects() {
    let world = World::new().await;
    for body in ["", "[]", "\"T\"", "{", "{\"title\":\"T\"} {}"] {
        world.send(raw("application/json", body)).await.expect(400);
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        world.send(raw(content_type, "{\"title\":\"T\"}")).await.expect(415);
    }
    world.send(raw("application/json; charset=utf-8", "{\"title\":\"T\"}")).await.expect(201);

    let padded = |length: usize| {
        let start = "{\"title\":\"T\"}";
        format!("{start}{}", " ".repeat(length - start.len()))
    };
    world.send(raw("application/json", padded(64 * 1024))).await.expect(201);
    world.send(raw("application/json", padded(64 * 1024 + 1))).await.expect(413);
}

#[tokio::test]
async fn queries_are_bounded() {
    let world = World::new().await;
    for query in [
        "cases?limit=0",
        "cases?limit=101",
        "cases?limit=-1",
        "cases?limit=",
        "cases?limit=1&limit=2",
        "cases?cursor=",
        "cases?cursor=case-1",
        "cases?cursor=%ff",
        "search",
        "search?q=",
        "search?q=a%00b",
        &format!("search?q={}", "x".repeat(201)),
    ] {
        let reply = world.get("north", &format!("/me/{query}")).await;
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{query}");
        reply.expect(400);
    }
    world.get("north", "/me/cases?limit=100&colour=red").await.expect(200);
}

#[tokio::test]
async fn bad_input_is_judged_only_after_the_door() {
    let world = World::new().await;
    for line in ["GET /tenants/agency-south/cases?limit=0", "POST /tenants/agency-south/cases"] {
        world.send(request(&worker("north"), line, None)).await.expect(403);
    }
}
