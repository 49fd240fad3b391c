//! What the attacker is told of the victim's objects, beside what it is told of ids that never existed.

use watertight_engine::log::Exchange;
use watertight_engine::planted::{Marker, Object, Witness};
use watertight_engine::{QuietOf, Seen, Tape, WriteTape};
use watertight_spec::{Effect, IdSource, Operation, Role};

use crate::api::mark_of_create;
use crate::bracket::Attack;
use crate::shared::{
    Aim, Features, Place, Words, attack, foreign, holds_nothing, id_in, ids_count, is_creatable, is_error, is_invalid,
    is_taken, is_turned_away, never_existed, own, plant_under, quiet_at_ids, remove, remove_if_written, request,
    told_apart,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, class_of_write};

/// What is sent, with which ids.
pub(super) struct Asking<'o> {
    aim: Aim,
    /// The victim's.
    foreign: &'o Object,
    /// What is asked for in each round: it, and another of its form that never existed.
    rounds: Vec<(Object, Object)>,
    /// For what is written, in each request the same.
    nonce: String,
}

impl<'o> Asking<'o> {
    pub(super) async fn about(t: &Tape, aim: Aim, foreign: &'o Object, rounds: usize) -> Result<Self, Stop> {
        let mut all = Vec::new();
        for round in 0..rounds {
            let nowhere = Object { id: never_existed(t, foreign, round).await?, ..foreign.clone() };
            all.push((foreign.clone(), nowhere));
        }
        Ok(Self { aim, foreign, rounds: all, nonce: t.nonce(aim.attacker) })
    }

    /// The whole of it, for what only reads.
    pub(super) async fn compare(&self, t: &Tape, place_of: impl Fn(&Object) -> Place) -> Result<Attack, Stop> {
        let told = self.ask(t, &place_of).await?;
        if is_difference(&told) && matches!(self.ask(t, &place_of).await?, Attack::Withstood) {
            // What differs now and then does so by chance.
            return Ok(Attack::Withstood);
        }
        self.confirm(t, told, place_of).await
    }

    /// What was told in the end. Where a target records what it is asked for, and shows that to whoever asked, a difference must
    /// be there between what has never been asked for as well.
    pub(super) async fn confirm(
        &self,
        t: &Tape,
        told: Attack,
        place_of: impl Fn(&Object) -> Place,
    ) -> Result<Attack, Stop> {
        if !is_difference(&told) {
            return Ok(told);
        }
        let _quiet = match self.aim.op(t).effect {
            Effect::Read => None,
            _ => quiet_at_ids(t, self.aim.pair(), self.foreign.resource, QuietOf::Writes).await,
        };
        match t.writing().filter(|_| is_creatable(&t.spec, self.foreign.resource)) {
            Some(w) if self.is_recorded(t, &place_of).await? => match self.of_new(w, &place_of).await? {
                Attack::Withstood => Ok(Attack::Withstood),
                Attack::Leaked(_) | Attack::Weak(_) | Attack::Undecided(_) => Ok(told),
            },
            Some(_) | None => Ok(told),
        }
    }

    /// Whether an answer about what never existed has more in it once it has been asked for.
    async fn is_recorded(&self, t: &Tape, place_of: impl Fn(&Object) -> Place) -> Result<bool, Stop> {
        let Some((_, nowhere)) = self.rounds.last() else { return Ok(false) };
        let place = place_of(nowhere);
        let sent = place.sent(&t.spec, self.aim.op(t));
        let first = Features::of(&*self.send(t, &place).await?, &sent);
        let again = Features::of(&*self.send(t, &place).await?, &sent);
        Ok(!first.has_same_members(&again))
    }

    /// The same of objects that are made for it, each asked for as often as the one that never existed.
    async fn of_new(&self, w: WriteTape<'_>, place_of: impl Fn(&Object) -> Place) -> Result<Attack, Stop> {
        let mut rounds = Vec::new();
        for round in 0..self.rounds.len() {
            let new = plant_under(w, self.aim.victim, self.foreign.resource, &self.foreign.parents).await?;
            let nowhere = Object { id: never_existed(&w, &new, round).await?, ..new.clone() };
            for object in [&new, &nowhere] {
                if is_taken(&w, self.aim.attacker, &place_of(object), object).await? {
                    return Ok(Attack::Undecided(Unproven::new(Reason::IdTaken, Reason::IdTaken.says())));
                }
            }
            rounds.push((new, nowhere));
        }
        let asking = Self { rounds, nonce: w.nonce(self.aim.attacker), ..*self };
        let told = asking.ask(&w, place_of).await?;
        for (new, _) in &asking.rounds {
            remove(w, new).await?;
        }
        Ok(told)
    }

