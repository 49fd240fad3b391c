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

/// The owner's own request finds the object: on which page, counted from 1.
pub(super) fn sees(t: &Tape<'_>, op: &Operation, request: Request, object: &Object) -> Result<usize, Halt> {
    if op.role != Role::List {
        return control(t, request, object).map(|_| 1);
    }
    let mut why = String::new();
    let page = poll(t, || {
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
        let at = walked.pages.iter().position(|page| shows(page, object));
        if at.is_none() {
            why = "the owner's own list does not show its marker".into();
        }
        Ok(at.map(|at| at.saturating_add(1)))
    })?;
    page.ok_or(Halt::Unproven(why))
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

/// The attacker sends the request and, where it is let in, follows the pages up to the victim's marker and one more.
pub(super) fn attempt<'t>(
    t: &Tape<'t>,
    op: &Operation,
    across: Request,
    victim: usize,
    pages: usize,
) -> Result<Attempt<'t>, Halt> {
    let read = std::cell::Cell::new(0_usize);
    let walked = walk(t, op, first_page(t.spec, op, across), |page| {
        read.set(read.get().saturating_add(1));
        read.get() > pages || foreign(t, page, victim).is_some()
    })?;
    if let Some(verdict) = walked.pages.iter().find_map(|page| leak(t, page, victim)) {
        return Ok(Attempt::Leaked(verdict));
    }
    let Some(last) = walked.last() else { return Ok(Attempt::Unclear("nothing was sent".into())) };
    Ok(match judge::answer(last) {
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
    let pages = sees(t, op, by_owner.clone(), object)?;
    let attempted = attempt(t, op, attack(t, &by_owner, attacker)?, victim, pages)?;
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
    let closing = succeed(t, by_owner, victim)?;
    match judge::answer(across) {
        Answer::Denied => Ok(Verdict::Isolated),
        Answer::NotOffered | Answer::Undecided => Ok(Verdict::Unproven(judge::why_undecided(across))),
        Answer::Success => compare(t, op, attacker, words, (opening, across, closing)),
    }
}

fn compare(
    t: &Tape<'_>,
    op: &Operation,
    attacker: usize,
    words: &Words,
    (opening, across, closing): (&Exchange, &Exchange, &Exchange),
) -> Result<Verdict, Halt> {
    let ids = own_ids(t, op, attacker);
    let ordinary = t.send(request(t, own(t, attacker)?, op, &Place::within(attacker, &ids), words)?)?;
    let told = |exchange: &Exchange| exchange.json().map(|json| plain(t, &json.to_string()));
    let (before, got, after, own_view) = (told(opening), told(across), told(closing), told(ordinary));
    if got.is_none() || before != after {
        return Ok(Verdict::Unproven(format!("succeeded, and can't be compared: {}", across.line())));
    }
    if ordinary.succeeded() && got == own_view && got != before {
        return Ok(Verdict::Isolated);
    }
    if ordinary.succeeded() && got == before && got != own_view {
        let evidence = Evidence::of("the attacker was given the victim's answer, word for word", across)
            .with("the victim's own", opening)
            .with("the attacker's own, which differs", ordinary);
        return Ok(Verdict::Leak(evidence));
    }
    Ok(Verdict::Unproven(format!("succeeded, and it can't be told whose data it is: {}", across.line())))
}

/// The attacker's own objects that stand for those in the path.
fn own_ids(t: &Tape<'_>, op: &Operation, tenant: usize) -> Vec<(usize, String)> {
    op.resource.and_then(|r| t.world.of(tenant, r).next()).map(|o| Place::of(o).ids).unwrap_or_default()
}

/// Without the names of tenants, which an answer may echo.
fn plain(t: &Tape<'_>, text: &str) -> String {
    t.spec.tenants.iter().fold(text.to_owned(), |text, tenant| text.replace(tenant.id.as_str(), "{tenant}"))
}

/// Whether the owner's answer shows the object's marker: else the pair is judged without.
pub(crate) fn is_marked(t: &Tape<'_>, op: &Operation, object: &Object) -> Result<bool, Halt> {
    if matches!(op.role, Role::List | Role::Search | Role::Read) {
        return Ok(true);
    }
    let by_owner = request(t, own(t, object.tenant)?, op, &Place::of(object), &looking_for(object))?;
    Ok(shows(succeed(t, by_owner, object.tenant)?, object))
}
