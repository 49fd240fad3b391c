//! The object that a request concerns.

use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_spec::{Effect, ResourceIx};

use super::alike::Asking;
use crate::api::{does, in_own_place, slot_taken};
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{
    Aim, Furnished, Place, clear_object, ids_count, is_creatable, is_taken, is_told_anywhere, names_tenant, once_clear,
    prepared_object, quiet_for, read, remove,
};
use crate::verdict::{Reason, Stop, Unproven, Verdict};

/// How often each kind of id is asked for.
const READS: usize = 3;
/// How often it is written to, where that is refused.
const WRITES: usize = 2;

pub(super) async fn try_it(t: &Tape, aim: Aim, resource: ResourceIx) -> Concluded {
    prepared_object(t, aim.victim, resource)?;
    match (aim.op(t).effect, t.writing()) {
        (Effect::Read, _) => read_it(t, aim, resource).await,
        (_, Some(w)) => write_it(w, aim, resource).await,
        (_, None) => Err(Stop::not_applicable("only reads are sent")),
    }
}

async fn read_it(t: &Tape, aim: Aim, resource: ResourceIx) -> Concluded {
    let (foreign, made_by) = foreign_object(t, aim, resource).await?;
    let open = bracket::open(async || read(t, &foreign).await).await?;
    let attack = compare(t, aim, &foreign).await?;
    let verdict = open.attack(attack).close().await?;
    if let Some(w) = made_by {
        remove(w, &foreign).await?;
    }
    Ok(verdict)
}

/// At an object of the victim's that is made for this. In the end the victim does it itself, so that what the attacker is
/// told is not what anyone is told of a request that never works.
async fn write_it(w: WriteTape<'_>, aim: Aim, resource: ResourceIx) -> Concluded {
    let t = w.tape();
    if !is_creatable(&t.spec, resource) {
        return Err(Stop::not_applicable("only an object that is made for this is written to"));
    }
    // What is made for the attacker may get the very id of what is chosen before.
    let slot = slot_taken(w, aim.op(t), aim.victim, resource).await?;
    let company = slot.beside_new(w, aim.op(t), &Place::within(aim.attacker, &[]), resource).await?;
    let foreign = clear_object(w, aim.pair(), resource, |tenant, object| in_own_place(t, tenant, object)).await?;
    let open = bracket::open(async || read(t, &foreign).await).await?;
    let own = in_own_place(t, aim.attacker, &foreign);
    let may_be_taken = ids_count(t, aim.victim, resource);
    let is_taken = async || Ok(may_be_taken && is_taken(t, aim.attacker, &own, &foreign).await?);
    let asking = Asking::about(t, aim, &foreign, WRITES).await?;
    let compare = async |whose: Whose| {
        let place_of = |object: &Object| whose.place(t, aim, object).beside(company.clone());
        let ask = async || asking.ask(t, place_of).await;
        let told = once_clear(t, aim.pair(), (&foreign, quiet_for(aim.op(t))), is_taken, ask).await?;
        let told = told.ok_or_else(|| Unproven::new(Reason::IdTaken, Reason::IdTaken.says()))?;
        asking.confirm(t, told, place_of).await
    };
    let mut attack = compare(Whose::Attackers).await?;
    if matches!(attack, Attack::Withstood) && names_tenant(aim.op(t)) {
        attack = compare(Whose::Victims).await?;
    }
    let verdict = open.attack(attack).close().await?;
    if matches!(verdict, Verdict::Isolated(_)) {
        let company = slot.beside_new(w, aim.op(t), &Place::of(&foreign), resource).await?;
        let furnished = Furnished::at(w, aim.op(t), Place::of(&foreign).beside(company)).await?;
        does(t, aim.op(t), &furnished.place, &foreign).await?;
        furnished.discard(w).await?;
    }
    remove(w, &foreign).await?;
    Ok(verdict)
}

/// In the attacker's own place, and in the victim's.
async fn compare(t: &Tape, aim: Aim, foreign: &Object) -> Result<Attack, Stop> {
    let asking = Asking::about(t, aim, foreign, READS).await?;
    let attack = asking.compare(t, |object| Whose::Attackers.place(t, aim, object)).await?;
    match attack {
        Attack::Withstood if names_tenant(aim.op(t)) => {
            asking.compare(t, |object| Whose::Victims.place(t, aim, object)).await
        }
        attack => Ok(attack),
    }
}

/// In whose place it is asked for the victim's object.
#[derive(Clone, Copy)]
enum Whose {
    Attackers,
    Victims,
}

impl Whose {
    fn place(self, t: &Tape, aim: Aim, object: &Object) -> Place {
        match self {
            Self::Attackers => in_own_place(t, aim.attacker, object),
            Self::Victims => Place::of(object),
        }
    }
}

/// An object of the victim whose id the attacker does not have; with a tape to remove it, if it was made for this.
pub(super) async fn foreign_object(
    t: &Tape,
    aim: Aim,
    resource: ResourceIx,
) -> Result<(Object, Option<WriteTape<'_>>), Stop> {
    for object in t.planted.of(aim.victim, resource) {
        let place = in_own_place(t, aim.attacker, object);
        if !is_taken(t, aim.attacker, &place, object).await?
            || is_told_anywhere(t, aim.attacker, &place, object).await?
        {
            return Ok((object.clone(), None));
        }
    }
    let Some(w) = t.writing().filter(|_| is_creatable(&t.spec, resource)) else {
        let detail = "every id of the victim is also an id of the attacker's";
        return Err(Unproven::new(Reason::IdTaken, detail).into());
    };
    let place_of = |tenant, object: &Object| in_own_place(t, tenant, object);
    Ok((clear_object(w, aim.pair(), resource, place_of).await?, Some(w)))
}
