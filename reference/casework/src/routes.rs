//! The one table of operations: router, actions and OpenAPI document are made from it.

use std::collections::{BTreeSet, HashMap};

use axum::http::Method;
use axum::response::Response;
use axum::routing::MethodFilter;
use watertight_core::{Action, Answer, RoleTable};
use watertight_guard::ClassifyRoute;
use watertight_model::{OperationClass, Role, TextError};

use crate::http::{self, App, Call, Failure};

/// An operation of the API.
pub struct Route {
    /// How it is asked for.
    pub verb: Verb,
    /// Where, below each of its mounts.
    pub path: &'static str,
    /// Its name in the OpenAPI document.
    pub operation: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Parameters of its query.
    pub query: &'static [Parameter],
    /// What its body is.
    pub takes: Option<Schema>,
    /// The status of success, and what the body then is.
    pub gives: (u16, Option<Schema>),
    /// Who may ask for it.
    pub(crate) access: Access,
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `GET`, and `HEAD` with it.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

/// Where a scoped operation can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// Below `/tenants/{tenant}`: the path names the tenant, and the token must agree.
    Tenant,
    /// Below `/me`: the token alone names the tenant.
    Me,
}

/// A parameter of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `limit`, `cursor`: the part of a listing.
    Window,
    /// `q`: what to look for.
    Term,
}

/// A body, by its name among the schemas of the OpenAPI document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is described where it is written down, in `openapi`")]
pub enum Schema {
    Case,
    CaseContent,
    CaseChange,
    CaseList,
    CaseSummary,
    Facets,
    Task,
    TaskContent,
    TaskChange,
    TaskList,
    Principal,
    Health,
    Document,
}

pub(crate) type Endpoint = for<'a> fn(&'a App, &'a Call) -> Answer<'a, Result<Response, Failure>>;

pub(crate) enum Access {
    /// Anyone; holds no tenant data.
    Open(fn() -> Response),
    /// Whoever the guard lets in.
    Scoped {
        action: &'static str,
        class: OperationClass,
        scope: &'static str,
        mounts: &'static [Mount],
        endpoint: Endpoint,
    },
}

/// The scope that a token needs to read.
pub const READ_SCOPE: &str = "case:read";
/// The scope that a token needs to change anything.
pub const WRITE_SCOPE: &str = "case:write";

/// The roles within an agency.
pub mod roles {
    /// Does everything that the API offers.
    pub const WORKER: &str = "case-worker";
    /// Reads.
    pub const READER: &str = "case-reader";
}

/// Every operation.
pub static ROUTES: &[Route] = &[
    open("/health", "health", "Says that the service runs", Schema::Health, http::health),
    open("/openapi.json", "openapi", "This document", Schema::Document, http::openapi),
    Route {
        access: Access::Scoped {
            action: "me.read",
            class: OperationClass::Read,
            scope: READ_SCOPE,
            mounts: &[Mount::Me],
            endpoint: http::whoami,
        },
        ..read("", "whoami", "Who the caller is", Schema::Principal, "me.read", http::whoami)
    },
    Route {
        query: &[Parameter::Window],
        ..read("/cases", "listCases", "Cases, oldest first", Schema::CaseList, "case.list", http::list_cases)
    },
    write(
        Verb::Post,
        "/cases",
        "createCase",
        "Creates a case",
        Some(Schema::CaseContent),
        (201, Some(Schema::Case)),
        "case.create",
        http::create_case,
    ),
    read("/cases/facets", "countCases", "Counts cases by status", Schema::Facets, "case.count", http::count_cases),
    read("/cases/{case}", "readCase", "Shows a case", Schema::Case, "case.read", http::read_case),
    write(
        Verb::Put,
        "/cases/{case}",
        "replaceCase",
        "Replaces title and external reference of a case",
        Some(Schema::CaseContent),
        (200, Some(Schema::Case)),
        "case.replace",
        http::replace_case,
    ),
    write(
        Verb::Patch,
        "/cases/{case}",
        "patchCase",
        "Changes a part of a case",
        Some(Schema::CaseChange),
        (200, Some(Schema::Case)),
        "case.patch",
        http::patch_case,
    ),
    write(
        Verb::Delete,
        "/cases/{case}",
        "deleteCase",
        "Removes a case with its tasks",
        None,
        (204, None),
        "case.delete",
        http::delete_case,
    ),
    read(
        "/cases/{case}/summary",
        "summarizeCase",
        "Shows a case in short; up to 30 seconds old",
        Schema::CaseSummary,
        "case.summarize",
        http::summarize_case,
    ),
    write(
        Verb::Post,
        "/cases/{case}/close",
        "closeCase",
        "Closes a case; one that is closed stays closed",
        None,
        (200, Some(Schema::Case)),
        "case.close",
        http::close_case,
    ),
    Route {
        query: &[Parameter::Term],
        ..write(
            Verb::Post,
            "/cases/close",
            "closeCases",
            "Closes the cases whose title or external reference contains a text",
            None,
            (204, None),
            "case.close",
            http::close_cases,
        )
    },
    Route {
        query: &[Parameter::Window],
        ..read(
            "/cases/{case}/tasks",
            "listTasks",
            "Tasks of a case, oldest first",
            Schema::TaskList,
            "task.list",
            http::list_tasks,
        )
    },
    write(
        Verb::Post,
        "/cases/{case}/tasks",
        "createTask",
        "Creates a task under a case",
        Some(Schema::TaskContent),
        (201, Some(Schema::Task)),
        "task.create",
        http::create_task,
    ),
    read("/cases/{case}/tasks/{task}", "readTask", "Shows a task", Schema::Task, "task.read", http::read_task),
    write(
        Verb::Put,
        "/cases/{case}/tasks/{task}",
        "replaceTask",
        "Replaces title and status of a task",
        Some(Schema::TaskContent),
        (200, Some(Schema::Task)),
        "task.replace",
        http::replace_task,
    ),
    write(
        Verb::Patch,
        "/cases/{case}/tasks/{task}",
        "patchTask",
        "Changes a part of a task",
        Some(Schema::TaskChange),
        (200, Some(Schema::Task)),
        "task.patch",
        http::patch_task,
    ),
    write(
        Verb::Delete,
        "/cases/{case}/tasks/{task}",
        "deleteTask",
        "Removes a task",
        None,
        (204, None),
        "task.delete",
        http::delete_task,
    ),
    Route {
        query: &[Parameter::Term, Parameter::Window],
        ..read(
            "/search",
            "searchCases",
            "Cases whose title or external reference contains a text",
            Schema::CaseList,
            "case.search",
            http::search_cases,
        )
    },
];

