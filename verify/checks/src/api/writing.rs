//! The bracket of a write. The owner shows on a double that the operation works and what it does; the attacker sends it
//! for another object; the owner looks at that object until `settle` has passed, and must still be able to read it.

use watertight_engine::call::Mark;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{QuietOf, Seen, Tape, WriteTape, both, side_by_side};
use watertight_spec::{Effect, Operation, Pair, ResourceIx, Role, TenantIx, Way};

use super::effect::{AtRest, Expected, SeenEffect, observe_at_rest, observe_one, poll_effect, rehearse};
use super::restoring::{restore_across, restores};
use super::several::{ONE_AT_A_TIME, is_of_one};
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{
    Furnished, Named, Nowhere, Place, Slot, Words, any_object, attack, clear_below, clear_object, ids_count,
    is_creatable, is_error, is_invalid, is_taken, is_turned_away, leak, operation_of, own, parents_for, plant,
    plant_below, prepare, quiet_at_ids, quiet_for, read, remove, remove_if_written, request, says_nothing,
    succeed_or_lead_on, third_holder, wait_until_gone,
};
use crate::verdict::{Reason, ResponseClass, Stop, Unproven, Verdict, class_of};

/// Where the attacker sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// In the victim's place.
    Theirs,
    /// In its own, but for one part of the request, which names the victim.
    Between(Way),
    /// In its own, with the victim's id, below a parent of its own.
    Own,
    /// The same with the ids of the victim's objects below it, where it names some.
    WithBelow,
    /// In its own, with the ids of the victim's object and of the victim's object above it.
    BelowTheirs,
}

impl Where {
    /// The place of the attack on an object; `own` has its ids in the attacker's.
    pub(super) fn place(self, attacker: TenantIx, object: &Object, own: &Place) -> Place {
        match self {
            Self::Theirs => Place::of(object),
            Self::Between(way) => Place::of(object).named_in(Named::In(way, attacker)),
            Self::Own | Self::WithBelow | Self::BelowTheirs => own.clone(),
        }
    }

    /// Whether all that is named with the object is the victim's.
    fn is_all_theirs(self) -> bool {
        match self {
            Self::Theirs | Self::Between(_) | Self::WithBelow | Self::BelowTheirs => true,
            Self::Own => false,
        }
    }
}

/// The victim's id in the attacker's own place, below the attacker's own parent where it has one.
pub(crate) fn in_own_place(t: &Tape, attacker: TenantIx, object: &Object) -> Place {
    let parents = parents_for(t, attacker, object.resource).unwrap_or_else(|_| object.parents.clone());
    Place::within(attacker, &parents).and(object.resource, &object.id)
}

/// What the journal must know of an object that may be made at a place (an upsert): what a create there would tell it.
pub(crate) fn mark_of_create(t: &Tape, resource: ResourceIx, place: &Place) -> Result<Mark, Stop> {
    let Some(op) = operation_of(&t.spec, resource, Role::Create) else { return Ok(Mark::Nothing) };
    Ok(request(t, own(t, place.tenant)?, op, place, &Words::nonce(""))?.mark)
}

/// A place with all that a request names there: of what it leaves open, what set-up has planted first.
pub(super) fn with_all(t: &Tape, op: &Operation, place: Place) -> Place {
    op.request.objects().into_iter().fold(place, |place, kind| {
        let known = t.planted.of(place.tenant, kind).next().filter(|_| place.id(kind).is_none());
        match known {
            Some(object) => place.and(kind, &object.id),
            None => place,
        }
    })
}

