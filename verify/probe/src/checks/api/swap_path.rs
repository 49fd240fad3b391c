//! `api.swap-path-tenant`

use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, Role, Spec};

use super::creating;
use super::reading::{is_marked, looking_for, pair, unmarked_pair};
use super::writing::{Where, strike};
use crate::check::{About, Check, Phase};
use crate::checks::kit::{Aim, Place, Words, attack, each, leak, names_tenant, own, request, sends, standing, succeed};
use crate::judge::{self, Answer, Verdict};
use crate::tape::{Halt, Tape};

pub(crate) static ABOUT: About = About {
    id: "api.swap-path-tenant",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-639", "CWE-284"],
    title: "The victim's tenant in the request, the attacker's credential",
    does: "Sends every operation exactly as the victim would, in the victim's place, with the attacker's own \
           credential. Writes go to disposable objects of the victim.",
    judges: "Leak: the victim's marker is in the answer, whatever its status, or the victim reads what the attacker \
             wrote, changed or destroyed. Isolated: denied, or let in to nothing of the victim's, while the victim's \
             own request works before and after. Unproven: a control fails, or the answer is no denial (429, 5xx, \
             a redirect, a validation error).",
    origin: "Seed: a routing matrix with the tenant swapped; OWASP API1:2023.",
    mend: "Compare the tenant in the request with the tenant that the credential proves, before anything is loaded, \
           and refuse when they differ.",
};

pub(crate) fn instances(spec: &Spec) -> Vec<Check> {
    let has_own_urls = spec.tenants.windows(2).any(|two| matches!(two, [a, b] if a.url != b.url));
    let is_first = |op: &Operation| {
        // Where clients choose ids, create and replace are the same request: replace tries both.
        op.role != Role::Create
            || op.request.method != "PUT"
            || !spec.operations.iter().any(|o| o.role == Role::Replace && o.resource == op.resource)
    };
    each(spec, &ABOUT, Phase::Main, probe, |op| (names_tenant(spec, op) || has_own_urls) && is_first(op), sends)
}

fn probe(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let whom = (aim.attacker, aim.victim);
    match (op.role, op.resource) {
        (Role::Create, Some(resource)) => creating::pair(t, op, whom, resource),
        (_, Some(resource)) if op.effect == Effect::Read => {
            let object = standing(t, aim.victim, resource)?;
            if is_marked(t, op, &object)? {
                pair(t, op, aim.attacker, &object)
            } else {
                unmarked_pair(t, op, aim.attacker, &Place::of(&object), &looking_for(&object))
            }
        }
        (_, Some(resource)) => strike(t, op, whom, resource, Where::Theirs),
        (_, None) if op.effect == Effect::Read => {
            unmarked_pair(t, op, aim.attacker, &Place::within(aim.victim, &[]), &Words::default())
        }
        (_, None) => bare(t, op, aim),
    }
}

/// An operation that changes something which is no object of the spec: only a denial decides.
fn bare(t: &Tape<'_>, op: &Operation, aim: Aim) -> Result<Verdict, Halt> {
    if op.effect == Effect::Destroy {
        return Err(Halt::NotApplicable("it would destroy what the run has not made".into()));
    }
    let words = Words::nonce(&t.unique());
    let by_owner = request(t, own(t, aim.victim)?, op, &Place::within(aim.victim, &[]), &words)?;
    succeed(t, by_owner.clone(), aim.victim)?;
    let answer = t.send(attack(t, &by_owner, aim.attacker)?)?;
    if let Some(verdict) = leak(t, answer, aim.victim) {
        return Ok(verdict);
    }
    succeed(t, by_owner, aim.victim)?;
    Ok(match judge::answer(answer) {
        Answer::Denied => Verdict::Isolated,
        Answer::Success => Verdict::Unproven(format!("succeeded, and what it does can't be seen: {}", answer.line())),
        Answer::NotOffered | Answer::Undecided => Verdict::Unproven(judge::why_undecided(answer)),
    })
}
