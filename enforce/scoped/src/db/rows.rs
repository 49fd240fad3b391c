//! One tenant's rows of one table: every statement says so itself.

use std::collections::BTreeMap;

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Row, Sqlite, Transaction};
use watertight_core::TenantScope;
use watertight_model::ResourceId;

use super::statement::Statement;
use super::table::ColumnKind;
use super::{Column, Cursor, DbError, Limit, MAX_TEXT_BYTES, Page, Record, SearchTerm, Table, Value, ValueRule};
use crate::payment;

/// Most groups that a count lists.
const MAX_GROUPS: u16 = 1_000;

/// This tenant's rows of a table, perhaps narrowed further. Every answer from within the tenant, including "nothing
/// there", pays the scope's owed terms; an error does not.
#[derive(Clone)]
pub struct Rows<'s> {
    pool: &'s SqlitePool,
    scope: &'s TenantScope,
    table: &'static Table,
    parent: Option<ResourceId>,
    equalities: Vec<(&'static str, Value)>,
}

impl<'s> Rows<'s> {
    pub(crate) fn new(pool: &'s SqlitePool, scope: &'s TenantScope, table: &'static Table) -> Self {
        Self { pool, scope, table, parent: None, equalities: Vec::new() }
    }

    /// Only the children of one parent. Rows inserted through the answer become its children.
    ///
    /// # Errors
    /// [`DbError::Parentage`] if the table is no child table, or a parent was named already.
    pub fn under(mut self, parent: &ResourceId) -> Result<Self, DbError> {
        let link = self.table.parent().filter(|_| self.parent.is_none()).ok_or(self.parentage())?;
        self.parent = Some(parent.clone());
        self.equalities.push((link.column, parent.as_str().into()));
        Ok(self)
    }

    /// Only the rows with this value in a column. Has no effect on [`Rows::insert`].
    ///
    /// # Errors
    /// [`DbError::UnknownColumn`] if the table describes no such column.
    pub fn matching(mut self, column: &'static str, value: impl Into<Value>) -> Result<Self, DbError> {
        let column = self.known(column)?.name();
        self.equalities.push((column, value.into()));
        Ok(self)
    }

    /// The row of this id, if it is the tenant's.
    ///
    /// # Errors
    /// [`DbError::NotForReading`], [`DbError::Engine`], [`DbError::Shape`].
    pub async fn get(&self, id: &ResourceId) -> Result<Option<Record>, DbError> {
        self.may_read()?;
        let mut statement = self.select();
        self.narrow(&mut statement).text(" AND id = ").value(id.as_str().into());
        let row = statement.query().fetch_optional(self.pool).await?;
        self.answer(row.map(|row| Record::read(&row, self.table, self.scope.tenant())).transpose()?)
    }

    /// A page of the rows, oldest first. A cursor says where to go on; every page carries the predicate anew.
    ///
    /// # Errors
    /// [`DbError::NotForReading`], [`DbError::Engine`], [`DbError::Shape`].
    pub async fn page(&self, after: Option<Cursor>, limit: Limit) -> Result<Page, DbError> {
        self.listing(None, after, limit).await
    }

