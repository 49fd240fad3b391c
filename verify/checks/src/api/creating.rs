//! Creating across tenants: an attacker writes a nonce, and the victim looks for it in its own.

use serde_json::Value;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape, side_by_side};
use watertight_spec::{ObjectId, Operation, Pair, ResourceIx, Role, TenantIx};

use super::reading::{cut_short, looking_for, sees};
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{
    Made, Named, Pages, Place, Tells, Words, attack, follow, fresh_parents, id_in, id_of, is_counted, is_invalid,
    is_listed, is_turned_away, items, leak, make, makes_nothing, operation_of, own, parents_for, plant, remove,
    remove_if_written, request, shows,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, Verdict, class_of, class_of_write};

/// The attacker creates in the victim's own collection, which the request names so.
pub(super) async fn pair(
    w: WriteTape<'_>,
    op: &Operation,
    pair: Pair,
    resource: ResourceIx,
    named: Named,
) -> Concluded {
    let t = w.tape();
    let (object, tells) = make(w, pair.victim, resource).await?;
    let parents = fresh_parents(w, pair.victim, resource).await?;
    let open = bracket::open(async || can_list(t, &object).await).await?;
    let nonce = t.nonce(pair.attacker);
    let place = Place::within(pair.victim, &parents).and(resource, t.unique()).named_in(named);
    let asked = request(t, own(t, pair.attacker)?, op, &place, &Words::nonce(&nonce))?;
    let created = t.send(attack(t, &asked, pair.attacker)?).await;
    let outcome = match leak(t, &created, pair.victim) {
        Some(evidence) => Attack::Leaked(evidence),
        None => {
            let trace = Trace { object: &object, attacker: pair.attacker, tells, nonce: &nonce };
            arrives(w, &object, &created, &nonce, None).await?.or(trace.none(w, &created)).await?
        }
    };
    let verdict = open.attack(outcome).close().await?;
    if !matches!(verdict, Verdict::Leak(_)) {
        remove(w, &object).await?;
    }
    Ok(verdict)
}

/// What the attacker wrote, of which the victim sees nothing.
struct Trace<'o> {
    /// The victim's own object of that kind.
    object: &'o Object,
    attacker: TenantIx,
    tells: Tells,
    nonce: &'o str,
}

impl Trace<'_> {
    /// What an answer means that left nothing with the victim.
    async fn none(&self, w: WriteTape<'_>, created: &Exchange) -> Result<Attack, Stop> {
        Ok(match class_of_write(&w.spec, created) {
            ResponseClass::Denied => Attack::Withstood,
            ResponseClass::Success if self.went_home(w, created).await? => Attack::Withstood,
            ResponseClass::Success if self.is_refusal(&w, created) => Attack::Withstood,
            ResponseClass::Success => {
                Attack::Undecided(Unproven::shown(Reason::EffectUnseen, "succeeded, and left no trace", created))
            }
            ResponseClass::Undecided if created.leads_on() && self.went_home(w, created).await? => Attack::Withstood,
            ResponseClass::Undecided if created.leads_on() && self.is_refusal(&w, created) => Attack::Withstood,
            // Sent to log in, to come back from there, and nothing has arrived.
            ResponseClass::Undecided if is_turned_away(created) && created.leads_back() => Attack::Withstood,
            ResponseClass::Undecided if is_invalid(created) && self.creates_own(w).await? => Attack::Withstood,
            ResponseClass::NotOffered | ResponseClass::Undecided => Attack::Undecided(Unproven::undecided(created)),
        })
    }

    /// Whether the attacker creates in its own place: what is refused as invalid is then so for the victim's name in it, as
    /// the victim's own create, with that name, is not.
    async fn creates_own(&self, w: WriteTape<'_>) -> Result<bool, Stop> {
        match plant(w, self.attacker, self.object.resource).await {
            Ok(made) => remove(w, &made).await.map(|()| true),
            Err(Stop::NotApplicable(_)) => Ok(false),
            Err(stop) => Err(stop),
        }
    }

    /// Whether a success is one by its status alone: it does not name what was made, as the answer to the owner's own create
    /// did. The victim's list, which shows what is made, does not show it.
    fn is_refusal(&self, t: &Tape, created: &Exchange) -> bool {
        let resource = self.object.resource;
        let is_listed = operation_of(&t.spec, resource, Role::List).is_some();
        self.tells == Tells::InAnswer && is_listed && makes_nothing(&t.spec, resource, created, self.nonce)
    }

    /// Whether a target that goes by the credential alone has put it with the attacker; then it is removed there.
    async fn went_home(&self, w: WriteTape<'_>, created: &Exchange) -> Result<bool, Stop> {
        let (t, attacker, resource) = (w.tape(), self.attacker, self.object.resource);
        let Some(op) = operation_of(&t.spec, resource, Role::Read) else { return Ok(false) };
        let parents = parents_for(t, attacker, resource)?;
        let made = Made { tenant: attacker, resource, parents: &parents, words: &[self.nonce] };
        let Some(id) = made.id(t, self.tells, created).await? else { return Ok(false) };
        let place = Place::within(attacker, &parents).and(resource, &id);
        let seen = t.send(request(t, own(t, attacker)?, op, &place, &Words::default())?).await;
        if !seen.mentions(self.nonce) {
            return Ok(false);
        }
        remove(w, &Object { tenant: attacker, id, parents, ..self.object.clone() }).await?;
        Ok(true)
    }
}

