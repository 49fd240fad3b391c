//! `oracle.existence`

mod alike;
mod beside;
mod own;

use watertight_engine::Tape;
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, IdSource, Operation, ResourceIx, Role, Spec, Symbol};

use crate::check::{Check, Concluded, Phase, Target, Trial, plants, writes};
use crate::shared::{Aim, again, each, named_besides, names_tenant, parent_of};
use crate::verdict::{Stop, Verdict};

pub(crate) static CHECK: Check = Check {
    id: "oracle.existence",
    surface: Surface::Oracle,
    severity: Severity::Medium,
    cwe: &["CWE-203", "CWE-204"],
    title: "A foreign object is answered exactly like one that does not exist",
    does: "Asks in turn for the victim's objects and for ids of the same form that never existed, in the attacker's own \
           place and in the victim's, and compares status, headers and body without what was sent itself. So with every \
           request that names an object, one id at a time: reads, lists and views that name another one, and, at objects \
           that are made for this, whatever replaces, changes, deletes, creates or operates on one.",
    judges: "Leak: something in the answers is the same for all foreign ids, the same for all that never existed, and \
             differs between them, each time: three times where an object is read, else twice (an advisory where clients \
             choose the ids). What the reading of that object tells as well is no finding of its own. Isolated: there \
             is no such difference. Unproven: a control fails, or an answer is no denial.",
    origin: "guide 2: explicit failures, not silent leakage. RFC 9110 15.5.5: 404 may be sent for 403.",
    fix: "Answer both from the same lookup by tenant and id, with one and the same denial.",
    requests: 21,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    each(
        spec,
        &CHECK,
        Phase::Main,
        |op| targets(spec, op),
        |aim| match spec[aim.operation].effect {
            Effect::Read => plants(move |t| again(t, async move || try_all(t, aim).await)),
            Effect::Create | Effect::Change | Effect::Destroy => {
                writes(move |w| again(w.tape(), async move || try_all(w.tape(), aim).await))
            }
        },
    )
}

/// Whose id is tried.
#[derive(Clone, Copy)]
enum IdOf {
    /// The one that a request concerns.
    Own(ResourceIx),
    /// One of this kind besides, or above what is listed or created.
    Besides(ResourceIx),
}

/// What is the victim's, or never existed: for the object that a request concerns also in the victim's place.
fn targets(spec: &Spec, op: &Operation) -> Vec<Target> {
    let named = if op.resource.is_some() { tried(spec, op) } else { Vec::new() };
    let in_place = named.iter().any(|one| matches!(one, IdOf::Own(_))) && names_tenant(op);
    let objects = named.into_iter().map(|(IdOf::Own(kind) | IdOf::Besides(kind))| Target::Object(kind));
    objects.chain(in_place.then_some(Target::Tenant)).collect()
}

fn tried(spec: &Spec, op: &Operation) -> Vec<IdOf> {
    let own = op.resource.filter(|own| op.request.mentions(&Symbol::Object(*own)));
    // The parent in the path of an object says where that is.
    let place = parent_of(spec, op).filter(|parent| own.is_some() && op.request.path.objects().contains(parent));
    let besides = named_besides(spec, op).into_iter().filter(|kind| Some(*kind) != place).map(IdOf::Besides);
    // Where clients choose ids, what replaces creates as well: a name that is taken is for `oracle.name-taken`.
    let is_put = |own: &ResourceIx| op.role == Role::Replace && spec[*own].ids == IdSource::Client;
    let own = own.filter(|own| op.role != Role::Create && !is_put(own)).map(IdOf::Own);
    own.into_iter().chain(besides).collect()
}

/// One id after the other, until one tells something. Where one can't be tried, the whole is not isolated.
async fn try_all(t: &Tape, aim: Aim) -> Concluded {
    let mut concluded = None;
    for named in tried(&t.spec, aim.op(t)) {
        let told = match named {
            IdOf::Own(resource) => own::try_it(t, aim, resource).await,
            IdOf::Besides(kind) => beside::try_it(t, aim, kind).await,
        };
        match &told {
            Ok(Verdict::Isolated(_)) => concluded = concluded.or(Some(told)),
            Err(Stop::NotApplicable(_)) => concluded = Some(told),
            _ => return told,
        }
    }
    concluded.unwrap_or_else(|| Err(Stop::not_applicable("it names no object")))
}
