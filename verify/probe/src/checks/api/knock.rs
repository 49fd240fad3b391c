//! Many ways to name a tenant, one after the other: each attempt is a read by the attacker, and only the victim's
//! data in an answer counts. Any refusal will do; what is no answer at all decides nothing.

use watertight_spec::{Effect, Operation, Role, Spec};

use super::reading::{is_marked, looking_for, sees};
use super::writing::in_own_place;
use crate::checks::kit::{Aim, Place, Words, foreign, leak, own, redirected, request, standing, succeed, walk};
use crate::judge::{self, Verdict};
use crate::request::{Caller, Intent, Request};
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;

/// The operations that are tried: reads of objects that stand by themselves.
pub(super) fn is_tried(spec: &Spec, op: &Operation) -> bool {
    let is_root = op.resource.and_then(|r| spec.resources.get(r)).is_none_or(|r| r.parent.is_none());
    op.effect == Effect::Read && is_root && matches!(op.role, Role::List | Role::Read | Role::Custom)
}

/// What the victim sees through the operation, by its own request.
pub(super) struct Goal {
    /// Where the victim asks.
    pub(super) theirs: Place,
    /// The same in the attacker's own place.
    pub(super) own: Place,
    /// What it looks for.
    pub(super) words: Words,
}

/// The control, opening and closing alike: the victim sees its marker through this operation.
pub(super) fn goal(t: &Tape<'_>, op: &Operation, aim: Aim) -> Result<Goal, Halt> {
    let Some(resource) = op.resource else {
        let theirs = Place::within(aim.victim, &[]);
        let answer = succeed(t, request(t, own(t, aim.victim)?, op, &theirs, &Words::default())?, aim.victim)?;
        if foreign(t, answer, aim.victim).is_none() {
            return Err(unmarked(answer));
        }
        return Ok(Goal { theirs, own: Place::within(aim.attacker, &[]), words: Words::default() });
    };
    let object = standing(t, aim.victim, resource)?;
    if !is_marked(t, op, &object)? {
        return Err(Halt::NotApplicable("not even its owner sees a marker in the answer".into()));
    }
    let words = looking_for(&object);
    let theirs = Place::of(&object);
    sees(t, op, request(t, own(t, aim.victim)?, op, &theirs, &words)?, &object)?;
    Ok(Goal { theirs, own: in_own_place(t, aim.attacker, &object), words })
}

fn unmarked(answer: &Exchange) -> Halt {
    Halt::NotApplicable(format!("not even its owner sees a marker in the answer: {}", answer.line()))
}

/// What came of one attempt.
pub(super) struct Knock<'t> {
    /// A leak, or that nothing is decided; none for a refusal or an answer without the victim's data.
    pub(super) verdict: Option<Verdict>,
    /// The last answer.
    pub(super) last: &'t Exchange,
}

/// How many redirects are followed.
const HOPS: usize = 2;

/// One attempt. A redirect is followed within the target: it is no refusal.
pub(super) fn knock<'t>(t: &Tape<'t>, op: &Operation, asked: Request, victims: &[usize]) -> Result<Knock<'t>, Halt> {
    // Not in small pages: a list that is no one's but the attacker's is read to its end in every attempt.
    let mut across = Request { intent: Intent::Across, ..asked };
    let mut hops = 0;
    loop {
        let walked = walk(t, op, across.clone(), |page| victims.iter().any(|v| foreign(t, page, *v).is_some()))?;
        let leaked = walked.pages.iter().find_map(|page| victims.iter().find_map(|v| leak(t, page, *v)));
        let Some(last) = walked.last() else { return Err(Halt::Unproven("nothing was sent".into())) };
        if leaked.is_some() {
            return Ok(Knock { verdict: leaked, last });
        }
        match redirected(t.spec, last).filter(|_| hops < HOPS) {
            Some(target) => across.target = target,
            // Led away to a page for people, such as a login: a challenge is no refusal.
            None if hops > 0 && last.succeeded() && last.json().is_none() => {
                let why = format!("redirected to what is no answer: {}", last.line());
                return Ok(Knock { verdict: Some(Verdict::Unproven(why)), last });
            }
            None if walked.breaks_off() => {
                let why = format!("a list that was not read to its end: {}", last.line());
                return Ok(Knock { verdict: Some(Verdict::Unproven(why)), last });
            }
            None => return Ok(Knock { verdict: doubt(last), last }),
        }
        hops += 1;
    }
}

/// Whether an answer is neither a success nor a refusal.
pub(super) fn doubt(last: &Exchange) -> Option<Verdict> {
    match last.status() {
        Some(408 | 425 | 429) | None => Some(Verdict::Unproven(judge::why_undecided(last))),
        Some(200..=299 | 400..=499 | 501) => None,
        Some(_) => Some(Verdict::Unproven(judge::why_undecided(last))),
    }
}

/// All attempts, between the victim's controls and after the attacker's own request has worked plainly.
pub(super) fn try_all(
    t: &Tape<'_>,
    op: &Operation,
    aim: Aim,
    attempts: impl FnOnce(&Goal) -> Result<Vec<Request>, Halt>,
) -> Result<Verdict, Halt> {
    let found = goal(t, op, aim)?;
    let mut doubtful = None;
    for across in attempts(&found)? {
        match knock(t, op, across, &[aim.victim])?.verdict {
            Some(verdict @ Verdict::Leak(_)) => return Ok(verdict),
            Some(verdict) => doubtful = doubtful.or(Some(verdict)),
            None => {}
        }
    }
    goal(t, op, aim)?;
    Ok(doubtful.unwrap_or(Verdict::Isolated))
}

/// The attacker's ordinary request in its own place works, before anything is added to it.
pub(super) fn plain_request(t: &Tape<'_>, op: &Operation, aim: Aim) -> Result<(), Halt> {
    let ids = match op.resource {
        Some(resource) => Place::of(&standing(t, aim.attacker, resource)?).ids,
        None => Vec::new(),
    };
    let place = Place::within(aim.attacker, &ids);
    let asked = request(t, own(t, aim.attacker)?, op, &place, &Words::searching(&t.unique()))?;
    succeed(t, asked.clone(), aim.attacker)?;
    // What its own list shows on a later page anyway is no doing of what is added to the request.
    let pages = walk(t, op, asked, |page| foreign(t, page, aim.victim).is_some())?.pages;
    match pages.iter().find_map(|page| Some((foreign(t, page, aim.victim)?, page))) {
        None => Ok(()),
        Some((what, page)) => {
            Err(Halt::Unproven(format!("the plain request shows {what} as well (see api.list-own): {}", page.line())))
        }
    }
}

/// An attempt of the attacker's with its own credential.
pub(super) fn by_attacker(
    t: &Tape<'_>,
    op: &Operation,
    aim: Aim,
    place: &Place,
    words: &Words,
) -> Result<Request, Halt> {
    asked_by(t, own(t, aim.attacker)?, op, place, words)
}

/// An attempt with this credential.
pub(super) fn asked_by(
    t: &Tape<'_>,
    caller: Caller,
    op: &Operation,
    place: &Place,
    words: &Words,
) -> Result<Request, Halt> {
    Ok(Request { intent: Intent::Across, ..request(t, caller, op, place, words)? })
}
