//! Texts that are usually no secret: a client's id, a user name.

use std::fmt;

use crate::env::Variable;
use crate::spec::Spec;

/// A text that may be shown, unless the variable that it came from is a secret elsewhere in the file.
///
/// Its `Debug` shows the variable's name in place of the value, because it cannot know of which spec it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    text: String,
    variable: Option<String>,
}

impl Setting {
    /// `variable` is the name, where the text came from one.
    pub(crate) fn new(text: String, variable: Option<String>) -> Self {
        Self { text, variable }
    }

    /// What is sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether its variable is a secret of the spec, so that the text is never shown.
    pub fn is_secret(&self, spec: &Spec) -> bool {
        let variable = self.variable().and_then(|name| spec.variables.get(name));
        matches!(variable, Some(Variable::Secret(_)))
    }

    /// The name of the variable that it came from.
    pub fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variable {
            Some(name) => write!(f, "Setting(${name})"),
            None => write!(f, "Setting({:?})", self.text),
        }
    }
}
