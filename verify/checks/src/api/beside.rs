//! An operation that names another object besides the one that it concerns: the attacker sends it for an object of its own,
//! and names one of the victim's beside it.

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_spec::{ObjectId, Operation, ResourceIx, TenantIx};

use super::effect::{SeenEffect, observe_at_rest, poll_effect, rehearse_at};
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{
    Aim, Nowhere, Place, Words, any_object, attack, clear_object, is_creatable, is_invalid, is_taken, leak,
    never_existed, own, plant, prepared_object, read, remove, request, says_nothing,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, Verdict, class_of};

/// The whole pair, for the objects of one kind that it names besides.
pub(super) async fn name_theirs(w: WriteTape<'_>, aim: Aim, kind: ResourceIx) -> Concluded {
    let t = w.tape();
    let resource = aim.op(t).resource.ok_or_else(|| Stop::not_applicable("it concerns no object"))?;
    // Objects that exist already are the same in every trial: no other one does anything to them meanwhile.
    let _quiet = match is_creatable(&t.spec, kind) {
        true => None,
        false => Some(t.quiet([aim.attacker, aim.victim]).await),
    };
    let others = Others::choose(w, aim, kind).await?;
    // The victim shows with objects of its own that it works, and what it does to the one that is named besides.
    let at_rest = observe_at_rest(t, others.both().into_iter()).await?;
    let [of_double, before] = at_rest.as_slice() else { return Err(Unproven::nothing_sent().into()) };
    let subject = Subject::choose(w, aim.victim, resource).await?;
    let place = subject.naming(kind, &others.double.id);
    let effect = rehearse_at(t, aim.op(t), &place, &others.double, of_double).await?;
    subject.discard(w).await?;
    // Where it is one and the same object, what the victim has done to it is no one else's doing.
    let (effect, again) = match (others.double == others.theirs, effect) {
        (false, effect) => (effect, None),
        (true, SeenEffect::Gone) => return Err(others.too_few()),
        (true, _) => {
            let mut after = observe_at_rest(t, std::iter::once(&others.double)).await?;
            let of_double = after.pop().ok_or_else(Unproven::nothing_sent)?;
            let subject = Subject::choose(w, aim.victim, resource).await?;
            let place = subject.naming(kind, &others.double.id);
            // What it does a second time it will do a third time.
            let effect = rehearse_at(t, aim.op(t), &place, &others.double, &of_double).await?;
            subject.discard(w).await?;
            if matches!(effect, SeenEffect::Gone) {
                return Err(others.too_few());
            }
            (effect, observe_at_rest(t, std::iter::once(&others.theirs)).await?.pop())
        }
    };
    let before = again.as_ref().unwrap_or(before);
    let open = bracket::open(async || read(t, &others.theirs).await).await?;
    let naming = Naming { aim, op: aim.op(t), kind, resource };
    let nonce = t.nonce(aim.attacker);
    let subject = Subject::choose(w, aim.attacker, resource).await?;
    let place = subject.naming(kind, &others.theirs.id);
    if is_taken(t, aim.attacker, &place, &others.theirs).await? {
        return Err(Unproven::new(Reason::IdTaken, Reason::IdTaken.says()).into());
    }
    let sent = naming.send(t, &place, &nonce).await?;
    let found = match leak(t, &sent, aim.victim) {
        Some(evidence) => Some(evidence),
        None => poll_effect(t, &others.theirs, before, &effect, &sent, &nonce).await?,
    };
    let outcome = match found {
        Some(evidence) => Attack::Leaked(evidence),
        None => naming.settle(w, &place, &others.theirs, &effect, &sent).await?,
    };
    subject.discard(w).await?;
    let verdict = open.attack(outcome).close().await?;
    if !matches!(verdict, Verdict::Leak(_)) {
        others.discard(w).await?;
    }
    Ok(verdict)
}

/// Objects of the victim's that are named besides: one shows what is done to it, the other is attacked.
struct Others {
    double: Object,
    theirs: Object,
    is_made: bool,
}

impl Others {
    async fn choose(w: WriteTape<'_>, aim: Aim, kind: ResourceIx) -> Result<Self, Stop> {
        let t = w.tape();
        let is_made = is_creatable(&t.spec, kind);
        let beside = |tenant, object: &Object| Place::of(object).in_tenant(tenant);
        let (double, theirs) = match is_made {
            true => (plant(w, aim.victim, kind).await?, clear_object(w, aim.pair(), kind, beside).await?),
            false => {
                let one = prepared_object(t, aim.victim, kind)?;
                let last = t.planted.of(aim.victim, kind).filter(|object| !object.marker.is_empty()).last();
                (last.cloned().unwrap_or_else(|| one.clone()), one)
            }
        };
        Ok(Self { double, theirs, is_made })
    }

