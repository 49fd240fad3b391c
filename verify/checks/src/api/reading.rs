//! The bracket of a read: the owner reads and sees its marker, the attacker sends the same bytes, the owner reads
//! again.

use watertight_engine::call::{Caller, Request};
use watertight_engine::log::Exchange;
use watertight_engine::planted::{Marker, Object};
use watertight_engine::{Seen, Tape};
use watertight_spec::{ObjectId, Operation, Pair, ResourceIx, Role, Tenant, TenantIx};

use super::bare::is_bare;
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{
    Features, Named, Nowhere, Pages, Place, Words, are_alike, control, failed, first_page, follow, foreign,
    holds_nothing, is_counted, is_invalid, is_listed, is_turned_away, item_of, leak, own, poll, request, says_nothing,
    shows, spells_tenant, succeed, told_apart, told_nowhere,
};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, class_of};

/// The words with which an owner looks for its object: a search names the public half.
pub(crate) fn looking_for(object: &Object) -> Words {
    match &object.marker {
        Marker::Planted(canary) => Words::searching(&canary.public),
        Marker::Witnessed(_) => Words::default(),
    }
}

/// Whether the owner's answer shows the object's marker: else the pair is judged without.
pub(crate) async fn is_marked(t: &Tape, op: &Operation, object: &Object) -> Result<bool, Stop> {
    if matches!(op.role, Role::List | Role::Search | Role::Read) {
        return Ok(true);
    }
    let by_owner = request(t, own(t, object.tenant)?, op, &Place::of(object), &looking_for(object))?;
    let answer = succeed(t, by_owner, object.tenant).await?;
    Ok(shows(&answer, object))
}

/// The pair in the victim's own place, which the attacker's request names so.
pub(super) async fn pair(t: &Tape, op: &Operation, attacker: TenantIx, object: &Object, named: Named) -> Concluded {
    let victim = object.tenant;
    let by_owner = request(t, own(t, victim)?, op, &Place::of(object), &looking_for(object))?;
    let place = Place::of(object).named_in(named);
    let across = Across { t, op, attacker, words: looking_for(object) };
    let open = bracket::open(async || sees(t, op, &by_owner, object).await).await?;
    let is_many = matches!(op.role, Role::List | Role::Search | Role::View);
    let outcome = match read_across(t, op, across.at(&place)?, Pair { attacker, victim }).await {
        Found::Leaked(evidence) => Attack::Leaked(evidence),
        Found::Denied => Attack::Withstood,
        // A list may leave out silently what a caller must not see, as long as nothing else is in it.
        Found::Empty(told) if is_many && told.is_bare(t, op, attacker, &place).await? => Attack::Withstood,
        Found::Empty(told) if told.pages().any(|page| foreign(t, page, attacker).is_some()) => Attack::Withstood,
        // The owner is shown its object there.
        Found::Empty(told) if op.role == Role::Read && holds_nothing(&told.first, &[]) => Attack::Withstood,
        Found::Empty(told) if across.says_no_more(object, &place, &told.first).await? => Attack::Withstood,
        Found::Empty(told) if across.says_no_more_of_tenant(&place, &told.first).await? => Attack::Withstood,
        Found::Empty(told) => Attack::Undecided(Unproven::shown(
            Reason::EffectUnseen,
            "succeeded, though nothing of the victim's is in the answer",
            &told.first,
        )),
        Found::Invalid(answer) if across.says_no_more(object, &place, &answer).await? => Attack::Withstood,
        Found::Invalid(answer) if across.is_led_as_anyone(&place, &answer).await? => Attack::Withstood,
        Found::Invalid(answer) => Attack::Undecided(Unproven::undecided(&answer)),
        Found::Unclear(unproven) => Attack::Undecided(unproven),
    };
    open.attack(outcome).close().await
}

/// The attacker's requests for what is the victim's.
struct Across<'o> {
    t: &'o Tape,
    op: &'o Operation,
    attacker: TenantIx,
    /// What the owner looks for.
    words: Words,
}

