//! `api.list-own` and `api.search-own`

use std::collections::BTreeSet;

use serde_json::Value;
use watertight_engine::call::Request;
use watertight_engine::log::Exchange;
use watertight_engine::planted::{Marker, Object, Witness};
use watertight_engine::{Seen, Tape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, Role, Spec, Symbol, TenantIx};

use super::count::numbers;
use super::cursor::by_theirs;
use super::reading::{looking_for, sees};
use crate::bracket::{self, Attack, Open};
use crate::check::{Check, Concluded, Phase, Target, Trial, reads};
use crate::setup::says_something;
use crate::shared::{
    Aim, Fresh, Place, SHARED, Told, Words, again, any_object, asked_afresh, at, each, field_naming, first_page,
    follow, foreign, foreign_field, has_unique_id, ids_count, is_broken_json, is_counted, is_creatable, is_page,
    is_taken, item_of, items, leak, leaves, only_cached, own, poll, prepared_object, reason, request, shows, succeed,
    told_each, told_to_anyone,
};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven, Verdict};

pub(crate) static LIST: Check = Check {
    id: "api.list-own",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-200", "CWE-639"],
    title: "A tenant's own list or view, page by page to the end",
    does: "The victim lists its own and finds its marker; the attacker lists its own and follows every page, up to \
           limits.pages; the victim lists again. The same with every view, and with every read that names no object. \
           Where what leads to the next page is no count, the attacker also asks for its own with the victim's.",
    judges: "Leak: any page shows a marker of the victim's, or one of tenancy.fields names another tenant. Isolated: \
             the list was read to its end and shows neither. Unproven: a control fails, a page is no answer, the \
             attacker's own view shows nothing of its own, or the list is longer than limits.pages. Where nothing marks \
             a view, not even the victim's own, the answers are compared: each tenant is told something of its own, the \
             same each time, or both are told the same, which everyone is told or in which there is nothing but common words. A \
             list of objects that nothing marks is known by their ids, unless these count.",
    origin: "isolation 18.1; a second page without the tenant; logtide #256.",
    fix: "Put the tenant into the query of every page; a cursor must not carry more than a position.",
    requests: 14,
};

pub(crate) static SEARCH: Check = Check {
    id: "api.search-own",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-200", "CWE-639"],
    title: "A tenant's own search for words that only another tenant has",
    does: "The victim searches for the public half of its marker until it is found (an index may lag by up to \
           target.settle); the attacker searches for the same words in its own; the victim searches again.",
    judges: "Leak: the answer shows the secret half of the victim's marker, or one of tenancy.fields names another \
             tenant, or, in all three rounds, a number in it differs between the victim's words and words that no \
             tenant has. The words that were searched for are no evidence. Unproven: the victim does not find it either.",
    origin: "isolation 18.5, 28.6: a search index without the tenant.",
    fix: "Put the tenant into the index and make it a mandatory filter of every query.",
    requests: 9,
};

pub(crate) fn lists(spec: &Spec) -> Vec<Trial> {
    let fits = |op: &Operation| op.role == Role::List || is_view(op);
    each(spec, &LIST, Phase::Main, at(Target::Answer, fits), |aim| {
        reads(move |t| {
            again(t, async move || match is_view(aim.op(t)) {
                true => view_own(t, aim).await,
                false => read_own(t, aim).await,
            })
        })
    })
}

pub(crate) fn searches(spec: &Spec) -> Vec<Trial> {
    let fits = |op: &Operation| op.role == Role::Search;
    each(spec, &SEARCH, Phase::Main, at(Target::Words, fits), |aim| {
        reads(move |t| again(t, async move || read_own(t, aim).await))
    })
}

/// What shows many objects, and need not show any single one: a view, or a read that names none.
pub(crate) fn is_view(op: &Operation) -> bool {
    let is_singleton = || op.resource.is_some_and(|resource| !op.request.mentions(&Symbol::Object(resource)));
    op.role == Role::View
        || (op.role == Role::Read && is_singleton())
        || (op.role == Role::Custom && op.effect == Effect::Read && op.request.objects().is_empty())
}

/// Where a tenant asks for a view: with the objects that it names, of the tenant's own.
pub(crate) fn view_place(t: &Tape, op: &Operation, tenant: TenantIx) -> Result<Place, Stop> {
    Ok(match op.resource {
        Some(resource) => Place::of(&any_object(t, tenant, resource)?),
        None => Place::within(tenant, &[]),
    })
}

