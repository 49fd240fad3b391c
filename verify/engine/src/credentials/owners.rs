//! Whose credential stands behind a placeholder: an answer that shows one tenant's to another is a leak, whatever was asked.

use std::collections::HashMap;

use secrecy::ExposeSecret as _;
use watertight_spec::{Spec, Who};

use crate::redact::Redactor;

/// Characters of a credential that is in no text by chance.
const LEAST: usize = 10;

/// Whose the credentials of the spec are, by their placeholders.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// None where two tenants have the same.
    by_placeholder: HashMap<String, Option<Who>>,
}

impl Owners {
    /// Of every principal. The redactor's key makes the placeholders.
    pub(crate) fn new(spec: &Spec, redactor: &Redactor) -> Self {
        let mut owners = Self::default();
        for tenant in spec.tenant_ixs() {
            for (who, principal) in spec.principals(tenant) {
                let secrets = principal.credential.secrets().into_iter().map(|secret| secret.expose_secret());
                for secret in secrets.filter(|secret| is_no_word(secret)) {
                    let owner = owners.by_placeholder.entry(redactor.placeholder(secret)).or_insert(Some(who));
                    *owner = owner.filter(|other| other.tenant == tenant);
                }
            }
        }
        owners
    }

    /// Whose it is, if it is one tenant's alone.
    pub(crate) fn who(&self, placeholder: &str) -> Option<Who> {
        self.by_placeholder.get(placeholder).copied().flatten()
    }
}

/// A password may be a word that is in any text.
fn is_no_word(secret: &str) -> bool {
    let has = |kind: fn(&char) -> bool| secret.chars().any(|c| kind(&c));
    secret.chars().count() >= LEAST && has(char::is_ascii_digit) && has(|c| c.is_alphabetic())
}
