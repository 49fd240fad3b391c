//! An object of the attacker's own that has the id of one of the victim's: what the attacker does to its own must not reach
//! the victim's, and what it reads by that id must not show it. Many a target finds an object by tenant and id, and then
//! changes or joins whatever has that id.

mod reading;

use watertight_engine::planted::Object;
use watertight_engine::{WriteTape, side_by_side};
use watertight_spec::{Effect, Operation, Pair, ResourceIx};

use super::effect::{AtRest, Expected, SeenEffect, has_effect, observe_at_rest, poll_effect, rehearse, rehearse_at};
use super::several::slot_taken;
use crate::bracket::Attack;
use crate::check::Concluded;
use crate::shared::{
    Doubles, Furnished, NO_DOUBLES, Place, Searched, Words, are_named_by_clients, attack, failed, leak, name_doubles,
    named_by, own, plant, plant_under, read, remove_all, request, search_doubles,
};
use crate::verdict::{NotApplicable, Stop, Unproven, Verdict};
pub(super) use reading::read_own;

const UNSEEN: &str = "nothing is to be seen of what it does to an object of one's own";

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

    fn says(self) -> &'static str {
        match self {
            Self::Itself => "it wrote to an object of its own, which has the same id",
            Self::Naming(_) => {
                "it wrote to an object of its own, which has the same id as the one that the victim's names"
            }
        }
    }
}

