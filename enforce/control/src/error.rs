//! What can go wrong with the register.

/// A change of the register, or a look-up in it, failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The name is taken: by another entry, by one in another spelling, or by one that was deleted.
    #[error("{what} {name:?} is registered already (a name stays taken after deletion); choose another name")]
    Taken {
        /// What was to be registered.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// What the change refers to is not registered in this tenant.
    #[error("{what} {name:?} is not registered; register it first, in the same tenant")]
    Unknown {
        /// What is missing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A deleted tenant does not come back.
    #[error("tenant {tenant:?} is deleted, and stays so; register a new tenant under another name")]
    Deleted {
        /// The tenant.
        tenant: String,
    },
    /// A field of a registration cannot be right.
    #[error("{field}: {rule}")]
    Field {
        /// The field.
        field: &'static str,
        /// The rule broken.
        rule: &'static str,
    },
    /// The database does not enforce foreign keys, so entries could refer to another tenant's.
    #[error("the control database does not enforce foreign keys; open it with foreign_keys on")]
    ForeignKeysOff,
    /// A stored entry cannot be read.
    #[error("a stored {what} cannot be read ({rule}); restore the control database from a backup")]
    Corrupt {
        /// What was read.
        what: &'static str,
        /// Why it cannot be.
        rule: String,
    },
    /// The engine failed or cannot be reached.
    #[error("the control database failed: {0}")]
    Engine(#[from] sqlx::Error),
}

impl ControlError {
    /// A stored text breaks the rule of its type.
    pub(crate) fn corrupt<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Corrupt { what, rule: error.to_string() }
    }

    /// Tells an entry that is taken, and one that refers to nothing, from an engine that fails.
    pub(crate) fn refused(error: sqlx::Error, taken: (&'static str, &str), unknown: (&'static str, &str)) -> Self {
        match error.as_database_error() {
            Some(engine) if engine.is_unique_violation() => Self::Taken { what: taken.0, name: taken.1.to_owned() },
            Some(engine) if engine.is_foreign_key_violation() => {
                Self::Unknown { what: unknown.0, name: unknown.1.to_owned() }
            }
            _ => Self::Engine(error),
        }
    }
}