    /// A page of the rows that contain the term in a searched column, without regard to ASCII case.
    ///
    /// # Errors
    /// [`DbError::NotForReading`], [`DbError::Engine`], [`DbError::Shape`].
    pub async fn search(&self, term: &SearchTerm, after: Option<Cursor>, limit: Limit) -> Result<Page, DbError> {
        self.listing(Some(term), after, limit).await
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// [`DbError::NotForReading`], [`DbError::Engine`].
    pub async fn count(&self) -> Result<u64, DbError> {
        self.may_read()?;
        let mut connection = self.pool.acquire().await?;
        let total = self.total(&mut connection, None).await?;
        self.answer(total)
    }

    /// How many rows there are for each value of a column.
    ///
    /// # Errors
    /// [`DbError::NotForReading`], [`DbError::UnknownColumn`], [`DbError::TooManyGroups`], [`DbError::Engine`].
    pub async fn count_by(&self, column: &'static str) -> Result<BTreeMap<Value, u64>, DbError> {
        self.may_read()?;
        let column = self.known(column)?;
        let mut statement = Statement::new("SELECT ");
        statement.text(column.name()).text(" AS value, count(*) AS number FROM ").text(self.table.name());
        self.narrow(&mut statement)
            .text(" GROUP BY ")
            .text(column.name())
            .text(" LIMIT ")
            .value((i64::from(MAX_GROUPS) + 1).into());
        let rows = statement.query().fetch_all(self.pool).await?;
        if rows.len() > usize::from(MAX_GROUPS) {
            return Err(DbError::TooManyGroups { table: self.table.name(), column: column.name() });
        }
        let mut counts = BTreeMap::new();
        for row in rows {
            let value = match column.kind() {
                ColumnKind::Text => row.try_get::<Option<String>, _>("value")?.into(),
                ColumnKind::Integer => row.try_get::<Option<i64>, _>("value")?.into(),
            };
            counts.insert(value, row.try_get::<i64, _>("number")?.unsigned_abs());
        }
        self.answer(counts)
    }

    /// Adds a row under an id of its own, the tenant's next, which no row of the tenant has ever had.
    ///
    /// # Errors
    /// [`DbError::Conflict`], [`DbError::ParentAbsent`], [`DbError::Value`], [`DbError::NotForWriting`],
    /// [`DbError::UnknownColumn`], [`DbError::Parentage`], [`DbError::Engine`]. The number is not used up then.
    pub async fn insert(
        &self,
        values: impl IntoIterator<Item = (&'static str, Value)> + Send,
    ) -> Result<Record, DbError> {
        self.may_write()?;
        let mut values = self.checked(values)?;
        let absent =
            self.table.columns().iter().find(|column| column.is_required() && !values.contains_key(column.name()));
        if let Some(column) = absent {
            return Err(self.broken(column.name(), ValueRule::Required));
        }
        match (self.table.parent(), &self.parent) {
            (Some(link), Some(parent)) => values.insert(link.column, parent.as_str().into()),
            (None, None) => None,
            _ => return Err(self.parentage()),
        };

        // A writer from its first statement on, so that it waits for its turn instead of failing when it would upgrade.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let ordinal = self.next_ordinal(&mut transaction).await?;
        let mut statement = self.insertion(ordinal, values);
        let row = statement.query().fetch_one(&mut *transaction).await.map_err(|error| self.refusal(error))?;
        let record = Record::read(&row, self.table, self.scope.tenant())?;
        transaction.commit().await?;
        self.answer(record)
    }

    /// Changes the named columns of the tenant's row of this id, and answers with the row as it is then; none if the
    /// tenant has no such row. Tenant, id and parent stay: no name reaches them.
    ///
    /// # Errors
    /// [`DbError::Conflict`], [`DbError::Value`], [`DbError::NotForWriting`], [`DbError::UnknownColumn`],
    /// [`DbError::Engine`].
    pub async fn update(
        &self,
        id: &ResourceId,
        values: impl IntoIterator<Item = (&'static str, Value)> + Send,
    ) -> Result<Option<Record>, DbError> {
        self.may_write()?;
        let values = self.checked(values)?;
        if values.is_empty() {
            return self.get(id).await;
        }
        let mut statement = Statement::new("UPDATE ");
        statement.text(self.table.name()).text(" SET ");
        for (at, (column, value)) in values.into_iter().enumerate() {
            statement.text(if at > 0 { ", " } else { "" }).text(column).text(" = ").value(value);
        }
        self.narrow(&mut statement).text(" AND id = ").value(id.as_str().into());
        self.returning(&mut statement);
        self.changed(statement).await
    }

    /// Removes the tenant's row of this id with its children, and answers with what it was; none if the tenant has no
    /// such row.
    ///
    /// # Errors
    /// [`DbError::NotForWriting`], [`DbError::Engine`].
    pub async fn delete(&self, id: &ResourceId) -> Result<Option<Record>, DbError> {
        self.may_write()?;
        let mut statement = Statement::new("DELETE FROM ");
        statement.text(self.table.name());
        self.narrow(&mut statement).text(" AND id = ").value(id.as_str().into());
        self.returning(&mut statement);
        self.changed(statement).await
    }

    async fn listing(&self, term: Option<&SearchTerm>, after: Option<Cursor>, limit: Limit) -> Result<Page, DbError> {
        self.may_read()?;
        // One transaction, so that the total is that of the rows shown.
        let mut transaction = self.pool.begin().await?;
        let total = self.total(&mut transaction, term).await?;

        let mut statement = self.select();
        self.narrow(&mut statement);
        self.containing(&mut statement, term);
        if let Some(cursor) = after {
            statement.text(" AND ordinal > ").value(cursor.ordinal().into());
        }
        // One row more than shown tells whether there is a next page.
        statement.text(" ORDER BY ordinal LIMIT ").value((i64::from(limit.rows()) + 1).into());
        let rows = statement.query().fetch_all(&mut *transaction).await?;
        transaction.commit().await?;

        let shown = usize::try_from(limit.rows()).unwrap_or(usize::MAX);
        let items = rows
            .iter()
            .take(shown)
            .map(|row| Record::read(row, self.table, self.scope.tenant()))
            .collect::<Result<Vec<_>, _>>()?;
        let next = items.last().filter(|_| rows.len() > shown).map(|last| Cursor::after(last.ordinal()));
        self.answer(Page { items, next, total })
    }

    async fn total(&self, connection: &mut SqliteConnection, term: Option<&SearchTerm>) -> Result<u64, DbError> {
        let mut statement = Statement::new("SELECT count(*) FROM ");
        statement.text(self.table.name());
        self.narrow(&mut statement);
        self.containing(&mut statement, term);
        let total: i64 = statement.query().fetch_one(connection).await?.try_get(0)?;
        Ok(total.unsigned_abs())
    }

    /// The tenant's next number in this table.
    async fn next_ordinal(&self, transaction: &mut Transaction<'_, Sqlite>) -> Result<i64, DbError> {
        let row = sqlx::query(
            "INSERT INTO tenant_counters (tenant_id, kind, last) VALUES (?, ?, 1)
             ON CONFLICT (tenant_id, kind) DO UPDATE SET last = last + 1 RETURNING last",
        )
        .bind(self.scope.tenant().as_str())
        .bind(self.table.name())
        .fetch_one(&mut **transaction)
        .await?;
        Ok(row.try_get("last")?)
    }

    fn insertion(&self, ordinal: i64, values: BTreeMap<&'static str, Value>) -> Statement {
        let mut statement = Statement::new("INSERT INTO ");
        statement.text(self.table.name()).text(" (tenant_id, id, ordinal");
        for column in values.keys() {
            statement.text(", ").text(column);
        }
        statement.text(") VALUES (").value(self.scope.tenant().as_str().into());
        statement.text(", ").value(format!("{}-{ordinal}", self.table.id_prefix()).into());
        statement.text(", ").value(ordinal.into());
        for value in values.into_values() {
            statement.text(", ").value(value);
        }
        statement.text(")");
        self.returning(&mut statement);
        statement
    }

    async fn changed(&self, mut statement: Statement) -> Result<Option<Record>, DbError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let row = statement.query().fetch_optional(&mut *transaction).await.map_err(|error| self.refusal(error))?;
        let record = row.map(|row| Record::read(&row, self.table, self.scope.tenant())).transpose()?;
        transaction.commit().await?;
        self.answer(record)
    }

    fn select(&self) -> Statement {
        let mut statement = Statement::new("SELECT ");
        statement.list(self.column_names()).text(" FROM ").text(self.table.name());
        statement
    }

    fn returning(&self, statement: &mut Statement) {
        statement.text(" RETURNING ").list(self.column_names());
    }

    fn column_names(&self) -> impl Iterator<Item = &'static str> + use<> {
        ["tenant_id", "id", "ordinal"]
            .into_iter()
            .chain(self.table.parent().map(|parent| parent.column))
            .chain(self.table.columns().iter().map(Column::name))
    }

    fn narrow<'a>(&self, statement: &'a mut Statement) -> &'a mut Statement {
        statement.within(self.scope.tenant(), &self.equalities)
    }

    fn containing(&self, statement: &mut Statement, term: Option<&SearchTerm>) {
        let Some(term) = term else { return };
        // Closed by a false term, so that a table without searched columns finds nothing instead of everything.
        statement.text(" AND (");
        for column in self.table.columns().iter().filter(|column| column.is_searched()) {
            statement.text(column.name()).text(" LIKE ").value(term.pattern().into()).text(" ESCAPE '\\' OR ");
        }
        statement.text("FALSE)");
    }

    /// Hands an answer from within the tenant to the caller, and pays for it.
    fn answer<T>(&self, answer: T) -> Result<T, DbError> {
        payment::pay(self.scope);
        Ok(answer)
    }

    /// The tenant's status was judged for the class of the operation, so a scope for signing in must not read.
    fn may_read(&self) -> Result<(), DbError> {
        if self.scope.may_read() {
            return Ok(());
        }
        Err(DbError::NotForReading { table: self.table.name(), class: self.scope.class() })
    }

    /// Likewise, a scope for reading must not write.
    fn may_write(&self) -> Result<(), DbError> {
        if self.scope.may_write() {
            return Ok(());
        }
        Err(DbError::NotForWriting { table: self.table.name(), class: self.scope.class() })
    }

    fn checked(
        &self,
        values: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<BTreeMap<&'static str, Value>, DbError> {
        let mut checked = BTreeMap::new();
        for (name, value) in values {
            let column = self.known(name)?;
            check(column, &value).map_err(|rule| self.broken(column.name(), rule))?;
            checked.insert(column.name(), value);
        }
        Ok(checked)
    }

    fn known(&self, name: &'static str) -> Result<&'static Column, DbError> {
        self.table.column(name).ok_or(DbError::UnknownColumn { table: self.table.name(), column: name })
    }

    fn refusal(&self, error: sqlx::Error) -> DbError {
        let table = self.table.name();
        let Some(engine) = error.as_database_error() else { return error.into() };
        if engine.is_unique_violation()
            && let Some(column) = self.table.unique_column_in(engine.message())
        {
            return DbError::Conflict { table, column };
        }
        if engine.is_foreign_key_violation()
            && let Some(parent) = self.table.parent()
        {
            return DbError::ParentAbsent { table, parent: parent.table.name() };
        }
        error.into()
    }

    fn broken(&self, column: &'static str, rule: ValueRule) -> DbError {
        DbError::Value { table: self.table.name(), column, rule }
    }

    fn parentage(&self) -> DbError {
        DbError::Parentage { table: self.table.name() }
    }
}

fn check(column: &Column, value: &Value) -> Result<(), ValueRule> {
    match (column.kind(), value) {
        (_, Value::Null) if column.is_required() => Err(ValueRule::Required),
        (_, Value::Null) | (ColumnKind::Integer, Value::Integer(_)) => Ok(()),
        (ColumnKind::Text, Value::Text(text)) if text.len() > MAX_TEXT_BYTES => Err(ValueRule::TooLong),
        (ColumnKind::Text, Value::Text(text)) if text.contains('\0') => Err(ValueRule::Nul),
        (ColumnKind::Text, Value::Text(_)) => Ok(()),
        (ColumnKind::Text, Value::Integer(_)) | (ColumnKind::Integer, Value::Text(_)) => Err(ValueRule::Kind),
    }
}