/// The attacker's own write at an id that the victim has as well, where there may be one. All that may show it is watched at a
/// time, or else one after the other: what names the object may not be made, and what others name may not be changed or
/// destroyed even by its owner.
pub(super) async fn write_own(w: WriteTape<'_>, op: &Operation, pair: Pair, resource: ResourceIx) -> Concluded {
    let write = async |found: &mut Found, watched: &[Watched]| write_and_watch(w, op, pair, found, watched).await;
    let naming: Vec<Watched> = named_by(&w.spec, resource).take(MOST_KINDS).map(Watched::Naming).collect();
    let mut found = Found::search(w, pair, resource).await?;
    if !naming.is_empty() && op.effect != Effect::Destroy {
        let all: Vec<Watched> = std::iter::once(Watched::Itself).chain(naming.iter().copied()).collect();
        if let Ok(verdict) = write(&mut found, &all).await {
            return Ok(verdict);
        }
        discard(w, &found.made).await?;
        found = Found::search(w, pair, resource).await?;
    }
    let mut concluded = write(&mut found, &[Watched::Itself]).await?;
    for one in naming {
        if matches!(concluded, Verdict::Isolated(_)) {
            let told = match Found::search(w, pair, resource).await {
                Ok(mut found) => write(&mut found, &[one]).await,
                Err(stop) => Err(stop),
            };
            concluded = match told {
                Err(Stop::NotApplicable(nothing)) => concluded.beside(&nothing),
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
    Found { doubles, made }: &mut Found,
    watched: &[Watched],
) -> Concluded {
    let t = w.tape();
    let Doubles { mine, theirs } = &*doubles;
    let resource = mine.resource;
    // The victim shows on another one what it does.
    let other = plant(w, pair.victim, resource).await?;
    made.push(other.clone());
    let (mut attacked, mut showing) = (Vec::new(), Vec::new());
    for one in watched {
        let (of_theirs, of_other) = (one.beside(w, theirs).await?, one.beside(w, &other).await?);
        if let Watched::Naming(_) = one {
            // What names another object goes first.
            made.splice(0..0, [of_theirs.clone(), of_other.clone()]);
        }
        attacked.push(of_theirs);
        showing.push(of_other);
    }
    let slot = slot_taken(w, op, pair.victim, resource).await?;
    let company = slot.beside_new(w, op, &Place::of(&other), resource).await?;
    let furnished = Furnished::at(w, op, Place::of(&other).beside(company)).await?;
    let observed = observe_at_rest(t, attacked.iter().chain(&showing).chain([mine])).await?;
    let (of_attacked, rest) = observed.split_at_checked(attacked.len()).ok_or_else(Unproven::nothing_sent)?;
    let (of_mine, of_showing) = rest.split_last().ok_or_else(Unproven::nothing_sent)?;
    let showing: Vec<(&Object, &AtRest)> = showing.iter().zip(of_showing).collect();
    let effects = match (watched, showing.as_slice()) {
        ([Watched::Itself], [(object, before)]) => vec![rehearse(t, op, &furnished.place, object, before).await?],
        ([Watched::Itself, ..], all) => rehearse_at(t, op, &furnished.place, all).await?.effects()?,
        // That it works was seen before.
        (_, all) => rehearse_at(t, op, &furnished.place, all).await?.effects_of_what_was_done(),
    };
    furnished.discard(w).await?;
    let all = watched.iter().zip(attacked.iter().zip(of_attacked)).zip(&effects);
    // Where nothing is to be seen of what is done, there is nothing to be watched.
    let (watched, attacked): (Vec<Watched>, Vec<(&Object, &AtRest, &SeenEffect)>) = all
        .filter(|((one, _), effect)| matches!(one, Watched::Itself) || effect.is_seen())
        .map(|((one, (object, at_rest)), effect)| (*one, (object, at_rest, effect)))
        .unzip();
    if watched.is_empty() {
        discard(w, made).await?;
        return Err(Stop::not_applicable(UNSEEN));
    }
    let control =
        async || side_by_side(attacked.iter().map(|(object, ..)| read(t, object))).await.into_iter().collect();
    let (open, expected, _quiet) = Expected::open(t, pair, &attacked, &control).await?;
    let nonce = t.nonce(pair.attacker);
    let company = slot.beside_new(w, op, &Place::of(mine), resource).await?;
    let furnished = Furnished::at(w, op, Place::of(mine).beside(company)).await?;
    let asked = request(t, own(t, pair.attacker)?, op, &furnished.place, &Words::nonce(&nonce))?;
    let sent = t.send(attack(t, &asked, pair.attacker)?).await;
    if let Some(stop) = failed(&sent)
        && !(sent.leads_on() && has_effect(t, mine, of_mine, &sent, &nonce).await?)
    {
        return Err(stop);
    }
    let looks = attacked.iter().zip(&expected).zip(&watched).map(async |(((object, ..), expected), one)| {
        let Expected { before, effect } = expected;
        let found = poll_effect(t, object, before, effect, &sent, &nonce).await?;
        Ok::<_, Stop>(found.map(|evidence| evidence.further(one.says())))
    });
    let found = match leak(t, &sent, pair.victim).zip(watched.first()) {
        Some((shown, one)) => Some(shown.further(one.says())),
        None => {
            let (mut found, mut failed) = (None, None);
            for look in side_by_side(looks).await {
                match look {
                    Ok(seen) => found = found.or(seen),
                    Err(stop) => failed = failed.or(Some(stop)),
                }
            }
            // What is found on one is told, whatever comes of the others.
            match failed.filter(|_| found.is_none()) {
                Some(stop) => return Err(stop),
                None => found,
            }
        }
    };
    let outcome = match found {
        Some(evidence) => Attack::Leaked(evidence),
        None if expected.iter().any(|expected| expected.effect.is_seen()) => Attack::Withstood,
        None => return Err(Stop::not_applicable(UNSEEN)),
    };
    let verdict = open.attack(outcome).close().await?;
    if !matches!(verdict, Verdict::Leak(_)) {
        furnished.discard(w).await?;
        discard(w, made).await?;
    }
    Ok(verdict)
}

/// Objects of both with one id.
struct Found {
    doubles: Doubles,
    /// They, and all that was made to try it: what is the victim's comes first.
    made: Vec<Object>,
}

impl Found {
    /// Not applicable where there are none.
    async fn search(w: WriteTape<'_>, pair: Pair, resource: ResourceIx) -> Result<Self, Stop> {
        let doubles = find(w, pair, resource).await?.map_err(Stop::NotApplicable)?;
        let made = vec![doubles.theirs.clone(), doubles.mine.clone()];
        Ok(Self { doubles, made })
    }
}

async fn find(w: WriteTape<'_>, pair: Pair, resource: ResourceIx) -> Result<Searched, Stop> {
    if !are_named_by_clients(&w, resource) {
        return search_doubles(w, pair, resource).await;
    }
    Ok(name_doubles(w, pair, resource).await?.ok_or_else(|| NotApplicable::because(NO_DOUBLES)))
}

/// In their order; neighbours of one kind and tenant at a time.
async fn discard(w: WriteTape<'_>, objects: &[Object]) -> Result<(), Stop> {
    for neighbours in objects.chunk_by(|one, next| (one.tenant, one.resource) == (next.tenant, next.resource)) {
        remove_all(w, neighbours).await?;
    }
    Ok(())
}
