//! The engine over real HTTP: against hostile servers, and against a small tenant API whose controls can be broken.

mod controls;
mod session;
mod target;
