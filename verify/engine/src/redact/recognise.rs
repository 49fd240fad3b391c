//! What is a secret though nobody named it: by the name of its member, parameter or header, or by its form.

mod form;
mod members;
mod names;
mod parameters;
mod random;

use std::ops::Range;

pub(crate) use self::names::is_secret_name;
pub(crate) use self::random::is_random;

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it is written.
    pub(crate) range: Range<usize>,
    /// What is written there, without escapes.
    pub(crate) value: String,
    /// Whether it is long and random enough to be looked for elsewhere as well.
    pub(crate) is_telling: bool,
    /// How it is written.
    pub(crate) written: Written,
    /// By what it was recognised.
    pub(crate) by: By,
}

/// By what a secret is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Its form, or a name that only secrets have.
    NameOrForm,
    /// It is random, in a member that is called `key`, as ids are as well.
    Key,
}

/// How a secret is written where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Within a text: a placeholder can be in its place.
    Text,
    /// As a number of JSON, in so many strings of JSON: what is in its place must be a string.
    Number(usize),
}

/// Every secret of a text, in the order of their beginnings, none within another.
pub(crate) fn secrets_in(text: &str) -> Vec<Found> {
    let mut found = form::by_form(text);
    found.extend(members::by_member(text));
    found.extend(parameters::by_parameter(text));
    found.extend(parameters::by_element(text));
    found.sort_by_key(|one| (one.range.start, std::cmp::Reverse(one.range.end)));
    let mut apart: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match apart.last_mut() {
            // It begins within the one before, and may go on after it.
            Some(last) if one.range.start < last.range.end => last.range.end = last.range.end.max(one.range.end),
            _ => apart.push(one),
        }
    }
    apart
}
