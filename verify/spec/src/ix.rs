//! Indices into a [`Spec`]: a tenant's cannot be taken for a resource's, and whoever has one needs no check.

use std::ops::Index;

use serde::{Deserialize, Serialize};

use crate::spec::act::Act;
use crate::spec::{Enters, Membership, Names, Operation, Principal, Resource, Role, Spec, Tenant, Usage};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The parser's bounds keep every number far below the last one, which is nothing's.
            pub(crate) fn new(number: usize) -> Self {
                Self(u32::try_from(number).unwrap_or(u32::MAX))
            }

            /// The place in its list, from 0.
            pub fn number(self) -> usize {
                usize::try_from(self.0).unwrap_or(usize::MAX)
            }
        }
    };
}

index! {
    /// A tenant: its place in [`Spec::tenants`].
    TenantIx
}
index! {
    /// A resource: its place in [`Spec::resources`].
    ResourceIx
}
index! {
    /// An operation: its place in [`Spec::operations`].
    OperationIx
}
index! {
    /// An act: its place in [`Spec::acts`].
    ActIx
}
index! {
    /// A principal: its place in [`Tenant::principals`], which says something only together with the tenant ([`Who`]).
    PrincipalIx
}

/// Two tenants, of which one tries to reach what is the other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// Whose credentials are used.
    pub attacker: TenantIx,
    /// Whose objects must stay out of reach.
    pub victim: TenantIx,
}

/// A principal of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Who {
    /// The tenant that it belongs to.
    pub tenant: TenantIx,
    /// Which of that tenant's.
    pub principal: PrincipalIx,
}

impl Spec {
    /// Every tenant, in the order of the file.
    pub fn tenant_ixs(&self) -> impl Iterator<Item = TenantIx> + use<> {
        (0..self.tenants.len()).map(TenantIx::new)
    }

    /// Every resource, parents before children.
    pub fn resource_ixs(&self) -> impl Iterator<Item = ResourceIx> + use<> {
        (0..self.resources.len()).map(ResourceIx::new)
    }

    /// Every operation, in the order of [`Spec::operations`].
    pub fn operation_ixs(&self) -> impl Iterator<Item = OperationIx> + use<> {
        (0..self.operations.len()).map(OperationIx::new)
    }

    /// Every ordered pair of two different tenants, by attacker and then victim.
    pub fn pairs(&self) -> Vec<Pair> {
        self.tenant_ixs()
            .flat_map(|attacker| self.tenant_ixs().map(move |victim| Pair { attacker, victim }))
            .filter(|pair| pair.attacker != pair.victim)
            .collect()
    }

    /// A tenant's principals, in the order of the file.
    pub fn principals(&self, tenant: TenantIx) -> impl Iterator<Item = (Who, &Principal)> {
        let all = self.tenants.get(tenant.number()).map_or(&[][..], |tenant| &tenant.principals);
        all.iter()
            .enumerate()
            .map(move |(number, principal)| (Who { tenant, principal: PrincipalIx::new(number) }, principal))
    }

    /// The principal that calls for a tenant unless a check wants another: the first that names its own tenant.
    pub fn caller(&self, tenant: TenantIx) -> Option<Who> {
        self.principals(tenant).find(|(_, principal)| principal.may_call()).map(|(who, _)| who)
    }

    /// The principals that attack for a tenant besides the one that calls for it: those that name it too.
    pub fn further_attackers(&self, tenant: TenantIx) -> impl Iterator<Item = Who> {
        let caller = self.caller(tenant);
        let is_further = move |who: &Who, principal: &Principal| {
            principal.names == Names::Own && principal.usage == Usage::All && Some(*who) != caller
        };
        self.principals(tenant).filter(move |(who, principal)| is_further(who, principal)).map(|(who, _)| who)
    }

    /// Every act, in the order of [`Spec::acts`].
    pub fn act_ixs(&self) -> impl Iterator<Item = ActIx> + use<> {
        (0..self.acts.len()).map(ActIx::new)
    }

    /// How a principal enters its own tenant, where it is a person who is a member of this other tenant too.
    pub fn also_member(&self, who: Who, tenant: TenantIx) -> Option<Enters> {
        match &self[who].membership {
            Membership::Several(tenants, enters) => {
                (who.tenant != tenant && tenants.contains(&self[tenant].id)).then_some(*enters)
            }
            Membership::One | Membership::Nowhere => None,
        }
    }

    /// Whether a principal that was read from a file is one of this spec's.
    pub fn has(&self, who: Who) -> bool {
        self.principal(who).is_some()
    }

    /// Whether a tenant that was read from a file is one of this spec's.
    pub fn has_tenant(&self, tenant: TenantIx) -> bool {
        tenant.number() < self.tenants.len()
    }

    /// Whether an operation that was read from a file is one of this spec's.
    pub fn has_operation(&self, operation: OperationIx) -> bool {
        operation.number() < self.operations.len()
    }

    /// The first operation of a resource with that role.
    pub fn operation_of(&self, resource: ResourceIx, role: Role) -> Option<OperationIx> {
        self.operations
            .iter()
            .position(|operation| operation.resource == Some(resource) && operation.role == role)
            .map(OperationIx::new)
    }

    /// Tenant and principal as texts name them: `agency-north/service`, with `?` for what this spec does not have.
    pub fn name_of(&self, who: Who) -> String {
        let tenant = self.tenants.get(who.tenant.number()).map_or("?", |tenant| tenant.name.as_str());
        let principal = self.principal(who).map_or("?", |principal| principal.name.as_str());
        format!("{tenant}/{principal}")
    }

    fn principal(&self, who: Who) -> Option<&Principal> {
        self.tenants.get(who.tenant.number())?.principals.get(who.principal.number())
    }
}

macro_rules! indexed {
    ($index:ident, $item:ident, |$spec:ident, $at:ident| $place:expr) => {
        impl Index<$index> for Spec {
            type Output = $item;

            #[expect(
                clippy::indexing_slicing,
                reason = "an index is made by its spec alone, and one read from a file is asked of `has` first"
            )]
            fn index(&self, $at: $index) -> &$item {
                let $spec = self;
                &$place
            }
        }
    };
}

indexed!(TenantIx, Tenant, |spec, at| spec.tenants[at.number()]);
indexed!(ResourceIx, Resource, |spec, at| spec.resources[at.number()]);
indexed!(OperationIx, Operation, |spec, at| spec.operations[at.number()]);
indexed!(ActIx, Act, |spec, at| spec.acts[at.number()]);
indexed!(Who, Principal, |spec, at| spec[at.tenant].principals[at.principal.number()]);