    fn too_few(&self) -> Stop {
        let detail = "its owner destroys one to show what that does: name a second one under `existing`";
        Unproven::new(Reason::EffectUnseen, detail).into()
    }

    fn both(&self) -> [&Object; 2] {
        [&self.double, &self.theirs]
    }

    async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        if self.is_made {
            remove(w, &self.double).await?;
            remove(w, &self.theirs).await?;
        }
        Ok(())
    }
}

/// The object that the operation concerns, of whoever sends it.
struct Subject {
    object: Object,
    is_made: bool,
}

impl Subject {
    async fn choose(w: WriteTape<'_>, tenant: TenantIx, resource: ResourceIx) -> Result<Self, Stop> {
        let is_made = is_creatable(&w.spec, resource);
        let object = match (is_made, w.spec[resource].is_disposable) {
            (true, _) => plant(w, tenant, resource).await?,
            (false, true) => any_object(&w, tenant, resource)?,
            (false, false) => {
                return Err(Stop::not_applicable("what it concerns is neither created nor `disposable`"));
            }
        };
        Ok(Self { object, is_made })
    }

    fn naming(&self, kind: ResourceIx, id: &ObjectId) -> Place {
        Place::of(&self.object).and(kind, id)
    }

    async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        if self.is_made { remove(w, &self.object).await } else { Ok(()) }
    }
}

/// What the attacker sends.
struct Naming<'o> {
    aim: Aim,
    op: &'o Operation,
    kind: ResourceIx,
    resource: ResourceIx,
}

impl Naming<'_> {
    async fn send(&self, t: &Tape, place: &Place, nonce: &str) -> Result<Seen, Stop> {
        let asked = request(t, own(t, self.aim.attacker)?, self.op, place, &Words::nonce(nonce))?;
        Ok(t.send(attack(t, &asked, self.aim.attacker)?).await)
    }

    /// What an answer means that left nothing to be seen with the victim.
    async fn settle(
        &self,
        w: WriteTape<'_>,
        place: &Place,
        theirs: &Object,
        effect: &SeenEffect,
        sent: &Exchange,
    ) -> Result<Attack, Stop> {
        let t = w.tape();
        match class_of(sent) {
            ResponseClass::Denied => return Ok(Attack::Withstood),
            ResponseClass::Success => {}
            ResponseClass::Undecided if is_invalid(sent) => return self.as_nowhere(t, place, theirs, sent).await,
            ResponseClass::NotOffered | ResponseClass::Undecided => {
                return Ok(Attack::Undecided(Unproven::undecided(sent)));
            }
        }
        // Accepted: was the victim's looked up, or is any id good enough?
        let subject = Subject::choose(w, self.aim.attacker, self.resource).await?;
        let nowhere = subject.naming(self.kind, &never_existed(t, theirs, 0).await?);
        let of_nowhere = self.send(t, &nowhere, &t.nonce(self.aim.attacker)).await?;
        subject.discard(w).await?;
        let is_seen = match effect {
            SeenEffect::Gone => true,
            SeenEffect::Changes(members) => !members.is_empty(),
        };
        Ok(match class_of(&of_nowhere) {
            _ if class_of(&of_nowhere) == ResponseClass::Denied || is_invalid(&of_nowhere) => Attack::Leaked(
                Evidence::of(Shows::ForeignLink, "what the attacker did names the victim's object, and was done", sent)
                    .with("one that never existed is refused", &of_nowhere),
            ),
            ResponseClass::Success if is_seen => Attack::Withstood,
            ResponseClass::Success => Attack::Weak(
                Evidence::of(Shows::Weakness, "the victim's object is accepted", sent)
                    .with("and so is one that never existed", &of_nowhere),
            ),
            ResponseClass::Denied | ResponseClass::NotOffered | ResponseClass::Undecided => {
                Attack::Undecided(Unproven::undecided(&of_nowhere))
            }
        })
    }

    /// Where the victim's is refused as invalid, one that never existed must be refused the same way.
    async fn as_nowhere(&self, t: &Tape, place: &Place, theirs: &Object, sent: &Exchange) -> Result<Attack, Stop> {
        let nonce = t.nonce(self.aim.attacker);
        let ask = |place: &Place| {
            let asked = request(t, own(t, self.aim.attacker)?, self.op, place, &Words::nonce(&nonce))?;
            attack(t, &asked, self.aim.attacker)
        };
        let nowhere = Nowhere::instead_of(t, place, (self.kind, &theirs.id));
        let is_same = says_nothing(t, self.op, ask, place, nowhere, sent).await?;
        Ok(if is_same { Attack::Withstood } else { Attack::Undecided(Unproven::undecided(sent)) })
    }
}
