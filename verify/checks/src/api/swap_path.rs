//! `api.swap-path-tenant`

use watertight_engine::{Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, Role, Spec};

use super::creating;
use super::reading::{is_marked, looking_for, pair, unmarked_pair};
use super::writing::{Where, write_across};
use crate::check::{Check, Concluded, Phase, Trial, reads, writes};
use crate::shared::{Aim, Place, Words, again, each, names_tenant, prepared_object};
use crate::verdict::Stop;

pub(crate) static CHECK: Check = Check {
    id: "api.swap-path-tenant",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-639", "CWE-284"],
    title: "The victim's tenant in the request, the attacker's credential",
    does: "Sends every operation exactly as the victim would, in the victim's place, with the attacker's own \
           credential. Writes go to disposable objects of the victim.",
    judges: "Leak: the victim's marker is in the answer, whatever its status, or the victim reads what the attacker \
             wrote, changed or destroyed. Isolated: denied, or accepted without showing or changing anything of the \
             victim's, while the victim's own request works before and after. Unproven: a control fails, or the answer is no denial (429, 5xx, \
             a redirect, a validation error).",
    origin: "isolation 30.1, guide 2: a routing matrix with the tenant swapped; OWASP API1:2023.",
    fix: "Compare the tenant in the request with the tenant that the credential proves, before anything is loaded, \
          and refuse when they differ.",
    requests: 12,
};

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    let has_own_urls = spec.tenants.windows(2).any(|two| matches!(two, [a, b] if a.url != b.url));
    let is_first = |op: &Operation| {
        // Where clients choose ids, create and replace are the same request: replace tries both.
        op.role != Role::Create
            || op.request.method != "PUT"
            || !spec.operations.iter().any(|o| o.role == Role::Replace && o.resource == op.resource)
    };
    let fits = |op: &Operation| (names_tenant(spec, op) || has_own_urls) && is_first(op);
    each(spec, &CHECK, Phase::Main, fits, |aim| match spec[aim.operation].effect {
        Effect::Read => reads(move |t| again(t, async move || read(t, aim).await)),
        Effect::Create | Effect::Change | Effect::Destroy => {
            writes(move |w| again(w.tape(), async move || write(w, aim).await))
        }
    })
}

async fn read(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let Some(resource) = op.resource else {
        return unmarked_pair(t, op, aim.attacker, &Place::within(aim.victim, &[]), &Words::default()).await;
    };
    let object = prepared_object(t, aim.victim, resource)?;
    if is_marked(t, op, &object).await? {
        pair(t, op, aim.attacker, &object).await
    } else {
        unmarked_pair(t, op, aim.attacker, &Place::of(&object), &looking_for(&object)).await
    }
}

async fn write(w: WriteTape<'_>, aim: Aim) -> Concluded {
    let op = aim.op(w.tape());
    match op.resource {
        Some(resource) if op.role == Role::Create => creating::pair(w, op, aim.pair(), resource).await,
        Some(resource) => write_across(w, op, aim.pair(), resource, Where::Theirs).await,
        // It would change what the run has not made, and what it did could be neither seen nor undone.
        None => Err(Stop::not_applicable(format!("{} changes what is no object of the spec", op.label()))),
    }
}
