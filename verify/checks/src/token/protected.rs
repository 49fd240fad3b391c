//! Where a token that must be refused is presented: an operation that shows a planted object to its owner.
//!
//! The bracket is the same for every attack: the owner sees its object, the attacks go out as the same bytes with
//! another credential, the owner sees its object again.

use watertight_engine::call::{Caller, Request};
use watertight_engine::log::{Exchange, InboundKind};
use watertight_engine::planted::Object;
use watertight_engine::{Cut, Seen, Tape};
use watertight_spec::{Effect, Operation, OperationIx, Role, Spec, TenantIx, Who};

use crate::bracket::Attack;
use crate::shared::{self, Pages, Place, Words};
use crate::verdict::{Evidence, Reason, ResponseClass, Shows, Stop, Unproven, class_of};

/// Operations at which tokens are tried: at most one that names the tenant outside the token, and at most one that leaves
/// it to the token. More would try the same validator again.
pub(super) fn operations(spec: &Spec) -> Vec<OperationIx> {
    let first = |wanted: &dyn Fn(&Operation) -> bool| {
        spec.operation_ixs().find(|operation| {
            let op = &spec[*operation];
            only_reads(op) && is_root(spec, op) && wanted(op)
        })
    };
    let named = |op: &Operation| shared::names_tenant(op);
    let by_name =
        first(&|op| op.role == Role::Read && named(op)).or_else(|| first(&|op| op.role == Role::List && named(op)));
    // By the token alone: a list, for an id may exist in several tenants.
    let by_token = first(&|op| op.role == Role::List && !named(op));
    [by_name, by_token].into_iter().flatten().collect()
}

pub(super) fn only_reads(operation: &Operation) -> bool {
    operation.effect == Effect::Read && operation.request.method == "GET"
}

pub(super) fn is_root(spec: &Spec, operation: &Operation) -> bool {
    operation.resource.is_some_and(|resource| spec[resource].parent.is_none())
}

/// A planted object, and the request with which its owner sees it.
pub(crate) struct ProtectedObject {
    object: Object,
    request: Request,
}

impl ProtectedObject {
    /// What the owner's default caller sees through this very operation.
    pub(super) async fn find(t: &Tape, operation: OperationIx, owner: TenantIx) -> Result<Self, Stop> {
        Self::find_as(t, operation, shared::caller(t, owner)?).await
    }

    /// The same for a particular principal of the owner.
    pub(super) async fn find_as(t: &Tape, operation: OperationIx, who: Who) -> Result<Self, Stop> {
        Self::find_by(t, operation, (who.tenant, Caller::Own(who))).await
    }

    /// The same with a particular credential of this owner's.
    pub(crate) async fn find_by(
        t: &Tape,
        operation: OperationIx,
        (owner, caller): (TenantIx, Caller),
    ) -> Result<Self, Stop> {
        let op = &t.spec[operation];
        let missing = || Stop::not_applicable("there is no operation that shows an object");
        let object = shared::prepared_object(t, owner, op.resource.ok_or_else(missing)?)?;
        let request = shared::request(t, caller, op, &Place::of(&object), &Words::default())?;
        let request = match op.role {
            Role::List => page_with(t, op, request, &object).await?,
            _ => request,
        };
        Ok(Self { object, request })
    }

    /// What is shown.
    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    /// The control: the owner sees its object.
    pub(crate) async fn control(&self, t: &Tape) -> Result<Seen, Stop> {
        shared::control(t, &self.request, &self.object).await
    }

    /// The same bytes with another credential of the owner's own.
    pub(crate) fn own(&self, caller: Caller) -> Request {
        Request { caller, ..self.request.clone() }
    }

    /// Whether an answer shows the object.
    pub(crate) fn shown_in(&self, exchange: &Exchange) -> bool {
        shared::shows(exchange, &self.object)
    }

    /// What the answer to a credential of the owner's own comes to, which must not show it the object. `accepted` says
    /// what it means that it does.
    pub(super) fn judged(&self, exchange: &Exchange, accepted: impl FnOnce() -> Evidence) -> Attack {
        if self.shown_in(exchange) {
            return Attack::Weak(accepted());
        }
        match class_of(exchange) {
            ResponseClass::Denied => Attack::Withstood,
            ResponseClass::Success => {
                Attack::Undecided(Unproven::shown(Reason::EffectUnseen, "a success without the object", exchange))
            }
            ResponseClass::Undecided | ResponseClass::NotOffered => Attack::Undecided(Unproven::undecided(exchange)),
        }
    }
}

/// The request for the page of a list that shows the object: that page is asked for again, by its owner as by attackers.
async fn page_with(t: &Tape, op: &Operation, whole: Request, object: &Object) -> Result<Request, Stop> {
    let first = shared::first_page(&t.spec, op, whole);
    let list = shared::follow(t, op, first.clone(), |page| shared::shows(page, object)).await;
    match list.pages.iter().enumerate().find(|(_, page)| shared::shows(page, object)) {
        Some((0, _)) => Ok(first),
        // Found by a link: as it was in the link.
        Some((_, page)) => {
            let address = own_path(&t.spec, first.at, &page.request.target);
            Ok(first.to(address))
        }
        None => Err(unseen(&list)),
    }
}

