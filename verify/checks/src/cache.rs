//! Caches, as far as answers show them: `cache.cross-tenant-hit`.

use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Seen, Tape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, ResourceIx, Role, Spec, TenantIx};

use crate::api::{crosses, is_marked, is_view, looking_for, own_prefix, tells_of, view_place};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Target, Trial, plants};
use crate::shared::{
    Aim, Doubles, Fresh, Place, Told, Words, again, asked_afresh, clear_object, control, each, first_page, foreign,
    is_creatable, is_turned_away, known_doubles, leak, own, prepared_object, reason, remove, request, search_doubles,
    succeed, told_each,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, Verdict, class_of};
use crate::{Kind, TriedBy};

static CHECK: Check = Check {
    id: "cache.cross-tenant-hit",
    surface: Surface::Cache,
    severity: Severity::Critical,
    cwe: &["CWE-524", "CWE-639"],
    title: "One tenant primes a cache, another asks",
    does: "The victim reads its object, the attacker reads its own at the same id, twice in turn. Ids that both have \
           are found or made; where ids never coincide, the attacker asks for what the victim has just read, and for \
           what nobody has read. Of lists, counts and views, the attacker asks for its own after the victim has; and \
           with parameters that no one has ever sent.",
    judges: "Leak: the attacker's answer shows the victim's marker. Isolated: each sees its own, or the attacker is \
             denied. Unproven: a control fails or shows foreign data (the pair the other way round then leaks), or the \
             attacker is shown what no cache can have yet: then none is needed for it.",
    origin: "isolation 28.2: a cache key without the tenant. genblaze #68, FluidFramework #24962.",
    fix: "Make the tenant a part of every key by type; never cache tenant data under a resource's id alone.",
    requests: 8,
};

/// In the order of the catalogue.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![Kind { check: &CHECK, trials, tried_by: TriedBy::Caller }]
}

fn trials(spec: &Spec) -> Vec<Trial> {
    let fits = |op: &Operation| {
        let is_kind = matches!(op.role, Role::Read | Role::Custom | Role::List | Role::View | Role::Count);
        op.request.method == "GET" && op.effect == Effect::Read && is_kind
    };
    let target = |op: &Operation| single(op).map_or(Target::Answer, Target::Object);
    let targets = |op: &Operation| if fits(op) { vec![target(op)] } else { Vec::new() };
    each(spec, &CHECK, Phase::Main, targets, |aim| plants(move |t| again(t, async move || try_it(t, aim).await)))
}

/// The kind of the one object that it answers for.
fn single(op: &Operation) -> Option<ResourceIx> {
    op.resource.filter(|_| !matches!(op.role, Role::List | Role::Count) && !is_view(op))
}

async fn try_it(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let Some(resource) = single(op) else { return by_path(t, op, aim).await };
    let theirs = prepared_object(t, aim.victim, resource)?;
    if !is_marked(t, op, &theirs).await? {
        return Err(Stop::not_applicable(UNMARKED));
    }
    if let Some(Doubles { mine, theirs }) = known_doubles(t, aim.pair(), resource) {
        return take_turns(t, op, aim, &theirs, &Place::of(&mine), Expect::Own(&mine)).await;
    }
    let Some(w) = t.writing() else { return by_refusal(t, op, aim, &theirs).await };
    let found = search_doubles(w, aim.pair(), resource).await?;
    let concluded = match &found {
        Ok(Doubles { mine, theirs }) => take_turns(t, op, aim, theirs, &Place::of(mine), Expect::Own(mine)).await,
        Err(nothing) => by_refusal(t, op, aim, &theirs).await.map(|verdict| verdict.beside(nothing)),
    };
    if matches!(concluded, Ok(Verdict::Leak(_))) {
        return concluded;
    }
    let removed = match &found {
        Ok(doubles) => doubles.discard(w).await,
        Err(_) => Ok(()),
    };
    concluded.and_then(|verdict| removed.map(|()| verdict))
}

const UNMARKED: &str = "not even its owner sees a marker in the answer";

/// Where no id is known that both have: the attacker asks for what the victim has just read, in its own place.
async fn by_refusal(t: &Tape, op: &Operation, aim: Aim, theirs: &Object) -> Concluded {
    let verdict = take_turns(t, op, aim, theirs, &Place::of(theirs).in_tenant(aim.attacker), Expect::Refusal).await?;
    match verdict {
        Verdict::Leak(_) => is_cached(t, op, aim, theirs).await.map(|()| verdict),
        _ => Ok(verdict),
    }
}

