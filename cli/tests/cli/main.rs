//! The binary as a user meets it: exit codes, what is printed where, and what is sent (or not).

#![cfg(test)]

mod commands;
#[cfg(feature = "demo")]
mod demo;
mod desk;
mod documents;
mod folder;
mod planned;
mod refused;