/// The whole pair, for an operation that replaces, changes or destroys an object.
pub(super) async fn write_across(
    w: WriteTape<'_>,
    op: &Operation,
    pair: Pair,
    resource: ResourceIx,
    whose: Where,
    slot: Slot,
) -> Concluded {
    let t = w.tape();
    if t.spec[resource].is_disposable && !is_creatable(&t.spec, resource) {
        return write_disposable(w, op, pair, resource, whose, slot).await;
    }
    if restores(t, op) {
        match restore_across(w, op, pair, resource, whose, slot).await {
            Err(Stop::NotApplicable(_)) => {}
            told => return told,
        }
    }
    // Prepare, and let the owner show on a double what the operation does.
    let choose = |quiet_of| AttackedObject::choose(w, op, pair, (resource, quiet_of), whose, slot);
    let double = plant(w, pair.victim, resource).await?;
    let target = choose(quiet_for(op)).await?;
    let place = Place::of(&double).beside(slot.beside_new(w, op, pair.victim, resource).await?);
    let furnished = Furnished::at(w, op, place).await?;
    // The double last: whatever changes in both, the others are known to change as well.
    let observed = observe_at_rest(t, [&target.object, &double].into_iter()).await?;
    let [at_rest, of_double] = observed.as_slice() else { return Err(Unproven::nothing_sent().into()) };
    let mut effect = match slot {
        Slot::Further(_) => rehearse_further(t, op, &furnished.place, &double, of_double).await?,
        Slot::All | Slot::Nth(_) => rehearse(t, op, &furnished.place, &double, of_double).await?,
    };
    // Attack, watch and close.
    let is_hidden = !effect.is_seen() && of_double.moves();
    let mut verdict = if is_hidden { None } else { target.attack(w, at_rest, &effect).await? };
    let mut objects_attacked = vec![target];
    // All that took its time: the attacker has got objects of its own at these ids, or what was done may have been done to one
    // of those. Or what it does is seen on the victim's others too. Now no other trial makes or changes any.
    if verdict.is_none() {
        let _quiet = t.quiet([pair.attacker, pair.victim]).await;
        if is_hidden {
            prepare(t, op, &furnished.place).await?;
            effect = rehearse(t, op, &furnished.place, &double, &observe_one(t, &double).await?).await?;
        }
        let target = choose(QuietOf::Writes).await?;
        verdict = target.attack(w, &observe_one(t, &target.object).await?, &effect).await?;
        objects_attacked.push(target);
    }
    let verdict = verdict.ok_or_else(|| {
        Unproven::new(Reason::IdTaken, "the attacker always has an object of its own at the victim's id")
    })?;
    if !matches!(verdict, Verdict::Leak(_)) {
        let (attacked, of_double) = both(discard(w, &objects_attacked), async {
            if !matches!(effect, SeenEffect::Gone) {
                furnished.discard(w).await?;
                remove(w, &double).await?;
            }
            Ok::<(), Stop>(())
        })
        .await;
        attacked.and(of_double)?;
    }
    Ok(verdict)
}

/// The whole pair on objects that exist already, and may be changed. Nothing else changes any in the two tenants meanwhile.
async fn write_disposable(
    w: WriteTape<'_>,
    op: &Operation,
    pair: Pair,
    resource: ResourceIx,
    whose: Where,
    slot: Slot,
) -> Concluded {
    let t = w.tape();
    if whose == Where::BelowTheirs {
        return Err(Stop::not_applicable("no parent may be made"));
    }
    if slot != Slot::All {
        return Err(Stop::not_applicable("none may be made to be named beside it"));
    }
    let _quiet = t.quiet([pair.attacker, pair.victim]).await;
    any_object(t, pair.victim, resource)?;
    // Earlier trials may have destroyed some. The first one stays as it is: others go by it.
    let known: Vec<Object> = t.planted.of(pair.victim, resource).cloned().collect();
    let mut there = Vec::new();
    for object in known.iter().rev() {
        if read(t, object).await.is_ok() {
            there.push(object);
        }
    }
    let too_few = || {
        let detail = "too few disposable objects are left to show what it does: name further ones under `existing`";
        Stop::from(Unproven::new(Reason::EffectUnseen, detail))
    };
    let mut left = there.into_iter();
    let mut double = left.next().ok_or_else(too_few)?;
    let (object, effect) = loop {
        let of_double = observe_one(t, double).await?;
        if op.effect == Effect::Destroy && left.len() == 0 {
            return Err(too_few());
        }
        let effect = rehearse(t, op, &Place::of(double), double, &of_double).await?;
        let has_none = matches!(&effect, SeenEffect::Changes(members) if members.is_empty());
        match left.next() {
            // An earlier trial may have done to this one what can be done once.
            Some(next) if has_none && left.len() > 0 => double = next,
            Some(next) => break (next, effect),
            None => break (double, effect),
        }
    };
    let is_seen = matches!(&effect, SeenEffect::Changes(members) if !members.is_empty());
    let own = in_own_place(t, pair.attacker, object);
    if is_taken(t, pair.attacker, &own, object).await? {
        let detail = "the attacker has an object of its own at the victim's id";
        return Err(Unproven::new(Reason::IdTaken, detail).into());
    }
    let before = observe_one(t, object).await?;
    let place = whose.place(pair.attacker, object, &own);
    let quiet_of = QuietOf::Writes;
    let attacked =
        AttackedObject { op, pair, whose, quiet_of, above: None, object: object.clone(), below: None, place, own };
    let verdict = attacked.attack(w, &before, &effect).await?;
    let verdict = verdict.ok_or_else(|| Unproven::new(Reason::IdTaken, Reason::IdTaken.says()))?;
    match verdict {
        Verdict::Isolated(_) if is_seen && !can_still_be_done(t, op, object).await? => {
            let detail = "what it does had been done to that object before: name further ones under `existing`";
            Err(Unproven::new(Reason::EffectUnseen, detail).into())
        }
        verdict => Ok(verdict),
    }
}

