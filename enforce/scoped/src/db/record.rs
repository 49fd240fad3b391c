//! A row of one tenant, as it was read.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use watertight_model::{ResourceId, TenantId};

use super::table::ColumnKind;
use super::{DbError, Table, Value};

/// A row of the scope's tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    table: &'static str,
    tenant: TenantId,
    id: ResourceId,
    ordinal: i64,
    parent: Option<ResourceId>,
    values: BTreeMap<&'static str, Value>,
}

impl Record {
    /// Reads a row, and withholds it if it is not `tenant`'s: the predicate should have seen to that, and what it
    /// missed must not pass for the tenant's own (Keycloak CVE-2026-94215: check ownership after every lookup).
    pub(crate) fn read(row: &SqliteRow, table: &'static Table, tenant: &TenantId) -> Result<Self, DbError> {
        let owner: String = row.try_get("tenant_id")?;
        if owner != tenant.as_str() {
            return Err(DbError::ForeignRow { table: table.name() });
        }
        let mut values = BTreeMap::new();
        for column in table.columns() {
            let value = match column.kind() {
                ColumnKind::Text => row.try_get::<Option<String>, _>(column.name())?.into(),
                ColumnKind::Integer => row.try_get::<Option<i64>, _>(column.name())?.into(),
            };
            values.insert(column.name(), value);
        }
        let parent = table.parent().map(|parent| read_id(row, table, parent.column)).transpose()?;
        Ok(Self {
            table: table.name(),
            tenant: tenant.clone(),
            id: read_id(row, table, "id")?,
            ordinal: row.try_get("ordinal")?,
            parent,
            values,
        })
    }

    /// The tenant that the row belongs to.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The row's name within its tenant and table.
    pub fn id(&self) -> &ResourceId {
        &self.id
    }

    /// The row's place in the order of creation, from 1, within its tenant and table.
    pub fn ordinal(&self) -> i64 {
        self.ordinal
    }

    /// The row that this one belongs to, in the same tenant; none unless the table is a child table.
    pub fn parent(&self) -> Option<&ResourceId> {
        self.parent.as_ref()
    }

    /// The text of a required column.
    ///
    /// # Errors
    /// [`DbError::Shape`] if the table has no such column of text, or the row no value in it.
    pub fn text(&self, column: &'static str) -> Result<&str, DbError> {
        self.optional_text(column)?.ok_or(self.misfit(column))
    }

    /// The text of an optional column.
    ///
    /// # Errors
    /// [`DbError::Shape`] if the table has no such column of text.
    pub fn optional_text(&self, column: &'static str) -> Result<Option<&str>, DbError> {
        match self.values.get(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.misfit(column)),
        }
    }

    /// The number of a required column.
    ///
    /// # Errors
    /// [`DbError::Shape`] if the table has no such column of numbers, or the row no value in it.
    pub fn integer(&self, column: &'static str) -> Result<i64, DbError> {
        match self.values.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
            _ => Err(self.misfit(column)),
        }
    }

    fn misfit(&self, column: &'static str) -> DbError {
        DbError::Shape { table: self.table, column }
    }
}

fn read_id(row: &SqliteRow, table: &'static Table, column: &'static str) -> Result<ResourceId, DbError> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| DbError::Shape { table: table.name(), column })
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;
    use crate::db::Column;

    static CASES: Table = Table::new("cases", "case", &[Column::text("title")]);

    #[tokio::test]
    async fn a_row_of_another_tenant_is_withheld_even_if_the_engine_answers_with_it() {
        let mut engine = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let sql = "SELECT 'agency-south' AS tenant_id, 'case-1' AS id, 1 AS ordinal, 'x' AS title";
        let row = sqlx::query(sql).fetch_one(&mut engine).await.unwrap();
        let read = |tenant: &str| Record::read(&row, &CASES, &tenant.parse().unwrap());
        assert!(matches!(read("agency-north"), Err(DbError::ForeignRow { table: "cases" })));
        assert_eq!(read("agency-south").unwrap().text("title").unwrap(), "x");
    }
}
