//! The bracket of one read with an id of the victim's in it.

use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{QuietOf, Seen, Tape};
use watertight_spec::{Operation, ResourceIx, Role};

use super::super::bare::is_empty;
use super::super::reading::{Found, Told, looking_for, opens, read_across, sees};
use super::super::several::ONE_AT_A_TIME;
use super::is_many;
use crate::bracket::{self, Attack};
use crate::shared::{
    Aim, Features, Fresh, Nowhere, Place, Slot, are_alike, asked_afresh, first_page, foreign, holds_nothing, ids_count,
    is_creatable, is_error, is_invalid, is_listed, is_listed_as_own, is_taken, item_of, leak, once_clear, only_cached,
    own, plant_under, remove, request, says_nothing, shows, told_apart, told_nowhere,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, Verdict, class_of};

const VOID: &str = "nothing marks it, and its owner is told there what anyone is told of any id";

const EMPTY: &str = "its owner is shown nothing there by its own object: `create` must link what it lists to that";

const EMPTY_BELOW: &str = "its owner is shown nothing there, as for an id that never existed: describe what it shows as a \
                           resource whose `create` names that object, or name objects under `existing` that have some";

/// What the owner is told by its own request.
enum Owners {
    /// Something.
    Telling,
    /// Nothing is in the answer.
    Empty(Seen),
}

/// A request of the attacker's with an id of the victim's in it, and the same by its owner.
pub(super) struct Swap<'o> {
    pub(super) op: &'o Operation,
    pub(super) aim: Aim,
    /// What the owner is shown.
    pub(super) shown: Object,
    /// Where the owner asks.
    pub(super) theirs: Place,
    /// Where the attacker asks.
    pub(super) place: Place,
    /// The kind of object whose id there is the victim's.
    pub(super) kind: ResourceIx,
}