/// Whether the owner can still do to an object what the attacker has tried: else nothing could have been seen of it.
async fn can_still_be_done(t: &Tape, op: &Operation, object: &Object) -> Result<bool, Stop> {
    let at_rest = observe_one(t, object).await?;
    Ok(match rehearse(t, op, &Place::of(object), object, &at_rest).await? {
        SeenEffect::Gone => true,
        SeenEffect::Changes(members) => !members.is_empty(),
    })
}

/// What the owner sees of it where its request names several, and need not: what is refused, or done to the other one alone,
/// is tried alone.
async fn rehearse_further(
    t: &Tape,
    op: &Operation,
    place: &Place,
    double: &Object,
    of_double: &AtRest,
) -> Result<SeenEffect, Stop> {
    match rehearse(t, op, place, double, of_double).await {
        Err(stop) if is_of_one(&stop) => Err(Stop::not_applicable(ONE_AT_A_TIME)),
        Ok(effect) if !effect.is_seen() => Err(Stop::not_applicable(ONE_AT_A_TIME)),
        told => told,
    }
}

async fn discard(w: WriteTape<'_>, objects_attacked: &[AttackedObject<'_>]) -> Result<(), Stop> {
    side_by_side(objects_attacked.iter().map(|target| target.discard(w))).await.into_iter().collect()
}

/// What came of sending an attack.
enum Sent {
    Answered(Seen),
    /// It was not sent: this tenant has an object of its own there.
    Held(TenantIx),
}

/// What is attacked, and where.
struct AttackedObject<'o> {
    op: &'o Operation,
    pair: Pair,
    whose: Where,
    /// What no other trial does in the attacker's tenant while it is sent.
    quiet_of: QuietOf,
    /// The disposable parent of the victim's, if the object is below one.
    above: Option<Object>,
    /// The victim's.
    object: Object,
    /// What the request names below it, where that is the victim's too.
    below: Option<Furnished>,
    /// Where the attacker sends it.
    place: Place,
    /// The same ids in the attacker's own place, where it must have nothing: a target that goes by the credential alone
    /// would do it there.
    own: Place,
}

impl<'o> AttackedObject<'o> {
    async fn choose(
        w: WriteTape<'_>,
        op: &'o Operation,
        pair: Pair,
        (resource, quiet_of): (ResourceIx, QuietOf),
        whose: Where,
        slot: Slot,
    ) -> Result<Self, Stop> {
        let t = w.tape();
        let company = slot.beside_new(w, op, pair.attacker, resource).await?;
        let beside = |tenant, object: &Object| in_own_place(t, tenant, object);
        // Without quiet the attacker may get an object at that id at any time, so the only look that counts is the one
        // just before the attack.
        let is_quiet = t.is_quiet([pair.attacker, pair.victim]);
        let (above, object, own) = match whose {
            Where::BelowTheirs => {
                let (above, object) = match is_quiet {
                    true => clear_below(w, pair, resource).await?,
                    false => plant_below(w, pair.victim, resource).await?,
                };
                let own = Place::of(&object).in_tenant(pair.attacker);
                (Some(above), object, own)
            }
            Where::Theirs | Where::Between(_) | Where::Own | Where::WithBelow => {
                let object = match is_quiet {
                    true => clear_object(w, pair, resource, beside).await?,
                    false => plant(w, pair.victim, resource).await?,
                };
                let own = beside(pair.attacker, &object);
                (None, object, own)
            }
        };
        let theirs = match op.after.is_some() {
            true => with_all(t, op, Place::of(&object)),
            false => Place::of(&object),
        };
        let below = match whose.is_all_theirs() {
            true => Some(Furnished::at(w, op, theirs.clone()).await?),
            false => None,
        };
        let place = match (whose, op.after) {
            // What has been done with the victim's is undone with the very same.
            (Where::WithBelow, Some(_)) => theirs.in_tenant(pair.attacker),
            _ => whose.place(pair.attacker, &object, &own),
        };
        let place = below.iter().fold(place.beside(company), |place, below| below.named_in(place));
        Ok(Self { op, pair, whose, quiet_of, above, object, below, place, own })
    }

