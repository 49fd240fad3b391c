//! `api.swap-path-tenant`

use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, Role, Spec};

use super::attempts::{by_attacker, namings};
use super::creating;
use super::reading::{is_marked, looking_for, pair, unmarked_pair};
use super::several::slot_taken;
use super::writing::{Where, in_own_place, write_across};
use crate::check::{Check, Concluded, Phase, Target, Trial, plants, reads, writes};
use crate::shared::{
    Aim, Named, Place, Words, again, at, each, is_creatable, leak, plant_under, prepared_object, remove,
};
use crate::verdict::{Reason, Stop, Unproven, Verdict};

pub(crate) static CHECK: Check = Check {
    id: "api.swap-path-tenant",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-639", "CWE-284"],
    title: "The victim's tenant in the request, the attacker's credential",
    does: "Sends every operation exactly as the victim would, in the victim's place, with the attacker's own \
           credential. Writes go to disposable objects of the victim. Where a request names its tenant in several parts \
           (host, path, query, header, cookie, body), also with the victim in one of them at a time and the attacker in \
           the others.",
    judges: "Leak: the victim's marker is in the answer, whatever its status, or the victim reads what the attacker \
             wrote, changed or destroyed. Isolated: denied, or accepted without showing or changing anything of the \
             victim's, while the victim's own request works before and after. Unproven: a control fails, the answer is no denial (429, 5xx, \
             a redirect to elsewhere than where anyone is sent to log in, a validation error), the victim's list can't be read to the end \
             after a create, or the victim's id alone opens it already.",
    origin: "isolation 30.1, guide 2: a routing matrix with the tenant swapped; isolation 7.3: two places that name \
             different tenants; OWASP API1:2023.",
    fix: "Compare the tenant in the request with the tenant that the credential proves, before anything is loaded, \
          and refuse when they differ.",
    requests: 18,
};

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    let is_first = |op: &Operation| {
        // Where clients choose ids, create and replace are the same request: replace tries both.
        op.role != Role::Create
            || op.request.method != "PUT"
            || !spec.operations.iter().any(|o| o.role == Role::Replace && o.resource == op.resource)
    };
    // Many that it does not name are for `api.change-own`.
    let is_of_many = |op: &Operation| op.resource.is_none() && !op.changes.is_empty();
    let fits = |op: &Operation| !spec.ways(op.ix).is_empty() && is_first(op) && !is_of_many(op);
    each(spec, &CHECK, Phase::Main, at(Target::Tenant, fits), |aim| match spec[aim.operation].effect {
        // Numbers are compared while no other trial writes.
        Effect::Read if spec[aim.operation].role == Role::Count => plants(move |t| {
            again(t, async move || {
                let _quiet = t.quiet(t.spec.tenant_ixs()).await;
                in_turn(t, aim, async |named| read(t, aim, named).await).await
            })
        }),
        Effect::Read => {
            reads(move |t| again(t, async move || in_turn(t, aim, async |named| read(t, aim, named).await).await))
        }
        Effect::Create | Effect::Change | Effect::Destroy => writes(move |w| {
            again(w.tape(), async move || in_turn(w.tape(), aim, async |named| write(w, aim, named).await).await)
        }),
    })
}

/// One part of the request after the other, then all of them: what one of them is enough for is told of that one.
async fn in_turn(t: &Tape, aim: Aim, attack: impl AsyncFn(Named) -> Concluded) -> Concluded {
    let mut doubt = None;
    let mut last = Err(Stop::not_applicable("no part of the request names a tenant"));
    for named in namings(&t.spec, aim) {
        match (attack(named).await?, named) {
            (Verdict::Leak(evidence), Named::In(way, _)) => {
                let line = format!("{} alone names the victim", way.label(&aim.op(t).request));
                return Ok(Verdict::Leak(evidence.further(line)));
            }
            (Verdict::Unproven(unproven), _) => doubt = doubt.or(Some(unproven)),
            (verdict, _) => last = Ok(verdict),
        }
    }
    match (last, doubt) {
        (Ok(Verdict::Leak(evidence)), _) => Ok(Verdict::Leak(evidence)),
        (_, Some(doubt)) => Err(doubt.into()),
        (concluded, None) => concluded,
    }
}

async fn read(t: &Tape, aim: Aim, named: Named) -> Concluded {
    let op = aim.op(t);
    let Some(resource) = op.resource else {
        return unmarked_pair(t, op, aim.attacker, &Place::within(aim.victim, &[]), (&Words::default(), named)).await;
    };
    let object = prepared_object(t, aim.victim, resource)?;
    if named != Named::Everywhere {
        is_shut_to_its_id(t, op, aim, &object).await?;
    }
    if is_marked(t, op, &object).await? {
        pair(t, op, aim.attacker, &object, named).await
    } else {
        let words = looking_for(&object);
        let compare = async || unmarked_pair(t, op, aim.attacker, &Place::of(&object), (&words, named)).await;
        match compare().await {
            Ok(Verdict::Unproven(doubt)) if doubt.reason == Reason::EffectUnseen => {
                with_one_more(t, aim, &object, doubt, compare).await
            }
            told => told,
        }
    }
}

/// Two tenants that have as many are told the same number: once more, with one more of the victim's.
async fn with_one_more(
    t: &Tape,
    aim: Aim,
    object: &Object,
    doubt: Unproven,
    compare: impl AsyncFn() -> Concluded,
) -> Concluded {
    let Some(w) = t.writing().filter(|_| is_creatable(&t.spec, object.resource)) else {
        return Ok(Verdict::Unproven(doubt));
    };
    let further = plant_under(w, aim.victim, object.resource, &object.parents).await?;
    let told = compare().await;
    remove(w, &further).await?;
    told
}

/// The victim's id alone opens nothing, in the attacker's own place: else no part of the request has a share in it.
async fn is_shut_to_its_id(t: &Tape, op: &Operation, aim: Aim, object: &Object) -> Result<(), Stop> {
    let plain = by_attacker(t, op, aim, &in_own_place(t, aim.attacker, object), &looking_for(object))?;
    let seen = t.send(plain).await;
    match leak(t, &seen, aim.victim) {
        None => Ok(()),
        Some(_) => {
            let detail = "the victim's id alone opens it already (see api.swap-item)";
            Err(Unproven::shown(Reason::PlainRequestLeaks, detail, &seen).into())
        }
    }
}

async fn write(w: WriteTape<'_>, aim: Aim, named: Named) -> Concluded {
    let op = aim.op(w.tape());
    match op.resource {
        Some(resource) if op.role == Role::Create => creating::pair(w, op, aim.pair(), resource, named).await,
        Some(resource) => {
            let whose = match named {
                Named::Everywhere => Where::Theirs,
                Named::In(way, _) => Where::Between(way),
            };
            // One object in all places may be no request that anyone sends: a page below itself.
            let slot = slot_taken(w, op, aim.victim, resource).await?;
            write_across(w, op, aim.pair(), resource, whose, slot).await
        }
        // It would change what the run has not made, and what it did could be neither seen nor undone.
        None => Err(Stop::not_applicable(format!("{} changes what is no object of the spec", op.label()))),
    }
}
