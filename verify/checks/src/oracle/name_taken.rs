//! `oracle.name-taken`

use watertight_engine::log::Exchange;
use watertight_engine::planted::{Marker, Object, Witness};
use watertight_engine::{Seen, Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{IdSource, ObjectId, Operation, ResourceIx, Role, Spec, Symbol};

use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Target, Trial, writes};
use crate::shared::{
    Aim, Features, Made, NAMELESS, Place, Tells, Words, again, each, fresh_parents, ids_count, is_creatable, leak,
    operation_of, own, poll, read, reason, remove, request, succeed_or_lead_on, told_apart,
};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(super) static CHECK: Check = Check {
    id: "oracle.name-taken",
    surface: Surface::Oracle,
    severity: Severity::Low,
    cwe: &["CWE-203"],
    title: "A name that another tenant has taken",
    does: "The victim creates under a name of its choosing (an id, a unique field, a key against repetition); the attacker creates under the \
           same name and under a free one, in its own place.",
    judges: "Leak: the answer shows what the victim has under that name, or the victim reads in it what the attacker \
             wrote, or the attacker is told that it has made the victim's object. Advisory: the answers differ in the same way each time, so names of other tenants can be guessed. \
             Isolated: both are accepted the same way. Unproven: a control fails, or the free name is refused as well.",
    origin: "isolation 18.2: a unique constraint that lacks the tenant. Global namespaces that clients name into. \
             kortix-ai/suna #5267: a replay key without the account. tale-project/tale #2036: a create that takes over \
             another organisation's user.",
    fix: "Make names unique within the tenant; where they must be global, hand them out at random.",
    requests: 18,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    let targets = |op: &Operation| {
        let made = op.resource.filter(|_| op.role == Role::Create);
        let id = made.filter(|r| spec[*r].ids == IdSource::Client).map(Target::Object);
        let name = made.filter(|_| has_unique(op)).map(|_| Target::Name);
        id.into_iter().chain(name).collect()
    };
    each(spec, &CHECK, Phase::Main, targets, |aim| writes(move |w| again(w.tape(), async move || try_it(w, aim).await)))
}

fn has_unique(op: &Operation) -> bool {
    op.request.symbols().into_iter().any(Symbol::is_unique)
}

/// How often each kind of name is tried.
const ROUNDS: usize = 2;

async fn try_it(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let Some(resource) = aim.op(&w).resource else { return Err(Stop::not_applicable("it concerns no object")) };
    if !is_creatable(&w.spec, resource) {
        return Err(Stop::not_applicable("nothing may be created here"));
    }
    let parents = fresh_parents(w, aim.attacker, resource).await?;
    let (mut taken, mut tells) = (Vec::new(), Tells::InAnswer);
    for _ in 0..ROUNDS {
        let name = w.unique();
        let (object, tells_here) = take(w, aim, resource, &name).await?;
        tells = tells_here;
        taken.push((object, name));
    }
    let open = bracket::open(async || -> Result<(), Stop> {
        for (object, _) in &taken {
            read(&w, object).await?;
        }
        Ok(())
    })
    .await?;
    let attack = compare(w, aim, &Creating { place: Place::within(aim.attacker, &parents), tells }, &taken).await?;
    let verdict = open.attack(attack).close().await?;
    for (object, _) in &taken {
        remove(w, object).await?;
    }
    Ok(verdict)
}

/// The victim takes the name.
async fn take(w: WriteTape<'_>, aim: Aim, resource: ResourceIx, name: &str) -> Result<(Object, Tells), Stop> {
    let canary = w.canary(aim.victim);
    let parents = fresh_parents(w, aim.victim, resource).await?;
    let words = Words { unique: Some(name.to_owned()), ..Words::canary(&canary) };
    let place = Place::within(aim.victim, &parents).and(resource, name.to_owned());
    let asked = request(&w, own(&w, aim.victim)?, aim.op(&w), &place, &words)?;
    let made = succeed_or_lead_on(&w, asked, aim.victim).await?;
    let tells = Tells::by(&w.spec, resource, &made);
    let words = [canary.public.as_str(), &canary.secret];
    let found = Made { tenant: aim.victim, resource, parents: &parents, words: &words };
    let id = id_of_made(&w, &found, tells, name, &made).await?;
    let id = id.ok_or_else(|| Unproven::shown(Reason::UnclearAnswer, NAMELESS, &made))?;
    let marker = match aim.op(&w).request.mentions(&Symbol::Canary) {
        true => Marker::Planted(canary),
        false => Marker::Witnessed(Witness::default()),
    };
    Ok((Object { tenant: aim.victim, resource, id, parents, marker }, tells))
}