/// That the attacker is not shown an object that the victim has not read yet: else no cache is needed for what it was
/// shown. Where the attacker has an object of its own at that id, it says nothing.
async fn is_cached(t: &Tape, op: &Operation, aim: Aim, theirs: &Object) -> Result<(), Stop> {
    let resource = theirs.resource;
    let Some(w) = t.writing().filter(|_| is_creatable(&t.spec, resource)) else {
        return is_only_cached(t, op, aim, theirs).await;
    };
    let in_own_place = |tenant: TenantIx, object: &Object| Place::of(object).in_tenant(tenant);
    let unread = clear_object(w, aim.pair(), resource, in_own_place).await?;
    let place = in_own_place(aim.attacker, &unread);
    let seen = t.send(request(t, own(t, aim.attacker)?, op, &place, &Words::default())?.crossing()).await;
    remove(w, &unread).await?;
    match foreign(t, &seen, aim.victim) {
        None => Ok(()),
        Some(_) => {
            let detail = "the plain request opens what no cache can have yet (see api.swap-item)";
            Err(Unproven::shown(Reason::PlainRequestLeaks, detail, &seen).into())
        }
    }
}

/// The same where nothing can be made: what is not shown with a parameter that no one has sent, a cache has shown.
async fn is_only_cached(t: &Tape, op: &Operation, aim: Aim, theirs: &Object) -> Result<(), Stop> {
    let by_owner = request(t, own(t, aim.victim)?, op, &Place::of(theirs), &Words::default())?;
    let place = Place::of(theirs).in_tenant(aim.attacker);
    let by_attacker = request(t, own(t, aim.attacker)?, op, &place, &Words::default())?.crossing();
    let is_shown = |seen: &Exchange| foreign(t, seen, aim.victim).is_some();
    match asked_afresh(t, &by_attacker, &by_owner, is_shown).await {
        Fresh::Nothing(_) => Ok(()),
        Fresh::Same => {
            let detail = "the plain request opens it already (see api.swap-item)";
            Err(Unproven::new(Reason::PlainRequestLeaks, detail).into())
        }
    }
}

/// What the attacker's request must come to, for the pair to mean something.
#[derive(Clone, Copy)]
enum Expect<'o> {
    /// It has an object of its own there.
    Own(&'o Object),
    /// Nothing that the run has put there.
    Refusal,
}

/// The victim's reading is the control: before the first attack, between the two, and after the second.
async fn take_turns(
    t: &Tape,
    op: &Operation,
    aim: Aim,
    theirs: &Object,
    place: &Place,
    expect: Expect<'_>,
) -> Concluded {
    let by_victim = request(t, own(t, aim.victim)?, op, &Place::of(theirs), &looking_for(theirs))?;
    let words = match expect {
        Expect::Own(mine) => looking_for(mine),
        Expect::Refusal => Words::default(),
    };
    let by_attacker = request(t, own(t, aim.attacker)?, op, place, &words)?.crossing();
    let open = bracket::open(async || control(t, &by_victim, theirs).await).await?;
    let mut attack = turn(t, aim, &by_attacker, expect).await;
    if attack == Attack::Withstood {
        control(t, &by_victim, theirs).await?;
        attack = turn(t, aim, &by_attacker, expect).await;
    }
    open.attack(attack).close().await
}

async fn turn(t: &Tape, aim: Aim, by_attacker: &Request, expect: Expect<'_>) -> Attack {
    let seen = t.send(by_attacker.clone()).await;
    match leak(t, &seen, aim.victim) {
        Some(evidence) => Attack::Leaked(evidence),
        None => unexpected(t, &seen, aim, expect).map_or(Attack::Withstood, Attack::Undecided),
    }
}

