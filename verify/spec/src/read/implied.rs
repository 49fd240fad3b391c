//! The operations that a resource implies: REST by convention.

use crate::ix::{OperationIx, ResourceIx};
use crate::spec::{Effect, IdSource, Operation, RequestTemplate, Resource, Role};
use crate::template::PathTemplate;

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
        add(*role, request(resource, *role), resource.line);
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

fn request(resource: &Resource, role: Role) -> RequestTemplate {
    let (method, path, body) = match role {
        Role::Create if resource.ids == IdSource::Client => ("PUT", &resource.item, resource.create.clone()),
        Role::Create => ("POST", &resource.collection, resource.create.clone()),
        Role::Replace => ("PUT", &resource.item, resource.create.clone()),
        Role::Patch => ("PATCH", &resource.item, resource.update.clone()),
        Role::Delete => ("DELETE", &resource.item, None),
        Role::List => ("GET", &resource.collection, None),
        Role::Read | Role::Search | Role::Count | Role::Custom => ("GET", &resource.item, None),
    };
    RequestTemplate { method: method.to_owned(), path: path.clone(), body }
}
