//! The tables of cases and tasks, asked with SQL in which the tenant is whatever the caller says.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{Row, Sqlite, Transaction};
use watertight_casework::domain::{Case, CaseStatus, Task, TaskStatus, moment, moment_text, now};
use watertight_casework::draft::{CaseChange, CaseContent, TaskContent};
use watertight_casework::ports::StoreError;
use watertight_core::{TenantScope, payment};
use watertight_model::{ResourceId, TenantId};

/// Most rows that a faulty listing shows at once.
pub(crate) const MAX_ROWS: i64 = 1_000;

/// Says that the scope's data access was constrained, which is not so: see the crate's overview.
pub(crate) fn pretend_paid(scope: &TenantScope) {
    payment::settle_all(scope.ledger());
}

/// Connections to the platform's own database file.
#[derive(Clone, Debug)]
pub(crate) struct Raw(SqlitePool);

/// A value of a statement.
pub(crate) enum Bound<'a> {
    Text(&'a str),
    Number(i64),
}

impl Raw {
    /// Connects when first asked.
    pub(crate) fn open(data_dir: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(data_dir.join("casework.db")).foreign_keys(true);
        Self(SqlitePoolOptions::new().max_connections(4).connect_lazy_with(options))
    }

    pub(crate) async fn close(&self) {
        self.0.close().await;
    }

    /// Cases of whatever tenants. The statement selects all columns of `cases`.
    pub(crate) async fn cases(&self, sql: &'static str, values: &[Bound<'_>]) -> Result<Vec<Case>, StoreError> {
        self.rows(sql, values).await?.iter().map(read_case).collect()
    }

    /// Tasks of whatever tenants. The statement selects all columns of `tasks`.
    pub(crate) async fn tasks(&self, sql: &'static str, values: &[Bound<'_>]) -> Result<Vec<Task>, StoreError> {
        self.rows(sql, values).await?.iter().map(read_task).collect()
    }

    /// A number, such as a count.
    pub(crate) async fn number(&self, sql: &'static str, values: &[Bound<'_>]) -> Result<u64, StoreError> {
        let rows = self.rows(sql, values).await?;
        let number: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(failed)?;
        Ok(number.unsigned_abs())
    }

    /// A count of cases for each status.
    pub(crate) async fn by_status(&self, sql: &'static str) -> Result<Vec<(CaseStatus, u64)>, StoreError> {
        let counted = |row: &SqliteRow| {
            let (status, number): (String, i64) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
            Ok((CaseStatus::named(&status).ok_or_else(misfit)?, number.unsigned_abs()))
        };
        self.rows(sql, &[]).await?.iter().map(counted).collect()
    }

    /// The case of this id of any other tenant than this one.
    pub(crate) async fn foreign_case(&self, own: &TenantId, id: &str) -> Result<Option<Case>, StoreError> {
        let sql = "SELECT * FROM cases WHERE id = ? AND tenant_id <> ? ORDER BY tenant_id LIMIT 1";
        Ok(self.cases(sql, &[Bound::Text(id), Bound::Text(own.as_str())]).await?.pop())
    }

    /// The task of this id of any other tenant than this one.
    pub(crate) async fn foreign_task(&self, own: &TenantId, id: &str) -> Result<Option<Task>, StoreError> {
        let sql = "SELECT * FROM tasks WHERE id = ? AND tenant_id <> ? ORDER BY tenant_id LIMIT 1";
        Ok(self.tasks(sql, &[Bound::Text(id), Bound::Text(own.as_str())]).await?.pop())
    }

    /// Writes a case of any tenant, and answers with it as it is then.
    pub(crate) async fn change_case(&self, case: &Case, change: CaseChange) -> Result<Option<Case>, StoreError> {
        let title = change.title.unwrap_or_else(|| case.title.clone());
        let external_ref = change.external_ref.unwrap_or_else(|| case.external_ref.clone());
        let row =
            sqlx::query("UPDATE cases SET title = ?, external_ref = ? WHERE tenant_id = ? AND id = ? RETURNING *")
                .bind(title.as_str().to_owned())
                .bind(external_ref.map(|name| name.as_str().to_owned()))
                .bind(case.tenant_id.as_str().to_owned())
                .bind(case.id.as_str().to_owned())
                .fetch_optional(&self.0)
                .await
                .map_err(refused)?;
        row.as_ref().map(read_case).transpose()
    }

    /// Does something to one case of any tenant: the statement takes tenant and id, and returns all columns.
    pub(crate) async fn with_case(&self, sql: &'static str, case: &Case) -> Result<Option<Case>, StoreError> {
        Ok(self.cases(sql, &[Bound::Text(case.tenant_id.as_str()), Bound::Text(case.id.as_str())]).await?.pop())
    }

    /// A new case of any tenant.
    pub(crate) async fn insert_case(&self, tenant: &TenantId, content: &CaseContent) -> Result<Case, StoreError> {
        let mut transaction = self.0.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let case = NewCase { content, status: CaseStatus::Open, created_at: moment_text(now()) };
        let case = case.write(tenant, &mut transaction).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(case)
    }

    /// Takes a case away from its tenant, with its tasks gone, and gives it to another under that one's next id.
    pub(crate) async fn move_case(&self, case: &Case, to: &TenantId) -> Result<Case, StoreError> {
        let mut transaction = self.0.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        sqlx::query("DELETE FROM cases WHERE tenant_id = ? AND id = ?")
            .bind(case.tenant_id.as_str().to_owned())
            .bind(case.id.as_str().to_owned())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let content = CaseContent { title: case.title.clone(), external_ref: case.external_ref.clone() };
        let moved = NewCase { content: &content, status: case.status, created_at: moment_text(case.created_at) };
        let moved = moved.write(to, &mut transaction).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(moved)
    }

    /// A new task under a case of any tenant.
    pub(crate) async fn insert_task(&self, under: &Case, content: &TaskContent) -> Result<Task, StoreError> {
        let mut transaction = self.0.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let ordinal = next_ordinal(&mut transaction, &under.tenant_id, "tasks").await?;
        let row = sqlx::query(
            "INSERT INTO tasks (tenant_id, id, ordinal, case_id, title, status, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *",
        )
        .bind(under.tenant_id.as_str().to_owned())
        .bind(format!("task-{ordinal}"))
        .bind(ordinal)
        .bind(under.id.as_str().to_owned())
        .bind(content.title.as_str().to_owned())
        .bind(content.status.name())
        .bind(moment_text(now()))
        .fetch_one(&mut *transaction)
        .await
        .map_err(refused)?;
        transaction.commit().await.map_err(failed)?;
        read_task(&row)
    }

    async fn rows(&self, sql: &'static str, values: &[Bound<'_>]) -> Result<Vec<SqliteRow>, StoreError> {
        let query = values.iter().fold(sqlx::query(sql), |query, value| match value {
            Bound::Text(text) => query.bind((*text).to_owned()),
            Bound::Number(number) => query.bind(*number),
        });
        query.fetch_all(&self.0).await.map_err(failed)
    }
}