async fn view_own(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let theirs = view_place(t, op, aim.victim)?;
    let by_owner = request(t, own(t, aim.victim)?, op, &theirs, &Words::default())?;
    let mine = view_place(t, op, aim.attacker)?;
    let attack = async || match read_all(t, op, aim, &mine, &Words::default()).await? {
        Attack::Withstood => shows_any(t, op, aim.attacker, &mine).await,
        outcome => Ok(outcome),
    };
    match concluded(bracket::open(async || is_shown(t, &by_owner, aim.victim).await).await, attack).await {
        Err(Stop::NotApplicable(_)) => view_unmarked(t, op, aim, &by_owner, &mine).await,
        decided => or_by_cursor(t, op, aim, decided, &by_owner, &mine).await,
    }
}

/// Where its own pages show nothing of the victim's, the attacker asks for the victim's next one.
async fn or_by_cursor(
    t: &Tape,
    op: &Operation,
    aim: Aim,
    decided: Concluded,
    by_owner: &Request,
    mine: &Place,
) -> Concluded {
    if !matches!(decided, Ok(Verdict::Isolated(_))) || !matches!(op.role, Role::List | Role::View) {
        return decided;
    }
    let by_attacker = request(t, own(t, aim.attacker)?, op, mine, &Words::default())?;
    match by_theirs(t, op, aim, by_owner, &by_attacker).await {
        Err(Stop::NotApplicable(_)) => decided,
        told => told,
    }
}

/// A view in which nothing marks whose it is: each tenant is told something of its own there, or both are told the same, in
/// which nothing is of either.
async fn view_unmarked(t: &Tape, op: &Operation, aim: Aim, by_owner: &Request, mine: &Place) -> Concluded {
    let open = bracket::open(async || succeed(t, by_owner.clone(), aim.victim).await).await?;
    let by_attacker = request(t, own(t, aim.attacker)?, op, mine, &Words::default())?;
    let outcome = match read_all(t, op, aim, mine, &Words::default()).await? {
        Attack::Withstood => match told_each(t, aim, by_owner, &by_attacker).await? {
            Told::Apart if shares_objects(t, by_owner, &by_attacker).await => {
                return Err(Stop::shared("nothing marks it, and two tenants are told of the same objects there"));
            }
            Told::Apart => Attack::Withstood,
            Told::Same if is_catalogue(t, &by_attacker).await => Attack::Withstood,
            Told::Same => {
                return Err(Stop::shared(
                    "nothing marks it, two tenants are told the same there, and not everyone is: if that is meant, \
                     exclude it from coverage",
                ));
            }
            Told::Cached { across, .. } => Attack::Undecided(only_cached(&across)),
        },
        outcome => outcome,
    };
    open.attack(outcome).close().await
}

/// Whether what two tenants are told alike is no one's: everyone is told it, or there are no numbers in it, and no text by
/// which anything could be recognised.
async fn is_catalogue(t: &Tape, by_attacker: &Request) -> bool {
    let told = t.send(by_attacker.clone()).await;
    let by_anyone = told_to_anyone(t, by_attacker).await;
    let text = |seen: &Exchange| seen.response().map(|received| received.body.text().to_owned());
    if by_anyone.succeeded() && text(&by_anyone) == text(&told) {
        return true;
    }
    told.json().is_some_and(is_in_common_words)
}

fn is_in_common_words(json: &Value) -> bool {
    leaves(json).values().all(|value| value.parse::<f64>().is_err() && !says_something(value))
}

/// Whether both are told of an object alike: a list of some with something in it, the same for both.
async fn shares_objects(t: &Tape, by_owner: &Request, by_attacker: &Request) -> bool {
    let (theirs, mine) = (t.send(by_owner.clone().crossing()).await, t.send(by_attacker.clone()).await);
    let objects = |seen: &Exchange| -> Vec<Value> {
        let json = seen.json().map(items).unwrap_or_default();
        json.into_iter().filter(|item| item.is_object()).cloned().collect()
    };
    let of_theirs = objects(&theirs);
    objects(&mine).iter().any(|object| {
        let is_telling = leaves(object).values().any(|value| says_something(value));
        is_telling && of_theirs.contains(object)
    })
}

/// The control: the victim is shown something of its own, so that another's would show as well.
async fn is_shown(t: &Tape, by_owner: &Request, victim: TenantIx) -> Result<(), Stop> {
    let found = poll(t, async || {
        let seen = succeed(t, by_owner.clone(), victim).await?;
        Ok(tells_of(t, &seen, victim).then_some(()))
    });
    let unmarked = || Stop::not_applicable("its owner is shown nothing there by which its objects are recognised");
    found.await?.ok_or_else(unmarked)
}

