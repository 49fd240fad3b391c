//! Acts that a plan does, after all else.

use std::collections::BTreeSet;

use serde::Serialize;
use watertight_spec::{Act, ActIx, Spec, WrittenPart};

use super::Plan;
use crate::check::{Subject, Trial};

/// An act that is done.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Acted {
    /// Its name.
    pub act: String,
    /// In which tenant.
    pub tenant: String,
    /// Whose access it ends.
    pub of: Vec<String>,
    /// Who does it.
    pub by: String,
    /// What it sends.
    pub request: String,
}

impl Acted {
    pub(super) fn of(spec: &Spec, act: ActIx) -> Self {
        let Act { name, tenant, of, by, request, .. } = &spec[act];
        let written = |part: &WrittenPart| match part {
            WrittenPart::Text(text) => text.clone(),
            WrittenPart::Taken(name) => format!("{{{name}}}"),
        };
        let target: String = request.target.parts().iter().map(written).collect();
        Self {
            act: name.clone(),
            tenant: spec[*tenant].id.to_string(),
            of: of.iter().map(|who| spec[*who].name.clone()).collect(),
            by: spec[*by].name.clone(),
            request: format!("{} {target}", request.method),
        }
    }
}

/// Acts that are tried, in the order of the spec.
pub(super) fn acts(plan: &Plan) -> BTreeSet<ActIx> {
    let of_trial = |trial: &Trial| match trial.subject {
        Subject::Act(act) => Some(act),
        _ => None,
    };
    plan.trials.iter().filter_map(of_trial).collect()
}
