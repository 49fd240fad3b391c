//! Descriptions of tables, and the SQL that defines them.

/// Columns that every table has, and that no description may name.
const OWN_COLUMNS: [&str; 3] = ["tenant_id", "id", "ordinal"];

/// A table of tenant data. To be a `static`: names are checked then, at compile time.
///
/// Every table has `tenant_id`, `id` (as `case-7`, counted per tenant) and `ordinal` (that count) besides its own
/// columns; its primary key is (`tenant_id`, `id`). None of the three can be written by a caller.
#[derive(Debug)]
pub struct Table {
    name: &'static str,
    id_prefix: &'static str,
    columns: &'static [Column],
    parent: Option<Parent>,
}

/// The link from a child to its parent in the same tenant.
#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) column: &'static str,
    pub(crate) table: &'static Table,
}

/// A column of a [`Table`]: required text, unless a method says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    name: &'static str,
    kind: ColumnKind,
    presence: Presence,
    uniqueness: Uniqueness,
    search: Search,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Text,
    Integer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uniqueness {
    Repeatable,
    UniqueInTenant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Search {
    Skipped,
    Searched,
}

impl Column {
    /// A required column of text.
    ///
    /// # Panics
    /// At compile time (in a `static`) if the name is not `[a-z][a-z_]*`, or is one that every table has.
    pub const fn text(name: &'static str) -> Self {
        Self::of(name, ColumnKind::Text)
    }

    /// A required column of 64-bit integers.
    ///
    /// # Panics
    /// As [`Column::text`].
    pub const fn integer(name: &'static str) -> Self {
        Self::of(name, ColumnKind::Integer)
    }

    const fn of(name: &'static str, kind: ColumnKind) -> Self {
        assert_identifier(name);
        let mut at = 0;
        while at < OWN_COLUMNS.len() {
            #[expect(clippy::indexing_slicing, reason = "bounded by the loop; const fn has no iterators")]
            let own = OWN_COLUMNS[at];
            assert!(!same(name, own), "tenant_id, id and ordinal belong to every table: leave them out");
            at += 1;
        }
        Self { name, kind, presence: Presence::Required, uniqueness: Uniqueness::Repeatable, search: Search::Skipped }
    }

    /// May be without a value.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { presence: Presence::Optional, ..self }
    }

    /// No two rows of one tenant share a value. Rows of different tenants may, and neither can tell.
    #[must_use]
    pub const fn unique_in_tenant(self) -> Self {
        Self { uniqueness: Uniqueness::UniqueInTenant, ..self }
    }

    /// Looked through by [`crate::db::Rows::search`].
    #[must_use]
    pub const fn searched(self) -> Self {
        Self { search: Search::Searched, ..self }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) const fn kind(&self) -> ColumnKind {
        self.kind
    }

    pub(crate) fn is_required(&self) -> bool {
        self.presence == Presence::Required
    }

    pub(crate) fn is_searched(&self) -> bool {
        self.search == Search::Searched
    }

    fn is_unique(&self) -> bool {
        self.uniqueness == Uniqueness::UniqueInTenant
    }

    fn definition(&self) -> String {
        let kind = match self.kind {
            ColumnKind::Text => "TEXT",
            ColumnKind::Integer => "INTEGER",
        };
        let presence = if self.is_required() { " NOT NULL" } else { "" };
        format!("{} {kind}{presence}", self.name)
    }
}

impl Table {
    /// A table whose ids read `{id_prefix}-1`, `{id_prefix}-2` and so on, in each tenant.
    ///
    /// # Panics
    /// At compile time (in a `static`) if a name is not `[a-z][a-z_]*`.
    pub const fn new(name: &'static str, id_prefix: &'static str, columns: &'static [Column]) -> Self {
        assert_identifier(name);
        assert_identifier(id_prefix);
        Self { name, id_prefix, columns, parent: None }
    }

    /// Makes each row the child of a row of `table`, of the same tenant, named in `column`. The foreign key spans both
    /// columns, so no child can belong to another tenant's row; children are removed with their parent.
    ///
    /// # Panics
    /// As [`Table::new`].
    #[must_use]
    pub const fn child_of(self, column: &'static str, table: &'static Table) -> Self {
        assert_identifier(column);
        Self { parent: Some(Parent { column, table }), ..self }
    }

