//! Where credentials are presented: operations that show a principal an object of its tenant, or let it make or change one.

use watertight_engine::call::{Caller, Request};
use watertight_engine::log::Exchange;
use watertight_engine::{Seen, Tape, side_by_side};
use watertight_spec::{Effect, Ends, OperationIx, Role, Spec, Who};

use super::held::Held;
use super::until::Asked;
use crate::api::tenantless;
use crate::shared::{Place, Words, failed, is_creatable, is_turned_away, parents_for, plant, request};
use crate::token::ProtectedObject;
use crate::verdict::{Reason, ResponseClass, Stop, Unproven, class_of};

/// At most so many operations: those that come first are of several kinds.
const MOST: usize = 6;

/// A place that is open to a credential.
pub(super) struct Open {
    operation: OperationIx,
    does: Does,
}

/// What a credential opens there.
enum Does {
    /// It is shown this object.
    Shows(Box<ProtectedObject>),
    /// It may make an object here, or change the one that is here.
    Writes(Place),
}

/// What an answer says of access.
pub(super) enum Access {
    /// It is given.
    Given,
    /// It is refused.
    Refused,
    /// It can't be told.
    Unclear(Unproven),
}

impl Open {
    /// What an answer to a request there says.
    fn access(&self, answer: &Seen) -> Access {
        let is_success = class_of(answer) == ResponseClass::Success;
        let is_given = match &self.does {
            // A page of a list may have moved meanwhile: any other object of the tenant's will do.
            Does::Shows(object) => object.shown_in(answer) || answer.shows(object.object().tenant),
            Does::Writes(_) => is_success,
        };
        let is_refused = match &self.does {
            // A list may be shown with nothing in it.
            Does::Shows(_) => is_success,
            // Locked (RFC 4918 11.3), a conflict, not allowed: all of them write nothing.
            Does::Writes(_) => is_refused(answer),
        };
        match class_of(answer) {
            _ if is_given => Access::Given,
            ResponseClass::Denied => Access::Refused,
            _ if is_refused || is_turned_away(answer) => Access::Refused,
            _ => Access::Unclear(Unproven::undecided(answer)),
        }
    }

    /// Presents a credential there: an attempt, for after the act it opens nothing, or another tenant.
    ///
    /// # Errors
    /// There is nothing to make an object below.
    pub(super) async fn present(&self, t: &Tape, caller: Caller) -> Result<Asked, Stop> {
        let answer = t.send(self.request(t, caller)?.crossing()).await;
        Ok(Asked { access: self.access(&answer), answer })
    }

    /// The answer to a request that names less. Its path need not be one of the target's.
    pub(super) fn asked_with_less(&self, answer: Seen) -> Asked {
        let access = match self.access(&answer) {
            Access::Unclear(_) if is_refused(&answer) => Access::Refused,
            access => access,
        };
        Asked { access, answer }
    }

    /// The request there, as an ordinary one.
    pub(super) fn request(&self, t: &Tape, caller: Caller) -> Result<Request, Stop> {
        match &self.does {
            Does::Shows(object) => Ok(object.own(caller)),
            Does::Writes(place) => {
                let words = Words::canary(&t.canary(place.tenant));
                request(t, caller, &t.spec[self.operation], place, &words)
            }
        }
    }

    /// The same request with the tenant left out of one of the places that name it after the other.
    pub(super) fn with_fewer_names(&self, t: &Tape, caller: &Caller) -> Vec<Request> {
        let op = &t.spec[self.operation];
        match &self.does {
            // A page of a list that was reached by a link has the names that the link has.
            Does::Shows(object) if op.role == Role::Read => {
                tenantless(t, op, caller, (&Place::of(object.object()), &Words::default())).unwrap_or_default()
            }
            Does::Shows(_) | Does::Writes(_) => Vec::new(),
        }
    }
}

/// Whether a target says that it did not do it, whatever the reason (RFC 9110 15.5). Too many requests is none.
pub(super) fn is_refused(answer: &Exchange) -> bool {
    answer.status().is_some_and(|status| (400..500).contains(&status) && status != 429)
}

