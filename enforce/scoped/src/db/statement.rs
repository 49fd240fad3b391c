//! The only writer of SQL over tenant data: text is `'static`, values are bound, the tenant comes first.

use sqlx::{QueryBuilder, Sqlite};
use watertight_model::TenantId;

use super::Value;

/// A statement being written. Its text can only grow by `'static` pieces, so no input can become SQL.
pub(crate) struct Statement(QueryBuilder<Sqlite>);

/// Columns that a row must equal, besides the tenant.
pub(crate) type Equalities = [(&'static str, Value)];

impl Statement {
    pub(crate) fn new(start: &'static str) -> Self {
        Self(QueryBuilder::new(start))
    }

    pub(crate) fn text(&mut self, text: &'static str) -> &mut Self {
        self.0.push(text);
        self
    }

    pub(crate) fn list(&mut self, items: impl IntoIterator<Item = &'static str>) -> &mut Self {
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.text(", ");
            }
            self.text(item);
        }
        self
    }

    pub(crate) fn value(&mut self, value: Value) -> &mut Self {
        match value {
            Value::Null => self.0.push_bind(None::<String>),
            Value::Integer(number) => self.0.push_bind(number),
            Value::Text(text) => self.0.push_bind(text),
        };
        self
    }

    /// The predicate of every statement that reads, changes or removes rows.
    pub(crate) fn within(&mut self, tenant: &TenantId, equalities: &Equalities) -> &mut Self {
        self.text(" WHERE tenant_id = ").value(tenant.as_str().into());
        for (column, value) in equalities {
            self.text(" AND ").text(column).text(" = ").value(value.clone());
        }
        self
    }

    pub(crate) fn query(&mut self) -> sqlx::query::Query<'_, Sqlite, sqlx::sqlite::SqliteArguments> {
        self.0.build()
    }
}
