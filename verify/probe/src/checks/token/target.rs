//! Where a token that must be refused is presented: an operation that shows a standing object to its owner.
//!
//! The bracket is the same for every attack: the owner sees its object, the attacks go out as the same bytes with
//! another credential, the owner sees its object again.

use watertight_spec::{Effect, Operation, Role, Spec};

use crate::checks::kit;
use crate::judge::{Answer, Evidence, Verdict, answer, why_undecided};
use crate::request::{Caller, Request, Who};
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::Object;

/// Operations at which tokens are tried, as indices: at most one that names the tenant outside the token, and at most
/// one that leaves it to the token. More would try the same validator again.
pub(super) fn operations(spec: &Spec) -> Vec<usize> {
    let first = |wanted: &dyn Fn(&Operation) -> bool| {
        spec.operations.iter().position(|op| reads(op) && is_root(spec, op) && wanted(op))
    };
    let named = |op: &Operation| kit::names_tenant(spec, op);
    let by_name =
        first(&|op| op.role == Role::Read && named(op)).or_else(|| first(&|op| op.role == Role::List && named(op)));
    // By the token alone: a list, for an id may exist in several tenants.
    let by_token = first(&|op| op.role == Role::List && !named(op));
    [by_name, by_token].into_iter().flatten().collect()
}

fn reads(operation: &Operation) -> bool {
    operation.effect == Effect::Read && operation.request.method == "GET"
}

fn is_root(spec: &Spec, operation: &Operation) -> bool {
    operation.resource.and_then(|r| spec.resources.get(r)).is_some_and(|r| r.parent.is_none())
}

/// How findings name an operation.
pub(super) fn label(spec: &Spec, operation: usize) -> String {
    spec.operations.get(operation).map_or_else(|| "?".to_owned(), Operation::label)
}

/// A standing object, and the request with which its owner has just seen it.
pub(super) struct Target {
    object: Object,
    request: Request,
}

impl Target {
    /// The opening control: the owner's default caller sees its object through this very operation.
    pub(super) fn open(t: &Tape<'_>, operation: usize, owner: usize) -> Result<Self, Halt> {
        Self::open_as(t, operation, t.caller(owner)?)
    }

    /// The same with a particular principal of the owner.
    pub(super) fn open_as(t: &Tape<'_>, operation: usize, who: Who) -> Result<Self, Halt> {
        let spec: &Spec = t.spec;
        let missing = || Halt::NotApplicable("there is no operation that shows an object".into());
        let op = spec.operations.get(operation).ok_or_else(missing)?;
        let object = kit::standing(t, who.tenant, op.resource.ok_or_else(missing)?)?;
        let request = kit::request(t, Caller::Own(who), op, &kit::Place::of(&object), &kit::Words::default())?;
        if op.role != Role::List {
            kit::control(t, request.clone(), &object)?;
            return Ok(Self { object, request });
        }
        let first = kit::first_page(spec, op, request);
        let pages = kit::walk(t, op, first.clone(), |page| kit::shows(page, &object))?.pages;
        match pages.iter().find(|page| kit::shows(page, &object)) {
            // The page that shows it is asked for again, as any control.
            Some(page) => {
                let request = Request { target: own_path(spec, who.tenant, &page.request.target), ..first };
                kit::control(t, request.clone(), &object)?;
                Ok(Self { object, request })
            }
            None => Err(unseen(pages.last().copied())),
        }
    }

    /// The closing control: the owner still sees it.
    pub(super) fn close<'t>(&self, t: &Tape<'t>) -> Result<&'t Exchange, Halt> {
        kit::control(t, self.request.clone(), &self.object)
    }

    /// The same bytes with another credential of the owner's own.
    pub(super) fn own(&self, caller: Caller) -> Request {
        Request { caller, ..self.request.clone() }
    }

    /// Whether an answer shows the object.
    pub(super) fn shown_in(&self, exchange: &Exchange) -> bool {
        kit::shows(exchange, &self.object)
    }
}

/// A path without the base that the tenant's URL puts before it.
fn own_path(spec: &Spec, tenant: usize, sent: &str) -> String {
    let base = spec.tenants.get(tenant).map(|t| t.url.path().trim_end_matches('/')).unwrap_or_default();
    sent.strip_prefix(base).unwrap_or(sent).to_owned()
}

