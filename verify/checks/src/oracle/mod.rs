//! What an answer tells about foreign things without handing them over.

use crate::{Kind, TriedBy};

mod existence;
mod name_taken;

pub(crate) use existence::CHECK as EXISTENCE;

/// In the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        Kind { check: &existence::CHECK, trials: existence::trials, tried_by: TriedBy::Caller },
        Kind { check: &name_taken::CHECK, trials: name_taken::trials, tried_by: TriedBy::Caller },
    ]
}
