//! Many ways to name a tenant, one after the other: each attempt is a read by the attacker, and only the victim's
//! data in an answer counts. Any refusal will do; what is no answer at all decides nothing.

use watertight_engine::call::{Caller, Request};
use watertight_engine::log::Exchange;
use watertight_engine::{Seen, Tape};
use watertight_spec::{Effect, Operation, Role, Spec, TenantIx};

use super::reading::{cut_short, is_marked, looking_for, sees};
use super::writing::in_own_place;
use crate::bracket::{self, Attack, Attempts};
use crate::check::Concluded;
use crate::shared::{
    Aim, Named, Pages, Place, Words, follow, foreign, is_turned_away, leak, own, prepared_object, redirected, request,
    succeed,
};
use crate::verdict::{Reason, ResponseClass, Stop, Unproven, class_of};

/// The operations that are tried: reads of objects that are below no other.
pub(super) fn is_tried(spec: &Spec, op: &Operation) -> bool {
    let is_root = op.resource.is_none_or(|resource| spec[resource].parent.is_none());
    op.effect == Effect::Read && is_root && matches!(op.role, Role::List | Role::Read | Role::Custom)
}

/// The attacker's ordinary request in its own place works, before anything is added to it.
pub(super) async fn plain_request(t: &Tape, op: &Operation, aim: Aim) -> Result<(), Stop> {
    let ids = match op.resource {
        Some(resource) => Place::of(&prepared_object(t, aim.attacker, resource)?).ids,
        None => Vec::new(),
    };
    let place = Place::within(aim.attacker, &ids);
    let asked = request(t, own(t, aim.attacker)?, op, &place, &Words::searching(&t.unique()))?;
    succeed(t, asked.clone(), aim.attacker).await?;
    // What its own list shows on a later page anyway is no doing of what is added to the request.
    let followed = follow(t, op, asked, |page| foreign(t, page, aim.victim).is_some()).await;
    match followed.pages.iter().find_map(|page| Some((foreign(t, page, aim.victim)?, page))) {
        None => Ok(()),
        Some((what, page)) => {
            let detail = format!("the plain request shows {what} as well (see api.list-own)");
            Err(Unproven::shown(Reason::PlainRequestLeaks, detail, page).into())
        }
    }
}

/// All attempts, between two looks of the victim's at what it sees itself. What the same request opens with nothing added is
/// no doing of what is added.
pub(super) async fn try_all(
    t: &Tape,
    op: &Operation,
    aim: Aim,
    attempts: impl FnOnce(&Goal) -> Result<Vec<Request>, Stop>,
) -> Concluded {
    let open = bracket::open(async || goal(t, op, aim).await).await?;
    let found = open.held();
    is_plainly_shut(t, op, aim, found).await?;
    let requests = attempts(found)?;
    let outcome = attempt_all(t, op, requests, &[aim.victim]).await?;
    open.attack(outcome).close().await
}

/// No simpler request opens it.
pub(super) async fn is_plainly_shut(t: &Tape, op: &Operation, aim: Aim, found: &Goal) -> Result<(), Stop> {
    for (place, check) in simpler(t, aim, found) {
        let plain = attempt(t, op, by_attacker(t, op, aim, &place, &found.words)?, &[aim.victim]).await?;
        if plain.outcome.is_leak() {
            let detail = format!("a simpler request opens it already (see {check})");
            return Err(Unproven::shown(Reason::PlainRequestLeaks, detail, &plain.last).into());
        }
    }
    Ok(())
}

/// Where nothing is added: with the victim's id alone, with one part of the request that names the victim, with all of them.
fn simpler(t: &Tape, aim: Aim, found: &Goal) -> Vec<(Place, &'static str)> {
    let named = namings(&t.spec, aim).into_iter().map(|named| found.theirs.clone().named_in(named));
    let named = named.map(|place| (place, "api.swap-path-tenant"));
    [(found.own.clone(), "api.swap-item")].into_iter().chain(named).collect()
}

