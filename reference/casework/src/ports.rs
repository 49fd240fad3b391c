//! The ports: everything in which a platform can go wrong about a tenant.
//!
//! Handlers reach tenant data, and answers about it, through these alone. Each method gets the scope and is answerable
//! for it: that what it reads, writes or counts is the scope's tenant's, and that nothing it answers tells of
//! another's.

use std::sync::Arc;

use axum::response::Response;
use watertight_core::{ActionPolicy, Answer, Denial, Directory, TenantScope, TokenVerifier};
use watertight_guard::{CollectAssertions, RenderDenial};
use watertight_model::ResourceId;
use watertight_scoped::db::DbError;

use crate::domain::{Case, CaseSummary, Facets, Listing, Task, Term, Window};
use crate::draft::{CaseChange, CaseContent, Proposal, TaskChange, TaskContent};

/// The ports that a platform runs on. [`crate::Sound::ports`] has the sound ones.
#[derive(Clone)]
pub struct Ports {
    /// Who is let in, and into which tenant.
    pub guard: GuardPorts,
    /// The cases.
    pub cases: Arc<dyn CaseStore>,
    /// The tasks.
    pub tasks: Arc<dyn TaskStore>,
    /// Summaries of cases that were computed before.
    pub summaries: Arc<dyn SummaryCache>,
    /// What is answered where nothing was found.
    pub not_found: Arc<dyn RespondNotFound>,
}

/// From a request to a scope: what the guard is made of.
#[derive(Clone)]
pub struct GuardPorts {
    /// Where a request names a tenant.
    pub assertions: Arc<dyn CollectAssertions>,
    /// Whether its token is trusted for that tenant.
    pub verifier: Arc<dyn TokenVerifier>,
    /// Whether tenant, client and member exist and are active.
    pub directory: Arc<dyn Directory>,
    /// Whether the member may do it.
    pub policy: Arc<dyn ActionPolicy>,
    /// What a denial looks like from outside.
    pub render: Arc<dyn RenderDenial>,
}

/// The cases of all tenants, each seen through a scope.
///
/// Nothing found is `None`, whether the id does not exist or is another tenant's. Whatever stores a [`Proposal`]
/// confirms the tenant that it names.
pub trait CaseStore: Send + Sync {
    /// A part of the tenant's cases, oldest first, and how many there are.
    fn page<'a>(&'a self, scope: &'a TenantScope, window: Window) -> Stored<'a, Listing<Case>>;

    /// The tenant's case of this id.
    fn get<'a>(&'a self, scope: &'a TenantScope, id: &'a ResourceId) -> Stored<'a, Option<Case>>;

    /// A new case, under the tenant's next id.
    fn create<'a>(&'a self, scope: &'a TenantScope, proposal: Proposal<CaseContent>) -> Stored<'a, Case>;

    /// Replaces the content of the tenant's case of this id.
    fn replace<'a>(
        &'a self,
        scope: &'a TenantScope,
        id: &'a ResourceId,
        proposal: Proposal<CaseContent>,
    ) -> Stored<'a, Option<Case>>;

    /// Changes a part of the tenant's case of this id.
    fn patch<'a>(
        &'a self,
        scope: &'a TenantScope,
        id: &'a ResourceId,
        proposal: Proposal<CaseChange>,
    ) -> Stored<'a, Option<Case>>;

    /// Closes the tenant's case of this id. One that is closed stays closed.
    fn close<'a>(&'a self, scope: &'a TenantScope, id: &'a ResourceId) -> Stored<'a, Option<Case>>;

    /// Closes the tenant's cases whose title or external reference contains the term, and says which.
    fn close_matching<'a>(&'a self, scope: &'a TenantScope, term: &'a Term) -> Stored<'a, Vec<ResourceId>>;

    /// Removes the tenant's case of this id with its tasks, and says what it was.
    fn remove<'a>(&'a self, scope: &'a TenantScope, id: &'a ResourceId) -> Stored<'a, Option<Case>>;

    /// A part of the tenant's cases whose title or external reference contains the term, and how many there are.
    fn search<'a>(&'a self, scope: &'a TenantScope, term: &'a Term, window: Window) -> Stored<'a, Listing<Case>>;

    /// How many cases the tenant has.
    fn facets<'a>(&'a self, scope: &'a TenantScope) -> Stored<'a, Facets>;
}

