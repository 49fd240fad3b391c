//! The OpenAPI document (3.1), made from [`ROUTES`].

use serde_json::{Map, Value, json};

use crate::domain::{ExternalRef, Title};
use crate::routes::{Mount, Parameter, ROUTES, Route, Schema, scopes};

/// The document.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        for path in route.paths() {
            let operations = paths.entry(path.clone()).or_insert_with(|| json!({}));
            if let Some(operations) = operations.as_object_mut() {
                operations.insert(route.verb.method().as_str().to_ascii_lowercase(), operation(route, &path));
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Casework",
            "summary": "Cases and tasks of several agencies on one platform",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "responses": {"Problem": {
                "description": "Problem details (RFC 9457)",
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            }},
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": format!("An access token of the tenant's issuer; scopes: {}",
                    scopes().into_iter().collect::<Vec<_>>().join(", ")),
            }},
        },
    })
}

fn operation(route: &Route, path: &str) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route, path),
        "summary": route.summary,
        "parameters": parameters(route, path),
        "responses": responses(route, path),
    });
    if let Some(fields) = operation.as_object_mut() {
        if let Some(body) = route.takes {
            fields.insert("requestBody".to_owned(), json!({"required": true, "content": content(body)}));
        }
        if let Some(scope) = route.scope() {
            fields.insert("security".to_owned(), json!([{"token": [scope]}]));
        }
    }
    operation
}

/// Unique in the document: an operation that has two mounts has a name at each.
fn operation_id(route: &Route, path: &str) -> String {
    let is_second = route.paths().len() > 1 && path == route.path_at(Mount::Me);
    if is_second { format!("{}OfMine", route.operation) } else { route.operation.to_owned() }
}

fn parameters(route: &Route, path: &str) -> Vec<Value> {
    let in_path = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    for parameter in route.query {
        match parameter {
            Parameter::Term => parameters.push(json!({
                "name": "q", "in": "query", "required": true,
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            })),
            Parameter::Window => parameters.extend([
                json!({"name": "limit", "in": "query",
                    "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}}),
                json!({"name": "cursor", "in": "query", "schema": {"type": "string"},
                    "description": "Opaque; taken from `next` of the page before"}),
            ]),
        }
    }
    parameters
}

fn responses(route: &Route, path: &str) -> Value {
    let mut responses = Map::new();
    let (status, body) = route.gives;
    let mut success = json!({"description": "Done"});
    if let (Some(fields), Some(body)) = (success.as_object_mut(), body) {
        fields.insert("content".to_owned(), content(body));
    }
    responses.insert(status.to_string(), success);

    let is_scoped = route.scope().is_some();
    let possible = [
        (400, is_scoped),
        (401, is_scoped),
        (403, is_scoped),
        (404, path.contains("{case}")),
        (409, matches!(route.takes, Some(Schema::CaseContent | Schema::CaseChange))),
        (413, is_scoped),
        (415, is_scoped),
        (503, is_scoped),
    ];
    for (status, _) in possible.into_iter().filter(|(_, possible)| *possible) {
        responses.insert(status.to_string(), json!({"$ref": "#/components/responses/Problem"}));
    }
    Value::Object(responses)
}

fn content(body: Schema) -> Value {
    json!({"application/json": {"schema": reference(name(body))}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

const fn name(schema: Schema) -> &'static str {
    match schema {
        Schema::Case => "Case",
        Schema::CaseContent => "CaseContent",
        Schema::CaseChange => "CaseChange",
        Schema::CaseList => "CaseList",
        Schema::CaseSummary => "CaseSummary",
        Schema::Facets => "Facets",
        Schema::Task => "Task",
        Schema::TaskContent => "TaskContent",
        Schema::TaskChange => "TaskChange",
        Schema::TaskList => "TaskList",
        Schema::Principal => "Principal",
        Schema::Health => "Health",
        Schema::Document => "Document",
    }
}

fn schemas() -> Value {
    let id = json!({"type": "string", "description": "Counted per tenant"});
    let tenant = json!({"type": "string"});
    let named_tenant = json!({"type": "string", "description": "If given, the caller's own tenant"});
    let title = json!({"type": "string", "minLength": 1, "maxLength": Title::MAX_CHARS});
    let external_ref = json!({
        "type": ["string", "null"], "minLength": 1, "maxLength": ExternalRef::MAX_CHARS,
        "description": "Unique within the tenant",
    });
    let case_status = json!({"type": "string", "enum": ["open", "closed"]});
    let task_status = json!({"type": "string", "enum": ["open", "done"]});
    let moment = json!({"type": "string", "format": "date-time"});
    let number = json!({"type": "integer", "minimum": 0});
    let text = json!({"type": "string"});
    json!({
        "Case": object(&["id", "tenantId", "title", "externalRef", "status", "createdAt"], json!({
            "id": id, "tenantId": tenant, "title": title, "externalRef": external_ref,
            "status": case_status, "createdAt": moment,
        })),
        "CaseContent": object(&["title"], json!({
            "title": title, "externalRef": external_ref, "tenantId": named_tenant,
        })),
        "CaseChange": object(&[], json!({
            "title": title, "externalRef": external_ref, "tenantId": named_tenant,
        })),
        "CaseList": list("Case"),
        "CaseSummary": object(&["id", "tenantId", "title", "status", "tasks"], json!({
            "id": id, "tenantId": tenant, "title": title, "status": case_status, "tasks": number,
        })),
        "Facets": object(&["total", "status"], json!({
            "total": number,
            "status": {"type": "object", "additionalProperties": number},
        })),
        "Task": object(&["id", "tenantId", "caseId", "title", "status", "createdAt"], json!({
            "id": id, "tenantId": tenant, "caseId": id, "title": title, "status": task_status, "createdAt": moment,
        })),
        "TaskContent": object(&["title"], json!({
            "title": title, "status": task_status, "tenantId": named_tenant,
        })),
        "TaskChange": object(&[], json!({"title": title, "status": task_status, "tenantId": named_tenant})),
        "TaskList": list("Task"),
        "Principal": object(&["tenantId", "subject", "clientId", "scopes"], json!({
            "tenantId": tenant, "subject": text, "clientId": text, "scopes": {"type": "array", "items": text},
        })),
        "Health": object(&["status"], json!({"status": text})),
        "Document": {"type": "object"},
        "Problem": object(&["type", "title", "status"], json!({
            "type": text, "title": text, "status": number, "detail": text,
        })),
    })
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

fn list(item: &str) -> Value {
    object(
        &["items", "next", "total"],
        json!({
            "items": {"type": "array", "items": reference(item)},
            "next": {"type": ["string", "null"], "description": "Path and query of the next page"},
            "total": {"type": "integer", "minimum": 0},
        }),
    )
}