/// How the attacker creates.
struct Creating {
    /// In its own place.
    place: Place,
    tells: Tells,
}

/// The attacker creates under each name that is taken, and under a free one.
async fn compare(w: WriteTape<'_>, aim: Aim, creating: &Creating, names: &[(Object, String)]) -> Result<Attack, Stop> {
    let (mut of_taken, mut of_free) = (Vec::new(), Vec::new());
    let mut shown: Option<(Seen, Seen)> = None;
    for (object, name) in names {
        let tried = create(w, aim, &creating.place, name).await?;
        if let Some(evidence) = crossed(&w, object, &tried).await? {
            return Ok(Attack::Leaked(evidence));
        }
        if let Some(evidence) = given_theirs(w, aim, creating, name, object, &tried).await? {
            return Ok(Attack::Leaked(evidence));
        }
        let made = undo(w, aim, creating, name, &tried).await?;
        of_taken.push(features_of(&tried, name, made.as_ref()));
        let taken = tried.answer;
        let free_name = w.unique();
        let tried = create(w, aim, &creating.place, &free_name).await?;
        let made = undo(w, aim, creating, &free_name, &tried).await?;
        of_free.push(features_of(&tried, &free_name, made.as_ref()));
        let free = tried.answer;
        if !free.succeeded() && made.is_none() {
            let doubt = Unproven::shown(reason(&free), "a free name is refused as well", &free);
            return Ok(Attack::Undecided(doubt));
        }
        if matches!(taken.status(), Some(429 | 500..=599) | None) {
            return Ok(Attack::Undecided(Unproven::undecided(&taken)));
        }
        shown = shown.or(Some((taken, free)));
    }
    Ok(match (told_apart(&of_taken, &of_free), shown) {
        (Some(what), Some((taken, free))) => {
            let line =
                format!("answers for a name that the victim has taken differ from answers for a free name ({what})");
            Attack::Weak(Evidence::of(Shows::ForeignKnowledge, line, &taken).with("a free name", &free))
        }
        (_, None) => Attack::Undecided(Unproven::nothing_sent()),
        (None, Some(_)) => Attack::Withstood,
    })
}

/// A create by the attacker.
struct Tried {
    answer: Seen,
    nonce: String,
}

/// The attacker creates under the name in its own place.
async fn create(w: WriteTape<'_>, aim: Aim, place: &Place, name: &str) -> Result<Tried, Stop> {
    let op = aim.op(&w);
    let Some(resource) = op.resource else { return Err(Stop::not_applicable("it concerns no object")) };
    let nonce = w.nonce(aim.attacker);
    let words = Words { unique: Some(name.to_owned()), ..Words::nonce(&nonce) };
    let asked = request(&w, own(&w, aim.attacker)?, op, &place.clone().and(resource, name.to_owned()), &words)?;
    Ok(Tried { answer: w.send(asked.crossing()).await, nonce })
}

/// What shows that the attacker has got at what the victim has under that name.
async fn crossed(t: &Tape, object: &Object, tried: &Tried) -> Result<Option<Evidence>, Stop> {
    if let Some(evidence) = leak(t, &tried.answer, object.tenant) {
        return Ok(Some(evidence));
    }
    let Some(op) = operation_of(&t.spec, object.resource, Role::Read) else { return Ok(None) };
    let by_owner = request(t, own(t, object.tenant)?, op, &Place::of(object), &Words::default())?;
    let seen = t.send(by_owner).await;
    Ok(seen.mentions(&tried.nonce).then(|| {
        let line = "the attacker wrote into what the victim has under the same name";
        Evidence::of(Shows::ForeignWrite, line, &tried.answer)
            .with(format!("the victim reads {}, which the attacker sent", tried.nonce), &seen)
    }))
}

