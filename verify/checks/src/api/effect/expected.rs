//! What an attack on an object is told by, while others of the same tenant are made and changed.

use watertight_engine::planted::Object;
use watertight_engine::{Quiet, Seen, Tape};
use watertight_spec::Pair;

use super::{AtRest, SeenEffect, observe_at_rest};
use crate::bracket::{self, Open};
use crate::verdict::{Reason, Stop, Unproven};

/// What an object is like just before the attack, and what of the operation's effect would be seen on it then.
pub(in crate::api) struct Expected {
    pub(in crate::api) before: AtRest,
    pub(in crate::api) effect: SeenEffect,
}

impl Expected {
    /// `at_rest` was read before the owner did the operation to another of its own, `seen` after it. What has changed in both is
    /// of the whole tenant, and changes with whatever anyone of it does, so it tells nothing, unless all else is quiet. None
    /// where nothing is left to be seen.
    pub(in crate::api) fn of(
        t: &Tape,
        pair: Pair,
        (object, at_rest): (&Object, &AtRest),
        whole: &SeenEffect,
        seen: &Seen,
    ) -> Option<Self> {
        let is_quiet = t.is_quiet([pair.attacker, pair.victim]);
        let before = match is_quiet {
            true => at_rest.like(t, object, seen),
            false => at_rest.later(t, object, seen),
        };
        let effect = match whole {
            SeenEffect::Gone => SeenEffect::Gone,
            SeenEffect::Changes(all) => SeenEffect::Changes(before.without_noise(all)),
        };
        let is_hidden = whole.is_seen() && !effect.is_seen() && !is_quiet;
        (!is_hidden).then_some(Self { before, effect })
    }

    /// Opens the bracket around several objects, each as it was at rest and with what is done to such a one. Makes it quiet in
    /// both tenants for as long as the last of it is held where the attack could not be told from what others do there.
    pub(in crate::api) async fn open<'t, C: AsyncFn() -> Result<Vec<Seen>, Stop> + Copy>(
        t: &'t Tape,
        pair: Pair,
        objects: &[(&Object, &AtRest, &SeenEffect)],
        control: C,
    ) -> Result<(Open<C, Vec<Seen>>, Vec<Self>, Option<Quiet<'t>>), Stop> {
        let open = bracket::open(control).await?;
        let of_each = objects.iter().zip(open.held());
        let expected =
            of_each.map(|((object, at_rest, whole), seen)| Self::of(t, pair, (object, at_rest), whole, seen));
        if let Some(expected) = expected.collect() {
            return Ok((open, expected, None));
        }
        let quiet = t.quiet([pair.attacker, pair.victim]).await;
        let observed = observe_at_rest(t, objects.iter().map(|(object, ..)| *object)).await?;
        let open = bracket::open(control).await?;
        let of_each = objects.iter().zip(&observed).zip(open.held());
        let expected =
            of_each.map(|(((object, _, whole), at_rest), seen)| Self::of(t, pair, (object, at_rest), whole, seen));
        let hidden = || Unproven::new(Reason::EffectUnseen, "what it does can't be told from what changes by itself");
        let expected = expected.collect::<Option<_>>().ok_or_else(hidden)?;
        Ok((open, expected, Some(quiet)))
    }
}
