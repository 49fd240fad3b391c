//! `life.access-ends`: whoever loses access has lost it, and the others have not.

use std::rc::Rc;
use std::time::Duration;

use watertight_engine::call::{ActCall, Call, Caller, Half};
use watertight_engine::log::Exchange;
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Act, ActIx, ActKind, Ends, Pair, Spec, TenantIx, Who};

use super::held::Held;
use super::others::Others;
use super::places::{Access, Open, open_to};
use crate::bracket::{self, Attack, Attempts};
use crate::check::{Check, Concluded, Phase, Subject, Target, Trial, writes};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, Verdict, class_of};

pub(super) static CHECK: Check = Check {
    id: "life.access-ends",
    surface: Surface::Life,
    severity: Severity::High,
    cwe: &["CWE-613"],
    title: "Who loses access is refused within the time that the spec allows, and the others go on",
    does: "Logs those in whom an [[act]] is about, and finds up to six operations that show them an object of their tenant. \
           (where a tenant becomes read-only: that let them make one). Does the act, and asks again with the very same credentials until they are refused or `within` is over; then \
           once more with the tenant left out of each part of the request that names it, and, where the act ends all \
           access, with a credential that is asked for anew. Takes the act back with `undo`. One tenant after the other, \
           after all other trials.",
    judges: "leak: access is still given when `within` is over, or to a new credential. isolated: every credential of \
             theirs was refused in time, and other principals, of this tenant and of others, are shown their objects \
             before and after; the report has how long it took. unproven: the act or its undoing failed, nothing was open \
             before it, an answer decides nothing, or the others don't go on.",
    origin: "isolation 25, 28.4 (a membership that ended); CVE-2026-1486, GHSA-jj94-6f5c-65r8; RFC 7009",
    fix: "Let every request ask whether its session, its member and its tenant are still active, or end their tokens when \
          they lose access; a cache of that answer lives no longer than the time that you promise.",
    requests: 40,
};

/// How often it is looked again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    let tenants: Vec<TenantIx> = spec.tenant_ixs().collect();
    let next = |tenant: TenantIx| tenants.iter().copied().cycle().skip_while(move |one| *one != tenant).nth(1);
    let trial = |act: ActIx| {
        let attacker = spec[act].tenant;
        Some(Trial {
            check: &CHECK,
            pair: Pair { attacker, victim: next(attacker)? },
            subject: Subject::Act(act),
            targets: Rc::from([Target::Credential]),
            phase: Phase::Last,
            script: writes(move |w| Box::pin(access_ends(w, act))),
        })
    };
    spec.act_ixs().filter_map(trial).collect()
}

async fn access_ends(w: WriteTape<'_>, act: ActIx) -> Concluded {
    let t = w.tape();
    let act = &t.spec[act];
    // While it waits, no other act may end or give anything: they would be taken for this one's.
    let quiet = t.quiet(t.spec.tenant_ixs()).await;
    let mut held = Vec::new();
    for who in &act.of {
        held.push(Held::log_in(t, *who).await?);
    }
    let others = Others::of(t, act).await?;
    let open = bracket::open(async || others.go_on(t).await).await?;
    let (cause, places) = match act.kind {
        ActKind::Support => {
            // Someone from outside is let in first, and out again whatever is open then.
            done(t, act, Half::Do, &held).await?;
            let places = places(t, act, &held).await;
            (done(t, act, Half::Undo, &held).await?, places?)
        }
        _ => {
            let places = places(t, act, &held).await?;
            (done(t, act, Half::Do, &held).await?, places)
        }
    };
    let Ended { attack, after } = ended(t, act, &cause, (&held, &places)).await;
    let closed = open.attack(attack).measured(after).close().await.map_err(|stop| match stop {
        Stop::Unproven(why) => Stop::Unproven(why.about(&format!("after {}, the others must go on", act.name))),
        other => other,
    });
    // Whatever came of it: it is taken back.
    let undone = match act.kind {
        ActKind::Support => Ok(()),
        _ => given_back(t, act, &places).await,
    };
    drop(quiet);
    match (closed?, undone) {
        (verdict @ Verdict::Leak(_), _) | (verdict, Ok(())) => Ok(verdict),
        (_, Err(stop)) => Err(stop),
    }
}

/// Where each of them is shown an object before access ends.
async fn places<'h>(t: &Tape, act: &Act, held: &'h [Held]) -> Result<Vec<(&'h Held, Open)>, Stop> {
    let mut places = Vec::new();
    for one in held {
        places.extend(open_to(t, one, act.kind.ends()).await?.into_iter().map(|open| (one, open)));
    }
    Ok(places)
}

/// What the end of access came to.
struct Ended {
    attack: Attack,
    /// How long the last credential was good.
    after: Duration,
}

async fn ended(t: &Tape, act: &Act, cause: &Seen, (held, places): (&[Held], &[(&Held, Open)])) -> Ended {
    let mut all = Attempts::default();
    let after = refused(t, act, cause, places, &mut all).await;
    if !all.is_leak() {
        under_fewer_names(t, cause, places, &mut all).await;
    }
    if !all.is_leak() && act.kind.ends() != Ends::Held {
        logged_in_anew(t, cause, held, places, &mut all).await;
    }
    Ended { attack: all.outcome(), after }
}

