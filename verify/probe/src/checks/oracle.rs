//! What an answer tells about foreign things without handing them over.

use super::Kind;

mod existence;
mod features;
mod name_taken;

pub(crate) use existence::never_existed;

/// In the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        Kind { about: &existence::ABOUT, instances: existence::instances },
        Kind { about: &name_taken::ABOUT, instances: name_taken::instances },
    ]
}
