//! Opening the register.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{Sqlite, Transaction};

use crate::{ControlError, schema};

/// Connections held at most.
const MAX_CONNECTIONS: u32 = 8;
/// How long a writer waits for the one before it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a look-up waits for a free connection before it fails closed.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The register of tenants. Cheap to clone; all clones are the same register.
#[derive(Clone, Debug)]
pub struct ControlStore {
    pub(crate) pool: SqlitePool,
}

impl ControlStore {
    /// Opens the register in a database file of its own, and creates it if there is none.
    ///
    /// # Errors
    /// [`ControlError::Engine`] if the file cannot be opened or is no database.
    pub async fn open_file(path: &Path) -> Result<Self, ControlError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await?;
        Self::open(&pool).await
    }

    /// Opens the register in a database that is open already, and creates its tables if they do not exist.
    ///
    /// # Errors
    /// [`ControlError::ForeignKeysOff`], [`ControlError::Engine`].
    pub async fn open(pool: &SqlitePool) -> Result<Self, ControlError> {
        let enforced: bool = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(pool).await?;
        if !enforced {
            return Err(ControlError::ForeignKeysOff);
        }
        for definition in schema::DEFINITIONS {
            sqlx::query(definition).execute(pool).await?;
        }
        Ok(Self { pool: pool.clone() })
    }

    /// Waits until every connection is closed. Look-ups fail closed from then on.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that is a writer from its start, so that it waits for its turn instead of failing midway.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, ControlError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}
