//! Every fault, described: what it is, where it was seen, which checks catch it.

mod data;
mod issuers;
mod tenants;
mod tokens;

use std::sync::LazyLock;

use crate::fault::Fault;

/// Every fault, in the order of the tables in the documentation.
pub static ALL: LazyLock<Vec<&'static Fault>> =
    LazyLock::new(|| [tenants::FAULTS, data::FAULTS, tokens::FAULTS, issuers::FAULTS].into_iter().flatten().collect());

/// The fault of this name.
pub fn by_name(name: &str) -> Option<&'static Fault> {
    ALL.iter().copied().find(|fault| fault.name == name)
}

/// Operations, as findings name them. What is below `/tenants/{tenant}` is also below `/me`.
mod op {
    pub(super) const LIST: &str = "GET /tenants/{tenant}/cases";
    pub(super) const CREATE: &str = "POST /tenants/{tenant}/cases";
    pub(super) const READ: &str = "GET /tenants/{tenant}/cases/{case}";
    pub(super) const REPLACE: &str = "PUT /tenants/{tenant}/cases/{case}";
    pub(super) const PATCH: &str = "PATCH /tenants/{tenant}/cases/{case}";
    pub(super) const DELETE: &str = "DELETE /tenants/{tenant}/cases/{case}";
    pub(super) const SUMMARY: &str = "GET /tenants/{tenant}/cases/{case}/summary";
    pub(super) const CLOSE: &str = "POST /tenants/{tenant}/cases/{case}/close";
    pub(super) const CLOSE_MANY: &str = "POST /tenants/{tenant}/cases/close?q=wt";
    pub(super) const COUNT: &str = "GET /tenants/{tenant}/cases/facets";
    pub(super) const SEARCH: &str = "GET /tenants/{tenant}/search?q={canary.public}";
    pub(super) const LIST_TASKS: &str = "GET /tenants/{tenant}/cases/{case}/tasks";
    pub(super) const CREATE_TASK: &str = "POST /tenants/{tenant}/cases/{case}/tasks";
    pub(super) const READ_TASK: &str = "GET /tenants/{tenant}/cases/{case}/tasks/{task}";
    pub(super) const REPLACE_TASK: &str = "PUT /tenants/{tenant}/cases/{case}/tasks/{task}";
    pub(super) const PATCH_TASK: &str = "PATCH /tenants/{tenant}/cases/{case}/tasks/{task}";
    pub(super) const DELETE_TASK: &str = "DELETE /tenants/{tenant}/cases/{case}/tasks/{task}";

    pub(super) const MY_LIST: &str = "GET /me/cases";
    pub(super) const MY_CREATE: &str = "POST /me/cases";
    pub(super) const MY_READ: &str = "GET /me/cases/{my-case}";
    pub(super) const MY_REPLACE: &str = "PUT /me/cases/{my-case}";
    pub(super) const MY_PATCH: &str = "PATCH /me/cases/{my-case}";
    pub(super) const MY_DELETE: &str = "DELETE /me/cases/{my-case}";
    pub(super) const MY_SUMMARY: &str = "GET /me/cases/{my-case}/summary";
    pub(super) const MY_CLOSE: &str = "POST /me/cases/{my-case}/close";
    pub(super) const MY_CLOSE_MANY: &str = "POST /me/cases/close?q=wt";
    pub(super) const MY_COUNT: &str = "GET /me/cases/facets";
    pub(super) const MY_SEARCH: &str = "GET /me/search?q={canary.public}";
    pub(super) const MY_LIST_TASKS: &str = "GET /me/cases/{my-case}/tasks";
    pub(super) const MY_CREATE_TASK: &str = "POST /me/cases/{my-case}/tasks";
    pub(super) const MY_READ_TASK: &str = "GET /me/cases/{my-case}/tasks/{my-task}";
    pub(super) const MY_REPLACE_TASK: &str = "PUT /me/cases/{my-case}/tasks/{my-task}";
    pub(super) const MY_PATCH_TASK: &str = "PATCH /me/cases/{my-case}/tasks/{my-task}";
    pub(super) const MY_DELETE_TASK: &str = "DELETE /me/cases/{my-case}/tasks/{my-task}";

    /// Any client, at its token endpoint.
    pub(super) const TOKEN: &str = "token ";

    /// Where a token is tried: what names the tenant, and what leaves it to the token.
    pub(super) const TRIED: &[&str] = &[READ, MY_LIST];
    /// Reads of a case, wherever a tenant can be named beside the credential.
    pub(super) const READS: &[&str] = &[LIST, READ, SUMMARY, MY_LIST, MY_READ, MY_SUMMARY];
    /// Reads below the tenant's own path.
    pub(super) const READS_BY_PATH: &[&str] = &[LIST, READ, SUMMARY];
    /// What looks up a case or a task by its id.
    pub(super) const ITEMS: &[&str] = &[
        READ,
        REPLACE,
        PATCH,
        DELETE,
        SUMMARY,
        CLOSE,
        LIST_TASKS,
        CREATE_TASK,
        READ_TASK,
        REPLACE_TASK,
        PATCH_TASK,
        DELETE_TASK,
        MY_READ,
        MY_REPLACE,
        MY_PATCH,
        MY_DELETE,
        MY_SUMMARY,
        MY_CLOSE,
        MY_LIST_TASKS,
        MY_CREATE_TASK,
        MY_READ_TASK,
        MY_REPLACE_TASK,
        MY_PATCH_TASK,
        MY_DELETE_TASK,
    ];
    /// What shows whether a record exists.
    pub(super) const LOOKUPS: &[&str] = &[READ, READ_TASK, MY_READ, MY_READ_TASK];
    /// Everything below the tenant's own path.
    pub(super) const BY_PATH: &[&str] = &[
        LIST,
        CREATE,
        READ,
        REPLACE,
        PATCH,
        DELETE,
        SUMMARY,
        CLOSE,
        CLOSE_MANY,
        COUNT,
        SEARCH,
        LIST_TASKS,
        CREATE_TASK,
        READ_TASK,
        REPLACE_TASK,
        PATCH_TASK,
        DELETE_TASK,
    ];
}
