//! `api.count-own`

use std::collections::BTreeMap;

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Operation, Role, Spec};

use super::own_list::own_prefix;
use super::reading::looking_for;
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Trial, writes};
use crate::shared::{
    Aim, Place, again, each, foreign_field, leak, leaves, operation_of, own, plant, poll, read, reason, remove,
    request, standing, succeed,
};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(crate) static CHECK: Check = Check {
    id: "api.count-own",
    surface: Surface::Api,
    severity: Severity::High,
    cwe: &["CWE-200", "CWE-203"],
    title: "A tenant's own count does not follow another tenant's changes",
    does: "Three times over: the attacker counts, the victim creates an object, both count, the victim removes it, \
           both count again.",
    judges: "Leak: the attacker's numbers move as the victim's do, every time; or an answer shows the victim's marker \
             or names its tenant. Isolated: they stay the same while the victim's move. Unproven: the victim's do not \
             move within settle, or the attacker's move by themselves.",
    origin: "isolation 28.6: search is scoped, its counts are not. tazama #312.",
    fix: "Put the tenant into the query of aggregates as well; counts are data.",
    requests: 41,
};

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    let fits = |op: &Operation| op.role == Role::Count;
    each(spec, &CHECK, Phase::Main, fits, |aim| {
        writes(move |w| again(w.tape(), aim.pair(), async move || follow(w, aim).await))
    })
}

/// How often the victim acts.
const ROUNDS: usize = 3;

async fn follow(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let t = w.tape();
    let op = aim.op(t);
    let Some(resource) = op.resource else { return Err(Stop::not_applicable("it concerns no object")) };
    let counts = Counts {
        op,
        aim,
        mine: standing(t, aim.attacker, resource)?,
        theirs: standing(t, aim.victim, resource)?,
        prefix: own_prefix(t, aim.attacker),
    };
    let can_remove = [Role::Read, Role::Delete].iter().all(|role| operation_of(&t.spec, resource, *role).is_some());
    let open = bracket::open(async || counts.of_victim(t).await).await?;
    let mut moves = Vec::new();
    for _ in 0..ROUNDS {
        let mut made = None;
        moves.push(
            counts
                .watch(t, async || {
                    made = Some(plant(w, aim.victim, resource).await?);
                    Ok(())
                })
                .await?,
        );
        if let Some(object) = made.filter(|_| can_remove) {
            // The answer to the create told its id; only what shows its marker there is the run's own.
            read(t, &object).await?;
            moves.push(counts.watch(t, async || remove(w, &object).await).await?);
        }
        if moves.iter().any(|moved| matches!(moved, Move::Shown(_))) {
            break;
        }
    }
    open.attack(judge(moves)).close().await
}

/// What one act of the victim's did to the attacker's count.
enum Move {
    /// Nothing.
    None,
    /// It moved as the victim's did.
    Follows(Evidence),
    /// What the attacker counted showed data of the victim's.
    Shown(Evidence),
}

fn judge(moves: Vec<Move>) -> Attack {
    let (mut follows, mut others) = (None, 0_usize);
    for moved in moves {
        match moved {
            Move::Shown(evidence) => return Attack::Leaked(evidence),
            Move::Follows(evidence) => follows = follows.or(Some(evidence)),
            Move::None => others = others.saturating_add(1),
        }
    }
    match follows {
        None => Attack::Withstood,
        Some(evidence) if others == 0 => Attack::Leaked(evidence),
        Some(evidence) => Attack::Undecided(Unproven {
            reason: Reason::UnclearAnswer,
            exchange: evidence.exchanges.first().copied(),
            detail: "the attacker's count follows the victim's only now and then".to_owned(),
        }),
    }
}

