//! The bracket of what removes for good what its owner has removed, `after` a request that destroys: an item of the bin. Nothing
//! is to be seen of it, but that it can't be brought back any more.

use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_spec::{Effect, Operation, Pair, ResourceIx, Spec};

use super::super::effect::{comes_back, is_gone};
use super::super::writing::{Where, with_all};
use super::{Removed, Sent};
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{Place, Slot, Words, own, plant, prepare, remove, request, succeed_or_lead_on};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

/// Whether an operation removes what is removed before it.
pub(in crate::api) fn purges(spec: &Spec, op: &Operation) -> bool {
    let before = op.after.map(|before| &spec[before]);
    let is_same = |before: &Operation| before.effect == Effect::Destroy && before.resource == op.resource;
    op.effect == Effect::Destroy && before.is_some_and(is_same)
}

/// What may bring back what is removed before an operation.
fn restoring<'s>(spec: &'s Spec, op: &Operation) -> impl Iterator<Item = &'s Operation> {
    let (after, resource) = (op.after, op.resource);
    let is_such = move |other: &&Operation| (other.after, other.resource) == (after, resource);
    spec.operations.iter().filter(is_such).filter(|other| matches!(other.effect, Effect::Create | Effect::Change))
}

/// The whole pair. Not applicable where what was removed is there to be read all the same: then it is removed as anything else.
pub(in crate::api) async fn purge_across(
    w: WriteTape<'_>,
    op: &Operation,
    pair: Pair,
    resource: ResourceIx,
    whose: Where,
    slot: Slot,
) -> Concluded {
    let t = w.tape();
    let one = plant(w, pair.victim, resource).await?;
    prepare(t, op, &with_all(t, op, Place::of(&one))).await?;
    if is_gone(t, &one).await?.is_none() {
        remove(w, &one).await?;
        return Err(Stop::not_applicable("what is removed before is still there"));
    }
    let Some(bin) = Bin::of(t, op, &one).await? else {
        let detail =
            "it removes what is removed already: only an operation that brings that back, `after` the same, shows it";
        return Err(Unproven::new(Reason::EffectUnseen, detail).into());
    };
    remove(w, &one).await?;
    // Its owner shows that it can't bring back what is removed for good.
    let double = plant(w, pair.victim, resource).await?;
    let company = slot.beside_new(w, op, &Place::of(&double), resource).await?;
    let place = with_all(t, op, Place::of(&double)).beside(company);
    prepare(t, op, &place).await?;
    let asked = request(t, own(t, pair.victim)?, op, &place, &Words::canary(&t.canary(pair.victim)))?;
    let done = succeed_or_lead_on(t, asked, pair.victim).await?;
    let refused = match bin.give_back(&double).await? {
        Given::Nothing(answer) => answer,
        Given::Back | Given::Unclear => {
            let detail = "its owner brings back even what it has removed so";
            return Err(Unproven::shown(Reason::EffectUnseen, detail, &done).into());
        }
    };
    let control = async || bin.can_give_back(w, op, pair, resource).await;
    let open = bracket::open(control).await?;
    let removed = Removed::of(w, op, pair, resource, whose, slot).await?;
    let outcome = match removed.send(t).await? {
        Sent::Leaked(evidence) => Attack::Leaked(evidence),
        Sent::Answered(sent) => match bin.give_back(&removed.object).await? {
            Given::Back => removed.without_effect(t, &sent).await?,
            Given::Nothing(answer) if answer.status() == refused.status() => {
                // A target that brings nothing back any more refuses so as well.
                control().await?;
                Attack::Leaked(Evidence::of(Shows::ForeignChange, GONE, &sent).with(REFUSED, &answer))
            }
            Given::Nothing(answer) => Attack::Undecided(Unproven::undecided(&answer)),
            Given::Unclear => Attack::Undecided(Unproven::undecided(&sent)),
        },
    };
    let is_left = !outcome.is_leak();
    let verdict = open.attack(outcome).close().await?;
    if is_left {
        remove(w, &removed.object).await?;
    }
    Ok(verdict)
}

const GONE: &str = "the attacker removed for good what the victim had removed";

const REFUSED: &str = "the victim can't bring it back, as it can where the attacker sends nothing";

/// What came of bringing something back.
enum Given {
    /// It is there again.
    Back,
    /// It is gone, and this is what its owner was told.
    Nothing(Seen),
    /// Neither.
    Unclear,
}

/// Where what is removed can be brought back from.
struct Bin<'o> {
    t: &'o Tape,
    restore: &'o Operation,
}

impl Bin<'_> {
    /// Of those that may bring something back, the one that does so with this object, which its owner has removed.
    async fn of<'o>(t: &'o Tape, op: &Operation, removed: &Object) -> Result<Option<Bin<'o>>, Stop> {
        for restore in restoring(&t.spec, op) {
            let bin = Bin { t, restore };
            if matches!(bin.give_back(removed).await?, Given::Back) {
                return Ok(Some(bin));
            }
        }
        Ok(None)
    }

    /// Its owner brings an object back, if it can.
    async fn give_back(&self, object: &Object) -> Result<Given, Stop> {
        let Self { t, restore } = self;
        let place = with_all(t, restore, Place::of(object));
        let words = Words::canary(&t.canary(object.tenant));
        let seen = t.send(request(t, own(t, object.tenant)?, restore, &place, &words)?).await;
        if comes_back(t, object).await? {
            return Ok(Given::Back);
        }
        Ok(match is_gone(t, object).await? {
            Some(()) => Given::Nothing(seen),
            _ => Given::Unclear,
        })
    }

    /// The control: what no one else has touched can be brought back.
    async fn can_give_back(&self, w: WriteTape<'_>, op: &Operation, pair: Pair, kind: ResourceIx) -> Result<(), Stop> {
        let object = plant(w, pair.victim, kind).await?;
        prepare(self.t, op, &with_all(self.t, op, Place::of(&object))).await?;
        match self.give_back(&object).await? {
            Given::Back => remove(w, &object).await,
            Given::Nothing(answer) => Err(Unproven::shown(Reason::ControlFailed, UNRESTORED, &answer).into()),
            Given::Unclear => Err(Unproven::new(Reason::ControlFailed, UNRESTORED).into()),
        }
    }
}

const UNRESTORED: &str = "its owner does not find again what it brings back";