impl Swap<'_> {
    /// The pair; `None` where the attacker has an object of its own at that id.
    pub(super) async fn pair(&self, t: &Tape) -> Result<Option<Verdict>, Stop> {
        let Self { op, aim, shown, .. } = self;
        let by_owner = request(t, own(t, aim.victim)?, op, &self.theirs, &looking_for(shown))?;
        let control = async || match op.role {
            // With or without a marker in the answer.
            Role::Count | Role::Custom | Role::View => {
                let answer = t.send(by_owner.clone()).await;
                opens(&answer, "the owner's own request failed")?;
                if answer.json().is_some_and(is_error) {
                    return Err(Unproven::shown(Reason::ControlFailed, "its owner is told an error", &answer).into());
                }
                // A filter by what nothing is linked to shows nothing to anyone.
                let sent = self.theirs.sent(&t.spec, op);
                if is_many(op) && holds_nothing(&answer, &sent) {
                    return Err(Unproven::shown(Reason::MarkerNotSeen, EMPTY, &answer).into());
                }
                Ok(match op.role == Role::Custom && is_empty(&answer, &sent) {
                    true => Owners::Empty(answer),
                    false => Owners::Telling,
                })
            }
            _ => sees(t, op, &by_owner, shown).await.map(|()| Owners::Telling),
        };
        let open = bracket::open(control).await?;
        if let Owners::Empty(answer) = open.held()
            && self.is_as_nowhere(t, answer).await?
        {
            return Err(Unproven::shown(Reason::MarkerNotSeen, EMPTY_BELOW, answer).into());
        }
        let across = self.ask(t, &self.place)?;
        let mut found = read_across(t, op, across.clone(), aim.pair()).await;
        // What it was shown may have been its own for a moment: another trial's object, of the same id.
        if matches!(found, Found::Empty(_))
            && let Some(object) = self.may_be_others(t)
        {
            let again = async || Ok(read_across(t, op, across.clone(), aim.pair()).await);
            let is_taken = async || self.is_taken(t).await;
            match once_clear(t, aim.pair(), (&object, QuietOf::Creates), is_taken, again).await? {
                Some(clear) => found = clear,
                None => return Ok(None),
            }
        }
        let outcome = match found {
            Found::Leaked(evidence) => self.unless_cached(t, &across, &by_owner, evidence).await,
            Found::Denied => Attack::Withstood,
            Found::Empty(told) if self.is_bare(t, &told).await? && !self.is_taken(t).await? => Attack::Withstood,
            Found::Empty(told) => match self.without_marker(t, &by_owner, &told.first, open.held()).await? {
                Some(attack) => attack,
                None => return Ok(None),
            },
            Found::Invalid(answer) if self.says_nothing(t, &answer).await? => Attack::Withstood,
            Found::Invalid(answer) => Attack::Undecided(Unproven::undecided(&answer)),
            Found::Unclear(unproven) => Attack::Undecided(unproven),
        };
        open.attack(outcome).close().await.map(Some)
    }

    /// Whether the owner is shown its object beside others that it names: a target may take one at a time.
    pub(super) async fn takes_several(&self, t: &Tape, slot: Slot) -> Result<(), Stop> {
        let answer =
            t.send(request(t, own(t, self.aim.victim)?, self.op, &self.theirs, &looking_for(&self.shown))?).await;
        let sent = self.theirs.sent(&t.spec, self.op);
        let is_of_one = match class_of(&answer) {
            // No one sends different ones there: only an answer that shows the object all the same says that it may be done.
            _ if matches!(slot, Slot::Alone(_)) => {
                !shows(&answer, &self.shown) && !is_listed(&t.spec, &t.planted, &answer, &self.shown)
            }
            // Filters that must all fit: what is of both is nothing.
            ResponseClass::Success if holds_nothing(&answer, &sent) || is_empty(&answer, &sent) => true,
            ResponseClass::Success if answer.json().is_some_and(is_error) => true,
            ResponseClass::Success => {
                self.op.role == Role::Read && !self.shown.marker.is_empty() && !shows(&answer, &self.shown)
            }
            ResponseClass::Denied => true,
            ResponseClass::NotOffered | ResponseClass::Undecided => {
                is_invalid(&answer) || answer.json().is_some_and(is_error)
            }
        };
        if is_of_one { Err(Stop::not_applicable(ONE_AT_A_TIME)) } else { Ok(()) }
    }

    /// Whether a list holds nothing of anyone's.
    async fn is_bare(&self, t: &Tape, told: &Told) -> Result<bool, Stop> {
        let is_list = matches!(self.op.role, Role::List | Role::View);
        Ok(is_list && told.is_bare(t, self.op, self.aim.attacker, &self.place).await?)
    }

    /// What the victim has just read, a cache may have.
    async fn unless_cached(&self, t: &Tape, across: &Request, by_owner: &Request, evidence: Evidence) -> Attack {
        let is_shown = |seen: &Exchange| {
            let mut others = t.spec.tenant_ixs().filter(|tenant| *tenant != self.aim.attacker);
            others.any(|tenant| foreign(t, seen, tenant).is_some())
        };
        // The check of caches has no trial for these.
        if matches!(self.op.role, Role::Count | Role::Search) {
            return Attack::Leaked(evidence);
        }
        match asked_afresh(t, across, by_owner, is_shown).await {
            Fresh::Same => Attack::Leaked(evidence),
            Fresh::Nothing(seen) => Attack::Undecided(only_cached(&seen)),
        }
    }

    /// The attacker's request at a place, of a list for its first page.
    fn ask_once(&self, t: &Tape, place: &Place) -> Result<Request, Stop> {
        Ok(first_page(&t.spec, self.op, self.ask(t, place)?))
    }

    /// The attacker's request at a place.
    fn ask(&self, t: &Tape, place: &Place) -> Result<Request, Stop> {
        let words = looking_for(&self.shown);
        Ok(request(t, own(t, self.aim.attacker)?, self.op, place, &words)?.crossing())
    }

    /// Whether the attacker is told there what it is told of an id that never existed.
    async fn says_nothing(&self, t: &Tape, seen: &Exchange) -> Result<bool, Stop> {
        let Some(id) = self.place.id(self.kind) else { return Ok(false) };
        let nowhere = Nowhere::instead_of(t, &self.place, (self.kind, id));
        says_nothing(t, self.op, |place| self.ask_once(t, place), &self.place, nowhere, seen).await
    }

    /// Whether the owner is told by its own request what it is told of an id that never existed.
    async fn is_as_nowhere(&self, t: &Tape, seen: &Exchange) -> Result<bool, Stop> {
        let Some(id) = self.theirs.id(self.kind) else { return Ok(false) };
        let nowhere = Nowhere::instead_of(t, &self.theirs, (self.kind, id));
        let ask = |place: &Place| request(t, own(t, self.aim.victim)?, self.op, place, &looking_for(&self.shown));
        says_nothing(t, self.op, ask, &self.theirs, nowhere, seen).await
    }

    /// What a success means that shows no marker of the victim's: no more than of an id that never existed, or the victim's
    /// own answer. None where the attacker may have an object of its own there.
    async fn without_marker(
        &self,
        t: &Tape,
        by_owner: &Request,
        seen: &Seen,
        owners: &Owners,
    ) -> Result<Option<Attack>, Stop> {
        let op = self.op;
        if self.says_nothing(t, seen).await? {
            let is_unmarked = op.role == Role::Read && self.shown.marker.is_empty();
            let is_unseen = is_unmarked || matches!(owners, Owners::Empty(_));
            return Ok(Some(match is_unseen && self.is_owners(t, by_owner, seen).await?.is_some() {
                true => Attack::Undecided(Unproven::shown(Reason::MarkerNotSeen, VOID, seen)),
                false => Attack::Withstood,
            }));
        }
        if is_many(op) {
            return match self.lists_theirs(t, seen) {
                Some(evidence) => Ok(Some(Attack::Leaked(evidence))),
                None => self.beside_own(t, seen).await,
            };
        }
        // Null where the owner is shown an object: what never existed may be told otherwise, and nothing is told of this.
        let is_read_by_marker = op.role == Role::Read && !self.shown.marker.is_empty();
        if is_read_by_marker && holds_nothing(seen, &[]) {
            return Ok(Some(Attack::Withstood));
        }
        // An error in words that nothing explains may be a denial, or a failure behind which it is open.
        if is_read_by_marker && seen.json().is_some_and(is_error) {
            return Ok(Some(Attack::Undecided(Unproven::shown(
                Reason::UnclearAnswer,
                Reason::UnclearAnswer.says(),
                seen,
            ))));
        }
        if self.op.resource != Some(self.kind) {
            return self.beside_own(t, seen).await;
        }
        if is_read_by_marker || self.is_taken(t).await? {
            return Ok(None);
        }
        Ok(Some(match self.is_owners(t, by_owner, seen).await? {
            Some(theirs) => Attack::Leaked(
                Evidence::of(Shows::ForeignData, "the attacker was given the victim's answer, word for word", seen)
                    .with("the victim's own", &theirs),
            ),
            None if self.is_sure(t) && self.is_refused_nowhere(t).await? => {
                let line = "the attacker is let in with the victim's id, and refused with one that never existed";
                Attack::Leaked(Evidence::of(Shows::ForeignKnowledge, line, seen))
            }
            None => match self.of_new(t).await? {
                Attack::Undecided(_) => self.of_unclear_owner(t, seen),
                told => told,
            },
        }))
    }

    /// Whether what never existed is refused, and this is not.
    async fn is_refused_nowhere(&self, t: &Tape) -> Result<bool, Stop> {
        let Some(id) = self.place.id(self.kind) else { return Ok(false) };
        let nowhere = Nowhere::instead_of(t, &self.place, (self.kind, id));
        let of_nowhere = told_nowhere(t, self.op, |place| self.ask_once(t, place), &self.place, nowhere).await?;
        let is_refused = |told: &Features| matches!(told.status(), Some("400" | "403" | "404" | "410" | "422"));
        Ok(of_nowhere.is_some_and(|told| told.iter().all(is_refused)) && {
            let again = t.send(self.ask_once(t, &self.place)?).await;
            again.succeeded() && !again.json().is_some_and(is_error)
        })
    }

    /// The victim's object in a list, where nothing but an id marks it that no one else has.
    fn lists_theirs(&self, t: &Tape, seen: &Seen) -> Option<Evidence> {
        let Object { resource, id, .. } = &self.shown;
        let is_sent = || self.place.sent(&t.spec, self.op).iter().any(|sent| sent == id.as_str());
        let is_made = is_creatable(&t.spec, *resource) && !ids_count(t, self.aim.victim, *resource);
        if self.op.resource != Some(*resource) || !is_made || is_sent() {
            return None;
        }
        item_of(&t.spec[*resource], seen, id)?;
        let line = format!("{} was shown {id} of {}", seen.by, t.spec[self.aim.victim].name);
        Some(Evidence::of(Shows::ForeignData, line, seen))
    }

    /// The same of an object that is made for it, where a target records what is asked for and shows that to whoever asked: the
    /// answer has more in it when it is asked for again.
    async fn of_new(&self, t: &Tape) -> Result<Attack, Stop> {
        let unclear = || Attack::Undecided(Unproven::new(Reason::UnclearAnswer, Reason::UnclearAnswer.says()));
        let may_be_made = is_creatable(&t.spec, self.kind) && self.shown.resource == self.kind && self.is_sure(t);
        let Some(w) = t.writing().filter(|_| may_be_made) else { return Ok(unclear()) };
        let new = plant_under(w, self.aim.victim, self.kind, &self.shown.parents).await?;
        let place = self.place.clone().and(self.kind, &new.id);
        let seen = t.send(self.ask_once(t, &place)?).await;
        if let Some(evidence) = leak(t, &seen, self.aim.victim) {
            return Ok(Attack::Leaked(evidence));
        }
        let nowhere = Nowhere::instead_of(t, &place, (self.kind, &new.id));
        let ask = |place: &Place| self.ask_once(t, place);
        let is_nothing = says_nothing(t, self.op, ask, &place, nowhere, &seen).await?;
        let is_recorded = is_nothing && {
            let again = t.send(self.ask_once(t, &place)?).await;
            let sent = place.sent(&t.spec, self.op);
            !Features::of(&seen, &sent).has_same_members(&Features::of(&again, &sent))
        };
        let theirs = self.theirs.clone().and(self.kind, &new.id);
        let by_owner = t.send(request(t, own(t, self.aim.victim)?, self.op, &theirs, &looking_for(&new))?).await;
        remove(w, &new).await?;
        Ok(if is_recorded && shows(&by_owner, &new) { Attack::Withstood } else { unclear() })
    }

    /// Where ids count, the attacker may have had an object of its own there a moment ago: to be tried again while no one else
    /// writes.
    fn is_sure(&self, t: &Tape) -> bool {
        !ids_count(t, self.aim.victim, self.kind) || t.is_quiet(t.spec.tenant_ixs())
    }

    fn of_unclear_owner(&self, t: &Tape, seen: &Seen) -> Attack {
        let reason = if self.is_sure(t) { Reason::EffectUnseen } else { Reason::Disturbed };
        Attack::Undecided(Unproven::shown(reason, "succeeded, but it is not clear whose data it is", seen))
    }

    /// The owner's own answer, if that is word for word what the attacker is told.
    async fn is_owners(&self, t: &Tape, by_owner: &Request, seen: &Seen) -> Result<Option<Seen>, Stop> {
        let Self { op, place, .. } = self;
        let again = t.send(self.ask(t, place)?).await;
        let (theirs, once_more) = (t.send(by_owner.clone()).await, t.send(by_owner.clone()).await);
        // With the name of its tenant as it is, or as an echo of what each sent.
        let is_alike = |sent: &dyn Fn(&Place) -> Vec<String>| {
            let of = |answers: [&Exchange; 2], at: &Place| answers.map(|answer| Features::of(answer, &sent(at)));
            are_alike(&of([seen, &again], place), &of([&theirs, &once_more], &self.theirs))
        };
        // Or to the letter: an answer may name what was not sent, as its own parent.
        let is_theirs =
            is_alike(&|at| at.sent_ids(op)) || is_alike(&|at| at.sent(&t.spec, op)) || is_alike(&|_| Vec::new());
        Ok((is_theirs && theirs.succeeded()).then_some(theirs))
    }

    /// What a list, a count, or an object of the attacker's own tells of the victim's object without showing its marker, where
    /// it is not what is told of an id that never existed.
    async fn beside_own(&self, t: &Tape, seen: &Seen) -> Result<Option<Attack>, Stop> {
        let Some(id) = self.place.id(self.kind) else { return Ok(None) };
        if self.is_taken(t).await? {
            return Ok(None);
        }
        let nowhere = Nowhere::instead_of(t, &self.place, (self.kind, id));
        let of_nowhere = told_nowhere(t, self.op, |place| self.ask_once(t, place), &self.place, nowhere).await?;
        let again = t.send(self.ask_once(t, &self.place)?).await;
        let sent = self.place.sent(&t.spec, self.op);
        let of_here = [seen, &again].map(|answer| Features::of(answer, &sent));
        // Where the status differs, it is `oracle.existence` that tells of it.
        let [here, _] = &of_here;
        let is_same_status = |nowhere: &Vec<Features>| nowhere.iter().all(|one| one.status() == here.status());
        let differs = of_nowhere.filter(is_same_status).and_then(|nowhere| told_apart(&of_here, &nowhere));
        // Beside an object of the attacker's own that is shown all the same.
        let is_own = is_many(self.op) && foreign(t, seen, self.aim.attacker).is_some();
        Ok(Some(match differs.filter(|_| !is_own && self.is_sure(t)) {
            Some(what) => {
                let line = format!(
                    "the attacker is told of the victim's what it is not told of an id that never existed ({what})"
                );
                Attack::Leaked(Evidence::of(Shows::ForeignKnowledge, line, seen))
            }
            None => self.of_unclear_owner(t, seen),
        }))
    }

    /// The object whose id is the victim's.
    fn named(&self) -> Option<Object> {
        let id = self.place.id(self.kind)?.clone();
        Some(Object { resource: self.kind, id, ..self.shown.clone() })
    }

    /// That object, where other trials may give the attacker one of that id.
    fn may_be_others(&self, t: &Tape) -> Option<Object> {
        let may_be = t.writing().is_some() && ids_count(t, self.aim.victim, self.kind);
        self.named().filter(|_| may_be && !t.is_quiet([self.aim.attacker]))
    }

    /// Whether the attacker has an object of its own at the id of the victim's: then what it is shown says nothing about the
    /// victim's.
    async fn is_taken(&self, t: &Tape) -> Result<bool, Stop> {
        let Some(named) = self.named() else { return Ok(false) };
        match named.marker.is_empty() && self.op.role == Role::Read {
            // Its own reading is what is tried here: only what the run itself has made is known to be no one else's.
            true if is_creatable(&t.spec, self.kind) && !ids_count(t, self.aim.victim, self.kind) => Ok(false),
            true => is_listed_as_own(t, self.aim.attacker, &self.place, &named).await,
            false => is_taken(t, self.aim.attacker, &self.place, &named).await,
        }
    }
}
