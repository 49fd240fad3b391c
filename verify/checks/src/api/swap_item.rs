//! `api.swap-item`

use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, ResourceIx, Role, Spec, Symbol};

use super::bare::is_bare;
use super::reading::{Found, looking_for, opens, read_across, sees};
use super::writing::{Where, in_own_place, write_across};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Target, Trial, plants, writes};
use crate::shared::{
    Aim, Features, Fresh, Nowhere, Place, SHARED, again, any_object, are_alike, asked_afresh, clear_below, each,
    foreign, holds_nothing, ids_count, is_creatable, is_error, is_listed_as_own, is_taken, named_besides, only_cached,
    own, parent_of, parents_for, plant, plant_under, prepared_object, remove, request, says_nothing, told_apart,
    told_nowhere, tries,
};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven, Verdict};

pub(crate) static CHECK: Check = Check {
    id: "api.swap-item",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-639"],
    title: "The victim's object id in the attacker's own place",
    does: "Reads, replaces, changes, deletes and lists below the victim's objects by their ids, in the attacker's own \
           tenant, with the attacker's own credential; an object with a parent is tried below the attacker's \
           parent and below the victim's. Ids that the attacker also has are skipped.",
    judges: "Leak: the victim's marker, or a third tenant's, is in the answer, or the answer is the victim's word for \
             word where nothing marks it, or a list or a number without the marker tells of the victim's what it does not tell \
             of an id that never existed, or the victim finds its object changed or gone. Isolated: denied, whatever the \
             status (the answer says what it says of an id that never existed), or the target made an object of the \
             attacker's own at that id (an upsert), and the victim's is untouched. Unproven: a control fails, or the \
             answer is no denial.",
    origin: "isolation 17, 18.1: loading a record by its id alone. CVE-2026-94215.",
    fix: "Load by tenant and id together; let the database refuse what lacks the tenant.",
    requests: 12,
};

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    each(
        spec,
        &CHECK,
        Phase::Main,
        |op| targets(spec, op),
        |aim| {
            let op = &spec[aim.operation];
            match op.effect {
                Effect::Create | Effect::Change | Effect::Destroy if !is_many(op) => {
                    writes(move |w| again(w.tape(), async move || write(w, aim).await))
                }
                _ => plants(move |t| again(t, async move || read(t, aim).await)),
            }
        },
    )
}

/// What of a request is the victim's, one after the other.
fn targets(spec: &Spec, op: &Operation) -> Vec<Target> {
    match op.role {
        Role::Read | Role::Replace | Role::Patch | Role::Delete | Role::Custom => {
            let Some(resource) = op.resource.filter(|r| op.request.mentions(&Symbol::Object(*r))) else {
                return Vec::new();
            };
            let above = parent_of(spec, op).filter(|_| is_nested(spec, op));
            let above = above.filter(|parent| is_creatable(spec, *parent) && is_creatable(spec, resource));
            let besides = if op.effect == Effect::Read { beside_own(spec, op) } else { Vec::new() };
            let objects = std::iter::once(resource).chain(besides).map(Target::Object);
            objects.chain(above.map(Target::Above)).collect()
        }
        Role::List | Role::Search | Role::Count | Role::View => {
            named_besides(spec, op).into_iter().map(Target::Object).collect()
        }
        Role::Create => Vec::new(),
    }
}

/// The kinds of objects that it names besides the one that it concerns and the one above that.
fn beside_own(spec: &Spec, op: &Operation) -> Vec<ResourceIx> {
    let parent = parent_of(spec, op);
    named_besides(spec, op).into_iter().filter(|kind| Some(*kind) != parent).collect()
}

/// Whether it answers for many objects, not for one.
fn is_many(op: &Operation) -> bool {
    matches!(op.role, Role::List | Role::Search | Role::Count | Role::View)
}

/// Whether it names an object above the one that it concerns.
fn is_nested(spec: &Spec, op: &Operation) -> bool {
    parent_of(spec, op).is_some_and(|parent| op.request.mentions(&Symbol::Object(parent)))
}

