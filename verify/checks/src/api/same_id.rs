//! An object of the attacker's own that has the id of one of the victim's: what the attacker does to its own must not reach
//! the victim's, and what it reads by that id must not show it. Many a target finds an object by tenant and id, and then
//! changes or joins whatever has that id.

mod reading;

use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_spec::{Operation, Pair, ResourceIx};

use super::effect::{Expected, has_effect, observe_at_rest, poll_effect, rehearse, rehearse_at};
use super::several::slot_taken;
use crate::bracket::Attack;
use crate::check::Concluded;
use crate::shared::{
    Doubles, Furnished, Place, Words, are_named_by_clients, attack, count_by_themselves, failed, ids_count, leak,
    make_doubles, name_doubles, named_by, own, plant, plant_under, read, remove, request,
};
use crate::verdict::{Stop, Unproven, Verdict};
pub(super) use reading::read_own;

/// Why nothing is tried so.
const NONE: &str = "no id is both the victim's and the attacker's";

const UNSEEN: &str = "nothing is to be seen of what it does to an object of one's own";

/// How many objects are made in search of an id that both have.
const TRIES: usize = 48;

/// How many kinds of objects are made that name the one that both have.
const MOST_KINDS: usize = 3;

/// What of the victim's is looked at when the attacker has written to its own.
#[derive(Clone, Copy)]
enum Watched {
    /// The object of the same id.
    Itself,
    /// One of this kind that names it, as what carries a tag.
    Naming(ResourceIx),
}

impl Watched {
    /// What is looked at of an object's tenant: the object, or one that is made for this and names it.
    async fn beside(self, w: WriteTape<'_>, object: &Object) -> Result<Object, Stop> {
        match self {
            Self::Itself => Ok(object.clone()),
            Self::Naming(kind) => plant_under(w, object.tenant, kind, &Place::of(object).ids).await,
        }
    }
}

/// The attacker's own write at an id that the victim has as well, where there may be one.
pub(super) async fn write_own(w: WriteTape<'_>, op: &Operation, pair: Pair, resource: ResourceIx) -> Concluded {
    let mut concluded = write_and_watch(w, op, pair, resource, Watched::Itself).await?;
    for kind in named_by(&w.spec, resource).take(MOST_KINDS) {
        if matches!(concluded, Verdict::Isolated(_)) {
            concluded = match write_and_watch(w, op, pair, resource, Watched::Naming(kind)).await {
                Err(Stop::NotApplicable(_)) => concluded,
                told => told?,
            };
        }
    }
    Ok(concluded)
}

async fn write_and_watch(
    w: WriteTape<'_>,
    op: &Operation,
    pair: Pair,
    resource: ResourceIx,
    watched: Watched,
) -> Concluded {
    let t = w.tape();
    let (doubles, mut made) = find(w, pair, resource).await?;
    let Some(doubles) = doubles else {
        discard(w, &made).await?;
        return Err(Stop::not_applicable(NONE));
    };
    let Doubles { mine, theirs } = &doubles;
    // The victim shows on another one what it does.
    let other = plant(w, pair.victim, resource).await?;
    made.push(other.clone());
    let (theirs, shows_it) = (watched.beside(w, theirs).await?, watched.beside(w, &other).await?);
    if let Watched::Naming(_) = watched {
        // What names another object goes first.
        made.splice(0..0, [theirs.clone(), shows_it.clone()]);
    }
    let slot = slot_taken(w, op, pair.victim, resource).await?;
    let company = slot.beside_new(w, op, pair.victim, resource).await?;
    let furnished = Furnished::at(w, op, Place::of(&other).beside(company)).await?;
    let at_rest = observe_at_rest(t, [&theirs, &shows_it, mine].into_iter()).await?;
    let [at_rest, of_other, of_mine] = at_rest.as_slice() else { return Err(Unproven::nothing_sent().into()) };
    let effect = match watched {
        Watched::Itself => rehearse(t, op, &furnished.place, &other, of_other).await?,
        Watched::Naming(_) => {
            rehearse_at(t, op, &furnished.place, &shows_it, of_other).await?.effect_of_what_was_done()
        }
    };
    furnished.discard(w).await?;
    if matches!(watched, Watched::Naming(_)) && !effect.is_seen() {
        discard(w, &made).await?;
        return Err(Stop::not_applicable(UNSEEN));
    }
    let control = async || read(t, &theirs).await;
    let (open, Expected { before, effect }, _quiet) =
        Expected::open(t, pair, (&theirs, at_rest), &effect, &control).await?;
    let nonce = t.nonce(pair.attacker);
    let company = slot.beside_new(w, op, pair.attacker, resource).await?;
    let furnished = Furnished::at(w, op, Place::of(mine).beside(company)).await?;
    let asked = request(t, own(t, pair.attacker)?, op, &furnished.place, &Words::nonce(&nonce))?;
    let sent = t.send(attack(t, &asked, pair.attacker)?).await;
    if let Some(stop) = failed(&sent)
        && !(sent.leads_on() && has_effect(t, mine, of_mine, &sent, &nonce).await?)
    {
        return Err(stop);
    }
    let found = match leak(t, &sent, pair.victim) {
        Some(evidence) => Some(evidence),
        None => poll_effect(t, &theirs, &before, &effect, &sent, &nonce).await?,
    };
    let outcome = match (found, watched) {
        (Some(evidence), Watched::Itself) => {
            Attack::Leaked(evidence.further("it wrote to an object of its own, which has the same id"))
        }
        (Some(evidence), Watched::Naming(_)) => Attack::Leaked(
            evidence
                .further("it wrote to an object of its own, which has the same id as the one that the victim's names"),
        ),
        (None, _) if effect.is_seen() => Attack::Withstood,
        (None, _) => return Err(Stop::not_applicable(UNSEEN)),
    };
    let verdict = open.attack(outcome).close().await?;
    if !matches!(verdict, Verdict::Leak(_)) {
        furnished.discard(w).await?;
        discard(w, &made).await?;
    }
    Ok(verdict)
}

/// Objects of both with one id, and all that was made in search of it: what is the victim's comes first.
async fn find(w: WriteTape<'_>, pair: Pair, resource: ResourceIx) -> Result<(Option<Doubles>, Vec<Object>), Stop> {
    let t: &Tape = w.tape();
    if are_named_by_clients(t, resource) {
        let doubles = name_doubles(w, pair, resource).await?;
        let made = doubles.iter().flat_map(|Doubles { mine, theirs }| [theirs.clone(), mine.clone()]).collect();
        return Ok((doubles, made));
    }
    if !ids_count(t, pair.attacker, resource) || !ids_count(t, pair.victim, resource) {
        return Ok((None, Vec::new()));
    }
    let _quiet = t.quiet([pair.attacker, pair.victim]).await;
    if !count_by_themselves(w, pair, resource).await? {
        return Ok((None, Vec::new()));
    }
    make_doubles(w, pair, resource, TRIES).await
}

async fn discard(w: WriteTape<'_>, objects: &[Object]) -> Result<(), Stop> {
    for object in objects {
        remove(w, object).await?;
    }
    Ok(())
}
