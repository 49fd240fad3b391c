//! What two tenants are told by the same request, where no marker is in either answer.

use serde_json::Value;
use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::{Seen, Tape, both};

use super::features::{Features, are_alike, told_apart};
use super::fresh::{with_fresh_parameter, with_parameter};
use super::{Aim, is_creatable, plant, reason, remove};
use crate::verdict::{Reason, Stop, Unproven};

/// How the answers compare.
pub(crate) enum Told {
    /// Each is told something of its own, the same each time.
    Apart,
    /// Both are told the same.
    Same,
    /// The attacker is told what the victim is, and something else where no cache can have the answer.
    Cached {
        /// What the attacker is told.
        across: Seen,
        /// What it is told with a parameter that no one has sent.
        afresh: Seen,
    },
}

/// Compares what both are told. Where it is about objects, as numbers of them are, no other trial writes meanwhile: else they
/// may be the same, or differ, for a moment. At rest both may have as many, so one has one more.
pub(crate) async fn told_each(t: &Tape, aim: Aim, by_victim: &Request, by_attacker: &Request) -> Result<Told, Stop> {
    let Some(kind) = aim.op(t).resource else {
        let told = compare(t, by_victim, by_attacker).await;
        if matches!(told, Ok(Told::Apart | Told::Same) | Err(Stop::Unproven(_))) {
            return told;
        }
        let _quiet = t.quiet(t.spec.tenant_ixs()).await;
        return compare(t, by_victim, by_attacker).await;
    };
    let _quiet = t.quiet(t.spec.tenant_ixs()).await;
    let Some(w) = t.writing().filter(|_| is_creatable(&t.spec, kind)) else {
        return compare(t, by_victim, by_attacker).await;
    };
    // Where the victim has one less, one more makes them the same; one more of the attacker's does not.
    for tenant in [aim.victim, aim.attacker] {
        let further = plant(w, tenant, kind).await?;
        let told = compare(t, by_victim, by_attacker).await;
        remove(w, &further).await?;
        if !matches!(told, Ok(Told::Same)) {
            return told;
        }
    }
    Ok(Told::Same)
}

/// Asks twice each, the victim first. What changes each time can't be compared.
///
/// What is the same for both may be from a cache that each has for itself, and old. So both then ask what no one has asked
/// yet, the same of each, the victim first; and each what it alone asks.
async fn compare(t: &Tape, by_victim: &Request, by_attacker: &Request) -> Result<Told, Stop> {
    let plain = twice(t, [by_victim.clone(), by_attacker.clone()]).await?;
    let [of_theirs, of_mine] = [&plain[0], &plain[1]].map(|answers| features(answers, &[]));
    if told_apart(&of_theirs, &of_mine).is_some() {
        return Ok(Told::Apart);
    }
    if !are_alike(&of_theirs, &of_mine) {
        return Err(Stop::not_applicable("nothing marks the answer, and it changes each time"));
    }
    if by_attacker.method != "GET" {
        return Ok(Told::Same);
    }
    let value = t.unique();
    let [first, second] = [by_victim, by_attacker].map(|request| with_parameter(request, &value));
    let Ok([theirs, mine]) = twice(t, [first.clone(), second.clone()]).await else { return Ok(Told::Same) };
    let sent = [value];
    let [of_theirs, of_mine] = [&theirs, &mine].map(|answers| features(answers, &sent));
    if !are_alike(&of_theirs, &of_mine) {
        return Ok(Told::Same);
    }
    let mut afresh = Vec::new();
    for request in [by_victim, by_attacker, by_victim, by_attacker] {
        let (asked, value) = with_fresh_parameter(t, request);
        let Ok(seen) = answered(t, &asked).await else { return Ok(Told::Same) };
        let told = Features::of(&seen, &[value]);
        afresh.push((seen, told));
    }
    let [(_, victim), (seen, attacker), (_, victim_again), (_, attacker_again)] = afresh.as_slice() else {
        return Ok(Told::Same);
    };
    // What moved meanwhile moved by what others do.
    let last = [answered(t, &first).await?, answered(t, &second).await?];
    let of_last = features(&last, &sent);
    if !are_alike(&of_theirs, &of_last) {
        let [_, last] = last;
        return Err(Unproven::shown(Reason::Disturbed, "what is told there changes meanwhile", &last).into());
    }
    let (theirs, own) = ([victim.clone(), victim_again.clone()], [attacker.clone(), attacker_again.clone()]);
    let is_apart = told_apart(&theirs, &own).is_some() && told_apart(&of_mine, &own).is_some();
    let [across, _] = mine;
    Ok(if is_apart { Told::Cached { across, afresh: Seen::clone(seen) } } else { Told::Same })
}

fn features(answers: &[Seen; 2], sent: &[String]) -> [Features; 2] {
    let of = |answer: &Seen| {
        let answer: &Exchange = answer;
        Features::of(answer, sent)
    };
    [of(&answers[0]), of(&answers[1])]
}

/// The answers to each of two requests: the victim's first, which a cache may keep.
async fn twice(t: &Tape, [by_victim, by_attacker]: [Request; 2]) -> Result<[[Seen; 2]; 2], Stop> {
    let (theirs, mine) = (answered(t, &by_victim).await?, answered(t, &by_attacker).await?);
    let (theirs_again, mine_again) = both(answered(t, &by_victim), answered(t, &by_attacker)).await;
    Ok([[theirs, theirs_again?], [mine, mine_again?]])
}

/// A success that is none by what it says tells nothing of the operation.
async fn answered(t: &Tape, request: &Request) -> Result<Seen, Stop> {
    let seen = t.send(request.clone().crossing()).await;
    match (seen.succeeded(), seen.json().is_some_and(is_error)) {
        (true, false) => Ok(seen),
        (true, true) => Err(Stop::not_applicable(format!("its owner is told an error: {}", seen.line()))),
        (false, _) => Err(Unproven::shown(reason(&seen), "the owner's own request failed", &seen).into()),
    }
}

/// Whether a success is none by what it says.
pub(crate) fn is_error(json: &Value) -> bool {
    let is_told = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    ["error", "errors"].iter().any(|member| json.get(member).is_some_and(is_told))
}