/// The tasks of all tenants, each seen through a scope and under a case of the scope's tenant.
///
/// Nothing found is `None`, whether it is the case or the task, and whether its id does not exist or is another
/// tenant's. Whatever stores a [`Proposal`] confirms the tenant that it names.
pub trait TaskStore: Send + Sync {
    /// A part of the case's tasks, oldest first, and how many there are.
    fn page<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        window: Window,
    ) -> Stored<'a, Option<Listing<Task>>>;

    /// How many tasks the case has: none, if there is no such case.
    fn count<'a>(&'a self, scope: &'a TenantScope, case: &'a ResourceId) -> Stored<'a, u64>;

    /// The case's task of this id.
    fn get<'a>(&'a self, scope: &'a TenantScope, case: &'a ResourceId, id: &'a ResourceId) -> Stored<'a, Option<Task>>;

    /// A new task under the case, under the tenant's next id.
    fn create<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        proposal: Proposal<TaskContent>,
    ) -> Stored<'a, Option<Task>>;

    /// Replaces the content of the case's task of this id.
    fn replace<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        id: &'a ResourceId,
        proposal: Proposal<TaskContent>,
    ) -> Stored<'a, Option<Task>>;

    /// Changes a part of the case's task of this id.
    fn patch<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        id: &'a ResourceId,
        proposal: Proposal<TaskChange>,
    ) -> Stored<'a, Option<Task>>;

    /// Removes the case's task of this id, and says what it was.
    fn remove<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        id: &'a ResourceId,
    ) -> Stored<'a, Option<Task>>;
}

/// Summaries of cases that were computed before. A summary may be out of date by as long as the cache keeps it, never
/// of another tenant.
///
/// Handlers evict after every change, and after a put that a change overtook. A request that is cut off between its
/// change or put and the eviction leaves the summary for that long, also of a case that is gone.
pub trait SummaryCache: Send + Sync {
    /// The summary of the tenant's case of this id, if it is held.
    fn get(&self, scope: &TenantScope, case: &ResourceId) -> Option<CaseSummary>;

    /// Holds a summary that was computed in this scope.
    fn put(&self, scope: &TenantScope, summary: CaseSummary);

    /// Forgets the summary, since the case or its tasks have changed.
    fn evict(&self, scope: &TenantScope, case: &ResourceId);
}

/// What is answered where nothing was found.
pub trait RespondNotFound: Send + Sync {
    /// The tenant has no such case or task. The answer must not depend on whether another tenant has.
    fn respond<'a>(&'a self, scope: &'a TenantScope, missing: &'a Missing) -> Answer<'a, Response>;
}

/// What was not found, as the request named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A case.
    Case {
        /// The segment of the path, decoded; not necessarily an id at all.
        id: String,
    },
    /// A task, under a case that is there or not.
    Task {
        /// The case's segment of the path, decoded.
        case: String,
        /// The task's segment of the path, decoded.
        id: String,
    },
}

/// What a store answers with.
pub type Stored<'a, T> = Answer<'a, Result<T, StoreError>>;

/// A store did not do what it was asked to, and changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another case of the same tenant has this external reference.
    #[error("another case of the tenant has this external reference")]
    ExternalRefTaken,
    /// What was to be stored names another tenant.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The store failed. For the log alone.
    #[error("the store failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        match error {
            // The only column that must be unique in a tenant.
            DbError::Conflict { .. } => Self::ExternalRefTaken,
            other => Self::Failed(Box::new(other)),
        }
    }
}
