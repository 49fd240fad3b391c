//! The checks against the double of a tenant API, by the real engine over loopback HTTP: each flaw is found, nothing
//! harmless is taken for one, and a control that fails leaves nothing proven.

#![cfg(test)]

mod brackets;
mod catalog;
mod compile_fail;
mod controls;
mod described;
mod existing;
mod flaws;
mod generated;
mod habits;
mod kept;
mod life;
mod lists;
mod nothing;
mod own_view;
mod planned;
mod quick;
mod rate;
mod resume;
mod same_ids;
mod sound;
mod support;
mod token;
mod views;
mod widths;
mod witnesses;
