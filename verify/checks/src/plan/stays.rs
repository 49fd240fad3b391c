//! What is there after a run and was not before.

use std::collections::BTreeSet;

use serde::Serialize;
use watertight_engine::Access;
use watertight_spec::{Effect, Operation, OperationIx, ResourceIx, Role, Spec, Supply, Who};

use super::Plan;
use super::acts::acts;
use crate::shared::{is_creatable, operation_of};

/// What stays.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Stays {
    /// A kind of object, or an operation.
    pub of: String,
    /// What of it stays, and why.
    pub why: String,
}

/// What is there after the run, of a plan that tries these.
pub(super) fn stays(spec: &Spec, plan: &Plan, tried: &BTreeSet<OperationIx>) -> Vec<Stays> {
    if plan.access == Access::Read {
        return Vec::new();
    }
    let of_kind = spec.resource_ixs().filter_map(|resource| {
        let described = &spec[resource];
        let changes =
            |op: &Operation| op.resource == Some(resource) && matches!(op.effect, Effect::Change | Effect::Destroy);
        let why = match described.supply {
            Supply::Made if !is_creatable(spec, resource) || is_removable(spec, resource) => return None,
            Supply::Made => format!("what is made of it: {NO_REMOVAL}"),
            Supply::Known(_) | Supply::Listed
                if described.is_disposable && tried.iter().any(|ix| changes(&spec[*ix])) =>
            {
                "what is changed or destroyed of it is not put back (`disposable`)".to_owned()
            }
            Supply::Known(_) | Supply::Listed => return None,
        };
        Some(Stays { of: described.name.clone(), why })
    });
    let made = tried.iter().map(|ix| &spec[*ix]).filter(|op| op.role == Role::Custom && op.effect == Effect::Create);
    let made = made.map(|op| Stays {
        of: op.name.clone(),
        why: "what it makes: the run knows no object by it, and removes none".to_owned(),
    });
    of_kind.chain(made).chain(accounts(spec, plan)).collect()
}

/// Accounts that log-ins make.
pub(crate) fn accounts(spec: &Spec, plan: &Plan) -> Vec<Stays> {
    let whose: BTreeSet<Who> = acts(plan).into_iter().flat_map(|act| spec[act].of.iter().copied()).collect();
    let made = whose.into_iter().filter(|who| spec[*who].credential.makes_account());
    let why = "the accounts that its log-ins make, but for those that an act removes";
    made.map(|who| Stays { of: spec.name_of(who), why: why.to_owned() }).collect()
}

/// Why what was made stays.
pub(crate) const NO_REMOVAL: &str = "the spec has no request that removes one";

/// Whether the spec has one.
pub(crate) fn is_removable(spec: &Spec, resource: ResourceIx) -> bool {
    operation_of(spec, resource, Role::Delete).is_some()
}
