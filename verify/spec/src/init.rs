//! The spec that `watertight init` writes.

/// A commented starter spec. It parses once the variables that it names are set.
pub const TEMPLATE: &str = include_str!("init.toml");