/// The victim's list shows its object, so that it would show another; without a list, reading must do.
pub(super) async fn can_list(t: &Tape, object: &Object) -> Result<(), Stop> {
    let op = operation_of(&t.spec, object.resource, Role::List)
        .or_else(|| operation_of(&t.spec, object.resource, Role::Read))
        .ok_or_else(|| Stop::not_applicable("the victim can neither list nor read"))?;
    let asked = request(t, own(t, object.tenant)?, op, &Place::of(object), &looking_for(object))?;
    sees(t, op, &asked, object).await
}

/// Whether what the attacker wrote turned up with the victim.
pub(super) enum Arrival {
    Seen(Evidence),
    Unseen,
    /// The list in which it would be could not be read, or not to its end.
    Unknown(Unproven),
}

impl Arrival {
    /// Where it was not seen there: what `rest` says of it. That nothing of it is seen elsewhere isolates no one while it may be
    /// there.
    pub(super) async fn or(self, rest: impl Future<Output = Result<Attack, Stop>>) -> Result<Attack, Stop> {
        match self {
            Self::Seen(evidence) => Ok(Attack::Leaked(evidence)),
            Self::Unseen => rest.await,
            Self::Unknown(doubt) => Ok(match rest.await? {
                Attack::Withstood => Attack::Undecided(doubt),
                told => told,
            }),
        }
    }
}

/// Whether what the attacker wrote turns up with the victim: beside `object` in the list, or under the id that the
/// attacker was told. Looks at once, and again after `settle`. On one of several pages it may have been passed over, as others
/// removed what came before it: then the last look is one at which no other trial writes.
pub(super) async fn arrives(
    w: WriteTape<'_>,
    object: &Object,
    attack: &Exchange,
    nonce: &str,
    known_id: Option<&ObjectId>,
) -> Result<Arrival, Stop> {
    let settle = w.spec.target.settle;
    // What is refused is looked for as well: a refusal may come after the deed.
    let may_be_written = attack.lets_in() && class_of_write(&w.spec, attack) != ResponseClass::Denied;
    let look = async || look_for(w, object, attack, nonce, known_id).await;
    let mut looked = look().await?;
    if matches!(looked, Look::Nothing { .. }) && !settle.is_zero() {
        w.wait(settle).await;
        looked = look().await?;
    }
    if may_be_written && matches!(looked, Look::Nothing { is_paged: true, .. }) {
        let _quiet = w.quiet(w.spec.tenant_ixs()).await;
        looked = look().await?;
    }
    Ok(match looked {
        Look::Found(evidence) => Arrival::Seen(evidence),
        Look::Nothing { doubt: Some(doubt), .. } if may_be_written => Arrival::Unknown(doubt),
        Look::Nothing { .. } => Arrival::Unseen,
    })
}

/// What a look for what the attacker wrote came to.
enum Look {
    Found(Evidence),
    Nothing {
        /// Whether the victim's list has several pages.
        is_paged: bool,
        /// Why what it does not show may be there all the same.
        doubt: Option<Unproven>,
    },
}

