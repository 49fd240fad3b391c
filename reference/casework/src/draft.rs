//! What the body of a request proposes, read field by field.
//!
//! Fields that a case or task doesn't have are ignored, so that clients of later versions are served as well. One is
//! not: the tenant that a body names is kept, and whoever stores the proposal has to [confirm](Proposal::confirm) it to
//! get at the content.

use serde_json::{Map, Value};
use watertight_core::{Denial, TenantScope};
use watertight_model::AssertionSource;

use crate::domain::{ExternalRef, TaskStatus, Title};

/// The field of a body that names a tenant.
pub const TENANT_FIELD: &str = "tenantId";

/// A field that can't be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct FieldError {
    /// The field.
    pub field: &'static str,
    /// What it must be.
    pub rule: String,
}

/// Content, read from the fields of a body.
pub trait Content: Sized {
    /// Reads the fields.
    ///
    /// # Errors
    /// The first field that can't be accepted.
    fn read(fields: &Map<String, Value>) -> Result<Self, FieldError>;
}

/// The tenant that a body names, if it does.
///
/// A number, a list or null is no name of a tenant, not even of one that is called `null`. It is the empty text, which
/// [`TenantScope::confirm`] refuses, instead of being passed over.
fn named_tenant(fields: &Map<String, Value>) -> Option<&str> {
    fields.get(TENANT_FIELD).map(|named| named.as_str().unwrap_or_default())
}

/// Checks a body that nothing is stored from: it must not name another tenant than the scope's either.
///
/// # Errors
/// [`TenantScope::confirm`]'s denial.
pub(crate) fn confirm_tenant(fields: &Map<String, Value>, scope: &TenantScope) -> Result<(), Denial> {
    named_tenant(fields).map_or(Ok(()), |named| scope.confirm(AssertionSource::Body, named))
}

/// What a body proposes to store, and the tenant that it names, unconfirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal<T> {
    named_tenant: Option<String>,
    content: T,
}

impl<T: Content> Proposal<T> {
    /// Reads the fields of a body.
    ///
    /// # Errors
    /// As [`Content::read`].
    pub fn read(fields: &Map<String, Value>) -> Result<Self, FieldError> {
        Ok(Self { named_tenant: named_tenant(fields).map(str::to_owned), content: T::read(fields)? })
    }
}

impl<T> Proposal<T> {
    /// A proposal that names no tenant.
    pub fn of(content: T) -> Self {
        Self { named_tenant: None, content }
    }

    /// The content, if the body names no other tenant than the scope's.
    ///
    /// # Errors
    /// [`TenantScope::confirm`]'s denial.
    pub fn confirm(self, scope: &TenantScope) -> Result<T, Denial> {
        if let Some(named) = &self.named_tenant {
            scope.confirm(AssertionSource::Body, named)?;
        }
        Ok(self.content)
    }

    /// What the body says, the tenant and the content apart, nothing confirmed.
    pub fn into_parts(self) -> (Option<String>, T) {
        (self.named_tenant, self.content)
    }
}

/// A whole case, as it is created or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseContent {
    /// What it is called.
    pub title: Title,
    /// What another system calls it.
    pub external_ref: Option<ExternalRef>,
}

impl Content for CaseContent {
    fn read(fields: &Map<String, Value>) -> Result<Self, FieldError> {
        Ok(Self { title: required(fields, "title")?, external_ref: optional(fields, "externalRef")?.flatten() })
    }
}

/// What changes about a case (JSON merge patch, RFC 7396): none stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseChange {
    /// What it is to be called.
    pub title: Option<Title>,
    /// What another system is to call it; `Some(None)` takes the name away.
    pub external_ref: Option<Option<ExternalRef>>,
}

impl Content for CaseChange {
    fn read(fields: &Map<String, Value>) -> Result<Self, FieldError> {
        Ok(Self { title: present(fields, "title")?, external_ref: optional(fields, "externalRef")? })
    }
}

/// A whole task, as it is created or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskContent {
    /// What it is called.
    pub title: Title,
    /// Whether it is done; not yet, if the body doesn't say.
    pub status: TaskStatus,
}

impl Content for TaskContent {
    fn read(fields: &Map<String, Value>) -> Result<Self, FieldError> {
        Ok(Self { title: required(fields, "title")?, status: task_status(fields)?.unwrap_or(TaskStatus::Open) })
    }
}

/// What changes about a task (JSON merge patch, RFC 7396): none stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskChange {
    /// What it is to be called.
    pub title: Option<Title>,
    /// Whether it is to count as done.
    pub status: Option<TaskStatus>,
}

impl Content for TaskChange {
    fn read(fields: &Map<String, Value>) -> Result<Self, FieldError> {
        Ok(Self { title: present(fields, "title")?, status: task_status(fields)? })
    }
}

type Line<T> = Result<T, FieldError>;

/// A field that must be there.
fn required<T>(fields: &Map<String, Value>, field: &'static str) -> Line<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    present(fields, field)?.ok_or_else(|| FieldError { field, rule: "is required".to_owned() })
}

/// A field that may be left out, but not be null.
fn present<T>(fields: &Map<String, Value>, field: &'static str) -> Line<Option<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    match optional(fields, field)? {
        Some(None) => Err(FieldError { field, rule: "must not be null".to_owned() }),
        Some(some) => Ok(some),
        None => Ok(None),
    }
}

/// A field that may be left out (`None`) or be null (`Some(None)`).
fn optional<T>(fields: &Map<String, Value>, field: &'static str) -> Line<Option<Option<T>>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    match fields.get(field) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) => {
            let value = text.parse().map_err(|error: T::Err| FieldError { field, rule: error.to_string() })?;
            Ok(Some(Some(value)))
        }
        Some(_) => Err(FieldError { field, rule: "must be a text".to_owned() }),
    }
}

fn task_status(fields: &Map<String, Value>) -> Line<Option<TaskStatus>> {
    let refused = || FieldError { field: "status", rule: "must be open or done".to_owned() };
    match fields.get("status") {
        None => Ok(None),
        Some(Value::String(name)) => TaskStatus::named(name).map(Some).ok_or_else(refused),
        Some(_) => Err(refused()),
    }
}
