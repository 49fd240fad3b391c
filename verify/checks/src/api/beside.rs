//! A request that names another object besides the one that it concerns, whatever it does to that: the attacker sends it for
//! an object of its own, and names one of the victim's beside it.

mod subject;

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{QuietOf, Seen, Tape, WriteTape};
use watertight_spec::{Effect, Operation, ResourceIx, Role, Symbol};

use self::subject::Subject;
use super::effect::{AtRest, Expected, SeenEffect, observe_at_rest, observe_one, poll_effect, rehearse_at};
use super::several::{ONE_AT_A_TIME, in_every_slot, is_of_one};
use crate::bracket::Attack;
use crate::check::Concluded;
use crate::shared::{
    Aim, Nowhere, Place, Slot, Words, attack, clear_object, is_creatable, is_error, is_invalid, is_taken, leak,
    named_below, never_existed, once_clear, operation_of, own, parent_of, plant, prepare, prepared_object, read,
    remove, request, says_nothing, shows,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, Verdict, class_of};

/// The whole pair, for the objects of one kind that it names besides: in each slot, where it has several.
pub(super) async fn name_theirs(w: WriteTape<'_>, aim: Aim, kind: ResourceIx) -> Concluded {
    let op = aim.op(w.tape());
    let in_slot = async |slot| name_in(w, aim, (kind, slot)).await;
    let plain = in_slot(Slot::All).await;
    // Of its own kind, the object that it concerns is in one slot already.
    if op.resource == Some(kind) { plain } else { in_every_slot(op, kind, plain, in_slot).await }
}

async fn name_in(w: WriteTape<'_>, aim: Aim, named: (ResourceIx, Slot)) -> Concluded {
    let t = w.tape();
    let op = aim.op(t);
    let resource = op.resource.ok_or_else(|| Stop::not_applicable("it concerns no object"))?;
    let (kind, slot) = named;
    if slot != Slot::All && !is_creatable(&t.spec, kind) {
        return Err(Stop::not_applicable("no others may be made that it could be named beside"));
    }
    // Objects that exist already are the same in every trial: no other one does anything to them meanwhile.
    let _quiet = match is_creatable(&t.spec, kind) {
        true => None,
        false => Some(t.quiet([aim.attacker, aim.victim]).await),
    };
    let above = match named_below(&t.spec, op).any(|below| below == kind) && is_creatable(&t.spec, resource) {
        true => Some(Subject::choose(w, op, aim.victim, resource, named).await?),
        false => None,
    };
    // What is made for the attacker may get the very id of what is chosen before.
    let subject = Subject::choose(w, op, aim.attacker, resource, named).await?;
    let others = Others::choose(w, aim, kind, above.as_ref()).await?;
    // The victim shows with objects of its own that it works, and what it does.
    let at_rest = observe_at_rest(t, others.both().into_iter()).await?;
    let [at_rest, of_double] = at_rest.as_slice() else { return Err(Unproven::nothing_sent().into()) };
    let naming = Naming { aim, op, kind, slot, resource };
    let rehearsed = naming.rehearse(w, above, &others.double, of_double).await;
    let rehearsed = match rehearsed {
        // It may have to be the same in all places.
        Err(stop) if naming.is_of_a_pair() && (is_of_one(&stop) || naming.is_told_apart(&stop)) => {
            others.discard(w).await?;
            naming.discard(w, &subject).await?;
            return Err(Stop::not_applicable(ONE_AT_A_TIME));
        }
        rehearsed => rehearsed?,
    };
    // What is named again may mean nothing: an id in a path, repeated in a body.
    let may_mean_nothing = naming.is_of_a_pair() && !rehearsed.is_seen();
    // Where it is one and the same object, what the victim has done to it is no one else's doing.
    let (rehearsed, again) = match (others.double == others.theirs, rehearsed) {
        (false, rehearsed) => (rehearsed, None),
        (true, Rehearsed { effect: SeenEffect::Gone, .. }) => return Err(others.too_few()),
        (true, _) => {
            let of_double = observe_one(t, &others.double).await?;
            // What it does a second time it will do a third time.
            let rehearsed = naming.rehearse(w, None, &others.double, &of_double).await?;
            if matches!(rehearsed.effect, SeenEffect::Gone) {
                return Err(others.too_few());
            }
            (rehearsed, Some(observe_one(t, &others.theirs).await?))
        }
    };
    let theirs = (&others.theirs, again.as_ref().unwrap_or(at_rest));
    let control = async || Ok(vec![read(t, &others.theirs).await?]);
    let (theirs, at_rest) = theirs;
    let (open, mut expected, _quiet) =
        Expected::open(t, aim.pair(), &[(theirs, at_rest, &rehearsed.effect)], &control).await?;
    let Expected { before, effect } = expected.pop().ok_or_else(Unproven::nothing_sent)?;
    let rehearsed = Rehearsed { effect, ..rehearsed };
    let outcome = naming.attack(w, &subject, theirs, &before, &rehearsed).await?;
    naming.discard(w, &subject).await?;
    if may_mean_nothing && matches!(outcome, Attack::Weak(_)) {
        others.discard(w).await?;
        return Err(Stop::not_applicable(MEANS_NOTHING));
    }
    let verdict = open.attack(outcome).close().await?;
    if !matches!(verdict, Verdict::Leak(_)) {
        others.discard(w).await?;
    }
    Ok(verdict)
}