const BOTH: &[Mount] = &[Mount::Tenant, Mount::Me];

const fn open(
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    gives: Schema,
    answer: fn() -> Response,
) -> Route {
    let access = Access::Open(answer);
    Route { verb: Verb::Get, path, operation, summary, query: &[], takes: None, gives: (200, Some(gives)), access }
}

const fn read(
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    gives: Schema,
    action: &'static str,
    endpoint: Endpoint,
) -> Route {
    let access = Access::Scoped { action, class: OperationClass::Read, scope: READ_SCOPE, mounts: BOTH, endpoint };
    Route { verb: Verb::Get, path, operation, summary, query: &[], takes: None, gives: (200, Some(gives)), access }
}

#[expect(clippy::too_many_arguments, reason = "the columns of the table")]
const fn write(
    verb: Verb,
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    takes: Option<Schema>,
    gives: (u16, Option<Schema>),
    action: &'static str,
    endpoint: Endpoint,
) -> Route {
    let access = Access::Scoped { action, class: OperationClass::Write, scope: WRITE_SCOPE, mounts: BOTH, endpoint };
    Route { verb, path, operation, summary, query: &[], takes, gives, access }
}

impl Route {
    /// The whole path at a mount, as the router and the OpenAPI document write it.
    pub fn path_at(&self, mount: Mount) -> String {
        let base = match mount {
            Mount::Tenant => "/tenants/{tenant}",
            Mount::Me => "/me",
        };
        format!("{base}{}", self.path)
    }

    /// Every whole path at which the operation can be asked for.
    pub fn paths(&self) -> Vec<String> {
        match &self.access {
            Access::Open(_) => vec![self.path.to_owned()],
            Access::Scoped { mounts, .. } => mounts.iter().map(|&mount| self.path_at(mount)).collect(),
        }
    }

    /// The scope that a token needs; none if anyone may ask.
    pub fn scope(&self) -> Option<&'static str> {
        match &self.access {
            Access::Open(_) => None,
            Access::Scoped { scope, .. } => Some(scope),
        }
    }
}

impl Verb {
    /// The method.
    pub const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }

    pub(crate) const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// A name in the table breaks a rule of its type: a bug of the table.
#[derive(Debug, thiserror::Error)]
#[error("operation {operation}: {error}; fix the table of routes")]
pub struct RouteError {
    operation: &'static str,
    #[source]
    error: TextError,
}

/// The actions of the table, for the guard.
pub(crate) struct RouteActions(HashMap<(Method, String), Action>);

impl RouteActions {
    pub(crate) fn new() -> Result<Self, RouteError> {
        let mut actions = HashMap::new();
        for route in ROUTES {
            let Some(action) = action(route)? else { continue };
            actions.extend(route.paths().into_iter().map(|path| ((route.verb.method(), path), action.clone())));
        }
        Ok(Self(actions))
    }
}

impl ClassifyRoute for RouteActions {
    fn action(&self, method: &Method, matched_path: &str) -> Option<Action> {
        self.0.get(&(method.clone(), matched_path.to_owned())).cloned()
    }
}

/// The plain policy of the platform: workers do everything, readers what needs [`READ_SCOPE`].
pub(crate) fn policy() -> Result<RoleTable, RouteError> {
    let mut table = RoleTable::new();
    for route in ROUTES {
        let Some(action) = action(route)? else { continue };
        let named = |role: &str| role.parse::<Role>().map_err(|error| RouteError { operation: route.operation, error });
        if action.required_scope.as_str() == READ_SCOPE {
            table = table.grant(named(roles::READER)?, action.name.clone());
        }
        table = table.grant(named(roles::WORKER)?, action.name);
    }
    Ok(table)
}

fn action(route: &Route) -> Result<Option<Action>, RouteError> {
    let Access::Scoped { action, class, scope, .. } = &route.access else { return Ok(None) };
    let broken = |error| RouteError { operation: route.operation, error };
    Ok(Some(Action {
        name: action.parse().map_err(broken)?,
        class: *class,
        required_scope: scope.parse().map_err(broken)?,
    }))
}

/// Every scope that a token can need.
pub fn scopes() -> BTreeSet<&'static str> {
    ROUTES.iter().filter_map(Route::scope).collect()
}