/// What shows that the attacker was given the victim's object as what it has made: its id, at which the attacker does not
/// read what it wrote. Ids may count per tenant.
async fn given_theirs(
    w: WriteTape<'_>,
    aim: Aim,
    Creating { place, tells }: &Creating,
    name: &str,
    object: &Object,
    Tried { answer, nonce }: &Tried,
) -> Result<Option<Evidence>, Stop> {
    let template = &aim.op(&w).request;
    // Where ids count, what the attacker wrote is all that tells its own object from the victim's.
    let is_told_apart = template.mentions(&Symbol::Canary) || template.mentions(&Symbol::CanaryPublic);
    let may_meet = ids_count(&w, aim.victim, object.resource) && !is_told_apart;
    if w.spec[object.resource].ids != IdSource::Server || !answer.lets_in() || may_meet {
        return Ok(None);
    }
    let made = Made { tenant: aim.attacker, resource: object.resource, parents: &place.ids, words: &[nonce] };
    let id = id_of_made(&w, &made, *tells, name, answer).await?;
    let Some(op) = operation_of(&w.spec, object.resource, Role::Read).filter(|_| id.as_ref() == Some(&object.id))
    else {
        return Ok(None);
    };
    let at = place.clone().and(object.resource, &object.id);
    let asked = request(&w, own(&w, aim.attacker)?, op, &at, &Words::default())?.crossing();
    let mut last = None;
    let own_words = poll(&w, async || {
        let seen = w.send(asked.clone()).await;
        let is_own = seen.mentions(nonce);
        last = Some(seen);
        Ok(is_own.then_some(()))
    })
    .await?;
    Ok(last.filter(|_| own_words.is_none()).map(|seen| {
        let line = "the attacker's create under a name that the victim has taken was answered with the victim's object";
        Evidence::of(Shows::ForeignKnowledge, line, answer)
            .with("at its id the attacker does not read what it has written", &seen)
    }))
}

/// What can be seen of the answer. What was made has an id and times of its own; whether anything was made is what counts,
/// also where a refusal has the status of a success.
fn features_of(tried: &Tried, name: &str, made: Option<&ObjectId>) -> Features {
    match tried.answer.lets_in() && made.is_some() {
        true => Features::of_status(&tried.answer),
        false => Features::of(&tried.answer, &[name.to_owned(), tried.nonce.clone()]),
    }
}

/// The attacker removes what was made, and says what that was.
async fn undo(
    w: WriteTape<'_>,
    aim: Aim,
    Creating { place, tells }: &Creating,
    name: &str,
    Tried { answer, nonce }: &Tried,
) -> Result<Option<ObjectId>, Stop> {
    let Some(resource) = aim.op(&w).resource else { return Err(Stop::not_applicable("it concerns no object")) };
    if !answer.lets_in() {
        return Ok(None);
    }
    let found = Made { tenant: aim.attacker, resource, parents: &place.ids, words: &[nonce] };
    let id = id_of_made(&w, &found, *tells, name, answer).await?;
    if let Some(id) = id.clone() {
        let marker = Marker::Witnessed(Witness::default());
        let made = Object { tenant: aim.attacker, resource, id, parents: place.ids.clone(), marker };
        remove(w, &made).await?;
    }
    Ok(id)
}

/// The id of what was made under a name: the name itself, where clients choose ids.
async fn id_of_made(
    t: &Tape,
    made: &Made<'_>,
    tells: Tells,
    name: &str,
    answer: &Exchange,
) -> Result<Option<ObjectId>, Stop> {
    match t.spec[made.resource].ids {
        IdSource::Client => Ok(Some(ObjectId::text(name))),
        IdSource::Server => made.id(t, tells, answer).await,
    }
}
