//! The bracketed pair of a read: the owner reads and sees its marker, the attacker sends the same bytes, the owner
//! reads again.

use watertight_spec::{Operation, Role};

use crate::checks::kit::{
    Place, Walk, Words, attack, control, first_page, foreign, leak, own, poll, request, shows, succeed, walk,
};
use crate::judge::{self, Answer, Evidence, Verdict};
use crate::request::Request;
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::{Marker, Object};

/// The words with which an owner looks for its object: a search names the public half.
pub(crate) fn looking_for(object: &Object) -> Words {
    match &object.marker {
        Marker::Planted(canary) => Words::searching(&canary.public),
        Marker::Witnessed(_) => Words::default(),
    }
}

/// The owner's own request finds the object.
pub(super) fn sees(t: &Tape<'_>, op: &Operation, request: Request, object: &Object) -> Result<(), Halt> {
    if op.role != Role::List {
        return control(t, request, object).map(drop);
    }
    let mut why = String::new();
    let found = poll(t, || {
        // The first page is held to what any control is held to; the further ones show what it leaves out.
        let first = first_page(t.spec, op, request.clone());
        let walked = walk(t, op, first, |page| shows(page, object))?;
        if let Some(page) = walked.pages.iter().find(|page| !page.succeeded()) {
            if judge::answer(page) == Answer::NotOffered {
                return Err(Halt::NotApplicable(format!("not offered: {}", page.line())));
            }
            why = format!("the owner's own list failed: {}", page.line());
            return Ok(None);
        }
        if let Some(found) = strangers(t, &walked, object.tenant) {
            why = format!("a control shows {found} (see api.own-view)");
            return Ok(None);
        }
        if walked.pages.iter().any(|page| shows(page, object)) {
            return Ok(Some(()));
        }
        why = "the owner's own list does not show its marker".into();
        Ok(None)
    })?;
    found.ok_or(Halt::Unproven(why))
}

/// What of other tenants stands in a list.
pub(super) fn strangers(t: &Tape<'_>, walked: &Walk<'_>, own: usize) -> Option<String> {
    let others = (0..t.spec.tenants.len()).filter(|n| *n != own);
    others.into_iter().find_map(|n| walked.pages.iter().find_map(|page| foreign(t, page, n)))
}

/// What came of an attack by reading.
pub(super) enum Attempt<'t> {
    /// The victim's data stood in an answer.
    Leaked(Verdict),
    /// Denied.
    Denied,
    /// Succeeded, and showed nothing of the victim's.
    Empty(&'t Exchange),
    /// Nothing is decided, and why.
    Unclear(String),
}

/// The attacker sends the request and, where it is let in, follows the pages to the victim's data or the end.
pub(super) fn attempt<'t>(t: &Tape<'t>, op: &Operation, across: Request, victim: usize) -> Result<Attempt<'t>, Halt> {
    let walked = walk(t, op, first_page(t.spec, op, across), |page| foreign(t, page, victim).is_some())?;
    if let Some(verdict) = walked.pages.iter().find_map(|page| leak(t, page, victim)) {
        return Ok(Attempt::Leaked(verdict));
    }
    let Some(last) = walked.last() else { return Ok(Attempt::Unclear("nothing was sent".into())) };
    Ok(match judge::answer(last) {
        _ if walked.breaks_off() => Attempt::Unclear(format!("a list that was not read to its end: {}", last.line())),
        Answer::Denied => Attempt::Denied,
        Answer::Success => Attempt::Empty(last),
        Answer::NotOffered | Answer::Undecided => Attempt::Unclear(judge::why_undecided(last)),
    })
}

