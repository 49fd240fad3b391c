//! What a principal may do in its tenant, asked through a port.

use std::collections::{BTreeMap, BTreeSet};

use watertight_model::{ActionName, OperationClass, Role, Scope};

use crate::principal::TenantPrincipal;

/// Something that can be done, as a route or a job declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name, for instance `case.read`.
    pub name: ActionName,
    /// What kind of operation it is: the tenant's status must allow it.
    pub class: OperationClass,
    /// The scope that a token needs for it, whatever the subject's roles.
    pub required_scope: Scope,
}

/// Says whether a principal may do something in its tenant. A port.
pub trait ActionPolicy: Send + Sync {
    /// Whether the action is allowed. A policy that can't tell denies.
    fn allows(&self, principal: &TenantPrincipal, action: &Action) -> PolicyAnswer;
}

/// A policy's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyAnswer {
    /// Yes.
    Allow,
    /// No.
    Deny,
}

/// The plain policy: a role grants actions by name, and the token's scope must cover the action as well.
///
/// What isn't granted is denied. A role grants the same actions in every tenant; who has it is each tenant's own matter.
#[derive(Clone, Debug, Default)]
pub struct RoleTable {
    granted: BTreeMap<Role, BTreeSet<ActionName>>,
}

impl RoleTable {
    /// Grants nothing to anybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Grants an action to a role.
    #[must_use]
    pub fn grant(mut self, role: Role, action: ActionName) -> Self {
        self.granted.entry(role).or_default().insert(action);
        self
    }
}

impl ActionPolicy for RoleTable {
    fn allows(&self, principal: &TenantPrincipal, action: &Action) -> PolicyAnswer {
        let by_role = principal
            .roles()
            .iter()
            .filter_map(|role| self.granted.get(role))
            .any(|actions| actions.contains(&action.name));
        let by_scope = principal.scopes().contains(&action.required_scope);
        if by_role && by_scope { PolicyAnswer::Allow } else { PolicyAnswer::Deny }
    }
}
