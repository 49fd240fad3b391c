//! `api.count-own`

use std::collections::BTreeMap;

use watertight_model::{Severity, Surface};
use watertight_spec::{Operation, Role, Spec};

use super::own_list::own_prefix;
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::{
    Aim, Place, each, foreign_field, leak, leaves, operation_of, own, plant, poll, read, remove, request, standing,
    succeed,
};
use crate::judge::{self, Evidence, Verdict};
use crate::request::Intent;
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::Object;

use super::reading::looking_for;

pub(crate) static ABOUT: About = About {
    id: "api.count-own",
    surface: Surface::Api,
    severity: Severity::High,
    cwe: &["CWE-200", "CWE-203"],
    title: "A tenant's own count does not follow another tenant's changes",
    does: "Three times over: the attacker counts, the victim creates an object, both count, the victim removes it, \
           both count again.",
    judges: "Leak: the attacker's numbers move as the victim's do, every time; or an answer shows the victim's marker \
             or names its tenant. Isolated: they stand still while the victim's move. Unproven: the victim's do not \
             move within settle, or the attacker's move by themselves.",
    origin: "Seed 28.6: search is scoped, its counts are not. tazama #312.",
    mend: "Put the tenant into the query of aggregates as well; counts are data.",
};

pub(crate) fn instances(spec: &Spec) -> Vec<Check> {
    each(spec, &ABOUT, Phase::Main, probe, |op| op.role == Role::Count, |_| Sends::Writes)
}

/// How often the victim acts.
const ROUNDS: usize = 3;

fn probe(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let Some(resource) = op.resource else { return Err(Halt::NotApplicable("it concerns no object".into())) };
    let pair = Pair {
        op,
        aim,
        mine: standing(t, aim.attacker, resource)?,
        theirs: standing(t, aim.victim, resource)?,
        prefix: own_prefix(t, aim.attacker),
    };
    let can_remove = [Role::Read, Role::Delete].iter().all(|role| operation_of(t.spec, resource, *role).is_some());
    let mut seen = Vec::new();
    for _ in 0..ROUNDS {
        let mut object = None;
        seen.push(pair.watch(t, || plant(t, aim.victim, resource).map(|made| object = Some(made)))?);
        if let Some(object) = object.filter(|_| can_remove) {
            // The answer to the create told its id; only what shows its marker there is the run's own.
            read(t, &object)?;
            seen.push(pair.watch(t, || remove(t, &object))?);
        }
        if let Some(Seen::Leak(verdict)) = seen.iter().find(|seen| matches!(seen, Seen::Leak(_))) {
            return Ok(verdict.clone());
        }
    }
    let stood_still = seen.iter().filter(|seen| matches!(seen, Seen::Still)).count();
    match seen.iter().find_map(|seen| if let Seen::Follows(evidence) = seen { Some(evidence) } else { None }) {
        None => Ok(Verdict::Isolated),
        Some(evidence) if stood_still == 0 => Ok(Verdict::Leak(evidence.clone())),
        Some(_) => Ok(Verdict::Unproven("the attacker's count follows the victim's only now and then".into())),
    }
}

/// What one act of the victim's did to the attacker's count.
enum Seen {
    Still,
    Follows(Evidence),
    Leak(Verdict),
}

struct Pair<'o> {
    op: &'o Operation,
    aim: Aim,
    mine: Object,
    theirs: Object,
    prefix: String,
}

