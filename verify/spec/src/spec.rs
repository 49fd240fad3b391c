//! The specification of a run, as types. Field docs give the TOML key they come from.
//!
//! - here: the whole. [`target`], [`tenant`], [`credential`], [`resource`], [`operation`], [`act`]: its parts.

pub(crate) mod act;
pub(crate) mod credential;
mod operation;
mod resource;
mod target;
mod tenant;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use self::operation::*;
pub use self::resource::*;
pub use self::target::*;
pub use self::tenant::*;
use crate::env::Variable;
use crate::spec::act::Act;

/// Everything that a run needs to know of its target.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Where the text came from, for findings that point at a line.
    pub source: Source,
    /// `[target]`
    pub target: Target,
    /// `[limits]`
    pub limits: Limits,
    /// `[tenancy]`
    pub tenancy: Tenancy,
    /// `[tokens]`; absent where credentials are no tokens (basic, API keys).
    pub tokens: Option<Tokens>,
    /// `[[tenant]]`, at least two, in the order of the file.
    pub tenants: Vec<Tenant>,
    /// `[[resource]]`, parents before children.
    pub resources: Vec<Resource>,
    /// Every operation: those that each resource implies by convention, then `[[operation]]`.
    pub operations: Vec<Operation>,
    /// `[[act]]`, each once for every tenant in which it can be done.
    pub acts: Vec<Act>,
    /// `[[exclude]]`, those not yet expired.
    pub excludes: Vec<Exclude>,
    /// Every `$NAME` that the file uses, with what it stood for (a secret's value is not printable).
    pub variables: BTreeMap<String, Variable>,
}

/// The text that a [`Spec`] was parsed from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path as the user gave it.
    pub path: PathBuf,
    /// The whole file. Secrets are never in it: they are `$NAME`.
    pub text: String,
}

/// `[[exclude]]`: a check that is left out, with a reason, for a time.
#[derive(Clone, Debug)]
pub struct Exclude {
    /// `check`: a check id, or `coverage`.
    pub check: String,
    /// `operation`: an operation's name; absent for all.
    pub operation: Option<String>,
    /// `reason`
    pub reason: String,
    /// `expires`: the last day it holds.
    pub expires: time::Date,
}
