//! What an answer says of an object, member by member, and what of that changes.

use std::collections::{BTreeMap, BTreeSet};

use watertight_engine::Tape;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_spec::Role;

use crate::shared::{is_broken_json, is_page, is_time, item_of, leaves, operation_of, texts_on};

/// What an answer says of an object.
pub(super) struct Members {
    all: BTreeMap<String, String>,
    form: Form,
}

/// What it is that has the members.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A document, or a file, which is one text.
    Data,
    /// A page for people. Messages come and go on it, so what is there at one look alone says nothing.
    Page,
}

impl Members {
    /// What an answer to its owner's reading says: all of it, or its item of a list.
    pub(super) fn of(t: &Tape, object: &Object, seen: &Exchange) -> Self {
        let listed = || item_of(&t.spec[object.resource], seen, &object.id).map(leaves);
        let told = match operation_of(&t.spec, object.resource, Role::Read) {
            Some(_) => Self::told(seen),
            None => listed().map(Self::data),
        };
        told.unwrap_or_else(|| Self::data(BTreeMap::new()))
    }

    /// The members of an answer, the texts of a page, or its text.
    pub(super) fn told(seen: &Exchange) -> Option<Self> {
        match (seen.json(), seen.response()) {
            (Some(json), _) => Some(Self::data(leaves(json))),
            (None, Some(_)) if is_broken_json(seen) => None,
            (None, Some(_)) if is_page(seen) => Some(Self { all: texts_on(seen), form: Form::Page }),
            (None, Some(received)) => {
                Some(Self::data(BTreeMap::from([("its text".to_owned(), received.body.text().to_owned())])))
            }
            (None, None) => None,
        }
    }

    pub(super) fn data(all: BTreeMap<String, String>) -> Self {
        Self { all, form: Form::Data }
    }

    pub(super) fn is_page(&self) -> bool {
        self.form == Form::Page
    }

    /// Whether all of these are times.
    pub(super) fn are_times(&self, members: &BTreeSet<String>) -> bool {
        members.iter().all(|member| self.all.get(member).is_some_and(|value| is_time(value)))
    }

    /// What is not the same in both, or is in one alone.
    pub(super) fn differing(&self, other: &Self) -> BTreeSet<String> {
        let all = self.all.keys().chain(other.all.keys());
        all.filter(|member| self.all.get(*member) != other.all.get(*member)).cloned().collect()
    }
}
