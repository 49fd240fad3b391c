//! `api.child-of-foreign-parent`

use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, ObjectId, Operation, ResourceIx, Role, Spec, TenantIx};

use super::beside::name_theirs;
use super::creating::{Arrival, arrives, can_list};
use crate::bracket::{self, Attack, Attempts};
use crate::check::{Check, Concluded, Phase, Target, Trial, writes};
use crate::shared::{
    Aim, Company, Made, Nowhere, Place, Slot, Tells, Words, again, are_named_by_clients, attack, clear_object, each,
    ids_count, is_creatable, is_invalid, is_page, is_taken, leak, make_under, makes_nothing, named_besides, named_by,
    names_tenant, never_existed, once_clear, operation_of, own, parent_of, parents_for, plant_under, prepared_object,
    quiet_at_ids, quiet_for, remove, request, says_nothing,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, Verdict, class_of};

pub(crate) static CHECK: Check = Check {
    id: "api.child-of-foreign-parent",
    surface: Surface::Api,
    severity: Severity::High,
    cwe: &["CWE-639"],
    title: "Something created under the victim's object, linked to it, or done with it",
    does: "Creates an object that names one of the victim's, as its parent or anywhere in the request, in the attacker's \
           own place and in the victim's. Replaces, changes and deletes an object of its own, and sends operations for \
           one, with the victim's object beside it, where such a request names a second one. Where it names several, each \
           is tried by itself; in a list, or in two places, also beside the attacker's own.",
    judges: "Leak: the victim finds it with its own, or finds its object changed; or the attacker's own object is shown \
             with the victim's data; or the victim's object is accepted where one that never existed is refused, so the \
             link was made. Advisory: any is accepted. Isolated: denied, or refused as one that never existed is, or \
             accepted and dropped. Unproven: a control fails, the answer is no denial, or \
             the victim's list can't be read to its end.",
    origin: "isolation 18.3: a foreign key that lacks the tenant.",
    fix: "Make the tenant part of the foreign key, and load what is named by tenant and id before linking.",
    requests: 35,
};

const MAY_BE_ITS_OWN: &str =
    "it may have been linked to an object of the attacker's own, which another trial has made at that id";

const TAKEN: &str = "the attacker has got an object of its own at that id meanwhile";

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    let targets = |op: &Operation| {
        let kinds = if op.effect != Effect::Read && op.resource.is_some() { linked(spec, op) } else { Vec::new() };
        // What is made is made in the victim's place as well.
        let is_made_there = !kinds.is_empty() && op.role == Role::Create && names_tenant(op);
        let can_be_two = |kind: &ResourceIx| {
            let may_be_beside = op.role == Role::Create || is_creatable(spec, *kind);
            may_be_beside && op.resource != Some(*kind) && op.request.slots(*kind).can_grow()
        };
        let second: Vec<Target> = kinds.iter().copied().filter(can_be_two).map(Target::Second).collect();
        let objects = kinds.into_iter().map(Target::Object).chain(second);
        objects.chain(is_made_there.then_some(Target::Tenant)).collect()
    };
    each(spec, &CHECK, Phase::Main, targets, |aim| writes(move |w| again(w.tape(), async move || link(w, aim).await)))
}

/// Of how many kinds an object is made that names the one that is linked to.
const MOST_NAMING: usize = 3;

/// The kinds of objects that it links to. What exists already stays below what it is below.
fn linked(spec: &Spec, op: &Operation) -> Vec<ResourceIx> {
    let is_fixed = op.resource.is_some_and(|resource| !is_creatable(spec, resource));
    let place = parent_of(spec, op).filter(|_| is_fixed && op.role != Role::Create);
    let besides = named_besides(spec, op).into_iter().filter(|kind| Some(*kind) != place);
    besides.chain(named_again(spec, op)).collect()
}

/// The kind of object that it concerns, where it names another of them outside of lists: the page under which a page is moved.
fn named_again(spec: &Spec, op: &Operation) -> Option<ResourceIx> {
    let names_two = |kind: &ResourceIx| op.request.slots(*kind).is_linked() && is_creatable(spec, *kind);
    op.resource.filter(|_| op.role != Role::Create).filter(names_two)
}