    /// The name of the table.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) const fn id_prefix(&self) -> &'static str {
        self.id_prefix
    }

    pub(crate) const fn columns(&self) -> &'static [Column] {
        self.columns
    }

    pub(crate) const fn parent(&self) -> Option<&Parent> {
        self.parent.as_ref()
    }

    pub(crate) fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The unique column that an engine's message names, as in `UNIQUE constraint failed: cases.tenant_id, cases.ref`.
    pub(crate) fn unique_column_in(&self, message: &str) -> Option<&'static str> {
        let named: Vec<&str> =
            message.split([' ', ',']).filter_map(|word| word.split_once('.')).map(|(_, c)| c).collect();
        self.columns.iter().filter(|column| column.is_unique()).map(Column::name).find(|name| named.contains(name))
    }

    /// The statements that define the table, to be run in this order.
    pub(crate) fn definition(&self) -> Vec<String> {
        let name = self.name;
        let mut lines = vec![
            "tenant_id TEXT NOT NULL".to_owned(),
            "id TEXT NOT NULL".to_owned(),
            "ordinal INTEGER NOT NULL CHECK (ordinal > 0)".to_owned(),
        ];
        lines.extend(self.parent.iter().map(|parent| format!("{} TEXT NOT NULL", parent.column)));
        lines.extend(self.columns.iter().map(Column::definition));
        lines.push("PRIMARY KEY (tenant_id, id)".to_owned());
        lines.push("UNIQUE (tenant_id, ordinal)".to_owned());
        lines.extend(
            self.columns.iter().filter(|column| column.is_unique()).map(|c| format!("UNIQUE (tenant_id, {})", c.name)),
        );
        lines.extend(self.parent.iter().map(|Parent { column, table }| {
            let table = table.name;
            format!("FOREIGN KEY (tenant_id, {column}) REFERENCES {table} (tenant_id, id) ON DELETE CASCADE")
        }));

        let mut statements = vec![format!(
            "CREATE TABLE IF NOT EXISTS {name} (\n    {}\n) STRICT, WITHOUT ROWID",
            lines.join(",\n    ")
        )];
        statements.extend(self.parent.iter().map(|Parent { column, .. }| {
            format!("CREATE INDEX IF NOT EXISTS {name}_by_parent ON {name} (tenant_id, {column}, ordinal)")
        }));
        statements
    }
}

/// Lets only `[a-z][a-z_]*` into SQL as an identifier.
const fn assert_identifier(name: &str) {
    let bytes = name.as_bytes();
    assert!(!bytes.is_empty() && bytes.len() <= 40, "an identifier has 1 to 40 letters");
    let mut at = 0;
    while at < bytes.len() {
        #[expect(clippy::indexing_slicing, reason = "bounded by the loop; const fn has no iterators")]
        let byte = bytes[at];
        assert!(byte.is_ascii_lowercase() || (at > 0 && byte == b'_'), "an identifier is [a-z][a-z_]*");
        at += 1;
    }
}

/// `==` on text, which const fn does not have.
const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        #[expect(clippy::indexing_slicing, reason = "bounded by the loop; const fn has no iterators")]
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    static CASES: Table =
        Table::new("cases", "case", &[Column::text("title"), Column::text("ref").optional().unique_in_tenant()]);
    static TASKS: Table = Table::new("tasks", "task", &[Column::text("title")]).child_of("case_id", &CASES);

    #[test]
    fn every_key_of_a_definition_begins_with_the_tenant() {
        let sql: String = [&CASES, &TASKS].iter().flat_map(|table| table.definition()).collect();
        let keys = ["PRIMARY KEY (", "UNIQUE (", "FOREIGN KEY (", "REFERENCES cases (", "ON tasks ("];
        for key in keys {
            let starts: Vec<&str> = sql.split(key).skip(1).collect();
            assert!(!starts.is_empty(), "{key} is gone from {sql}");
            assert!(starts.iter().all(|rest| rest.starts_with("tenant_id,")), "{key} in {sql}");
        }
    }

    #[test]
    #[should_panic(expected = "belong to every table")]
    fn a_description_cannot_name_the_tenant_column() {
        let _ = Column::text("tenant_id");
    }

    #[test]
    #[should_panic(expected = "[a-z][a-z_]*")]
    fn an_identifier_cannot_carry_sql() {
        let _ = Column::text("title; drop table cases");
    }

    #[test]
    fn a_unique_column_is_recognised_in_the_engine_message_by_its_whole_name() {
        let message = "UNIQUE constraint failed: cases.tenant_id, cases.ref";
        assert_eq!(CASES.unique_column_in(message), Some("ref"));
        assert_eq!(CASES.unique_column_in("UNIQUE constraint failed: cases.tenant_id, cases.reference"), None);
    }
}