async fn read(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let resource = concerned(op)?;
    if is_many(op) {
        return below_foreign(t, op, aim, resource).await;
    }
    let below_own = read_foreign(t, op, aim, resource).await?;
    if !is_isolated(&below_own) {
        return Ok(below_own);
    }
    let mut concluded = below_own;
    if is_nested(&t.spec, op) {
        // A target may find the object by its parent alone: so also with both ids of the victim's.
        concluded = or_else(read_below_theirs(t, op, aim, resource).await, concluded)?;
    }
    for kind in beside_own(&t.spec, op) {
        if is_isolated(&concluded) {
            concluded = read_beside_own(t, op, aim, resource, kind).await?;
        }
    }
    Ok(concluded)
}

async fn write(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let op = aim.op(w.tape());
    let resource = concerned(op)?;
    let below_own = write_across(w, op, aim.pair(), resource, Where::Own).await?;
    if !is_nested(&w.spec, op) || !is_isolated(&below_own) {
        return Ok(below_own);
    }
    or_else(write_across(w, op, aim.pair(), resource, Where::BelowTheirs).await, below_own)
}

fn concerned(op: &Operation) -> Result<ResourceIx, Stop> {
    op.resource.ok_or_else(|| Stop::not_applicable("it concerns no object"))
}

fn is_isolated(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Isolated(_))
}

/// Where no parent may be made, there is none whose id is sure to be the victim's alone: what was found before holds.
fn or_else(below_theirs: Concluded, below_own: Verdict) -> Concluded {
    match below_theirs {
        Err(Stop::NotApplicable(_)) => Ok(below_own),
        decided => decided,
    }
}

async fn read_foreign(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    // At least one, or why there is none. What nothing marks is compared word for word.
    any_object(t, aim.victim, resource)?;
    let swap = |object: &Object| Swap {
        op,
        aim,
        shown: object.clone(),
        theirs: Place::of(object),
        place: in_own_place(t, aim.attacker, object),
        kind: resource,
    };
    for object in t.planted.of(aim.victim, resource) {
        if let Some(verdict) = swap(object).pair(t).await? {
            return Ok(verdict);
        }
    }
    if let Some(w) = t.writing().filter(|_| is_creatable(&t.spec, resource)) {
        for _ in 0..tries(t, aim.pair()) {
            let object = plant(w, aim.victim, resource).await?;
            let verdict = swap(&object).pair(t).await?;
            remove(w, &object).await?;
            if let Some(verdict) = verdict {
                return Ok(verdict);
            }
        }
    }
    let mut known = t.planted.of(aim.victim, resource);
    let is_everyones = !is_creatable(&t.spec, resource) && known.all(|object| object.marker.is_empty());
    Err(if is_everyones { Stop::not_applicable(SHARED) } else { taken() })
}

async fn read_below_theirs(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    let Some(w) = t.writing() else { return Err(Stop::not_applicable("no parent may be made")) };
    let (above, object) = clear_below(w, aim.pair(), resource).await?;
    let theirs = Place::of(&object);
    let place = theirs.clone().in_tenant(aim.attacker);
    let verdict = Swap { op, aim, shown: object.clone(), theirs, place, kind: resource }.pair(t).await?;
    remove(w, &object).await?;
    remove(w, &above).await?;
    verdict.ok_or_else(taken)
}

/// Another object that it names is the victim's, the one that it concerns the attacker's own.
async fn read_beside_own(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx, kind: ResourceIx) -> Concluded {
    let (mine, theirs) = (prepared_object(t, aim.attacker, resource)?, prepared_object(t, aim.victim, resource)?);
    prepared_object(t, aim.victim, kind)?;
    for other in t.planted.of(aim.victim, kind) {
        let swap = Swap {
            op,
            aim,
            shown: theirs.clone(),
            theirs: Place::of(&theirs).and(kind, &other.id),
            place: Place::of(&mine).and(kind, &other.id),
            kind,
        };
        if let Some(verdict) = swap.pair(t).await? {
            return Ok(verdict);
        }
    }
    Err(taken())
}

