//! An object of the victim's that is attacked: where the attacker sends it, when it may, and what came of it.

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{QuietOf, Seen, Tape, WriteTape};
use watertight_spec::{Operation, Pair, ResourceIx, Role};

use super::super::effect::{AtRest, Expected, SeenEffect, poll_effect};
use super::{Where, in_own_place, mark_of_create, with_all};
use crate::bracket::{self, Attack};
use crate::shared::{
    Furnished, Nowhere, Place, Slot, Words, attack, clear_below, clear_object, ids_count, is_error, is_held_by_a_third,
    is_invalid, is_taken, is_turned_away, leak, own, plant, plant_below, plant_below_of_both, quiet_at_ids, read,
    remove, remove_if_written, request, says_nothing, succeed_or_lead_on,
};
use crate::verdict::{Reason, ResponseClass, Stop, Unproven, Verdict, class_of};

/// What came of an attack.
pub(super) enum Attacked {
    /// What it came to.
    Told(Verdict),
    /// It was not sent, as someone else has an object of its own at that id. What the object was like then.
    Held(AtRest),
    /// It can't be told from what others do meanwhile.
    Unclear,
}

/// What came of sending it.
enum Sent {
    Answered(Seen),
    /// It was not sent: the attacker, or a third tenant, has an object of its own there.
    Held,
}

/// Which of the victim's objects is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// The next that is made. Other trials may give the attacker one at that id at any time, so that the only look that counts
    /// is the one just before the attack.
    Next,
    /// The next at whose id no one else has anything.
    Clear,
}

/// What is attacked, and where.
pub(super) struct AttackedObject<'o> {
    pub(super) op: &'o Operation,
    pub(super) pair: Pair,
    pub(super) whose: Where,
    /// What no other trial does in the attacker's tenant while it is sent.
    pub(super) quiet_of: QuietOf,
    /// The disposable parent of the victim's, if the object is below one.
    pub(super) above: Option<Object>,
    /// Objects above that are called the same, of both.
    pub(super) of_both: Vec<Object>,
    /// The victim's.
    pub(super) object: Object,
    /// What the request names below it, where that is the victim's too.
    pub(super) below: Option<Furnished>,
    /// Where the attacker sends it.
    pub(super) place: Place,
    /// The same ids in the attacker's own place, where it must have nothing: a target that goes by the credential alone
    /// would do it there.
    pub(super) own: Place,
}

impl<'o> AttackedObject<'o> {
    pub(super) async fn choose(
        w: WriteTape<'_>,
        op: &'o Operation,
        pair: Pair,
        (resource, chosen, quiet_of): (ResourceIx, Chosen, QuietOf),
        whose: Where,
        slot: Slot,
    ) -> Result<Self, Stop> {
        let t = w.tape();
        let company = slot.beside_new(w, op, &Place::within(pair.attacker, &[]), resource).await?;
        let beside = |tenant, object: &Object| in_own_place(t, tenant, object);
        // Where it is quiet, what is clear now stays so.
        let chosen = if t.is_quiet([pair.attacker, pair.victim]) { Chosen::Clear } else { chosen };
        let mut of_both = Vec::new();
        let (above, object, own) = match whose {
            Where::BelowOfBoth => {
                let object;
                (object, of_both) = plant_below_of_both(w, pair, resource).await?;
                let own = Place::of(&object).in_tenant(pair.attacker);
                (None, object, own)
            }
            Where::BelowTheirs => {
                let (above, object) = match chosen {
                    Chosen::Clear => clear_below(w, pair, resource).await?,
                    Chosen::Next => plant_below(w, pair.victim, resource).await?,
                };
                let own = Place::of(&object).in_tenant(pair.attacker);
                (Some(above), object, own)
            }
            Where::Theirs | Where::Between(_) | Where::Own | Where::WithBelow => {
                let object = match chosen {
                    Chosen::Clear => clear_object(w, pair, resource, beside).await?,
                    Chosen::Next => plant(w, pair.victim, resource).await?,
                };
                let own = beside(pair.attacker, &object);
                (None, object, own)
            }
        };
        let theirs = match op.after.is_some() {
            true => with_all(t, op, Place::of(&object)),
            false => Place::of(&object),
        };
        let below = match whose.is_all_theirs() {
            true => Some(Furnished::at(w, op, theirs.clone()).await?),
            false => None,
        };
        let place = match (whose, op.after) {
            // What has been done with the victim's is undone with the very same.
            (Where::WithBelow, Some(_)) => theirs.in_tenant(pair.attacker),
            _ => whose.place(pair.attacker, &object, &own),
        };
        let place = below.iter().fold(place.beside(company), |place, below| below.named_in(place));
        Ok(Self { op, pair, whose, quiet_of, above, of_both, object, below, place, own })
    }

