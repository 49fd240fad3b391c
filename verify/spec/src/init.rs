//! The specs that `watertight init` writes.

/// A commented starter spec. It parses once the variables that it names are set.
pub const TEMPLATE: &str = include_str!("init.toml");

/// Whole specs for usual kinds of API, by name: docs/spec.md shows them, `watertight init --example NAME` writes one.
pub const RECIPES: [(&str, &str); 12] = [
    ("rest", include_str!("recipes/rest.toml")),
    ("keys", include_str!("recipes/keys.toml")),
    ("django", include_str!("recipes/django.toml")),
    ("rails", include_str!("recipes/rails.toml")),
    ("cookies", include_str!("recipes/cookies.toml")),
    ("rpc", include_str!("recipes/rpc.toml")),
    ("graphql", include_str!("recipes/graphql.toml")),
    ("jsonapi", include_str!("recipes/jsonapi.toml")),
    ("odata", include_str!("recipes/odata.toml")),
    ("hosts", include_str!("recipes/hosts.toml")),
    ("uploads", include_str!("recipes/uploads.toml")),
    ("jobs", include_str!("recipes/jobs.toml")),
];
