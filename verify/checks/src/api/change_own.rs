//! `api.change-own`

use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape, both, side_by_side};
use watertight_model::{Severity, Surface};
use watertight_spec::{ObjectId, Operation, ResourceIx, Spec, TenantIx};

use super::attempts::{let_in_or_refused, namings};
use super::effect::{AtRest, Done, SeenEffect, observe_at_rest, poll_effects};
use crate::bracket::{self, Attack, Attempts};
use crate::check::{Check, Concluded, Phase, Target, Trial, writes};
use crate::shared::{
    Aim, Place, Words, again, any_object, attack, each, failed, is_creatable, leak, own, plant_under, prepare, read,
    remove, request,
};
use crate::verdict::{Evidence, Reason, Stop, Unproven, Verdict};

pub(crate) static CHECK: Check = Check {
    id: "api.change-own",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-639", "CWE-863"],
    title: "A tenant's own change of many leaves another's objects alone",
    does: "For an operation of which the spec says with `changes` of which kinds it changes or destroys many: makes one of \
           each kind in both tenants, and sends it as the attacker's own; then with the victim in each part of the request \
           that names a tenant, and with the victim's object in place of each that it names. One trial after the other, \
           after all others: it may change whatever a tenant has.",
    judges: "Leak: what the victim has made is changed as the attacker's own is, or gone, or holds what the attacker wrote; \
             or an answer shows the victim's marker. Isolated: the attacker's own is seen to change, and the victim's is as \
             before. Unproven: one of the attacker's own is not seen to change, the victim can't read what it has made, or \
             an answer is neither a success nor a refusal.",
    origin: "isolation 17, 30.1: an update whose condition lacks the tenant.",
    fix: "Let every statement that changes rows name the tenant of the caller, and let the database refuse one that does not.",
    requests: 60,
};

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    let targets = |op: &Operation| {
        if op.changes.is_empty() {
            return Vec::new();
        }
        let tenant = (!spec.ways(op.ix).is_empty()).then_some(Target::Tenant);
        let objects = op.request.objects().into_iter().map(Target::Object);
        std::iter::once(Target::Answer).chain(tenant).chain(objects).collect()
    };
    each(spec, &CHECK, Phase::Final, targets, |aim| {
        writes(move |w| again(w.tape(), async move || change(w, aim).await))
    })
}

async fn change(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let (t, op) = (w.tape(), aim.op(w.tape()));
    let (mine, theirs) = both(Made::of(w, op, aim.attacker), Made::of(w, op, aim.victim)).await;
    let (mine, theirs) = (mine?, theirs?);
    let at_rest = observe_at_rest(t, mine.changed(op).chain(theirs.changed(op))).await?;
    let (of_mine, of_theirs) = at_rest.split_at(mine.changed(op).count());
    let open = bracket::open(async || theirs.are_there(t, op).await).await?;
    let mut attempts = Attempts::default();
    let own_place = mine.place(t, op)?;
    let Sent { done, effects } = send_own(t, aim, &own_place, mine.changed(op).zip(of_mine).collect()).await?;
    let watched: Vec<_> = theirs.changed(op).zip(of_theirs).zip(&effects).map(|((o, b), e)| (o, b, e)).collect();
    let found = effect_of(w, aim, &done, &watched).await?;
    attempts.add(match found {
        Some(evidence) => Attack::Leaked(evidence),
        None => match op.changes.iter().zip(&effects).find(|(_, effect)| !effect.is_seen()) {
            None => Attack::Withstood,
            // What it does to one kind says nothing of another.
            Some((kind, _)) => {
                let name = &t.spec[*kind].name;
                let detail =
                    format!("the attacker's own {name} is not seen to change: what is created must fit its filter");
                Attack::Undecided(Unproven::shown(Reason::EffectUnseen, detail, &done.answer))
            }
        },
    });
    for place in across(t, op, aim, &own_place, &theirs)? {
        if attempts.is_leak() {
            break;
        }
        let done = send(t, aim, &place).await?;
        attempts.add(match effect_of(w, aim, &done, &watched).await? {
            Some(evidence) => Attack::Leaked(evidence),
            None => let_in_or_refused(&done.answer),
        });
    }
    let verdict = open.attack(attempts.outcome()).close().await?;
    if !matches!(verdict, Verdict::Leak(_)) {
        let (of_theirs, of_mine) = both(theirs.discard(w), mine.discard(w)).await;
        of_theirs.and(of_mine)?;
    }
    Ok(verdict)
}

/// The attacker's own request, and what its owner sees of it.
struct Sent {
    done: Done,
    /// Of each kind that it changes.
    effects: Vec<SeenEffect>,
}

async fn send_own(t: &Tape, aim: Aim, place: &Place, mine: Vec<(&Object, &AtRest)>) -> Result<Sent, Stop> {
    let done = send(t, aim, place).await?;
    if let Some(stop) = failed(&done.answer) {
        return Err(stop);
    }
    let effects = done.effects_on(t, &mine).await?;
    Ok(Sent { done, effects })
}