    /// The bracket around the attack. What changes by itself is known from `at_rest`, of this object or another one.
    pub(super) async fn attack(
        &self,
        w: WriteTape<'_>,
        at_rest: &AtRest,
        effect: &SeenEffect,
    ) -> Result<Attacked, Stop> {
        let t = w.tape();
        let nonce = t.nonce(self.pair.attacker);
        let open = bracket::open(async || read(t, &self.object).await).await?;
        let Some(expected) = Expected::of(t, self.pair, (&self.object, at_rest), effect, open.held()) else {
            return Ok(Attacked::Unclear);
        };
        let sent = match self.send(t, &nonce).await? {
            Sent::Answered(sent) => sent,
            Sent::Held => return Ok(Attacked::Held(expected.before)),
        };
        let mut outcome = self.watch(t, &expected, &sent, &nonce).await?;
        if matches!(outcome, Attack::Withstood) && sent.lets_in() && self.may_be_others(t) {
            return Ok(Attacked::Unclear);
        }
        if self.may_create() && sent.lets_in() && !outcome.is_leak() {
            let left = self.undo(w, &nonce).await?;
            let shown = left.and_then(|left| leak(t, &left, self.pair.victim));
            outcome = shown.map_or(outcome, Attack::Leaked);
        }
        open.attack(outcome).close().await.map(Attacked::Told)
    }

    /// The attacker sends it, unless it has an object of its own there, or a third tenant has one. Nothing else creates any
    /// of the attacker's in between.
    async fn send(&self, t: &Tape, nonce: &str) -> Result<Sent, Stop> {
        let Pair { attacker, victim } = self.pair;
        let asked = request(t, own(t, attacker)?, self.op, &self.place, &Words::nonce(nonce))?;
        let mut across = attack(t, &asked, attacker)?;
        if self.may_create() {
            across = across.mark(mark_of_create(t, self.object.resource, &self.place)?);
        }
        if t.is_quiet([attacker, victim]) {
            // It has been since the object was chosen: its id, or that of the object above it, was asked for then.
            let is_below = self.above.is_some() || !self.of_both.is_empty();
            let is_taken = is_below && is_taken(t, attacker, &self.own, &self.object).await?;
            return Ok(if is_taken { Sent::Held } else { Sent::Answered(t.send(across).await) });
        }
        if self.is_held_by_a_third(t).await? {
            return Ok(Sent::Held);
        }
        // In the victim's place it is at worst an object of another trial's that is hit; in the attacker's own, one that it
        // owns would be taken for the victim's.
        let _quiet = match self.whose {
            Where::Theirs => None,
            Where::Own | Where::WithBelow | Where::BelowTheirs | Where::BelowOfBoth | Where::Between(_) => {
                quiet_at_ids(t, self.pair, self.object.resource, self.quiet_of).await
            }
        };
        if self.is_taken(t).await? {
            return Ok(Sent::Held);
        }
        Ok(Sent::Answered(t.send(across).await))
    }

    /// Whether it may have been done to something of the attacker's own, which another trial's change has put there meanwhile.
    fn may_be_others(&self, t: &Tape) -> bool {
        let is_shared = self.whose != Where::Theirs && self.quiet_of == QuietOf::Creates;
        is_shared && ids_count(t, self.pair.victim, self.object.resource) && !t.is_quiet([self.pair.attacker])
    }

    /// Whether a third tenant has an object at that id, or at that of the object above it.
    async fn is_held_by_a_third(&self, t: &Tape) -> Result<bool, Stop> {
        match &self.above {
            Some(above) => is_held_by_a_third(t, self.pair, above, |tenant| Place::of(above).in_tenant(tenant)).await,
            None if self.whose == Where::Theirs => Ok(false),
            None => {
                is_held_by_a_third(t, self.pair, &self.object, |tenant| in_own_place(t, tenant, &self.object)).await
            }
        }
    }

    /// Whether the attacker has an object at that id, or at that of the object above it.
    async fn is_taken(&self, t: &Tape) -> Result<bool, Stop> {
        let attacker = self.pair.attacker;
        if let Some(above) = &self.above
            && is_taken(t, attacker, &Place::of(above).in_tenant(attacker), above).await?
        {
            return Ok(true);
        }
        is_taken(t, attacker, &self.own, &self.object).await
    }

