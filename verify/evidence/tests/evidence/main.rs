//! The artifacts of a run, what reading them back must notice, and judging them again.

#![cfg(test)]

mod artifacts;
mod bundles;
mod judging;
mod reproductions;
mod told;