/// Whether an answer tells whose it is: by a marker, or by name in one of `tenancy.fields`.
pub(crate) fn tells_of(t: &Tape, seen: &Exchange, tenant: TenantIx) -> bool {
    foreign(t, seen, tenant).is_some() || field_naming(&t.spec, seen, tenant, |_| false).is_some()
}

/// A view that shows nothing of the attacker's own may be no view at all.
async fn shows_any(t: &Tape, op: &Operation, attacker: TenantIx, place: &Place) -> Result<Attack, Stop> {
    let seen = t.send(request(t, own(t, attacker)?, op, place, &Words::default())?).await;
    let detail = "the attacker's own view shows nothing of its own";
    Ok(match tells_of(t, &seen, attacker) {
        true => Attack::Withstood,
        false => Attack::Undecided(Unproven::shown(Reason::MarkerNotSeen, detail, &seen)),
    })
}

async fn read_own(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let Some(resource) = op.resource else { return Err(Stop::not_applicable("it concerns no object")) };
    let object = match any_object(t, aim.victim, resource)? {
        unmarked if unmarked.marker.is_empty() && op.role == Role::List => {
            return list_unmarked(t, op, aim, &unmarked).await;
        }
        _ => prepared_object(t, aim.victim, resource)?,
    };
    let by_owner = request(t, own(t, aim.victim)?, op, &Place::of(&object), &looking_for(&object))?;
    let opened = bracket::open(async || sees(t, op, &by_owner, &object).await).await;
    if let (Err(Stop::Unproven(doubt)), Role::List) = (&opened, op.role)
        && (doubt.reason == Reason::MarkerNotSeen
            || (doubt.reason == Reason::Disturbed && t.is_quiet(t.spec.tenant_ixs())))
    {
        // What it is recognised by where it is read need not be in a list: there it is known by its id.
        let unmarked = Object { marker: Marker::Witnessed(Witness::default()), ..object.clone() };
        match (list_unmarked(t, op, aim, &unmarked).await, &object.marker) {
            // Where its id tells nothing either, the list has to show its marker.
            (Err(_), Marker::Planted(_)) => {}
            (told, _) => return told,
        }
    }
    let attack = async || {
        let mine = prepared_object(t, aim.attacker, resource)?;
        look_through(t, op, aim, &Place::of(&mine), &looking_for(&object)).await
    };
    let decided = concluded(opened, attack).await;
    match prepared_object(t, aim.attacker, resource) {
        Ok(mine) => or_by_cursor(t, op, aim, decided, &by_owner, &Place::of(&mine)).await,
        Err(_) => decided,
    }
}

/// Where nothing marks the objects of a list they are known by their ids alone, unless those count.
async fn list_unmarked(t: &Tape, op: &Operation, aim: Aim, theirs: &Object) -> Concluded {
    if ids_count(t, aim.victim, theirs.resource) {
        let detail = "nothing but an id marks what is listed, and ids count: another tenant may have the same";
        return Err(Stop::not_applicable(detail));
    }
    let by_owner = request(t, own(t, aim.victim)?, op, &Place::of(theirs), &Words::default())?;
    let open = bracket::open(async || sees(t, op, &by_owner, theirs).await).await?;
    let mine = any_object(t, aim.attacker, theirs.resource)?;
    let asked = request(t, own(t, aim.attacker)?, op, &Place::of(&mine), &Words::default())?.crossing();
    let followed = follow(t, op, first_page(&t.spec, op, asked), |_| false).await;
    let has = |page: &Exchange, object: &Object| item_of(&t.spec[object.resource], page, &object.id).is_some();
    let last = followed.last().ok_or_else(Unproven::nothing_sent)?;
    let marked = followed.pages.iter().find_map(|page| leak(t, page, aim.victim));
    if let Some(evidence) = marked {
        return open.attack(Attack::Leaked(evidence)).close().await;
    }
    let place = Place::of(theirs).in_tenant(aim.attacker);
    let outcome = match followed.pages.iter().find(|page| has(page, theirs)) {
        Some(_) if !is_creatable(&t.spec, theirs.resource) => return Err(Stop::not_applicable(SHARED)),
        Some(page)
            if !has_unique_id(&t.spec, &t.planted, theirs) && is_taken(t, aim.attacker, &place, theirs).await? =>
        {
            let detail = "the attacker has an object of its own at that id";
            Attack::Undecided(Unproven::shown(Reason::MarkerNotSeen, detail, page))
        }
        Some(page) => {
            let line = format!("{} was shown {} of {}", page.by, theirs.id, t.spec[aim.victim].name);
            Attack::Leaked(Evidence::of(Shows::ForeignData, line, page))
        }
        None if !followed.is_complete || !followed.pages.iter().any(|page| has(page, &mine)) => {
            let detail = "the attacker's own list does not show its own, or was not read to its end";
            Attack::Undecided(Unproven::shown(Reason::NotReadToEnd, detail, last))
        }
        None => Attack::Withstood,
    };
    open.attack(outcome).close().await
}

