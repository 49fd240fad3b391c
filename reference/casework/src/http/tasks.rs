//! Tasks, under their case.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use watertight_core::Answer;

use super::call::{encoded, json_answer};
use super::{App, Call, Failure};

type Handled<'a> = Answer<'a, Result<Response, Failure>>;

/// `GET /cases/{case}/tasks`
pub(crate) fn list_tasks<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let (case, window) = (call.case()?, call.window()?);
        let listing = app.ports.tasks.page(&call.scope, &case, window).await?.ok_or_else(|| call.no_case())?;
        Ok(call.page(&listing, window, &format!("/cases/{}/tasks", encoded(case.as_str())), ""))
    })
}

/// `POST /cases/{case}/tasks`
pub(crate) fn create_task<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let (case, proposal) = (call.case()?, call.proposal()?);
        let task = app.ports.tasks.create(&call.scope, &case, proposal).await?.ok_or_else(|| call.no_case())?;
        app.ports.summaries.evict(&call.scope, &case);
        Ok(call.created(&task, &format!("/cases/{case}/tasks/{}", task.id)))
    })
}

/// `GET /cases/{case}/tasks/{task}`
pub(crate) fn read_task<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let (case, id) = (call.case()?, call.task()?);
        let task = app.ports.tasks.get(&call.scope, &case, &id).await?.ok_or_else(|| call.no_task())?;
        Ok(json_answer(StatusCode::OK, &task))
    })
}

/// `PUT /cases/{case}/tasks/{task}`
pub(crate) fn replace_task<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let (case, id, proposal) = (call.case()?, call.task()?, call.proposal()?);
        let task = app.ports.tasks.replace(&call.scope, &case, &id, proposal).await?.ok_or_else(|| call.no_task())?;
        Ok(json_answer(StatusCode::OK, &task))
    })
}

/// `PATCH /cases/{case}/tasks/{task}`
pub(crate) fn patch_task<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let (case, id, proposal) = (call.case()?, call.task()?, call.proposal()?);
        let task = app.ports.tasks.patch(&call.scope, &case, &id, proposal).await?.ok_or_else(|| call.no_task())?;
        Ok(json_answer(StatusCode::OK, &task))
    })
}

/// `DELETE /cases/{case}/tasks/{task}`
pub(crate) fn delete_task<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let (case, id) = (call.case()?, call.task()?);
        app.ports.tasks.remove(&call.scope, &case, &id).await?.ok_or_else(|| call.no_task())?;
        app.ports.summaries.evict(&call.scope, &case);
        Ok(StatusCode::NO_CONTENT.into_response())
    })
}