/// A path without the base that the tenant's URL puts before it.
fn own_path(spec: &Spec, tenant: TenantIx, sent: &str) -> String {
    let base = spec[tenant].url.path().trim_end_matches('/');
    sent.strip_prefix(base).unwrap_or(sent).to_owned()
}

fn unseen(list: &Pages) -> Stop {
    let Some(page) = list.last() else {
        return Unproven::new(Reason::NotReadToEnd, "the list has no page").into();
    };
    shared::failed(page).unwrap_or_else(|| {
        let reason = if list.breaks_off() { Reason::NotReadToEnd } else { Reason::MarkerNotSeen };
        Unproven::shown(reason, Reason::MarkerNotSeen.says(), page).into()
    })
}

/// A credential that must not open the object, and how people read it.
pub(super) struct Attempt {
    /// For people: `a token that …`.
    pub(super) what: String,
    /// The credential.
    pub(super) caller: Caller,
}

/// What came of attempts so far, none of which was a leak.
#[derive(Default)]
pub(super) struct Tried {
    answers: Vec<Seen>,
    accepted: Option<(String, Seen)>,
    undecided: Option<Unproven>,
    called: Option<Evidence>,
}

impl Tried {
    /// Presents a credential at the target, as an attempt to cross. Returns the leak, if it is one: more need not be tried.
    pub(super) async fn present(&mut self, t: &Tape, object: &ProtectedObject, attempt: Attempt) -> Option<Evidence> {
        let Attempt { what, caller } = attempt;
        let exchange = t.send(object.request.across(caller)).await;
        self.answers.push(Seen::clone(&exchange));
        if let Some(shown) = shared::foreign(t, &exchange, object.object.tenant) {
            return Some(Evidence::of(Shows::ForeignData, format!("{what} was given {shown}"), &exchange));
        }
        match class_of(&exchange) {
            ResponseClass::Denied => {}
            // A token that is no good may be refused for its form (RFC 6750 3.1, invalid_request).
            ResponseClass::Undecided if exchange.status() == Some(400) => {}
            ResponseClass::Success => {
                self.accepted.get_or_insert((what, exchange));
            }
            ResponseClass::Undecided | ResponseClass::NotOffered => {
                self.undecided.get_or_insert_with(|| Unproven::undecided(&exchange));
            }
        }
        None
    }

    /// Waits until `settle` has passed, for a fetch may come after the answer, and looks for calls to the verifier's
    /// listener since the first attempt.
    pub(super) async fn note_calls(&mut self, t: &Tape, since: Cut) {
        t.wait(t.spec.target.settle).await;
        let ours = format!("/{}/", t.topic());
        let window = t.arrived_since(since).await;
        let calls: Vec<_> = window
            .events
            .iter()
            .filter(|event| matches!(&event.kind, InboundKind::Callback(called) if called.path.starts_with(&ours)))
            .collect();
        let Some(first) = calls.first() else {
            if window.is_cut_short {
                let why = "more calls came to the verifier's listener than it keeps: one may have been for this trial";
                self.undecided.get_or_insert_with(|| Unproven::new(Reason::TooLarge, why));
            }
            return;
        };
        // The attempt that caused it: the last one that was sent before the call came.
        let before = self.answers.iter().rev().find(|sent| sent.at <= first.at);
        let Some(cause) = before.or(self.answers.first()) else { return };
        let lines = calls.iter().map(|call| call.line()).collect::<Vec<_>>().join(", ");
        let line = format!("the target fetched a URL that an attacker chose: {lines}");
        self.called = Some(Evidence::of(Shows::Weakness, line, cause));
    }

    /// What all of them come to.
    pub(super) async fn attack(self, t: &Tape, object: &ProtectedObject) -> Attack {
        match (self.called, self.accepted, self.undecided) {
            (Some(evidence), ..) => Attack::Weak(evidence),
            (None, Some((what, exchange)), _) => accepted_at_all(t, object, &what, &exchange).await,
            (None, None, Some(unproven)) => Attack::Undecided(unproven),
            (None, None, None) if self.answers.is_empty() => Attack::Undecided(Unproven::nothing_sent()),
            (None, None, None) => Attack::Withstood,
        }
    }
}

/// A success without the object: a weakness, if the operation asks for a credential at all.
async fn accepted_at_all(t: &Tape, object: &ProtectedObject, what: &str, accepted: &Exchange) -> Attack {
    let anonymous = t.send(object.request.across(Caller::Anonymous)).await;
    let reason = match class_of(&anonymous) {
        ResponseClass::Denied => {
            let line = format!("{what} was accepted, though the answer shows nothing of the victim");
            let evidence = Evidence::of(Shows::CredentialAccepted, line, accepted);
            return Attack::Weak(evidence.with("without any credential it is refused", &anonymous));
        }
        ResponseClass::Success => Reason::EffectUnseen,
        ResponseClass::NotOffered | ResponseClass::Undecided => Reason::of(&anonymous),
    };
    let why =
        format!("{what} got a success without data (#{}), but an anonymous request may get the same", accepted.seq);
    Attack::Undecided(Unproven::shown(reason, why, &anonymous))
}
