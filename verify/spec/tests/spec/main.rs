//! A spec is understood whole, or every mistake in it is shown.

#[cfg(test)]
mod acts;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod ix;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod provenance;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod sound;