const MEANS_NOTHING: &str = "nothing is seen of the second one that its owner names, and any id is accepted there";

/// Objects of the victim's that are named besides: one shows what is done to it, the other is attacked.
struct Others {
    double: Object,
    theirs: Object,
    is_made: bool,
}

impl Others {
    async fn choose(w: WriteTape<'_>, aim: Aim, kind: ResourceIx, above: Option<&Subject>) -> Result<Self, Stop> {
        let t = w.tape();
        let is_made = is_creatable(&t.spec, kind);
        let beside = |tenant, object: &Object| Place::of(object).in_tenant(tenant);
        let (double, theirs) = match is_made {
            true => {
                let double = match above.and_then(|above| above.below(kind)) {
                    Some(below) => below.clone(),
                    None => plant(w, aim.victim, kind).await?,
                };
                (double, clear_object(w, aim.pair(), kind, beside).await?)
            }
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

    /// The double last: whatever changes in both, the other one is known to change as well.
    fn both(&self) -> [&Object; 2] {
        [&self.theirs, &self.double]
    }

    async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        if self.is_made {
            remove(w, &self.double).await?;
            remove(w, &self.theirs).await?;
        }
        Ok(())
    }
}

/// What the owner has seen of its own request.
struct Rehearsed {
    /// What it does to the object that is named besides.
    effect: SeenEffect,
    /// Whether what it concerns is shown with that one afterwards, or with its id.
    is_named: bool,
}

impl Rehearsed {
    /// Whether anything is to be seen of what is named besides.
    fn is_seen(&self) -> bool {
        self.is_named || self.effect.is_seen()
    }
}

/// What is sent, by whom and against whom.
struct Naming<'o> {
    aim: Aim,
    op: &'o Operation,
    /// What is named besides, and where.
    kind: ResourceIx,
    slot: Slot,
    resource: ResourceIx,
}

