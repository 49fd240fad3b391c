//! A spec is understood whole, or every mistake in it is shown.

mod examples;
mod mistakes;
mod properties;
mod sound;
