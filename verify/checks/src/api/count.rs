//! `api.count-own`

mod numbers;

use std::collections::BTreeSet;
use std::time::Duration;

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape, both};
use watertight_model::{Severity, Surface};
use watertight_spec::{Operation, ResourceIx, Role, Spec};

pub(super) use self::numbers::numbers;
use self::numbers::{Numbers, difference, is_within, objects_in};
use super::own_list::{is_view, own_prefix};
use super::reading::looking_for;
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Target, Trial, writes};
use crate::shared::{
    Aim, Place, again, at, each, foreign_field, is_creatable, leak, operation_of, own, plant, poll, prepared_object,
    read, reason, remove, request, succeed,
};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(crate) static CHECK: Check = Check {
    id: "api.count-own",
    surface: Surface::Api,
    severity: Severity::High,
    cwe: &["CWE-200", "CWE-203"],
    title: "A tenant's own count does not follow another tenant's changes",
    does: "Twice over: the attacker counts, the victim creates an object, both count, the victim removes it, both count \
           again. Where nothing can be removed, the victim creates three objects. So with counts, with what a list says \
           beside its objects (a total, facets), and with every number of a view, be it a page for people. Where a \
           view shows numbers and no objects, as a dashboard does, the victim creates one of every kind, up to twelve, three times.",
    judges: "Leak: the attacker's numbers move as the victim's do, every time; or an answer shows the victim's marker \
             or names its tenant. Isolated: they stay the same while the victim's move. Unproven: the victim's own \
             count does not move within settle, or the attacker's numbers move by themselves. What moves while no one does \
             anything is a clock, and counts for nothing, unless who asks first decides what both are told. Where the \
             same operation shows another tenant's objects as well (api.list-own, api.search-own), it is told with that \
             leak.",
    origin: "isolation 28.6: search is scoped, its counts are not. tazama #312.",
    fix: "Put the tenant into the query of aggregates as well; counts are data.",
    requests: 20,
};

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    let fits = |op: &Operation| matches!(op.role, Role::Count | Role::List) || is_view(op);
    each(spec, &CHECK, Phase::Main, at(Target::Answer, fits), |aim| {
        writes(move |w| again(w.tape(), async move || follow(w, aim).await))
    })
}

/// How often the victim creates something, where it can't remove it again.
const CREATES: usize = 3;
/// How often it creates and removes something, where it can: it is quiet in both tenants all that time.
const ROUNDS: usize = 2;

async fn follow(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let t = w.tape();
    let op = aim.op(t);
    let own_kind = op.resource.filter(|resource| !t.spec[*resource].is_singleton);
    let resource = own_kind.or_else(|| made_anywhere(&t.spec));
    let resource = resource.ok_or_else(|| Stop::not_applicable("nothing may be created that it could count"))?;
    let counts = Counts {
        op,
        aim,
        mine: prepared_object(t, aim.attacker, resource)?,
        theirs: prepared_object(t, aim.victim, resource)?,
        prefix: own_prefix(t, aim.attacker),
    };
    let open = bracket::open(async || counts.of_victim(t).await).await?;
    let (numbers, answer) = open.held();
    if op.role != Role::Count && numbers.is_empty() {
        return Err(Stop::not_applicable("there is no number in it"));
    }
    let kinds = counted(t, op, own_kind, answer);
    // Nothing else creates or removes in these tenants meanwhile: what moves is the victim's doing, or someone else's.
    let quiet = t.quiet([aim.attacker, aim.victim]).await;
    let mut outcome = counts.judged(w, &kinds).await;
    if may_be_late(&outcome) {
        t.wait(t.spec.target.settle).await;
        outcome = counts.judged(w, &kinds).await;
    }
    drop(quiet);
    open.attack(outcome?.into_attack()).close().await
}