impl Naming<'_> {
    /// Whether two objects of one kind are named that may have to be the same.
    fn is_of_a_pair(&self) -> bool {
        self.kind == self.resource || self.slot.is_asked_first()
    }

    /// Whether its owner fails with two different objects in two places in which it always names one.
    fn is_told_apart(&self, stop: &Stop) -> bool {
        matches!(self.slot, Slot::Alone(_)) && matches!(stop, Stop::Unproven(_))
    }

    fn named(&self) -> (ResourceIx, Slot) {
        (self.kind, self.slot)
    }

    /// The victim sends it with objects of its own: for the one above the double, where that is below what it concerns.
    async fn rehearse(
        &self,
        w: WriteTape<'_>,
        above: Option<Subject>,
        double: &Object,
        of_double: &AtRest,
    ) -> Result<Rehearsed, Stop> {
        let subject = match above {
            Some(above) => above,
            None if self.is_above(&w) => Subject::beside(w, self.op, self.resource, double, self.named()).await?,
            None => Subject::choose(w, self.op, self.aim.victim, self.resource, self.named()).await?,
        };
        let rehearsed = self.rehearse_with(w, &subject, double, of_double).await;
        self.discard(w, &subject).await?;
        match rehearsed {
            // What an object names may be fixed once it is made: then it must be that.
            Err(Stop::Unproven(_)) if !self.is_parent(&w) && self.is_named_by_create(&w) => {
                let subject = Subject::beside(w, self.op, self.resource, double, self.named()).await?;
                let rehearsed = self.rehearse_with(w, &subject, double, of_double).await;
                self.discard(w, &subject).await?;
                rehearsed
            }
            rehearsed => rehearsed,
        }
    }

    async fn rehearse_with(
        &self,
        w: WriteTape<'_>,
        subject: &Subject,
        double: &Object,
        of_double: &AtRest,
    ) -> Result<Rehearsed, Stop> {
        let t = w.tape();
        let place = subject.naming(self.op, self.kind, &double.id);
        prepare(t, self.op, &place).await?;
        let rehearsal = rehearse_at(t, self.op, &place, &[(double, of_double)]).await?;
        let shown = if self.removes() { None } else { subject.look(t).await? };
        let is_named = shown.is_some_and(|shown| subject::names(&shown, &double.id) || shows(&shown, double));
        // What it concerns did not name it before: so it was done.
        let is_done = is_named && !subject.is_made_with(self.kind, &double.id);
        let mut effects = if is_done { rehearsal.effects_of_what_was_done() } else { rehearsal.effects()? };
        Ok(Rehearsed { effect: effects.pop().ok_or_else(Unproven::nothing_sent)?, is_named })
    }

    /// Whether it is the object below which the other one is: where several are named, the first is.
    fn is_above(&self, t: &Tape) -> bool {
        matches!(self.slot, Slot::All | Slot::Nth(0) | Slot::Further(0) | Slot::Alone(0)) && self.is_parent(t)
    }

    /// Whether it is of the kind below which the other one is.
    fn is_parent(&self, t: &Tape) -> bool {
        parent_of(&t.spec, self.op) == Some(self.kind)
    }

    fn is_named_by_create(&self, t: &Tape) -> bool {
        let create =
            operation_of(&t.spec, self.resource, Role::Create).filter(|_| is_creatable(&t.spec, self.resource));
        create.is_some_and(|create| create.request.mentions(&Symbol::Object(self.kind)))
    }

    /// Whether nothing is left of what it concerns, and so no link either.
    fn removes(&self) -> bool {
        self.op.effect == Effect::Destroy
    }

    /// The attacker sends it for an object of its own, and names the victim's.
    async fn attack(
        &self,
        w: WriteTape<'_>,
        subject: &Subject,
        theirs: &Object,
        before: &AtRest,
        rehearsed: &Rehearsed,
    ) -> Result<Attack, Stop> {
        let t = w.tape();
        let nonce = t.nonce(self.aim.attacker);
        let place = subject.naming(self.op, self.kind, &theirs.id);
        let sent = self.send_if_clear(t, &place, theirs, &nonce).await?;
        if let Some(evidence) = leak(t, &sent, self.aim.victim) {
            return Ok(Attack::Leaked(evidence));
        }
        // What is linked may be shown with what it is linked to.
        let is_accepted = class_of(&sent) == ResponseClass::Success || sent.leads_on();
        let shown = if is_accepted && !self.removes() { subject.look(t).await? } else { None };
        if let Some(shown) = &shown
            && let Some(evidence) = leak(t, shown, self.aim.victim)
        {
            return Ok(Attack::Leaked(
                evidence.with("after the attacker had named the victim's object in its own", &sent),
            ));
        }
        if let Some(evidence) = poll_effect(t, theirs, before, &rehearsed.effect, &sent, &nonce).await? {
            return Ok(Attack::Leaked(evidence));
        }
        let is_dropped = shown.is_some_and(|shown| self.is_dropped(t, subject, theirs, rehearsed, &shown));
        let leaves_nothing = is_dropped || self.removes() || rehearsed.effect.is_seen();
        self.settle(w, &place, theirs, leaves_nothing, &sent).await
    }

    /// Whether nothing of the victim's id has stayed with the attacker's object: it names what it named before, or does not
    /// name what the owner's would name, or is where it was.
    fn is_dropped(
        &self,
        t: &Tape,
        subject: &Subject,
        theirs: &Object,
        rehearsed: &Rehearsed,
        shown: &Exchange,
    ) -> bool {
        let is_other = rehearsed.is_named || self.is_parent(t) || subject.names_as_made(shown, self.kind);
        shown.succeeded() && is_other && !subject::names(shown, &theirs.id)
    }

    /// Sends it, unless the attacker has got an object of its own at that id.
    async fn send_if_clear(&self, t: &Tape, place: &Place, theirs: &Object, nonce: &str) -> Result<Seen, Stop> {
        let at_theirs = place.clone().and(self.kind, &theirs.id);
        let is_taken = async || is_taken(t, self.aim.attacker, &at_theirs, theirs).await;
        let send = async || self.send(t, place, nonce).await;
        // What is accepted is told as a leak, so no other trial changes anything there either.
        let sent = once_clear(t, self.aim.pair(), (theirs, QuietOf::Writes), is_taken, send).await?;
        sent.ok_or_else(|| Unproven::new(Reason::IdTaken, Reason::IdTaken.says()).into())
    }

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
        leaves_nothing: bool,
        sent: &Exchange,
    ) -> Result<Attack, Stop> {
        let t = w.tape();
        match class_of(sent) {
            ResponseClass::Denied => return Ok(Attack::Withstood),
            // An error in words that nothing explains.
            ResponseClass::Success if sent.json().is_some_and(is_error) => {
                return self.as_nowhere(t, place, theirs, sent).await;
            }
            ResponseClass::Success => {}
            ResponseClass::Undecided if is_invalid(sent) || (sent.leads_on() && leaves_nothing) => {
                return self.as_nowhere(t, place, theirs, sent).await;
            }
            ResponseClass::NotOffered | ResponseClass::Undecided => {
                return Ok(Attack::Undecided(Unproven::undecided(sent)));
            }
        }
        // Accepted: was the victim's looked up, or is any id good enough?
        let subject = Subject::choose(w, self.op, self.aim.attacker, self.resource, self.named()).await?;
        let nowhere = subject.naming(self.op, self.kind, &never_existed(t, theirs, 0).await?);
        let of_nowhere = self.send(t, &nowhere, &t.nonce(self.aim.attacker)).await?;
        self.discard(w, &subject).await?;
        let named = &t.spec[self.kind].name;
        Ok(match class_of(&of_nowhere) {
            _ if class_of(&of_nowhere) == ResponseClass::Denied || is_invalid(&of_nowhere) => Attack::Leaked(
                Evidence::of(
                    Shows::ForeignLink,
                    format!("what the attacker did names the victim's {named}, and was done"),
                    sent,
                )
                .with("one that never existed is refused", &of_nowhere),
            ),
            ResponseClass::Success if leaves_nothing => Attack::Withstood,
            ResponseClass::Success => Attack::Weak(
                Evidence::of(Shows::Weakness, format!("the victim's {named} is accepted"), sent)
                    .with("and so is one that never existed", &of_nowhere),
            ),
            ResponseClass::Denied | ResponseClass::NotOffered | ResponseClass::Undecided => {
                Attack::Undecided(Unproven::undecided(&of_nowhere))
            }
        })
    }

    /// Where the victim's is refused as invalid, or with an error, one that never existed must be refused the same way.
    async fn as_nowhere(&self, t: &Tape, place: &Place, theirs: &Object, sent: &Exchange) -> Result<Attack, Stop> {
        let nonce = t.nonce(self.aim.attacker);
        let ask = |place: &Place| {
            let asked = request(t, own(t, self.aim.attacker)?, self.op, place, &Words::nonce(&nonce))?;
            attack(t, &asked, self.aim.attacker)
        };
        let nowhere = match self.kind == self.resource {
            true => Nowhere::instead_of_another(t, place, &theirs.id),
            false => Nowhere::instead_of(t, place, (self.kind, &theirs.id)),
        };
        let is_same = says_nothing(t, self.op, ask, place, nowhere, sent).await?;
        Ok(if is_same { Attack::Withstood } else { Attack::Undecided(Unproven::undecided(sent)) })
    }

    /// Removes what it concerned. What was there before names again one of its owner's own.
    async fn discard(&self, w: WriteTape<'_>, subject: &Subject) -> Result<(), Stop> {
        if matches!(self.op.role, Role::Replace | Role::Patch) {
            subject.restore(w, self.op, self.kind).await?;
        }
        subject.discard(w).await
    }
}