/// The attack within its bracket.
async fn concluded<C, H>(opened: Result<Open<C, H>, Stop>, attack: impl AsyncFn() -> Result<Attack, Stop>) -> Concluded
where
    C: AsyncFn() -> Result<H, Stop>,
{
    match opened {
        Ok(open) => {
            let outcome = attack().await?;
            open.attack(outcome).close().await
        }
        // A victim who is shown too much has a failed control, and yet what the attacker is shown is a leak.
        Err(Stop::Unproven(doubt)) if doubt.reason == Reason::ControlShowsForeign => match attack().await? {
            Attack::Leaked(evidence) => Ok(Verdict::Leak(evidence)),
            Attack::Withstood | Attack::Weak(_) | Attack::Undecided(_) => Err(doubt.into()),
        },
        Err(stop) => Err(stop),
    }
}

/// The attacker looks through all that it is shown as its own.
async fn look_through(t: &Tape, op: &Operation, aim: Aim, place: &Place, words: &Words) -> Result<Attack, Stop> {
    match read_all(t, op, aim, place, words).await? {
        Attack::Withstood if op.role == Role::Search => compare_counts(t, op, aim, place, words).await,
        outcome => Ok(outcome),
    }
}

async fn read_all(t: &Tape, op: &Operation, aim: Aim, place: &Place, words: &Words) -> Result<Attack, Stop> {
    let asked = first_page(&t.spec, op, request(t, own(t, aim.attacker)?, op, place, words)?.crossing());
    let followed = follow(t, op, asked.clone(), |_| false).await;
    let prefix = own_prefix(t, aim.attacker);
    for page in &followed.pages {
        if let Some(evidence) = crosses(t, page, aim, &prefix) {
            let is_shown = |seen: &Exchange| crosses(t, seen, aim, &prefix).is_some();
            let asked = followed.request_of(page).unwrap_or(&asked);
            if op.role == Role::Search {
                // The check of caches has no trial for it.
                return Ok(Attack::Leaked(evidence));
            }
            return Ok(match asked_afresh(t, asked, asked, is_shown).await {
                Fresh::Nothing(seen) => Attack::Undecided(only_cached(&seen)),
                Fresh::Same => Attack::Leaked(evidence),
            });
        }
    }
    let last = followed.last().ok_or_else(Unproven::nothing_sent)?;
    let undecided = |reason, detail: &str| Ok(Attack::Undecided(Unproven::shown(reason, detail, last)));
    // One that finds nothing may say so by its status.
    if op.role == Role::Search && matches!(last.status(), Some(404)) {
        return Ok(Attack::Withstood);
    }
    if !last.succeeded() {
        return undecided(reason(last), "the attacker's own request failed");
    }
    if is_broken_json(last) || (op.role == Role::Search && last.json().is_none() && !is_page(last)) {
        return undecided(Reason::UnclearAnswer, "an answer that can't be read");
    }
    if !followed.is_complete {
        return undecided(
            Reason::NotReadToEnd,
            "the list was not followed to its end (limits.pages; how it goes on is said under `page`)",
        );
    }
    let is_further = t.caller(aim.attacker) != t.spec.caller(aim.attacker);
    match unlisted(t, op, aim, place, &followed.pages) {
        Unlisted { missing: 0, .. } => Ok(Attack::Withstood),
        Unlisted { missing, of } if missing == of && is_further => {
            Err(Stop::not_applicable("nothing of its own tenant's is shown to this principal there"))
        }
        Unlisted { missing, .. } => undecided(
            if is_counted(&t.spec, op) { Reason::Disturbed } else { Reason::NotReadToEnd },
            &format!(
                "{missing} of the attacker's own objects are not on the pages that were read; if the list has more \
                 pages, say how under `page`"
            ),
        ),
    }
}