/// One kind after the other: the first that is not refused is what is told. Where one can't be tried, the whole is not
/// isolated.
async fn link(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let mut concluded = None;
    for kind in linked(&w.spec, aim.op(&w)) {
        let told = match aim.op(&w).role {
            Role::Create => link_to(w, aim, kind).await,
            _ => name_theirs(w, aim, kind).await,
        };
        match &told {
            Ok(Verdict::Isolated(_)) => concluded = concluded.or(Some(told)),
            // Its owner can't name two there: that says nothing of the others.
            Err(Stop::NotApplicable(_)) if aim.op(&w).resource == Some(kind) && concluded.is_some() => {}
            Err(Stop::NotApplicable(_)) => concluded = Some(told),
            _ => return told,
        }
    }
    concluded.unwrap_or_else(|| Err(Stop::not_applicable("it names no other object")))
}

async fn link_to(w: WriteTape<'_>, aim: Aim, kind: ResourceIx) -> Concluded {
    let t = w.tape();
    let op = aim.op(t);
    let resource = op.resource.ok_or_else(|| Stop::not_applicable("it makes no object"))?;
    let beside = |tenant, above: &Object| Place::within(tenant, &Place::of(above).ids);
    let is_made = is_creatable(&t.spec, kind);
    let above = match is_made {
        true => clear_object(w, aim.pair(), kind, beside).await?,
        false => prepared_object(t, aim.victim, kind)?,
    };
    let (child, tells) = make_under(w, aim.victim, resource, &Place::of(&above).ids).await?;
    // What is read through a link is often what names its end, as the tasks of a project: there should be some.
    let mut further = Vec::new();
    for naming in named_by(&t.spec, kind).filter(|naming| is_made && *naming != resource).take(MOST_NAMING) {
        further.extend(plant_under(w, aim.victim, naming, &Place::of(&above).ids).await.ok());
    }
    let open = bracket::open(async || can_list(t, &child).await).await?;
    // Below what is the attacker's own, with that one id the victim's; then with all that is above it.
    let mine = Place::within(aim.attacker, &own_above(t, aim.attacker, resource, kind));
    let mut places = vec![mine.and(kind, &above.id)];
    if !above.parents.is_empty() {
        places.push(beside(aim.attacker, &above));
    }
    if names_tenant(op) {
        places.push(Place::of(&above));
    }
    places.extend(among_own(w, aim, &above, &places, tells).await?);
    let mut attempts = Attempts::default();
    let mut has_its_own = false;
    for place in places {
        // What it has made itself says nothing of the victim's in its own place.
        if has_its_own && place.tenant == aim.attacker {
            continue;
        }
        let link = Link { op, aim, resource, above: &above, place, tells };
        attempts.add(link.attempt(w, &child).await?);
        if attempts.is_leak() {
            break;
        }
        has_its_own |= link.has_made_its_own(t).await?;
    }
    if !attempts.is_leak()
        && let Some(attack) = in_one_place(w, aim, &above, &child, tells).await?
    {
        attempts.add(attack);
    }
    let verdict = open.attack(attempts.outcome()).close().await?;
    if !matches!(verdict, Verdict::Leak(_)) {
        remove(w, &child).await?;
        for naming in &further {
            remove(w, naming).await?;
        }
        if is_made {
            remove(w, &above).await?;
        }
    }
    Ok(verdict)
}

/// The same beside objects of the attacker's own, where it may name several of that kind when it makes one.
async fn among_own(
    w: WriteTape<'_>,
    aim: Aim,
    above: &Object,
    places: &[Place],
    tells: Tells,
) -> Result<Vec<Place>, Stop> {
    let (t, op, kind) = (w.tape(), aim.op(w.tape()), above.resource);
    let (Some(resource), Some(plain)) = (op.resource, places.first()) else { return Ok(Vec::new()) };
    let slots: Vec<Slot> = Slot::further(op, kind).into_iter().filter(|slot| !matches!(slot, Slot::Alone(_))).collect();
    let mine: Vec<&Object> = t.planted.of(aim.attacker, kind).collect();
    let Some(first) = mine.first().filter(|_| mine.len() >= op.request.slots(kind).count()) else {
        return Ok(Vec::new());
    };
    let at = |slot: &Slot, id: &ObjectId| {
        let place = plain.clone().and(kind, id);
        let company = slot.beside_known(t, op, &place, (kind, id));
        place.beside(company)
    };
    if let Some(slot) = slots.first().filter(|slot| slot.is_asked_first()) {
        let all_own = Link { op, aim, resource, above: first, place: at(slot, &first.id), tells };
        let nonce = t.nonce(aim.attacker);
        let answer = all_own.create(t, &all_own.place, &nonce).await?;
        let Some(made) = all_own.made(t, &all_own.place, &answer, &nonce).await? else { return Ok(Vec::new()) };
        all_own.discard(w, &all_own.place, &made, &answer, &nonce).await?;
    }
    Ok(slots.iter().map(|slot| at(slot, &above.id)).collect())
}

