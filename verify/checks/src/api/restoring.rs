//! The bracket of what brings back what its owner has removed, `after` a request that destroys: a restore from the bin. The
//! object is gone before, and there again after.

mod purge;

use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_spec::{Effect, Operation, Pair, ResourceIx};

use super::effect::{comes_back, is_gone};
use super::writing::{Where, in_own_place, with_all};
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{
    Nowhere, Place, Slot, Words, attack, is_invalid, is_taken, is_turned_away, leak, own, plant, prepare, read, remove,
    request, says_nothing, succeed_or_lead_on,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, class_of};
pub(super) use purge::{purge_across, purges};

/// Whether an operation is about what is removed before it, and does not remove it once more.
pub(super) fn restores(t: &Tape, op: &Operation) -> bool {
    op.effect != Effect::Destroy && op.after.is_some_and(|before| t.spec[before].effect == Effect::Destroy)
}

/// The whole pair. Not applicable where what was removed is there to be read all the same: then it is changed as anything else.
pub(super) async fn restore_across(
    w: WriteTape<'_>,
    op: &Operation,
    pair: Pair,
    resource: ResourceIx,
    whose: Where,
    slot: Slot,
) -> Concluded {
    let t = w.tape();
    let double = plant(w, pair.victim, resource).await?;
    let company = slot.beside_new(w, op, &Place::of(&double), resource).await?;
    let place = with_all(t, op, Place::of(&double)).beside(company);
    prepare(t, op, &place).await?;
    if is_gone(t, &double).await?.is_none() {
        remove(w, &double).await?;
        return Err(Stop::not_applicable("what is removed before is still there"));
    }
    let asked = request(t, own(t, pair.victim)?, op, &place, &Words::canary(&t.canary(pair.victim)))?;
    let done = succeed_or_lead_on(t, asked, pair.victim).await?;
    if !comes_back(t, &double).await? {
        let detail = "its owner does not find again what it brings back";
        return Err(Unproven::shown(Reason::EffectUnseen, detail, &done).into());
    }
    let open = bracket::open(async || read(t, &double).await).await?;
    let removed = Removed::of(w, op, pair, resource, whose, slot).await?;
    let outcome = removed.attack(t).await?;
    let verdict = open.attack(outcome).close().await?;
    remove(w, &double).await?;
    Ok(verdict)
}

/// What came of sending an attack.
enum Sent {
    /// The answer alone is a leak.
    Leaked(Evidence),
    Answered(Seen),
}

/// What the victim has removed.
struct Removed<'o> {
    op: &'o Operation,
    pair: Pair,
    object: Object,
    /// Where the attacker sends it.
    place: Place,
}

impl<'o> Removed<'o> {
    async fn of(
        w: WriteTape<'_>,
        op: &'o Operation,
        pair: Pair,
        resource: ResourceIx,
        whose: Where,
        slot: Slot,
    ) -> Result<Self, Stop> {
        let t = w.tape();
        let object = plant(w, pair.victim, resource).await?;
        let mine = match whose {
            Where::BelowTheirs | Where::BelowOfBoth | Where::WithBelow => {
                with_all(t, op, Place::of(&object)).in_tenant(pair.attacker)
            }
            Where::Theirs | Where::Between(_) | Where::Own => in_own_place(t, pair.attacker, &object),
        };
        if is_taken(t, pair.attacker, &mine, &object).await? {
            return Err(Unproven::new(Reason::IdTaken, Reason::IdTaken.says()).into());
        }
        prepare(t, op, &with_all(t, op, Place::of(&object))).await?;
        if is_gone(t, &object).await?.is_none() {
            return Err(Unproven::new(Reason::EffectUnseen, "what is removed before is there now and then").into());
        }
        // The attacker's own beside it are removed as well.
        let company = slot.beside_new(w, op, &Place::within(pair.attacker, &[]), resource).await?;
        for other in company.iter().flat_map(|company| &company.others) {
            prepare(t, op, &with_all(t, op, in_own_place(t, pair.attacker, &object).and(resource, other))).await?;
        }
        let place = whose.place(pair.attacker, &object, &mine).beside(company);
        Ok(Self { op, pair, object, place })
    }

    async fn attack(&self, t: &Tape) -> Result<Attack, Stop> {
        match self.send(t).await? {
            Sent::Leaked(evidence) => Ok(Attack::Leaked(evidence)),
            Sent::Answered(sent) => match comes_back(t, &self.object).await? {
                true => Ok(Attack::Leaked(self.brought_back(t, &sent).await?)),
                false => self.without_effect(t, &sent).await,
            },
        }
    }

    async fn send(&self, t: &Tape) -> Result<Sent, Stop> {
        let sent = t.send(self.ask(t, &self.place)?).await;
        Ok(match leak(t, &sent, self.pair.victim) {
            Some(evidence) => Sent::Leaked(evidence),
            None => Sent::Answered(sent),
        })
    }

    fn ask(&self, t: &Tape, place: &Place) -> Result<Request, Stop> {
        let words = Words::nonce(&t.nonce(self.pair.attacker));
        attack(t, &request(t, own(t, self.pair.attacker)?, self.op, place, &words)?, self.pair.attacker)
    }

    /// What an answer means. Its effect is one that is seen, and the victim sees none.
    async fn without_effect(&self, t: &Tape, sent: &Exchange) -> Result<Attack, Stop> {
        Ok(match class_of(sent) {
            ResponseClass::Denied | ResponseClass::Success => Attack::Withstood,
            ResponseClass::Undecided if is_turned_away(sent) || sent.leads_on() => Attack::Withstood,
            ResponseClass::Undecided if is_invalid(sent) => {
                let nowhere = Nowhere::instead_of(t, &self.place, (self.object.resource, &self.object.id));
                match says_nothing(t, self.op, |place| self.ask(t, place), &self.place, nowhere, sent).await? {
                    true => Attack::Withstood,
                    false => Attack::Undecided(Unproven::undecided(sent)),
                }
            }
            ResponseClass::NotOffered | ResponseClass::Undecided => Attack::Undecided(Unproven::undecided(sent)),
        })
    }

    async fn brought_back(&self, t: &Tape, sent: &Exchange) -> Result<Evidence, Stop> {
        let seen = read(t, &self.object).await?;
        let line = "the attacker brought back what the victim had removed";
        Ok(Evidence::of(Shows::ForeignChange, line, sent).with("the victim finds it there again", &seen))
    }
}
