//! `manifest.json`: what the other files of a bundle must be.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use watertight_checks::run::Ending;
use watertight_engine::log::Tail;

use super::{BUNDLE_SCHEMA, BundleError, MANIFEST, parse};
use crate::report::Advisories;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    schema: String,
    /// Version of the tool that wrote it.
    tool: String,
    pub(super) ending: Ending,
    /// What counted as a leak although it demonstrates none: `advisory`.
    denied: BTreeSet<Denied>,
    /// Where the log ends.
    pub(super) trace: Tail,
    /// SHA-256 in hex.
    files: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Denied {
    Advisory,
}

/// What any version's manifest has.
#[derive(Deserialize)]
struct Versioned {
    schema: String,
}

impl Manifest {
    pub(super) fn new(
        tool: &str,
        ending: &Ending,
        advisories: Advisories,
        trace: Tail,
        files: BTreeMap<String, String>,
    ) -> Self {
        let denied = match advisories {
            Advisories::Denied => BTreeSet::from([Denied::Advisory]),
            Advisories::Reported => BTreeSet::new(),
        };
        Self { schema: BUNDLE_SCHEMA.to_owned(), tool: tool.to_owned(), ending: ending.clone(), denied, trace, files }
    }

    pub(super) fn read(text: &str) -> Result<Self, BundleError> {
        // The schema first: another version's manifest has other members.
        let Versioned { schema } = parse(MANIFEST, text)?;
        if schema != BUNDLE_SCHEMA {
            return Err(BundleError::Schema { file: MANIFEST, found: schema, expected: BUNDLE_SCHEMA });
        }
        parse(MANIFEST, text)
    }

    pub(super) fn hash(&self, file: &str) -> Option<&String> {
        self.files.get(file)
    }

    pub(super) fn advisories(&self) -> Advisories {
        match self.denied.contains(&Denied::Advisory) {
            true => Advisories::Denied,
            false => Advisories::Reported,
        }
    }
}