/// Of two places that name the same parent, the victim's in one and the attacker's own in the other: a target may look at
/// either. Only what arrives with the victim is a leak: a target may go by the attacker's own and ignore the other. None where
/// nothing arrived.
async fn in_one_place(
    w: WriteTape<'_>,
    aim: Aim,
    above: &Object,
    child: &Object,
    tells: Tells,
) -> Result<Option<Attack>, Stop> {
    let (t, op, kind) = (w.tape(), aim.op(w.tape()), above.resource);
    let mut doubt = None;
    let mine = t.planted.of(aim.attacker, kind).next();
    let (Some(resource), Some(mine)) = (op.resource, mine) else { return Ok(None) };
    let plain = Place::within(aim.attacker, &own_above(t, aim.attacker, resource, kind)).and(kind, &mine.id);
    for (repeat, first) in op.request.slots(kind).repeats() {
        for (own, theirs) in [(*first, *repeat), (*repeat, *first)] {
            let company = Company::with_one(op, kind, (own, &mine.id), (theirs, &above.id));
            let place = plain.clone().beside(Some(company));
            let link = Link { op, aim, resource, above, place, tells };
            let nonce = t.nonce(aim.attacker);
            let answer = link.create(t, &link.place, &nonce).await?;
            if let Some(evidence) = leak(t, &answer, aim.victim) {
                return Ok(Some(Attack::Leaked(evidence)));
            }
            match arrives(w, child, &answer, &nonce, None).await? {
                Arrival::Seen(evidence) => return Ok(Some(Attack::Leaked(evidence))),
                Arrival::Unknown(unknown) => doubt = doubt.or(Some(Attack::Undecided(unknown))),
                Arrival::Unseen => {}
            }
            if let Some(id) = link.made(t, &link.place, &answer, &nonce).await?
                && let Some(evidence) = link.discard(w, &link.place, &id, &answer, &nonce).await?
            {
                return Ok(Some(Attack::Leaked(evidence)));
            }
        }
    }
    Ok(doubt)
}

/// The attacker's own objects above one that it makes, but for those of a kind.
fn own_above(t: &Tape, attacker: TenantIx, resource: ResourceIx, kind: ResourceIx) -> Vec<(ResourceIx, ObjectId)> {
    // Where it has none, the target is not asked for any either.
    let above = parents_for(t, attacker, resource).unwrap_or_default();
    above.into_iter().filter(|(other, _)| *other != kind).collect()
}

/// A link that the attacker tries to make.
struct Link<'o> {
    op: &'o Operation,
    aim: Aim,
    resource: ResourceIx,
    /// The victim's parent.
    above: &'o Object,
    /// Where the attacker creates, with the parent's id.
    place: Place,
    tells: Tells,
}