    /// What came of it, as the answer says and the owner sees.
    async fn watch(&self, t: &Tape, expected: &Expected, sent: &Exchange, nonce: &str) -> Result<Attack, Stop> {
        let Expected { before, effect } = expected;
        let found = match leak(t, sent, self.pair.victim) {
            Some(evidence) => Some(evidence),
            None => poll_effect(t, &self.object, before, effect, sent, nonce).await?,
        };
        if let Some(evidence) = found {
            return Ok(Attack::Leaked(evidence));
        }
        Ok(match (class_of(sent), effect) {
            (ResponseClass::Denied, _) | (ResponseClass::Success, SeenEffect::Gone) => Attack::Withstood,
            (ResponseClass::Success, SeenEffect::Changes(members)) if !members.is_empty() => Attack::Withstood,
            // A refusal within a success.
            (ResponseClass::Success, _)
                if sent.json().is_some_and(is_error) && self.is_refused_for_the_id(t, sent, nonce).await? =>
            {
                Attack::Withstood
            }
            (ResponseClass::Success, SeenEffect::Changes(_)) => {
                let detail = "succeeded, and what it does can't be seen (say with `concerns` what it changes)";
                Attack::Undecided(Unproven::shown(Reason::EffectUnseen, detail, sent))
            }
            // The operation is known to have an effect that is seen, and the victim sees none.
            (ResponseClass::Undecided, effect) if effect.is_seen() && (is_turned_away(sent) || sent.leads_on()) => {
                Attack::Withstood
            }
            (ResponseClass::Undecided, effect)
                if effect.is_seen() && is_invalid(sent) && self.is_refused_as_nowhere(t, sent, nonce).await? =>
            {
                Attack::Withstood
            }
            (ResponseClass::Undecided, _) if is_invalid(sent) && self.is_refused_for_the_id(t, sent, nonce).await? => {
                Attack::Withstood
            }
            (ResponseClass::NotOffered | ResponseClass::Undecided, _) => Attack::Undecided(Unproven::undecided(sent)),
        })
    }

    /// Whether it is the id that is refused, as one that never existed is: the attacker's own, in the same place, is not.
    async fn is_refused_for_the_id(&self, t: &Tape, sent: &Exchange, nonce: &str) -> Result<bool, Stop> {
        let Some(w) = t.writing().filter(|_| self.whose == Where::Own) else { return Ok(false) };
        if !self.is_refused_as_nowhere(t, sent, nonce).await? {
            return Ok(false);
        }
        let resource = self.object.resource;
        let mine = plant(w, self.pair.attacker, resource).await?;
        let place = self.place.clone().and(resource, &mine.id);
        let words = Words::canary(&t.canary(self.pair.attacker));
        let asked = request(t, own(t, self.pair.attacker)?, self.op, &place, &words)?;
        let done = succeed_or_lead_on(t, asked, self.pair.attacker).await;
        let is_done = done.is_ok_and(|answer| !answer.json().is_some_and(is_error));
        remove(w, &mine).await?;
        Ok(is_done)
    }

    /// Whether the attacker is told, of the same for an id that never existed, what it was told: some targets refuse both as
    /// invalid.
    async fn is_refused_as_nowhere(&self, t: &Tape, sent: &Exchange, nonce: &str) -> Result<bool, Stop> {
        let Pair { attacker, .. } = self.pair;
        let _quiet = quiet_at_ids(t, self.pair, self.object.resource, self.quiet_of).await;
        if self.is_taken(t).await? {
            return Ok(false);
        }
        let words = Words::nonce(nonce);
        let ask = |place: &Place| attack(t, &request(t, own(t, attacker)?, self.op, place, &words)?, attacker);
        let nowhere = Nowhere::instead_of(t, &self.place, (self.object.resource, &self.object.id));
        says_nothing(t, self.op, ask, &self.place, nowhere, sent).await
    }

    /// Whether it may make an object of the attacker's own (an upsert).
    fn may_create(&self) -> bool {
        self.whose != Where::Theirs && self.op.role == Role::Replace
    }

    /// Removes what the attacker made for itself at that id, and yields what it was shown there.
    async fn undo(&self, w: WriteTape<'_>, nonce: &str) -> Result<Option<Seen>, Stop> {
        let parents = self.place.ids.iter().filter(|(resource, _)| *resource != self.object.resource);
        let made = Object { tenant: self.pair.attacker, parents: parents.cloned().collect(), ..self.object.clone() };
        remove_if_written(w, &made, nonce).await
    }

    pub(super) async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        if let Some(below) = &self.below {
            below.discard(w).await?;
        }
        remove(w, &self.object).await?;
        // The victim's first: one that goes by the id alone would remove that for the attacker's.
        for above in self.above.iter().chain(&self.of_both) {
            remove(w, above).await?;
        }
        Ok(())
    }
}