/// How a request can name the victim: in one part after the other where there are several, then in all.
pub(super) fn namings(spec: &Spec, aim: Aim) -> Vec<Named> {
    let ways = spec.ways(aim.operation);
    let parts = ways.iter().filter(|_| ways.len() > 1).map(|way| Named::In(*way, aim.attacker));
    parts.chain((!ways.is_empty()).then_some(Named::Everywhere)).collect()
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

/// The control, opening and closing: the victim sees its marker through this operation.
pub(super) async fn goal(t: &Tape, op: &Operation, aim: Aim) -> Result<Goal, Stop> {
    let Some(resource) = op.resource else {
        let theirs = Place::within(aim.victim, &[]);
        let asked = request(t, own(t, aim.victim)?, op, &theirs, &Words::default())?;
        let answer = succeed(t, asked, aim.victim).await?;
        if foreign(t, &answer, aim.victim).is_none() {
            return Err(Stop::not_applicable(format!("{UNMARKED}: {}", answer.line())));
        }
        return Ok(Goal { theirs, own: Place::within(aim.attacker, &[]), words: Words::default() });
    };
    let object = prepared_object(t, aim.victim, resource)?;
    if !is_marked(t, op, &object).await? {
        return Err(Stop::not_applicable(UNMARKED));
    }
    let words = looking_for(&object);
    let theirs = Place::of(&object);
    sees(t, op, &request(t, own(t, aim.victim)?, op, &theirs, &words)?, &object).await?;
    Ok(Goal { theirs, own: in_own_place(t, aim.attacker, &object), words })
}

const UNMARKED: &str = "not even its owner sees a marker in the answer";

/// One attempt after the other, until one leaks.
pub(super) async fn attempt_all(
    t: &Tape,
    op: &Operation,
    requests: Vec<Request>,
    victims: &[TenantIx],
) -> Result<Attack, Stop> {
    let mut attempts = Attempts::default();
    for asked in requests {
        attempts.add(attempt(t, op, asked, victims).await?.outcome);
        if attempts.is_leak() {
            break;
        }
    }
    Ok(attempts.outcome())
}

/// What came of one attempt.
pub(super) struct Attempted {
    /// Withstood by a refusal as well as by an answer without the victim's data.
    pub(super) outcome: Attack,
    /// The last answer.
    pub(super) last: Seen,
}

/// How many redirects are followed.
const HOPS: usize = 2;

/// One attempt. A redirect is followed within the target: it is no refusal.
pub(super) async fn attempt(t: &Tape, op: &Operation, asked: Request, victims: &[TenantIx]) -> Result<Attempted, Stop> {
    // Not in small pages: a list that is the attacker's alone is read to its end in every attempt.
    let mut across = asked.crossing();
    let mut hops = 0;
    let mut is_away = false;
    loop {
        let followed =
            follow(t, op, across.clone(), |page| victims.iter().any(|v| foreign(t, page, *v).is_some())).await;
        let last = followed.last().cloned().ok_or_else(Unproven::nothing_sent)?;
        if let Some(evidence) = followed.pages.iter().find_map(|page| victims.iter().find_map(|v| leak(t, page, *v))) {
            return Ok(Attempted { outcome: Attack::Leaked(evidence), last });
        }
        if hops < HOPS
            && let Some(address) = redirected(&t.spec, &last)
        {
            is_away = is_away || is_turned_away(&last);
            across = across.to(address);
            hops += 1;
            continue;
        }
        // Led away to a page for people that is not made of what was asked for, as others that are refused there.
        let outcome = match is_away && matches!(last.status(), Some(200..=399)) {
            true => Attack::Withstood,
            false => without_data(&followed, &last, hops),
        };
        return Ok(Attempted { outcome, last });
    }
}

/// What an attempt means whose answers show nothing of the victim's.
fn without_data(followed: &Pages, last: &Exchange, hops: usize) -> Attack {
    // Led away to a page for people, such as a login: a challenge is no refusal.
    if hops > 0 && last.succeeded() && last.json().is_none() {
        return Attack::Undecided(Unproven::shown(Reason::Redirected, "redirected to what is no answer", last));
    }
    if followed.breaks_off() {
        return Attack::Undecided(cut_short(last));
    }
    let_in_or_refused(last)
}

/// Withstood, unless an answer is neither a success nor a refusal.
pub(super) fn let_in_or_refused(last: &Exchange) -> Attack {
    match last.status() {
        Some(408 | 425 | 429) | None => Attack::Undecided(Unproven::undecided(last)),
        Some(200..=299 | 400..=499 | 501) => Attack::Withstood,
        // A fault of SOAP that says so.
        Some(500) if class_of(last) == ResponseClass::Denied => Attack::Withstood,
        Some(_) => Attack::Undecided(Unproven::undecided(last)),
    }
}

/// What leaves one attempt undecided says nothing of the others.
pub(super) fn or_undecided(attempt: Result<Attack, Stop>) -> Result<Attack, Stop> {
    match attempt {
        Err(Stop::Unproven(doubt)) => Ok(Attack::Undecided(doubt)),
        told => told,
    }
}

/// An attempt of the attacker's with its own credential.
pub(super) fn by_attacker(t: &Tape, op: &Operation, aim: Aim, place: &Place, words: &Words) -> Result<Request, Stop> {
    asked_by(t, own(t, aim.attacker)?, op, place, words)
}

/// An attempt with this credential.
pub(super) fn asked_by(
    t: &Tape,
    caller: Caller,
    op: &Operation,
    place: &Place,
    words: &Words,
) -> Result<Request, Stop> {
    Ok(request(t, caller, op, place, words)?.crossing())
}