async fn look_for(
    w: WriteTape<'_>,
    object: &Object,
    attack: &Exchange,
    nonce: &str,
    known_id: Option<&ObjectId>,
) -> Result<Look, Stop> {
    let t = w.tape();
    let (victim, resource) = (object.tenant, object.resource);
    let told = || if attack.lets_in() { id_in(&t.spec, resource, attack) } else { None };
    let id = known_id.cloned().or_else(told);
    let found = |seen: &Exchange| {
        let what = match (seen.mentions(nonce), &id) {
            (false, Some(id)) => format!("the victim's list shows {id}, which the attacker was told"),
            _ => format!("the victim reads {nonce}, which the attacker sent"),
        };
        Evidence::of(Shows::ForeignWrite, "the attacker wrote into the victim's data", attack).with(what, seen)
    };
    let parents = Place::within(victim, &object.parents);
    if let Some(list) = operation_of(&t.spec, resource, Role::List) {
        let asked = request(t, own(t, victim)?, list, &parents, &Words::default())?;
        // A list may show of an object nothing but its id.
        let made = id.as_ref().filter(|id| **id != object.id).map(|id| Object { id: id.clone(), ..object.clone() });
        let has = |page: &Exchange, object: &Object| is_listed(&t.spec, &t.planted, page, object);
        let is_here = |page: &Exchange| page.mentions(nonce) || made.as_ref().is_some_and(|made| has(page, made));
        let followed = follow(t, list, asked, is_here).await;
        // What the victim could read by an id alone need not have come into its data: its list decides.
        let Some(page) = followed.pages.iter().find(|page| is_here(page)) else {
            let is_paged = followed.pages.len() > 1 || is_counted(&t.spec, list);
            let knows_ids_alone = |page: &&Seen| has(page, object) && !shows(page, object);
            if let Some(page) = followed.pages.iter().find(knows_ids_alone).filter(|_| made.is_none()) {
                return match read_each(w, object, &followed, nonce).await? {
                    Each::Found(id, seen) => {
                        clean(w, object, Some(&id), nonce).await?;
                        Ok(Look::Found(found(&seen)))
                    }
                    Each::InNone => Ok(Look::Nothing { is_paged, doubt: unread(&followed) }),
                    Each::NotInThese => Ok(Look::Nothing {
                        is_paged,
                        doubt: Some(Unproven::shown(Reason::MarkerNotSeen, UNNAMED, page)),
                    }),
                };
            }
            return Ok(Look::Nothing { is_paged, doubt: unread(&followed) });
        };
        clean(w, object, id.as_ref(), nonce).await?;
        return Ok(Look::Found(found(page)));
    }
    let mut doubt = None;
    if let (Some(id), Some(op)) = (id.as_ref(), operation_of(&t.spec, resource, Role::Read)) {
        // An id that the attacker was told, so no ordinary request of the victim's.
        let asked = request(t, own(t, victim)?, op, &parents.and(resource, id), &Words::default())?.crossing();
        let seen = t.send(asked).await;
        if seen.mentions(nonce) {
            clean(w, object, Some(id), nonce).await?;
            return Ok(Look::Found(found(&seen)));
        }
        let is_answer = class_of(&seen) != ResponseClass::Undecided || is_turned_away(&seen) || is_invalid(&seen);
        doubt = (!is_answer).then(|| Unproven::undecided(&seen));
    }
    Ok(Look::Nothing { is_paged: false, doubt })
}

const UNNAMED: &str = "the victim's list shows ids alone, and the attacker is not told that of what it made";

/// How many objects of a list are read where it shows ids alone: those at either end.
const MOST_READ: usize = 32;

/// What reading the objects of a list came to.
enum Each {
    /// What the attacker wrote is in this one.
    Found(ObjectId, Seen),
    /// It is in none, and all were read.
    InNone,
    /// It is in none that was read, and some were not.
    NotInThese,
}

/// The victim reads what its list shows, at most [`MOST_READ`] of it.
async fn read_each(w: WriteTape<'_>, object: &Object, list: &Pages, nonce: &str) -> Result<Each, Stop> {
    let t = w.tape();
    let Some(op) = operation_of(&t.spec, object.resource, Role::Read) else { return Ok(Each::NotInThese) };
    let resource = &t.spec[object.resource];
    let listed: Vec<&Value> = list.pages.iter().filter_map(|page| page.json()).flat_map(items).collect();
    let mut ids: Vec<ObjectId> = listed.iter().filter_map(|item| id_of(resource, item)).collect();
    let mut is_whole = ids.len() <= MOST_READ && ids.len() == listed.len();
    if ids.len() > MOST_READ {
        let last = ids.split_off(ids.len().saturating_sub(MOST_READ.div_euclid(2)));
        ids.truncate(MOST_READ.div_euclid(2));
        ids.extend(last);
    }
    let place = Place::within(object.tenant, &object.parents);
    let reads = ids.iter().map(async |id| {
        let asked = request(t, own(t, object.tenant)?, op, &place.clone().and(object.resource, id), &Words::default())?;
        Ok::<_, Stop>((id, t.send(asked.crossing()).await))
    });
    for read in side_by_side(reads).await {
        let (id, seen) = read?;
        if seen.mentions(nonce) {
            return Ok(Each::Found(id.clone(), seen));
        }
        is_whole &= class_of(&seen) == ResponseClass::Success;
    }
    Ok(if is_whole { Each::InNone } else { Each::NotInThese })
}

/// Why what a list does not show may be in it all the same: a page of it failed, be it within a success, or was not followed to
/// another one.
fn unread(list: &Pages) -> Option<Unproven> {
    let is_shown = |page: &Exchange| class_of(page) == ResponseClass::Success;
    let is_broken = |page: &Exchange| page.json().is_some_and(has_errors);
    let first_failed = list.pages.first().filter(|page| !is_shown(page));
    let other_failed = list.pages.iter().find(|page| class_of(page) == ResponseClass::Undecided || is_broken(page));
    match (first_failed.or(other_failed), list.last()) {
        (Some(failed), _) => Some(Unproven::undecided(failed)),
        (None, Some(last)) if !list.is_complete => Some(cut_short(last)),
        _ => None,
    }
}

/// Whether an answer has errors beside its data, as GraphQL has them.
fn has_errors(json: &Value) -> bool {
    json.get("errors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty())
}

/// The victim removes what the attacker made.
async fn clean(w: WriteTape<'_>, object: &Object, id: Option<&ObjectId>, nonce: &str) -> Result<(), Stop> {
    match id {
        Some(id) => remove_if_written(w, &Object { id: id.clone(), ..object.clone() }, nonce).await.map(drop),
        None => Ok(()),
    }
}
