//! The bracket of what removes for good what its owner has removed, `after` a request that destroys: an item of the bin. Nothing
//! is to be seen of it, but that it can't be brought back any more.

use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_spec::{Effect, Operation, Pair, ResourceIx, Spec};

use super::super::effect::comes_back;
use super::super::writing::{Where, with_all};
use super::{Removed, Sent};
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{Place, Slot, Words, own, plant, prepare, remove, request, succeed_or_lead_on};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

/// Whether an operation removes what is removed before it.
pub(in crate::api) fn purges(spec: &Spec, op: &Operation) -> bool {
    op.effect == Effect::Destroy && op.after.is_some_and(|before| spec[before].effect == Effect::Destroy)
}

/// What brings back what is removed before an operation.
fn restoring<'s>(spec: &'s Spec, op: &Operation) -> Option<&'s Operation> {
    let is_same = |other: &&Operation| (other.after, other.resource) == (op.after, op.resource);
    spec.operations.iter().filter(is_same).find(|other| other.effect != Effect::Destroy)
}

/// The whole pair.
pub(in crate::api) async fn purge_across(
    w: WriteTape<'_>,
    op: &Operation,
    pair: Pair,
    resource: ResourceIx,
    whose: Where,
    slot: Slot,
) -> Concluded {
    let t = w.tape();
    let Some(restore) = restoring(&t.spec, op) else {
        let detail =
            "it removes what is removed already: only an operation that brings it back, `after` the same, shows that";
        return Err(Unproven::new(Reason::EffectUnseen, detail).into());
    };
    let bin = Bin { t, restore };
    // Its owner shows that it can't bring back what is removed for good.
    let double = plant(w, pair.victim, resource).await?;
    let company = slot.beside_new(w, op, &Place::of(&double), resource).await?;
    let place = with_all(t, op, Place::of(&double)).beside(company);
    prepare(t, op, &place).await?;
    let asked = request(t, own(t, pair.victim)?, op, &place, &Words::canary(&t.canary(pair.victim)))?;
    let done = succeed_or_lead_on(t, asked, pair.victim).await?;
    if bin.gives_back(&double).await?.is_some() {
        let detail = "its owner brings back even what it has removed so";
        return Err(Unproven::shown(Reason::EffectUnseen, detail, &done).into());
    }
    let open = bracket::open(async || bin.can_give_back(w, op, pair, resource).await).await?;
    let removed = Removed::of(w, op, pair, resource, whose, slot).await?;
    let outcome = match removed.send(t).await? {
        Sent::Leaked(evidence) => Attack::Leaked(evidence),
        Sent::Answered(sent) => match bin.gives_back(&removed.object).await? {
            Some(_) => removed.without_effect(t, &sent).await?,
            None => Attack::Leaked(Evidence::of(Shows::ForeignChange, GONE, &sent)),
        },
    };
    let is_left = !outcome.is_leak();
    let verdict = open.attack(outcome).close().await?;
    if is_left {
        remove(w, &removed.object).await?;
    }
    Ok(verdict)
}

const GONE: &str = "the victim can't bring back what it had removed, as it can where the attacker sends nothing";

/// Where what is removed can be brought back from.
struct Bin<'o> {
    t: &'o Tape,
    restore: &'o Operation,
}

impl Bin<'_> {
    /// Its owner brings an object back, if it can.
    async fn gives_back(&self, object: &Object) -> Result<Option<Seen>, Stop> {
        let Self { t, restore } = self;
        let place = with_all(t, restore, Place::of(object));
        let words = Words::canary(&t.canary(object.tenant));
        let seen = t.send(request(t, own(t, object.tenant)?, restore, &place, &words)?).await;
        Ok(comes_back(t, object).await?.then_some(seen))
    }

    /// The control: what no one else has touched can be brought back.
    async fn can_give_back(&self, w: WriteTape<'_>, op: &Operation, pair: Pair, kind: ResourceIx) -> Result<(), Stop> {
        let object = plant(w, pair.victim, kind).await?;
        prepare(self.t, op, &with_all(self.t, op, Place::of(&object))).await?;
        if self.gives_back(&object).await?.is_none() {
            let detail = "its owner does not find again what it brings back";
            return Err(Unproven::new(Reason::ControlFailed, detail).into());
        }
        remove(w, &object).await
    }
}