impl Pair<'_> {
    /// Both count, the victim acts, both count again.
    fn watch(&self, t: &Tape<'_>, act: impl FnOnce() -> Result<(), Halt>) -> Result<Seen, Halt> {
        let mut counted = Vec::new();
        for _ in 0..2 {
            match count_of_attacker(t, self.op, self.aim, &self.mine, &self.prefix)? {
                (_, Found::Leak(verdict)) => return Ok(Seen::Leak(verdict)),
                (numbers, Found::Nothing(_)) => counted.push(numbers),
            }
        }
        let (Some(again), Some(before)) = (counted.pop(), counted.pop()) else { return Ok(Seen::Still) };
        let noise = difference(&before, &again);
        let (opening, _) = count_of_victim(t, self.op, &self.theirs)?;
        act()?;
        let moved = poll(t, || {
            let (now, answer) = count_of_victim(t, self.op, &self.theirs)?;
            let change: Numbers =
                difference(&opening, &now).into_iter().filter(|(at, _)| !noise.contains_key(at)).collect();
            Ok((!change.is_empty()).then_some((change, answer)))
        })?;
        let Some((change, by_victim)) = moved else {
            return Err(Halt::Unproven("the victim's own count does not follow its own changes".into()));
        };
        let (after, by_attacker) = match count_of_attacker(t, self.op, self.aim, &self.mine, &self.prefix)? {
            (_, Found::Leak(verdict)) => return Ok(Seen::Leak(verdict)),
            (after, Found::Nothing(answer)) => (after, answer),
        };
        let echoed: Numbers =
            difference(&again, &after).into_iter().filter(|(at, _)| !noise.contains_key(at)).collect();
        // The same numbers, by as much as the victim's.
        let follows =
            change.iter().any(|(at, by)| echoed.get(at).is_some_and(|other| (other - by).abs() < f64::EPSILON));
        match echoed.is_empty() {
            true => Ok(Seen::Still),
            false if follows => Ok(Seen::Follows(
                Evidence::of("the attacker's count follows each change of the victim's", by_attacker)
                    .with("as the victim's own does", by_victim),
            )),
            false => Err(Halt::Unproven("the attacker's count moves by itself".into())),
        }
    }
}

enum Found<'t> {
    Leak(Verdict),
    Nothing(&'t Exchange),
}

type Numbers = BTreeMap<String, f64>;

fn count_of_attacker<'t>(
    t: &Tape<'t>,
    op: &Operation,
    aim: Aim,
    mine: &Object,
    prefix: &str,
) -> Result<(Numbers, Found<'t>), Halt> {
    let mut asked = request(t, own(t, aim.attacker)?, op, &Place::of(mine), &looking_for(mine))?;
    asked.intent = Intent::Across;
    let answer = t.send(asked)?;
    if let Some(verdict) = leak(t, answer, aim.victim) {
        return Ok((Numbers::new(), Found::Leak(verdict)));
    }
    if let Some(field) = foreign_field(t, answer, aim.attacker, prefix) {
        let evidence = Evidence::of(format!("an entry of the attacker's own answer says {field}"), answer);
        return Ok((Numbers::new(), Found::Leak(Verdict::Leak(evidence))));
    }
    if !answer.succeeded() {
        return Err(Halt::Unproven(format!("the attacker can't count its own: {}", judge::why_undecided(answer))));
    }
    Ok((numbers(answer), Found::Nothing(answer)))
}

fn count_of_victim<'t>(t: &Tape<'t>, op: &Operation, theirs: &Object) -> Result<(Numbers, &'t Exchange), Halt> {
    let asked = request(t, own(t, theirs.tenant)?, op, &Place::of(theirs), &looking_for(theirs))?;
    let answer = succeed(t, asked, theirs.tenant)?;
    Ok((numbers(answer), answer))
}

/// Every number of an answer: in its body, and in headers such as `X-Total-Count`.
pub(super) fn numbers(exchange: &Exchange) -> Numbers {
    let in_body = exchange.json().map(|json| leaves(&json)).unwrap_or_default();
    let headers = exchange.response().map(|r| r.headers.as_slice()).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::checks::api;
    use crate::checks::testbed::Testbed;
    use crate::judge::Verdict;
    use crate::trace::What;

    #[test]
    fn what_was_planted_is_read_back_before_it_is_removed() {
        let mut bed = Testbed::new(&[]);
        let set_up = bed.events.len();
        let is_tried = |attacker, victim| (attacker, victim) == (1, 0);
        let concluded =
            bed.run(api::kinds(), |check| check.about.id == "api.count-own" && is_tried(check.attacker, check.victim));
        assert_eq!(concluded.iter().map(|one| &one.verdict).collect::<Vec<_>>(), [&Verdict::Isolated]);
        let (mut read, mut removed) = (BTreeSet::new(), 0);
        for event in bed.events.iter().skip(set_up) {
            let What::Exchange(exchange) = &event.what else { continue };
            match exchange.request.method.as_str() {
                "GET" => drop(read.insert(&exchange.request.target)),
                "DELETE" => {
                    assert!(read.contains(&exchange.request.target), "{}", exchange.line());
                    removed += 1;
                }
                _ => {}
            }
        }
        assert_eq!(removed, 3);
    }
}
