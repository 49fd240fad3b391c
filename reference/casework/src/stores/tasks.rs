//! Tasks in the database, each under a case of its own tenant.

use watertight_core::TenantScope;
use watertight_model::ResourceId;
use watertight_scoped::db::{Database, DbError, Record, Rows, Value};

use crate::domain::{Listing, Task, TaskStatus, Window, moment, moment_text, now};
use crate::draft::{Proposal, TaskChange, TaskContent};
use crate::ports::{StoreError, Stored, TaskStore};
use crate::tables::{CASES, TASKS};

/// Tasks in the database.
pub(crate) struct ScopedTasks(pub(crate) Database);

impl ScopedTasks {
    fn rows<'s>(&'s self, scope: &'s TenantScope, case: &ResourceId) -> Result<Rows<'s>, DbError> {
        self.0.for_scope(scope).rows(&TASKS).under(case)
    }
}

impl TaskStore for ScopedTasks {
    fn page<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        window: Window,
    ) -> Stored<'a, Option<Listing<Task>>> {
        Box::pin(async move {
            if self.0.for_scope(scope).rows(&CASES).get(case).await?.is_none() {
                return Ok(None);
            }
            let page = self.rows(scope, case)?.page(window.after, window.limit).await?;
            let items = page.items.iter().map(read).collect::<Result<_, _>>()?;
            Ok(Some(Listing { items, next: page.next, total: page.total }))
        })
    }

    fn count<'a>(&'a self, scope: &'a TenantScope, case: &'a ResourceId) -> Stored<'a, u64> {
        Box::pin(async move { Ok(self.rows(scope, case)?.count().await?) })
    }

    fn get<'a>(&'a self, scope: &'a TenantScope, case: &'a ResourceId, id: &'a ResourceId) -> Stored<'a, Option<Task>> {
        Box::pin(async move { found(self.rows(scope, case)?.get(id).await?) })
    }

    fn create<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        proposal: Proposal<TaskContent>,
    ) -> Stored<'a, Option<Task>> {
        Box::pin(async move {
            let mut values = content(&proposal.confirm(scope)?);
            values.push(("created_at", moment_text(now()).into()));
            match self.rows(scope, case)?.insert(values).await {
                Ok(record) => Ok(Some(read(&record)?)),
                Err(DbError::ParentAbsent { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn replace<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        id: &'a ResourceId,
        proposal: Proposal<TaskContent>,
    ) -> Stored<'a, Option<Task>> {
        Box::pin(async move {
            let values = content(&proposal.confirm(scope)?);
            found(self.rows(scope, case)?.update(id, values).await?)
        })
    }

    fn patch<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        id: &'a ResourceId,
        proposal: Proposal<TaskChange>,
    ) -> Stored<'a, Option<Task>> {
        Box::pin(async move {
            let change = proposal.confirm(scope)?;
            let title = change.title.map(|title| ("title", Value::from(title.as_str())));
            let status = change.status.map(|status| ("status", status.name().into()));
            found(self.rows(scope, case)?.update(id, title.into_iter().chain(status)).await?)
        })
    }

    fn remove<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        id: &'a ResourceId,
    ) -> Stored<'a, Option<Task>> {
        Box::pin(async move { found(self.rows(scope, case)?.delete(id).await?) })
    }
}

fn content(task: &TaskContent) -> Vec<(&'static str, Value)> {
    vec![("title", task.title.as_str().into()), ("status", task.status.name().into())]
}

fn found(record: Option<Record>) -> Result<Option<Task>, StoreError> {
    record.as_ref().map(read).transpose()
}

fn read(record: &Record) -> Result<Task, StoreError> {
    Ok(Task {
        id: record.id().clone(),
        tenant_id: record.tenant().clone(),
        case_id: record.parent().cloned().ok_or_else(|| misfit("case_id"))?,
        title: record.text("title")?.parse().map_err(|_| misfit("title"))?,
        status: TaskStatus::named(record.text("status")?).ok_or_else(|| misfit("status"))?,
        created_at: moment(record.text("created_at")?).ok_or_else(|| misfit("created_at"))?,
    })
}

fn misfit(column: &'static str) -> StoreError {
    DbError::Shape { table: TASKS.name(), column }.into()
}