    /// Asks for the victim's object, and in turn for one that never existed.
    pub(super) async fn ask(&self, t: &Tape, place_of: impl Fn(&Object) -> Place) -> Result<Attack, Stop> {
        let op = self.aim.op(t);
        let (mut of_foreign, mut of_nowhere) = (Vec::new(), Vec::new());
        let mut shown: Option<(Seen, Seen)> = None;
        let mut is_let_in = false;
        for (foreign, nowhere) in &self.rounds {
            let (at_foreign, at_nowhere) = (place_of(foreign), place_of(nowhere));
            // One after the other, over the same connection: behind a balancer another one may lead to another server.
            let foreign = self.send(t, &at_foreign).await?;
            let none = self.send(t, &at_nowhere).await?;
            self.discard(t, &at_foreign, &foreign).await?;
            is_let_in |= foreign.lets_in() || none.lets_in();
            if let Some(doubt) = self.no_denial(t, &foreign, &none)? {
                return Ok(Attack::Undecided(doubt));
            }
            // What has been done to it need not be possible twice.
            let is_done = op.effect != Effect::Read && class_of_write(&t.spec, &foreign) == ResponseClass::Success;
            if is_done && class_of_write(&t.spec, &none) != ResponseClass::Success && foreign.status() != none.status()
            {
                return Ok(self.told(t, "the status", &foreign, &none));
            }
            of_foreign.push(Features::of(&foreign, &at_foreign.sent(&t.spec, op)));
            of_nowhere.push(Features::of(&none, &at_nowhere.sent(&t.spec, op)));
            shown = shown.or(Some((foreign, none)));
        }
        Ok(match (told_apart(&of_foreign, &of_nowhere), shown) {
            (Some(what), Some((foreign, none))) => self.told(t, &what, &foreign, &none),
            _ => {
                if is_let_in && op.role == Role::Replace {
                    self.undo(t, place_of).await?;
                }
                Attack::Withstood
            }
        })
    }

    /// Removes what the attacker has put at these ids in its own place, which would be in the way of what is tried there next.
    async fn undo(&self, t: &Tape, place_of: impl Fn(&Object) -> Place) -> Result<(), Stop> {
        let Some(w) = t.writing() else { return Ok(()) };
        let asked = self
            .rounds
            .iter()
            .flat_map(|(foreign, nowhere)| [foreign, nowhere])
            .map(|object| (object, place_of(object)));
        for (object, place) in asked.filter(|(_, place)| place.tenant == self.aim.attacker) {
            let parents = place.ids.into_iter().filter(|(kind, _)| *kind != object.resource).collect();
            let made = Object { tenant: self.aim.attacker, parents, ..object.clone() };
            remove_if_written(w, &made, &self.nonce).await?;
        }
        Ok(())
    }

    fn told(&self, t: &Tape, what: &str, foreign: &Exchange, none: &Exchange) -> Attack {
        // Where ids count it may be an object of the attacker's own that answers there, made meanwhile: also one with nothing
        // below it.
        if class_of_write(&t.spec, foreign) == ResponseClass::Success && self.may_be_taken(t) {
            return Attack::Undecided(self.let_in(t, foreign));
        }
        let line = format!("answers for a foreign object differ from answers for one that never existed ({what})");
        let evidence = Evidence::of(Shows::ForeignKnowledge, line, foreign)
            .with("an id of the same form that never existed", none);
        match t.spec[self.foreign.resource].ids {
            IdSource::Client => Attack::Weak(evidence),
            IdSource::Server => Attack::Leaked(evidence),
        }
    }

    async fn send(&self, t: &Tape, place: &Place) -> Result<Seen, Stop> {
        let op = self.aim.op(t);
        let (place, words) = match (op.role, op.resource) {
            (Role::Create, Some(made)) => (place.clone().and(made, t.unique()), Words::nonce(&self.nonce)),
            _ if op.effect == Effect::Read => (place.clone(), Words::searching(&self.nonce)),
            _ => (place.clone(), Words::nonce(&self.nonce)),
        };
        let asked = request(t, own(t, self.aim.attacker)?, op, &place, &words)?;
        let across = attack(t, &asked, self.aim.attacker)?;
        let may_create = op.role == Role::Replace && place.tenant == self.aim.attacker;
        let across = if may_create { across.mark(mark_of_create(t, self.foreign.resource, &place)?) } else { across };
        Ok(t.send(across).await)
    }

