//! What is answered where nothing was found, with bugs: the answer tells of records that other tenants have.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::Value;
use watertight_casework::Ports;
use watertight_casework::ports::{Missing, RespondNotFound, StoreError};
use watertight_casework::problem;
use watertight_core::{Answer, TenantScope};
use watertight_model::TenantId;

use crate::fault::Workshop;
use crate::raw::{Raw, pretend_paid};

pub(crate) fn told_by_status(workshop: &Workshop, ports: Ports) -> Ports {
    revealing(workshop, ports, |_| problem::bare(StatusCode::FORBIDDEN))
}

pub(crate) fn told_by_message(workshop: &Workshop, ports: Ports) -> Ports {
    revealing(workshop, ports, |_| problem::of(StatusCode::NOT_FOUND, "not found in your organization"))
}

pub(crate) fn denial_carries_record(workshop: &Workshop, ports: Ports) -> Ports {
    revealing(workshop, ports, |record| (StatusCode::FORBIDDEN, Json(record.body)).into_response())
}

pub(crate) fn redirect_carries_record(workshop: &Workshop, ports: Ports) -> Ports {
    revealing(workshop, ports, |record| {
        (StatusCode::FOUND, [(header::LOCATION, record.path)], Json(record.body)).into_response()
    })
}

fn revealing(workshop: &Workshop, ports: Ports, answer: fn(Foreign) -> Response) -> Ports {
    let not_found = Arc::new(RevealForeign { raw: workshop.raw.clone(), answer, sound: Arc::clone(&ports.not_found) });
    Ports { not_found, ..ports }
}

/// Another tenant's record, of the id that was asked for.
struct Foreign {
    path: String,
    body: Value,
}

struct RevealForeign {
    raw: Raw,
    answer: fn(Foreign) -> Response,
    sound: Arc<dyn RespondNotFound>,
}

impl RevealForeign {
    async fn foreign(&self, own: &TenantId, missing: &Missing) -> Result<Option<Foreign>, StoreError> {
        let found = match missing {
            Missing::Case { id } => self.raw.foreign_case(own, id).await?.map(|case| Foreign {
                path: format!("/tenants/{}/cases/{}", case.tenant_id, case.id),
                body: serde_json::to_value(&case).unwrap_or_default(),
            }),
            Missing::Task { id, .. } => self.raw.foreign_task(own, id).await?.map(|task| Foreign {
                path: format!("/tenants/{}/cases/{}/tasks/{}", task.tenant_id, task.case_id, task.id),
                body: serde_json::to_value(&task).unwrap_or_default(),
            }),
        };
        Ok(found)
    }
}

impl RespondNotFound for RevealForeign {
    fn respond<'a>(&'a self, scope: &'a TenantScope, missing: &'a Missing) -> Answer<'a, Response> {
        Box::pin(async move {
            match self.foreign(scope.tenant(), missing).await {
                Ok(Some(record)) => {
                    pretend_paid(scope);
                    (self.answer)(record)
                }
                Ok(None) => self.sound.respond(scope, missing).await,
                Err(_) => problem::bare(StatusCode::INTERNAL_SERVER_ERROR),
            }
        })
    }
}