impl Across<'_> {
    fn at(&self, place: &Place) -> Result<Request, Stop> {
        Ok(request(self.t, own(self.t, self.attacker)?, self.op, place, &self.words)?.crossing())
    }

    /// Whether the attacker is told in the victim's place what it is told there of an id that never existed.
    async fn says_no_more(&self, object: &Object, place: &Place, seen: &Exchange) -> Result<bool, Stop> {
        let nowhere = Nowhere::instead_of(self.t, place, (object.resource, &object.id));
        says_nothing(self.t, self.op, |place| self.at(place), place, nowhere, seen).await
    }

    /// Whether it is led to where anyone is led who brings no credential: to log in.
    async fn is_led_as_anyone(&self, place: &Place, seen: &Exchange) -> Result<bool, Stop> {
        let Some(led_to) = seen.led_to() else { return Ok(false) };
        let by_anyone = Request { caller: Caller::Anonymous, ..self.at(place)? };
        Ok(self.t.send(first_page(&self.t.spec, self.op, by_anyone)).await.led_to() == Some(led_to))
    }

    /// Whether the attacker is told in the victim's place what it is told in that of a tenant that never existed.
    async fn says_no_more_of_tenant(&self, place: &Place, seen: &Exchange) -> Result<bool, Stop> {
        if !spells_tenant(self.op) {
            return Ok(false);
        }
        let nowhere = Nowhere::instead_of_tenant(self.t, place);
        says_nothing(self.t, self.op, |place| self.at(place), place, nowhere, seen).await
    }
}

/// What an attack by reading found.
pub(super) enum Found {
    /// The victim's data was in an answer.
    Leaked(Evidence),
    /// Denied.
    Denied,
    /// It succeeded, and showed no marker of the victim's.
    Empty(Told),
    /// It was refused as invalid, or sent elsewhere: a denial where one that never existed is refused so as well.
    Invalid(Seen),
    /// Nothing is decided, and why.
    Unclear(Unproven),
}

/// The pages of an answer, in order.
pub(super) struct Told {
    /// What can be compared with what is told of an id that never existed.
    pub(super) first: Seen,
    further: Vec<Seen>,
}

impl Told {
    fn pages(&self) -> impl Iterator<Item = &Seen> {
        std::iter::once(&self.first).chain(&self.further)
    }