type Numbers = BTreeMap<String, f64>;

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
    /// Both count, the victim acts, both count again; nothing else creates or removes meanwhile.
    async fn watch(&self, t: &Tape, act: impl AsyncFnOnce() -> Result<(), Stop>) -> Result<Move, Stop> {
        let _quiet = t.quiet([self.aim.attacker, self.aim.victim]).await;
        let before = match self.of_attacker(t).await? {
            Told::Foreign(evidence) => return Ok(Move::Shown(evidence)),
            Told::Numbers(numbers, _) => numbers,
        };
        let again = match self.of_attacker(t).await? {
            Told::Foreign(evidence) => return Ok(Move::Shown(evidence)),
            Told::Numbers(numbers, _) => numbers,
        };
        let noise = difference(&before, &again);
        let without_noise =
            |moved: Numbers| -> Numbers { moved.into_iter().filter(|(at, _)| !noise.contains_key(at)).collect() };
        let (opening, _) = self.of_victim(t).await?;
        act().await?;
        let moved = poll(t, async || {
            let (now, answer) = self.of_victim(t).await?;
            let change = without_noise(difference(&opening, &now));
            Ok((!change.is_empty()).then_some((change, answer)))
        })
        .await?;
        let Some((change, by_victim)) = moved else {
            let detail = "the victim's own count does not follow its own changes";
            return Err(Unproven::new(Reason::MarkerNotSeen, detail).into());
        };
        let (after, by_attacker) = match self.of_attacker(t).await? {
            Told::Foreign(evidence) => return Ok(Move::Shown(evidence)),
            Told::Numbers(after, answer) => (after, answer),
        };
        let echoed = without_noise(difference(&again, &after));
        if echoed.is_empty() {
            return Ok(Move::None);
        }
        // The same numbers, by as much as the victim's.
        let is_same = |at: &str, by: f64| echoed.get(at).is_some_and(|other| (other - by).abs() < f64::EPSILON);
        if !change.iter().any(|(at, by)| is_same(at, *by)) {
            let detail = "the attacker's count moves by itself";
            return Err(Unproven::shown(Reason::UnclearAnswer, detail, &by_attacker).into());
        }
        let line = "the attacker's count follows each change of the victim's";
        Ok(Move::Follows(
            Evidence::of(Shows::ForeignKnowledge, line, &by_attacker).with("as the victim's own does", &by_victim),
        ))
    }

    async fn of_attacker(&self, t: &Tape) -> Result<Told, Stop> {
        let attacker = self.aim.attacker;
        let asked = request(t, own(t, attacker)?, self.op, &Place::of(&self.mine), &looking_for(&self.mine))?;
        let answer = t.send(asked.crossing()).await;
        if let Some(evidence) = leak(t, &answer, self.aim.victim) {
            return Ok(Told::Foreign(evidence));
        }
        if let Some(field) = foreign_field(t, &answer, attacker, &self.prefix) {
            let line = format!("an entry of the attacker's own answer says {field}");
            return Ok(Told::Foreign(Evidence::of(Shows::ForeignData, line, &answer)));
        }
        if !answer.succeeded() {
            let detail = "the attacker can't count its own";
            return Err(Unproven::shown(reason(&answer), detail, &answer).into());
        }
        Ok(Told::Numbers(numbers(&answer), answer))
    }

    /// The control: the victim counts its own.
    async fn of_victim(&self, t: &Tape) -> Result<(Numbers, Seen), Stop> {
        let victim = self.aim.victim;
        let asked = request(t, own(t, victim)?, self.op, &Place::of(&self.theirs), &looking_for(&self.theirs))?;
        let answer = succeed(t, asked, victim).await?;
        Ok((numbers(&answer), answer))
    }
}

/// Every number of an answer: in its body, and in headers such as `X-Total-Count`.
pub(super) fn numbers(exchange: &Exchange) -> Numbers {
    let in_body = exchange.json().map(leaves).unwrap_or_default();
    let headers = exchange.response().map(|received| received.headers.as_slice()).unwrap_or_default();
    let in_headers = headers
        .iter()
        .filter(|(name, _)| (name.contains("count") || name.contains("total")) && !name.contains("limit"))
        .map(|(name, value)| (format!("header {name}"), value.clone()));
    in_body.into_iter().chain(in_headers).filter_map(|(at, value)| Some((at, value.parse().ok()?))).collect()
}

/// By how much each number moved. What was not there before counts from nothing.
fn difference(before: &Numbers, after: &Numbers) -> Numbers {
    before
        .keys()
        .chain(after.keys())
        .map(|at| {
            let by = after.get(at).copied().unwrap_or_default() - before.get(at).copied().unwrap_or_default();
            (at.clone(), by)
        })
        .filter(|(_, by)| by.abs() > f64::EPSILON)
        .collect()
}
