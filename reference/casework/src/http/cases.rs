//! Cases.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use watertight_core::Answer;
use watertight_model::ResourceId;

use super::call::{encoded, json_answer};
use super::{App, Call, Failure};
use crate::domain::CaseSummary;
use crate::ports::StoreError;

type Handled<'a> = Answer<'a, Result<Response, Failure>>;

/// `GET /cases`
pub(crate) fn list_cases<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let window = call.window()?;
        let listing = app.ports.cases.page(&call.scope, window).await?;
        Ok(call.page(&listing, window, "/cases", ""))
    })
}

/// `POST /cases`
pub(crate) fn create_case<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let case = app.ports.cases.create(&call.scope, call.proposal()?).await?;
        Ok(call.created(&case, &format!("/cases/{}", case.id)))
    })
}

/// `GET /cases/{case}`
pub(crate) fn read_case<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let case = app.ports.cases.get(&call.scope, &call.case()?).await?.ok_or_else(|| call.no_case())?;
        Ok(json_answer(StatusCode::OK, &case))
    })
}

/// `PUT /cases/{case}`
pub(crate) fn replace_case<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let (id, proposal) = (call.case()?, call.proposal()?);
        let case = app.ports.cases.replace(&call.scope, &id, proposal).await?.ok_or_else(|| call.no_case())?;
        app.ports.summaries.evict(&call.scope, &id);
        Ok(json_answer(StatusCode::OK, &case))
    })
}

/// `PATCH /cases/{case}`
pub(crate) fn patch_case<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let (id, proposal) = (call.case()?, call.proposal()?);
        let case = app.ports.cases.patch(&call.scope, &id, proposal).await?.ok_or_else(|| call.no_case())?;
        app.ports.summaries.evict(&call.scope, &id);
        Ok(json_answer(StatusCode::OK, &case))
    })
}

/// `DELETE /cases/{case}`
pub(crate) fn delete_case<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let id = call.case()?;
        app.ports.cases.remove(&call.scope, &id).await?.ok_or_else(|| call.no_case())?;
        app.ports.summaries.evict(&call.scope, &id);
        Ok(StatusCode::NO_CONTENT.into_response())
    })
}

/// `POST /cases/{case}/close`
pub(crate) fn close_case<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let id = call.case()?;
        let case = app.ports.cases.close(&call.scope, &id).await?.ok_or_else(|| call.no_case())?;
        app.ports.summaries.evict(&call.scope, &id);
        Ok(json_answer(StatusCode::OK, &case))
    })
}

/// `POST /cases/close`
pub(crate) fn close_cases<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        for id in app.ports.cases.close_matching(&call.scope, &call.term()?).await? {
            app.ports.summaries.evict(&call.scope, &id);
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    })
}

/// `GET /cases/{case}/summary`
pub(crate) fn summarize_case<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let id = call.case()?;
        if let Some(held) = app.ports.summaries.get(&call.scope, &id) {
            return Ok(json_answer(StatusCode::OK, &held));
        }
        let summary = computed(app, call, &id).await?.ok_or_else(|| call.no_case())?;
        app.ports.summaries.put(&call.scope, summary.clone());
        // A change since the first look may have evicted before the put. One that commits after this look evicts after
        // it.
        let still_stands = matches!(computed(app, call, &id).await, Ok(Some(now)) if now == summary);
        if !still_stands {
            app.ports.summaries.evict(&call.scope, &id);
        }
        Ok(json_answer(StatusCode::OK, &summary))
    })
}

/// The summary as the stores have it now.
async fn computed(app: &App, call: &Call, id: &ResourceId) -> Result<Option<CaseSummary>, StoreError> {
    let Some(case) = app.ports.cases.get(&call.scope, id).await? else { return Ok(None) };
    let tasks = app.ports.tasks.count(&call.scope, id).await?;
    Ok(Some(CaseSummary { id: case.id, tenant_id: case.tenant_id, title: case.title, status: case.status, tasks }))
}

/// `GET /cases/facets`
pub(crate) fn count_cases<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move { Ok(json_answer(StatusCode::OK, &app.ports.cases.facets(&call.scope).await?)) })
}

/// `GET /search`
pub(crate) fn search_cases<'a>(app: &'a App, call: &'a Call) -> Handled<'a> {
    Box::pin(async move {
        let (term, window) = (call.term()?, call.window()?);
        let listing = app.ports.cases.search(&call.scope, &term, window).await?;
        Ok(call.page(&listing, window, "/search", &format!("q={}&", encoded(term.as_str()))))
    })
}
