//! The operations that a resource implies: REST by convention.

use crate::ix::{OperationIx, ResourceIx};
use crate::spec::{Effect, IdSource, Operation, RequestTemplate, Resource, Role};
use crate::template::{BodyTemplate, PathTemplate};

/// What the convention makes requests from.
pub(super) struct Convention {
    /// The collection's path.
    pub(super) collection: PathTemplate,
    /// An object's.
    pub(super) item: PathTemplate,
    /// The body that creates one; none where nothing may be created.
    pub(super) create: Option<BodyTemplate>,
    /// The body of a patch.
    pub(super) update: Option<BodyTemplate>,
}

/// `search` or `count`.
pub(super) struct Extra {
    pub(super) role: Role,
    pub(super) method: String,
    pub(super) path: PathTemplate,
    pub(super) line: usize,
}

/// Appends them, in the order of [`Role`].
pub(super) fn operations(
    resource: &Resource,
    ix: ResourceIx,
    convention: &Convention,
    roles: &[Role],
    extras: Vec<Extra>,
    operations: &mut Vec<Operation>,
) {
    let mut add = |role: Role, request: RequestTemplate, line: usize| {
        let (verb, effect) = named(role);
        let name = format!("{}.{verb}", resource.name);
        let place = OperationIx::new(operations.len());
        operations.push(Operation { ix: place, name, request, role, effect, resource: Some(ix), line });
    };
    for role in roles {
        add(*role, request(convention, resource.ids, *role), resource.line);
    }
    for Extra { role, method, path, line } in extras {
        add(role, RequestTemplate { method, path, body: None }, line);
    }
}

fn named(role: Role) -> (&'static str, Effect) {
    match role {
        Role::List => ("list", Effect::Read),
        Role::Create => ("create", Effect::Create),
        Role::Read => ("read", Effect::Read),
        Role::Replace => ("replace", Effect::Change),
        Role::Patch => ("patch", Effect::Change),
        Role::Delete => ("delete", Effect::Destroy),
        Role::Search => ("search", Effect::Read),
        Role::Count => ("count", Effect::Read),
        Role::Custom => ("custom", Effect::Change),
    }
}

fn request(convention: &Convention, ids: IdSource, role: Role) -> RequestTemplate {
    let Convention { collection, item, create, update } = convention;
    let (method, path, body) = match role {
        Role::Create if ids == IdSource::Client => ("PUT", item, create.clone()),
        Role::Create => ("POST", collection, create.clone()),
        Role::Replace => ("PUT", item, create.clone()),
        Role::Patch => ("PATCH", item, update.clone()),
        Role::Delete => ("DELETE", item, None),
        Role::List => ("GET", collection, None),
        Role::Read | Role::Search | Role::Count | Role::Custom => ("GET", item, None),
    };
    RequestTemplate { method: method.to_owned(), path: path.clone(), body }
}
