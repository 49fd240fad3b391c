//! A request that names several objects of a kind: the victim's in each slot in turn, beside others of the attacker's own.
//! Many a target looks at the first of a list, or at any one of it.

use watertight_engine::WriteTape;
use watertight_spec::{Operation, ResourceIx, TenantIx};

use super::effect::does;
use crate::check::Concluded;
use crate::shared::{Furnished, Place, Slot, plant, remove};
use crate::verdict::{Reason, Stop, Verdict};

/// Why it is not tried beside others.
pub(super) const ONE_AT_A_TIME: &str = "its owner can't name several at a time there";

/// Whether the owner is refused several at a time, or nothing is seen of it.
pub(super) fn is_of_one(stop: &Stop) -> bool {
    let is_such = |reason| matches!(reason, Reason::RefusedForForm | Reason::ControlFailed | Reason::EffectUnseen);
    matches!(stop, Stop::Unproven(unproven) if is_such(unproven.reason))
}

/// What is concluded in every slot, where this is what is concluded of the request as it is written. The first that is not
/// isolated is told.
pub(super) async fn in_every_slot(
    op: &Operation,
    kind: ResourceIx,
    plain: Concluded,
    attempt: impl AsyncFn(Slot) -> Concluded,
) -> Concluded {
    let slots = op.request.slots(kind);
    if slots.count() < 2 {
        return plain;
    }
    match plain {
        Ok(Verdict::Isolated(_)) => each(plain, Slot::further(op, kind), attempt).await,
        // One and the same id in a path and in a list, or twice in a body, may be no request that anyone sends.
        Ok(Verdict::Unproven(_)) | Err(Stop::Unproven(_)) if slots.is_of_a_pair() => {
            match each(plain.clone(), Slot::beside_others(op, kind), attempt).await {
                Err(Stop::Unproven(_)) => plain,
                told => told,
            }
        }
        decided => decided,
    }
}

/// Whether an owner may name one object in all places, as in a path and in a list: else others are in the rest.
pub(crate) async fn slot_taken(
    w: WriteTape<'_>,
    op: &Operation,
    owner: TenantIx,
    kind: ResourceIx,
) -> Result<Slot, Stop> {
    if !op.request.slots(kind).is_of_a_pair() {
        return Ok(Slot::All);
    }
    let double = plant(w, owner, kind).await?;
    let furnished = Furnished::at(w, op, Place::of(&double)).await?;
    let done = does(&w, op, &furnished.place, &double).await;
    furnished.discard(w).await?;
    remove(w, &double).await?;
    Ok(if done.is_ok() { Slot::All } else { Slot::Nth(0) })
}

async fn each(mut concluded: Concluded, slots: Vec<Slot>, attempt: impl AsyncFn(Slot) -> Concluded) -> Concluded {
    for slot in slots {
        match attempt(slot).await {
            Err(Stop::NotApplicable(_)) => {}
            Ok(Verdict::Isolated(proof)) => concluded = Ok(Verdict::Isolated(proof)),
            told => return told,
        }
    }
    concluded
}
