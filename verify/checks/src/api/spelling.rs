//! `api.path-spelling`

use std::collections::BTreeSet;

use watertight_engine::Tape;
use watertight_engine::call::encode;
use watertight_model::{Severity, Surface};
use watertight_spec::{Operation, Spec, Symbol};

use super::attempts::{attempt_all, by_attacker, goal, is_plainly_shut, is_tried};
use crate::bracket;
use crate::check::{Check, Concluded, Phase, Target, Trial, reads};
use crate::shared::{Aim, again, at, each, tenant_name};
use crate::verdict::Stop;

pub(crate) static CHECK: Check = Check {
    id: "api.path-spelling",
    surface: Surface::Api,
    severity: Severity::High,
    cwe: &["CWE-41", "CWE-22", "CWE-178"],
    title: "The victim's tenant in the path, spelled otherwise",
    does: "Lists and reads in the victim's place with the attacker's credential, the tenant in other case, \
           percent-encoded once and twice, behind dot segments and doubled slashes, with trailing characters.",
    judges: "Leak: an answer shows the victim's marker. Isolated: all were refused (any 4xx), or led nowhere; \
             redirects are followed. Unproven: a control fails, an attempt got no answer, a 429 or a 5xx, or a \
             simpler request opens it already.",
    origin: "Oathkeeper CVE-2026-33494, Istio-2021-005: the path that is decided on is not the path that is served.",
    fix: "Normalise the path once, refuse what is ambiguous, and let decision and routing use the same result.",
    requests: 34,
};

pub(crate) fn trials(spec: &Spec) -> Vec<Trial> {
    let fits = |op: &Operation| is_tried(spec, op) && op.request.path.mentions(&Symbol::Tenant);
    each(spec, &CHECK, Phase::Main, at(Target::TenantId, fits), |aim| {
        reads(move |t| again(t, async move || respell(t, aim).await))
    })
}

async fn respell(t: &Tape, aim: Aim) -> Concluded {
    let op = aim.op(t);
    let open = bracket::open(async || goal(t, op, aim).await).await?;
    let found = open.held();
    is_plainly_shut(t, op, aim, found).await?;
    let (mine, theirs) = (tenant_name(&t.spec, aim.attacker), tenant_name(&t.spec, aim.victim));
    let requests = spellings(mine, theirs)
        .into_iter()
        .map(|spelling| by_attacker(t, op, aim, &found.theirs.clone().spelled(spelling), &found.words))
        .collect::<Result<Vec<_>, Stop>>()?;
    let outcome = attempt_all(t, op, requests, &[aim.victim]).await?;
    open.attack(outcome).close().await
}

/// Everything that a careless reader takes for `theirs`, other than itself. Sent as it is.
fn spellings(mine: &str, theirs: &str) -> Vec<String> {
    let (own, plain) = (encode(mine), encode(theirs));
    let (first, rest) = theirs.split_at(theirs.chars().next().map_or(0, char::len_utf8));
    let hex = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let encoded = format!("{}{}", hex(first), encode(rest));
    let mut all = vec![
        theirs.to_uppercase(),
        theirs.to_lowercase(),
        encoded.to_lowercase(),
        encoded.replace('%', "%25"),
        encoded,
        hex(theirs),
        format!("./{plain}"),
        format!("x/../{plain}"),
        format!("{own}/../{plain}"),
        format!("{own}/%2e%2e/{plain}"),
        format!("{own}/..%2f{plain}"),
        format!("{own}%2f..%2f{plain}"),
        format!("{own}/..;/{plain}"),
        format!("{own}%5c..%5c{plain}"),
        format!("/{plain}"),
        format!("{plain}/"),
        format!("{plain}/."),
        format!("{plain}."),
        format!("{plain};x"),
        format!("{plain};tenant={own}"),
        format!("{plain}%20"),
        format!("%20{plain}"),
        format!("{plain}%00"),
        format!("{plain}%09"),
        format!("{own},{plain}"),
        format!("{plain}%3f"),
        format!("{plain}%23"),
    ];
    all.retain(|spelling| *spelling != plain && *spelling != own);
    let mut seen = BTreeSet::new();
    all.retain(|spelling| spelling.is_ascii() && !spelling.contains(' ') && seen.insert(spelling.clone()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_is_the_tenant_itself_and_none_comes_twice() {
        let all = spellings("north", "South");
        assert!(all.iter().all(|s| s != "South" && s != "north"), "{all:?}");
        assert!(
            ["SOUTH", "south", "%53outh", "%2553outh", "north/../South", "/South", "South%00"]
                .iter()
                .all(|wanted| all.iter().any(|s| s == wanted))
        );
        let unique: BTreeSet<_> = all.iter().collect();
        assert_eq!(unique.len(), all.len());
    }
}
