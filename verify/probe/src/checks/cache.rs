//! Caches, as far as answers show them: `cache.cross-tenant-hit`.

use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, Role, Spec};

use super::Kind;
use super::api::{is_marked, looking_for};
use super::kit::{
    Aim, Place, Words, control, each, foreign, is_creatable, leak, own, parents_for, plant, remove, request, standing,
    succeed,
};
use crate::check::{About, Check, Phase, Sends};
use crate::judge::{self, Answer, Verdict};
use crate::request::Intent;
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::Object;

static ABOUT: About = About {
    id: "cache.cross-tenant-hit",
    surface: Surface::Cache,
    severity: Severity::Critical,
    cwe: &["CWE-524", "CWE-639"],
    title: "One tenant primes a cache, another asks",
    does: "The victim reads its object, the attacker reads its own at the same id, twice in turn. Ids that both have \
           are found or made; where ids never coincide, the attacker asks for what the victim has just read.",
    judges: "Leak: the attacker's answer shows the victim's marker. Isolated: each sees its own, or the attacker is \
             denied. Unproven: a control fails or shows foreign data (the pair the other way round then leaks).",
    origin: "Seed 28.2: a cache key without the tenant. genblaze #68, FluidFramework #24962.",
    mend: "Make the tenant a part of every key by type; never cache tenant data under a resource's id alone.",
};

/// In the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![Kind { about: &ABOUT, instances }]
}

fn instances(spec: &Spec) -> Vec<Check> {
    let fits = |op: &Operation| {
        op.request.method == "GET" && op.effect == Effect::Read && matches!(op.role, Role::Read | Role::Custom)
    };
    each(spec, &ABOUT, Phase::Main, probe, fits, |_| Sends::Reads)
}

/// How many objects are made in search of an id that both tenants have.
const TRIES: usize = 12;

fn probe(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let Some(resource) = op.resource else { return by_path(t, op, aim) };
    let theirs = standing(t, aim.victim, resource)?;
    if !is_marked(t, op, &theirs)? {
        return Err(Halt::NotApplicable("not even its owner sees a marker in the answer".into()));
    }
    if let Some((mine, theirs)) = standing_twins(t, aim, resource) {
        return take_turns(t, op, aim, &theirs, &Place::of(&mine), Expect::Own(&mine));
    }
    let (found, made) = made_twins(t, aim, resource)?;
    let verdict = match &found {
        Some((mine, theirs)) => take_turns(t, op, aim, theirs, &Place::of(mine), Expect::Own(mine)),
        None => take_turns(t, op, aim, &theirs, &Place::of(&theirs).in_tenant(aim.attacker), Expect::Refusal),
    }?;
    if !matches!(verdict, Verdict::Leak(_)) {
        made.iter().try_for_each(|object| remove(t, object))?;
    }
    Ok(verdict)
}

/// Objects of both tenants with the same ids all the way up.
fn standing_twins(t: &Tape<'_>, aim: Aim, resource: usize) -> Option<(Object, Object)> {
    let mine = t.world.of(aim.attacker, resource);
    let twin_of = |mine: &Object| t.world.of(aim.victim, resource).find(|theirs| are_twins(mine, theirs)).cloned();
    mine.into_iter().find_map(|mine| Some((mine.clone(), twin_of(mine)?)))
}

fn are_twins(mine: &Object, theirs: &Object) -> bool {
    mine.id == theirs.id && mine.parents == theirs.parents
}

type Twins = Option<(Object, Object)>;

/// Creates in turn, where ids count on the side that is behind, until an id coincides.
fn made_twins(t: &Tape<'_>, aim: Aim, resource: usize) -> Result<(Twins, Vec<Object>), Halt> {
    let could_meet = is_creatable(t.spec, resource)
        && parents_for(t, aim.attacker, resource)? == parents_for(t, aim.victim, resource)?
        && t.world.of(aim.victim, resource).all(|object| number(&object.id).is_some());
    let (mut mine, mut theirs): (Vec<Object>, Vec<Object>) = (Vec::new(), Vec::new());
    while could_meet && mine.len().saturating_add(theirs.len()) < TRIES {
        let last = |objects: &[Object]| objects.last().and_then(|object| number(&object.id));
        match last(&mine) <= last(&theirs) {
            true => mine.push(plant(t, aim.attacker, resource)?),
            false => theirs.push(plant(t, aim.victim, resource)?),
        }
        let met = mine.iter().find_map(|one| Some((one.clone(), theirs.iter().find(|o| are_twins(one, o))?.clone())));
        if met.is_some() {
            mine.append(&mut theirs);
            return Ok((met, mine));
        }
    }
    mine.append(&mut theirs);
    Ok((None, mine))
}

