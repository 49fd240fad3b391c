//! The OpenAPI document and the service, held against each other.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watertight_casework::Platform;
use watertight_casework::routes::ROUTES;

use crate::world::{World, config, request, worker};

const NOT_FOUND: &str = r#"{"type":"about:blank","title":"Not Found","status":404}"#;

/// `(method, path)` of every operation in the document.
fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, operations)| {
        operations.as_object().unwrap().keys().map(move |method| (method.to_ascii_uppercase(), path.clone()))
    });
    operations.collect()
}

fn filled(path: &str) -> String {
    path.replace("{tenant}", "agency-north").replace("{case}", "case-1").replace("{task}", "task-1")
}

async fn document(world: &World) -> Value {
    world.send(request("", "GET /openapi.json", None)).await.expect(200)
}

#[tokio::test]
async fn every_documented_operation_answers_as_documented() {
    for (method, path) in documented(&document(&World::new().await).await) {
        // A world each: some operations remove what others need.
        let world = World::new().await;
        let operation = document(&world).await["paths"][&path][method.to_ascii_lowercase()].clone();
        let body = operation.get("requestBody").map(|_| json!({"title": "T"}));
        let takes_term = path.ends_with("/search") || path.ends_with("/cases/close");
        let query = if takes_term { "?q=a" } else { "" };
        let line = format!("{method} {}{query}", filled(&path));
        let reply = world.send(request(&worker("north"), &line, body)).await;

        let success = &operation["responses"][reply.status.as_str()];
        assert!(reply.status.is_success() && success.is_object(), "{line}: {} {}", reply.status, reply.text());
        match success.pointer("/content/application~1json/schema/$ref") {
            None => assert!(reply.bytes.is_empty(), "{line}"),
            Some(reference) => conforms(&document(&world).await, reference.as_str().unwrap(), &reply.json(), &line),
        }
    }
}

/// Exactly the members that the schema has, all of them if it requires them.
fn conforms(document: &Value, reference: &str, body: &Value, line: &str) {
    let schema = document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"));
    let Some(properties) = schema["properties"].as_object() else { return };
    for required in schema["required"].as_array().unwrap() {
        assert!(body.get(required.as_str().unwrap()).is_some(), "{line}: {required} is missing from {body}");
    }
    for (name, value) in body.as_object().unwrap() {
        let property = properties.get(name).unwrap_or_else(|| panic!("{line}: {name} is not documented"));
        if let Some(item) = property.pointer("/items/$ref") {
            assert!(!value.as_array().unwrap().is_empty(), "{line} shows nothing");
            value.as_array().unwrap().iter().for_each(|it| conforms(document, item.as_str().unwrap(), it, line));
        }
    }
}

#[tokio::test]
async fn what_is_not_documented_is_not_served() {
    let world = World::new().await;
    let documented = documented(&document(&world).await);
    let paths: BTreeSet<&String> = documented.iter().map(|(_, path)| path).collect();
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if !documented.contains(&(method.to_owned(), path.clone())) {
                let line = format!("{method} {}", filled(path));
                world.send(request(&worker("north"), &line, Some(json!({"title": "T"})))).await.expect(405);
            }
        }
    }
    for path in [
        "/",
        "/tenants",
        "/tenants/agency-north",
        "/cases",
        "/me/",
        "/me/cases/",
        "//me/cases",
        "/tenants/agency-north/../agency-south/cases",
        "/tenants/agency-north/cases/case-1/notes",
    ] {
        let reply = world.get("north", path).await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (404, NOT_FOUND), "{path}");
    }
}

#[tokio::test]
async fn every_route_is_documented_once_with_scope_and_errors() {
    let document = document(&World::new().await).await;
    let mut ids = BTreeSet::new();
    for route in ROUTES {
        for path in route.paths() {
            let operation = &document["paths"][&path][route.verb.method().as_str().to_ascii_lowercase()];
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
            let needs = operation.pointer("/security/0/token/0").and_then(Value::as_str);
            assert_eq!(needs, route.scope(), "{path}");
            for status in route.scope().map_or(&[][..], |_| &["400", "401", "403"]) {
                assert!(operation["responses"].get(status).is_some(), "{path} {status}");
            }
        }
    }
    assert_eq!(documented(&document).len(), ids.len());
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
                Some(text) if name == "$ref" => found.push(text.to_owned()),
                _ => references(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document(&World::new().await).await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_its_body() {
    let world = World::new().await;
    let head = world.ask("north", "HEAD /me/cases/case-1", None).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    world.ask("north", "HEAD /tenants/agency-south/cases/case-1", None).await.expect(403);
}

#[tokio::test]
async fn a_started_platform_listens_on_loopback_until_it_is_shut_down() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let dir = tempfile::tempdir().unwrap();
    let running = Platform::start(&config(&dir), |sound| sound.ports()).await.unwrap();
    let addr = running.addr();
    assert!(addr.ip().is_loopback());
    assert_eq!(running.url(), format!("http://{addr}"));
    let ask = async |path: &str| {
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(ask("/health").await.starts_with("HTTP/1.1 200 OK"));
    assert!(ask("/me/cases").await.starts_with("HTTP/1.1 401 Unauthorized"));

    // A connection that stays open must not keep the platform running.
    let _idle = tokio::net::TcpStream::connect(addr).await.unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(10), running.shutdown()).await.unwrap();
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());

    let again = Platform::start(&config(&dir), |sound| sound.ports()).await;
    assert!(again.is_err_and(|error| error.to_string().contains("empty data folder")));
}