/// Whether what was done before it was quiet may be why: it is counted only now.
fn may_be_late(outcome: &Result<Counted, Stop>) -> bool {
    let is_of_numbers = |reason| matches!(reason, Reason::MarkerNotSeen | Reason::Disturbed | Reason::UnclearAnswer);
    match outcome {
        Ok(outcome) => matches!(outcome, Counted::NowAndThen(_)),
        Err(Stop::Unproven(doubt)) => is_of_numbers(doubt.reason),
        Err(Stop::NotApplicable(_)) => false,
    }
}

/// Where a target counts all tenants' objects, its numbers move as other trials do anything, and are no clocks.
fn rule_out_third_tenants(t: &Tape) -> Result<(), Stop> {
    if t.is_quiet(t.spec.tenant_ixs()) {
        return Ok(());
    }
    let detail = "numbers move while attacker and victim do nothing, and other tenants' trials go on";
    Err(Unproven::new(Reason::Disturbed, detail).into())
}

/// How long no one does anything, at least: a clock may have whole seconds.
const IDLE: Duration = Duration::from_millis(1_200);

fn idle(t: &Tape) -> Duration {
    t.spec.target.settle.max(IDLE)
}

/// How many kinds of object are made for the numbers of one answer.
const MOST_KINDS: usize = 12;

/// Objects that a read may count that names none.
fn made_anywhere(spec: &Spec) -> Option<ResourceIx> {
    spec.resource_ixs().find(|resource| spec[*resource].parent.is_none() && is_creatable(spec, *resource))
}

/// What is created to see which numbers move. A count, a list, and a view that shows objects, are about these; numbers
/// alone, as on a dashboard, may be about any kind.
fn counted(t: &Tape, op: &Operation, own_kind: Option<ResourceIx>, answer: &Exchange) -> Vec<ResourceIx> {
    let shows_its_own = |kind: ResourceIx| {
        let listed = answer.json().map(|json| objects_in(&t.spec[kind], json));
        matches!(op.role, Role::Count | Role::List) || listed.is_none_or(|objects| !objects.is_empty())
    };
    match own_kind {
        Some(kind) if shows_its_own(kind) => vec![kind],
        _ => {
            let others = t.spec.resource_ixs().filter(|kind| Some(*kind) != own_kind && is_creatable(&t.spec, *kind));
            own_kind.into_iter().chain(others).take(MOST_KINDS).collect()
        }
    }
}

/// What one act of the victim's did to the attacker's count.
enum Move {
    /// Nothing.
    None,
    /// These numbers moved as the victim's did.
    Follows(BTreeSet<String>, Evidence),
    /// What the attacker counted showed data of the victim's.
    Shown(Evidence),
}

/// What all moves come to.
enum Counted {
    /// Nothing that was counted for the attacker followed.
    Stays,
    /// The same numbers followed each act.
    Follows(Evidence),
    /// Some acts were followed.
    NowAndThen(Evidence),
    /// Data of the victim's was shown.
    Shown(Evidence),
    /// Where nothing moved at all, nothing was tried.
    Untried,
}

impl Counted {
    fn into_attack(self) -> Attack {
        match self {
            Self::Stays => Attack::Withstood,
            Self::Follows(evidence) | Self::Shown(evidence) => Attack::Leaked(evidence),
            Self::NowAndThen(evidence) => Attack::Undecided(Unproven {
                reason: Reason::UnclearAnswer,
                exchange: evidence.exchanges.first().copied(),
                detail: "the attacker's count follows the victim's only now and then".to_owned(),
            }),
            Self::Untried => Attack::Undecided(Unproven::nothing_sent()),
        }
    }
}

fn judge(moves: Vec<Move>) -> Counted {
    let mut first = None;
    let mut places: Option<BTreeSet<String>> = None;
    let mut others = 0_usize;
    for moved in moves {
        match moved {
            Move::Shown(evidence) => return Counted::Shown(evidence),
            Move::Follows(at, evidence) => {
                first = first.or(Some(evidence));
                places = Some(places.map_or_else(|| at.clone(), |known| known.intersection(&at).cloned().collect()));
            }
            Move::None => others = others.saturating_add(1),
        }
    }
    match first {
        None if others == 0 => Counted::Untried,
        None => Counted::Stays,
        Some(evidence) if others == 0 && places.is_some_and(|places| !places.is_empty()) => Counted::Follows(evidence),
        Some(evidence) => Counted::NowAndThen(evidence),
    }
}