    /// Whether nothing of anyone's is on any page: the one after the last object is always empty.
    pub(super) async fn is_bare(
        &self,
        t: &Tape,
        op: &Operation,
        attacker: TenantIx,
        place: &Place,
    ) -> Result<bool, Stop> {
        for page in self.pages() {
            if !is_bare(t, op, attacker, page, place).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The attacker sends the request and, where it is let in, follows the pages to the victim's data or the end. Where a target
/// goes by an id alone, what it shows may be a third tenant's: that is a leak just as well.
pub(super) async fn read_across(t: &Tape, op: &Operation, across: Request, pair: Pair) -> Found {
    let first = first_page(&t.spec, op, across);
    let pages = follow(t, op, first, |page| foreign(t, page, pair.victim).is_some()).await;
    let thirds = t.spec.tenant_ixs().filter(|tenant| *tenant != pair.attacker);
    let mut victims = [pair.victim].into_iter().chain(thirds);
    if let Some(evidence) = victims.find_map(|victim| pages.pages.iter().find_map(|page| leak(t, page, victim))) {
        return Found::Leaked(evidence);
    }
    let Some(last) = pages.last() else { return Found::Unclear(Unproven::nothing_sent()) };
    match class_of(last) {
        _ if pages.breaks_off() => Found::Unclear(cut_short(last)),
        ResponseClass::Denied => Found::Denied,
        ResponseClass::Success => {
            let (first, further) = pages.pages.split_first().unwrap_or((last, &[]));
            Found::Empty(Told { first: Seen::clone(first), further: further.to_vec() })
        }
        ResponseClass::Undecided if is_invalid(last) || is_turned_away(last) => Found::Invalid(Seen::clone(last)),
        ResponseClass::NotOffered | ResponseClass::Undecided => Found::Unclear(Unproven::undecided(last)),
    }
}

/// The owner's own request finds the object.
pub(super) async fn sees(t: &Tape, op: &Operation, request: &Request, object: &Object) -> Result<(), Stop> {
    if op.role != Role::List {
        return control(t, request, object).await.map(drop);
    }
    let mut doubt = None;
    let found = poll(t, async || match lists(t, op, request, object).await {
        Ok(()) => Ok(Some(())),
        Err(Stop::Unproven(unproven)) => {
            doubt = Some(unproven);
            Ok(None)
        }
        Err(stop) => Err(stop),
    })
    .await?;
    match (found, doubt) {
        (None, Some(unproven)) => Err(unproven.into()),
        (None, None) => Err(Unproven::nothing_sent().into()),
        (Some(()), _) => Ok(()),
    }
}

/// The owner's own list shows the object, once asked. The first page is held to what any control is held to; the
/// further ones show what it leaves out.
async fn lists(t: &Tape, op: &Operation, request: &Request, object: &Object) -> Result<(), Stop> {
    let first = first_page(&t.spec, op, request.clone());
    let has_it = |page: &Exchange| match object.marker.is_empty() {
        true => item_of(&t.spec[object.resource], page, &object.id).is_some(),
        false => shows(page, object) || is_listed(&t.spec, &t.planted, page, object),
    };
    let followed = follow(t, op, first, has_it).await;
    for page in &followed.pages {
        opens(page, "the owner's own list failed")?;
    }
    if let Some((what, page)) = strangers(t, &followed, object.tenant) {
        let detail = format!("a control shows {what} (see api.own-view)");
        return Err(Unproven::shown(Reason::ControlShowsForeign, detail, page).into());
    }
    if followed.pages.iter().any(|page| has_it(page)) {
        return Ok(());
    }
    let detail = "the owner's own list does not show its marker";
    // What others create and remove moves what is on a page that is counted.
    let reason = if is_counted(&t.spec, op) { Reason::Disturbed } else { Reason::MarkerNotSeen };
    Err(followed.last().map_or_else(Unproven::nothing_sent, |last| Unproven::shown(reason, detail, last)).into())
}

/// What of other tenants is in a list, and on which page.
fn strangers<'w>(t: &Tape, followed: &'w Pages, own: TenantIx) -> Option<(String, &'w Seen)> {
    let mut others = t.spec.tenant_ixs().filter(|tenant| *tenant != own);
    others.find_map(|tenant| followed.pages.iter().find_map(|page| Some((foreign(t, page, tenant)?, page))))
}

/// A tenant's own request must succeed, with or without a marker in the answer; `what` says what it is if it does not.
pub(super) fn opens(exchange: &Exchange, what: &str) -> Result<(), Stop> {
    match failed(exchange) {
        None => Ok(()),
        Some(Stop::Unproven(unproven)) => Err(unproven.about(what).into()),
        Some(stop) => Err(stop),
    }
}

/// A list whose last page says that there are more, or does not say how to go on.
pub(super) fn cut_short(last: &Exchange) -> Unproven {
    Unproven::shown(Reason::NotReadToEnd, "a list that was not read to its end", last)
}

/// The pair for an operation whose answer shows no marker even to the owner (a count, a summary): same bytes, and
/// the two answers compared with what the attacker sees of its own.
pub(super) async fn unmarked_pair(
    t: &Tape,
    op: &Operation,
    attacker: TenantIx,
    place: &Place,
    (words, named): (&Words, Named),
) -> Concluded {
    let victim = place.tenant;
    let theirs = Side::of(t, op, place.clone(), words)?;
    let open = bracket::open(async || succeed(t, theirs.request.clone(), victim).await).await?;
    let ask = Across { t, op, attacker, words: words.clone() };
    let place = place.clone().named_in(named);
    let across = t.send(ask.at(&place)?).await;
    let outcome = match (leak(t, &across, victim), class_of(&across)) {
        (Some(evidence), _) => Attack::Leaked(evidence),
        (None, ResponseClass::Denied) => Attack::Withstood,
        (None, ResponseClass::Success) if is_of_no_tenant(&ask, &theirs, &place, [open.held(), &across]).await? => {
            Attack::Withstood
        }
        (None, ResponseClass::Success) => {
            let mine = Side::of(t, op, Place::within(attacker, &own_ids(t, op, attacker)), words)?;
            compare(t, &theirs, &mine, open.held(), &across).await?
        }
        (None, ResponseClass::Undecided)
            if is_turned_away(&across) && ask.is_led_as_anyone(&place, &across).await? =>
        {
            Attack::Withstood
        }
        (None, ResponseClass::NotOffered | ResponseClass::Undecided) => Attack::Undecided(Unproven::undecided(&across)),
    };
    open.attack(outcome).close().await
}

/// Whether the attacker is told in the victim's place what it is told in that of a tenant that never existed, and the victim
/// something else: what is the same for all may be the victim's as well.
async fn is_of_no_tenant(
    ask: &Across<'_>,
    theirs: &Side<'_>,
    place: &Place,
    [opening, across]: [&Exchange; 2],
) -> Result<bool, Stop> {
    let t = ask.t;
    let nowhere = Nowhere::instead_of_tenant(t, place);
    let Some(of_nowhere) = told_nowhere(t, theirs.op, |place| ask.at(place), place, nowhere).await? else {
        return Ok(false);
    };
    let (again, of_owner) = (t.send(ask.at(place)?).await, t.send(theirs.request.clone()).await);
    let features =
        |answers: [&Exchange; 2]| answers.map(|answer| Features::of(answer, &place.sent(&t.spec, theirs.op)));
    let is_victims_different = told_apart(&features([opening, &of_owner]), &of_nowhere).is_some();
    Ok(is_victims_different && are_alike(&features([across, &again]), &of_nowhere))
}

/// A tenant's own place, and its ordinary request there.
struct Side<'o> {
    op: &'o Operation,
    place: Place,
    request: Request,
}

impl<'o> Side<'o> {
    fn of(t: &Tape, op: &'o Operation, place: Place, words: &Words) -> Result<Self, Stop> {
        let request = request(t, own(t, place.tenant)?, op, &place, words)?;
        Ok(Self { op, place, request })
    }

