//! An operation of the spec, at a place, in words → a request.

use percent_encoding::utf8_percent_encode;
use watertight_spec::{IdSource, Locator, Operation, PathTemplate, Resource, Role, Spec, Symbol};

use crate::marker::Canary;
use crate::plan::PATH_SEGMENT;
use crate::request::{Caller, Mark, Request};
use crate::tape::{Halt, Tape};
use crate::world::Object;

/// Percent-encoded for one segment of a path or one value of a query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PATH_SEGMENT).to_string()
}

/// Where a request goes: whose place, and which objects stand in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of the tenant that the request names.
    pub(crate) tenant: usize,
    /// How that tenant is spelled in the path, if not as usual; sent as it stands.
    pub(crate) spelled: Option<String>,
    /// Ids by index of the resource.
    pub(crate) ids: Vec<(usize, String)>,
}

impl Place {
    /// In a tenant's own, with the ids of these ancestors.
    pub(crate) fn within(tenant: usize, ids: &[(usize, String)]) -> Self {
        Self { tenant, spelled: None, ids: ids.to_vec() }
    }

    /// At an object.
    pub(crate) fn of(object: &Object) -> Self {
        Self::within(object.tenant, &object.parents).and(object.resource, &object.id)
    }

    /// With one more id.
    pub(crate) fn and(mut self, resource: usize, id: &str) -> Self {
        self.ids.retain(|(r, _)| *r != resource);
        self.ids.push((resource, id.to_owned()));
        self
    }

    /// The same ids in another tenant's place.
    pub(crate) fn in_tenant(mut self, tenant: usize) -> Self {
        self.tenant = tenant;
        self
    }

    /// With the tenant spelled otherwise.
    pub(crate) fn spelled(mut self, spelling: impl Into<String>) -> Self {
        self.spelled = Some(spelling.into());
        self
    }

    fn id(&self, resource: usize) -> Option<&str> {
        self.ids.iter().find(|(r, _)| *r == resource).map(|(_, id)| id.as_str())
    }
}

/// What stands for the symbols of markers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// For `{canary}`.
    pub(crate) text: Option<String>,
    /// For `{canary.public}`.
    pub(crate) public: Option<String>,
    /// For `{unique}`; a fresh value if absent.
    pub(crate) unique: Option<String>,
}

impl Words {
    /// An owner's.
    pub(crate) fn canary(canary: &Canary) -> Self {
        Self { text: Some(canary.to_string()), public: Some(canary.public.clone()), unique: None }
    }
    /// An attacker's.
    pub(crate) fn nonce(nonce: &str) -> Self {
        Self { text: Some(nonce.to_owned()), public: Some(nonce.to_owned()), unique: None }
    }
    /// Of one who searches.
    pub(crate) fn searching(public: &str) -> Self {
        Self { text: None, public: Some(public.to_owned()), unique: None }
    }
}

/// The request of an operation, by `caller`, as an ordinary one. The mark follows from what the operation is.
pub(crate) fn request(
    t: &Tape<'_>,
    caller: Caller,
    op: &Operation,
    place: &Place,
    words: &Words,
) -> Result<Request, Halt> {
    let tenant = tenant_name(t.spec, place.tenant)?;
    let needs_unique =
        op.request.path.mentions(&Symbol::Unique) || body(t.spec, op).is_some_and(|b| b.mentions(&Symbol::Unique));
    let unique = needs_unique.then(|| words.unique.clone().unwrap_or_else(|| t.unique()));
    let in_path = |path: &PathTemplate| {
        path.render(|symbol| match symbol {
            Symbol::Tenant => Some(place.spelled.clone().unwrap_or_else(|| encode(tenant))),
            Symbol::Canary => words.text.as_deref().map(encode),
            Symbol::CanaryPublic => words.public.as_deref().map(encode),
            Symbol::Unique => unique.as_deref().map(encode),
            Symbol::Object(resource) => place.id(*resource).map(encode),
        })
    };
    let unbound = || Halt::NotApplicable(format!("{} needs an object that the run does not have", op.label()));
    let target = in_path(&op.request.path).ok_or_else(unbound)?;
    let json = match body(t.spec, op) {
        None => None,
        Some(template) => Some(
            template
                .render(&mut |symbol| match symbol {
                    Symbol::Tenant => Some(tenant.to_owned()),
                    Symbol::Canary => words.text.clone(),
                    Symbol::CanaryPublic => words.public.clone(),
                    Symbol::Unique => unique.clone(),
                    Symbol::Object(resource) => place.id(*resource).map(str::to_owned),
                })
                .ok_or_else(unbound)?,
        ),
    };
    let resource = op.resource.and_then(|index| Some((index, t.spec.resources.get(index)?)));
    let mark = match (op.role, resource) {
        (Role::Create, Some((resource, described))) => Mark::Creates {
            resource,
            owner: place.tenant,
            collection: in_path(&described.collection).ok_or_else(unbound)?,
        },
        (Role::Delete, Some(_)) => Mark::Removes { item: target.clone() },
        _ => Mark::Nothing,
    };
    let request = Request::new(caller, place.tenant, &op.request.method, target).json(json).mark(mark);
    Ok(match &t.spec.tenancy.locator {
        Locator::Header(name) => request.header(name, place.spelled.as_deref().unwrap_or(tenant)),
        Locator::Path | Locator::Token => request,
    })
}

/// The body of an operation: its own, else the one that its resource implies.
fn body<'s>(spec: &'s Spec, op: &'s Operation) -> Option<&'s watertight_spec::BodyTemplate> {
    let resource = || op.resource.and_then(|index| spec.resources.get(index));
    op.request.body.as_ref().or_else(|| match op.role {
        Role::Create | Role::Replace => resource()?.create.as_ref(),
        Role::Patch => resource()?.update.as_ref(),
        _ => None,
    })
}

/// The operation of a resource in a role.
pub(crate) fn operation_of(spec: &Spec, resource: usize, role: Role) -> Option<&Operation> {
    spec.operations.iter().find(|op| op.resource == Some(resource) && op.role == role)
}

/// A tenant's name as the target spells it.
pub(crate) fn tenant_name(spec: &Spec, tenant: usize) -> Result<&str, Halt> {
    let named = spec.tenants.get(tenant).map(|t| t.id.as_str());
    named.ok_or_else(|| Halt::Unproven("the spec has no such tenant".into()))
}

/// Whether a request of the operation names its tenant, other than by its credential.
pub(crate) fn names_tenant(spec: &Spec, op: &Operation) -> bool {
    op.request.path.mentions(&Symbol::Tenant) || matches!(spec.tenancy.locator, Locator::Header(_))
}

/// Whether clients choose the ids of a resource.
pub(super) fn is_client_named(resource: &Resource) -> bool {
    resource.ids == IdSource::Client
}
