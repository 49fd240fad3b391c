//! `life.access-ends`: whoever loses access has lost it, and the others have not.

use std::rc::Rc;
use std::time::Duration;

use watertight_engine::call::{ActCall, Call, Caller, Half, Request};
use watertight_engine::{Seen, Tape, WriteTape, side_by_side};
use watertight_model::{Severity, Surface};
use watertight_spec::{Act, ActIx, ActKind, Ends, Pair, Spec, TenantIx, Who};

use super::held::Held;
use super::others::Others;
use super::places::{Access, Open, open_to};
use super::until::{Asked, until};
use crate::bracket::{self, Attack, Attempts};
use crate::check::{Check, Concluded, Phase, Subject, Target, Trial, writes};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, Verdict, class_of};

pub(super) static CHECK: Check = Check {
    id: "life.access-ends",
    surface: Surface::Life,
    severity: Severity::High,
    cwe: &["CWE-613"],
    title: "Who loses access is refused within the time that the spec allows, and the others go on",
    does: "Logs in those whom an [[act]] is about, and finds up to six operations that show them an object of their tenant \
           and show anonymous requests none; for an act that makes a tenant read-only, operations by which they make or change an object. Does \
           the act, and asks again with the very same credentials until they are refused or `within` is over; then with the \
           tenant left out of each part of the request that names it; and where the act ends all access, with a credential \
           that is asked for anew. Takes the act back with `undo`. One act after the other, after all other trials.",
    judges: "leak: access is still given when `within` is over. isolated: every credential of theirs was refused in time, and other principals, of this tenant and of others, are shown their objects \
             before and after; the report has how long it took. unproven: the act or its undoing failed, nothing was open \
             before it, an answer decides nothing, or the others don't go on.",
    origin: "isolation 25, 28.4 (a membership that ended); CVE-2026-1486, GHSA-jj94-6f5c-65r8; RFC 7009",
    fix: "Let every request ask whether its session, its member and its tenant are still active, or end their tokens when \
          they lose access; a cache of that answer lives no longer than the time that you promise.",
    requests: 105,
};

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
        held.push(Held::log_in(t, *who, act.kind.ends()).await?);
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
    let concluded = match ended(t, act, &cause, &places).await {
        Ok(Ended { attack, after }) => open.attack(attack).measured(after).close().await.map_err(|stop| match stop {
            Stop::Unproven(why) => Stop::Unproven(why.about(&format!("after {}, the others must go on", act.name))),
            other => other,
        }),
        Err(stop) => Err(stop),
    };
    // Whatever came of it: it is taken back.
    let undone = match act.kind {
        ActKind::Support => Ok(()),
        _ => given_back(t, act, &places).await,
    };
    drop(quiet);
    match (concluded?, undone) {
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

/// What was done, and what may be open all the same.
struct Trying<'a> {
    t: &'a Tape,
    act: &'a Act,
    cause: &'a Seen,
    all: Attempts,
    longest: Duration,
}

async fn ended(t: &Tape, act: &Act, cause: &Seen, places: &[(&Held, Open)]) -> Result<Ended, Stop> {
    let mut trying = Trying { t, act, cause, all: Attempts::default(), longest: Duration::ZERO };
    trying.try_each(places, |_, _| vec![With::TheSame]).await?;
    trying.try_each(places, |held, place| fewer_names(t, held, place)).await?;
    if act.kind.ends() != Ends::Held {
        let new = |held: &Held, _: &Open| if held.can_log_in_again(t) { vec![With::ANewOne] } else { Vec::new() };
        trying.try_each(places, new).await?;
    }
    Ok(Ended { attack: trying.all.outcome(), after: trying.longest })
}

/// With what access is tried that has ended.
enum With {
    /// The very credential that was held.
    TheSame,
    /// The same with the tenant named in fewer places than it was.
    FewerNames(Box<Request>),
    /// A credential that is asked for after the act.
    ANewOne,
}

fn fewer_names(t: &Tape, held: &Held, place: &Open) -> Vec<With> {
    place.with_fewer_names(t, &held.caller).into_iter().map(|request| With::FewerNames(Box::new(request))).collect()
}