/// What was counted last.
struct Last {
    /// Numbers that move by themselves.
    noise: BTreeSet<String>,
    mine: Numbers,
    theirs: Numbers,
}

impl Last {
    fn without_noise(&self, moved: Numbers) -> Numbers {
        moved.into_iter().filter(|(at, _)| !self.noise.contains(at)).collect()
    }
}

/// What the attacker's own count tells it.
enum Told {
    /// The victim's data.
    Foreign(Evidence),
    /// Numbers, in this answer.
    Numbers(Numbers, Seen),
}

/// Whose counts are compared.
struct Counts<'o> {
    op: &'o Operation,
    aim: Aim,
    mine: Object,
    theirs: Object,
    prefix: String,
}

impl Counts<'_> {
    /// What all rounds come to.
    async fn judged(&self, w: WriteTape<'_>, kinds: &[ResourceIx]) -> Result<Counted, Stop> {
        let t = w.tape();
        let outcome = judge(self.rounds(w, kinds, &BTreeSet::new()).await?);
        if !matches!(outcome, Counted::Follows(..) | Counted::NowAndThen(_)) {
            return Ok(outcome);
        }
        // What moves while no one does anything is a clock, and follows whatever takes its time.
        let clocks = self.clocks(t).await?;
        if clocks.is_empty() {
            return Ok(outcome);
        }
        if let Some(evidence) = self.kept_for_a_while(t, &clocks).await? {
            return Ok(Counted::Shown(evidence));
        }
        rule_out_third_tenants(t)?;
        Ok(judge(self.rounds(w, kinds, &clocks).await?))
    }

    /// Whether it is no clock, but a cache that keeps for a while what either is told: who asks first decides what both are
    /// told, the same each time.
    async fn kept_for_a_while(&self, t: &Tape, clocks: &BTreeSet<String>) -> Result<Option<Evidence>, Stop> {
        let mut places = clocks.clone();
        let mut told: Option<[Numbers; 2]> = None;
        let mut evidence = None;
        let is_same = |one: &Numbers, other: &Numbers, at: &str| one.contains_key(at) && one.get(at) == other.get(at);
        for _ in 0..ROUNDS {
            t.wait(idle(t)).await;
            let (theirs, by_victim) = self.of_victim(t).await?;
            let Told::Numbers(after_theirs, across) = self.of_attacker(t).await? else { return Ok(None) };
            places.retain(|at| is_same(&theirs, &after_theirs, at));
            if places.is_empty() {
                return Ok(None);
            }
            t.wait(idle(t)).await;
            let Told::Numbers(mine, by_attacker) = self.of_attacker(t).await? else { return Ok(None) };
            let (after_mine, _) = self.of_victim(t).await?;
            places.retain(|at| {
                let is_as_before =
                    told.as_ref().is_none_or(|[before, own]| is_same(before, &theirs, at) && is_same(own, &mine, at));
                is_same(&mine, &after_mine, at) && is_as_before && !is_same(&theirs, &mine, at)
            });
            if places.is_empty() {
                return Ok(None);
            }
            evidence = Some(
                Evidence::of(
                    Shows::ForeignKnowledge,
                    "the attacker is told what the victim was told just before",
                    &across,
                )
                .with("that is", &by_victim)
                .with("when it asks first, it is told another number", &by_attacker),
            );
            told = Some([theirs, mine]);
        }
        Ok(evidence)
    }

    /// The victim creates and removes, and after each act both count.
    async fn rounds(
        &self,
        w: WriteTape<'_>,
        kinds: &[ResourceIx],
        clocks: &BTreeSet<String>,
    ) -> Result<Vec<Move>, Stop> {
        let t = w.tape();
        let (first, of_victim) = both(self.of_attacker(t), self.of_victim(t)).await;
        let (first, again) = match (first?, self.of_attacker(t).await?) {
            (Told::Numbers(first, _), Told::Numbers(again, _)) => (first, again),
            (Told::Foreign(evidence), _) | (_, Told::Foreign(evidence)) => return Ok(vec![Move::Shown(evidence)]),
        };
        let (theirs, _) = of_victim?;
        let moved = difference(&first, &again);
        if moved.keys().any(|at| !clocks.contains(at)) {
            rule_out_third_tenants(t)?;
        }
        let noise = moved.into_keys().chain(clocks.iter().cloned()).collect();
        let mut last = Last { noise, mine: again, theirs };
        match kinds {
            [kind] => self.with_one(w, *kind, &mut last).await,
            several => {
                let mut made = Vec::new();
                let moves = self.with_several(w, several, &mut last, &mut made).await;
                for object in &made {
                    // What does not show its marker there may not be the run's own.
                    if read(t, object).await.is_ok() {
                        remove(w, object).await?;
                    }
                }
                moves
            }
        }
    }

    /// One kind: it is created and removed, where it can be.
    async fn with_one(&self, w: WriteTape<'_>, kind: ResourceIx, last: &mut Last) -> Result<Vec<Move>, Stop> {
        let t = w.tape();
        let can_remove = [Role::Read, Role::Delete].iter().all(|role| operation_of(&t.spec, kind, *role).is_some());
        let mut moves = Vec::new();
        for _ in 0..if can_remove { ROUNDS } else { CREATES } {
            let object = plant(w, self.aim.victim, kind).await?;
            // The answer to the create told its id; only what shows its marker there is the run's own.
            let is_own = async || if can_remove { read(t, &object).await.map(drop) } else { Ok(()) };
            let (moved, is_own) = both(self.watch(t, last), is_own()).await;
            moves.push(moved?);
            if can_remove {
                is_own?;
                remove(w, &object).await?;
                moves.push(self.watch(t, last).await?);
            }
            if moves.iter().any(|moved| matches!(moved, Move::Shown(_))) {
                break;
            }
        }
        Ok(moves)
    }

    /// One of each kind at a time, as far as they can be made just now.
    async fn with_several(
        &self,
        w: WriteTape<'_>,
        kinds: &[ResourceIx],
        last: &mut Last,
        made: &mut Vec<Object>,
    ) -> Result<Vec<Move>, Stop> {
        let mut moves = Vec::new();
        for _ in 0..CREATES {
            for kind in kinds {
                made.extend(plant(w, self.aim.victim, *kind).await);
            }
            moves.push(self.watch(w.tape(), last).await?);
            if moves.iter().any(|moved| matches!(moved, Move::Shown(_))) {
                break;
            }
        }
        Ok(moves)
    }

    /// The numbers of the attacker's that move while no one does anything.
    async fn clocks(&self, t: &Tape) -> Result<BTreeSet<String>, Stop> {
        let Told::Numbers(before, _) = self.of_attacker(t).await? else { return Ok(BTreeSet::new()) };
        t.wait(idle(t)).await;
        let Told::Numbers(after, _) = self.of_attacker(t).await? else { return Ok(BTreeSet::new()) };
        Ok(difference(&before, &after).into_keys().collect())
    }

    /// What the attacker's count says after an act of the victim's, once the victim's own has followed it.
    async fn watch(&self, t: &Tape, last: &mut Last) -> Result<Move, Stop> {
        let moved = poll(t, async || {
            let (now, answer) = self.of_victim(t).await?;
            let change = last.without_noise(difference(&last.theirs, &now));
            Ok((!change.is_empty()).then_some((change, now, answer)))
        })
        .await?;
        let Some((change, theirs, by_victim)) = moved else {
            if self.op.role != Role::Count {
                return Err(Stop::not_applicable("no number in it follows what the victim does"));
            }
            let detail = "the victim's own count does not follow its own changes";
            return Err(Unproven::new(Reason::MarkerNotSeen, detail).into());
        };
        let (mine, by_attacker) = match self.of_attacker(t).await? {
            Told::Foreign(evidence) => return Ok(Move::Shown(evidence)),
            Told::Numbers(mine, answer) => (mine, answer),
        };
        let echoed = last.without_noise(difference(&last.mine, &mine));
        (last.mine, last.theirs) = (mine, theirs);
        if echoed.is_empty() {
            return Ok(Move::None);
        }
        // The same numbers, by as much as the victim's.
        let is_same = |at: &str, by: f64| echoed.get(at).is_some_and(|other| (other - by).abs() < f64::EPSILON);
        let followed: BTreeSet<String> =
            change.iter().filter(|(at, by)| is_same(at, **by)).map(|(at, _)| at.clone()).collect();
        if followed.is_empty() && self.are_of_single_objects(t, &echoed, &by_attacker) {
            return Ok(Move::None);
        }
        if followed.is_empty() {
            // A third tenant's trials count as well, where a target counts all.
            let is_alone = t.is_quiet(t.spec.tenant_ixs());
            let reason = if is_alone { Reason::UnclearAnswer } else { Reason::Disturbed };
            return Err(Unproven::shown(reason, "the attacker's count moves by itself", &by_attacker).into());
        }
        let line = "the attacker's count follows each change of the victim's";
        Ok(Move::Follows(
            followed,
            Evidence::of(Shows::ForeignKnowledge, line, &by_attacker).with("as the victim's own does", &by_victim),
        ))
    }

    /// Whether these are numbers of the objects that it shows, each its own, as how often one was read.
    fn are_of_single_objects(&self, t: &Tape, moved: &Numbers, answer: &Exchange) -> bool {
        let objects = answer.json().map(|json| objects_in(&t.spec[self.mine.resource], json)).unwrap_or_default();
        moved.keys().all(|at| is_within(&objects, at))
    }

    async fn of_attacker(&self, t: &Tape) -> Result<Told, Stop> {
        let attacker = self.aim.attacker;
        let asked = request(t, own(t, attacker)?, self.op, &Place::of(&self.mine), &looking_for(&self.mine))?;
        let answer = t.send(asked.crossing()).await;
        if let Some(evidence) = leak(t, &answer, self.aim.victim) {
            return self.shown_outright(evidence, &answer);
        }
        if let Some(field) = foreign_field(t, &answer, attacker, &self.prefix) {
            let line = format!("an entry of the attacker's own answer says {field}");
            return self.shown_outright(Evidence::of(Shows::ForeignData, line, &answer), &answer);
        }
        if !answer.succeeded() {
            let detail = "the attacker can't count its own";
            return Err(Unproven::shown(reason(&answer), detail, &answer).into());
        }
        Ok(Told::Numbers(self.numbers(t, &answer), answer))
    }

    /// Where another check tries what is shown there, the leak is that one's to tell.
    fn shown_outright(&self, evidence: Evidence, answer: &Exchange) -> Result<Told, Stop> {
        if self.op.role == Role::Count {
            return Ok(Told::Foreign(evidence));
        }
        let detail = "it shows the victim's data outright (see api.list-own)";
        Err(Unproven::shown(Reason::PlainRequestLeaks, detail, answer).into())
    }

    /// What is counted. The numbers of a list's objects are these objects' own; what is beside them (facets) is not.
    fn numbers(&self, t: &Tape, answer: &Exchange) -> Numbers {
        let listed = self.op.resource.filter(|_| self.op.role == Role::List).zip(answer.json());
        let objects = listed.map(|(resource, json)| objects_in(&t.spec[resource], json)).unwrap_or_default();
        numbers(answer).into_iter().filter(|(at, _)| !is_within(&objects, at)).collect()
    }

    /// The control: the victim counts its own.
    async fn of_victim(&self, t: &Tape) -> Result<(Numbers, Seen), Stop> {
        let victim = self.aim.victim;
        let asked = request(t, own(t, victim)?, self.op, &Place::of(&self.theirs), &looking_for(&self.theirs))?;
        let answer = succeed(t, asked, victim).await?;
        Ok((self.numbers(t, &answer), answer))
    }
}
