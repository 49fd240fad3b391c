//! What someone who is a member of both tenants may not do all the same.

use watertight_spec::{Enters, Spec, Who};

use crate::check::{Target, Trial};
use crate::shared;

/// Whether a trial by this principal tries to cross a boundary. A person may enter its other tenant, so what names that one
/// is no attack. What it does within the one that it has entered must still show it nothing of the other: an object's id, a
/// list, a search. That is so only where its credential, or the request, says in which it is.
pub(super) fn crosses(spec: &Spec, who: Who, trial: &Trial) -> bool {
    let Some(enters) = spec.also_member(who, trial.pair.victim) else { return true };
    let names_other = |target: &Target| match target {
        Target::Object(_) | Target::Above(_) | Target::Second(_) | Target::Words | Target::Answer => false,
        Target::Tenant
        | Target::TenantId
        | Target::Name
        | Target::Members
        | Target::Headers
        | Target::Parameters
        | Target::Credential => true,
    };
    let is_entered = match enters {
        Enters::AtLogIn => true,
        Enters::WithEachRequest => {
            let own_url = spec[trial.pair.attacker].url != spec[trial.pair.victim].url;
            own_url || trial.subject.operation().is_some_and(|operation| shared::names_tenant(&spec[operation]))
        }
    };
    is_entered && !trial.targets.iter().any(names_other)
}