    /// Removes what the attacker has made with the victim's object in it: all its lists would show that.
    async fn discard(&self, t: &Tape, place: &Place, answer: &Exchange) -> Result<(), Stop> {
        let op = self.aim.op(t);
        let made = op.resource.filter(|_| op.role == Role::Create && answer.lets_in());
        let Some((w, resource)) = t.writing().zip(made) else { return Ok(()) };
        let Some(id) = id_in(&t.spec, resource, answer) else { return Ok(()) };
        let marker = Marker::Witnessed(Witness::default());
        let parents = place.ids.clone();
        remove(w, &Object { tenant: self.aim.attacker, resource, id, parents, marker }).await
    }

    /// Why the answers for a foreign object and for none are not to be compared, if they are not. A target may answer both
    /// with a success that tells nothing.
    fn no_denial(&self, t: &Tape, foreign_one: &Exchange, none: &Exchange) -> Result<Option<Unproven>, Stop> {
        let op = self.aim.op(t);
        let is_refused = |seen: &Exchange| {
            matches!(seen.status(), Some(400..=428 | 430..=499)) || is_turned_away(seen) || is_invalid(seen)
        };
        Ok(match (class_of_write(&t.spec, foreign_one), class_of_write(&t.spec, none)) {
            (ResponseClass::Success, _) if foreign(t, foreign_one, self.aim.victim).is_some() => {
                Some(self.let_in(t, foreign_one))
            }
            // What is done with it, or shown of it, is what the other checks look at.
            (ResponseClass::Success, _) if self.is_named_besides(op) && !foreign_one.json().is_some_and(is_error) => {
                return Err(Stop::not_applicable(format!("{ACCEPTED} (see api.child-of-foreign-parent)")));
            }
            (ResponseClass::Success, ResponseClass::Success) => None,
            // One is told in a body that the status of the other one would have said.
            (ResponseClass::Success, _) if none.succeeded() && holds_nothing(foreign_one, &[]) => None,
            (ResponseClass::Success, _) if op.role == Role::Custom && op.effect == Effect::Read => {
                if self.may_be_taken(t) {
                    return Ok(Some(self.let_in(t, foreign_one)));
                }
                return Err(Stop::not_applicable(format!("{ACCEPTED} (see api.swap-item)")));
            }
            (ResponseClass::Success, _) if op.role == Role::Read && op.resource == Some(self.foreign.resource) => {
                Some(self.let_in(t, foreign_one))
            }
            (ResponseClass::Success, _) if is_refused(none) => None,
            // A refusal for its form counts too, if it is the same each time; what fails by chance does not.
            (ResponseClass::NotOffered | ResponseClass::Undecided, _) if !is_refused(foreign_one) => {
                Some(Unproven::undecided(foreign_one))
            }
            (_, ResponseClass::NotOffered | ResponseClass::Undecided) if !is_refused(none) => {
                Some(Unproven::undecided(none))
            }
            _ => None,
        })
    }

    /// Whether it may change an object of the attacker's own, beside which the victim's is named.
    fn is_named_besides(&self, op: &Operation) -> bool {
        op.effect != Effect::Read && op.resource != Some(self.foreign.resource)
    }

    /// Whether another trial may give the attacker an object at the victim's id.
    fn may_be_taken(&self, t: &Tape) -> bool {
        ids_count(t, self.aim.victim, self.foreign.resource) && !t.is_quiet([self.aim.attacker])
    }

    fn let_in(&self, t: &Tape, seen: &Exchange) -> Unproven {
        match foreign(t, seen, self.aim.victim) {
            Some(_) => {
                let detail = "the victim's data is given outright (see the other checks)";
                Unproven::shown(Reason::PlainRequestLeaks, detail, seen)
            }
            None if self.may_be_taken(t) => {
                Unproven::shown(Reason::Disturbed, "the attacker may have something of its own there", seen)
            }
            None => Unproven::shown(Reason::EffectUnseen, "the attacker was let in", seen),
        }
    }
}

/// Whether it tells the victim's objects from others.
fn is_difference(told: &Attack) -> bool {
    matches!(told, Attack::Leaked(_) | Attack::Weak(_))
}

const ACCEPTED: &str = "the victim's is accepted there, so nothing is denied that could be compared";
