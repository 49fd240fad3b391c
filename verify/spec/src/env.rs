//! Where `$NAME` comes from.

use std::collections::BTreeMap;

use secrecy::SecretString;

/// A source of variables: the process's environment, the map that a demo hands over, or a bundle's record.
pub trait EnvSource {
    /// The value of a variable, or nothing when it is unset.
    fn lookup(&self, name: &str) -> Option<String>;
}

/// The process's environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Environment;

impl EnvSource for Environment {
    fn lookup(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl EnvSource for BTreeMap<String, String> {
    fn lookup(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

/// What a `$NAME` of the file stood for.
#[derive(Clone, Debug)]
pub enum Variable {
    /// Used where the value is no secret (a URL, an id): kept in a bundle so that it can be judged offline.
    Plain(String),
    /// Used as a secret at least once: never written anywhere.
    Secret(SecretString),
}