/// What of the victim's is on a page, or which tenant an object there says it is of.
pub(crate) fn crosses(t: &Tape, page: &Exchange, aim: Aim, prefix: &str) -> Option<Evidence> {
    leak(t, page, aim.victim).or_else(|| {
        let field = foreign_field(t, page, aim.attacker, prefix)?;
        Some(Evidence::of(Shows::ForeignData, format!("an object of the list says {field}"), page))
    })
}

/// How many of the attacker's own planted objects a list of its own does not show, and of how many: it has pages that were not
/// read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Unlisted {
    missing: usize,
    of: usize,
}

fn unlisted(t: &Tape, op: &Operation, aim: Aim, place: &Place, pages: &[Seen]) -> Unlisted {
    let (Role::List, Some(resource)) = (op.role, op.resource) else { return Unlisted::default() };
    let is_here = |object: &Object| object.parents.iter().all(|p| place.ids.contains(p));
    // A list need not show what an object that was there before is recognised by elsewhere.
    let has = |page: &Exchange, object: &Object| {
        shows(page, object) || item_of(&t.spec[object.resource], page, &object.id).is_some()
    };
    let own = t.planted.of(aim.attacker, resource).filter(|object| !object.marker.is_empty() && is_here(object));
    own.fold(Unlisted::default(), |seen, object| {
        let is_missing = !pages.iter().any(|page| has(page, object));
        Unlisted { missing: seen.missing.saturating_add(usize::from(is_missing)), of: seen.of.saturating_add(1) }
    })
}

/// How often the numbers for the victim's words are compared with those for words that no one has.
const ROUNDS: usize = 3;

/// A search that shows nothing of the victim's must not count it either: searched for the victim's words and for words
/// that no one has, the attacker must be told the same numbers.
async fn compare_counts(t: &Tape, op: &Operation, aim: Aim, place: &Place, words: &Words) -> Result<Attack, Stop> {
    let (mut of_theirs, mut of_no_one) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // Words of the same form that were never written: a search by likeness finds as much of one as of the other.
        let never_written = Words::searching(&t.canary(aim.victim).public);
        for (words, answers) in [(words, &mut of_theirs), (&never_written, &mut of_no_one)] {
            let asked = request(t, own(t, aim.attacker)?, op, place, words)?.crossing();
            let answer = t.send(asked).await;
            // One that finds nothing may say so by its status.
            if !answer.succeeded() && answer.status() != Some(404) {
                let detail = "the attacker's own search failed";
                return Ok(Attack::Undecided(Unproven::shown(reason(&answer), detail, &answer)));
            }
            answers.push(answer);
        }
    }
    let (Some(theirs), Some(no_one)) = (of_theirs.first(), of_no_one.first()) else { return Ok(Attack::Withstood) };
    let status_of = |answers: &[Seen]| {
        let all: BTreeSet<Option<u16>> = answers.iter().map(|answer| answer.status()).collect();
        all.first().copied().filter(|_| all.len() == 1)
    };
    if let (Some(one), Some(other)) = (status_of(&of_theirs), status_of(&of_no_one))
        && one != other
    {
        let evidence = Evidence::of(Shows::ForeignKnowledge, "its status tells what the victim has", theirs);
        return Ok(Attack::Leaked(evidence.with("for words that no tenant has, the status differs", no_one)));
    }
    // A number that is the same each time for either words, and differs between them.
    let mut all = numbers(theirs).into_keys();
    let telling = all.find(|at| match (constant(&of_theirs, at), constant(&of_no_one, at)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    });
    Ok(telling.map_or(Attack::Withstood, |at| {
        let line = format!("{at} counts what the victim has");
        let evidence = Evidence::of(Shows::ForeignKnowledge, line, theirs);
        Attack::Leaked(evidence.with("for words that no tenant has, the number differs", no_one))
    }))
}

/// The number at a place of the answers, or that there is none, where all say the same.
fn constant(answers: &[Seen], at: &str) -> Option<Option<u64>> {
    let number = |answer: &Exchange| numbers(answer).get(at).map(|number| number.to_bits());
    let mut values = answers.iter().map(|answer| number(answer));
    values.next().filter(|first| values.all(|value| value == *first))
}

/// What every nonce of this sender begins with.
pub(crate) fn own_prefix(t: &Tape, sender: TenantIx) -> String {
    let nonce = t.nonce(sender);
    nonce.get(..nonce.len().saturating_sub(6)).unwrap_or(&nonce).to_owned()
}