/// The same credentials at the same places, until all are refused or the time is over. Returns how long the last was good.
async fn refused(t: &Tape, act: &Act, cause: &Seen, places: &[(&Held, Open)], all: &mut Attempts) -> Duration {
    let mut longest = Duration::ZERO;
    for (held, place) in places {
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = match place.present(t, held.caller.clone()).await {
                Ok(answer) => answer,
                Err(stop) => {
                    all.stopped(stop);
                    break;
                }
            };
            let since = since(cause, &answer);
            let attack = match place.access(&answer) {
                Access::Refused => {
                    longest = longest.max(since);
                    Attack::Withstood
                }
                _ if since < act.within => {
                    t.wait(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                    continue;
                }
                Access::Unclear(unproven) => Attack::Undecided(unproven),
                Access::Given => {
                    let name = t.spec.name_of(held.who);
                    let late = format!("{:.1} s after {}, {name} still has access", since.as_secs_f32(), act.name);
                    Attack::Leaked(leak(late, &answer, cause))
                }
            };
            all.add(attack);
            break;
        }
        if all.is_leak() {
            break;
        }
    }
    longest
}

/// The same with the tenant named in fewer places than it was.
async fn under_fewer_names(t: &Tape, cause: &Seen, places: &[(&Held, Open)], all: &mut Attempts) {
    for (held, place) in places {
        for request in place.with_fewer_names(t, &held.caller) {
            let answer = t.send(request.crossing()).await;
            match place.access(&answer) {
                // A path that names less need not be one of the target's.
                _ if answer.status().is_some_and(|status| (400..429).contains(&status)) => {}
                Access::Refused => {}
                Access::Unclear(unproven) => all.add(Attack::Undecided(unproven)),
                Access::Given => {
                    let name = t.spec.name_of(held.who);
                    let line =
                        format!("{name} is refused, and where the request names the tenant in fewer places it is not");
                    all.add(Attack::Leaked(leak(line, &answer, cause)));
                    return;
                }
            }
        }
    }
}

/// With a credential that is asked for after the act.
async fn logged_in_anew(t: &Tape, cause: &Seen, held: &[Held], places: &[(&Held, Open)], all: &mut Attempts) {
    for one in held {
        let Some(Ok(caller)) = one.log_in_again(t).await else { continue };
        for (_, place) in places.iter().filter(|(of, _)| of.who == one.who) {
            let answer = match place.present(t, caller.clone()).await {
                Ok(answer) => answer,
                Err(stop) => {
                    all.stopped(stop);
                    continue;
                }
            };
            match place.access(&answer) {
                Access::Refused => {}
                Access::Unclear(unproven) => all.add(Attack::Undecided(unproven)),
                Access::Given => {
                    let line = format!("{} logs in anew, and has access", t.spec.name_of(one.who));
                    all.add(Attack::Leaked(leak(line, &answer, cause)));
                    return;
                }
            }
        }
    }
}

fn leak(line: String, answer: &Exchange, cause: &Exchange) -> Evidence {
    Evidence::of(Shows::CredentialAccepted, line, answer).with("the act, which succeeded", cause)
}

/// From the end of one exchange to the beginning of another.
fn since(cause: &Exchange, answer: &Exchange) -> Duration {
    Duration::from_millis(answer.at.saturating_sub(cause.at.saturating_add(cause.took)))
}

/// Does an act, or takes it back.
async fn done(t: &Tape, act: &Act, half: Half, held: &[Held]) -> Result<Seen, Stop> {
    let by = match half {
        Half::Do => act.by,
        Half::Undo => {
            let other = act.undo.as_ref().and_then(|undo| undo.by);
            other.map_or(act.by, |principal| Who { tenant: act.tenant, principal })
        }
    };
    let of = held.iter().find(|held| held.who == by).map(|held| held.caller.clone());
    let caller = of.unwrap_or(Caller::Own(by));
    let answer = t.call(Call::Act(ActCall { act: act.ix, half, caller })).await;
    let is_done = match class_of(&answer) {
        ResponseClass::Success => true,
        // Many a log-out leads on to another page.
        _ => answer.status().is_some_and(|status| (300..400).contains(&status)),
    };
    let what = match half {
        Half::Do => format!("{} failed", act.name),
        Half::Undo => format!("the undoing of {} failed", act.name),
    };
    if is_done { Ok(answer) } else { Err(Unproven::shown(Reason::ControlFailed, what, &answer).into()) }
}

/// Takes an act back.
pub(crate) async fn undo(t: &Tape, act: &Act) -> Result<Seen, Stop> {
    done(t, act, Half::Undo, &[]).await
}

/// Takes an act back, and waits until those are let in again who have their account from the spec.
async fn given_back(t: &Tape, act: &Act, places: &[(&Held, Open)]) -> Result<(), Stop> {
    if act.undo.is_none() {
        return Ok(());
    }
    let cause = undo(t, act).await?;
    for (held, place) in places.iter().filter(|(held, _)| !t.spec[held.who].credential.makes_account()) {
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = place.present(t, Caller::Own(held.who)).await?;
            if let Access::Given = place.access(&answer) {
                break;
            }
            if since(&cause, &answer) >= act.within {
                let why = format!("{} was taken back, and {} is still refused", act.name, t.spec.name_of(held.who));
                return Err(Unproven::shown(Reason::ControlFailed, why, &answer).into());
            }
            t.wait(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }
    Ok(())
}