fn unexpected(t: &Tape, seen: &Exchange, aim: Aim, expect: Expect<'_>) -> Option<Unproven> {
    match (class_of(seen), expect) {
        (ResponseClass::Denied, Expect::Refusal) => None,
        (ResponseClass::Undecided, Expect::Refusal) if is_turned_away(seen) => None,
        // At that id there was something already, of the attacker's own, or the refusal is a success (a page that says so): no
        // marker of the victim's is in it.
        (ResponseClass::Success, Expect::Refusal) => None,
        (ResponseClass::Success, _) if foreign(t, seen, aim.attacker).is_some() => None,
        (ResponseClass::Success, _) => {
            Some(Unproven::shown(Reason::MarkerNotSeen, "the attacker does not see its own marker", seen))
        }
        (ResponseClass::Denied, Expect::Own(_)) => {
            Some(Unproven::shown(Reason::ControlFailed, "the attacker was denied its own", seen))
        }
        (ResponseClass::NotOffered | ResponseClass::Undecided, _) => Some(Unproven::undecided(seen)),
    }
}

/// A list, a count, a view, or a read without objects: the same path for both where it names no tenant, each its own otherwise.
async fn by_path(t: &Tape, op: &Operation, aim: Aim) -> Concluded {
    let of = |tenant: TenantIx| -> Result<Request, Stop> {
        Ok(first_page(&t.spec, op, request(t, own(t, tenant)?, op, &view_place(t, op, tenant)?, &Words::default())?))
    };
    let (by_victim, by_attacker) = (of(aim.victim)?, of(aim.attacker)?.crossing());
    let opened = bracket::open(async || prime(t, aim.victim, &by_victim).await).await;
    let open = match opened {
        Err(Stop::Unproven(doubt)) if doubt.reason == Reason::MarkerNotSeen => {
            return unmarked(t, aim, &by_victim, &by_attacker).await;
        }
        opened => opened?,
    };
    let mut attack = ask_by_path(t, aim, &by_attacker).await;
    if attack == Attack::Withstood {
        prime(t, aim.victim, &by_victim).await?;
        attack = ask_by_path(t, aim, &by_attacker).await;
    }
    if let Attack::Leaked(evidence) = &attack {
        attack = only_where_cached(t, aim, &by_attacker, evidence.clone()).await;
    }
    open.attack(attack).close().await
}

/// Where nothing marks the answer: the attacker is told something of its own, or what the victim is told, from a cache.
async fn unmarked(t: &Tape, aim: Aim, by_victim: &Request, by_attacker: &Request) -> Concluded {
    let open = bracket::open(async || succeed(t, by_victim.clone(), aim.victim).await).await?;
    let outcome = match told_each(t, aim, by_victim, by_attacker).await? {
        Told::Apart => Attack::Withstood,
        Told::Same => return Err(Stop::not_applicable(UNMARKED)),
        Told::Cached { across, afresh } => Attack::Leaked(
            Evidence::of(Shows::ForeignData, "the attacker was given the victim's answer, word for word", &across)
                .with("with a parameter that no one has sent, it is given another", &afresh),
        ),
    };
    open.attack(outcome).close().await
}

/// The victim asks, and sees a marker of its own.
async fn prime(t: &Tape, victim: TenantIx, by_victim: &Request) -> Result<Seen, Stop> {
    let primed = succeed(t, by_victim.clone(), victim).await?;
    match tells_of(t, &primed, victim) {
        true => Ok(primed),
        false => Err(Unproven::shown(Reason::MarkerNotSeen, UNMARKED, &primed).into()),
    }
}

async fn ask_by_path(t: &Tape, aim: Aim, by_attacker: &Request) -> Attack {
    let seen = t.send(by_attacker.clone()).await;
    match crosses(t, &seen, aim, &own_prefix(t, aim.attacker)) {
        Some(evidence) => Attack::Leaked(evidence),
        None if class_of(&seen) == ResponseClass::Success => Attack::Withstood,
        None => Attack::Undecided(Unproven::shown(reason(&seen), "the attacker can't read its own", &seen)),
    }
}

/// What is shown where no cache can have it is no cache's doing.
async fn only_where_cached(t: &Tape, aim: Aim, by_attacker: &Request, evidence: Evidence) -> Attack {
    let prefix = own_prefix(t, aim.attacker);
    let is_shown = |seen: &Exchange| crosses(t, seen, aim, &prefix).is_some();
    match asked_afresh(t, by_attacker, by_attacker, is_shown).await {
        Fresh::Nothing(_) => Attack::Leaked(evidence),
        Fresh::Same => {
            let detail = "the plain request shows it where no cache can have it (see api.list-own)";
            Attack::Undecided(Unproven::new(Reason::PlainRequestLeaks, detail))
        }
    }
}