fn unseen(page: Option<&Exchange>) -> Halt {
    let Some(page) = page else { return Halt::Unproven("the list has no page".into()) };
    match answer(page) {
        Answer::NotOffered => Halt::NotApplicable(format!("not offered: {}", page.line())),
        Answer::Denied => Halt::Unproven(format!("the owner itself was denied: {}", page.line())),
        Answer::Undecided => Halt::Unproven(format!("control: {}", why_undecided(page))),
        Answer::Success => Halt::Unproven(format!("the owner does not see its own marker: {}", page.line())),
    }
}

/// A credential that must not open the object, and how people read it.
pub(super) struct Attempt {
    /// For people: `a token that …`.
    pub(super) what: String,
    /// The credential.
    pub(super) caller: Caller,
}

/// What came of attempts so far.
#[derive(Default)]
pub(super) struct Tried {
    leak: Option<Evidence>,
    accepted: Option<(String, u64)>,
    undecided: Option<String>,
    /// The listener's calls, with the exchange after which they were first seen.
    pub(super) called: Option<Evidence>,
}

impl Tried {
    /// Presents a credential at the target, as an attempt to cross.
    pub(super) fn present(&mut self, t: &Tape<'_>, target: &Target, attempt: Attempt) -> Result<(), Halt> {
        if self.leak.is_some() {
            return Ok(());
        }
        let Attempt { what, caller } = attempt;
        let exchange = t.send(target.request.across(caller))?;
        self.note_calls(exchange);
        if let Some(shown) = kit::foreign(t, exchange, target.object.tenant) {
            self.leak = Some(Evidence::of(format!("{what} was given {shown}"), exchange));
            return Ok(());
        }
        match answer(exchange) {
            Answer::Denied => {}
            // A token that is no good may be refused for its form (RFC 6750 3.1, invalid_request).
            Answer::Undecided if exchange.status() == Some(400) => {}
            Answer::Success if self.accepted.is_none() => self.accepted = Some((what, exchange.seq)),
            Answer::Success => {}
            Answer::Undecided | Answer::NotOffered => {
                self.undecided.get_or_insert_with(|| why_undecided(exchange));
            }
        }
        Ok(())
    }

    /// Remembers the first exchange that came with a call to the verifier's listener.
    pub(super) fn note_calls(&mut self, exchange: &Exchange) {
        if self.called.is_none() && !exchange.callbacks.is_empty() {
            let line = format!("the target fetched a URL that an attacker chose: {}", exchange.callbacks.join(", "));
            self.called = Some(Evidence::of(line, exchange));
        }
    }

    /// The closing control and the verdict.
    pub(super) fn conclude(mut self, t: &Tape<'_>, target: &Target) -> Result<Verdict, Halt> {
        if let Some(evidence) = self.leak {
            return Ok(Verdict::Leak(evidence));
        }
        let accepted = match self.accepted.take() {
            Some((what, seq)) => Some(accepted_at_all(t, target, &what, seq)?),
            None => None,
        };
        let closing = target.close(t);
        if let Ok(exchange) = &closing {
            self.note_calls(exchange);
        }
        match (self.called, closing, accepted, self.undecided) {
            (Some(evidence), ..) => Ok(Verdict::Advisory(evidence)),
            (None, Err(halt), ..) => Err(halt),
            (None, Ok(_), Some(verdict), _) => Ok(verdict),
            (None, Ok(_), None, Some(why)) => Err(Halt::Unproven(why)),
            (None, Ok(_), None, None) => Ok(Verdict::Isolated),
        }
    }
}

/// A success without the object: a weakness, if the operation asks for a credential at all.
fn accepted_at_all(t: &Tape<'_>, target: &Target, what: &str, seq: u64) -> Result<Verdict, Halt> {
    let anonymous = t.send(target.request.across(Caller::Anonymous))?;
    Ok(match answer(anonymous) {
        Answer::Denied => {
            let line = format!("{what} was accepted, though the answer shows nothing of the victim");
            let refused = format!("without any credential it is refused: {}", anonymous.line());
            Verdict::Advisory(Evidence { lines: vec![line, refused], exchanges: vec![seq, anonymous.seq] })
        }
        _ => Verdict::Unproven(format!(
            "{what} got a success without data (#{seq}), and so may anyone: {}",
            anonymous.line()
        )),
    })
}