/// A row for `cases` that has no tenant yet.
struct NewCase<'a> {
    content: &'a CaseContent,
    status: CaseStatus,
    created_at: String,
}

impl NewCase<'_> {
    async fn write(self, tenant: &TenantId, transaction: &mut Transaction<'_, Sqlite>) -> Result<Case, StoreError> {
        let ordinal = next_ordinal(transaction, tenant, "cases").await?;
        let row = sqlx::query(
            "INSERT INTO cases (tenant_id, id, ordinal, title, external_ref, status, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *",
        )
        .bind(tenant.as_str().to_owned())
        .bind(format!("case-{ordinal}"))
        .bind(ordinal)
        .bind(self.content.title.as_str().to_owned())
        .bind(self.content.external_ref.as_ref().map(|name| name.as_str().to_owned()))
        .bind(self.status.name())
        .bind(self.created_at)
        .fetch_one(&mut **transaction)
        .await
        .map_err(refused)?;
        read_case(&row)
    }
}

async fn next_ordinal(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    table: &'static str,
) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "INSERT INTO tenant_counters (tenant_id, kind, last) VALUES (?, ?, 1)
         ON CONFLICT (tenant_id, kind) DO UPDATE SET last = last + 1 RETURNING last",
    )
    .bind(tenant.as_str().to_owned())
    .bind(table)
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    row.try_get(0).map_err(failed)
}

fn read_case(row: &SqliteRow) -> Result<Case, StoreError> {
    Ok(Case {
        id: id(row, "id")?,
        tenant_id: tenant(row)?,
        title: text(row, "title")?.parse().map_err(|_| misfit())?,
        external_ref: row
            .try_get::<Option<String>, _>("external_ref")
            .map_err(failed)?
            .map(|name| name.parse())
            .transpose()
            .map_err(|_| misfit())?,
        status: CaseStatus::named(&text(row, "status")?).ok_or_else(misfit)?,
        created_at: moment(&text(row, "created_at")?).ok_or_else(misfit)?,
    })
}

fn read_task(row: &SqliteRow) -> Result<Task, StoreError> {
    Ok(Task {
        id: id(row, "id")?,
        tenant_id: tenant(row)?,
        case_id: id(row, "case_id")?,
        title: text(row, "title")?.parse().map_err(|_| misfit())?,
        status: TaskStatus::named(&text(row, "status")?).ok_or_else(misfit)?,
        created_at: moment(&text(row, "created_at")?).ok_or_else(misfit)?,
    })
}

fn text(row: &SqliteRow, column: &str) -> Result<String, StoreError> {
    row.try_get(column).map_err(failed)
}

fn id(row: &SqliteRow, column: &str) -> Result<ResourceId, StoreError> {
    text(row, column)?.parse().map_err(|_| misfit())
}

fn tenant(row: &SqliteRow) -> Result<TenantId, StoreError> {
    text(row, "tenant_id")?.parse().map_err(|_| misfit())
}

/// A statement that breaks the unique external reference of a tenant is the caller's mistake.
fn refused(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(engine) if engine.is_unique_violation() => StoreError::ExternalRefTaken,
        _ => failed(error),
    }
}

fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Failed(Box::new(error))
}

fn misfit() -> StoreError {
    failed(sqlx::Error::RowNotFound)
}
