//! The id of what a create made.

use watertight_engine::Tape;
use watertight_engine::log::Exchange;
use watertight_spec::{ObjectId, ResourceIx, Role, Spec, TenantIx};

use super::{Place, Words, follow, id_beside, id_in, id_of, is_page, items, operation_of, owner, poll, request};
use crate::verdict::Stop;

/// Where a target tells the ids of what it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tells {
    /// In the answer to a create. One that names none made nothing.
    InAnswer,
    /// Only in lists.
    InList,
}

impl Tells {
    /// By the answer to a create that made something.
    pub(crate) fn by(spec: &Spec, resource: ResourceIx, made: &Exchange) -> Self {
        if id_in(spec, resource, made).is_some() { Self::InAnswer } else { Self::InList }
    }
}

/// Whether an answer to a create does not name what was made, where the answer to its owner's own create does, and says
/// something else: so targets deny by what they say alone, lead elsewhere, or show a form again, with what was sent in it.
pub(crate) fn makes_nothing(spec: &Spec, resource: ResourceIx, answer: &Exchange, nonce: &str) -> bool {
    let says_else = answer.json().is_some() && !answer.mentions(nonce);
    id_in(spec, resource, answer).is_none() && (says_else || is_page(answer) || answer.leads_on())
}

/// What a create made, by the words that it brought.
pub(crate) struct Made<'a> {
    /// Whose it is.
    pub(crate) tenant: TenantIx,
    /// What kind of object it is.
    pub(crate) resource: ResourceIx,
    /// The ids of the other objects that requests for it name.
    pub(crate) parents: &'a [(ResourceIx, ObjectId)],
    /// Of which its item in a list shows one.
    pub(crate) words: &'a [&'a str],
}

impl Made<'_> {
    /// Its id: as the answer names it, else as its owner's list does, at once or after `settle`. None where neither does.
    pub(crate) async fn id(&self, t: &Tape, tells: Tells, answer: &Exchange) -> Result<Option<ObjectId>, Stop> {
        let told = id_in(&t.spec, self.resource, answer);
        let is_listed = operation_of(&t.spec, self.resource, Role::List).is_some();
        match tells {
            Tells::InList if told.is_none() && is_listed => poll(t, async || self.listed(t).await).await,
            _ => Ok(told),
        }
    }

    /// The id of the item that shows one of the words.
    async fn listed(&self, t: &Tape) -> Result<Option<ObjectId>, Stop> {
        let Some(op) = operation_of(&t.spec, self.resource, Role::List) else { return Ok(None) };
        let described = &t.spec[self.resource];
        let found = |page: &Exchange| {
            if page.succeeded() && is_page(page) {
                return id_beside(&t.spec, self.resource, page, self.words);
            }
            let json = page.json().filter(|_| page.succeeded())?;
            let shows = |text: &str| self.words.iter().any(|word| text.contains(word));
            items(json).into_iter().find(|item| shows(&item.to_string())).and_then(|item| id_of(described, item))
        };
        let place = Place::within(self.tenant, self.parents);
        // One who may not see the others of that place has not got the list of its own.
        let Ok(first) = request(t, owner(t, self.tenant)?, op, &place, &Words::default()) else { return Ok(None) };
        let pages = follow(t, op, first.crossing(), |page| found(page).is_some()).await;
        Ok(pages.last().and_then(|page| found(page)))
    }
}
