//! What an object looks like while no one touches it.

use std::collections::BTreeSet;
use std::time::Duration;

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, side_by_side};

use super::super::members::Members;
use super::state::{State, state};
use crate::shared::read;
use crate::verdict::{Reason, Stop, Unproven};

/// In which a clock of whole seconds goes on.
const TICK: Duration = Duration::from_millis(1_100);

/// What an object looks like while no one touches it.
pub(in crate::api) struct AtRest {
    members: Members,
    /// Members that change by themselves.
    noise: BTreeSet<String>,
}

/// The owner reads each object twice. In between is the time within which a platform finishes by itself what a create
/// began, so that this is not taken for what the operation or the attacker does. Where something has changed, they are read a
/// third time: what changes from then on always does.
pub(in crate::api) async fn observe_at_rest<'o>(
    t: &Tape,
    objects: impl Iterator<Item = &'o Object> + Clone,
) -> Result<Vec<AtRest>, Stop> {
    let first = async |object: &Object| Ok(AtRest::of(t, object, &*read(t, object).await?));
    let mut all = side_by_side(objects.clone().map(first)).await.into_iter().collect::<Result<Vec<AtRest>, Stop>>()?;
    for _ in 0..2 {
        t.wait(t.spec.target.settle).await;
        let again = all.iter().zip(objects.clone()).map(|(at_rest, object)| at_rest.again(t, object));
        all = side_by_side(again).await.into_iter().collect::<Result<_, Stop>>()?;
        if !all.iter().any(AtRest::moves) {
            break;
        }
    }
    Ok(all)
}

/// The same of one.
pub(in crate::api) async fn observe_one(t: &Tape, object: &Object) -> Result<AtRest, Stop> {
    Ok(observe_at_rest(t, std::iter::once(object)).await?.pop().ok_or_else(Unproven::nothing_sent)?)
}

impl AtRest {
    /// Of an object that was read once.
    pub(super) fn of(t: &Tape, object: &Object, seen: &Exchange) -> Self {
        Self { members: Members::of(t, object, seen), noise: BTreeSet::new() }
    }

    /// As it is read once more: what is not as before changes by itself.
    async fn again(&self, t: &Tape, object: &Object) -> Result<Self, Stop> {
        match state(t, object).await? {
            State::There(_, members) => Ok(Self { noise: self.members.differing(&members), members }),
            State::Gone(seen) | State::Unclear(seen) => {
                Err(Unproven::shown(Reason::ControlFailed, "the owner can't read its own object twice", &seen).into())
            }
        }
    }

    /// Whether something of it changed while no one touched it.
    pub(in crate::api) fn moves(&self) -> bool {
        !self.noise.is_empty()
    }

    /// Of an object as it was read now: what changes by itself is known already, from this one or another.
    pub(super) fn like(&self, t: &Tape, object: &Object, seen: &Exchange) -> Self {
        Self { members: Members::of(t, object, seen), noise: self.noise.clone() }
    }

    /// Of the same object as it was read later, when its owner had done something to another: what has changed in both is of
    /// the whole tenant (a count, a revision, its last activity), and changes with whatever anyone of it does.
    pub(super) fn later(&self, t: &Tape, object: &Object, seen: &Exchange) -> Self {
        let members = Members::of(t, object, seen);
        Self { noise: self.noise.union(&self.members.differing(&members)).cloned().collect(), members }
    }

    /// The same with what is known to change by itself in another object of its kind, which was looked at for longer.
    pub(in crate::api) fn and_noise_of(self, other: &Self) -> Self {
        Self { noise: self.noise.union(&other.noise).cloned().collect(), ..self }
    }

    /// The same now, at two looks: a message is on one of them alone.
    pub(super) async fn now(&self, t: &Tape, object: &Object) -> Result<Self, Stop> {
        let seen = read(t, object).await?;
        let again = Self::of(t, object, &seen).again(t, object).await?;
        Ok(Self { noise: self.noise.union(&again.noise).cloned().collect(), members: again.members })
    }

    /// What has changed at a second look too, and that look. On a page a message that something was done is shown once; a time
    /// that goes on by itself, or with each reading, has gone on by then.
    pub(super) async fn lasting(
        &self,
        t: &Tape,
        object: &Object,
        now: &Members,
    ) -> Result<Option<(Seen, BTreeSet<String>)>, Stop> {
        if !now.is_page() {
            t.wait(TICK).await;
        }
        let State::There(again, then) = state(t, object).await? else { return Ok(None) };
        let passing = now.differing(&then);
        let lasting = self.changed(&then).into_iter().filter(|member| !passing.contains(member)).collect();
        Ok(Some((again, lasting)))
    }

    /// Whether it is shown on a page for people.
    pub(super) fn is_page(&self) -> bool {
        self.members.is_page()
    }

    /// Those of these members that don't change by themselves.
    pub(super) fn without_noise(&self, members: &BTreeSet<String>) -> BTreeSet<String> {
        members.difference(&self.noise).cloned().collect()
    }

    pub(super) fn changed(&self, now: &Members) -> BTreeSet<String> {
        self.without_noise(&self.members.differing(now))
    }
}
