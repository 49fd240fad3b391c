//! What can go wrong with tenant data, split by who is to blame.

use watertight_model::OperationClass;

/// An operation on tenant data failed. Nothing was changed, and nothing of any tenant is in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// Another row of the same tenant has this value; choose another one.
    #[error("another row of {table} in this tenant has the same {column}; choose another value")]
    Conflict {
        /// The table.
        table: &'static str,
        /// The column that must be unique.
        column: &'static str,
    },
    /// The tenant has no such parent. A foreign parent and one that does not exist look the same.
    #[error("a row of {table} needs a row of {parent} in the same tenant, and there is none of that id")]
    ParentAbsent {
        /// The table of the child.
        table: &'static str,
        /// The table of the parent.
        parent: &'static str,
    },
    /// The value breaks a rule of its column.
    #[error("column {column} of {table}: {rule}")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The rule broken.
        rule: ValueRule,
    },
    /// The scope was not opened for reading the tenant's data: [`watertight_core::TenantScope::may_read`].
    #[error(
        "a scope of class {class} tried to read {table}, which it may not in the tenant's status; let the route ask for a reading class"
    )]
    NotForReading {
        /// The table.
        table: &'static str,
        /// The class that the scope was permitted for.
        class: OperationClass,
    },
    /// The scope was not opened for changing the tenant's data: [`watertight_core::TenantScope::may_write`].
    #[error(
        "a scope of class {class} tried to change {table}, which it may not in the tenant's status; let the route ask for a writing class"
    )]
    NotForWriting {
        /// The table.
        table: &'static str,
        /// The class that the scope was permitted for.
        class: OperationClass,
    },
    /// The program named a column that the table does not describe.
    #[error("table {table} has no column {column} that can be used here; fix the caller")]
    UnknownColumn {
        /// The table.
        table: &'static str,
        /// The name given.
        column: &'static str,
    },
    /// The program made a row of a child table without its parent, or named a parent where there is none.
    #[error("table {table}: a parent belongs to each row of a child table, and to no other; fix the caller")]
    Parentage {
        /// The table.
        table: &'static str,
    },
    /// The stored row does not fit the table's description.
    #[error("a stored row of {table} does not fit its description at {column}; restore it from a backup")]
    Shape {
        /// The table.
        table: &'static str,
        /// The column that does not fit.
        column: &'static str,
    },
    /// The engine answered with a row of another tenant, which was withheld.
    #[error("the engine answered a statement on {table} with a row of another tenant; it was withheld")]
    ForeignRow {
        /// The table.
        table: &'static str,
    },
    /// More groups than a count may list.
    #[error("column {column} of {table} holds too many different values to count by")]
    TooManyGroups {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The engine failed or cannot be reached.
    #[error("the database failed: {0}")]
    Engine(#[from] sqlx::Error),
}

/// A rule that a value can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueRule {
    /// A required column was left without a value.
    #[error("a value is required")]
    Required,
    /// Text where a number belongs, or the reverse.
    #[error("the value is of the wrong kind")]
    Kind,
    /// Text longer than [`crate::db::MAX_TEXT_BYTES`].
    #[error("text has at most {} bytes", crate::db::MAX_TEXT_BYTES)]
    TooLong,
    /// Text with a NUL, at which some functions of the engine would stop reading.
    #[error("text contains no NUL character")]
    Nul,
}
