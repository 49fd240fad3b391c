//! `api.swap-path-tenant`

use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Operation, Role, Spec};

use super::creating;
use super::reading::{is_marked, looking_for, pair, unmarked_pair};
use super::writing::{Where, strike};
use crate::check::{About, Check, Phase};
use crate::checks::kit::{Aim, Place, Words, each, names_tenant, sends, standing};
use crate::judge::Verdict;
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
        // It would change what the run has not made, and what it did could be neither seen nor undone.
        (_, None) => Err(Halt::NotApplicable(format!("{} changes what is no object of the spec", op.label()))),
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::testbed::{Switch, Testbed};
    use crate::checks::{api, cache, oracle};
    use crate::judge::Verdict;
    use crate::trace::What;

    /// Requests other than readings whose path ends so.
    fn changes(bed: &Testbed, path: &str) -> Vec<String> {
        let exchanges = bed.events.iter().filter_map(|event| match &event.what {
            What::Exchange(exchange) => Some(&exchange.request),
            What::Waited { .. } => None,
        });
        exchanges.filter(|r| r.method != "GET" && r.target.contains(path)).map(|r| r.target.clone()).collect()
    }

    #[test]
    fn a_change_that_concerns_no_resource_is_never_tried() {
        let mut bed = Testbed::new(&[Switch::SpecWithSettings]);
        let concluded = bed.run(api::kinds(), |check| check.operation.contains("/settings"));
        assert!(!concluded.is_empty());
        for one in concluded {
            assert!(matches!(&one.verdict, Verdict::NotApplicable(why) if why.contains("settings")), "{one:?}");
        }
        assert_eq!(changes(&bed, "/settings"), Vec::<String>::new());
    }

    #[test]
    fn where_objects_exist_none_is_created_or_changed_though_the_spec_says_how() {
        let mut bed = Testbed::new(&[Switch::SpecCreatesExisting]);
        assert_eq!(bed.world.failures, []);
        let all = [api::kinds(), cache::kinds(), oracle::kinds()].into_iter().flatten().collect();
        let concluded = bed.run(all, |check| check.operation.contains("/users"));
        assert!(concluded.iter().any(|one| one.operation.starts_with("POST")), "{concluded:?}");
        assert_eq!(changes(&bed, "/users"), Vec::<String>::new());
    }
}