    /// What an answer told, without what the request brought and an answer may echo: the names of tenants, and the ids
    /// of the place.
    fn told<'t>(&self, t: &'t Tape, exchange: &Exchange) -> Option<String> {
        let json = exchange.json().filter(|_| exchange.succeeded())?;
        let called = |tenant: &'t Tenant| [tenant.id.as_str(), tenant.name.as_str()];
        let names = t.spec.tenants.iter().flat_map(called).map(|called| (called, "{tenant}"));
        let ids = self.place.ids.iter().map(|(_, id)| (id.as_str(), "{id}"));
        Some(names.chain(ids).fold(json.to_string(), |text, (echoed, symbol)| text.replace(echoed, symbol)))
    }
}

/// Whose answer the attacker was given, where no marker tells: the victim's, word for word, or its own.
async fn compare(
    t: &Tape,
    theirs: &Side<'_>,
    mine: &Side<'_>,
    opening: &Exchange,
    across: &Exchange,
) -> Result<Attack, Stop> {
    // The attacker's own answer, before and after another one of the victim's: what time changes is told apart.
    let own_first = t.send(mine.request.clone()).await;
    let again = succeed(t, theirs.request.clone(), theirs.place.tenant).await?;
    let own_last = t.send(mine.request.clone()).await;
    let (before, got, after) = (theirs.told(t, opening), theirs.told(t, across), theirs.told(t, &again));
    let own_view = mine.told(t, &own_first).filter(|first| mine.told(t, &own_last).as_ref() == Some(first));
    let undecided = |detail: &str| Attack::Undecided(Unproven::shown(Reason::EffectUnseen, detail, across));
    Ok(if got.is_none() || own_view.is_none() || before != after {
        undecided("succeeded, and can't be compared")
    } else if got == own_view && got != before {
        Attack::Withstood
    } else if got == before && got != own_view {
        Attack::Leaked(
            Evidence::of(Shows::ForeignData, "the attacker was given the victim's answer, word for word", across)
                .with("the victim's own", opening)
                .with("the attacker's own, which differs", &own_first),
        )
    } else {
        undecided("succeeded, but it is not clear whose data it is")
    })
}

/// The attacker's own objects in place of those in the path.
pub(super) fn own_ids(t: &Tape, op: &Operation, tenant: TenantIx) -> Vec<(ResourceIx, ObjectId)> {
    op.resource
        .and_then(|resource| t.planted.of(tenant, resource).next())
        .map(|object| Place::of(object).ids)
        .unwrap_or_default()
}