    /// The bracket around the attack; `None` where it can't be told from what others do meanwhile, or where the attacker has an
    /// object of its own at that id: then nothing was sent. What changes by itself is known from `at_rest`, of this object or
    /// another one.
    async fn attack(&self, w: WriteTape<'_>, at_rest: &AtRest, effect: &SeenEffect) -> Result<Option<Verdict>, Stop> {
        let t = w.tape();
        let nonce = t.nonce(self.pair.attacker);
        let mut waited = 0;
        let (open, expected, sent) = loop {
            let open = bracket::open(async || read(t, &self.object).await).await?;
            let Some(expected) = Expected::of(t, self.pair, (&self.object, at_rest), effect, open.held()) else {
                return Ok(None);
            };
            match self.send(t, &nonce).await? {
                Sent::Answered(sent) => break (open, expected, sent),
                Sent::Held(holder) => {
                    let held = self.above.as_ref().unwrap_or(&self.object);
                    if !wait_until_gone(t, holder, held, &mut waited).await? {
                        return Ok(None);
                    }
                }
            }
        };
        let mut outcome = self.watch(t, &expected, &sent, &nonce).await?;
        if matches!(outcome, Attack::Withstood) && sent.lets_in() && self.may_be_others(t) {
            return Ok(None);
        }
        if self.may_create() && sent.lets_in() && !outcome.is_leak() {
            let left = self.undo(w, &nonce).await?;
            let shown = left.and_then(|left| leak(t, &left, self.pair.victim));
            outcome = shown.map_or(outcome, Attack::Leaked);
        }
        open.attack(outcome).close().await.map(Some)
    }

    /// The attacker sends it, unless it has an object of its own there, or a third tenant has one. Nothing else creates any
    /// of the attacker's in between.
    async fn send(&self, t: &Tape, nonce: &str) -> Result<Sent, Stop> {
        let Pair { attacker, victim } = self.pair;
        let asked = request(t, own(t, attacker)?, self.op, &self.place, &Words::nonce(nonce))?;
        let mut across = attack(t, &asked, attacker)?;
        if self.may_create() {
            across = across.mark(mark_of_create(t, self.object.resource, &self.place)?);
        }
        if t.is_quiet([attacker, victim]) {
            // It has been since the object was chosen: its id, or that of the object above it, was asked for then.
            let is_taken = self.above.is_some() && is_taken(t, attacker, &self.own, &self.object).await?;
            return Ok(if is_taken { Sent::Held(attacker) } else { Sent::Answered(t.send(across).await) });
        }
        if let Some(third) = self.third_holder(t).await? {
            return Ok(Sent::Held(third));
        }
        // In the victim's place it is at worst an object of another trial's that is hit; in the attacker's own, one that it
        // owns would be taken for the victim's.
        let _quiet = match self.whose {
            Where::Theirs => None,
            Where::Own | Where::WithBelow | Where::BelowTheirs | Where::Between(_) => {
                quiet_at_ids(t, self.pair, self.object.resource, self.quiet_of).await
            }
        };
        if self.is_taken(t).await? {
            return Ok(Sent::Held(attacker));
        }
        Ok(Sent::Answered(t.send(across).await))
    }

    /// Whether it may have been done to something of the attacker's own, which another trial's change has put there meanwhile.
    fn may_be_others(&self, t: &Tape) -> bool {
        let is_shared = self.whose != Where::Theirs && self.quiet_of == QuietOf::Creates;
        is_shared && ids_count(t, self.pair.victim, self.object.resource) && !t.is_quiet([self.pair.attacker])
    }

    /// Which third tenant has an object at that id, or at that of the object above it.
    async fn third_holder(&self, t: &Tape) -> Result<Option<TenantIx>, Stop> {
        match &self.above {
            Some(above) => third_holder(t, self.pair, above, |tenant| Place::of(above).in_tenant(tenant)).await,
            None if self.whose == Where::Theirs => Ok(None),
            None => third_holder(t, self.pair, &self.object, |tenant| in_own_place(t, tenant, &self.object)).await,
        }
    }

    /// Whether the attacker has an object at that id, or at that of the object above it.
    async fn is_taken(&self, t: &Tape) -> Result<bool, Stop> {
        let attacker = self.pair.attacker;
        if let Some(above) = &self.above
            && is_taken(t, attacker, &Place::of(above).in_tenant(attacker), above).await?
        {
            return Ok(true);
        }
        is_taken(t, attacker, &self.own, &self.object).await
    }