async fn send(t: &Tape, aim: Aim, place: &Place) -> Result<Done, Stop> {
    let word = t.nonce(aim.attacker);
    let asked = request(t, own(t, aim.attacker)?, aim.op(t), place, &Words::nonce(&word))?;
    let answer = t.send(attack(t, &asked, aim.attacker)?).await;
    Ok(Done { answer, word })
}

/// The same in the victim's place, or with what it names the victim's.
fn across(t: &Tape, op: &Operation, aim: Aim, own_place: &Place, theirs: &Made) -> Result<Vec<Place>, Stop> {
    let their_place = theirs.place(t, op)?;
    let as_theirs = namings(&t.spec, aim).into_iter().map(|named| their_place.clone().named_in(named));
    let objects = op.request.objects().into_iter();
    let with_theirs = objects.filter_map(|kind| Some(own_place.clone().and(kind, their_place.id(kind)?.clone())));
    Ok(as_theirs.chain(with_theirs).collect())
}

/// What the victim sees of it.
async fn effect_of(
    w: WriteTape<'_>,
    aim: Aim,
    done: &Done,
    watched: &[(&Object, &AtRest, &SeenEffect)],
) -> Result<Option<Evidence>, Stop> {
    if let Some(evidence) = leak(w.tape(), &done.answer, aim.victim) {
        return Ok(Some(evidence));
    }
    poll_effects(w.tape(), watched, (&done.answer, &done.word), async |gone| read_new(w, gone).await).await
}

/// Another like it, which is made now: those that set-up has made may be gone with it.
async fn read_new(w: WriteTape<'_>, gone: &Object) -> Result<Seen, Stop> {
    read(w.tape(), &plant_under(w, gone.tenant, gone.resource, &gone.parents).await?).await
}

/// What one tenant has made for it: the objects that it changes, those that the request names, and those above them.
struct Made {
    tenant: TenantIx,
    objects: Vec<Object>,
}

impl Made {
    async fn of(w: WriteTape<'_>, op: &Operation, tenant: TenantIx) -> Result<Self, Stop> {
        let mut made = Self { tenant, objects: Vec::new() };
        for kind in op.request.objects().into_iter().chain(op.changes.iter().copied()) {
            made.make(w, kind).await?;
        }
        if let Some(kind) = op.changes.iter().find(|kind| made.find(**kind).is_none()) {
            return Err(Stop::not_applicable(format!("no {} is created", w.spec[*kind].name)));
        }
        for object in op.changes.iter().filter_map(|kind| made.find(*kind)) {
            prepare(&w, op, &Place::of(object)).await?;
        }
        Ok(made)
    }

    /// Makes one of a kind, after those that it needs. What may not be made is there already.
    async fn make(&mut self, w: WriteTape<'_>, kind: ResourceIx) -> Result<(), Stop> {
        if self.find(kind).is_some() || !is_creatable(&w.spec, kind) {
            return Ok(());
        }
        for need in w.spec[kind].needs.clone() {
            Box::pin(self.make(w, need)).await?;
        }
        let object = plant_under(w, self.tenant, kind, &self.above(&w.spec, kind)).await?;
        self.objects.push(object);
        Ok(())
    }

    fn find(&self, kind: ResourceIx) -> Option<&Object> {
        self.objects.iter().find(|object| object.resource == kind)
    }

    /// The ids that one of a kind is made below: the parent's last.
    fn above(&self, spec: &Spec, kind: ResourceIx) -> Vec<(ResourceIx, ObjectId)> {
        let described = &spec[kind];
        let others = described.needs.iter().filter(|need| Some(**need) != described.parent);
        let mut above: Vec<(ResourceIx, ObjectId)> = Vec::new();
        for object in others.chain(&described.parent).filter_map(|need| self.find(*need)) {
            let ids = Place::of(object).ids;
            above.retain(|(known, _)| !ids.iter().any(|(new, _)| new == known));
            above.extend(ids);
        }
        above
    }

    /// Where its own request goes.
    fn place(&self, t: &Tape, op: &Operation) -> Result<Place, Stop> {
        let mut place = Place::within(self.tenant, &[]);
        for kind in op.request.objects() {
            let object = self.find(kind).cloned().map_or_else(|| any_object(t, self.tenant, kind), Ok)?;
            place = Place::of(&object).ids.into_iter().fold(place, |place, (kind, id)| place.and(kind, id));
        }
        Ok(place)
    }

    /// Those that the operation changes, in the order of the spec.
    fn changed<'m>(&'m self, op: &'m Operation) -> impl Iterator<Item = &'m Object> + Clone {
        op.changes.iter().filter_map(|kind| self.find(*kind))
    }

    /// The control: their owner reads them.
    async fn are_there(&self, t: &Tape, op: &Operation) -> Result<(), Stop> {
        let read = side_by_side(self.changed(op).map(|object| read(t, object))).await;
        read.into_iter().try_for_each(|seen| seen.map(drop))
    }

    async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        for object in self.objects.iter().rev() {
            remove(w, object).await?;
        }
        Ok(())
    }
}
