//! The operations that a resource implies: REST by convention.

use crate::spec::{Effect, RequestTemplate, Role};
use crate::template::{BodyTemplate, PathTemplate};

/// Where an object is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Creates {
    /// `POST` to the collection.
    InCollection,
    /// `PUT` to the object, which its client names.
    AtObject,
}

/// What the convention makes requests from.
pub(super) struct Convention {
    /// The collection's path.
    pub(super) collection: PathTemplate,
    /// An object's.
    pub(super) item: PathTemplate,
    /// Where one is created.
    pub(super) creates: Creates,
    /// The body that creates one.
    pub(super) create: Option<BodyTemplate>,
    /// The body of a patch.
    pub(super) update: Option<BodyTemplate>,
}

impl Convention {
    /// The request of a role.
    pub(super) fn request(&self, role: Role) -> RequestTemplate {
        let Self { collection, item, creates, create, update } = self;
        let (method, path, body) = match role {
            Role::Create if *creates == Creates::AtObject => ("PUT", item, create.clone()),
            Role::Create => ("POST", collection, create.clone()),
            Role::Replace => ("PUT", item, create.clone()),
            Role::Patch => ("PATCH", item, update.clone()),
            Role::Delete => ("DELETE", item, None),
            Role::List => ("GET", collection, None),
            Role::Read | Role::Search | Role::Count | Role::View | Role::Custom => ("GET", item, None),
        };
        RequestTemplate { body, ..RequestTemplate::bare(method, path.clone()) }
    }
}

/// What an operation of a resource is called (`case.read`), and what it does.
pub(super) fn named(role: Role) -> (&'static str, Effect) {
    match role {
        Role::List => ("list", Effect::Read),
        Role::Create => ("create", Effect::Create),
        Role::Read => ("read", Effect::Read),
        Role::Replace => ("replace", Effect::Change),
        Role::Patch => ("patch", Effect::Change),
        Role::Delete => ("delete", Effect::Destroy),
        Role::Search => ("search", Effect::Read),
        Role::Count => ("count", Effect::Read),
        Role::View => ("view", Effect::Read),
        Role::Custom => ("custom", Effect::Change),
    }
}
