//! An object that a request names besides the one that it concerns, or above what it lists or makes: all else in it is the
//! attacker's own.

use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_spec::{Effect, ResourceIx, Role, Symbol};

use super::alike::Asking;
use super::own::foreign_object;
use crate::api::in_own_place;
use crate::bracket;
use crate::check::Concluded;
use crate::shared::{
    Aim, Furnished, Place, Words, clear_object, ids_count, is_creatable, is_taken, is_told_anywhere, once_clear, own,
    parents_for, plant, prepared_object, quiet_for, read, remove, request, succeed_writing,
};
use crate::verdict::{Reason, Stop, Unproven, Verdict};

/// How often each kind of id is asked for.
const ROUNDS: usize = 2;

pub(super) async fn try_it(t: &Tape, aim: Aim, kind: ResourceIx) -> Concluded {
    prepared_object(t, aim.victim, kind)?;
    match (aim.op(t).effect, t.writing()) {
        (Effect::Read, _) => read_it(t, aim, kind).await,
        (_, Some(w)) => write_it(w, aim, kind).await,
        (_, None) => Err(Stop::not_applicable("only reads are sent")),
    }
}

async fn read_it(t: &Tape, aim: Aim, kind: ResourceIx) -> Concluded {
    let place = match named_by_itself(t, aim) {
        Some(resource) => Place::of(&prepared_object(t, aim.attacker, resource)?),
        None => place_of_new(t, aim)?,
    };
    plainly(t, aim, &place).await?;
    let (foreign, made_by) = foreign_object(t, aim, kind).await?;
    let verdict = compare(t, aim, kind, &foreign, &place).await?;
    if let Some(w) = made_by {
        remove(w, &foreign).await?;
    }
    Ok(verdict)
}

async fn write_it(w: WriteTape<'_>, aim: Aim, kind: ResourceIx) -> Concluded {
    let t = w.tape();
    let is_made = is_creatable(&t.spec, kind);
    if !is_made && aim.op(t).role != Role::Create {
        return Err(Stop::not_applicable("only an object that is made for this is named in what may change it"));
    }
    let foreign = match is_made {
        true => clear_object(w, aim.pair(), kind, |tenant, object| in_own_place(t, tenant, object)).await?,
        false => foreign_object(t, aim, kind).await?.0,
    };
    let verdict = match named_by_itself(t, aim) {
        Some(resource) => {
            let subject = plant(w, aim.attacker, resource).await?;
            let furnished = Furnished::at(w, aim.op(t), Place::of(&subject)).await?;
            let verdict = compare(t, aim, kind, &foreign, &furnished.place).await?;
            if matches!(verdict, Verdict::Isolated(_)) {
                plainly(t, aim, &furnished.place).await?;
            }
            furnished.discard(w).await?;
            remove(w, &subject).await?;
            verdict
        }
        None => {
            let resource = aim.op(t).resource.ok_or_else(|| Stop::not_applicable("it concerns no object"))?;
            let plain = plant(w, aim.attacker, resource).await?;
            remove(w, &plain).await?;
            compare(t, aim, kind, &foreign, &place_of_new(t, aim)?).await?
        }
    };
    if is_made {
        remove(w, &foreign).await?;
    }
    Ok(verdict)
}

/// The kind of object that it concerns, where it names that one as well.
fn named_by_itself(t: &Tape, aim: Aim) -> Option<ResourceIx> {
    let op = aim.op(t);
    op.resource.filter(|own| op.role != Role::Create && op.request.mentions(&Symbol::Object(*own)))
}

/// Where the attacker lists and creates.
fn place_of_new(t: &Tape, aim: Aim) -> Result<Place, Stop> {
    let resource = aim.op(t).resource.ok_or_else(|| Stop::not_applicable("it concerns no object"))?;
    Ok(Place::within(aim.attacker, &parents_for(t, aim.attacker, resource)?))
}

/// The attacker's request works with what is its own: what it is told with another id is told of that id.
async fn plainly(t: &Tape, aim: Aim, place: &Place) -> Result<(), Stop> {
    let words = match aim.op(t).effect {
        Effect::Read => Words::searching(&t.unique()),
        Effect::Create | Effect::Change | Effect::Destroy => Words::canary(&t.canary(aim.attacker)),
    };
    succeed_writing(t, request(t, own(t, aim.attacker)?, aim.op(t), place, &words)?, aim.attacker).await.map(drop)
}

async fn compare(t: &Tape, aim: Aim, kind: ResourceIx, foreign: &Object, place: &Place) -> Concluded {
    let open = bracket::open(async || read(t, foreign).await).await?;
    let asking = Asking::about(t, aim, foreign, ROUNDS).await?;
    let place_of = |object: &Object| place.clone().and(kind, &object.id);
    let attack = match aim.op(t).effect {
        Effect::Read => asking.compare(t, place_of).await?,
        // Where ids count the attacker may get an object at the same one, and would name that.
        Effect::Create | Effect::Change | Effect::Destroy => {
            let at_theirs = in_own_place(t, aim.attacker, foreign);
            let may_be_taken = ids_count(t, aim.victim, kind);
            let is_taken = async || {
                let attacker = aim.attacker;
                Ok(may_be_taken
                    && is_taken(t, attacker, &at_theirs, foreign).await?
                    && !is_told_anywhere(t, attacker, &at_theirs, foreign).await?)
            };
            let ask = async || asking.ask(t, place_of).await;
            let told = once_clear(t, aim.pair(), (foreign, quiet_for(aim.op(t))), is_taken, ask).await?;
            let told = told.ok_or_else(|| Unproven::new(Reason::IdTaken, Reason::IdTaken.says()))?;
            asking.confirm(t, told, place_of).await?
        }
    };
    open.attack(attack).close().await
}