/// The pair in the victim's own place.
pub(super) fn pair(t: &Tape<'_>, op: &Operation, attacker: usize, object: &Object) -> Result<Verdict, Halt> {
    let place = Place::of(object);
    let victim = object.tenant;
    let by_owner = request(t, own(t, victim)?, op, &place, &looking_for(object))?;
    sees(t, op, by_owner.clone(), object)?;
    let attempted = attempt(t, op, attack(t, &by_owner, attacker)?, victim)?;
    if let Attempt::Leaked(verdict) = attempted {
        return Ok(verdict);
    }
    sees(t, op, by_owner, object)?;
    let is_many = matches!(op.role, Role::List | Role::Search);
    Ok(match attempted {
        Attempt::Leaked(verdict) => verdict,
        Attempt::Denied => Verdict::Isolated,
        // A list may leave out silently what a caller must not see, as long as it is an answer at all.
        Attempt::Empty(answer) if is_many && answer.json().is_some() => Verdict::Isolated,
        Attempt::Empty(answer) if foreign(t, answer, attacker).is_some() => Verdict::Isolated,
        Attempt::Empty(answer) => {
            Verdict::Unproven(format!("succeeded, though nothing of the victim's is in the answer: {}", answer.line()))
        }
        Attempt::Unclear(why) => Verdict::Unproven(why),
    })
}

/// The pair for an operation whose answer shows no marker even to the owner (a count, a summary): same bytes, and
/// the two answers compared with what the attacker sees of its own.
pub(super) fn unmarked_pair(
    t: &Tape<'_>,
    op: &Operation,
    attacker: usize,
    place: &Place,
    words: &Words,
) -> Result<Verdict, Halt> {
    let victim = place.tenant;
    let by_owner = request(t, own(t, victim)?, op, place, words)?;
    let opening = succeed(t, by_owner.clone(), victim)?;
    let across = t.send(attack(t, &by_owner, attacker)?)?;
    if let Some(verdict) = leak(t, across, victim) {
        return Ok(verdict);
    }
    let answer = judge::answer(across);
    if answer != Answer::Success {
        succeed(t, by_owner, victim)?;
        return Ok(match answer {
            Answer::Denied => Verdict::Isolated,
            _ => Verdict::Unproven(judge::why_undecided(across)),
        });
    }
    // The attacker's own answer, before and after the victim's closing one: what time changes is told apart.
    let own_place = Place::within(attacker, &own_ids(t, op, attacker));
    let ordinary = request(t, own(t, attacker)?, op, &own_place, words)?;
    let own_first = t.send(ordinary.clone())?;
    let closing = succeed(t, by_owner, victim)?;
    let own_last = t.send(ordinary)?;
    let told = |exchange: &Exchange, place: &Place| {
        exchange.json().filter(|_| exchange.succeeded()).map(|json| plain(t, &json.to_string(), place))
    };
    let (before, got, after) = (told(opening, place), told(across, place), told(closing, place));
    let own_view = told(own_first, &own_place).filter(|first| told(own_last, &own_place).as_ref() == Some(first));
    if got.is_none() || own_view.is_none() || before != after {
        return Ok(Verdict::Unproven(format!("succeeded, and can't be compared: {}", across.line())));
    }
    if got == own_view && got != before {
        return Ok(Verdict::Isolated);
    }
    if got == before && got != own_view {
        let evidence = Evidence::of("the attacker was given the victim's answer, word for word", across)
            .with("the victim's own", opening)
            .with("the attacker's own, which differs", own_first);
        return Ok(Verdict::Leak(evidence));
    }
    Ok(Verdict::Unproven(format!("succeeded, and it can't be told whose data it is: {}", across.line())))
}

/// The attacker's own objects that stand for those in the path.
fn own_ids(t: &Tape<'_>, op: &Operation, tenant: usize) -> Vec<(usize, String)> {
    op.resource.and_then(|r| t.world.of(tenant, r).next()).map(|o| Place::of(o).ids).unwrap_or_default()
}

/// Without what the request brought and an answer may echo: the names of tenants, and the ids of the place.
fn plain(t: &Tape<'_>, text: &str, place: &Place) -> String {
    let named =
        t.spec.tenants.iter().fold(text.to_owned(), |text, tenant| text.replace(tenant.id.as_str(), "{tenant}"));
    place.ids.iter().fold(named, |text, (_, id)| text.replace(id.as_str(), "{id}"))
}

/// Whether the owner's answer shows the object's marker: else the pair is judged without.
pub(crate) fn is_marked(t: &Tape<'_>, op: &Operation, object: &Object) -> Result<bool, Halt> {
    if matches!(op.role, Role::List | Role::Search | Role::Read) {
        return Ok(true);
    }
    let by_owner = request(t, own(t, object.tenant)?, op, &Place::of(object), &looking_for(object))?;
    Ok(shows(succeed(t, by_owner, object.tenant)?, object))
}