    /// What came of it, as the answer says and the owner sees.
    async fn watch(&self, t: &Tape, expected: &Expected, sent: &Exchange, nonce: &str) -> Result<Attack, Stop> {
        let Expected { before, effect } = expected;
        let found = match leak(t, sent, self.pair.victim) {
            Some(evidence) => Some(evidence),
            None => poll_effect(t, &self.object, before, effect, sent, nonce).await?,
        };
        if let Some(evidence) = found {
            return Ok(Attack::Leaked(evidence));
        }
        Ok(match (class_of(sent), effect) {
            (ResponseClass::Denied, _) | (ResponseClass::Success, SeenEffect::Gone) => Attack::Withstood,
            (ResponseClass::Success, SeenEffect::Changes(members)) if !members.is_empty() => Attack::Withstood,
            // A refusal within a success.
            (ResponseClass::Success, _)
                if sent.json().is_some_and(is_error) && self.is_refused_for_the_id(t, sent, nonce).await? =>
            {
                Attack::Withstood
            }
            (ResponseClass::Success, SeenEffect::Changes(_)) => {
                let detail = "succeeded, and what it does can't be seen";
                Attack::Undecided(Unproven::shown(Reason::EffectUnseen, detail, sent))
            }
            // The operation is known to have an effect that is seen, and the victim sees none.
            (ResponseClass::Undecided, effect) if effect.is_seen() && (is_turned_away(sent) || sent.leads_on()) => {
                Attack::Withstood
            }
            (ResponseClass::Undecided, effect)
                if effect.is_seen() && is_invalid(sent) && self.is_refused_as_nowhere(t, sent, nonce).await? =>
            {
                Attack::Withstood
            }
            (ResponseClass::Undecided, _) if is_invalid(sent) && self.is_refused_for_the_id(t, sent, nonce).await? => {
                Attack::Withstood
            }
            (ResponseClass::NotOffered | ResponseClass::Undecided, _) => Attack::Undecided(Unproven::undecided(sent)),
        })
    }

    /// Whether it is the id that is refused, as one that never existed is: the attacker's own, in the same place, is not.
    async fn is_refused_for_the_id(&self, t: &Tape, sent: &Exchange, nonce: &str) -> Result<bool, Stop> {
        let Some(w) = t.writing().filter(|_| self.whose == Where::Own) else { return Ok(false) };
        if !self.is_refused_as_nowhere(t, sent, nonce).await? {
            return Ok(false);
        }
        let resource = self.object.resource;
        let mine = plant(w, self.pair.attacker, resource).await?;
        let place = self.place.clone().and(resource, &mine.id);
        let words = Words::canary(&t.canary(self.pair.attacker));
        let asked = request(t, own(t, self.pair.attacker)?, self.op, &place, &words)?;
        let done = succeed_or_lead_on(t, asked, self.pair.attacker).await;
        let is_done = done.is_ok_and(|answer| !answer.json().is_some_and(is_error));
        remove(w, &mine).await?;
        Ok(is_done)
    }

    /// Whether the attacker is told, of the same for an id that never existed, what it was told: some targets refuse both as
    /// invalid.
    async fn is_refused_as_nowhere(&self, t: &Tape, sent: &Exchange, nonce: &str) -> Result<bool, Stop> {
        let Pair { attacker, .. } = self.pair;
        let _quiet = quiet_at_ids(t, self.pair, self.object.resource, self.quiet_of).await;
        if self.is_taken(t).await? {
            return Ok(false);
        }
        let words = Words::nonce(nonce);
        let ask = |place: &Place| attack(t, &request(t, own(t, attacker)?, self.op, place, &words)?, attacker);
        let nowhere = Nowhere::instead_of(t, &self.place, (self.object.resource, &self.object.id));
        says_nothing(t, self.op, ask, &self.place, nowhere, sent).await
    }

    /// Whether it may make an object of the attacker's own (an upsert).
    fn may_create(&self) -> bool {
        self.whose != Where::Theirs && self.op.role == Role::Replace
    }

    /// Removes what the attacker made for itself at that id, and yields what it was shown there.
    async fn undo(&self, w: WriteTape<'_>, nonce: &str) -> Result<Option<Seen>, Stop> {
        let parents = self.place.ids.iter().filter(|(resource, _)| *resource != self.object.resource);
        let made = Object { tenant: self.pair.attacker, parents: parents.cloned().collect(), ..self.object.clone() };
        remove_if_written(w, &made, nonce).await
    }

    async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        if let Some(below) = &self.below {
            below.discard(w).await?;
        }
        remove(w, &self.object).await?;
        match &self.above {
            Some(above) => remove(w, above).await,
            None => Ok(()),
        }
    }
}