impl With {
    async fn ask(&self, t: &Tape, held: &Held, place: &Open) -> Result<Asked, Stop> {
        match self {
            Self::TheSame => place.present(t, held.caller.clone()).await,
            Self::FewerNames(request) => Ok(place.asked_with_less(t.send(Request::clone(request).crossing()).await)),
            Self::ANewOne => match held.log_in_again(t).await {
                Ok(caller) => place.present(t, caller).await,
                Err(refused) => Ok(refused),
            },
        }
    }

    fn says(&self) -> &'static str {
        match self {
            Self::TheSame => "has access",
            Self::FewerNames(_) => "has access where the request names the tenant in fewer places",
            Self::ANewOne => "logs in anew, and has access",
        }
    }
}

impl Trying<'_> {
    /// In one place after the other. What takes its time to end takes it once: so the first is tried by itself. One leak is
    /// enough.
    async fn try_each(
        &mut self,
        places: &[(&Held, Open)],
        with: impl Fn(&Held, &Open) -> Vec<With>,
    ) -> Result<(), Stop> {
        let all: Vec<_> = places
            .iter()
            .flat_map(|(held, place)| with(held, place).into_iter().map(move |with| (*held, place, with)))
            .collect();
        // Several steps of one principal's log-ins share what cookies they set.
        let is_in_steps =
            |(held, _, with): &(&Held, _, With)| matches!(with, With::ANewOne) && held.logs_in_in_steps(self.t);
        let at_a_time = if all.iter().any(is_in_steps) { 1 } else { all.len().max(1) };
        let (first, others) = all.split_at(all.len().min(1));
        for some in std::iter::once(first).chain(others.chunks(at_a_time)) {
            if self.all.is_leak() {
                return Ok(());
            }
            let tried = some.iter().map(|(held, place, with)| self.until_refused(held, place, with));
            for tried in side_by_side(tried).await {
                let (attack, after) = tried?;
                self.all.add(attack);
                self.longest = self.longest.max(after);
            }
        }
        Ok(())
    }

    /// Until it is refused, or time is up; and how long it was good.
    async fn until_refused(&self, held: &Held, place: &Open, with: &With) -> Result<(Attack, Duration), Stop> {
        let Self { t, act, cause, .. } = *self;
        let is_refused = |access: &Access| matches!(access, Access::Refused);
        let (asked, since) = until(t, (act, cause), is_refused, async || with.ask(t, held, place).await).await?;
        let attack = match asked.access {
            Access::Refused if !held.is_access_refused(t, cause, &asked.answer) => {
                let detail = "its command has brought no new token since the act, whether it was refused one or failed";
                Attack::Undecided(Unproven::shown(Reason::NoToken, detail, &asked.answer))
            }
            Access::Refused => return Ok((Attack::Withstood, since)),
            Access::Unclear(unproven) => Attack::Undecided(unproven),
            Access::Given => {
                let (name, does) = (t.spec.name_of(held.who), with.says());
                let line = format!("{:.1} s after {}, {name} {does}", since.as_secs_f32(), act.name);
                let evidence = Evidence::of(Shows::CredentialAccepted, line, &asked.answer);
                Attack::Leaked(evidence.with("the act, which succeeded", cause))
            }
        };
        Ok((attack, Duration::ZERO))
    }
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
    let of_spec = places.iter().filter(|(held, _)| !t.spec[held.who].credential.makes_account());
    let of_spec: Vec<&(&Held, Open)> = of_spec.collect();
    let (first, others) = of_spec.split_at(of_spec.len().min(1));
    for some in [first, others] {
        let given = side_by_side(some.iter().map(|(held, place)| is_given_back(t, act, &cause, (held, place)))).await;
        given.into_iter().collect::<Result<(), Stop>>()?;
    }
    Ok(())
}

async fn is_given_back(t: &Tape, act: &Act, cause: &Seen, (held, place): (&Held, &Open)) -> Result<(), Stop> {
    let is_given = |access: &Access| matches!(access, Access::Given);
    let ask = async || place.present(t, Caller::Own(held.who)).await;
    let (asked, _) = until(t, (act, cause), is_given, ask).await?;
    if is_given(&asked.access) {
        return Ok(());
    }
    let why = format!("{} was taken back, and {} is still refused", act.name, t.spec.name_of(held.who));
    Err(Unproven::shown(Reason::ControlFailed, why, &asked.answer).into())
}