/// A list below an object, or one that names some to filter by: with all ids of the victim's, then each by itself.
async fn below_foreign(t: &Tape, op: &Operation, aim: Aim, resource: ResourceIx) -> Concluded {
    let kinds = named_besides(&t.spec, op);
    let Some(last) = kinds.last() else { return Err(Stop::not_applicable("it names no object")) };
    let mut concluded = below_theirs(t, op, aim, resource, *last, Rest::Theirs).await?;
    if op.request.objects().len() > 1 {
        for kind in kinds {
            if is_isolated(&concluded) {
                concluded = below_theirs(t, op, aim, resource, kind, Rest::Own).await?;
            }
        }
    }
    Ok(concluded)
}

/// Whose the other objects are that a request names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Theirs,
    Own,
}

async fn below_theirs(
    t: &Tape,
    op: &Operation,
    aim: Aim,
    resource: ResourceIx,
    kind: ResourceIx,
    rest: Rest,
) -> Concluded {
    let own_ids = match rest {
        Rest::Theirs => Vec::new(),
        Rest::Own => parents_for(t, aim.attacker, resource)?,
    };
    let swap = |child: &Object| {
        let place = match (rest, child.parents.iter().find(|(one, _)| *one == kind)) {
            (Rest::Own, Some((_, id))) => Place::within(aim.attacker, &own_ids).and(kind, id),
            _ => Place::within(aim.attacker, &child.parents),
        };
        Swap { op, aim, shown: child.clone(), theirs: Place::of(child), place, kind }
    };
    let child = prepared_object(t, aim.victim, resource)?;
    if let Some(verdict) = swap(&child).pair(t).await? {
        return Ok(verdict);
    }
    let can_make = is_creatable(&t.spec, kind) && is_creatable(&t.spec, resource);
    if let Some(w) = t.writing().filter(|_| can_make) {
        for _ in 0..tries(t, aim.pair()) {
            let above = plant(w, aim.victim, kind).await?;
            let child = plant_under(w, aim.victim, resource, &Place::of(&above).ids).await?;
            let verdict = swap(&child).pair(t).await?;
            remove(w, &child).await?;
            remove(w, &above).await?;
            if let Some(verdict) = verdict {
                return Ok(verdict);
            }
        }
    }
    Err(taken())
}

const VOID: &str = "nothing marks it, and its owner is told there what anyone is told of any id";

const EMPTY: &str = "its owner is shown nothing there by its own object: `create` must link what it lists to that";

fn taken() -> Stop {
    Unproven::new(Reason::IdTaken, "every id of the victim that was tried is also an id of the attacker's").into()
}

/// A request of the attacker's with an id of the victim's in it, and the same by its owner.
struct Swap<'o> {
    op: &'o Operation,
    aim: Aim,
    /// What the owner is shown.
    shown: Object,
    /// Where the owner asks.
    theirs: Place,
    /// Where the attacker asks.
    place: Place,
    /// The kind of object whose id there is the victim's.
    kind: ResourceIx,
}