/// What is open to a credential of what an act ends; or why nothing is.
pub(super) async fn open_to(t: &Tape, held: &Held, ends: Ends) -> Result<Vec<Open>, Stop> {
    let mut open = Vec::new();
    let mut first = None;
    let operations = match ends {
        Ends::Held | Ends::Every => reads(&t.spec),
        Ends::Writes => writes(&t.spec),
    };
    let mut operations = operations.into_iter();
    while open.len() < MOST {
        let some = operations.by_ref().take(MOST.saturating_sub(open.len()));
        let tried = side_by_side(some.map(|operation| try_at(t, operation, (held.who, &held.caller)))).await;
        if tried.is_empty() {
            break;
        }
        for one in tried {
            match one {
                Ok(one) => open.push(one),
                Err(stop) => first = first.or(Some(stop)),
            }
        }
    }
    if !open.is_empty() {
        return Ok(open);
    }
    let why = format!("nothing is open to {} before the act", t.spec.name_of(held.who));
    // That there is nothing to try is a doubt here: the spec asks for it.
    Err(match first {
        Some(Stop::Unproven(unproven)) => unproven.about(&why),
        Some(Stop::NotApplicable(nothing)) => Unproven::new(Reason::ControlFailed, format!("{why}: {}", nothing.why)),
        None => Unproven::new(Reason::ControlFailed, why),
    }
    .into())
}

async fn try_at(t: &Tape, operation: OperationIx, (who, caller): (Who, &Caller)) -> Result<Open, Stop> {
    let (op, tenant) = (&t.spec[operation], who.tenant);
    if op.effect == Effect::Read {
        let object = ProtectedObject::find_by(t, operation, (tenant, caller.clone())).await?;
        object.control(t).await?;
        // What anyone is shown says nothing of a credential.
        let anonymous = t.send(object.own(Caller::Anonymous)).await;
        if object.shown_in(&anonymous) {
            return Err(Stop::not_applicable("anyone is shown it"));
        }
        return Ok(Open { operation, does: Does::Shows(Box::new(object)) });
    }
    let resource = op.resource.ok_or_else(|| Stop::not_applicable("it makes nothing that the run knows"))?;
    let place = match (op.role, t.writing()) {
        (Role::Create, _) => Place::within(tenant, &parents_for(t, tenant, resource)?),
        (_, Some(w)) => Place::of(&plant(w, tenant, resource).await?),
        (_, None) => return Err(Stop::not_applicable("only reads are sent")),
    };
    let open = Open { operation, does: Does::Writes(place) };
    let made = t.send(open.request(t, caller.clone())?).await;
    failed(&made).map_or(Ok(open), Err)
}

/// The first object that a principal is shown.
pub(super) async fn first_shown_to(t: &Tape, who: Who) -> Option<ProtectedObject> {
    for operation in reads(&t.spec) {
        let Ok(object) = ProtectedObject::find_by(t, operation, (who.tenant, Caller::Own(who))).await else { continue };
        if object.control(t).await.is_ok() {
            return Some(object);
        }
    }
    None
}

/// The first operation by which a principal makes an object.
pub(super) async fn first_made_by(t: &Tape, who: Who) -> Option<Open> {
    for operation in creates(&t.spec) {
        if let Ok(open) = try_at(t, operation, (who, &Caller::Own(who))).await {
            return Some(open);
        }
    }
    None
}

/// Operations that show objects, items before lists.
fn reads(spec: &Spec) -> Vec<OperationIx> {
    let of = |role: Role| {
        spec.operation_ixs().filter(move |operation| {
            let op = &spec[*operation];
            op.effect == Effect::Read && op.role == role && op.resource.is_some()
        })
    };
    of(Role::Read).chain(of(Role::List)).collect()
}

/// Operations that make objects, and then those that change one.
fn writes(spec: &Spec) -> Vec<OperationIx> {
    let changes = |operation: &OperationIx| {
        let op = &spec[*operation];
        let is_made = op.resource.is_some_and(|resource| is_creatable(spec, resource));
        is_made && op.effect == Effect::Change && matches!(op.role, Role::Replace | Role::Patch | Role::Custom)
    };
    creates(spec).into_iter().take(MOST / 2).chain(spec.operation_ixs().filter(changes)).collect()
}

/// Operations that make objects, by an id of the target's choice.
fn creates(spec: &Spec) -> Vec<OperationIx> {
    let makes = |operation: &OperationIx| {
        let op = &spec[*operation];
        let resource = op.resource.filter(|resource| is_creatable(spec, *resource));
        op.role == Role::Create && resource.is_some_and(|resource| !op.request.objects().contains(&resource))
    };
    spec.operation_ixs().filter(makes).collect()
}