/// The number at the end of an id that counts.
fn number(id: &str) -> Option<u64> {
    let digits = id.len().saturating_sub(id.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    let (prefix, tail) = id.split_at_checked(id.len().saturating_sub(digits))?;
    tail.parse().ok().filter(|_| digits <= 9 && !prefix.contains(|c: char| c.is_ascii_digit()))
}

/// What the attacker's request must come to, for the pair to mean something.
#[derive(Clone, Copy)]
enum Expect<'o> {
    /// It has an object of its own there.
    Own(&'o Object),
    /// Nothing that the run has put there.
    Refusal,
}

fn take_turns(
    t: &Tape<'_>,
    op: &Operation,
    aim: Aim,
    theirs: &Object,
    place: &Place,
    expect: Expect<'_>,
) -> Result<Verdict, Halt> {
    let by_victim = request(t, own(t, aim.victim)?, op, &Place::of(theirs), &looking_for(theirs))?;
    let words = match expect {
        Expect::Own(mine) => looking_for(mine),
        Expect::Refusal => Words::default(),
    };
    let mut by_attacker = request(t, own(t, aim.attacker)?, op, place, &words)?;
    by_attacker.intent = Intent::Across;
    for _ in 0..2 {
        control(t, by_victim.clone(), theirs)?;
        let answer = t.send(by_attacker.clone())?;
        if let Some(verdict) = leak(t, answer, aim.victim) {
            return Ok(verdict);
        }
        if let Some(why) = unexpected(t, answer, aim, expect) {
            return Ok(Verdict::Unproven(why));
        }
    }
    control(t, by_victim, theirs)?;
    Ok(Verdict::Isolated)
}

fn unexpected(t: &Tape<'_>, answer: &Exchange, aim: Aim, expect: Expect<'_>) -> Option<String> {
    match (judge::answer(answer), expect) {
        (Answer::Denied, Expect::Refusal) => None,
        // Something stood at that id already, of the attacker's own: no marker of the victim's is in it.
        (Answer::Success, Expect::Refusal) if answer.json().is_some() => None,
        (Answer::Success, _) if foreign(t, answer, aim.attacker).is_some() => None,
        (Answer::Success, _) => Some(format!("the attacker does not see its own marker: {}", answer.line())),
        (Answer::Denied, Expect::Own(_)) => Some(format!("the attacker was denied its own: {}", answer.line())),
        (Answer::NotOffered | Answer::Undecided, _) => Some(judge::why_undecided(answer)),
    }
}

/// An operation without objects: the same path for both where it does not name the tenant, each its own otherwise.
fn by_path(t: &Tape<'_>, op: &Operation, aim: Aim) -> Result<Verdict, Halt> {
    let of = |tenant: usize| -> Result<_, Halt> {
        request(t, own(t, tenant)?, op, &Place::within(tenant, &[]), &Words::default())
    };
    for _ in 0..2 {
        let primed = succeed(t, of(aim.victim)?, aim.victim)?;
        if foreign(t, primed, aim.victim).is_none() {
            return Err(Halt::NotApplicable("not even its owner sees a marker in the answer".into()));
        }
        let mut asked = of(aim.attacker)?;
        asked.intent = Intent::Across;
        let answer = t.send(asked)?;
        if let Some(verdict) = leak(t, answer, aim.victim) {
            return Ok(verdict);
        }
        if judge::answer(answer) != Answer::Success {
            return Ok(Verdict::Unproven(format!("the attacker can't read its own: {}", answer.line())));
        }
    }
    Ok(Verdict::Isolated)
}