impl Link<'_> {
    /// One attempt. `child` is the victim's own below that parent: its list would show another one.
    async fn attempt(&self, w: WriteTape<'_>, child: &Object) -> Result<Attack, Stop> {
        let t = w.tape();
        let nonce = t.nonce(self.aim.attacker);
        let answer = self.create_if_clear(t, &nonce).await?;
        if let Some(evidence) = leak(t, &answer, self.aim.victim) {
            return Ok(Attack::Leaked(evidence));
        }
        arrives(w, child, &answer, &nonce, None).await?.or(self.settle(w, &answer, &nonce)).await
    }

    /// Creates, unless the attacker has got a parent of its own at that id.
    async fn create_if_clear(&self, t: &Tape, nonce: &str) -> Result<Seen, Stop> {
        let attacker = self.aim.attacker;
        if self.place.tenant != attacker {
            return self.create(t, &self.place, nonce).await;
        }
        let is_taken = async || is_taken(t, attacker, &self.place, self.above).await;
        let create = async || self.create(t, &self.place, nonce).await;
        let created = once_clear(t, self.aim.pair(), (self.above, quiet_for(self.op)), is_taken, create).await?;
        created.ok_or_else(|| Unproven::new(Reason::IdTaken, TAKEN).into())
    }

    /// Whether the attacker has one of its own of that name since it has named it: a tag that is made when it is used.
    async fn has_made_its_own(&self, t: &Tape) -> Result<bool, Stop> {
        let may_be_made = are_named_by_clients(t, self.above.resource) && self.place.tenant == self.aim.attacker;
        Ok(may_be_made && is_taken(t, self.aim.attacker, &self.place, self.above).await?)
    }

    /// Whether, where the target goes by the credential alone, it may have been linked to a parent of the attacker's own, which
    /// another trial has made at that id.
    fn may_be_its_own(&self, t: &Tape) -> bool {
        let (attacker, victim) = (self.aim.attacker, self.aim.victim);
        self.place.tenant != attacker && ids_count(t, victim, self.above.resource) && !t.is_quiet([attacker])
    }

    async fn create(&self, t: &Tape, place: &Place, nonce: &str) -> Result<Seen, Stop> {
        Ok(t.send(self.asked(t, place, nonce)?).await)
    }

    fn asked(&self, t: &Tape, place: &Place, nonce: &str) -> Result<Request, Stop> {
        let place = place.clone().and(self.resource, t.unique());
        let asked = request(t, own(t, self.aim.attacker)?, self.op, &place, &Words::nonce(nonce))?;
        attack(t, &asked, self.aim.attacker)
    }

    /// What an answer means that left nothing with the victim.
    async fn settle(&self, w: WriteTape<'_>, linked: &Exchange, nonce: &str) -> Result<Attack, Stop> {
        let t = w.tape();
        let made = self.made(t, &self.place, linked, nonce).await?;
        match class_of(linked) {
            ResponseClass::Denied => return Ok(Attack::Withstood),
            ResponseClass::NotOffered => return Ok(Attack::Undecided(Unproven::undecided(linked))),
            ResponseClass::Undecided if made.is_none() => return self.as_nowhere(t, linked, nonce).await,
            ResponseClass::Success | ResponseClass::Undecided => {}
        }
        if let Some(id) = &made
            && let Some(evidence) = self.discard(w, &self.place, id, linked, nonce).await?
        {
            return Ok(Attack::Leaked(evidence));
        }
        if self.has_made_its_own(t).await? {
            return Ok(Attack::Withstood);
        }
        // Accepted: was the foreign parent looked up, or is any parent whose id has the right form good enough?
        let nowhere = self.place.clone().and(self.above.resource, never_existed(t, self.above, 0).await?);
        let second = t.nonce(self.aim.attacker);
        let nowhere_linked = self.create(t, &nowhere, &second).await?;
        let made_nowhere = self.made(t, &nowhere, &nowhere_linked, &second).await?;
        if let Some(id) = &made_nowhere {
            self.discard(w, &nowhere, id, &nowhere_linked, &second).await?;
        }
        let refuses_nowhere = made_nowhere.is_none() && self.is_refusal(t, &nowhere_linked, &second);
        let is_denied = made.is_none() && self.is_refusal(t, linked, nonce) && refuses_nowhere;
        let is_linked = (made.is_some() && refuses_nowhere) || is_refused(&nowhere_linked);
        let named = &t.spec[self.above.resource].name;
        Ok(match class_of(&nowhere_linked) {
            ResponseClass::Success if is_denied => Attack::Withstood,
            // The very same request, but for the id.
            _ if is_linked && self.may_be_its_own(t) => {
                Attack::Undecided(Unproven::shown(Reason::Disturbed, MAY_BE_ITS_OWN, linked))
            }
            _ if is_linked => Attack::Leaked(
                Evidence::of(
                    Shows::ForeignLink,
                    format!("what the attacker made was linked to the victim's {named}"),
                    linked,
                )
                .with("one that never existed is refused", &nowhere_linked),
            ),
            ResponseClass::Success => weak(named, linked, &nowhere_linked),
            ResponseClass::Undecided if made_nowhere.is_some() => weak(named, linked, &nowhere_linked),
            ResponseClass::Denied | ResponseClass::NotOffered | ResponseClass::Undecided => {
                Attack::Undecided(Unproven::undecided(&nowhere_linked))
            }
        })
    }

    /// What an answer says that something was made; none where it made nothing, or nothing shows what.
    async fn made(&self, t: &Tape, place: &Place, answer: &Exchange, nonce: &str) -> Result<Option<ObjectId>, Stop> {
        if class_of(answer) != ResponseClass::Success && !answer.leads_on() {
            return Ok(None);
        }
        let parents = self.parents(place);
        let made = Made { tenant: self.aim.attacker, resource: self.resource, parents: &parents, words: &[nonce] };
        made.id(t, self.tells, answer).await
    }

    fn parents(&self, place: &Place) -> Vec<(ResourceIx, ObjectId)> {
        place.ids.iter().filter(|(other, _)| *other != self.resource).cloned().collect()
    }

    /// Whether an answer by which nothing was made says so, as some targets deny.
    fn is_refusal(&self, t: &Tape, answer: &Exchange, nonce: &str) -> bool {
        match self.tells {
            Tells::InAnswer => makes_nothing(&t.spec, self.resource, answer, nonce),
            // Its list was looked through.
            Tells::InList => {
                operation_of(&t.spec, self.resource, Role::List).is_some() && (is_page(answer) || answer.leads_on())
            }
        }
    }

    /// Where the victim's is refused as invalid, one that never existed must be refused the same way.
    async fn as_nowhere(&self, t: &Tape, refused: &Exchange, nonce: &str) -> Result<Attack, Stop> {
        let attacker = self.aim.attacker;
        let _quiet = quiet_at_ids(t, self.aim.pair(), self.above.resource, quiet_for(self.op)).await;
        if self.place.tenant == attacker && is_taken(t, attacker, &self.place, self.above).await? {
            return Err(Unproven::new(Reason::IdTaken, TAKEN).into());
        }
        let ask = |place: &Place| self.asked(t, place, nonce);
        let nowhere = Nowhere::instead_of(t, &self.place, (self.above.resource, &self.above.id));
        let is_refused = is_refused(refused) || (refused.leads_on() && self.is_refusal(t, refused, nonce));
        let is_same = is_refused && says_nothing(t, self.op, ask, &self.place, nowhere, refused).await?;
        Ok(if is_same { Attack::Withstood } else { Attack::Undecided(Unproven::undecided(refused)) })
    }

    /// The attacker removes what it made, where it made it. A leak, if that is shown with what is the victim's.
    async fn discard(
        &self,
        w: WriteTape<'_>,
        place: &Place,
        id: &ObjectId,
        made_by: &Exchange,
        nonce: &str,
    ) -> Result<Option<Evidence>, Stop> {
        let (t, attacker) = (w.tape(), self.aim.attacker);
        let place = place.clone().and(self.resource, id);
        let asked = |op| request(t, own(t, attacker)?, op, &place, &Words::default());
        let (mut found, mut is_own) = (None, false);
        for op in readings(&t.spec, self.resource, &place) {
            let shown = t.send(attack(t, &asked(op)?, attacker)?).await;
            // The id may be that of another's object there: only what shows the attacker's own words is removed.
            is_own |= op.role == Role::Read && shown.mentions(nonce);
            if let Some(evidence) = leak(t, &shown, self.aim.victim) {
                found = Some(evidence.with("after the attacker had linked it to the victim's object", made_by));
                break;
            }
        }
        if let Some(delete) = operation_of(&t.spec, self.resource, Role::Delete).filter(|_| is_own) {
            let asked = asked(delete)?;
            t.send(attack(t, &asked, attacker)?.mark(asked.mark.clone())).await;
        }
        Ok(found)
    }
}

/// Any is accepted.
fn weak(named: &str, linked: &Exchange, nowhere_linked: &Exchange) -> Attack {
    Attack::Weak(
        Evidence::of(Shows::Weakness, format!("the victim's {named} is accepted"), linked)
            .with("and so is one that never existed", nowhere_linked),
    )
}

/// Whatever shows an object of a kind: its reading, and operations that read at it and name nothing but what the place has.
fn readings<'s>(spec: &'s Spec, resource: ResourceIx, place: &Place) -> impl Iterator<Item = &'s Operation> {
    let reads = move |op: &&Operation| {
        let is_reading = matches!(op.role, Role::Read | Role::Custom) && op.effect == Effect::Read;
        let is_there = || op.request.objects().into_iter().all(|kind| place.id(kind).is_some());
        is_reading && op.resource == Some(resource) && (op.role == Role::Read || is_there())
    };
    spec.operations.iter().filter(reads)
}

/// Denied, or refused as invalid.
fn is_refused(answer: &Exchange) -> bool {
    class_of(answer) == ResponseClass::Denied || is_invalid(answer)
}