impl Swap<'_> {
    /// The pair; `None` where the attacker has an object of its own at that id.
    async fn pair(&self, t: &Tape) -> Result<Option<Verdict>, Stop> {
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
                match is_many(op) && holds_nothing(&answer, &self.theirs.sent(&t.spec, op)) {
                    true => Err(Unproven::shown(Reason::MarkerNotSeen, EMPTY, &answer).into()),
                    false => Ok(()),
                }
            }
            _ => sees(t, op, &by_owner, shown).await,
        };
        let open = bracket::open(control).await?;
        let across = self.ask(t, &self.place)?;
        let outcome = match read_across(t, op, across.clone(), aim.pair()).await {
            Found::Leaked(evidence) => self.unless_cached(t, &across, &by_owner, evidence).await,
            Found::Denied => Attack::Withstood,
            Found::Empty(answer) if self.is_bare(t, &answer).await? && !self.is_taken(t).await? => Attack::Withstood,
            Found::Empty(answer) => match self.without_marker(t, &by_owner, &answer).await? {
                Some(attack) => attack,
                None => return Ok(None),
            },
            Found::Invalid(answer) if self.says_nothing(t, &answer).await? => Attack::Withstood,
            Found::Invalid(answer) => Attack::Undecided(Unproven::undecided(&answer)),
            Found::Unclear(unproven) => Attack::Undecided(unproven),
        };
        open.attack(outcome).close().await.map(Some)
    }

    /// Whether a list holds nothing of anyone's.
    async fn is_bare(&self, t: &Tape, answer: &Exchange) -> Result<bool, Stop> {
        let is_list = matches!(self.op.role, Role::List | Role::View);
        Ok(is_list && is_bare(t, self.op, self.aim.attacker, answer, &self.place).await?)
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

    /// The attacker's request at a place.
    fn ask(&self, t: &Tape, place: &Place) -> Result<Request, Stop> {
        let words = looking_for(&self.shown);
        Ok(request(t, own(t, self.aim.attacker)?, self.op, place, &words)?.crossing())
    }

    /// Whether the attacker is told there what it is told of an id that never existed.
    async fn says_nothing(&self, t: &Tape, seen: &Exchange) -> Result<bool, Stop> {
        let Some(id) = self.place.id(self.kind) else { return Ok(false) };
        let nowhere = Nowhere::instead_of(t, &self.place, (self.kind, id));
        says_nothing(t, self.op, |place| self.ask(t, place), &self.place, nowhere, seen).await
    }

    /// What a success means that shows no marker of the victim's: no more than of an id that never existed, or the victim's
    /// own answer. None where the attacker may have an object of its own there.
    async fn without_marker(&self, t: &Tape, by_owner: &Request, seen: &Seen) -> Result<Option<Attack>, Stop> {
        let op = self.op;
        if self.says_nothing(t, seen).await? {
            let is_unseen = op.role == Role::Read && self.shown.marker.is_empty();
            return Ok(Some(match is_unseen && self.is_owners(t, by_owner, seen).await?.is_some() {
                true => Attack::Undecided(Unproven::shown(Reason::MarkerNotSeen, VOID, seen)),
                false => Attack::Withstood,
            }));
        }
        if is_many(op) {
            return self.beside_a_list(t, seen).await;
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
        if is_read_by_marker || self.is_taken(t).await? {
            return Ok(None);
        }
        Ok(Some(match self.is_owners(t, by_owner, seen).await? {
            Some(theirs) => Attack::Leaked(
                Evidence::of(Shows::ForeignData, "the attacker was given the victim's answer, word for word", seen)
                    .with("the victim's own", &theirs),
            ),
            None => self.of_unclear_owner(t, seen),
        }))
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

    /// What a list or a count without the victim's marker tells, where it is not what it tells of an id that never existed.
    async fn beside_a_list(&self, t: &Tape, seen: &Seen) -> Result<Option<Attack>, Stop> {
        let Some(id) = self.place.id(self.kind) else { return Ok(None) };
        if self.is_taken(t).await? {
            return Ok(None);
        }
        let nowhere = Nowhere::instead_of(t, &self.place, (self.kind, id));
        let of_nowhere = told_nowhere(t, self.op, |place| self.ask(t, place), &self.place, nowhere).await?;
        let again = t.send(self.ask(t, &self.place)?).await;
        let sent = self.place.sent(&t.spec, self.op);
        let of_here = [seen, &again].map(|answer| Features::of(answer, &sent));
        // Where the status differs, it is `oracle.existence` that tells of it.
        let [here, _] = &of_here;
        let is_same_status = |nowhere: &Vec<Features>| nowhere.iter().all(|one| one.status() == here.status());
        let differs = of_nowhere.filter(is_same_status).and_then(|nowhere| told_apart(&of_here, &nowhere));
        let is_own = foreign(t, seen, self.aim.attacker).is_some();
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

    /// Whether the attacker has an object of its own at the id of the victim's: then what it is shown says nothing about the
    /// victim's.
    async fn is_taken(&self, t: &Tape) -> Result<bool, Stop> {
        let Some(id) = self.place.id(self.kind) else { return Ok(false) };
        let named = Object { resource: self.kind, id: id.clone(), ..self.shown.clone() };
        match named.marker.is_empty() && self.op.role == Role::Read {
            // Its own reading is what is tried here: only what the run itself has made is known to be no one else's.
            true if is_creatable(&t.spec, self.kind) && !ids_count(t, self.aim.victim, self.kind) => Ok(false),
            true => is_listed_as_own(t, self.aim.attacker, &self.place, &named).await,
            false => is_taken(t, self.aim.attacker, &self.place, &named).await,
        }
    }
}
