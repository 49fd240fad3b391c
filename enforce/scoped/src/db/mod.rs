//! The embedded database: SQLite, tables shared by all tenants, every key beginning with the tenant.
//!
//! A [`Table`] describes itself once, as a `static`. [`Database::create_tables`] makes it, and [`Rows`] asks it. The
//! tenant predicate is written in one place (`statement.rs`), for every statement.

mod error;
mod paging;
mod record;
mod rows;
mod statement;
mod table;
mod value;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use watertight_core::TenantScope;

pub use error::{DbError, ValueRule};
pub use paging::{Cursor, CursorError, Limit, LimitError, Page, SearchTerm, SearchTermError};
pub use record::Record;
pub use rows::Rows;
pub use table::{Column, Table};
pub use value::{MAX_TEXT_BYTES, Value};

/// Connections held at most; SQLite writes one at a time anyway.
const MAX_CONNECTIONS: u32 = 8;
/// How long a writer waits for the one before it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Per-tenant counters behind the ids. A number is given once: deleting the row does not give it back.
const COUNTERS: &str = "CREATE TABLE IF NOT EXISTS tenant_counters (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    last INTEGER NOT NULL CHECK (last > 0),
    PRIMARY KEY (tenant_id, kind)
) STRICT, WITHOUT ROWID";

/// The data of all tenants. Rows are reached through [`Database::for_scope`] alone.
#[derive(Clone, Debug)]
pub struct Database {
    pool: SqlitePool,
}

impl Database {
    /// Opens the database file, and creates it if there is none. Foreign keys are enforced on every connection.
    ///
    /// # Errors
    /// [`DbError::Engine`] if the file cannot be opened or is no database.
    pub async fn open(path: &Path) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await?;
        Ok(Self { pool })
    }

    /// Creates the tables that do not exist yet, parents before children, and the id counters.
    ///
    /// # Errors
    /// [`DbError::Engine`] if the engine refuses a statement.
    pub async fn create_tables(&self, tables: &[&'static Table]) -> Result<(), DbError> {
        sqlx::query(COUNTERS).execute(&self.pool).await?;
        for table in tables {
            for definition in table.definition() {
                // Sound: a definition is made of `'static` identifiers that `Table` and `Column` checked.
                sqlx::query(sqlx::AssertSqlSafe(definition)).execute(&self.pool).await?;
            }
        }
        Ok(())
    }

    /// The data of one tenant: the scope's.
    pub fn for_scope<'s>(&'s self, scope: &'s TenantScope) -> ScopedDb<'s> {
        ScopedDb { pool: &self.pool, scope }
    }

    /// The engine itself, without any tenant predicate: for definitions of the schema at start-up, never for a
    /// request. SQLite has no row-level security that would protect raw SQL.
    pub fn engine_for_schema(&self) -> &SqlitePool {
        &self.pool
    }

    /// Waits until every connection is closed, so that the file may be removed.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The data of one tenant.
#[derive(Clone, Copy)]
pub struct ScopedDb<'s> {
    pool: &'s SqlitePool,
    scope: &'s TenantScope,
}

impl<'s> ScopedDb<'s> {
    /// This tenant's rows of a table.
    pub fn rows(&self, table: &'static Table) -> Rows<'s> {
        Rows::new(self.pool, self.scope, table)
    }
}
